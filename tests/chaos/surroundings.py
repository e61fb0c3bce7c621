#!/usr/bin/env python3
"""Faults of what surrounds a running server: its clock, its files, its clients (RELIABILITY rows 7, 31, 38).

    tests/chaos/surroundings.py [name…]       SEED=1234 repeats a run's choices

Prints `N passed, N failed, N skipped`; a fault that cannot be injected here (no compiler) is skipped.
"""

import asyncio
import contextlib
import pathlib
import random
import re
import resource
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from fault_tools import ACKNOWLEDGED_MIN, ready_status, resident_bytes, run_faults, sells_again
from fault_tools import until
from async_http import Connection, Lost
from gateway import Gateway
from history import now
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, PATIENCE, Market
from pictures import png
from stepped_clock import SteppedClock
from store_view import seconds
from tokens import Forger
from tokens import now as token_time

HOUR = 3600


async def clock_steps(sale, rng):
    """Row 31: the wall clock jumps an hour ahead, back, and to where it was; only an alarm is told.

    Tokens are judged by today's clock: the buyers' hold from two hours ago until tomorrow, and whoever
    signs in gets one that holds now.
    """
    clock = SteppedClock(sale.folder)
    for user, token in sale.crowd.users:
        longer = Forger(sale.data, token).token(iat=token_time(-2 * HOUR), exp=token_time(24 * HOUR))
        sale.crowd.tokens[user] = longer
    settings = ("ratelimit.enabled=false", "orders.payment_window=4s")
    await sale.start(server=Market(sale.data, *settings, environment=clock.environment))
    connection, (user, _), problems = Connection(sale.server.port), sale.crowd.users[0], []
    waiting = await sale.crowd.add_product(connection, 10_000, opens_in=6.0)
    opens_at = sale.history.products[waiting].opens_at

    async def step(by):
        placed = await sale.crowd.order(connection, user, [(sale.products[0], 1)], sale.crowd.new_key())
        clock.step(by)
        await asyncio.sleep(1.5)  # Longer than the server's own look at the clock.
        found = await sale.crowd.get(connection, user, placed.body["id"])
        if found.body["state"] != "accepted":
            problems.append(f"{by:+} s: an order is {found.body['state']} before its time")
        again = await sale.crowd.order(connection, user, [(sale.products[0], 1)], sale.crowd.new_key())
        if abs(seconds(again.body["createdAt"]) - now()) > 1.0 * PATIENCE:
            problems.append(f"{by:+} s: an order was created at {again.body['createdAt']}")
        early = await sale.crowd.order(connection, user, [(waiting, 1)], sale.crowd.new_key())
        if now() < opens_at and early.code != "sale_not_open":
            problems.append(f"{by:+} s: before the opening: {early.status} {early.code}")
        fresh = await sign_in(connection)
        answer = await connection.request("GET", "/users/me", token=fresh["accessToken"])
        if answer.status != 200:
            problems.append(f"{by:+} s: a fresh token is answered {answer.status}")
        return placed, seconds(placed.body["payBy"])

    async with sale.buying(4):
        unpaid = [await step(by) for by in (HOUR, -HOUR, 0)]
        await asyncio.sleep(max(0.0, opens_at + 0.1 - now()))
        opened = await sale.crowd.order(connection, user, [(waiting, 1)], sale.crowd.new_key())
        if opened.outcome != "ok":
            problems.append(f"behind the opening: {opened.status} {opened.code}")
    for placed, pay_by in unpaid:

        async def expired():
            found = await sale.crowd.get(connection, user, placed.body["id"])
            return found.body["state"] == "expired"

        problems += await until(expired, max(0.0, pay_by - now()) + 3, "an unpaid order expires")
    connection.close()
    alarms = sale.server.logged("the wall clock was stepped").count("the wall clock was stepped")
    if alarms < 3:
        problems.append(f"{alarms} of 3 steps were told in the log")
    return problems + await sale.verify()


async def clock_set_back_over_a_restart(sale, rng):
    """The clock of a machine was an hour ahead; it is put right while the server is down."""
    clock = SteppedClock(sale.folder)
    clock.step(HOUR)
    server = Market(sale.data, "ratelimit.enabled=false", environment=clock.environment)
    await sale.start(server=server)
    problems = []
    async with sale.buying(4):
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
    sale.died()
    clock.step(0)
    await sale.start(server=server)
    async with sale.buying(4):
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
    if "the wall clock is 3600 s behind" not in server.logged("the wall clock is 3600 s behind"):
        problems.append("the log does not tell that the clock was set back")
    # Looks at the stock are placed in the log by its times, and those went back.
    return problems + [each for each in await sale.verify() if each[0] != "I5"]


