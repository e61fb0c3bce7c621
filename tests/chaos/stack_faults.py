"""Faults of the distributed stack, for distributed.py: what each does, and how it heals by itself. What was
killed is started again behind the round.

`rows` are those of RELIABILITY.md. `away`: log or database are away, so a buyer may be told 503, and asks
again with the same key. `breaks`: the buyer's own connection may end, and he does the same. In all others
no buyer sees a 5xx."""

import asyncio
import dataclasses
import os
import signal
import subprocess

from processes import start_of


@dataclasses.dataclass
class Fault:
    rows: str
    away: bool = False
    breaks: bool = False
    rate: int = 400  # Buyers a second.
    orders: bool = False  # One of the order instances may be gone for the rest of the round.
    failpoint: str = ""
    seconds_max: float = 6


AWAY = {"away": True, "seconds_max": 30}
FAULTS = {
    # Processes.
    "kill_the_writer": Fault("14", orders=True),
    "pause_the_writer": Fault("14", orders=True),
    "stop_the_writer": Fault("21, 41", orders=True),
    "kill_the_other": Fault("23, 35", orders=True),
    "pause_the_other": Fault("23", orders=True),
    "kill_a_product_instance": Fault("35"),
    "pause_a_product_instance": Fault("35"),
    "kill_a_user_instance": Fault("35"),
    "pause_a_user_instance": Fault("35"),
    "kill_a_registry": Fault("33"),
    "kill_both_registries": Fault("33"),
    "pause_a_registry": Fault("33, 34"),
    "kill_a_gateway": Fault("35", breaks=True),
    "pause_a_gateway": Fault("35"),
    "rolling_restart": Fault("21, 41", rate=60),
    "step_a_clock": Fault("31"),
    # Ways.
    "cut_the_writer_from_kafka": Fault("14, 36", orders=True, **AWAY),
    "cut_the_other_from_kafka": Fault("23, 36", orders=True, **AWAY),
    "no_requests_to_kafka": Fault("14, 36", orders=True, **AWAY),
    "no_answers_from_kafka": Fault("19, 36", orders=True, **AWAY),
    "half_open_to_kafka": Fault("18", orders=True, **AWAY),
    "slow_kafka": Fault("18", **AWAY),
    "cut_the_doors": Fault("15, 36"),
    "no_answers_from_the_writer": Fault("15"),
    "half_open_doors": Fault("15"),
    "cut_from_mariadb": Fault("30", **AWAY),
    "half_open_to_mariadb": Fault("28, 30", **AWAY),
    "cut_from_redis": Fault("16"),
    "slow_redis": Fault("16"),
    "cut_from_the_registries": Fault("33, 36"),
    "swizzle_clog": Fault("37", **AWAY),
    # Engines.
    "flush_redis": Fault("12"),
    "kill_redis": Fault("11, 12"),
    "restart_redis_empty": Fault("12"),
    "pause_redis": Fault("16"),
    "redis_loses_scripts": Fault("17"),
    "pause_kafka": Fault("18", **AWAY),
    "kill_kafka": Fault("18", **AWAY),
    "restart_kafka": Fault("18", **AWAY),
    "pause_mariadb": Fault("30", **AWAY),
    "kill_mariadb": Fault("28", **AWAY),
    "restart_mariadb": Fault("28", **AWAY),
    "mariadb_only_reads": Fault("29", **AWAY),
    # What others write into the log's topic.
    "groups_come_again_in_kafka": Fault("19"),
    "foreign_bytes_in_kafka": Fault("26"),
    # Between two steps of the writer.
    "killed_before_it_counts": Fault("1, 19", failpoint="append"),
    "killed_before_the_answer": Fault("19", failpoint="count"),
    "killed_between_effect_and_place": Fault("22, 25", failpoint="effect"),
    "killed_between_charge_and_settlement": Fault("39", failpoint="charge"),
    "stopped_before_it_counts": Fault("14, 19", failpoint="append:stop"),
    "stopped_before_the_answer": Fault("14", failpoint="count:stop"),
}
LINKED = ("order-1", "order-2", "order-3")


