"""A cluster under mixed load and random kills for a long time; nothing may grow, nothing may be lost.

    ./dev soak [minutes] [--asan]            10 minutes by default
    SEED=1234 ./dev soak 2                   the same draws again

The first registry, the first gateway and the services live through the whole run and are measured; the second
ones and the foreign instances are killed. Prints `N passed, N failed, N skipped`.
"""

import asyncio
import os
import pathlib
import random
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cluster_load import ClusterSale
from history import now
from market_cluster import Cluster
from market_server import BINARY, PATIENCE

MEBIBYTE = 1 << 20
GROWTH_MAX = 32 * MEBIBYTE
GROWTH_PER_ORDER_MAX = 2048  # Orders stay in the memory of the services.
FILES_GROWTH_MAX = 32
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "ThreadSanitizer:")
MALFORMED = (
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /api/v1/products HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"POST /fake/ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"POST /fake/ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /api/v1/../info HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    b"GET /fake/ok HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70_000,
    b"POST /fake/ok HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
)


def resident_bytes(server):
    pages = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


class Soak:
    def __init__(self, sale, cluster):
        self.sale, self.cluster, self.rng = sale, cluster, sale.rng
        self.lasting = (cluster.registries[0], cluster.gateways[0], cluster.services)
        self.streams = self.refused = self.kills = 0
        self.problems = []

    async def drop_streams(self):
        """Opens a stream of an order's events, reads its beginning, and leaves without a word."""
        crowd = self.sale.crowd
        while crowd.open_for_buying:
            await asyncio.sleep(0.1)
            if not crowd.acknowledged:
                continue
            user, order = self.rng.choice(crowd.acknowledged[-50:])
            lines = f"GET /api/v1/orders/{order}/events HTTP/1.1\r\nHost: x\r\n"
            request = f"{lines}Authorization: Bearer {crowd.tokens[user]}\r\n\r\n"
            answer = await self.raw(request.encode(), self.rng.uniform(0, 0.5))
            self.streams += b"text/event-stream" in answer

    async def send_malformed(self):
        while self.sale.crowd.open_for_buying:
            await asyncio.sleep(0.1)
            answer = await self.raw(self.rng.choice(MALFORMED), 0.2)
            if answer.startswith(b"HTTP/1.1 2"):
                self.problems.append(f"a malformed request was answered {answer[:80]!r}")
            self.refused += answer.startswith(b"HTTP/1.1 4")

    async def raw(self, message, linger):
        """What came back within `linger` seconds; a gateway may be dead."""
        got = b""
        try:
            port = self.rng.choice(self.cluster.gateway_ports)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return got
        try:
            writer.write(message)
            deadline = now() + linger
            while piece := await asyncio.wait_for(reader.read(65536), max(0.05, deadline - now())):
                got += piece
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            writer.transport.abort()
        return got

    async def kill_something(self):
        """kill -9, and a little later a new one."""
        victim = self.rng.choice(("registry", "gateway", "backend"))
        self.kills += 1
        if victim == "backend":
            backend = self.cluster.backends.pop(self.rng.randrange(len(self.cluster.backends)))
            backend.kill()
            await asyncio.sleep(self.rng.uniform(0, 1))
            await asyncio.to_thread(self.cluster.add_backend)
            return
        server = self.cluster.registries[1] if victim == "registry" else self.cluster.gateways[1]
        server.kill()
        await asyncio.sleep(self.rng.uniform(0, 1))
        await asyncio.to_thread(server.start)

    def measure(self):
        accepted = len(self.sale.crowd.acknowledged)
        return accepted, {each: (resident_bytes(each), open_files(each)) for each in self.lasting}

    def growth(self, before, after):
        orders = after[0] - before[0]
        for server, (memory, files) in after[1].items():
            grown, more_files = memory - before[1][server][0], files - before[1][server][1]
            bound = GROWTH_MAX * PATIENCE
            bound += orders * GROWTH_PER_ORDER_MAX if server is self.cluster.services else 0
            line = f"{server.data.name}: {memory / MEBIBYTE:.1f} MiB ({grown / MEBIBYTE:+.1f})"
            print(f"soak: {line}, {files} files ({more_files:+d})", flush=True)
            if grown > bound:
                yield f"{server.data.name} grew by {grown} bytes over {orders} orders"
            if more_files > FILES_GROWTH_MAX:
                yield f"{server.data.name} has {more_files} open files more than before"

    async def run(self, seconds):
        began = now()
        async with self.sale.load(self.drop_streams, self.send_malformed):
            await asyncio.sleep(seconds * 0.25)  # Caches and buffers are filled by then.
            before = self.measure()
            while now() < began + seconds:
                await self.kill_something()
                await asyncio.sleep(min(self.rng.uniform(0.5, 5), max(0, began + seconds - now())))
        self.problems += self.lost_for_no_reason()
        await asyncio.sleep(1)
        self.problems += self.growth(before, self.measure())
        self.problems += await self.sale.verify()
        self.problems += self.cluster.stop()
        for server in self.cluster.servers():
            log = server.log_path.read_text(errors="replace")
            self.problems += [f"{server.data.name}: {word}" for word in SANITIZER_WORDS if word in log]
        if not self.streams or not self.refused:
            self.problems.append(f"{self.streams} streams, {self.refused} malformed requests refused")
        print(
            f"soak: {now() - began:.0f} s, {self.sale.answered} reads, "
            f"{len(self.sale.crowd.acknowledged)} orders, {self.streams} streams, "
            f"{self.refused} malformed requests refused, {self.kills} kills",
            flush=True,
        )
        return self.problems

    def lost_for_no_reason(self):
        """A killed gateway takes what is under way with it; all else is answered."""
        dead = str(self.cluster.gateway_ports[1])
        safe, self.sale.problems = self.sale.problems, []
        self.sale.take_problems()
        return [each for each in safe if not (f" at {dead}: " in each and "after" in each)]


async def soak(sale, cluster, seconds):
    """[what went wrong]; ends the cluster."""
    return await Soak(sale, cluster).run(seconds)


async def run_alone(folder, seed, seconds):
    sale = ClusterSale(folder, random.Random(seed))
    with Cluster(folder, "log.level=warn") as cluster:
        await sale.begin(cluster)
        return await soak(sale, cluster, seconds)


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    seed = int(os.environ.get("SEED", random.randrange(1_000_000)))
    print(f"soak: {minutes:g} minutes with {BINARY.parent.name}/{BINARY.name}, SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        problems = asyncio.run(run_alone(folder, seed, minutes * 60))
    for problem in problems[:20]:
        print(f"failed: soak: {problem}")
    print(f"{int(not problems)} passed, {int(bool(problems))} failed, 0 skipped")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
