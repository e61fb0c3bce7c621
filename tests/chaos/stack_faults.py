"""Faults of the distributed stack, for distributed.py: what each does, and how it heals by itself. What was
killed is started again behind the round.

`rows` are those of RELIABILITY.md. `away`: log or database are away, so a buyer may be told 503, and asks
again with the same key. `breaks`: the buyer's own connection may end, and he does the same. In all others
no buyer sees a 5xx."""

import asyncio
import dataclasses
import os
import signal

from processes import start_of
from stack_engines import Engines
from stack_tools import state_of
from stack_topic import Topic


@dataclasses.dataclass
class Fault:
    rows: str
    away: bool = False
    breaks: bool = False
    rate: int = 400  # Buyers a second.
    orders: bool = False  # One of the order instances may be gone for the rest of the round.
    failpoint: str = ""
    seconds_max: float = 6
    after_max: int = 500  # It comes when 50 to so many are sold.
    some: bool = False  # A gateway reaches some of the instances alone.


AWAY = {"away": True, "seconds_max": 30}
FAULTS = {
    # Processes.
    "kill_the_writer": Fault("14", orders=True),
    "pause_the_writer": Fault("14", orders=True),
    "stop_the_writer": Fault("21, 41", orders=True),
    "kill_the_other": Fault("23, 35", orders=True),
    "pause_the_other": Fault("23", orders=True),
    # Slow sales: somebody must still buy when it goes on.
    "pause_the_other_for_15_s": Fault("23", orders=True, rate=35, after_max=60),
    "kill_the_writer_when_the_other_resumes": Fault("14, 23", orders=True, rate=35, after_max=60),
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
    # Ways between gateways and services: each gateway reaches one instance of each role at least.
    "gateways_cut_from_some": Fault("35, 36", some=True),
    "gateways_reach_some_half_open": Fault("35", some=True),
    "gateways_reach_some_slowly": Fault("35", some=True),
    "gateways_get_no_answers_of_some": Fault("35, 36", some=True),
    "gateways_get_no_requests_to_some": Fault("35, 36", some=True),
    "some_refuse_gateways": Fault("35", some=True),
    "some_answer_gateways_by_halves": Fault("35", some=True),
    "out_of_reach_of_gateways": Fault("33, 36", some=True),
    "cut_gateways_from_the_registries": Fault("33, 36"),
    "swizzle_clog_of_gateways": Fault("35, 37", some=True),
    # Engines.
    "flush_redis": Fault("12"),
    "kill_redis": Fault("11, 12"),
    "restart_redis_empty": Fault("12"),
    "pause_redis": Fault("16"),
    "redis_loses_scripts": Fault("17"),
    "redis_is_full": Fault("12, 17"),
    "redis_is_a_replica_of_nobody": Fault("13, 17"),
    "pause_kafka": Fault("18", **AWAY),
    "kill_kafka": Fault("18", **AWAY),
    "restart_kafka": Fault("18", **AWAY),
    "pause_mariadb": Fault("30", **AWAY),
    "kill_mariadb": Fault("28", **AWAY),
    "restart_mariadb": Fault("28", **AWAY),
    "mariadb_only_reads": Fault("29", **AWAY),
    "mariadb_takes_no_connections": Fault("28, 29", **AWAY),
    # What the broker takes no more, and a producer that breaks for good.
    "kafka_takes_small_records_alone": Fault("20", **AWAY),
    "kafka_forbids_writing": Fault("20", **AWAY),
    "the_producer_breaks": Fault("20", failpoint="producer"),
    # What others write into the log's topic.
    "groups_come_again_in_kafka": Fault("19"),
    "foreign_bytes_in_kafka": Fault("26"),
    "groups_of_no_account_in_kafka": Fault("19"),
    "opens_of_no_account_in_kafka": Fault("14, 19"),
    "term_of_nobody_in_kafka": Fault("14"),
    # Between two steps of the writer.
    "killed_before_it_counts": Fault("1, 19", failpoint="append"),
    "killed_before_the_answer": Fault("19", failpoint="count"),
    "killed_between_effect_and_place": Fault("22, 25", failpoint="effect"),
    "killed_between_charge_and_settlement": Fault("39", failpoint="charge"),
    "stopped_before_it_counts": Fault("14, 19", failpoint="append:stop"),
    "stopped_before_the_answer": Fault("14", failpoint="count:stop"),
}
# How often a failpoint is reached before it acts. Two products are listed before anything is sold.
TIMES = {"charge": (1, 4), "effect": (1, 4), "producer": (3, 30)}
LINKED = ("order-1", "order-2", "order-3")
GATEWAYS = ("gateway-1", "gateway-2")
SERVED = ("user-1", "user-2", "product-1", "product-2", *LINKED)


