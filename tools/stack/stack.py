#!/usr/bin/env python3
"""The distributed platform on loopback: Kafka, Redis and MariaDB, two registries, two gateways, and two
processes each for users, products and orders.

    tools/stack/stack.py up [--dir .stack] [--any-port] [--orders 2] [--binary build/release/market]
    tools/stack/stack.py restart [NAME ...] [--dir .stack]
    tools/stack/stack.py down | status [--dir .stack]

DIR/env holds the addresses as shell variables, DIR/market.toml the settings of the services,
DIR/pids/NAME.pid one file for each process. `up` starts what does not run and waits until all of it serves;
again is fine. `restart` ends and starts our own processes (all, or those that are named) one behind the
other, as an upgrade does; buyers notice nothing.
"""

import argparse
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from engines import ENGINES, ROOT, USUAL, Engine, Redis, shell_text, start_all  # noqa: E402
from processes import LOOPBACK, Process, Trouble, start_of  # noqa: E402

# Roles that share log and databases, with the ports before their first one.
SERVICES = {"user": 8090, "product": 8100, "order": 8110}


def answer(port, path):
    """(status, text); status 0: it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=5) as found:
            return found.status, found.read().decode(errors="replace")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode(errors="replace")
    except OSError:
        return 0, ""


class Role(Engine):
    """One `market serve`."""

    def __init__(self, stack, name, role, usual_port, settings):
        self.name = name
        self.role = role
        self.usual_port = usual_port
        self.stack = stack
        self.settings = settings
        super().__init__(stack.folder, stack.any_port)
        self.data = self.folder / "data" / name

    def begin(self, *more):
        if not self.stack.binary.exists():
            raise Trouble(f"{self.stack.binary} is missing: ./dev build")
        command = [self.stack.binary, "serve", "--role", self.role, "--data", self.data,
                   "--listen", self.address, *more]
        if self.role in SERVICES:
            command += ["--config", self.folder / "market.toml"]
        more = self.stack.more().get(self.name, {})
        for setting in [*self.settings(), *more.get("set", [])]:
            command += ["--set", setting]
        self.prepare()
        self.process.start(command, more.get("environment"))

    def prepare(self):
        self.data.parent.mkdir(parents=True, exist_ok=True)

    def healthy(self):
        if answer(self.port, "/health/ready")[0] != 200:
            return False
        # A gateway must have heard of each service, not only serve itself.
        asked = ("products?limit=1", "users/me", "orders") if self.role == "gateway" else ()
        return all(answer(self.port, "/api/v1/" + path)[0] in (200, 401) for path in asked)

    def restart(self):
        """A gateway and a registry hand their socket to the next one: whoever connects finds somebody. Of the
        services another instance is asked meanwhile."""
        old = self.process.pid()
        if old is None or self.role in SERVICES:
            self.down()
            self.up()
        else:
            began = start_of(old)
            self.begin("--takeover")
            for _ in range(600):
                if start_of(old) != began:
                    break
                time.sleep(0.05)
            else:
                raise Trouble(f"{self.name} does not end, though another has its socket")
        self.wait()
        if self.role in SERVICES:
            self.wait_until_known()

    def wait_until_known(self):
        """Before the next one leaves: until all registries show it, and a moment more, so that gateways have
        heard of it."""
        path = f"/eureka/apps/MARKET-{self.role.upper()}/{LOOPBACK}:market-{self.role}:{self.port}"
        for registry in [each for each in self.stack.registries if each.process.pid()]:
            self.process.wait_until(
                lambda at=registry.port: "<status>UP</status>" in answer(at, path)[1], 20)
        time.sleep(0.5)

    def state(self):
        if self.process.pid() is None:
            return "is down"
        if not self.healthy():
            return "is not ready"
        metrics = answer(self.port, "/metrics")[1]
        does = "writes the log" if "market_log_writes 1\n" in metrics else "serves"
        return does + (", without Redis" if "market_redis_connected 0\n" in metrics else "")


class Services(Role):
    """All instances use the keys of the first."""

    def prepare(self):
        super().prepare()
        first = self.stack.services[0]  # Which needs no log: it is there first.
        if self is not first and not (self.stack.keys / "refresh-tokens").exists():  # The last one made.
            first.wait()


class Stack:
    def __init__(self, options):
        self.folder = options.dir.resolve()
        self.any_port = options.any_port
        self.binary = options.binary.resolve()
        self.engines = [engine(self.folder, self.any_port) for engine in map(ENGINES.get, USUAL)]
        self.redis = next(each for each in self.engines if isinstance(each, Redis))
        self.registries = [
            Role(self, f"registry-{number}", "registry", 8760 + number, self.peers(number))
            for number in (1, 2)]
        find = [f"registry.urls={','.join(self.eureka(each) for each in self.registries)}"]
        trust = [f"http.trusted_proxies={LOOPBACK}/32"]
        self.services = [
            Services(self, f"{role}-{number}", role, port + number, lambda: find + trust)
            for role, port in SERVICES.items()
            for number in range(1, 1 + (options.orders or self.orders_there() if role == "order" else 2))]
        self.gateways = [
            Role(self, f"gateway-{number}", "gateway", 8079 + number, lambda: find + self.redis_settings())
            for number in (1, 2)]
        self.roles = [*self.registries, *self.services, *self.gateways]

    def more(self):
        """Of single processes, for tests: {name: {"set": [settings], "environment": {}}}."""
        path = self.folder / "more.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def orders_there(self):
        return max(2, len(list((self.folder / "pids").glob("order-*.pid"))))

    @property
    def keys(self):
        return self.services[0].data / "keys"

    def eureka(self, registry):
        return f"http://{registry.address}/eureka/"

    def peers(self, number):
        return lambda: [f"registry.peers={self.eureka(self.registries[2 - number])}"]

    def redis_settings(self):
        return [f"redis.servers={self.redis.address}", f"redis.secret_file={self.folder}/redis.secret"]

    def variables(self):
        found = {"GATEWAY": f"http://{self.gateways[0].address}", "REGISTRY": self.eureka(self.registries[0])}
        for engine in self.engines:
            found.update(engine.variables())
        return found

    def write_settings(self):
        found = self.variables()
        database = (f"mysql://{found['MYSQL_USER']}:{found['MYSQL_PASSWORD']}@{found['MYSQL']}/"
                    f"{found['MYSQL_DATABASE']}")
        settings = self.folder / "market.toml"
        settings.touch(mode=0o600)
        gateway = found["GATEWAY"].removeprefix("http://")
        settings.write_text(f'[http]\nlisten = "{gateway}"  # The services are started with --listen.\n\n'
                            f'[keys]\nfolder = "{self.keys}"\n\n'
                            f'[log]\nkafka = "{found["KAFKA"]}"\n\n[records]\nmysql = "{database}"\n\n'
                            f'[accounts]\nmysql = "{database}"\n\n'
                            f'[redis]\nservers = "{found["REDIS"]}"\n'
                            f'secret_file = "{self.folder}/redis.secret"\n')
        secret = self.folder / "redis.secret"
        secret.touch(mode=0o600)
        secret.write_text(self.redis.secret + "\n")
        (self.folder / "env").touch(mode=0o600)
        (self.folder / "env").write_text(shell_text(found))

    def up(self):
        began = time.monotonic()
        for number in range(1 + len([each for each in self.services if each.role == "order"]),
                            1 + self.orders_there()):
            Process(self.folder, f"order-{number}").stop()
        _, troubles = start_all(self.engines)
        if not troubles:
            self.write_settings()
            _, troubles = start_all(self.roles)
        for trouble in troubles:
            print(trouble, file=sys.stderr)
        self.status()
        if not troubles:
            print(f"ready after {time.monotonic() - began:.1f} s: http://{self.gateways[0].address} (shop), "
                  f"http://{self.registries[0].address}/registry (who is there)")
        return 1 if troubles else 0

    def restart(self, names):
        chosen = [each for each in self.roles if not names or each.name in names]
        if unknown := set(names) - {each.name for each in chosen}:
            print(f"there is no {', '.join(sorted(unknown))}", file=sys.stderr)
            return 2
        for each in chosen:
            began = time.monotonic()
            try:
                each.restart()
            except Trouble as trouble:
                print(trouble, file=sys.stderr)
                return 1
            print(f"{each.name:<11} again after {time.monotonic() - began:.1f} s", flush=True)
        return 0

    def down(self):
        for each in reversed([*self.engines, *self.roles]):
            each.down()
        return 0

    def status(self):
        """1 unless each serves."""
        wrong = 0
        for each in [*self.engines, *self.roles]:
            pid, state = each.process.pid(), each.state()
            wrong += not state.startswith(("serves", "writes"))
            print(f"{each.name:<11} {each.address:<22} {state}" + (f", pid {pid}" if pid else ""))
        return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["up", "down", "status", "restart"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="of restart: which processes; none: all")
    parser.add_argument("--dir", type=pathlib.Path, default=ROOT / ".stack")
    parser.add_argument("--orders", type=int, choices=range(2, 10), metavar="2..9",
                        help="instances of order; of up: 2, of the others: as many as there are")
    parser.add_argument("--any-port", action="store_true", help="free ports, not the usual ones")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build" / "release" / "market")
    options = parser.parse_args()
    if options.names and options.action != "restart":
        parser.error(f"{options.action} takes no names")
    if options.action == "up" and not options.orders:
        options.orders = 2
    stack = Stack(options)
    return stack.restart(options.names) if options.action == "restart" else getattr(stack, options.action)()


if __name__ == "__main__":
    sys.exit(main())
