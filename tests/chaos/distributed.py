#!/usr/bin/env python3
"""Sales on the distributed stack while its parts, and the ways between them, break at seeded moments.

    tests/chaos/distributed.py [--seeds N] [--first SEED]  one or two faults of stack_table.py in each;
                                                           nothing: three such, and those of SHORT
    tests/chaos/distributed.py --each N [--first SEED] [--after N]    each fault N times: alone, then in pairs
    tests/chaos/distributed.py --faults NAME[,NAME] [--seeds N] [--first SEED]    both at once
    tests/chaos/distributed.py --faults NAME[,NAME …] --each N [--first SEED]    each of these alone, N times
    tests/chaos/distributed.py --kill-writer N [--first SEED]
    tests/chaos/distributed.py --lose-log N [--first SEED]    see stack_lost_log.py

Each round is a sale of 600 units to 700 buyers through two gateways; one of ten pays, and somebody looks at
the stock all the time. Then all that was killed is started again. A round passes when each buyer was told
what all instances know; nobody was refused who could have had a unit; whoever paid has paid; nobody saw a
5xx (but 503 while log or database are away: then he asks again with the same key); an order is accepted
within 10 s (times MARKET_PATIENCE) of the healing; and `market check` finds nothing in the log and all
other stores. The longest answer may take 6 s, 30 s while log or database are away (times MARKET_PATIENCE).
The stack is started once.

`--kill-writer N`: N sales of 1,000 units to 1,100 buyers, all with keys, and kill -9 of the writer in the
middle of each. A run passes when no buyer saw a 5xx, none waited longer than 3 s (times MARKET_PATIENCE),
exactly all units are sold, and what was answered is what is there.
"""

import argparse
import asyncio
import collections
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tools/stack")]

import client  # noqa: E402
from chaos_stack import Stack  # noqa: E402
from kafka_pulse import KafkaPulse  # noqa: E402
from market_server import BINARY, PATIENCE  # noqa: E402
from stack_effects import ToldByWebhook  # noqa: E402
from stack_faults import Faults  # noqa: E402
from stack_lost_log import lose_the_log  # noqa: E402
from stack_sale import StackSale  # noqa: E402
from stack_table import FAULTS  # noqa: E402


UNITS, BUYERS, AT_ONCE = 600, 700, 40
# Our instances write nothing when Kafka is silent for a second. Where no fault takes it away, that is a
# machine with too much to do: what buyers were told then says nothing, and the round is begun anew. What is
# lost, sold twice or counted in two ways is wrong on any machine.
KAFKA_SILENT, STARVED_MAX = 0.8, 3
WRONG_ANYHOW = ("VIOLATED", "not there", "twice", "the log counts", "was paid")


# Beside three drawn ones, when nothing is chosen.
SHORT = [["groups_of_no_account_in_kafka", "gateways_get_no_requests_to_some"],
         ["term_of_nobody_in_kafka", "cut_gateways_from_the_registries"]]
PARTS = ("redis", "kafka", "mariadb", "registr", "product", "user", "gateway")


def conflict(names):
    """Whether these faults are of one part, or would take the last order instance or the one with the
    failpoint."""
    chosen = [FAULTS[name] for name in names]
    of_one = any(all(part in each for each in names) for part in PARTS) and len(names) > 1
    staged = sum(bool(each.failpoint) for each in chosen)
    # Who restarts everything in turn waits for each to be ready.
    in_turn = "rolling_restart" in names and (any(each.away or each.orders for each in chosen)
                                              or "registries_come_back_empty" in names)
    too_late = staged and any(each.patience > 60 for each in chosen)
    clash = staged and ("rolling_restart" in names or any(each.orders for each in chosen))
    # Where gateways reach some instances alone, these must be there, and reach each other.
    some = sum(each.some for each in chosen)
    alone = some and (some > 1 or any(each.orders or each.failpoint for each in chosen) or any(
        part in each for part in ("product", "user", "door", "answers", "rolling", "swizzle", "clock")
        for each in names))
    webhooks = sum(each.webhooks for each in chosen)
    return of_one or in_turn or staged > 1 or clash or too_late or webhooks > 1 or bool(alone)


def drawn(draw):
    while True:
        names = draw.sample(list(FAULTS), draw.randint(1, 2))
        if not conflict(names):
            return names


