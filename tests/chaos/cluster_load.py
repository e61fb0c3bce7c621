"""Bounded load on a cluster by clients that use both gateways, and what went wrong for them."""

import asyncio
import contextlib
import itertools
import pathlib

from buyers import Crowd, seed_users
from async_http import Alternating, Lost
from fault_tools import check_running
from history import History, now
from market_cluster import APP

READERS, BUYERS = 8, 4
PAUSE = 0.02  # Of a client between two requests.


class ClusterSale:
    """A store with buyers, the cluster that serves it, and what everybody saw."""

    def __init__(self, folder, rng, users=100):
        self.folder, self.rng = pathlib.Path(folder), rng
        self.history = History()
        seeded = seed_users(self.folder / "data", users, self.folder / "tokens")
        self.crowd = Crowd(self.history, seeded, rng, Alternating)
        self.keys = itertools.count()
        self.problems = []  # Of requests that must not fail.
        self.answered = self.looked_at = 0

    async def begin(self, cluster):
        self.cluster = cluster
        cluster.start()
        self.history.lives.append((now(), None))
        connection = Alternating(cluster.gateway_ports)
        self.products = [
            await self.crowd.add_product(connection, 1_000_000),
            await self.crowd.add_product(connection, 50_000, price=700, limit=2),
            await self.crowd.add_product(connection, 100, price=77_000, limit=3),
        ]
        connection.close()

    # --- load ---

    @contextlib.asynccontextmanager
    async def load(self, *more):
        """Readers and buyers at work, and one task for each function of `more`, while the block runs."""
        self.crowd.open_for_buying = True
        loops = [self.read] * READERS + [self.buy] * BUYERS + list(more)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            yield
        finally:
            self.crowd.open_for_buying = False
            await asyncio.wait(tasks, timeout=30)
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, BaseException):
                    self.problems.append(f"a client ended: {result!r}")

    async def read(self):
        connection = Alternating(self.cluster.gateway_ports)
        path = f"//{APP}/ok"
        while self.crowd.open_for_buying:
            key = {"Idempotency-Key": f"reader-{next(self.keys)}"}
            await self.must_answer(connection, "GET", path)
            await self.must_answer(connection, "POST", path, headers=key)
            await self.must_answer(connection, "GET", "/products?limit=5")
        connection.close()

    async def must_answer(self, connection, method, path, **more):
        began = now()
        try:
            answer = await connection.request(method, path, **more)
            self.answered += 1
            if answer.status != 200:
                port = connection.last_port()
                self.problems.append(f"{method} {path} at {port}: {answer.status} {answer.body[:300]}")
        except Lost as error:
            port = connection.last_port()
            self.problems.append(f"{method} {path} at {port}: {error} after {now() - began:.3f} s")
        await asyncio.sleep(PAUSE)

    async def buy(self):
        connection = Alternating(self.cluster.gateway_ports)
        while self.crowd.open_for_buying:
            await self.crowd.buy_once(connection, self.products)
            await asyncio.sleep(PAUSE)
        connection.close()

    # --- judgement ---

    def take_problems(self):
        """What failed since the last call: safe requests, and operations without a definite answer."""
        problems, self.problems = self.problems, []
        since, self.looked_at = self.looked_at, len(self.history.operations)
        for each in self.history.operations[since:]:
            if each.outcome == "info" and each.status != 202:
                problems.append(f"{each.kind} {each.key or each.order}: {each.status} {each.body}")
        return problems

    async def verify(self):
        """Settles what is unknown, reads as clients do, then checks a backup of the running store."""
        await self.crowd.settle_unknown(self.cluster.gateway_ports)
        await self.crowd.look(self.cluster.gateway_ports, orders=100, lists=3)
        return check_running(self.folder / "data", self.folder / "copy", self.history, 300)
