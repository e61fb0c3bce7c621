#!/usr/bin/env python3
"""Two registries, two gateways and three Java instances under load, while one after another of them dies.

The instances are Spring Cloud services with Netflix's client, registered at both registries. Readers use both
gateways all the time; no request may fail, but those under way in a gateway that is killed. Skipped, and
counted so, when there is no JDK or Maven cannot resolve its packages. Prints `N passed, N failed, N skipped`;
exit 1 when one failed. About 60 seconds once the packages are there.
"""

import asyncio
import collections
import contextlib
import pathlib
import signal
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from async_http import Alternating, Lost  # noqa: E402
from java import Client, check, counts, registered, why_not_built, within  # noqa: E402
from market_cluster import CLIENT, FAST  # noqa: E402
from market_server import Market, free_port  # noqa: E402

READERS = 8
ROUTE = """
[[gateway.routes]]
id = "shoes"
service = "shoes"
path = "/whoami"
"""


class Readers:
    """They ask who answers, through both gateways, on a thread of their own."""

    def __init__(self, ports):
        self.ports, self.going = ports, True
        self.answers = collections.Counter()  # Instance id -> how many.
        self.failures = []
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def run(self):
        await asyncio.gather(*(self.read() for _ in range(READERS)))

    async def read(self):
        connection = Alternating(self.ports)
        while self.going:
            try:
                answer = await connection.request("GET", "//whoami")
                if answer.status == 200:
                    self.answers[answer.body.decode()] += 1
                else:
                    self.failures.append(f"{answer.status} {answer.body[:200]}")
            except Lost as error:
                self.failures.append(f"at {connection.last_port()}: {error}")
            await asyncio.sleep(0.01)
        connection.close()

    def take_failures(self):
        failures, self.failures = self.failures, []
        return failures

    def answered_by(self, instance, more_than=0):
        return self.answers[instance.id] > more_than

    @contextlib.contextmanager
    def reading(self):
        self.thread.start()
        try:
            yield self
        finally:
            self.going = False
            self.thread.join()


def run(folder, started):
    config = folder / "gateway.toml"
    config.write_text(ROUTE)
    ports = [free_port() for _ in range(4)]
    urls = [f"http://127.0.0.1:{port}/eureka/" for port in ports[:2]]
    registries = [
        Market(
            folder / f"registry-{port}",
            *FAST,
            f"registry.peers={','.join(urls)}",
            "registry.self_preservation=false",
            listen=port,
            flags=("--role", "registry"),
        )
        for port in ports[:2]
    ]
    gateways = [
        Market(
            folder / f"gateway-{port}",
            *CLIENT,
            f"registry.urls={','.join(urls)}",
            "ratelimit.enabled=false",
            listen=port,
            flags=("--role", "gateway", "--config", str(config)),
        )
        for port in ports[2:]
    ]
    for server in (*registries, *gateways):
        started.append(server.start())

    def add_java(jersey=False):
        started.append(Client(folder, "shoes", ",".join(urls), jersey))
        return started[-1]

    shoes = [add_java(), add_java(), add_java(jersey=True)]
    ids = {one.id for one in shoes}
    for url in urls:
        within("three Java instances are registered", lambda u=url: ids <= set(registered(u)), 90)

    with Readers(ports[2:]).reading() as readers:
        for one in shoes:
            within("each of them gets requests", lambda o=one: readers.answered_by(o), 10)
        readers.take_failures()  # Before the gateways knew an instance.

        def no_failures(what):
            failures = readers.take_failures()
            check(f"no request failed: {what}", not failures, f"{len(failures)}: {failures[:3]}")

        def everybody_answers():
            """Who is left answers again and again, from now on."""
            seen = readers.answers.copy()
            return lambda: all(readers.answered_by(o, seen[o.id] + 20) for o in (shoes[1], newcomer))

        shoes[0].stop(signal.SIGKILL)
        for url in urls:
            within("a killed instance is evicted", lambda u=url: shoes[0].id not in registered(u), 20)
        before = readers.answers[shoes[0].id]
        no_failures("an instance was killed")

        registries[0].kill()
        newcomer = add_java()
        within("a newcomer is found by way of the other registry", lambda: readers.answered_by(newcomer), 60)
        no_failures("a registry was killed")
        registries[0].start()
        alive = {one.id for one in (*shoes[1:], newcomer)}
        within("it knows everybody again", lambda: set(registered(urls[0])) >= alive, 20)
        no_failures("it came back")

        shoes[2].stop()
        for url in urls:  # One is told in batches, half a second apart; a lease is longer.
            within("who ends has left at once", lambda u=url: shoes[2].id not in registered(u), 2)
        no_failures("an instance ended")
        check("nobody was sent to the dead one", readers.answers[shoes[0].id] == before)

        gateways[0].kill()
        within("the other gateway serves everybody", everybody_answers(), 10)
        lost = readers.take_failures()
        check("only what was under way in a killed gateway is lost", len(lost) <= READERS, lost[:3])
        gateways[0].start()
        within("both go on", everybody_answers(), 10)
        no_failures("a gateway came back")


def main():
    reason = why_not_built()
    if reason:
        print(f"skipped: {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    started = []
    with tempfile.TemporaryDirectory() as name:
        try:
            run(pathlib.Path(name), started)
        except Exception as error:  # noqa: BLE001: everything started must be stopped
            check("no error", False, repr(error))
        finally:
            for one in reversed(started):
                one.stop()
    print(f"{counts['passed']} passed, {counts['failed']} failed, 0 skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
