"""The platform as it runs in earnest: two registries that are peers, two gateways, the services, and three
instances of an application that is not ours."""

import http.client
import json
import pathlib
import re
import subprocess
import sys

from market_server import Market, free_port
from waiting import until

INSTANCE = pathlib.Path(__file__).resolve().parent / "eureka_instance.py"
APP = "fake"  # In the registry: upper case.
ROUTE = f"""
[[gateway.routes]]
id = "{APP}"
service = "{APP}"
path = "/{APP}/**"
repeat_with_key = true
"""
FAST = ("registry.eviction_interval=200ms", "registry.cache=1s")
CLIENT = ("registry.renewal_interval=500ms", "registry.lease=3s", "registry.fetch_interval=500ms")


class Instances:
    """Names registered by one process, which also answers for them."""

    def __init__(self, app, names, registries):
        command = [sys.executable, INSTANCE, app, *names, "--", *map(str, registries)]
        self.names = names
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Cluster:
    def __init__(self, folder, *settings):
        folder = pathlib.Path(folder)
        ports = [free_port() for _ in range(5)]
        self.registry_ports, self.gateway_ports = ports[:2], ports[2:4]
        urls = ",".join(f"http://127.0.0.1:{port}/eureka/" for port in self.registry_ports)
        config = folder / "gateway.toml"
        config.write_text(ROUTE)
        self.registries = [
            Market(
                folder / f"registry-{port}",
                *FAST,
                f"registry.peers={urls}",
                listen=port,
                flags=("--role", "registry"),
            )
            for port in self.registry_ports
        ]
        shared = (*CLIENT, f"registry.urls={urls}", "ratelimit.enabled=false")
        roles = ("--role", "user,product,order")
        self.services = Market(folder / "data", *shared, *settings, listen=ports[4], flags=roles)
        self.gateways = [
            Market(
                folder / f"gateway-{port}",
                *shared,
                listen=port,
                flags=("--role", "gateway", "--config", str(config)),
            )
            for port in self.gateway_ports
        ]
        self.backends = []
        self.serial = 0

    def add_backend(self):
        self.serial += 1
        self.backends.append(Instances(APP.upper(), [f"backend-{self.serial}"], self.registry_ports))
        return self.backends[-1]

    def servers(self):
        return [*self.registries, self.services, *self.gateways]

    def start(self):
        for server in self.servers():
            server.start()
        for _ in range(3):
            self.add_backend()
        until(lambda: all(map(self.finds_everything, self.gateways)), 10, "a gateway finds not all")
        return self

    def finds_everything(self, gateway):
        if get(gateway, f"/{APP}/ok")[0] != 200:  # A request makes the gateway look at its list.
            return False
        wanted = {backend.port for backend in self.backends}
        text = metrics(gateway)
        found = {port for port in wanted if f'instance="127.0.0.1:{port}"' in text}
        return found == wanted and get(gateway, "/api/v1/products?limit=1")[0] == 200

    def registered(self, registry):
        """{instance id: status}"""
        status, body = get(registry, "/eureka/apps/")
        if status != 200:
            return {}
        apps = json.loads(body)["applications"]["application"]
        return {one["instanceId"]: one["status"] for app in apps for one in app["instance"]}

    def stop(self):
        """SIGTERM to all, in the order in which requests flow; [a sentence for each bad end]."""
        ended = [(server, server.stop()) for server in (*self.gateways, self.services, *self.registries)]
        return [f"{server.data.name} ended with {status}" for server, status in ended if status != 0]

    def kill(self):
        for each in (*self.servers(), *self.backends):
            each.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def get(server, path):
    return ask(server, "GET", path)


def cancel(registry, app, instance):
    return ask(registry, "DELETE", f"/eureka/apps/{app}/{instance}")


def ask(server, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def metrics(server):
    return get(server, "/metrics")[1]


def metric(server, name, label=""):
    """The sum over the lines of that name that hold `label`."""
    lines = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", metrics(server), re.M)
    return sum(float(value) for labels, value in lines if label in labels)
