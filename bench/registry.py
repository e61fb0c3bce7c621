#!/usr/bin/env python3
"""Heartbeats per CPU second and memory of our registry and of Netflix's Eureka server, in one run.

    bench/registry.py [--instances 1000] [--seconds 8] [--write]

Both hold the same instances and get the same heartbeats from the same generator (wrk), one after the
other, after a warm-up. Netflix's server is that of tests/interop/java, with the JVM's
defaults. About a minute.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.market_server import Market, free_port  # noqa: E402

JARS = ROOT / "build/interop"
DIRTY = 1_700_000_000_000


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def fill(url, instances):
    for number in range(1, instances + 1):
        app = f"BENCH-{number % 20}"
        body = {
            "instance": {
                "instanceId": f"127.0.0.1:bench:{number}",
                "hostName": "127.0.0.1",
                "app": app,
                "ipAddr": "127.0.0.1",
                "vipAddress": app.lower(),
                "secureVipAddress": app.lower(),
                "status": "UP",
                "port": {"$": 8000 + number, "@enabled": "true"},
                "securePort": {"$": 443, "@enabled": "false"},
                "homePageUrl": "http://127.0.0.1/",
                "statusPageUrl": "http://127.0.0.1/actuator/info",
                "healthCheckUrl": "http://127.0.0.1/actuator/health",
                "dataCenterInfo": {
                    "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
                    "name": "MyOwn",
                },
                "leaseInfo": {"renewalIntervalInSecs": 30, "durationInSecs": 600},
                "metadata": {"management.port": str(8000 + number), "zone": "defaultZone"},
                "lastDirtyTimestamp": str(DIRTY),
            }
        }
        request = urllib.request.Request(
            f"{url}apps/{app}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Accept": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()


def load(port, seconds, instances):
    """Heartbeats that were answered 200."""
    command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", ROOT / "bench/registry.lua"]
    environment = {**os.environ, "INSTANCES": str(instances), "DIRTY": str(DIRTY)}
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, env=environment
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"heartbeats were refused:\n{said}")
    return int(re.search(r"(\d+) requests in", said)[1])


def measure(name, pid, port, options):
    fill(f"http://127.0.0.1:{port}/eureka/", options.instances)
    load(port, options.seconds, options.instances)  # Warm-up: the JVM compiles what is hot.
    before, began = cpu_seconds(pid), time.monotonic()
    beats = load(port, options.seconds, options.instances)
    used, passed = cpu_seconds(pid) - before, time.monotonic() - began
    result = {"rate": beats / passed, "per_cpu": beats / used, "mib": resident_mib(pid)}
    print(
        f"{name}: {result['per_cpu']:,.0f} heartbeats per CPU second, {result['rate']:,.0f}/s, "
        f"{result['mib']:.1f} MiB resident",
        flush=True,
    )
    return result


def netflix(options):
    port = free_port()
    with tempfile.TemporaryFile() as log:
        # Its own address as the only peer: else it would try to replicate each heartbeat to a default one.
        own = f"--eureka.client.service-url.defaultZone=http://127.0.0.1:{port}/eureka/"
        command = ["java", "-jar", JARS / "interop-server.jar", f"--server.port={port}", own]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/eureka/apps/", timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.2)
            return measure("Netflix Eureka server", process.pid, port, options)
        finally:
            process.terminate()
            process.wait()


def build_server():
    spec = importlib.util.spec_from_file_location("interop_java", ROOT / "tests/interop/java.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.why_not_built()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="write bench/registry.md")
    options = parser.parse_args()
    reason = build_server()
    if reason:
        raise SystemExit(f"Netflix's server cannot be built: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        with Market(pathlib.Path(folder) / "registry", flags=("--role", "registry")) as server:
            ours = measure("our registry", server.process.pid, server.port, options)
    theirs = netflix(options)
    ratio, memory = ours["per_cpu"] / theirs["per_cpu"], ours["mib"] / theirs["mib"]
    print(
        f"ratio: {ratio:.1f} x the heartbeats per CPU second (goal 10), {memory:.3f} x the memory (goal 0.1)"
    )
    if options.write:
        commit = subprocess.run(
            ["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True
        ).stdout.strip()
        rows = [
            f"| {name} | {one['per_cpu']:,.0f} | {one['rate']:,.0f} | {one['mib']:.1f} |"
            for name, one in (("our registry", ours), ("Netflix Eureka 2.0.3 (Spring Cloud)", theirs))
        ]
        lines = [
            "# Registry against Netflix's Eureka server",
            "",
            f"Written by `bench/registry.py --write` at commit {commit}; {options.instances} instances, "
            f"one run, wrk with 64 kept-alive connections, {os.cpu_count()} cores, load average "
            f"{os.getloadavg()[0]:.1f}.",
            "",
            "| | heartbeats per CPU second | heartbeats/s | resident MiB |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Ratio: {ratio:.1f} × the heartbeats per CPU second (goal ≥ 10), {memory:.3f} × the memory "
            "(goal ≤ 0.1).",
        ]
        (ROOT / "bench/registry.md").write_text("\n".join(lines) + "\n")
    return 0 if ratio >= 10 and memory <= 0.1 else 1


if __name__ == "__main__":
    sys.exit(main())
