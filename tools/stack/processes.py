"""Processes that outlive the command that started them: one file PIDS/NAME.pid each, found again by it."""

import contextlib
import fcntl
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

LOOPBACK = "127.0.0.1"


class Trouble(Exception):
    """What the operator reads: one line."""


def start_of(pid):
    """When the process began, in the kernel's ticks; none: there is no such process (a zombie is none)."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(wanted=0, taken=()):
    """`wanted` if nobody has it, else any that no connection takes meanwhile: below those that Linux gives
    away."""
    if wanted and wanted not in taken and is_free(wanted):
        return wanted
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        if port not in taken and is_free(port):
            return port


def answers(port):
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def talks(port, question):
    """The kernel accepts for a process that hangs, too: only what it says shows that it works."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(question)
            return bool(connection.recv(1))
    except OSError:
        return False


@contextlib.contextmanager
def alone(path):
    """Of several commands on one folder one at a time; the others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Process:
    """One process by its name. Its pid file holds the pid and, so that no other process is taken for it, when
    it began."""

    def __init__(self, folder, name):
        self.name = name
        self.pid_file = pathlib.Path(folder, "pids", name + ".pid")
        self.mark = pathlib.Path(folder, "pids", "." + name + ".began")
        self.lock = pathlib.Path(folder, "pids", "." + name + ".lock")
        self.log = pathlib.Path(folder, "logs", name + ".log")

    def pid(self):
        """None: it does not run."""
        try:
            pid = int(self.pid_file.read_text())
            began = self.mark.read_text()
        except (OSError, ValueError):
            return None
        return pid if start_of(pid) == began else None

    def start(self, command, environment=None, cwd=None):
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                env={**os.environ, **(environment or {})}, start_new_session=True)
        self.mark.write_text(start_of(started.pid) or "")
        self.pid_file.write_text(f"{started.pid}\n")
        return started

    def wait_until(self, healthy, seconds=60):
        """`healthy` answers true once it serves."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if healthy():
                return
            if self.pid() is None:
                raise Trouble(f"{self.name} ended by itself: {self.last_line()} (see {self.log})")
            time.sleep(0.05)
        raise Trouble(f"{self.name} does not serve after {seconds} s (see {self.log})")

    def said(self, words):
        return self.log.exists() and words in self.log.read_text(errors="replace")

    def last_line(self):
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return lines[-1].strip() if lines else "it said nothing"

    def send(self, which):
        pid = self.pid()
        if pid is not None:
            os.kill(pid, which)

    def stop(self, seconds=30):
        """SIGTERM, then SIGKILL when it takes too long. A paused one goes on first."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
            self._wait_for_end(seconds)
            if self.pid() is not None:
                os.kill(pid, signal.SIGKILL)
                self._wait_for_end(10)
        self.pid_file.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def _wait_for_end(self, seconds):
        deadline = time.monotonic() + seconds
        while self.pid() is not None and time.monotonic() < deadline:
            try:  # Ours when this very process started it: else it stays a zombie.
                os.waitpid(int(self.pid_file.read_text()), os.WNOHANG)
            except (ChildProcessError, OSError, ValueError):
                pass
            time.sleep(0.02)
