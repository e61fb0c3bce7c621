#!/usr/bin/env python3
"""Faults around a running server (RELIABILITY rows 2-9, 32, 42, 43, L7), with history checks.

    tests/chaos/faults.py [name…]       SEED=1234 repeats a run's choices

Prints `N passed, N failed, N skipped`; a fault that cannot be injected here (no strace, no root) is skipped.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from fault_tools import ACKNOWLEDGED_MIN, Sale, Skipped, TracedMarket
from fault_tools import cpu_seconds, needs_strace, ready_status, run_faults, sells_again, until
from async_http import Connection
from buyers import seed_users
from history import now
from market_server import PATIENCE, run
from store_view import Store, seconds


async def killed_in_commit(sale, rng):
    """Row 2: kill -9 while a group commit is being synced."""
    needs_strace()
    await sale.start()
    async with sale.buying():
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
    sale.died()
    problems = []
    for number in sorted(rng.sample(range(3, 60), 3)):
        inject = f"fdatasync:signal=KILL:when={number}"
        server = TracedMarket(sale.data, inject, "ratelimit.enabled=false")
        try:
            await sale.start(server=server)
        except RuntimeError:
            if server.process.returncode != -signal.SIGKILL:
                raise
            print(f"sync {number} came while the server was starting: a crash like any other", flush=True)
        else:
            async with sale.buying():
                for _ in range(1500):
                    if server.process.poll() is not None:
                        break
                    await asyncio.sleep(0.01)
                else:
                    problems.append(f"sync {number} never came")
            sale.died()
        await sale.start()
        problems += await sale.verify()
        sale.died()
    return problems


async def torn_tail(sale, rng):
    """Row 3: a killed server's WAL is cut by 1 to 4096 bytes: it starts and lost one group at most."""
    await sale.start()
    async with sale.buying():
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
        await asyncio.sleep(0.3)  # The newest groups are in the records too.
        sale.died()
    whole, problems = sale.folder / "whole", []
    shutil.copytree(sale.data, whole, ignore=shutil.ignore_patterns("*.sock"))
    done = run("check", "--data", whole)
    if done.returncode != 0:
        problems.append(done.stdout)
    complete = Store.read(whole).events
    for cut in sorted(rng.sample(range(1, 4097), 6)):
        data = sale.folder / f"cut-{cut}"
        shutil.copytree(sale.data, data, ignore=shutil.ignore_patterns("*.sock"))
        wal = data / "log.db-wal"
        os.truncate(wal, wal.stat().st_size - cut)
        if "VIOLATED: the records are not ahead" in run("check", "--data", data).stdout:
            refused = run("serve", "--data", data, "--listen", "127.0.0.1:0", seconds=10)
            if refused.returncode != 1 or "market log adopt" not in refused.stderr:
                problems.append(f"cut by {cut}: started: {refused.stderr}")
            adopted = run("log", "adopt", "--data", data)
            if adopted.returncode != 0 or "lost or changed: order" not in adopted.stdout:
                problems.append(f"cut by {cut}: {adopted.stdout} {adopted.stderr}")
        await sale.start(data=data)
        problems += await sells_again(sale)
        sale.died()
        checked = run("check", "--data", data)
        events = Store.read(data).events
        kept = next((i for i, (a, b) in enumerate(zip(complete, events)) if a != b), len(events))
        lost = complete[kept:]
        if checked.returncode != 0:
            problems.append(f"cut by {cut}: {checked.stdout[-500:]}")
        if len({event["at"] for event in lost}) > 1:
            problems.append(f"cut by {cut}: more than one group is lost: {len(lost)} events")
    return problems


async def failed_sync(sale, rng):
    """Row 4: syncs of the log fail; the outcome is unknown, then decided by the disk."""
    needs_strace()
    first = rng.randint(30, 50)  # Before all is sold, however many orders a sync has.
    # Three of each thread in a row: the first may be a checkpoint's, which nobody needs to hear of.
    inject = f"fdatasync:error=EIO:when={first}..{first + 2}"
    await sale.start(server=TracedMarket(sale.data, inject, "ratelimit.enabled=false"))
    async with sale.buying():
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN, 60)

        async def told():
            return "unavailable" in sale.codes()

        problems = await until(told, 30, "an answer says that the outcome is unknown")
    problems += await sells_again(sale)
    return problems + await sale.verify()


