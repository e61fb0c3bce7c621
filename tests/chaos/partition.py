"""Row 36: what one registry sends never reaches the other, nor the services in the other's network, while the
other direction works. All in network namespaces of their own; without root it is skipped."""

import asyncio
import json
import pathlib

from fault_tools import Skipped
from history import now
from market_cluster import CLIENT, FAST, ask, metric
from market_server import PATIENCE, Market, free_port
from namespaces import Namespace, descriptors, threads, unusable

MUTED_SECONDS = 8  # More than two leases and every deadline of a call.
CREDENTIAL = "market:secret"


def registered(registry):
    status, body = ask(registry, "GET", "/eureka/apps/")
    apps = json.loads(body)["applications"]["application"] if status == 200 else []
    return {one["instanceId"] for app in apps for one in app["instance"]}


async def within(seconds, what, place, condition):
    deadline = now() + seconds * PATIENCE
    while not place.call(condition):
        if now() > deadline:
            return [f"not within {seconds} s: {what}"]
        await asyncio.sleep(0.1)
    return []


async def a_one_way_partition(sale, _):
    if reason := unusable():
        raise Skipped(reason)
    folder = pathlib.Path(sale.folder) / "partition"
    folder.mkdir()
    places = [Namespace("10.77.36.1"), Namespace("10.77.36.2")]
    servers = []
    try:
        places[0].join(places[1])
        return await partition(folder, places, servers)
    finally:
        for server in servers:
            server.kill()
        for place in places:
            place.close()


async def partition(folder, places, servers):
    here, there = places
    ports = [free_port(), free_port()]
    urls = [f"http://{CREDENTIAL}@{place.address}:{port}/eureka/" for place, port in zip(places, ports)]

    def add(place, name, *settings, **more):
        servers.append(Market(folder / name, *settings, host="0.0.0.0", **more))
        place.call(servers[-1].start)
        return servers[-1]

    common = (*FAST, f"registry.credential={CREDENTIAL}", "registry.public_reads=true")
    role = ("--role", "registry")
    first = add(here, "first", *common, f"registry.peers={urls[1]}", listen=ports[0], flags=role)
    second = add(there, "second", *common, f"registry.peers={urls[0]}", listen=ports[1], flags=role)
    found = (f"registry.urls={','.join(urls)}", f"registry.host={there.address}")
    shop = add(there, "shop", *CLIENT, *found, flags=("--role", "user,product,order"))
    names = {f"{there.address}:market-{each}:{shop.port}" for each in ("user", "product", "order")}
    problems = await within(5, "the first has all", here, lambda: names <= registered(first))
    problems += await within(5, "the second has all", there, lambda: names <= registered(second))
    await asyncio.sleep(1)
    before = [(descriptors(each.process), threads(each.process)) for each in servers]

    here.mute(there)  # The first hears its peer and the shop, and none of its answers arrives.
    await asyncio.sleep(MUTED_SECONDS * PATIENCE)
    errors = "market_registry_replication_errors_total"
    for place, registry in ((here, first), (there, second)):
        what = f"{registry.data.name} notices"
        problems += await within(10, what, place, lambda: metric(registry, errors))  # noqa: B023
    for server, (files, tasks) in zip(servers, before):
        if threads(server.process) > tasks:
            problems.append(f"{server.data.name} had {tasks} threads, has {threads(server.process)}")
        if descriptors(server.process) > files + 8:
            problems.append(f"{server.data.name} had {files} files, has {descriptors(server.process)}")
    for place, registry in ((here, first), (there, second)):
        if gone := names - place.call(registered, registry):
            problems.append(f"{registry.data.name} lost {sorted(gone)}")
    if there.call(metric, shop, "market_discovery_instances") != 3:
        problems.append("the shop lost its list")
    if there.call(ask, shop, "GET", "/api/v1/products?limit=1")[0] != 200:
        problems.append("the shop does not answer")

    here.unmute(there)
    problems += await within(8, "the registries talk again", there, lambda: reached(second))
    problems += await within(8, "both ways", here, lambda: reached(first))
    for place, server in ((there, shop), (here, first), (there, second)):
        if (status := place.call(server.stop)) != 0:
            problems.append(f"{server.data.name} ended with {status}: {server.log_tail()[-300:]}")
    return problems


def reached(registry):
    peers = json.loads(ask(registry, "GET", "/registry/state")[1])["peers"]
    return all(peer["reached"] for peer in peers)
