"""A wall clock that a test moves (tests/chaos/clock_shim.cpp)."""

import pathlib
import shutil
import struct
import subprocess


class SteppedClock:
    """The wall clock of one server, moved while it runs."""

    def __init__(self, folder):
        compiler = shutil.which("g++")
        if not compiler:
            raise RuntimeError("there is no compiler for the clock's shim")
        self.file, shim = folder / "clock-step", folder / "clock_shim.so"
        source = pathlib.Path(__file__).parents[1] / "chaos" / "clock_shim.cpp"
        subprocess.run([compiler, "-std=c++20", "-O1", "-shared", "-fPIC", "-o", shim, source], check=True)
        self.file.write_bytes(struct.pack("<q", 0))
        self.environment = {"LD_PRELOAD": str(shim), "CLOCK_STEP_FILE": str(self.file)}

    def step(self, by):
        """Seconds away from the true time."""
        with open(self.file, "r+b") as file:
            file.write(struct.pack("<q", by))
