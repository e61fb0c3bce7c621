#!/usr/bin/env python3
"""kill -9 at seeded random moments under load; after each, everything clients were told must be true.

    tests/chaos/crash.py                     50 rounds, on 5 stores of 10
    SEED=1234 tests/chaos/crash.py           the same schedule again
    CRASH_ROUNDS=500 tests/chaos/crash.py    more rounds

Each round: buyers at work, kill -9, restart (ready within 2 s), unknown outcomes are sent again with their
keys, a backup of the running store is checked by `market check` and, with everything clients saw so far, by
the history checker. Prints `N passed, N failed, 0 skipped`.
"""

import asyncio
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from buyers import Crowd, seed_users
from async_http import Connection
from checker import check, check_past
from history import History, now
from market_server import BINARY, PATIENCE, Market, run
from store_view import Store

READY_SECONDS_MAX = 2.0 * PATIENCE
CONNECTIONS = 16
ROUNDS_PER_STORE = 10  # Then a new one: every check reads all that happened since the store was new.


class Crash:
    def __init__(self, seed, rounds, folder):
        self.rng = random.Random(seed)
        self.rounds, self.folder = rounds, pathlib.Path(folder)
        self.history = History()
        self.crowd = Crowd(self.history, [], self.rng)
        self.passed = self.failed = 0
        self.events = []
        self.slowest_start = 0.0

    def report(self, name, problems):
        if problems:
            self.failed += 1
            for problem in problems[:10]:
                print(f"failed: {name}: {problem}", flush=True)
        else:
            self.passed += 1

    def start(self, data, window):
        server = Market(
            data, "ratelimit.enabled=false", f"orders.payment_window={window}", "log.level=warn"
        )
        server.start()
        self.history.lives.append((now(), None))
        self.slowest_start = max(self.slowest_start, server.ready_seconds)
        return server

    def ended(self):
        self.history.lives[-1] = (self.history.lives[-1][0], now())

    async def add_products(self, server, first):
        connection = Connection(server.port)
        if first:
            self.lasting = [
                await self.crowd.add_product(connection, 1_000_000),
                await self.crowd.add_product(connection, 1_000_000, price=990, kind="regular"),
                await self.crowd.add_product(connection, 100_000, price=120_000, limit=2),
            ]
        # One that sells out within the round.
        scarce = await self.crowd.add_product(
            connection, self.rng.randint(5, 40), price=77_000, limit=3
        )
        connection.close()
        return [*self.lasting, scarce, scarce]

    async def round(self, number, server, data):
        window = self.rng.choice(("10m", "10m", "1500ms"))
        moment = self.rng.uniform(0.05, 0.5)
        products = await self.add_products(server, number == 1)
        async with self.crowd.buying(server.port, products, CONNECTIONS):
            await asyncio.sleep(moment)
            server.kill()
            self.ended()
        acknowledged = len(self.crowd.acknowledged)
        server = self.start(data, window)
        problems = []
        if server.ready_seconds > READY_SECONDS_MAX:
            problems.append(f"ready only after {server.ready_seconds:.2f} s")
        unknown = await self.crowd.settle_unknown(server.port)
        await self.crowd.look(server.port, orders=60, lists=3)
        problems += self.verify(data, number)
        line = f"round {number}: killed after {moment:.3f} s, {acknowledged} orders, {unknown} unknown"
        print(f"{line}, ready in {server.ready_seconds:.2f} s, window {window}", flush=True)
        self.report(f"round {number}", problems)
        return server

    def verify(self, data, number):
        copy = self.folder / f"copy-{number}"
        made = run("backup", "--data", data, "--to", copy)
        if made.returncode != 0:
            return [f"market backup: {made.stderr.strip()}"]
        checked = run("check", "--data", copy)
        problems = []
        if checked.returncode != 0:
            problems.append(f"market check: {checked.stdout[-1500:]} {checked.stderr[-500:]}")
        store = Store.read(copy)
        self.looked_at = now()
        problems += check_past(self.events, store.events) + check(self.history, store, self.looked_at)
        self.events = store.events
        self.last_copy, self.last_store = copy, store
        for old in self.folder.glob("copy-*"):
            if old != copy:
                shutil.rmtree(old)
        return problems

    def rebuild(self):
        """I19: the records made anew from the log, twice, are the same rows."""
        made = []
        for name in ("rebuilt", "rebuilt-again"):
            copy = self.folder / name
            for command in (("restore", "--from", self.last_copy), ("rebuild",)):
                done = run(*command, "--data", copy)
                if done.returncode != 0:
                    return self.report("rebuild", [f"exit {done.returncode}: {done.stderr.strip()}"])
            made.append(Store.read(copy))
        problems = [] if made[0].records == made[1].records else ["two rebuilds differ"]
        # As of the copy: nothing expires in it any more.
        problems += check(self.history, made[0], self.looked_at)
        if len(made[0].records) != len(
            {e["order"] for e in self.events if e["event"] == "order_accepted"}
        ):
            problems.append("the rebuilt records do not have every order of the log")
        self.report("rebuild", problems)

    def canary(self):
        """Planted bugs in a copy must be found: the newest acknowledged group cut off, a record altered."""
        cut = self.folder / "cut"
        shutil.copytree(self.last_copy, cut)
        connection = sqlite3.connect(cut / "log.db")
        told = {
            operation.body["id"] for operation in self.history.orders() if operation.outcome == "ok"
        }
        newest = max(
            e["position"] for e in self.events if e["event"] == "order_accepted" and e["order"] in told
        )
        while any(event["position"] >= newest for event in Store.read(cut).events):
            connection.execute(
                "DELETE FROM records WHERE offset = (SELECT max(offset) FROM records)"
            )
            connection.commit()
        connection.close()
        found = {invariant for invariant, _ in check(self.history, Store.read(cut))}
        self.report("canary: a lost commit", [] if "I2" in found else [f"not found, only {found}"])

        altered = self.folder / "altered"
        shutil.copytree(self.last_copy, altered)
        connection = sqlite3.connect(altered / "records.db")
        connection.execute(
            "UPDATE orders SET total = total + 1 WHERE id = (SELECT min(id) FROM orders)"
        )
        connection.commit()
        connection.close()
        found = {invariant for invariant, _ in check(self.history, Store.read(altered))}
        self.report("canary: an altered record", [] if "I19" in found else [f"not found, only {found}"])
        checked = run("check", "--data", altered)
        self.report(
            "canary: market check", [] if checked.returncode == 1 else ["it found no altered record"]
        )

    async def run(self, with_canary):
        data = self.folder / "data"
        self.crowd.users = seed_users(data, 200, self.folder / "tokens")
        self.crowd.tokens = dict(self.crowd.users)
        server = self.start(data, "10m")
        try:
            for number in range(1, self.rounds + 1):
                server = await self.round(number, server, data)
            ended = server.stop()
            self.report("the end", [f"exit status {ended}"] if ended != 0 else [])
        finally:
            server.kill()
        self.rebuild()
        if with_canary:
            self.canary()


def main():
    seed = int(os.environ.get("SEED", random.randrange(1_000_000)))
    rounds = int(os.environ.get("CRASH_ROUNDS", "50"))
    if not os.access(BINARY, os.X_OK):
        sys.exit(f"{BINARY}: no such program; run ./dev build first")
    print(f"crash: {rounds} rounds, SEED={seed}", flush=True)
    began, total, slowest, passed, failed = now(), 0, 0, 0, 0
    for first in range(0, rounds, ROUNDS_PER_STORE):
        with tempfile.TemporaryDirectory() as folder:
            crash = Crash(seed + first, min(ROUNDS_PER_STORE, rounds - first), folder)
            asyncio.run(crash.run(with_canary=first + ROUNDS_PER_STORE >= rounds))
            if crash.failed:
                crash.history.save(f"{tempfile.gettempdir()}/crash-history-{seed + first}.jsonl")
        total += len(crash.crowd.acknowledged)
        slowest = max(slowest, crash.slowest_start)
        passed, failed = passed + crash.passed, failed + crash.failed
    print(f"crash: {total} orders, slowest start {slowest:.2f} s, {now() - began:.0f} s")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
