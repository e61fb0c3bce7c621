#!/usr/bin/env python3
"""Sales on the distributed stack while its parts are killed, paused and started again, at seeded moments.

    tests/chaos/distributed.py [--seeds N] [--first SEED] [--engines]
    tests/chaos/distributed.py --kill-writer N [--first SEED]

Each round is a sale of 600 units to 700 buyers through two gateways, with one or two faults in its middle;
then all that was killed is started again, and each buyer's answer is compared with what all instances know,
and `market check` compares the log with all other stores.
Two faults that may leave none of two instances meet three of them. `--engines` adds faults of Kafka and
MariaDB: then a buyer may be told 503, and asks again with the same key. The stack is started once.

`--kill-writer N`: N sales of 1,000 units to 1,100 buyers, all with keys, and kill -9 of the writer in the
middle of each. A run passes when no buyer saw a 5xx, none waited longer than 3 s (times MARKET_PATIENCE),
exactly all units are sold, and what was answered is what is there.
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tools/stack")]

from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, BINARY, PATIENCE  # noqa: E402
from processes import start_of  # noqa: E402
from stack_sale import StackSale  # noqa: E402


UNITS, BUYERS, AT_ONCE = 600, 700, 40


class Stack:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / ".stack"

    def run(self, action, *words):
        command = [sys.executable, ROOT / "tools/stack/stack.py", action, "--any-port", "--dir", self.folder,
                   *words]
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
                    metrics = f"http://127.0.0.1:{self.port(name)}/metrics"
                    with urllib.request.urlopen(metrics, timeout=2) as found:
                        if b"market_log_writes 1\n" in found.read():
                            return name, [each for each in self.orders() if each != name]
                except OSError:
                    continue
            time.sleep(0.05)
        raise RuntimeError("nobody writes")


class Faults:
    """Each begins when so many units are sold; what it does to the stack is told by its name."""

    def __init__(self, stack, draw):
        self.stack, self.draw = stack, draw

    async def kill_the_writer(self):
        os.kill(self.stack.pid(self.stack.writer()[0]), signal.SIGKILL)

    async def kill_the_other(self):
        os.kill(self.stack.pid(self._another()), signal.SIGKILL)

    async def pause_the_writer(self):
        await self._pause(self.stack.writer()[0], self.draw.uniform(1.5, 3))

    async def pause_the_other(self):
        await self._pause(self._another(), self.draw.uniform(0.2, 1))

    async def stop_the_writer(self):
        pid = self.stack.pid(self.stack.writer()[0])
        os.kill(pid, signal.SIGTERM)
        while start_of(pid) is not None:  # It finishes what it has; `up` would take it for one that runs.
            await asyncio.sleep(0.05)

    async def kill_a_registry(self):
        os.kill(self.stack.pid(f"registry-{self.draw.randint(1, 2)}"), signal.SIGKILL)

    async def pause_kafka(self):
        await self._pause("kafka", self.draw.uniform(0.3, 4))

    async def kill_kafka(self):
        os.kill(self.stack.pid("kafka"), signal.SIGKILL)
        await asyncio.sleep(self.draw.uniform(0, 2))
        await asyncio.get_running_loop().run_in_executor(None, self.stack.run, "up")

    async def pause_mariadb(self):
        await self._pause("mariadb", self.draw.uniform(0.3, 6))

    async def kill_mariadb(self):
        os.kill(self.stack.pid("mariadb"), signal.SIGKILL)
        await asyncio.sleep(self.draw.uniform(0, 2))
        await asyncio.get_running_loop().run_in_executor(None, self.stack.run, "up")

    def _another(self):
        """One that does not write and runs."""
        others = [each for each in self.stack.writer()[1] if start_of(self.stack.pid(each)) is not None]
        return self.draw.choice(others)

    async def _pause(self, name, seconds):
        pid = self.stack.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)


# A paused instance holds the requests that its gateway gave it: they are answered late, and never wrongly.
ORDERS = ["kill_the_writer", "pause_the_writer", "stop_the_writer", "kill_the_other", "pause_the_other"]
ROLES = [*ORDERS, "kill_a_registry"]
ENGINES = ["pause_kafka", "kill_kafka", "pause_mariadb", "kill_mariadb"]


def faults_of(draw, with_engines):
    names = draw.sample(ROLES, draw.randint(1, 2))
    if with_engines:
        names = [draw.choice(ENGINES), *names[:draw.randint(0, 1)]]
    return names


async def once_sold(sale, after, fault):
    """When so many units are sold, if the sale comes so far."""
    while len(sale.sold) < after and sale.left:
        await asyncio.sleep(0.005)
    await fault()


def up(stack, instances=2):
    done = stack.run("up", "--orders", str(instances))
    said = (done.stderr or done.stdout).strip()[:300]
    return [] if done.returncode == 0 else [f"it does not come up: {said}"]


def one_round(stack, seed, with_engines):
    """(What to say of it, what is wrong)."""
    draw = random.Random(seed)
    names = faults_of(draw, with_engines)
    # After two of these nobody may be left of two.
    instances = 3 if len(set(names) & set(ORDERS)) == 2 else 2
    if problems := up(stack, instances):
        return " and ".join(names), problems
    sale = StackSale(stack.gateways(), stack.folder / "data" / "user-1", UNITS, BUYERS, AT_ONCE,
                     patient=with_engines)
    faults = Faults(stack, draw)
    moments = sorted(draw.randint(50, UNITS - 100) for _ in names)
    sale.run(*[once_sold(sale, after, getattr(faults, name)) for name, after in zip(names, moments)],
             rate=400)
    healed = time.monotonic()
    problems = up(stack, instances)
    problems += sale.problems(seconds_max=(30 if with_engines else 6) * PATIENCE)
    if not problems and time.monotonic() - healed > 60 * PATIENCE:
        problems.append("it took more than a minute to be well again")
    problems += stack.violations()
    return (f"{' and '.join(names)}, {instances} instances: {len(sale.sold)} sold, longest "
            f"{sale.slowest():.2f} s"), problems


def kill_the_writer(stack, seed):
    """(What to say of it, what is wrong)."""
    draw = random.Random(seed)
    if problems := up(stack):
        return "nothing is sold", problems
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
    return told, problems + wrong


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=int(os.environ.get("CHAOS_SEEDS", "3")))
    parser.add_argument("--first", type=int, default=int(os.environ.get("SEED", random.randrange(1 << 31))))
    parser.add_argument("--engines", action="store_true")
    parser.add_argument("--kill-writer", type=int, metavar="N", default=0)
    options = parser.parse_args()
    if options.engines and options.kill_writer:
        parser.error("--engines and --kill-writer are two things")
    again = " --engines" if options.engines else ""
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(folder)
        begun = stack.run("up")
        missing = ("apt-get install", "cannot be had")
        if begun.returncode != 0 and any(name in begun.stderr for name in missing):
            print(f"this machine has no engines: {begun.stderr.strip()[:300]}\n0 passed, 0 failed, 1 skipped")
            return 0
        try:
            if begun.returncode != 0:
                raise RuntimeError(begun.stdout + begun.stderr)
            for seed in range(options.first, options.first + (options.kill_writer or options.seeds)):
                if options.kill_writer:
                    told, problems = kill_the_writer(stack, seed)
                else:
                    told, problems = one_round(stack, seed, options.engines)
                line = f"SEED={seed} {told}"
                print(f"FAILED: {line}: {'; '.join(problems)}" if problems else f"ok: {line}", flush=True)
                passed, failed = passed + (not problems), failed + bool(problems)
                if problems:
                    what = "--kill-writer 1" if options.kill_writer else "--seeds 1"
                    print(f"  again: ./dev chaos {what} --first {seed}{again}", flush=True)
        finally:
            stack.run("down")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
