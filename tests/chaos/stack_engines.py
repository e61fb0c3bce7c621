"""Faults of Redis, Kafka's broker and MariaDB as a whole."""

import asyncio
import signal

from stack_tools import Tools


class Engines(Tools):
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

    async def pause_kafka(self):
        await self._pause("kafka", 0.3, 4)

    async def kill_kafka(self):
        await self._restart("kafka", signal.SIGKILL, 0, 2)

    async def restart_kafka(self):
        await self._restart("kafka", signal.SIGTERM, 0, 2)

    async def pause_mariadb(self):
        await self._pause("mariadb", 0.3, 6)

    async def kill_mariadb(self):
        await self._restart("mariadb", signal.SIGKILL, 0, 2)

    async def restart_mariadb(self):
        await self._restart("mariadb", signal.SIGTERM, 0, 2)

    async def mariadb_only_reads(self):
        await self._in_thread(self._as_root, "SET GLOBAL read_only=1")
        await asyncio.sleep(self.draw.uniform(0.5, 4))
        await self._in_thread(self._as_root, "SET GLOBAL read_only=0")

    async def mariadb_takes_no_connections(self):
        """It has as many as it may have, and those of ours end."""
        await self._in_thread(self._as_root, "SET GLOBAL max_connections=10; KILL USER market")
        try:
            await asyncio.sleep(self.draw.uniform(0.5, 4))
        finally:
            await self._in_thread(self._as_root, "SET GLOBAL max_connections=300")
