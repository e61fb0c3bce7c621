#!/usr/bin/env python3
"""Durable orders of the distributed market per CPU second of its own processes, relative to nginx.

    ./dev bench distributed [--rounds N] [--orders N] [--open N] [--results FILE]

The stack of `./dev stack` with one gateway more, which limits no address: gateway, order service, log on
Kafka, 201; counted until the rows are in MariaDB. Engines and generator are apart. nginx (`return 200`) is
measured before and after each round, as in measure.py. Then latencies at half of that rate, with one gateway
and one order instance on a core of their own. With `--open`, a last round is measured on top of so many
unpaid orders, which are made first; it has a quarter as many orders, in which each instance that keeps the
state makes a snapshot of it.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import measure

ROOT = measure.ROOT
sys.path.insert(0, str(ROOT / "tools/stack"))
from processes import Process  # noqa: E402
ROLES = ("gateway", "order", "product", "user", "registry")
ORDERS = ("order-1", "order-2")
GOAL, LATENCY_GOAL_MS, GROWTH_GOAL = 0.35, 20, 1.2
STEPS = {  # Thread names -> what they do.
    r"market|io": "HTTP, tokens, JSON",
    r"writer": "decide and follow",
    r"rdk:.*": "librdkafka",
    r"projector": "rows into MariaDB",
    r"redis": "Redis",
    r".*": "others",
}


class Stack:
    def __init__(self, folder, binary):
        self.folder = folder / "stack"
        self.binary = binary
        self.run("up")
        ports = json.loads((self.folder / "ports.json").read_text())
        self.port = ports.__getitem__

    def run(self, *action):
        command = [sys.executable, ROOT / "tools/stack/stack.py", *action, "--any-port", "--dir", self.folder]
        admin = {f"MARKET_ADMIN_{name.upper()}": value for name, value in measure.ADMIN.items()}
        done = subprocess.run([*command, "--binary", self.binary], capture_output=True, text=True,
                              env={**os.environ, **admin})
        if done.returncode != 0:
            raise measure.Failure(f"stack {action}: {done.stdout[-500:]} {done.stderr[-500:]}")

    def pids(self, name="*"):
        """Of the engines and roles with this name (a pattern)."""
        found = [file.read_text().strip() for file in sorted((self.folder / "pids").glob(f"{name}.pid"))]
        if not found:
            raise measure.Failure(f"no process of the stack is named {name}")
        return found

    def end(self, name):
        Process(self.folder, name).stop()

    def metrics(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port(name)}/metrics", timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return ""

    def writer(self):
        """(name, metrics) of the instance that writes the log."""
        for name in ORDERS:
            if "market_log_writes 1\n" in (text := self.metrics(name)):
                return name, text
        raise measure.Failure("no instance writes the log")

    def lag(self):
        """Events that the log counts and the rows lack, of the instance that writes."""
        return int(float(re.search(r"^market_fold_lag_events (\S+)$", self.writer()[1], re.M)[1]))

    def wait_until_caught_up(self):
        deadline = time.monotonic() + 300
        while self.lag() > 0:
            if time.monotonic() > deadline:
                raise measure.Failure("the rows do not catch up")
            time.sleep(0.02)


class Gateway(measure.Server):
    """One more gateway of the stack, which limits no address."""

    def __init__(self, binary, stack, folder, threads):
        log = folder / "gateway.log"
        log.touch()
        registry = f"registry.urls=http://127.0.0.1:{stack.port('registry-1')}/eureka/"
        super().__init__(binary, folder / "gateway", log, threads, (registry,), role="gateway")


def cpu_seconds(pids):
    """{step: CPU seconds} of these processes' threads so far."""
    found = collections.Counter()
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            try:
                name, fields = task.joinpath("stat").read_text().split("(", 1)[1].rsplit(")", 1)
            except OSError:  # It has ended.
                continue
            step = next(step for pattern, step in STEPS.items() if re.fullmatch(pattern, name))
            found[step] += sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    return found


