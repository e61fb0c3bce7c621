"""Starts and stops the real binary, for tests: a free port, a data folder of its own."""

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("MARKET_BINARY", ROOT / "build/release/market"))
ADMIN_EMAIL = "admin@market.example"
ADMIN_PASSWORD = "granite otter 4711 lamp"
SANITIZED = any(word in str(BINARY) for word in ("asan", "tsan"))
# Sanitized builds are slower by a factor.
PATIENCE = float(os.environ.get("MARKET_PATIENCE", "1"))


def free_port():
    """A port nobody listens on, and that no connection takes meanwhile: below those that Linux gives away."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.SystemRandom().randrange(10_000, 32_000)))
            return probe.getsockname()[1]


def logged(path, text, seconds=5.0):
    """A log once it has `text`, or as it is after `seconds`: lines are written behind the answers."""
    deadline = time.monotonic() + seconds * PATIENCE
    while text not in (log := path.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return log


class Market:
    """One `market serve` process. Use as a context manager, or start() and stop()."""

    def __init__(
        self, data, *settings, listen=None, host="127.0.0.1", flags=(), environment=None, preexec=None
    ):
        self.data = pathlib.Path(data)
        self.port = listen or free_port()
        self.host = host
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings
        self.flags = flags
        self.preexec = preexec
        self.environment = environment or {}
        self.process = None
        self.ready_line = None
        self.ready_seconds = None
        self.log_path = self.data.parent / (self.data.name + ".log")

    def command(self, command):
        """For those who run the server under something else."""
        return command

    def start(self, seconds=20.0):
        command = [BINARY, "serve", "--data", self.data, "--listen", f"{self.host}:{self.port}", *self.flags]
        for setting in self.settings:
            command += ["--set", setting]
        environment = {
            **os.environ,
            "MARKET_ADMIN_EMAIL": ADMIN_EMAIL,
            "MARKET_ADMIN_PASSWORD": ADMIN_PASSWORD,
            **self.environment,
        }
        began = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(command),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
                preexec_fn=self.preexec,
            )
        alarm = threading.Timer(seconds * PATIENCE, self.process.kill)
        alarm.start()
        self.ready_line = self.process.stdout.readline()
        alarm.cancel()
        self.ready_seconds = time.monotonic() - began
        if not re.match(r"market is ready: https?://", self.ready_line):
            code = self.process.wait()
            raise RuntimeError(f"no ready line (exit {code}): {self.ready_line!r} {self.log_tail()}")
        return self

    def logged(self, text):
        return logged(self.log_path, text)

    def log_tail(self):
        return self.log_path.read_text(errors="replace")[-1500:]

    def stop(self, seconds=20.0):
        """SIGTERM, and the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(
                f"SIGTERM did not end the server within {seconds} s: {self.log_tail()}"
            ) from None

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.kill()


def run(*arguments, seconds=60.0, environment=None):
    """A subcommand to its end."""
    return subprocess.run(
        [BINARY, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds * PATIENCE,
        env={**os.environ, **(environment or {})},
    )
