#!/usr/bin/env python3
"""Sales on the distributed stack while its parts, and the ways between them, break at seeded moments.

    tests/chaos/distributed.py [--seeds N] [--first SEED]  one or two faults of stack_faults.py in each;
                                                           nothing: three such, and those of SHORT
    tests/chaos/distributed.py --each N [--first SEED]     each fault N times: alone, then in pairs
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
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tools/stack")]

from foreign_records import ForeignRecords  # noqa: E402
from links import Links  # noqa: E402
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, BINARY, PATIENCE  # noqa: E402
from processes import Process, free_port, start_of  # noqa: E402
from stack_faults import FAULTS, GATEWAYS, LINKED, SERVED, Faults  # noqa: E402
from stack_lost_log import lose_the_log  # noqa: E402
from stack_sale import StackSale  # noqa: E402
from stepped_clock import SteppedClock  # noqa: E402


UNITS, BUYERS, AT_ONCE = 600, 700, 40


class Stack:
    """The order instances reach engines, registries and each other through links, gateways registries and
    services: each hears of the ports of its own links. The first order instance has a clock that can be
    stepped."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / ".stack"
        self.folder.mkdir()
        self.clock = SteppedClock(self.folder)
        taken = {}
        doors, registries = [n + ".door" for n in LINKED], ("registry-1", "registry-2")
        for name in ("kafka", "redis", "mariadb", *registries, *SERVED, *doors):
            taken[name] = free_port(taken=taken.values())
        self.password = secrets.token_hex(16)
        known = {name: port for name, port in taken.items() if not name.endswith(".door")}
        known["mariadb_password"] = self.password
        (self.folder / "ports.json").write_text(json.dumps(known))
        here = "127.0.0.1"
        self.links = Links({
            **{f"{one}.{engine}": (here, taken[engine]) for one in LINKED
               for engine in ("kafka", "redis", "mariadb", "registry-1", "registry-2")},
            **{f"{one}.door": (here, taken[one + ".door"]) for one in LINKED},
            **{f"{gateway}.{one}": (here, taken[one])
               for gateway in GATEWAYS for one in (*registries, *SERVED)}})
        for gateway in GATEWAYS:
            ports = {taken[one]: self.links.ports[f"{gateway}.{one}"] for one in SERVED}
            for registry in registries:
                self.links.rename(f"{gateway}.{registry}", ports)
        self.doors = {one: taken[one + ".door"] for one in LINKED}
        self.failpoints = {}
        self.reader = None
        self.more()

    def more(self, name=None, failpoint=None):
        """For the next start of the order instances; with a failpoint in one of them."""
        self.failpoints = {name: failpoint} if failpoint else {}
        more = {one: {"set": self.settings(one)} for one in LINKED}
        more[LINKED[0]]["environment"] = self.clock.environment
        more |= {one: {"set": [self.registries(one)]} for one in GATEWAYS}
        (self.folder / "more.json").write_text(json.dumps(more))

    def registries(self, one):
        addresses = [self.links.address(f"{one}.registry-{number}") for number in (1, 2)]
        return f"registry.urls={','.join(f'http://{each}/eureka/' for each in addresses)}"

    def settings(self, one):
        through = {engine: self.links.address(f"{one}.{engine}") for engine in
                   ("kafka", "redis", "mariadb", "door")}
        database = f"mysql://market:{self.password}@{through['mariadb']}/market"
        failpoint = [f"orders.failpoint={self.failpoints[one]}"] if one in self.failpoints else []
        return [f"log.kafka={through['kafka']}", f"redis.servers={through['redis']}",
                f"records.mysql={database}", f"accounts.mysql={database}", self.registries(one),
                f"orders.door=127.0.0.1:{self.doors[one]}", f"orders.door_address={through['door']}",
                *failpoint]

    def close(self):
        if self.reader:
            self.reader.close()
        self.run("down")
        self.links.close()

    def foreign(self):
        """Reads the log by a rule of its own, and writes what is not ours."""
        self.reader = self.reader or ForeignRecords(f"127.0.0.1:{self.port('kafka')}", random.Random())
        return self.reader

    def prefixes(self):
        """Whether all who follow the log count the same of it: what a reader counts that is not ours."""
        before, deadline, behind = self.counted(), time.monotonic() + 10 * PATIENCE, {}
        for name in (*self.orders(), "product-1", "product-2"):
            while (place := self.metric(name, "market_log_place")) < before and time.monotonic() < deadline:
                time.sleep(0.1)
            after = self.counted()
            if not before <= place <= after:
                behind[name] = place
        return [f"the log counts to {before}, then to {after}, but {behind}"] if behind else []

    def counted(self):
        self.foreign().look()
        return self.reader.rule.last

    def metric(self, name, family):
        """Throws OSError when it does not answer."""
        metrics = f"http://127.0.0.1:{self.port(name)}/metrics"
        with urllib.request.urlopen(metrics, timeout=2 * PATIENCE) as found:
            values = [line.split()[1] for line in found.read().decode().splitlines()
                      if line.startswith(family + " ")]
        return int(float(values[0])) if values else -1

    def restart(self, name):
        done = self.run("restart", name)
        return "" if done.returncode == 0 else done.stderr.strip()[:300]

    def stop(self, name):
        Process(self.folder, name).stop()

    def wait_for_end(self, name):
        for _ in range(600):
            if start_of(self.pid(name)) is None:
                return
            time.sleep(0.05)
        raise RuntimeError(f"{name} does not end")

    def run(self, action, *words):
        command = [sys.executable, ROOT / "tools/stack/stack.py", action, *words, "--any-port", "--dir",
                   self.folder]
        admin = {"MARKET_ADMIN_EMAIL": ADMIN_EMAIL, "MARKET_ADMIN_PASSWORD": ADMIN_PASSWORD}
        return subprocess.run([*command, "--binary", BINARY], capture_output=True, text=True,
                              env={**os.environ, **admin}, timeout=240)

    def violations(self):
        """What `market check` says of the log, the records, accounts, charges and what Redis shows."""
        checked = subprocess.run([BINARY, "check", "--config", self.folder / "market.toml"],
                                 capture_output=True, text=True, timeout=120 * PATIENCE)
        found = [line for line in checked.stdout.splitlines() if line.startswith("VIOLATED")]
        return found if checked.returncode == 0 or found else [checked.stderr.strip() or "check has failed"]

    def port(self, name):
        return json.loads((self.folder / "ports.json").read_text())[name]

    def pid(self, name):
        return int((self.folder / "pids" / (name + ".pid")).read_text())

    def gateways(self):
        return [f"http://127.0.0.1:{self.port(name)}" for name in ("gateway-1", "gateway-2")]

    def orders(self):
        return sorted(path.stem for path in (self.folder / "pids").glob("order-*.pid"))

    def writer(self):
        """The instance that writes, and those that do not."""
        for _ in range(200):
            for name in self.orders():
                try:
                    if self.metric(name, "market_log_writes") == 1:
                        return name, [each for each in self.orders() if each != name]
                except OSError:
                    continue
            time.sleep(0.05)
        raise RuntimeError("nobody writes")


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
    in_turn = "rolling_restart" in names and any(each.away or each.orders for each in chosen)
    clash = staged and ("rolling_restart" in names or any(each.orders for each in chosen))
    # Where gateways reach some instances alone, these must be there, and reach each other.
    some = sum(each.some for each in chosen)
    alone = some and (some > 1 or any(each.orders or each.failpoint for each in chosen) or any(
        part in each for part in ("product", "user", "door", "answers", "rolling", "swizzle", "clock")
        for each in names))
    return of_one or in_turn or staged > 1 or clash or bool(alone)


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
                     patient=any(each.away for each in chosen), breaks=any(each.breaks for each in chosen))
    acts = []
    for name in names:
        after = draw.randint(50, FAULTS[name].after_max)
        act = faults.reach_the_failpoint if FAULTS[name].failpoint else getattr(faults, name)
        acts.append(once_sold(sale, 0 if FAULTS[name].failpoint else after, act))
    try:
        sale.run(*acts, rate=min(each.rate for each in chosen))
    except (OSError, RuntimeError) as wrong:
        stack.links.heal()
        return told, [f"the sale was broken off: {wrong!r}"], 0
    healed = time.monotonic()
    stack.links.heal()
    problems = up(stack, instances)
    sale.resumes(60)
    resumed = time.monotonic() - healed
    if resumed > 10 * PATIENCE:
        problems.append(f"no order for {resumed:.1f} s after the healing")
    problems += sale.problems(seconds_max=max(each.seconds_max for each in chosen) * PATIENCE)
    problems += stack.violations() + stack.prefixes()
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


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=int(os.environ.get("CHAOS_SEEDS", "0")))
    parser.add_argument("--first", type=int, default=int(os.environ.get("SEED", random.randrange(1 << 31))))
    parser.add_argument("--each", type=int, metavar="N", default=0)
    parser.add_argument("--faults", type=lambda text: text.split(","), metavar="NAME,NAME")
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
    count, longest, failed = collections.Counter(), collections.Counter(), 0
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
            for seed, names in enumerate(rounds, options.first):
                if options.kill_writer:
                    names, again = ["kill_the_writer"], "--kill-writer 1"
                    told, problems, slowest = kill_the_writer(stack, seed)
                elif options.lose_log:
                    names, again, slowest = ["lose_the_log"], "--lose-log 1", 0
                    told, problems = lose_the_log(stack, seed, BINARY)
                else:
                    names = names or options.faults or drawn(random.Random(seed))
                    again = f"--faults {','.join(names)} --seeds 1"
                    told, problems, slowest = one_round(stack, names, seed)
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
    print(f"{len(rounds) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def keep_logs(stack, seed):
    """With CHAOS_LOGS=FOLDER: what all processes said, of a round that failed."""
    if kept := os.environ.get("CHAOS_LOGS"):
        shutil.copytree(stack.folder / "logs", pathlib.Path(kept) / str(seed), dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
