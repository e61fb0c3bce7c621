"""Faults of Redis: what it loses, what it refuses, and one that others take the place of."""

import asyncio
import os
import signal
import time

import redis_server
from market_server import PATIENCE
from processes import Process, free_port, start_of
from stack_tools import Tools

# Names of nothing of ours: so many that reading them takes seconds, each of them 20 us and more.
MANY, DELAY_US = 30_000, 20


class RedisFaults(Tools):
    async def flush_redis(self):
        await self._redis("FLUSHALL")

    async def kill_redis(self):
        await self._restart("redis", signal.SIGKILL, 0, 2)

    async def restart_redis_empty(self):
        await self._restart("redis", signal.SIGTERM, 0, 1)

    async def pause_redis(self):
        await self._pause("redis", 0.3, 3)

    async def redis_loses_scripts(self):
        await self._redis("SCRIPT", "FLUSH")

    async def redis_is_full(self):
        await self._redis("CONFIG", "SET", "maxmemory", "1")  # It evicts nothing: each write is refused.
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 3))
        finally:
            await self._redis("CONFIG", "SET", "maxmemory", "0")

    async def redis_is_a_replica_of_nobody(self):
        """It refuses writes, and then reads; what it has is old when it is on its own again."""
        await self._redis("CONFIG", "SET", "replica-serve-stale-data", self.draw.choice(["yes", "no"]))
        await self._redis("REPLICAOF", "127.0.0.1", "9")
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 3))
        finally:
            await self._redis("REPLICAOF", "NO", "ONE")

    async def kill_redis_with_its_file(self):
        """It comes back with what it had a second before."""
        await self._kill_with_its_file(self.draw.uniform(0, 2))
        await self._is_right_soon()
        await self._redis("CONFIG", "SET", "appendonly", "no")

    async def redis_loads_for_long(self):
        fill = f"for i = 1, {MANY} do redis.call('SET', 'junk:' .. i, i) end return 1"
        await self._redis("EVAL", fill, "0")
        await self._kill_with_its_file(0, "--key-load-delay", DELAY_US,
                                       "--loading-process-events-interval-bytes", 1024)
        if "LOADING" not in self.refusals:
            self.wrong.append(f"Redis did not load for long: it said {self.refusals}")
        await self._is_right_soon()
        empty = f"for i = 1, {MANY} do redis.call('UNLINK', 'junk:' .. i) end return 1"
        await self._redis("EVAL", empty, "0")
        await self._redis("CONFIG", "SET", "appendonly", "no")

    async def redis_fails_over_to_a_lagging_replica(self):
        """The replica hears nothing of its master for a while; then the master is gone, and the replica
        answers at its address."""
        master, lagging = self.stack.port("redis"), free_port()
        await self._redis("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        replica = Process(self.stack.folder, "redis-replica")
        replica.start(self._server(lagging, "--replicaof", "127.0.0.1",
                                   self.stack.links.ports["replica.redis"]))
        await self._until(lambda: "master_link_status:up" in redis_server.ask(lagging, "INFO", "replication"),
                          "the replica does not follow its master")
        self.stack.links.set("replica.redis", "cut")
        before = len(self.sale.sold)
        await asyncio.sleep(self.draw.uniform(0.5, 3))
        late, now = await self._in_thread(self._shown, lagging), await self._in_thread(self._shown, master)
        if len(self.sale.sold) > before + 10 and not late > now:
            self.wrong.append(f"the replica is not behind: it shows {late}, its master {now}")
        await self._end("redis")
        await self._in_thread(redis_server.ask, lagging, "REPLICAOF", "NO", "ONE")
        await self._until(lambda: redis_server.ask(lagging, "CONFIG", "SET", "port", master) == "OK",
                          "the replica does not take its master's address")
        for path in (replica.pid_file, replica.mark):
            path.replace(path.with_name(path.name.replace(replica.name, "redis")))
        self.stack.links.set("replica.redis", "open")
        await self._is_right_soon()

    # --- tools ---

    def _server(self, port, *more):
        home = self.stack.folder / "redis"
        home.mkdir(exist_ok=True)
        return ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", home, "--save", "", *more]

    async def _end(self, engine):
        pid = self.stack.pid(engine)
        os.kill(pid, signal.SIGKILL)
        while start_of(pid) is not None:
            await asyncio.sleep(0.02)

    async def _kill_with_its_file(self, away, *more):
        await self._redis("CONFIG", "SET", "appendfsync", "everysec")
        await self._redis("CONFIG", "SET", "appendonly", "yes")
        await self._until(self._writes_its_file, "Redis does not begin its file")
        await asyncio.sleep(self.draw.uniform(0, 1.5))
        await self._end("redis")
        await asyncio.sleep(away)
        Process(self.stack.folder, "redis").start(
            self._server(self.stack.port("redis"), "--appendonly", "yes", *more))
        self.refusals = ""
        await self._until(self._answers, "Redis does not come back")

    def _writes_its_file(self):
        said = redis_server.ask(self.stack.port("redis"), "INFO", "persistence")
        return "aof_enabled:1" in said and "aof_rewrite_in_progress:0" in said and (
            "aof_rewrite_scheduled:0" in said)

    def _answers(self):
        try:
            return redis_server.ask(self.stack.port("redis"), "PING") == "PONG"
        except OSError as refused:
            self.refusals += f" {refused}"[:100] if len(self.refusals) < 2_000 else ""
            return False

    def _shown(self, port):
        """How many units of the sale's product are left there."""
        keys = redis_server.ask(port, "KEYS", f"market:*:stock:{self.sale.product}")
        return int(redis_server.ask(port, "HGET", keys[0], "remaining")) if keys else None

    async def _is_right_soon(self):
        """A second behind its return it shows nothing older than that."""
        port, most, began = self.stack.port("redis"), self.sale.units - len(self.sale.sold), time.monotonic()
        await self._until(lambda: (shown := self._shown(port)) is not None and shown <= most,
                          "Redis does not show the live stock")
        if self.alone and (late := time.monotonic() - began) > PATIENCE:
            self.wrong.append(f"Redis showed old numbers for {late:.1f} s")

    async def _until(self, happens, what):
        """`happens` may block for a moment, and throw OSError until it can tell."""
        def happened():
            try:
                return happens()
            except OSError:
                return False
        end = time.monotonic() + 30
        while not await self._in_thread(happened):
            if time.monotonic() > end:
                raise RuntimeError(what)
            await asyncio.sleep(0.05)
