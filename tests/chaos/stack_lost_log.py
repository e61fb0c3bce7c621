"""The log cut below what others have followed, or its topic deleted, in the middle of a sale (RELIABILITY.md,
row 24): nothing is sold any more, orders are shown, every instance says what to do. `market log adopt` lists
what is lost and takes the log as it is, be it empty."""

import asyncio
import collections
import os
import random
import signal
import subprocess
import time
import urllib.error
import urllib.request

from processes import start_of
from stack_sale import StackSale

TOPIC = "market.log"
SAME_LINES_MAX = 20  # Of a trouble that stays: ours one each 30 s, those of the client of Kafka more often.


def delete_log(stack, made_anew):
    from confluent_kafka import admin
    client = admin.AdminClient({"bootstrap.servers": f"127.0.0.1:{stack.port('kafka')}"})
    client.delete_topics([TOPIC])[TOPIC].result(10)
    if made_anew:
        settings = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
                    "unclean.leader.election.enable": "false", "message.timestamp.type": "LogAppendTime"}
        for _ in range(50):  # What was deleted goes by and by.
            try:
                return client.create_topics([admin.NewTopic(TOPIC, 1, 1, config=settings)])[TOPIC].result(10)
            except Exception:  # noqa: BLE001  It says that the topic is there.
                time.sleep(0.1)


async def cut_log(stack, records):
    """The broker dies, and its disk has lost the last records; as after an election of a replica behind."""
    pid = stack.pid("kafka")
    os.kill(pid, signal.SIGKILL)
    while start_of(pid) is not None:
        await asyncio.sleep(0.02)
    segment = stack.folder / "kafka" / "data" / f"{TOPIC}-0" / f"{0:020}.log"
    batches, at, held = [], 0, segment.read_bytes()
    while at + 12 <= len(held):
        batches.append(at)
        at += 12 + int.from_bytes(held[at + 8:at + 12], "big")
    os.truncate(segment, batches[-min(records, len(batches) // 2)])
    await asyncio.get_running_loop().run_in_executor(None, stack.start_kafka)


def shown(gateway, order, token):
    """The status under which an order is shown."""
    asked = urllib.request.Request(f"{gateway}/api/v1/orders/{order}",
                                   headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as found:
            return found.status
    except urllib.error.HTTPError as refused:
        return refused.code


def lose_the_log(stack, seed, binary, for_good):
    """`for_good`: all of it. (What to say of it, what is wrong, the longest answer)."""
    draw = random.Random(seed)
    how = draw.choice(["gone", "made anew"]) if for_good else "cut"
    sale = StackSale(stack.gateways(), stack.folder / "data" / "user-1", 600, 700)
    after, silent_from = draw.randint(50, 300 if for_good else 150), []

    async def lose():
        while len(sale.sold) < after and sale.left:
            await asyncio.sleep(0.005)
        if for_good:
            await asyncio.get_running_loop().run_in_executor(None, delete_log, stack, how == "made anew")
        else:
            await cut_log(stack, draw.randint(5, 40))
        await asyncio.sleep(3)
        silent_from.append(len(sale.answers))

    sale.run(lose(), rate=80 if for_good else 15)
    late = {each.status for each in sale.answers[silent_from[0]:]}
    problems = [f"answered without a log: {late}"] if late - {503} else []
    if not late:
        problems.append("nobody asked without the log")
    other = {each.status for each in sale.answers} - {201, 503}
    problems += [f"answers that nobody may get: {other}"] if other else []
    stack.reader = None  # Its log is gone.
    told = draw.sample(sale.sold, 20)
    statuses = {shown(stack.gateways()[0], each.order, each.token) for each in told}
    problems += [f"orders are shown as {statuses}"] if statuses != {200} else []
    for name in stack.orders():
        log = (stack.folder / "logs" / f"{name}.log").read_text(errors="replace")
        if ("topic does not exist" if how == "gone" else "market log adopt") not in log:
            problems.append(f"{name} does not say what is wrong")
        said = collections.Counter(line.partition(" ")[2] for line in log.splitlines())
        problems += [f"{name} says {times} times: {line[:100]}" for line, times in said.items()
                     if times > SAME_LINES_MAX and line.startswith(("error", "warning", "critical"))]
        if stack.metric(name, "market_log_writes"):
            problems.append(f"{name} writes")
    problems += adopted(stack, binary, sale.sold if for_good else [])
    return (f"{how} when {after} were sold: {len(sale.sold)} orders, then 503; 'market log adopt' goes on",
            problems, sale.slowest())


def adopted(stack, binary, lost):
    """Services away, the log taken as it is, services again: they sell."""
    for name in (*stack.orders(), "product-1", "product-2", "user-1", "user-2"):
        stack.stop(name)
    for name in stack.doors:  # Else who asks for the writer finds a link.
        stack.links.set(f"{name}.door", "gone")
    done = subprocess.run([binary, "log", "adopt", "--config", stack.folder / "market.toml"],
                          capture_output=True, text=True, timeout=120)
    stack.links.heal()
    if done.returncode != 0 or "adopted:" not in done.stdout:
        return [f"market log adopt: {(done.stdout + done.stderr)[-300:]}"]
    untold = [each.order for each in lost if f"order {each.order}" not in done.stdout]
    if untold:
        return [f"market log adopt does not say that orders are lost: {untold[:5]} of {len(untold)}"]
    up = stack.run("up")
    if up.returncode != 0:
        return [f"it does not come up behind 'market log adopt': {(up.stderr or up.stdout)[:300]}"]
    again = StackSale(stack.gateways(), stack.folder / "data" / "user-1", 50, 60)
    again.run()
    return again.problems(seconds_max=10) + stack.violations()
