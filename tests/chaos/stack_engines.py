"""Faults of Kafka's broker and of MariaDB."""

import asyncio
import collections
import signal
import subprocess
import time
import uuid

from async_http import Alternating, Lost
from market_server import PATIENCE
from stack_table import LINKED
from stack_tools import Tools


class Engines(Tools):
    async def pause_kafka(self):
        await self._pause("kafka", 0.3, 4)

    async def kill_kafka(self):
        await self._restart("kafka", signal.SIGKILL, 0, 2)

    async def restart_kafka(self):
        await self._restart("kafka", signal.SIGTERM, 0, 2)

    async def kafka_is_away_for_60_s(self):
        """Meanwhile what was sold is shown, nothing is denied, and orders are refused: the first ones when
        they have waited for another writer (orders.answer_time_max), then at once."""
        gone, killed = asyncio.create_task(self._restart("kafka", signal.SIGKILL, 60, 60)), time.monotonic()
        connection, statuses = Alternating(self.sale.ports), collections.Counter()
        token, first, later = self.sale.tokens[0], 0, 0
        await asyncio.sleep(1)
        while not gone.done() and self.stack.is_away("kafka"):
            early = time.monotonic() < killed + 6 * PATIENCE
            told, took = await self._ask_without_kafka(connection, token)
            if self.stack.is_away("kafka"):
                statuses.update(told)
                first, later = max(first, took * early), max(later, took * (not early))
            await asyncio.sleep(1)
        connection.close()
        await gone
        if set(statuses) - {("order", 503), ("what was sold", 200), ("what nobody has", 503),
                            ("stock", 200)}:
            self.wrong.append(f"without Kafka: {dict(statuses)}")
        if self.alone and (first > 6 * PATIENCE or later > PATIENCE):
            self.wrong.append(f"without Kafka orders were refused after {first:.1f} s, then {later:.1f} s")
        self.told = f"orders are refused within {first:.2f} s, then {later:.2f} s: {dict(statuses)}"

    async def _ask_without_kafka(self, connection, token):
        """Statuses of an order and of what is shown, and how long the order took."""
        known = self.draw.choice(self.sale.sold)
        wanted = {"items": [{"productId": self.sale.probe, "quantity": 1}]}
        asked = {"order": ("POST", "/orders", token, wanted),
                 "what was sold": ("GET", f"/orders/{known.order}", known.token, None),
                 "what nobody has": ("GET", f"/orders/{known.order[:-2]}zz", token, None),
                 "stock": ("GET", f"/products/{self.sale.product}/stock", None, None)}
        told, began, took = [], time.monotonic(), 0
        for what, (method, path, by, body) in asked.items():
            try:
                answer = await connection.request(method, path, token=by, body=body,
                                                  headers={"Idempotency-Key": uuid.uuid4().hex})
                told.append((what, answer.status))
                took = took or time.monotonic() - began
            except Lost:  # Of a gateway that was killed beside it.
                continue
        return told, took

    async def pause_mariadb(self):
        await self._pause("mariadb", 0.3, 6)

    async def kill_mariadb(self):
        await self._restart("mariadb", signal.SIGKILL, 0, 2)

    async def restart_mariadb(self):
        await self._restart("mariadb", signal.SIGTERM, 0, 2)

    async def mariadb_only_reads(self):
        await self._in_thread(self._as_root, "SET GLOBAL read_only=1")
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 4))
        finally:
            await self._in_thread(self._as_root, "SET GLOBAL read_only=0")

    async def mariadb_takes_no_connections(self):
        """It has as many as it may have, and those of ours end."""
        await self._in_thread(self._as_root, "SET GLOBAL max_connections=10; KILL USER market")
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 4))
        finally:
            await self._in_thread(self._as_root, "SET GLOBAL max_connections=300")

    async def mariadb_loses_answers_to_commits(self):
        """A COMMIT reaches it, and the connection ends before its answer."""
        await self._way([f"{name}.mariadb" for name in LINKED], "no_answer_to_commit", 0.5, 4)

    async def deadlocks_in_mariadb(self):
        """Somebody locks the rows of the records in another order than those who fold."""
        await self._in_thread(self._meet_deadlocks)

    async def lock_waits_in_mariadb(self):
        """Somebody holds locks for longer than anybody of ours waits for one."""
        tables = ["fold", "charges", "product_stock"]
        for table in self.draw.sample(tables, 2):
            seconds = f"{self.draw.uniform(3, 6):.2f}"
            await self._in_thread(self._as_root, f"BEGIN; SELECT count(*) FROM market.{table} FOR UPDATE; "
                                                 f"DO SLEEP({seconds}); ROLLBACK")

    def _meet_deadlocks(self):
        before, end = self._deadlocks(), time.monotonic() + 5
        crossing = """BEGIN; SELECT count(*) FROM market.product_stock FOR UPDATE; DO SLEEP(0.3);
                      SELECT count(*) FROM market.fold FOR UPDATE; COMMIT;"""
        while time.monotonic() < end:
            try:
                self._as_root(crossing)
            except subprocess.CalledProcessError as lost:
                if b"1213" not in lost.stderr and b"1205" not in lost.stderr:
                    raise
        if self.alone and self._deadlocks() == before:
            self.wrong.append("nobody met a deadlock")

    def _deadlocks(self):
        return int(self._as_root("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").split()[-1])