async def sign_in(connection):
    body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    return (await connection.request("POST", "/sessions", body=body)).json()


async def sign_up(port):
    """The status of making an account."""
    connection = Connection(port)
    body = {"email": f"u{random.getrandbits(60)}@market.example", "password": "correct horse 99 staple"}
    try:
        return (await connection.request("POST", "/users", body={**body, "name": "Kim"})).status
    finally:
        connection.close()


async def ready_becomes(sale, wanted, what):
    async def is_so():
        return await ready_status(sale.server.port) == wanted

    return await until(is_so, 5, what)


async def databases_taken_away(sale, rng):
    """Row 7: main.db or records.db is moved away or made read-only below the server, then put back."""
    await sale.start()
    problems, away = [], sale.data / "away"
    for name in ("main.db", "main.db-wal", "records.db", "records.db-wal"):
        file = sale.data / name
        moved = ("moved away", lambda: file.rename(away), lambda: away.rename(file))
        closed = ("read-only", lambda: file.chmod(0o400), lambda: file.chmod(0o600))
        for what, take, give in (moved,) if name.endswith("-wal") else (moved, closed):
            async with sale.buying(4):
                await sale.crowd.until_acknowledged(100)
                take()
                problems += await ready_becomes(sale, 503, f"{name} {what}: not ready")
                status = await sign_up(sale.server.port)
                if status != (503 if name.startswith("main") else 201):
                    problems.append(f"{name} {what}: a sign-up is answered {status}")
                # What is truth goes on: the log is where it was.
                await sale.crowd.until_acknowledged(100)
                give()
            problems += await ready_becomes(sale, 200, f"{name} {what} and back: ready")
            if (status := await sign_up(sale.server.port)) != 201:
                problems.append(f"{name} {what} and back: a sign-up is answered {status}")
    return problems + await sale.verify()


async def databases_deleted(sale, rng):
    """Row 7: records.db is deleted below the server, and made anew by a restart; main.db for good."""
    await sale.start()
    problems = []
    async with sale.buying(4):
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
    for file in sale.data.glob("records.db*"):
        file.unlink()
    problems += await ready_becomes(sale, 503, "records.db deleted: not ready")
    async with sale.buying(4):
        await sale.crowd.until_acknowledged(100)
    sale.died()
    await sale.start()
    problems += await ready_becomes(sale, 200, "records.db made anew: ready") + await sale.verify()
    backup = (sale.data / "main.db").read_bytes()
    (sale.data / "main.db").unlink()
    (sale.data / "main.db").write_bytes(
        backup
    )  # A copy is another file: the server writes into the old one.
    problems += await ready_becomes(sale, 503, "main.db replaced: not ready")
    if (status := await sign_up(sale.server.port)) != 503:
        problems.append(f"main.db replaced: a sign-up is answered {status}")
    return problems


async def dawdle(port, at_once, slowly, seconds_max):
    """Sends the second part a byte a second, until it is hung up on. (seconds it took, status or None)"""
    began, answer = now(), b""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(OSError):
        writer.write(at_once)
        for byte in slowly:
            writer.write(bytes([byte]))
            await writer.drain()
            try:
                answer = await asyncio.wait_for(reader.read(1024), 1.0)
                break
            except asyncio.TimeoutError:
                if now() - began > seconds_max:
                    break
    writer.close()
    return now() - began, int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None


class SlowReader:
    """Asks for a big answer and takes one byte a second of it."""

    def __init__(self, port, path):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)
        self.address, self.request = ("127.0.0.1", port), f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    async def read(self, while_true):
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            await loop.sock_connect(self.socket, self.address)
            await loop.sock_sendall(self.socket, self.request)
            while while_true() and await loop.sock_recv(self.socket, 1):
                await asyncio.sleep(1.0)

    def close(self):
        self.socket.close()


GATEWAY = """
[gateway.services]
market-user = ["127.0.0.1:{port}"]
market-product = ["127.0.0.1:{port}"]
market-order = ["127.0.0.1:{port}"]
"""
SLOW_EACH, HEADS_EACH = 100, 1000
PICTURE = png(4 << 20)


