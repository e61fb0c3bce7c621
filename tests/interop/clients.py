#!/usr/bin/env python3
"""Eureka clients that are not Java's, with our registry and gateway: py_eureka_client from PyPI and
eureka-js-client from npm; with MARKET_RELEASE_CHECK also fargo (Go, in XML) and eureka-client (Rust).

They register, renew, find and call each other, and the gateway calls all; then they leave. A client whose
package cannot be had is skipped, and counted so. Prints `N passed, N failed, N skipped`; exit 1 when one
failed.
"""

import http.client
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from gateway import Gateway  # noqa: E402
from market_server import PATIENCE, ROOT, Market, free_port  # noqa: E402

HERE = ROOT / "tests/interop"
OUTPUT = ROOT / "build/interop"
PYTHON_PACKAGE = "py_eureka_client==0.13.3"
ROUTES = "".join(
    f'[[gateway.routes]]\nid = "{name}"\nservice = "{name}-service"\npath = "/{name}/**"\nstrip_prefix = 1\n'
    for name in ("python", "node", "go", "rust")
)
CALLS = {"python": "node", "node": "python", "go": "python"}  # Whom each calls.
counts = {"passed": 0, "failed": 0, "skipped": 0}


def check(name, holds, detail=""):
    counts["passed" if holds else "failed"] += 1
    if not holds:
        print(f"failed: {name} {detail}", flush=True)


def within(name, condition, seconds=15.0):
    end = time.monotonic() + seconds * PATIENCE
    last = None
    while time.monotonic() < end:
        last = condition()
        if last:
            break
        time.sleep(0.1)
    check(name, last, f"not within {seconds} s")


def succeeds(*command, **more):
    try:
        return subprocess.run(command, capture_output=True, timeout=900, check=False, **more).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def python_command():
    """None: the package cannot be had."""
    folder = OUTPUT / "python"
    python = folder / "bin/python"
    if not python.exists() and not succeeds(sys.executable, "-m", "venv", str(folder)):
        return None
    if not succeeds(str(python), "-m", "pip", "install", "-q", PYTHON_PACKAGE):
        return None
    return [str(python), str(HERE / "python_client.py")]


def node_command():
    if not shutil.which("npm"):
        return None
    folder = OUTPUT / "node"
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "package-lock.json"
    is_installed = (folder / "node_modules").is_dir() and lock.is_file()
    is_installed = is_installed and lock.read_bytes() == (HERE / "node" / lock.name).read_bytes()
    for name in ("package.json", lock.name, "client.js"):
        shutil.copy(HERE / "node" / name, folder / name)
    if not is_installed and not succeeds(
        "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder
    ):
        return None
    return ["node", str(folder / "client.js")]


def go_command():
    if not shutil.which("go"):
        return None
    program = OUTPUT / "go-client"
    OUTPUT.mkdir(parents=True, exist_ok=True)
    return [str(program)] if succeeds("go", "build", "-o", str(program), ".", cwd=HERE / "go") else None


def rust_command():
    if not shutil.which("cargo"):
        return None
    folder = OUTPUT / "rust"
    shutil.copytree(HERE / "rust", folder, dirs_exist_ok=True)
    return [str(folder / "target/debug/rust_client")] if succeeds("cargo", "build", cwd=folder) else None


class Client:
    """A service in another language; it answers each line with one of JSON."""

    def __init__(self, command, registry, other):
        self.port = free_port()
        arguments = [*command, str(registry.port), str(self.port), other]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started = self.read()

    def read(self):
        if not select.select([self.process.stdout], [], [], 20 * PATIENCE)[0]:
            return {"error": "no answer"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "it has ended"}

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self):
        stopped = self.ask("stop")
        self.process.wait(20 * PATIENCE)
        return stopped

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def get(port, path, kind="application/json"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Accept": kind})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def registered(registry, app):
    status, body = get(registry.port, f"/eureka/apps/{app}")
    return json.loads(body)["application"]["instance"] if status == 200 else []


def check_service(name, client, registry, gateway):
    app = f"{name}-service"
    check(f"{name} starts", client.started.get("started"), client.started)
    within(f"{name} is registered", lambda: registered(registry, app))
    within(f"the gateway calls {name}", lambda: get(gateway.port, f"/{name}/") == (200, f"hello from {name}"))
    time.sleep(5)  # Longer than a lease.
    check(f"{name} renews its lease", registered(registry, app))
    shown = registered(registry, app)
    check(f"{name} is UP", [each["status"] for each in shown] == ["UP"], shown)


def check_pair(one, name, lists=True):
    if lists:
        within(f"{name} is found", lambda: one.ask("list").get("ids"))
    within(f"{name} is called", lambda: one.ask("call").get("text") == f"hello from {name}")


def test(folder, commands):
    settings = ("registry.eviction_interval=200ms", "registry.cache=0s")
    with Market(folder / "registry", *settings, flags=("--role", "registry")) as registry:
        url = f"registry.urls=http://127.0.0.1:{registry.port}/eureka/"
        gateway_folder = folder / "entry"
        gateway_folder.mkdir()
        clients = {}
        try:
            with Gateway(gateway_folder, ROUTES, url) as gateway:
                for name, command in commands.items():
                    clients[name] = Client(command, registry, CALLS[name] + "-service")
                for name, client in clients.items():
                    check_service(name, client, registry, gateway)
                for name, client in clients.items():
                    if CALLS[name] in clients:
                        check_pair(client, CALLS[name])
                for name, client in clients.items():
                    check(f"{name} stops", client.stop().get("stopped"))
                    check(f"{name} has left", not registered(registry, f"{name}-service"))
                    within(
                        f"the gateway knows that {name} has left",
                        lambda name=name: get(gateway.port, f"/{name}/")[0] == 503,
                        2,
                    )
        finally:
            for client in clients.values():
                client.kill()


def test_rust(folder, command):
    """Alone with its registry: it calls itself, and the gateway calls it."""
    with Market(folder / "registry", "registry.cache=0s", flags=("--role", "registry")) as registry:
        url = f"registry.urls=http://127.0.0.1:{registry.port}/eureka/"
        client = Client(command, registry, "RUST-SERVICE")
        try:
            with Gateway(folder, ROUTES, url) as gateway:
                check_service("rust", client, registry, gateway)
                check_pair(client, "rust", lists=False)
                check("rust stops", client.stop().get("stopped"))
                check("rust has left", not registered(registry, "rust-service"))
                within("the gateway knows that", lambda: get(gateway.port, "/rust/")[0] == 503, 2)
        finally:
            client.kill()


def main():
    commands = {"python": python_command(), "node": node_command()}
    if os.environ.get("MARKET_RELEASE_CHECK"):
        commands |= {"go": go_command(), "rust": rust_command()}
    for name in [name for name, command in commands.items() if command is None]:
        print(f"skipped: the client of {name} cannot be had", flush=True)
        counts["skipped"] += 1
        del commands[name]
    with tempfile.TemporaryDirectory() as name:
        rust = commands.pop("rust", None)
        try:
            test(pathlib.Path(name), commands)
            if rust:
                other = pathlib.Path(name) / "alone"
                other.mkdir()
                test_rust(other, rust)
        except Exception as error:  # noqa: BLE001: the counts are still worth a line
            check("test", False, repr(error))
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
