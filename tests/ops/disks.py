"""What the tests of this folder do with file systems."""

import contextlib
import os
import pathlib
import subprocess

import pytest


def mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mounts are not allowed here: {done.stderr.strip()}")


def state_of(folder):
    """Every file with its bytes and times: whatever only looks leaves it as it was."""
    return {
        str(path.relative_to(folder)): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    } | {".": os.stat(folder).st_mtime_ns}


@contextlib.contextmanager
def filled(folder, leave=0):
    """Not a byte more fits onto the file system but `leave`."""
    filler = pathlib.Path(folder) / "filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    if leave:
        os.truncate(filler, max(0, filler.stat().st_size - leave))
    try:
        yield filler
    finally:
        filler.unlink(missing_ok=True)