async def open_connections(port):
    connection = Connection(port)
    try:
        text = (await connection.request("GET", "//metrics")).body.decode()
    finally:
        connection.close()
    return int(re.search(r"^market_http_connections (\d+)$", text, re.M).group(1))


async def probe(port, path, slowest):
    """Reads this again and again, each time on a fresh connection; the slowest answer's seconds are kept."""
    while True:
        connection, began = Connection(port, timeout=10.0), now()
        with contextlib.suppress(Lost):
            await connection.request("GET", path)
        slowest[path] = max(slowest.get(path, 0.0), now() - began)
        connection.close()
        await asyncio.sleep(0.1)


def put_picture(sale, product, token):
    done = subprocess.run(
        [
            "curl",
            "-sS",
            "-X",
            "PUT",
            "-H",
            f"Authorization: Bearer {token}",
            "-H",
            "Content-Type: image/png",
        ]
        + ["-H", "Expect:", "--data-binary", "@-", f"{sale.server.url}/api/v1/products/{product}/image"],
        input=PICTURE,
        capture_output=True,
    )
    return [] if b"imageUrl" in done.stdout else [f"the picture was refused: {done.stdout} {done.stderr}"]


async def slow_clients(sale, rng):
    """Row 38: heads, bodies and answers at a byte a second, straight and by a gateway, harm nobody else."""
    await sale.start()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    product, slowest, reading = sale.products[0], {}, True
    problems = put_picture(sale, product, sale.crowd.admin_token)
    with Gateway(sale.folder, GATEWAY.format(port=sale.server.port)) as gateway:
        ports = {"the server": sale.server.port, "the gateway": gateway.port}
        pids = (sale.server.process.pid, gateway.process.pid)
        memory, began = [resident_bytes(pid) for pid in pids], now()
        big = f"/api/v1/products/{product}/image"
        readers = [SlowReader(port, big) for port in ports.values() for _ in range(SLOW_EACH)]
        slow_reads = [asyncio.create_task(reader.read(lambda: reading)) for reader in readers]
        head = b"GET /api/v1/products HTTP/1.1"
        slow_heads = asyncio.gather(
            *[dawdle(port, b"", head, 40 * PATIENCE) for port in ports.values() for _ in range(HEADS_EACH)]
        )
        token = sale.crowd.users[0][1]
        post = f"POST /api/v1/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        post = (post + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n").encode()
        senders = list(ports.values()) * SLOW_EACH
        slow_bodies = asyncio.gather(*[dawdle(port, post, bytes(999), 60 * PATIENCE) for port in senders])
        probes = [
            asyncio.create_task(probe(port, path, slowest))
            for port in ports.values()
            for path in ("/products?limit=5", f"/products/{product}/stock")
        ]
        for port in ports.values():  # Orders go on both ways.
            async with sale.crowd.buying(port, sale.products, 4):
                await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN, 25 * PATIENCE)
        problems += told_off("heads", await slow_heads, 16)
        problems += told_off("bodies", await slow_bodies, 36)
        for pid, before, name in zip(pids, memory, ports):
            taken = (resident_bytes(pid) - before) >> 20
            if taken > 128:
                problems.append(f"{name} took {taken} MiB for its slow clients")
        for task in probes:
            task.cancel()
        for path, took in slowest.items():
            if took > 2.0 * PATIENCE:
                problems.append(f"others waited {took:.1f} s for {path}")
        for name, port in ports.items():

            async def are_gone():
                return await open_connections(port) < SLOW_EACH / 2

            left = max(5.0, began + 80 - now())
            problems += await until(are_gone, left, f"{name} hangs up on readers who do not read")
        reading = False
        for task in slow_reads:
            task.cancel()
        await asyncio.gather(*slow_reads, return_exceptions=True)
        for reader in readers:
            reader.close()
    return problems + await sells_again(sale) + await sale.verify()


def told_off(what, ended, seconds_max):
    """Every slow sender was ended in time, with a timeout's answer or none."""
    slowest = max(took for took, _ in ended)
    problems = []
    if slowest > seconds_max * PATIENCE:
        problems.append(f"slow {what}: the last one was ended after {slowest:.1f} s")
    if not (answers := {status for _, status in ended}) <= {408, None}:
        problems.append(f"slow {what} were answered {answers}")
    return problems


FAULTS = [
    clock_steps,
    clock_set_back_over_a_restart,
    databases_taken_away,
    databases_deleted,
    slow_clients,
]


if __name__ == "__main__":
    sys.exit(run_faults(FAULTS))