class Buying:
    """Orders of users that have none yet."""

    def __init__(self, generator, gateway, stack, tokens):
        self.generator, self.gateway, self.stack, self.tokens = generator, gateway, stack, tokens
        self.pids = {role: stack.pids(f"{role}-*") for role in ROLES}
        self.pids["gateway"] = gateway.pids
        self.users = 0

    def buy(self, count, *more):
        """What the generator saw, and {role: {step: CPU seconds}}, until all are rows."""
        product = self.gateway.event_product(count)
        time.sleep(1)  # Every instance has heard of it.
        before = {role: cpu_seconds(self.pids[role]) for role in ROLES}
        result = self.generator.run(
            self.gateway.pids, self.gateway.url, count, "--mode", "buy", "--product", product, "--tokens",
            str(self.tokens), "--first-user", str(self.users), *more)
        self.users += count
        self.stack.wait_until_caught_up()
        measure.expect("accepted orders", result["accepted"], count)
        return result, {role: cpu_seconds(self.pids[role]) - before[role] for role in ROLES}

    def latencies(self, rates, options):
        """For each of `rates` orders a second, of each of `options.rounds` runs, milliseconds. The gateway
        and the order instance that writes are on the first core, everything else on the last; the other
        order instance is ended meanwhile."""
        writer = self.stack.writer()[0]
        other = next(name for name in ORDERS if name != writer)
        self.stack.end(other)
        self.pids["order"] = self.stack.pids(writer)
        first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
        buyers_path = [*self.gateway.pids, *self.pids["order"]]
        pin([pid for pid in self.stack.pids() if pid not in buyers_path] + [str(os.getpid())], last)
        pin(buyers_path, first)
        time.sleep(1)
        runs = [[self.paced(rate, options.paced) for _ in range(options.rounds)] for rate in rates]
        pin([*self.stack.pids(), *buyers_path, str(os.getpid())], f"{first},{last}")
        self.stack.run("restart", other)
        self.pids["order"] = self.stack.pids("order-*")
        return runs

    def paced(self, rate, orders):
        run, _ = self.buy(orders, "--rate", str(rate), "--duration", "600s")
        latency = run["latencyMs"]["accepted"]
        print(f"pinned, {rate:,} orders/s: p50 {latency['p50']:.1f}, p99 {latency['p99']:.1f} ms", flush=True)
        return latency


