"""The log's topic deleted in the middle of a sale, and made anew or not (RELIABILITY.md, row 24): nothing is
sold any more, orders are shown, every instance says what to do, and `market log adopt` is the only way on."""

import asyncio
import random
import subprocess
import time
import urllib.error
import urllib.request

from stack_sale import StackSale

TOPIC = "market.log"


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


def shown(gateway, order, token):
    """The status under which an order is shown."""
    asked = urllib.request.Request(f"{gateway}/api/v1/orders/{order}",
                                   headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as found:
            return found.status
    except urllib.error.HTTPError as refused:
        return refused.code


def lose_the_log(stack, seed, binary):
    """(What to say of it, what is wrong, the longest answer)."""
    draw = random.Random(seed)
    made_anew = draw.choice([True, False])
    sale = StackSale(stack.gateways(), stack.folder / "data" / "user-1", 600, 700)
    after, silent_from = draw.randint(50, 300), []

    async def lose():
        while len(sale.sold) < after:
            await asyncio.sleep(0.005)
        await asyncio.get_running_loop().run_in_executor(None, delete_log, stack, made_anew)
        await asyncio.sleep(3)
        silent_from.append(len(sale.answers))

    sale.run(lose(), rate=80)
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
        if "market log adopt" not in log:
            problems.append(f"{name} does not say what to do")
        if stack.metric(name, "market_log_writes"):
            problems.append(f"{name} writes")
    problems += adopted(stack, binary)
    return (f"{'made anew' if made_anew else 'gone'} when {after} were sold: {len(sale.sold)} orders, then "
            f"503; again after 'market log adopt'"), problems, sale.slowest()


def adopted(stack, binary):
    """Services away, the log taken as it is, services again: they sell."""
    for name in (*stack.orders(), "product-1", "product-2", "user-1", "user-2"):
        stack.stop(name)
    done = subprocess.run([binary, "log", "adopt", "--config", stack.folder / "market.toml"],
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or "adopted:" not in done.stdout:
        return [f"market log adopt: {(done.stdout + done.stderr)[-300:]}"]
    up = stack.run("up")
    if up.returncode != 0:
        return [f"it does not come up behind 'market log adopt': {(up.stderr or up.stdout)[:300]}"]
    again = StackSale(stack.gateways(), stack.folder / "data" / "user-1", 50, 60)
    again.run()
    return again.problems(seconds_max=10) + stack.violations()
