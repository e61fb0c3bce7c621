"""The platform as three processes: a registry, the services on their store, a gateway that finds them."""

import subprocess
import time

import requests

from market_server import BINARY, PATIENCE, Market, free_port


class Side:
    """A process of a role that keeps no data."""

    def __init__(self, role, port, log_path, *settings):
        command = [BINARY, "serve", "--role", role, "--listen", f"127.0.0.1:{port}"]
        for setting in settings:
            command += ["--set", setting]
        with open(log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("market is ready: http://"):
            self.kill()
            raise RuntimeError(f"--role {role} is not ready: {line!r} {log_path.read_text()[-1000:]}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class SplitMarket(Market):
    """Used like a Market; `url` is the gateway's."""

    def __init__(self, data, *settings, listen=None, **more):
        registry_port = free_port()
        self.registry_url = f"http://127.0.0.1:{registry_port}/eureka/"
        self.registry_port = registry_port
        self.gateway_port = listen or free_port()
        flags = ("--role", "user,product,order", *more.pop("flags", ()))
        super().__init__(data, *settings, f"registry.urls={self.registry_url}", flags=flags, **more)
        self.url = f"http://127.0.0.1:{self.gateway_port}"
        self.sides = []

    def start(self, seconds=20.0):
        try:
            return self.start_all(seconds)
        except BaseException:
            self.kill()
            raise

    def start_all(self, seconds):
        log = self.data.parent
        self.sides.append(Side("registry", self.registry_port, log / "registry.log"))
        super().start(seconds)
        shared = [setting for setting in self.settings if setting.split(".")[0] in ("ratelimit", "registry")]
        self.sides.append(Side("gateway", self.gateway_port, log / "gateway.log", *shared))
        deadline = time.monotonic() + seconds * PATIENCE
        while requests.get(self.url + "/api/v1/products?limit=1", timeout=10).status_code != 200:
            if time.monotonic() > deadline:
                raise RuntimeError("the gateway does not find the services")
            time.sleep(0.02)
        return self

    def stop(self, seconds=20.0):
        status = super().stop(seconds)
        self.end_sides()
        return status

    def kill(self):
        super().kill()
        self.end_sides()

    def end_sides(self):
        while self.sides:
            self.sides.pop().kill()
