#!/usr/bin/env python3
"""Real Java software with ours, both ways: Spring Cloud clients and Netflix's Eureka server, from Maven.

Our registry and a Netflix one are peers of each other. Java clients (both transports) register at ours,
another Java client and our own services at Netflix's; everybody finds and calls everybody by name.
Skipped, and counted so, when there is no JDK or Maven cannot resolve its packages.
Prints `N passed, N failed, N skipped`; exit 1 when one failed. About 60 seconds once the packages are there.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.market_server import PATIENCE, ROOT, Market, free_port  # noqa: E402

PROJECT = ROOT / "tests/interop/java"
OUTPUT = ROOT / "build/interop"
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx192m", "-jar"]
counts = {"passed": 0, "failed": 0}


def check(name, holds, detail=""):
    counts["passed" if holds else "failed"] += 1
    if not holds:
        print(f"failed: {name} {detail}", flush=True)


def get(url, method="GET", accept="application/json"):
    request = urllib.request.Request(url, method=method, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def within(name, condition, seconds=25.0):
    end = time.monotonic() + seconds * PATIENCE
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                check(name, True)
                return True
        except (OSError, ValueError, KeyError) as error:
            last = error
        time.sleep(0.1)
    check(name, False, f"not within {seconds} s (last: {last})")
    return False


def registered(registry):
    listing = json.loads(get(f"{registry}apps/")[1])["applications"]["application"]
    return {one["instanceId"]: one["status"] for app in listing for one in app["instance"]}


class JavaProcess:
    def __init__(self, folder, jar, name, *arguments):
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as log:
            command = [*JAVA, OUTPUT / f"{jar}.jar", *arguments]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def text(self):
        return self.log.read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(20 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Client(JavaProcess):
    def __init__(self, folder, name, registry, jersey=False):
        self.name, self.port = name, free_port()
        self.id = f"127.0.0.1:{name}:{self.port}"
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            folder,
            "interop-client",
            f"{name}-{self.port}",
            f"--spring.application.name={name}",
            f"--server.port={self.port}",
            f"--eureka.client.service-url.defaultZone={registry}",
            f"--interop.jersey={str(jersey).lower()}",
        )

    def known(self):
        return json.loads(get(f"{self.url}/known")[1])

    def call(self, service, path="/whoami"):
        return get(f"{self.url}/call/{service}?path={path}")


def why_not_built():
    """Builds what is missing; a reason when that cannot be done here."""
    for tool in ("java", "mvn"):
        if not shutil.which(tool):
            return f"there is no {tool}"
    sources = [path for path in PROJECT.rglob("*") if path.is_file()]
    jars = [OUTPUT / f"interop-{part}.jar" for part in ("server", "client")]
    newest = max(path.stat().st_mtime for path in sources)
    if all(jar.exists() and jar.stat().st_mtime > newest for jar in jars):
        return None
    OUTPUT.mkdir(parents=True, exist_ok=True)
    build = subprocess.run(
        ["mvn", "-q", "-B", "-f", PROJECT / "pom.xml", f"-Dinterop.folder={OUTPUT}", "package"],
        capture_output=True,
        text=True,
        timeout=900,
    )
    if build.returncode == 0:
        return None
    said = build.stdout + build.stderr
    if re.search("Could not transfer|Could not resolve|Unknown host|Non-resolvable", said):
        return "Maven cannot resolve its packages"
    raise RuntimeError(f"mvn package failed: {said[-2000:]}")


def run(folder, started):
    ours_port, netflix_port = free_port(), free_port()
    # Two servers on one host: Netflix tells itself from its peers by the host's name.
    ours, netflix = f"http://localhost:{ours_port}/eureka/", f"http://127.0.0.1:{netflix_port}/eureka/"
    registry = Market(
        folder / "registry",
        "registry.self_preservation=false",
        "registry.eviction_interval=1s",
        f"registry.peers={netflix}",
        listen=ours_port,
        flags=("--role", "registry"),
    )
    started.append(registry.start())
    server = JavaProcess(
        folder,
        "interop-server",
        "netflix",
        f"--server.port={netflix_port}",
        f"--eureka.client.service-url.defaultZone={ours}",
        f"--eureka.server.my-url={netflix}",
    )
    started.append(server)
    alpha = Client(folder, "alpha", ours)
    beta = Client(folder, "beta", ours, jersey=True)
    started += [alpha, beta]
    if not within("Netflix's server starts", lambda: get(f"{netflix}apps/")[0] == 200, 120):
        return
    gamma = Client(folder, "gamma", netflix)
    shop = Market(
        folder / "shop",
        f"registry.urls={netflix}",
        "registry.renewal_interval=1s",
        "registry.lease=5s",
        "registry.fetch_interval=1s",
    )
    started += [gamma, shop.start()]
    services = {f"127.0.0.1:market-{name}:{shop.port}" for name in ("user", "product", "order")}
    everybody = {alpha.id, beta.id, gamma.id} | services

    within("Java clients register at our registry", lambda: {alpha.id, beta.id} <= set(registered(ours)), 90)
    within("ours registers at Netflix's", lambda: services <= set(registered(netflix)))
    within("everybody is known at ours", lambda: everybody <= set(registered(ours)), 60)
    within("everybody is known at Netflix's", lambda: everybody <= set(registered(netflix)))
    for client in (alpha, beta, gamma):
        within(f"{client.name} sees everybody", lambda c=client: everybody <= set(c.known()))
        for other in (alpha, beta, gamma):
            within(
                f"{client.name} calls {other.name}", lambda c=client, o=other: c.call(o.name)[1] == o.id, 10
            )
        live = lambda c=client: c.call("market-product", "/health/live")[0] == 200  # noqa: E731
        within(f"{client.name} calls our product service by name", live, 10)
    metrics = lambda: get(f"http://127.0.0.1:{shop.port}/metrics")[1]  # noqa: E731
    within("our service sees everybody", lambda: "market_discovery_instances 6" in metrics())

    out = f"apps/BETA/{beta.id}/status?value=OUT_OF_SERVICE"
    check("an override at ours", get(ours + out, "PUT")[0] == 200)
    within("reaches Netflix's", lambda: registered(netflix)[beta.id] == "OUT_OF_SERVICE")
    within("and Java clients of both", lambda: gamma.known()[beta.id] == "OUT_OF_SERVICE")
    within("who call it no more", lambda: alpha.call("beta")[0] == 502)
    get(f"{ours}apps/BETA/{beta.id}/status?value=UP", "DELETE")
    within("until it is back", lambda: gamma.call("beta")[1] == beta.id)

    get(f"{ours}apps/BETA/{beta.id}", "DELETE")
    within("Jersey registers again after a 404", lambda: "Re-registering" in beta.text())
    within("and is there", lambda: registered(ours).get(beta.id) == "UP")
    gamma.stop(signal.SIGKILL)
    within("a killed instance is evicted", lambda: gamma.id not in registered(netflix), 30)
    within("at ours too", lambda: gamma.id not in registered(ours), 30)
    check("ours ends on SIGTERM", shop.stop() == 0)
    # Its answers are a cache that is refreshed once a second.
    within("and has left Netflix's", lambda: not services & set(registered(netflix)), 3)
    within("and ours", lambda: not services & set(registered(ours)))
    for client in (alpha, beta):
        log = client.text()
        check(f"{client.name} used deltas", log.count("Got delta update with apps hashcode") >= 5)
        failed = re.findall("was unable to (?:refresh its cache|send heartbeat)|registration failed", log)
        check(f"{client.name} had no failed exchange", not failed, failed[:2])
        client.stop()
        check(f"{client.name} left at once", client.id not in registered(ours))


def main():
    reason = why_not_built()
    if reason:
        print(f"skipped: {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    started = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            run(folder, started)
        except Exception as error:  # noqa: BLE001: everything started must be stopped
            check("no error", False, repr(error))
        finally:
            for one in reversed(started):
                one.stop()
            if counts["failed"] and os.environ.get("INTEROP_LOGS"):
                shutil.copytree(folder, os.environ["INTEROP_LOGS"], dirs_exist_ok=True)
    print(f"{counts['passed']} passed, {counts['failed']} failed, 0 skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