async def slow_sync(sale, rng):
    """Row 5: a sync takes 2 s; the queue is bounded, what does not fit is refused at once."""
    needs_strace()
    inject = f"fdatasync:delay_enter=2000000:when={rng.randint(60, 70)}"
    settings = ("ratelimit.enabled=false", "orders.queue_max=16")
    await sale.start(server=TracedMarket(sale.data, inject, *settings))
    async with sale.buying(64):
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN, 60)
        for _ in range(600):
            shed = [op for op in sale.history.operations if op.code == "overloaded"]
            if len(shed) > 20:
                break
            await asyncio.sleep(0.01)
    problems = [] if shed else ["nothing was refused as overloaded"]
    slowest = max((op.completed - op.invoked for op in shed), default=0)
    if slowest > 1.0 * PATIENCE:
        problems.append(f"a refusal took {slowest:.2f} s")
    return problems + await sells_again(sale) + await sale.verify()


async def disk_full(sale, rng):
    """Row 6: no room; orders are refused, reads go on, and it resumes by itself."""
    sale.data.rename(sale.folder / "seeded")
    sale.data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", sale.data]).returncode != 0:
        raise Skipped("a small file system cannot be mounted here (needs root)")
    try:
        shutil.copytree(sale.folder / "seeded", sale.data, dirs_exist_ok=True)
        await sale.start()
        async with sale.buying():
            await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
            ballast = sale.data / "ballast"
            with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            for _ in range(1000):
                if "insufficient_storage" in sale.codes():
                    break
                await asyncio.sleep(0.01)
        problems = [] if "insufficient_storage" in sale.codes() else ["the full disk was not told"]
        user, order = sale.crowd.acknowledged[-1]
        connection = Connection(sale.server.port)
        if (await sale.crowd.get(connection, user, order)).status != 200:
            problems.append("reads do not go on")
        connection.close()
        ballast.unlink()
        problems += await sells_again(sale) + await sale.verify()
        sale.died()
        return problems
    finally:
        sale.server and sale.server.kill()
        subprocess.run(["umount", sale.data])


async def log_taken_away(sale, rng):
    """Row 7: the log is moved away or made read-only below the server, then put back."""
    await sale.start()
    async with sale.buying():
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
    log, problems = sale.data / "log.db", []
    connection, user = Connection(sale.server.port), sale.crowd.users[0][0]
    for take, give in (
        (lambda: log.chmod(0o400), lambda: log.chmod(0o600)),
        (lambda: log.rename(sale.data / "away"), lambda: (sale.data / "away").rename(log)),
    ):
        take()
        answers = []
        for _ in range(3):
            key = sale.crowd.new_key()
            answers.append(await sale.crowd.order(connection, user, [(sale.products[0], 1)], key))
        if any(answer.status != 503 for answer in answers):
            problems.append(f"answers without a log: {[answer.status for answer in answers]}")
        if await ready_status(sale.server.port) != 503:
            problems.append("ready without a log")
        give()
        problems += await sells_again(sale)
    connection.close()
    return problems + await sale.verify()


async def foreign_files(sale, rng):
    """Row 8: junk or another program's database is refused with one line, and left as it is."""
    problems = []
    for name in ("log.db", "records.db", "main.db"):
        for kind in ("junk", "foreign"):
            data = sale.folder / f"{name}-{kind}"
            shutil.copytree(sale.data, data)
            for rest in data.glob(name + "*"):
                rest.unlink()
            if kind == "junk":
                (data / name).write_bytes(b"this is no database " * 500)
            else:
                subprocess.run(
                    ["sqlite3", data / name, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)"]
                )
            before = (data / name).read_bytes()
            done = run("serve", "--data", data, "--listen", "127.0.0.1:0", seconds=10)
            lines = [line for line in done.stderr.splitlines() if line.startswith("market: ")]
            if done.returncode == 0 or len(lines) != 1 or name not in lines[0]:
                problems.append(f"{kind} {name}: exit {done.returncode}, said {done.stderr[-300:]}")
            if (data / name).read_bytes() != before:
                problems.append(f"{kind} {name} was changed")
    return problems


async def out_of_descriptors(sale, rng):
    """Row 9: 64 descriptors, 200 connections: accepting pauses without spinning, and recovers."""
    await sale.start()
    server = sale.server
    subprocess.run(["prlimit", "--pid", str(server.process.pid), "--nofile=64:64"], check=True)
    held = []
    for _ in range(200):
        held.append(await asyncio.open_connection("127.0.0.1", server.port))
    before = cpu_seconds(server.process.pid)
    await asyncio.sleep(1.5)
    share = (cpu_seconds(server.process.pid) - before) / 1.5
    problems = [f"it spins: {share:.0%} of a core"] if share > 0.2 else []
    for _, writer in held:
        writer.close()
    await asyncio.sleep(0.3)
    problems += await sells_again(sale)
    return problems + await sale.verify()