class Faults(Engines, Topic):
    """Each of the coroutines above, on a running stack."""

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

    async def pause_the_other_for_15_s(self):
        await self._pause(await self.another(), 15, 15.5)

    async def kill_the_writer_when_the_other_resumes(self):
        """Who slept for 15 s believes nothing that it remembers: it follows, waits for its silence, and takes
        over."""
        await self.pause_the_other_for_15_s()
        await asyncio.sleep(self.draw.choice([0, self.draw.uniform(0, 0.6)]))
        await self.kill_the_writer()

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
        names = [name for name in self.stack.links.ports if name.startswith(LINKED)]
        await self._swizzle(self.draw.sample(names, self.draw.randint(3, 9)))

    async def _swizzle(self, names):
        for name in names:
            self.stack.links.set(name, self.draw.choice(["cut", "no_answers", "no_requests"]))
            await asyncio.sleep(self.draw.uniform(0.05, 0.4))
        self.draw.shuffle(names)
        for name in names:
            await asyncio.sleep(self.draw.uniform(0.05, 0.4))
            self.stack.links.set(name, "open")

    # --- ways between gateways and services ---

    def _some(self):
        """Instances of each role for each gateway, never all of a role."""
        names = []
        for gateway in GATEWAYS:
            for there in (["user-1", "user-2"], ["product-1", "product-2"], self.stack.orders()):
                some = self.draw.sample(there, self.draw.randint(1, len(there) - 1))
                names += [f"{gateway}.{one}" for one in some]
        return names

    async def gateways_cut_from_some(self):
        await self._way(self._some(), "cut", 0.5, 5)

    async def gateways_reach_some_half_open(self):
        await self._way(self._some(), "half_open", 0.5, 5)

    async def gateways_reach_some_slowly(self):
        await self._way(self._some(), "slow", 1, 5)

    async def gateways_get_no_answers_of_some(self):
        await self._way(self._some(), "no_answers", 0.5, 5)

    async def gateways_get_no_requests_to_some(self):
        await self._way(self._some(), "no_requests", 0.5, 5)

    async def some_refuse_gateways(self):
        await self._way(self._some(), "refused", 0.5, 5)

    async def some_answer_gateways_by_halves(self):
        await self._way(self._some(), "halves", 0.5, 5)

    async def out_of_reach_of_gateways(self):
        """Its heartbeats come to the registries, and nothing of what gateways send comes to it."""
        gone = [self.draw.choice(there) for there in (
            ["user-1", "user-2"], ["product-1", "product-2"], self.stack.orders())]
        await self._way([f"{gateway}.{one}" for gateway in GATEWAYS for one in gone],
                        self.draw.choice(["cut", "half_open", "refused"]), 1, 6)

    async def cut_gateways_from_the_registries(self):
        names = [f"{gateway}.registry-{number}" for gateway in GATEWAYS for number in (1, 2)]
        await self._way(names, self.draw.choice(["cut", "half_open"]), 1, 5)

    async def swizzle_clog_of_gateways(self):
        await self._swizzle(self._some())

    # --- between two steps ---

    def prepare(self, name):
        """An instance with the failpoint is made the writer. Before the sale."""
        place, *stops = FAULTS[name].failpoint.split(":")
        writer, others = self.stack.writer()
        victim, heirs = others[0], [writer, *others[1:]]
        times = self.draw.randint(*TIMES.get(place, (1, 60)))
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
        self.victim, self.breaks_producer = victim, place == "producer"
        return [] if found == victim else [f"{found} writes, not {victim}, which has the failpoint"]

    async def reach_the_failpoint(self):
        """Waits for the victim, which ends by itself, or stops and is continued, or has another producer."""
        pid = self.stack.pid(self.victim)
        for _ in range(400):
            if self.breaks_producer and await self._in_thread(
                    self.stack.metric, self.victim, "market_kafka_producers_replaced_total"):
                return
            state = state_of(pid)
            if state is None:
                return
            if state == "T":
                await asyncio.sleep(self.draw.uniform(0.5, 3))
                return os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(0.02)
        raise RuntimeError(f"{self.victim} does not reach its failpoint")

def problems_of_the_table():
    """Each fault has its coroutine, and the other way round."""
    methods = {name for name in dir(Faults) if not name.startswith("_")} - {
        "prepare", "writer", "another", "reach_the_failpoint"}
    wanted = {name for name, fault in FAULTS.items() if not fault.failpoint}
    return sorted(methods ^ wanted)

