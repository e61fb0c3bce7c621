"""The stack of tools/stack/stack.py for distributed.py: its ways are links; another reader counts its log."""

import json
import os
import pathlib
import random
import secrets
import subprocess
import sys
import time
import urllib.request

from foreign_records import ForeignRecords
from links import Links
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, BINARY, PATIENCE
from processes import Process, free_port, start_of
from stack_effects import PublicEvents
from stack_table import GATEWAYS, LINKED, SERVED
from stepped_clock import SteppedClock

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Who begins to write has more clients of Kafka (20 threads, measured); connections are kept for who is next.
THREADS_MORE_MAX, FILES_MORE_MAX = 32, 200


class SeveralLinks:
    """As Links, in a process for each of `targets`: what buyers ask does not delay what comes from Kafka."""

    def __init__(self, *targets):
        self.each = [Links(each) for each in targets]
        self.ports = {name: port for each in self.each for name, port in each.ports.items()}
        self.of = {name: each for each in self.each for name in each.ports}

    def address(self, name):
        return self.of[name].address(name)

    def set(self, name, way):
        self.of[name].set(name, way)

    def rename(self, name, ports):
        self.of[name].rename(name, ports)

    def heal(self):
        for each in self.each:
            each.heal()

    def close(self):
        for each in self.each:
            each.close()


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
        self.links = SeveralLinks({
            **{f"{one}.{engine}": (here, taken[engine]) for one in LINKED
               for engine in ("kafka", "redis", "mariadb", "registry-1", "registry-2")},
            "pulse.kafka": (here, taken["kafka"]),  # Nothing breaks it.
            "replica.redis": (here, taken["redis"]),
            **{f"{one}.door": (here, taken[one + ".door"]) for one in LINKED}},
            {f"{gateway}.{one}": (here, taken[one])
               for gateway in GATEWAYS for one in (*registries, *SERVED)})
        for gateway in GATEWAYS:
            ports = {taken[one]: self.links.ports[f"{gateway}.{one}"] for one in SERVED}
            for registry in registries:
                self.links.rename(f"{gateway}.{registry}", ports)
        self.doors = {one: taken[one + ".door"] for one in LINKED}
        self.failpoints = {}
        self.reader = self.pulse = self.public = self.webhooks = None
        self.used = {}  # By process: threads and descriptors behind its first round.
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
                "webhooks.private_networks=127.0.0.0/8", "webhooks.retry_after=250ms",
                *failpoint]

    def close(self):
        for each in (self.reader, self.pulse, self.public):
            if each:
                each.close()
        self.run("down")
        self.links.close()

    def foreign(self):
        """Reads the log by a rule of its own, and writes what is not ours."""
        self.reader = self.reader or ForeignRecords(f"127.0.0.1:{self.port('kafka')}", random.Random())
        return self.reader

    def events(self):
        """Who reads the public events."""
        self.public = self.public or PublicEvents(f"127.0.0.1:{self.port('kafka')}")
        return self.public

    def leaks(self):
        """Threads and descriptors of processes that have lived through rounds, against their first one: what
        a broken way or a client that left has held must be given back."""
        deadline = time.monotonic() + 10 * PATIENCE
        while True:
            found = []
            for path in (self.folder / "pids").glob("*.pid"):
                if path.stem.split("-")[0] not in ("gateway", "registry", "user", "product", "order"):
                    continue
                try:
                    used = [len(os.listdir(f"/proc/{self.pid(path.stem)}/{kind}")) for kind in ("task", "fd")]
                except OSError:
                    continue  # It has ended.
                least = self.used.setdefault((path.stem, self.pid(path.stem)), used)
                if used[0] > least[0] + THREADS_MORE_MAX or used[1] > least[1] + FILES_MORE_MAX:
                    found.append(f"{path.stem} has {used[0]} threads and {used[1]} descriptors, it had "
                                 f"{least[0]} and {least[1]}")
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.5)

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

    def start_kafka(self):
        """Alone: the others may have reasons not to be ready."""
        subprocess.run([sys.executable, ROOT / "tools/stack/engines.py", "up", "kafka", "--any-port", "--dir",
                        self.folder], capture_output=True, check=True, timeout=120)

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

    def is_away(self, name):
        return start_of(self.pid(name)) is None

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
