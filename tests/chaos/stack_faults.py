"""Faults of the distributed stack (stack_table.py): processes, the ways between them, and what happens
between two steps; how each heals by itself."""

import asyncio
import os
import signal

from market_server import PATIENCE
from processes import start_of
from stack_clients import Clients
from stack_engines import Engines
from stack_redis import RedisFaults
from stack_table import FAULTS, GATEWAYS, LINKED, TIMES
from stack_tools import state_of
from stack_topic import Topic


class Faults(Engines, RedisFaults, Topic, Clients):
    """Each of the table, on a running stack."""

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

    async def starve_the_writer(self):
        """It must not be slower than its signs of life: else another follows it."""
        await self._starve((await self.writer())[0], 0.5)

    async def starve_the_other(self):
        await self._starve(await self.another(), 0.1)

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

    async def registries_come_back_empty(self):
        """They know nobody until all have come by again."""
        await self.kill_both_registries()
        await asyncio.sleep(self.draw.uniform(0, 2))
        await self._in_thread(self.stack.run, "up")

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
        for _ in range(3):
            writer, others = self.stack.writer()
            victim, heirs = others[0], [writer, *others[1:]]
            times = self.draw.randint(*TIMES.get(place, (1, 60)))
            self.stack.more(victim, ":".join([place, str(times), *stops]))
            trouble, pid = self.stack.restart(victim), self.stack.pid(victim)
            self.stack.more()
            if trouble:
                return [trouble]
            for each in heirs:  # Away, one behind the other, until the victim alone is left.
                os.kill(self.stack.pid(each), signal.SIGTERM)
            for each in heirs:
                self.stack.wait_for_end(each)
            self.stack.run("up", "--orders", str(1 + len(heirs)))
            found = self.stack.writer()[0]
            self.victim, self.breaks_producer = victim, place == "producer"
            if found == victim:
                return []
            if start_of(pid) is not None:
                break
            # What others had left undone, as after a database that was away, has led it there already.
        return [f"{found} writes, not {victim}, which has the failpoint"]

    async def reach_the_failpoint(self):
        """Waits for the victim, which ends by itself, or stops and is continued, or has another producer."""
        pid = self.stack.pid(self.victim)
        for _ in range(int(400 * PATIENCE)):
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