async def opening(sale, rng):
    """Row 32: clients from 50 ms before to 50 ms after the opening; no order is older than the sale."""
    await sale.start()
    connection = Connection(sale.server.port)
    product = await sale.crowd.add_product(connection, 10_000, opens_in=1.0)
    connection.close()
    opens_at = sale.history.products[product].opens_at

    async def client(number):
        connection, user = Connection(sale.server.port), sale.crowd.users[number][0]
        await connection.request("GET", "//health/live")
        await asyncio.sleep(max(0.0, opens_at - 0.05 - now()))
        while now() < opens_at + 0.05:
            await sale.crowd.order(connection, user, [(product, 1)], sale.crowd.new_key())
        connection.close()

    await asyncio.gather(*[client(number) for number in range(32)])
    told = [op for op in sale.history.orders() if op.outcome == "ok" and op.items[0][0] == product]
    early = [op for op in told if seconds(op.body["createdAt"]) < int(opens_at * 1000) / 1000]
    early += [op for op in told if op.completed < opens_at - 0.002]
    problems = [f"{len(early)} orders before the opening"] if early else []
    if not told or "sale_not_open" not in sale.codes():
        problems.append(f"the clients missed the opening: {len(told)} orders, {sale.codes()}")
    return problems + await sale.verify()


async def second_instance(sale, rng):
    """Row 42: a second process on the same data is refused; the first is unharmed."""
    await sale.start()
    second = run("serve", "--data", sale.data, "--listen", "127.0.0.1:0", seconds=10)
    problems = []
    if second.returncode == 0 or str(sale.server.process.pid) not in second.stderr:
        problems.append(f"the second: exit {second.returncode}, {second.stderr[-300:]}")
    return problems + await sells_again(sale) + await sale.verify()


async def backup_under_load(sale, rng):
    """Row 43: a backup while orders come in has everything that was acknowledged before it began."""
    await sale.start()
    copy, problems = sale.folder / "hot", []
    async with sale.buying():
        await sale.crowd.until_acknowledged(ACKNOWLEDGED_MIN)
        before = [order for _, order in sale.crowd.acknowledged]
        made = await asyncio.to_thread(run, "backup", "--data", sale.data, "--to", copy)
    if made.returncode != 0:
        return [made.stderr]
    checked = run("check", "--data", copy)
    if checked.returncode != 0:
        problems.append(checked.stdout)
    kept = {event.get("order") for event in Store.read(copy).events}
    problems += [f"order {order} is not in the backup" for order in before if order not in kept][:5]
    return problems + await sale.verify()


async def hot_product(sale, rng):
    """L7: a crowd for 100 units: exactly 100 orders, everybody is answered."""
    users, tokens = 20_000, sale.folder / "crowd"
    seed_users(sale.data, users, tokens)
    await sale.start()
    connection = Connection(sale.server.port)
    product = await sale.crowd.add_product(connection, 100)
    connection.close()
    bench = ["bench", "--mode", "buy", "--product", product, "--tokens", tokens, "--requests", users]
    arguments = [*bench, "--url", sale.server.url, "--json", "-", "--connections", 256]
    done = await asyncio.to_thread(run, *arguments, seconds=60)
    numbers = json.loads(done.stdout)
    problems = []
    if (numbers["accepted"], numbers["soldOut"], numbers["errors"]) != (100, users - 100, 0):
        problems.append(
            f"{numbers['accepted']} accepted, {numbers['soldOut']} sold out: {numbers['outcomes']}"
        )
    slowest = max(numbers["latencyMs"][kind]["max"] for kind in ("accepted", "refused"))
    if slowest > 2000 * PATIENCE:
        problems.append(f"an answer took {slowest:.0f} ms")
    sale.died()
    checked = run("check", "--data", sale.data)
    return problems + ([checked.stdout] if checked.returncode != 0 else [])


FAULTS = [
    killed_in_commit,
    torn_tail,
    failed_sync,
    slow_sync,
    disk_full,
    log_taken_away,
    foreign_files,
    out_of_descriptors,
    opening,
    second_instance,
    backup_under_load,
    hot_product,
]


if __name__ == "__main__":
    sys.exit(run_faults(FAULTS))
