#!/usr/bin/env python3
"""Two registries, two gateways, the services and three foreign instances under load, while parts of them die.

Prints `N passed, N failed, N skipped`; exit 1 when one failed. `SEED=1234` draws the same load again; names
of tests as arguments choose some. About 70 seconds.
"""

import asyncio
import contextlib
import os
import pathlib
import random
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cluster_load import READERS, ClusterSale
from async_http import Alternating
from fault_tools import Skipped
from history import now
from market_cluster import APP, Cluster, Instances, cancel, get, metric
from market_server import PATIENCE
from partition import a_one_way_partition
from soak import soak

SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
SOAK_SECONDS = 20
SLOW_READERS = 8


async def within(seconds, what, condition):
    deadline = now() + seconds * PATIENCE
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return []
        if now() > deadline:
            return [f"not within {seconds} s: {what}"]
        await asyncio.sleep(0.05)


async def settled(cluster):
    """Both registries list the same, and nobody dead, and both gateways find all of it. Two of ten that fall
    silent at once, as a registry that has just started sees them, are kept: that is self-preservation."""
    alive = {name for backend in cluster.backends for name in backend.names}

    def list_the_same():
        first, second = map(cluster.registered, cluster.registries)
        return first == second and {each for each in first if each.startswith("backend-")} == alive

    problems = await within(10, "the registries agree", list_the_same)
    if problems:
        problems += [str(sorted(cluster.registered(each).items())) for each in cluster.registries]
    return problems + await within(
        10, "the gateways find everything", lambda: all(map(cluster.finds_everything, cluster.gateways))
    )


async def a_registry_is_killed(sale, cluster):
    first, second = cluster.registries
    before = cluster.registered(first)
    problems = [] if len(before) >= 8 else [f"only {len(before)} instances are registered"]
    async with sale.load():
        await asyncio.sleep(0.5)
        first.kill()
        await asyncio.sleep(4 * PATIENCE)  # Longer than a lease.
        if cluster.registered(second) != before:
            problems.append(f"the other registry lists {cluster.registered(second)}, not {before}")
        newcomer = cluster.add_backend()
        problems += await within(
            5, "a newcomer is found", lambda: all(map(cluster.finds_everything, cluster.gateways))
        )
        first.start()
        name = newcomer.names[0]
        problems += await within(5, "it catches up", lambda: name in cluster.registered(first))
        if not before.items() <= cluster.registered(first).items():
            problems.append(f"after its restart it lists {cluster.registered(first)}, not all of {before}")
    cluster.backends.remove(newcomer)
    newcomer.kill()
    return problems + sale.take_problems()


async def an_instance_is_killed(sale, cluster):
    problems = []

    async def wait_for_slow_answers():
        """So that the death always meets requests under way."""
        connection = Alternating(cluster.gateway_ports)
        while sale.crowd.open_for_buying:
            key = {"Idempotency-Key": f"slow-{next(sale.keys)}"}
            await sale.must_answer(connection, "GET", f"//{APP}/slow")
            await sale.must_answer(connection, "POST", f"//{APP}/slow", headers=key)
        connection.close()

    async with sale.load(*[wait_for_slow_answers] * SLOW_READERS):
        await asyncio.sleep(0.8)
        dead = cluster.backends.pop(0)
        label = f'instance="127.0.0.1:{dead.port}"'

        def sent():
            name = "market_gateway_instance_requests_total"
            return [metric(gateway, name, label) for gateway in cluster.gateways]

        before, faults = sent(), "market_gateway_instance_faults_total"
        if min(before) == 0:
            problems.append(f"{label} had no load: {before}")
        dead.kill()
        problems += await within(
            5, "the failure is noticed", lambda: all(metric(g, faults, label) for g in cluster.gateways)
        )
        at_failure = sent()
        await asyncio.sleep(1)
        if any(late > early for late, early in zip(sent(), at_failure)):
            problems.append(f"requests went to a dead instance: {at_failure}, then {sent()}")
        failures = [metric(gateway, faults, label) for gateway in cluster.gateways]
        if max(failures) > READERS + SLOW_READERS:  # What was under way; a second round would be more.
            problems.append(f"a dead instance was tried {failures} times")
        cluster.add_backend()
        problems += await within(
            5, "a new one is found", lambda: all(map(cluster.finds_everything, cluster.gateways))
        )
    return problems + sale.take_problems()


