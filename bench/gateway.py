#!/usr/bin/env python3
"""The gateway beside nginx `proxy_pass` with kept-alive upstreams: same upstream, generator, connections.

    bench/gateway.py [--rounds N] [--seconds N] [--connections N] [--json FILE]

Each round measures requests per CPU second of either proxy, one after the other; the ratio is the median
over the rounds, because neighbours on the machine disturb single ones. Then both run at half the slower
one's rate: the added p99 is what a request takes longer than at the upstream itself.
"""

import argparse
import json
import os
import pathlib
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from measure import ROOT, Failure, end, free_port  # noqa: E402

RAW = argparse.RawDescriptionHelpFormatter
GOAL_RATIO, GOAL_ADDED_MS = 0.8, 1.0


class Nginx:
    def __init__(self, folder, workers, locations, more=""):
        self.port = free_port()
        folder.mkdir()
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temp = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"""daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{ {temp} access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; {more}
  server {{ listen 127.0.0.1:{self.port} reuseport; {locations} }} }}
"""
        )
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
        wait_for_port(self.port, self.process)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        self.pids = ",".join([str(self.process.pid), *children.split()])


class Gateway:
    def __init__(self, binary, folder, upstream_port, threads):
        self.port = free_port()
        config = folder / "gateway.toml"
        config.write_text(
            f"[gateway.services]\nbench = ['127.0.0.1:{upstream_port}']\n"
            "[[gateway.routes]]\nid = 'bench'\nservice = 'bench'\npath = '/bench/**'\n"
        )
        self.process = subprocess.Popen(
            [binary, "serve", "--role", "gateway", "--config", config, "--listen", f"127.0.0.1:{self.port}",
             "--data", folder / "data",
             "--set", "ratelimit.enabled=false", "--set", f"http.threads={threads}"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        if not ready or not self.process.stdout.readline():
            raise Failure("the gateway does not start")
        self.pids = str(self.process.pid)


def wait_for_port(port, process):
    import socket
    import time

    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise Failure("nginx does not start") from None
            time.sleep(0.02)


def measure(binary, target, options, rate=None):
    command = [binary, "bench", "--mode", "get", "--url", f"http://127.0.0.1:{target.port}"]
    command += ["--path", "/bench/x", "--connections", str(options.connections)]
    command += ["--duration", f"{options.seconds}s", "--server-pid", target.pids, "--json", "-"]
    if rate:
        command += ["--rate", str(rate)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if ran.returncode != 0:
        raise Failure(ran.stderr[-500:])
    return json.loads(ran.stdout[ran.stdout.index("{") :])


def main():

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=RAW)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1, help="of either proxy and of the upstream")
    parser.add_argument("--json", help="file for the numbers")
    options = parser.parse_args()
    binary = pathlib.Path(os.environ.get("MARKET_BINARY", ROOT / "build/release/market"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    started = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            upstream = Nginx(folder / "upstream", options.threads, 'location / { return 200 "ok"; }')
            started.append(upstream)
            proxy = Nginx(
                folder / "proxy",
                options.threads,
                "location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ''; "
                "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id; }",
                f"upstream up {{ server 127.0.0.1:{upstream.port}; keepalive 1024; "
                "keepalive_requests 1000000000; }",
            )
            started.append(proxy)
            gateway = Gateway(binary, folder, upstream.port, options.threads)
            started.append(gateway)
            return report(binary, upstream, proxy, gateway, options)
        finally:
            for server in reversed(started):
                end(server.process)


def per_cpu_second(result):
    return result["answered"] / result["serverCpuSeconds"]


def report(binary, upstream, proxy, gateway, options):
    for target in (proxy, gateway):
        measure(binary, target, options)  # Warm: connections to the upstream are there.
    ratios, rates = [], {"nginx": [], "gateway": []}
    for _ in range(options.rounds):
        ours, theirs = measure(binary, gateway, options), measure(binary, proxy, options)
        ratios.append(per_cpu_second(ours) / per_cpu_second(theirs))
        rates["gateway"].append(per_cpu_second(ours))
        rates["nginx"].append(per_cpu_second(theirs))
        slower = min(run["answered"] / run["seconds"] for run in (ours, theirs))
    half = int(slower / 2)
    added = {"gateway": [], "nginx": []}
    for _ in range(options.rounds):
        p99 = {}
        for name, target in (("upstream", upstream), ("gateway", gateway), ("nginx", proxy)):
            p99[name] = measure(binary, target, options, half)["latencyMs"]["accepted"]["p99"]
        for name, values in added.items():
            values.append(p99[name] - p99["upstream"])
    added = {name: statistics.median(values) for name, values in added.items()}
    numbers = {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "per_cpu_second": {name: statistics.median(values) for name, values in rates.items()},
        "half_rate": half,
        "added_p99_ms": added,
    }
    print(f"requests per CPU second: gateway {numbers['per_cpu_second']['gateway']:.0f}, "
          f"nginx proxy_pass {numbers['per_cpu_second']['nginx']:.0f}: "
          f"{numbers['ratio']:.2f} x (goal {GOAL_RATIO}); {[round(r, 2) for r in ratios]}")  # fmt: skip
    print(f"added p99 at {half}/s: gateway {added['gateway']:.2f} ms (goal {GOAL_ADDED_MS}), "
          f"nginx {added['nginx']:.2f} ms")  # fmt: skip
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(numbers, indent=2) + "\n")
    return 0 if numbers["ratio"] >= GOAL_RATIO else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(2)
