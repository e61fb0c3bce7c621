"""A sale with buyers and a server that faults are injected into; what the tests of faults.py share."""

import asyncio
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

from buyers import Crowd, seed_users
from async_http import Connection, Lost
from checker import check
from history import History, now
from market_server import BINARY, PATIENCE, Market, run
from store_view import Store

ACKNOWLEDGED_MIN = 1000


class Skipped(Exception):
    pass


class TracedMarket(Market):
    """Under strace, which injects one fault."""

    def __init__(self, data, inject, *settings):
        super().__init__(data, *settings)
        self.inject = inject

    def command(self, command):
        calls = self.inject.split(":")[0]
        trace = ["-e", "trace=" + calls, "-e", "inject=" + self.inject]
        return ["strace", "-f", "-qq", "-o", "/dev/null", *trace, *command]

    def kill(self):
        """The server too: strace lets go of it when it dies itself."""
        if self.process is not None and self.process.poll() is None:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
            for child in children.split():
                os.kill(int(child), signal.SIGKILL)
        super().kill()


class Sale:
    """A store with buyers, one server on it, and what they saw."""

    def __init__(self, folder, rng, users=100):
        self.folder, self.data = pathlib.Path(folder), pathlib.Path(folder) / "data"
        self.history = History()
        self.crowd = Crowd(self.history, seed_users(self.data, users, self.folder / "tokens"), rng)
        self.server = None

    async def start(self, *settings, server=None, data=None):
        self.server = server or Market(data or self.data, "ratelimit.enabled=false", *settings)
        self.server.start(60)
        self.history.lives.append((now(), None))
        if not self.history.products:
            connection = Connection(self.server.port)
            self.products = [
                await self.crowd.add_product(connection, 1_000_000),
                await self.crowd.add_product(connection, 50_000, price=700, limit=2),
            ]
            connection.close()
        return self.server

    def died(self):
        self.server.kill()
        self.history.lives[-1] = (self.history.lives[-1][0], now())

    def buying(self, connections=16):
        return self.crowd.buying(self.server.port, self.products, connections)

    async def verify(self):
        """Settles what is unknown, reads as clients do, then checks a backup of the running store."""
        await self.crowd.settle_unknown(self.server.port)
        await self.crowd.look(self.server.port, orders=100, lists=3)
        return check_running(self.data, self.folder / "copy", self.history)

    def codes(self):
        return {operation.code for operation in self.history.operations if operation.code}


def check_running(data, copy, history, seconds=60.0):
    """[what is wrong with a running store], found in a backup of it."""
    shutil.rmtree(copy, ignore_errors=True)
    read_at = now()  # Copying and checking take their time: orders become due meanwhile.
    made = run("backup", "--data", data, "--to", copy)
    if made.returncode != 0:
        return [f"market backup: {made.stderr.strip()}"]
    checked = run("check", "--data", copy, seconds=seconds)
    problems = [checked.stdout[-800:]] if checked.returncode != 0 else []
    return problems + check(history, Store.read(copy), read_at)


def needs_strace():
    if not shutil.which("strace"):
        raise Skipped("strace is absent")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"]).returncode != 0:
        raise Skipped("strace is not allowed here")


async def ready_status(port):
    connection = Connection(port)
    try:
        return (await connection.request("GET", "//health/ready")).status
    finally:
        connection.close()


async def until(condition, seconds_max, what):
    deadline = now() + seconds_max * PATIENCE
    while not await condition():
        if now() > deadline:
            return [f"not within {seconds_max} s: {what}"]
        await asyncio.sleep(0.05)
    return []


async def sells_again(sale):
    """One order is accepted within 10 s."""
    connection, user = Connection(sale.server.port), sale.crowd.users[0][0]

    async def sold():
        key = sale.crowd.new_key()
        return (await sale.crowd.order(connection, user, [(sale.products[0], 1)], key)).outcome == "ok"

    problems = await until(sold, 10, "it sells again")
    connection.close()
    return problems


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def inject(fault, seed):
    with tempfile.TemporaryDirectory() as folder:
        rng = random.Random(f"{seed} {fault.__name__}")
        sale = Sale(folder, rng)
        try:
            return await fault(sale, rng)
        except (RuntimeError, Lost, OSError, subprocess.TimeoutExpired) as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            if sale.server:
                sale.server.kill()


def run_faults(faults):
    """Those named by arguments, or all; prints what ./dev adds up. The exit status."""
    seed = int(os.environ.get("SEED", random.randrange(1_000_000)))
    if not os.access(BINARY, os.X_OK):
        sys.exit(f"{BINARY}: no such program; run ./dev build first")
    wanted = [fault for fault in faults if not sys.argv[1:] or fault.__name__ in sys.argv[1:]]
    print(f"faults: SEED={seed}", flush=True)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for fault in wanted:
        began, problems, word = now(), [], "passed"
        try:
            problems = asyncio.run(inject(fault, seed))
            word = "failed" if problems else "passed"
        except Skipped as why:
            problems, word = [why], "skipped"
        counts[word] += 1
        print(f"{word}: {fault.__name__} ({now() - began:.1f} s)", flush=True)
        for problem in problems[:8]:
            print(f"    {problem}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] or not wanted else 0