def pin(pids, cores):
    for pid in pids:
        subprocess.run(["taskset", "--all-tasks", "--cpu-list", "--pid", str(cores), pid], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measure_round(title, orders, buying, nginx):
    """(ratio, orders per CPU second, {role: {step: µs per order}}, orders per second)"""
    def nginx_rate():
        url = f"http://127.0.0.1:{nginx.port}"
        return measure.per_cpu(
            buying.generator.run(nginx.pids, url, orders, "--mode", "get", "--path", "/"))

    beside = [nginx_rate()]
    result, spent = buying.buy(orders)
    beside.append(nginx_rate())
    rate = orders / sum(steps.total() for steps in spent.values())
    share = {role: {step: seconds / orders * 1e6 for step, seconds in steps.items()}
             for role, steps in spent.items()}
    ratio = rate / statistics.mean(beside)
    print(f"{title}: nginx {statistics.mean(beside):,.0f}/CPU s, orders {rate:,.0f} ({ratio:.2f}); µs "
          + ", ".join(f"{role} {sum(steps.values()):.1f}" for role, steps in share.items()), flush=True)
    return ratio, rate, share, orders / result["seconds"]


def grown(options, ratio, crowded):
    if crowded is None:
        return []
    growth = ratio / crowded[0]
    return [f"| cost of an order on top of {options.open:,} unpaid ones, as a multiple (relative to nginx; "
            f"{options.open // 4:,} orders) | {growth:.2f} | {crowded[1]:,.0f} per CPU second | "
            f"≤ {GROWTH_GOAL} | {'yes' if growth <= GROWTH_GOAL else 'no'} |"]


def steps_of(shares):
    """A table: microseconds of an order by role and step, medians of the rounds."""
    def median(role, step):
        return statistics.median(share[role].get(step, 0) for share in shares)

    steps = list(STEPS.values())
    lines = [f"| role | {' | '.join(steps)} | all |", "|---|" + "---|" * (len(steps) + 1)]
    for role in ROLES:
        each = [median(role, step) for step in steps]
        lines.append(f"| {role} | {' | '.join(f'{value:.1f}' for value in each)} | {sum(each):.1f} |")
    return lines


def report(options, rounds, paced, latencies, crowded):
    """`crowded`: the round on top of `options.open` orders, or None."""
    ratios, rates, shares, _ = zip(*rounds)
    ratio = statistics.median(ratios)
    p99s = [[each["p99"] for each in runs] for runs in latencies]
    p99 = statistics.median(p99s[0])
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return "\n".join([
        "# Orders of the distributed market",
        "",
        "Written by `./dev bench distributed`; measured numbers only.",
        "",
        f"- Machine: {measure.machine()}; load average at the end {load}",
        f"- Commit: {measure.commit()}; "
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"- {options.orders:,} orders of distinct users a round through one gateway to two order services "
        f"({options.connections} connections), until they are rows in MariaDB; {len(rounds)} rounds, medians",
        "- Processor time of our own processes: one gateway, two each of order, product and user, two "
        "registries; Kafka, MariaDB, Redis and the generator share the cores and are not counted",
        "- Latencies: one gateway and one order instance pinned to a core, engines, other roles and "
        f"generator to another; {options.paced:,} orders a run",
        "",
        "| measured | value | rounds | goal | met |",
        "|---|---|---|---|---|",
        f"| orders per CPU second | {statistics.median(rates):,.0f} | "
        f"{' '.join(f'{each:,.0f}' for each in rates)} | | |",
        f"| ratio to nginx `return 200` | {ratio:.2f} | {' '.join(f'{each:.2f}' for each in ratios)} | "
        f"≥ {GOAL} | {'yes' if ratio >= GOAL else 'no'} |",
        f"| p99 at half of that rate, on a core ({paced[0]:,} orders/s), ms | {p99:.1f} | "
        f"{' '.join(f'{each:.1f}' for each in p99s[0])} | ≤ {LATENCY_GOAL_MS} | "
        f"{'yes' if p99 <= LATENCY_GOAL_MS else 'no'} |",
        f"| p99 at half of what all cores took a second ({paced[1]:,} orders/s), ms | "
        f"{statistics.median(p99s[1]):.1f} | {' '.join(f'{each:.1f}' for each in p99s[1])} | | |",
        *grown(options, ratio, crowded),
        "",
        "Microseconds of processor time per order, by role and what its threads do:",
        "",
        *steps_of(shares),
        "",
    ])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/release/market"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--orders", type=int, default=50_000, help="per round")
    parser.add_argument("--paced", type=int, default=20_000, help="per run at half of a rate")
    parser.add_argument("--open", type=int, default=0, help="unpaid, of a last round; 0: none")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the gateway and of nginx")
    parser.add_argument("--generator-threads", type=int, default=1)
    parser.add_argument("--results", default=str(ROOT / "bench/distributed.md"), help="'-': print only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="market-bench-") as name:
        folder, running, stack = pathlib.Path(name), [], None
        try:
            stack = Stack(folder, options.binary)
            shutil.copytree(stack.folder / "data/user-1/keys", folder / "data/keys")
            tokens = folder / "tokens"
            users = options.rounds * (options.orders + 2 * options.paced) + options.open + options.open // 4
            subprocess.run([options.binary, "seed", "--data", folder / "data", "--users", str(users),
                            "--tokens", tokens], check=True, capture_output=True)
            nginx = measure.Nginx(folder / "nginx", options.threads)
            running.append(nginx.process)
            gateway = Gateway(options.binary, stack, folder, options.threads)
            running.append(gateway.process)
            generator = measure.Generator(options, folder)
            buying = Buying(generator, gateway, stack, tokens)
            rounds = [measure_round(f"round {number + 1}", options.orders, buying, nginx)
                      for number in range(options.rounds)]
            paced = [int(statistics.median(each[column] for each in rounds) / 2) for column in (1, -1)]
            latencies = buying.latencies(paced, options)
            crowded = None
            if options.open > 0:
                buying.buy(max(1, options.open - buying.users))
                crowded = measure_round(f"on top of {options.open:,}", options.open // 4, buying, nginx)
            text = report(options, rounds, paced, latencies, crowded)
        except measure.Failure as failure:
            print(f"bench: {failure}", file=sys.stderr)
            return 1
        finally:
            for process in running:
                measure.end(process)
            if stack is not None:
                stack.run("down")
    print("\n" + text)
    if options.results != "-":
        pathlib.Path(options.results).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
