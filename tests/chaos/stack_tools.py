"""What faults of the distributed stack are made of: processes killed and paused, ways that break, engines
that are started again."""

import asyncio
import os
import signal
import subprocess

import redis_server
from processes import start_of


class Tools:
    def __init__(self, stack, draw):
        self.stack, self.draw = stack, draw
        self.sale, self.told, self.wrong = None, "", []  # What the faults say, and find wrong.
        self.alone = True  # Else the other one may be why something takes long or does not happen.

    @staticmethod
    async def _in_thread(function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)

    async def writer(self):
        return await self._in_thread(self.stack.writer)

    async def another(self):
        """One that does not write and runs."""
        running = [name for name in (await self.writer())[1] if start_of(self.stack.pid(name)) is not None]
        if not running:
            raise RuntimeError("no other instance runs")
        return self.draw.choice(running)

    def _one_of(self, role):
        running = [name for name in (f"{role}-1", f"{role}-2") if start_of(self.stack.pid(name)) is not None]
        return self.draw.choice(running)

    def _kill(self, name):
        os.kill(self.stack.pid(name), signal.SIGKILL)

    async def _terminate(self, name):
        pid = self.stack.pid(name)
        os.kill(pid, signal.SIGTERM)
        while start_of(pid) is not None:  # It finishes what it has; `up` would take it for one that runs.
            await asyncio.sleep(0.05)

    async def _restart(self, engine, which, least, most):
        pid = self.stack.pid(engine)
        os.kill(pid, which)
        while start_of(pid) is not None:
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.draw.uniform(least, most))
        await self._in_thread(self.stack.run, "up")

    async def _pause(self, name, least, most):
        pid = self.stack.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self.draw.uniform(least, most))
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _starve(self, name, share):
        """It gets this share of its time alone, for five seconds."""
        pid, turn = self.stack.pid(name), 0.1
        end = asyncio.get_running_loop().time() + 5
        try:
            while asyncio.get_running_loop().time() < end:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(turn * (1 - share))
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(turn * share)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _way(self, names, way, least, most):
        for name in names:
            self.stack.links.set(name, way)
        try:
            await asyncio.sleep(self.draw.uniform(least, most))
        finally:
            for name in names:
                self.stack.links.set(name, "open")

    async def _redis(self, *words):
        return await self._in_thread(redis_server.ask, self.stack.port("redis"), *words)

    def _as_root(self, sql):
        socket = self.stack.folder / "mariadb" / "data" / "mariadb.sock"
        command = ["mariadb", "--no-defaults", "-uroot", f"--socket={os.path.relpath(socket)}", "-e", sql]
        return subprocess.run(command, check=True, capture_output=True, timeout=20).stdout.decode()


def state_of(pid):
    """R, S, T … of the kernel; none: it has ended."""
    try:
        state = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return None if state == "Z" else state