class Faults:
    """Each of the coroutines above, on a running stack."""

    def __init__(self, stack, draw):
        self.stack, self.draw = stack, draw

    # --- processes ---

    async def kill_the_writer(self):
        self._kill((await self.writer())[0])

    async def pause_the_writer(self):
        await self._pause((await self.writer())[0], 1.5, 3)

    async def stop_the_writer(self):
        await self._terminate((await self.writer())[0])

    async def kill_the_other(self):
        self._kill(await self.another())

    async def pause_the_other(self):
        await self._pause(await self.another(), 0.2, 1)

    async def kill_a_product_instance(self):
        self._kill(self._one_of("product"))

    async def pause_a_product_instance(self):
        await self._pause(self._one_of("product"), 0.5, 2)

    async def kill_a_user_instance(self):
        self._kill(self._one_of("user"))

    async def pause_a_user_instance(self):
        await self._pause(self._one_of("user"), 0.5, 2)

    async def kill_a_registry(self):
        self._kill(self._one_of("registry"))

    async def kill_both_registries(self):
        for number in (1, 2):
            self._kill(f"registry-{number}")

    async def pause_a_registry(self):
        await self._pause(self._one_of("registry"), 0.5, 4)

    async def kill_a_gateway(self):
        self._kill(self._one_of("gateway"))

    async def pause_a_gateway(self):
        await self._pause(self._one_of("gateway"), 0.5, 2)

    async def rolling_restart(self):
        done = await self._in_thread(self.stack.run, "restart")
        if done.returncode != 0:
            raise RuntimeError(f"the rolling restart: {done.stderr.strip()[:300]}")

    async def step_a_clock(self):
        # Tokens are judged by the wall clock: one that looks too old or too young there is a true 401.
        self.stack.clock.step(self.draw.choice([-50, 50, 3_000]))
        await asyncio.sleep(self.draw.uniform(0.5, 3))
        self.stack.clock.step(0)

    # --- ways ---

    async def cut_the_writer_from_kafka(self):
        await self._way([f"{(await self.writer())[0]}.kafka"], "cut", 0.5, 5)

    async def cut_the_other_from_kafka(self):
        await self._way([f"{await self.another()}.kafka"], "cut", 0.5, 5)

    async def no_requests_to_kafka(self):
        await self._way([f"{(await self.writer())[0]}.kafka"], "no_requests", 0.5, 4)

    async def no_answers_from_kafka(self):
        await self._way([f"{(await self.writer())[0]}.kafka"], "no_answers", 0.5, 4)

    async def half_open_to_kafka(self):
        await self._way([f"{(await self.writer())[0]}.kafka"], "half_open", 1, 4)

    async def slow_kafka(self):
        await self._way([f"{name}.kafka" for name in LINKED], "slow", 2, 6)

    async def cut_the_doors(self):
        await self._way([f"{name}.door" for name in LINKED], "cut", 0.5, 3)

    async def no_answers_from_the_writer(self):
        await self._way([f"{(await self.writer())[0]}.door"], "no_answers", 0.5, 3)

    async def half_open_doors(self):
        await self._way([f"{name}.door" for name in LINKED], "half_open", 0.5, 3)

    async def cut_from_mariadb(self):
        await self._way([f"{name}.mariadb" for name in LINKED], "cut", 0.5, 5)

    async def half_open_to_mariadb(self):
        await self._way([f"{name}.mariadb" for name in LINKED], "half_open", 0.5, 5)

    async def cut_from_redis(self):
        await self._way([f"{name}.redis" for name in LINKED], "cut", 0.5, 3)

    async def slow_redis(self):
        await self._way([f"{name}.redis" for name in LINKED], "slow", 0.5, 3)

    async def cut_from_the_registries(self):
        names = [f"{name}.registry-{number}" for name in LINKED for number in (1, 2)]
        await self._way(names, "cut", 0.5, 4)

    async def swizzle_clog(self):
        """Links are stopped one by one and released in another order (FoundationDB's)."""
        names = self.draw.sample(list(self.stack.links.ports), self.draw.randint(3, 9))
        for name in names:
            self.stack.links.set(name, self.draw.choice(["cut", "no_answers", "no_requests"]))
            await asyncio.sleep(self.draw.uniform(0.05, 0.4))
        self.draw.shuffle(names)
        for name in names:
            await asyncio.sleep(self.draw.uniform(0.05, 0.4))
            self.stack.links.set(name, "open")

    # --- engines ---

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

    # --- the log's topic ---

    async def groups_come_again_in_kafka(self):
        """What the log has, twice, newest first and oldest first: none of it counts."""
        await self._in_thread(self._write_log, "again")

    async def foreign_bytes_in_kafka(self):
        await self._in_thread(self._write_log, "junk")

    def _write_log(self, what):
        import confluent_kafka as kafka
        servers = {"bootstrap.servers": f"127.0.0.1:{self.stack.port('kafka')}"}
        reader = kafka.Consumer({**servers, "group.id": "chaos", "enable.auto.commit": False})
        part = kafka.TopicPartition("market.log", 0)
        _, end = reader.get_watermark_offsets(part, timeout=10)
        reader.assign([kafka.TopicPartition("market.log", 0, max(0, end - 60))])
        values = [each.value() for each in reader.consume(60, timeout=3) if not each.error()]
        reader.close()
        writer = kafka.Producer(servers)
        junk = [b"junk", b"", None, bytes(900_000), b"\x02\x01" + bytes(60), b"\xff" * 64]
        for value in [*reversed(values), *values] if what == "again" else junk:
            writer.produce("market.log", value=value, key=self.draw.choice([None, b"key"]))
        if writer.flush(10):
            raise RuntimeError("the topic does not take what others write")

    # --- between two steps ---

    def prepare(self, name):
        """An instance with the failpoint is made the writer. Before the sale."""
        place, *stops = FAULTS[name].failpoint.split(":")
        writer, others = self.stack.writer()
        victim, heirs = others[0], [writer, *others[1:]]
        times = self.draw.randint(1, 4 if place in ("charge", "effect") else 60)
        self.stack.more(victim, ":".join([place, str(times), *stops]))
        if trouble := self.stack.restart(victim):
            return [trouble]
        self.stack.more()
        for each in heirs:  # Away, one behind the other, until the victim alone is left.
            os.kill(self.stack.pid(each), signal.SIGTERM)
        for each in heirs:
            self.stack.wait_for_end(each)
        self.stack.run("up", "--orders", str(1 + len(heirs)))
        found = self.stack.writer()[0]
        self.victim = victim
        return [] if found == victim else [f"{found} writes, not {victim}, which has the failpoint"]

    async def reach_the_failpoint(self):
        """Waits for the victim, which ends by itself, or stops and is continued."""
        pid = self.stack.pid(self.victim)
        for _ in range(400):
            state = state_of(pid)
            if state is None:
                return
            if state == "T":
                await asyncio.sleep(self.draw.uniform(0.5, 3))
                return os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.02)
        raise RuntimeError(f"{self.victim} does not reach its failpoint")

    # --- tools ---

    @staticmethod
    async def _in_thread(function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)

    async def writer(self):
        return await self._in_thread(self.stack.writer)

    async def another(self):
        """One that does not write and runs."""
        running = [name for name in (await self.writer())[1] if start_of(self.stack.pid(name)) is not None]
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

    async def _way(self, names, way, least, most):
        for name in names:
            self.stack.links.set(name, way)
        try:
            await asyncio.sleep(self.draw.uniform(least, most))
        finally:
            for name in names:
                self.stack.links.set(name, "open")

    async def _redis(self, *words):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.stack.port("redis"))
        writer.write(" ".join(words).encode() + b"\r\n")
        if not (await reader.readline()).startswith(b"+OK"):
            raise RuntimeError(f"Redis refuses {words}")
        writer.close()

    def _as_root(self, sql):
        socket = self.stack.folder / "mariadb" / "data" / "mariadb.sock"
        command = ["mariadb", "--no-defaults", "-uroot", f"--socket={os.path.relpath(socket)}", "-e", sql]
        subprocess.run(command, check=True, capture_output=True, timeout=20)


def state_of(pid):
    """R, S, T … of the kernel; none: it has ended."""
    try:
        state = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
    except OSError:
        return None
    return None if state == "Z" else state


def problems_of_the_table():
    """Each fault has its coroutine, and the other way round."""
    methods = {name for name in vars(Faults) if not name.startswith("_")} - {
        "prepare", "writer", "another", "reach_the_failpoint"}
    wanted = {name for name, fault in FAULTS.items() if not fault.failpoint}
    return sorted(methods ^ wanted)