def in_pairs(draw):
    """Each fault once; alone where nothing is left that goes with it."""
    left, pairs = draw.sample(list(FAULTS), len(FAULTS)), []
    while left:
        one = left.pop()
        pairs.append([one, *[other for other in left if not conflict([one, other])][:1]])
        left = [each for each in left if each not in pairs[-1]]
    return pairs


def each_fault(times, draw):
    """Alone, then in pairs."""
    alone = max(1, times // 2)
    return [[name] for name in list(FAULTS) * alone] + [
        names for _ in range(times - alone) for names in in_pairs(draw)]


async def once_sold(sale, after, fault):
    """When so many units are sold, if the sale comes so far."""
    while len(sale.sold) < after and sale.left:
        await asyncio.sleep(0.005)
    await fault()


def up(stack, instances=2):
    done = stack.run("up", "--orders", str(instances))
    said = (done.stderr or done.stdout).strip()[:300]
    return [] if done.returncode == 0 else [f"it does not come up: {said}"]


def one_round(stack, names, seed):
    """(What to say of it, what is wrong, the longest answer)."""
    draw = random.Random(seed)
    chosen = [FAULTS[name] for name in names]
    # After two of these nobody may be left of two.
    instances = 3 if sum(each.orders for each in chosen) == 2 else 2
    told = " and ".join(names)
    if problems := up(stack, instances):
        return told, problems, 0
    faults = Faults(stack, draw)
    for name in names:
        if FAULTS[name].failpoint and (problems := faults.prepare(name)):
            return told, problems, 0
    sale = StackSale(stack.gateways(), stack.folder / "data" / "user-1", UNITS, BUYERS, AT_ONCE, paying=10,
                     patient=any(each.away for each in chosen), breaks=any(each.breaks for each in chosen),
                     patience=max(each.patience for each in chosen) * PATIENCE)
    faults.sale, faults.alone, acts = sale, len(names) == 1, []
    told_by = stack.webhooks = ToldByWebhook(client.admin(sale.gateway)) if any(
        each.webhooks for each in chosen) else None
    for name in names:
        after = draw.randint(50, FAULTS[name].after_max)
        act = faults.reach_the_failpoint if FAULTS[name].failpoint else getattr(faults, name)
        acts.append(once_sold(sale, 0 if FAULTS[name].failpoint else after, act))
    try:
        sale.run(*acts, rate=min(each.rate for each in chosen))
    except (OSError, RuntimeError, subprocess.SubprocessError) as wrong:
        stack.links.heal()
        return told, [f"the sale was broken off: {wrong!r}"], 0
    healed = time.monotonic()
    stack.links.heal()
    problems = up(stack, instances)
    sale.resumes(60)
    resumed = time.monotonic() - healed
    if resumed > 10 * PATIENCE:
        problems.append(f"no order for {resumed:.1f} s after the healing")
    problems += faults.wrong + sale.problems(seconds_max=max(each.seconds_max for each in chosen) * PATIENCE)
    problems += stack.violations() + stack.prefixes() + stack.events().problems(sale) + stack.leaks()
    if told_by:
        problems += told_by.problems(sale, again=any(each.failpoint == "post" for each in chosen))
        told_by.close()
    told += f" ({faults.told})" if faults.told else ""
    return (f"{told}, {instances} instances: {len(sale.sold)} sold, longest {sale.slowest():.2f} s, again "
            f"after {resumed:.1f} s"), problems, sale.slowest()


def kill_the_writer(stack, seed):
    """(What to say of it, what is wrong, the longest answer)."""
    draw = random.Random(seed)
    if problems := up(stack):
        return "nothing is sold", problems, 0
    units = 1_000
    sale = StackSale(stack.gateways(), stack.folder / "data" / "user-1", units, units + 100, AT_ONCE)
    killed = []

    async def kill():
        name, _ = stack.writer()
        os.kill(stack.pid(name), signal.SIGKILL)
        killed.append((name, len(sale.sold)))

    sale.run(once_sold(sale, draw.randint(100, 800), kill), rate=400)
    problems = up(stack)
    wrong = sale.problems(seconds_max=3 * PATIENCE) + stack.violations()
    errors = sum(each.status >= 500 for each in sale.answers)
    name, sold = killed[0]
    told = (f"kill -9 of {name} when {sold} were sold: {errors} answers 5xx, longest {sale.slowest():.2f} s, "
            f"{len(sale.sold)} of {units} sold, check: {'wrong' if wrong else 'right'}")
    if not sold < units:
        problems.append("it was not in the middle of the sale")
    return told, problems + wrong, sale.slowest()


def begin(stack, options, names, seed):
    """(faults, how to do it again, what to say of it, what is wrong, the longest answer)."""
    stack.pulse = stack.pulse or KafkaPulse(stack.links.address("pulse.kafka"))
    stack.pulse.begin()
    if options.kill_writer:
        return ["kill_the_writer"], "--kill-writer 1", *kill_the_writer(stack, seed)
    if options.lose_log:
        return ["lose_the_log"], "--lose-log 1", *lose_the_log(
            stack, seed, BINARY, for_good=seed == options.first + options.lose_log - 1)
    names = names or options.faults or drawn(random.Random(seed))
    return names, f"--faults {','.join(names)} --seeds 1", *one_round(stack, names, seed)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=int(os.environ.get("CHAOS_SEEDS", "0")))
    parser.add_argument("--first", type=int, default=int(os.environ.get("SEED", random.randrange(1 << 31))))
    parser.add_argument("--each", type=int, metavar="N", default=0)
    parser.add_argument("--faults", type=lambda text: text.split(","), metavar="NAME,NAME")
    parser.add_argument("--after", type=int, metavar="N", default=0, help="go on behind N rounds of --each")
    parser.add_argument("--kill-writer", type=int, metavar="N", default=0)
    parser.add_argument("--lose-log", type=int, metavar="N", default=0)
    options = parser.parse_args()
    if options.faults and set(options.faults) - set(FAULTS):
        parser.error(f"there are {', '.join(FAULTS)}")
    chosen = options.kill_writer or options.lose_log or options.seeds
    rounds = [None] * (chosen or 3) + (SHORT if not chosen and not options.faults else [])
    if options.each and options.faults:
        rounds = [[name] for name in options.faults * options.each]
    elif options.each:
        rounds = each_fault(options.each, random.Random(options.first))
    count, longest, failed, starved = collections.Counter(), collections.Counter(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(folder)
        begun = stack.run("up")
        missing = ("apt-get install", "cannot be had")
        if begun.returncode != 0 and any(name in begun.stderr for name in missing):
            stack.close()
            print(f"this machine has no engines: {begun.stderr.strip()[:300]}\n0 passed, 0 failed, 1 skipped")
            return 0
        try:
            if begun.returncode != 0:
                raise RuntimeError(begun.stdout + begun.stderr)
            for seed, names in list(enumerate(rounds, options.first))[options.after:]:
                names, again, told, problems, slowest = begin(stack, options, names, seed)
                for _ in range(STARVED_MAX):  # The machine's fault is nobody's.
                    silence = stack.pulse.silence()
                    away = any(FAULTS[name].away for name in names if name in FAULTS)
                    wrong = any(word in each for each in problems for word in WRONG_ANYHOW)
                    if not problems or away or wrong or silence < KAFKA_SILENT:
                        break
                    print(f"starved: SEED={seed} {told}: Kafka was silent for {silence:.1f} s: "
                          f"{'; '.join(problems)[:300]}", flush=True)
                    starved += 1
                    names, again, told, problems, slowest = begin(stack, options, names, seed)
                line = f"SEED={seed} {told}"
                print(f"FAILED: {line}: {'; '.join(problems)}" if problems else f"ok: {line}", flush=True)
                failed += bool(problems)
                for name in names:
                    count[name] += 1
                    longest[name] = max(longest[name], slowest)
                if problems:
                    print(f"  again: ./dev chaos {again} --first {seed}", flush=True)
                    keep_logs(stack, seed)
        finally:
            stack.close()
    if options.each:
        for name, times in sorted(count.items()):
            print(f"{name} ({FAULTS[name].rows}): {times} times, longest answer {longest[name]:.2f} s")
    if starved:
        print(f"{starved} rounds were begun anew, as the machine had no time for Kafka")
    print(f"{len(rounds) - options.after - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def keep_logs(stack, seed):
    """With CHAOS_LOGS=FOLDER: what all processes said, of a round that failed."""
    if kept := os.environ.get("CHAOS_LOGS"):
        shutil.copytree(stack.folder / "logs", pathlib.Path(kept) / str(seed), dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