async def a_rolling_restart(sale, cluster):
    problems = []
    async with sale.load(*[sale.read] * 16):
        await asyncio.sleep(0.5)
        for server in (*cluster.registries, *cluster.gateways):
            ended = await asyncio.to_thread(server.stop)
            if ended != 0:
                problems.append(f"{server.data.name} ended with {ended}: {server.log_tail()}")
            await asyncio.to_thread(server.start)
            if server in cluster.gateways:
                status, body = get(server, f"/{APP}/ok")
                if status != 200:
                    problems.append(f"{server.data.name} is ready, but its first answer is {status} {body}")
            problems += await settled(cluster)
        await asyncio.sleep(0.5)
    return problems + sale.take_problems()


async def half_of_the_heartbeats_stop(sale, cluster):
    names = [[f"{half}-{number}" for number in range(10)] for half in ("silent", "lively")]
    silent, lively = [Instances("HEARTS", half, cluster.registry_ports) for half in names]
    everybody = {*names[0], *names[1]}
    try:
        problems = await within(
            5, "all are registered", lambda: everybody <= set(cluster.registered(cluster.registries[0]))
        )
        async with sale.load():
            os.kill(silent.process.pid, signal.SIGSTOP)
            await asyncio.sleep(6 * PATIENCE)  # Two leases, many looks of the eviction.
        for registry in cluster.registries:
            gone = everybody - set(cluster.registered(registry))
            if gone:
                problems.append(f"{registry.data.name} evicted {sorted(gone)}")
            if not metric(registry, "market_registry_self_preservation"):
                problems.append(f"{registry.data.name} does not say that it preserves")
        os.kill(silent.process.pid, signal.SIGCONT)
    finally:
        silent.kill()
        lively.kill()
        for name in everybody:  # Preserved ones would leave one registry before the other.
            cancel(cluster.registries[0], "HEARTS", name)
    return problems + sale.take_problems()


async def a_gateway_is_killed_while_orders_come(sale, cluster):
    """Lost answers are asked for again by key; the checker counts orders, keys, limits (I2, I3, I7, I11)."""
    connection = Alternating(cluster.gateway_ports)
    limited = await sale.crowd.add_product(connection, 100_000, limit=1)
    connection.close()
    users = [user for user, _ in sale.crowd.users[:20]]

    async def buy_the_limited():
        """Everybody as often as possible, through both gateways at once."""
        one = Alternating(cluster.gateway_ports)
        two = Alternating(cluster.gateway_ports[::-1])
        while sale.crowd.open_for_buying:
            user = sale.rng.choice(users)
            await asyncio.gather(
                *(sale.crowd.order(each, user, [(limited, 1)], sale.crowd.new_key()) for each in (one, two))
            )
        one.close()
        two.close()

    problems = []
    async with sale.load(*[buy_the_limited] * 4):
        for gateway in cluster.gateways * 2:
            await asyncio.sleep(0.5)
            gateway.kill()
            await asyncio.sleep(0.5)
            await asyncio.to_thread(gateway.start)
            problems += await settled(cluster)
    lost = len(sale.take_problems())  # What was under way in the killed gateway may be lost, once.
    print(f"a gateway is killed: {lost} answers lost, {len(sale.crowd.unknown)} orders unknown", flush=True)
    problems += await sale.verify()
    if not any(each.code == "limit_exceeded" for each in sale.history.orders()):
        problems.append("nobody met the limit")
    return problems


async def a_short_soak(sale, cluster):
    return await soak(sale, cluster, SOAK_SECONDS)


TESTS = (
    a_registry_is_killed,
    an_instance_is_killed,
    a_rolling_restart,
    half_of_the_heartbeats_stop,
    a_gateway_is_killed_while_orders_come,
    a_one_way_partition,
    a_short_soak,
)


async def run(chosen, folder):
    passed = failed = skipped = 0
    sale = ClusterSale(folder, random.Random(SEED))
    with Cluster(folder, "log.level=warn") as cluster:
        await sale.begin(cluster)
        for test in chosen:
            began = now()
            try:
                problems = await settled(cluster) + await test(sale, cluster)
            except Skipped as reason:
                print(f"skipped: {test.__name__}: {reason}", flush=True)
                skipped += 1
                continue
            except Exception as error:  # The rest is still worth a run.
                problems = [repr(error)]
            for problem in problems[:10]:
                print(f"failed: {test.__name__}: {problem}", flush=True)
            print(f"{test.__name__}: {now() - began:.1f} s, {len(problems)} problems", flush=True)
            passed, failed = passed + (not problems), failed + bool(problems)
    return passed, failed, skipped


def main():
    names = sys.argv[1:]
    print(f"cluster: SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        chosen = [test for test in TESTS if not names or test.__name__ in names]
        passed, failed, skipped = asyncio.run(run(chosen, folder))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 0 if passed + skipped and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
