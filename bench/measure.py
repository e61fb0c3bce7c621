"""Answers per CPU second of the server, relative to nginx `return 200`, all in one run on one machine.

Each round measures durable orders (until the last answer, and until the records have caught up), sold-out
answers and product reads, and nginx before and after each of them, with the same generator and as many
kept-alive connections. A ratio is to the mean of the two nginx runs beside it, and then the median over
the rounds: neighbours on the machine disturb single runs, and for seconds at a time.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADMIN = {"email": "admin@example.com", "password": "bench-" + os.urandom(12).hex()}
# Measurement -> (title, goal as a ratio to nginx).
GOALS = {
    "orders": ("durable orders, until the last answer", 0.6),
    "orders_caught_up": ("durable orders, until the records caught up", 0.5),
    "sold_out": ("sold-out answers", 0.9),
    "reads": ("product reads", 1.0),
}


class Failure(Exception):
    pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Nginx:
    """`return 200` with as many workers as the server has I/O threads."""

    def __init__(self, folder, workers):
        self.port = free_port()
        folder.mkdir()
        temp = "\n".join(
            f"  {kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf = folder / "nginx.conf"
        conf.write_text(
            f"""daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
{temp}
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  server {{ listen 127.0.0.1:{self.port} reuseport; location / {{ return 200 "ok"; }} }}
}}
"""
        )
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-c", str(conf), "-e", f"{folder}/error.log"])
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise Failure(f"nginx does not start: {(folder / 'error.log').read_text()[-300:]}")
                time.sleep(0.02)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        self.pids = [str(self.process.pid), *children.split()]


class Server:
    """A market server; `ready_seconds` is from starting the process to its one line."""

    def __init__(self, binary, data, log, threads=0, settings=(), role=""):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = dict(
            os.environ, MARKET_ADMIN_EMAIL=ADMIN["email"], MARKET_ADMIN_PASSWORD=ADMIN["password"]
        )
        began = time.monotonic()
        self.process = subprocess.Popen(
            [
                binary,
                "serve",
                *(("--role", role) if role else ()),
                "--listen",
                f"127.0.0.1:{self.port}",
                "--data",
                str(data),
                "--set",
                "ratelimit.enabled=false",
                "--set",
                f"http.threads={threads}",
                *(word for setting in settings for word in ("--set", setting)),
            ],
            stdout=subprocess.PIPE,
            stderr=log.open("a"),
            env=environment,
        )
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline().decode().strip() if ready else ""
        self.ready_seconds = time.monotonic() - began
        if not line:
            end(self.process)
            raise Failure(f"the server does not start: {log.read_text()[-500:]}")
        self.pids = [str(self.process.pid)]

    def resident_mib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise Failure("the server is gone")

    def call(self, method, path, body=None, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + token
        request = urllib.request.Request(
            self.url + "/api/v1" + path,
            method=method,
            headers=headers,
            data=json.dumps(body).encode() if body is not None else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failure(f"{method} {path}: {error.code} {error.read()[:300]!r}")

    def event_product(self, stock):
        token = self.call("POST", "/sessions", ADMIN)["accessToken"]
        product = {
            "name": "Limited concert ticket",
            "category": "tickets",
            "stock": stock,
            "kind": "event",
            "description": "One seat, first come, first served.",
            "price": {"amount": 15000, "currency": "KRW"},
            "sale": {"opensAt": "2024-01-01T00:00:00.000Z"},
        }
        return self.call("POST", "/products", product, token)["id"]


class Generator:
    def __init__(self, options, folder):
        self.options = options
        self.out = folder / "bench.json"

    def run(self, target_pids, url, count, *arguments):
        command = [
            self.options.binary,
            "bench",
            "--url",
            url,
            "--connections",
            str(self.options.connections),
            "--threads",
            str(self.options.generator_threads),
            "--requests",
            str(count),
            "--server-pid",
            ",".join(target_pids),
            "--json",
            str(self.out),
            *arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return json.loads(self.out.read_text())


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got}, expected {wanted}")


def per_cpu(result, key="serverCpuSeconds"):
    return result["answered"] / result[key]


def measure_round(number, options, generator, nginx, server, tokens):
    """{measurement: answers per CPU second}, {measurement: ratio to nginx beside it}, {name: result}"""
    orders, rates, ratios, results = options.orders, {}, {}, {}

    def measure_nginx():
        url = f"http://127.0.0.1:{nginx.port}"
        results["nginx"] = generator.run(nginx.pids, url, options.reads // 2, "--mode", "get", "--path", "/")
        return per_cpu(results["nginx"])

    product = server.event_product(orders)
    first = ["--first-user", str(number * orders)]
    buy = ["--product", product, "--tokens", str(tokens)]
    runs = {
        "orders": (orders, "--mode", "buy", *buy, *first, "--until-caught-up"),
        "sold_out": (options.reads, "--mode", "soldout", *buy, *first),
        "reads": (options.reads, "--mode", "read", "--product", product),
    }
    beside = [measure_nginx()]
    for name, (count, *arguments) in runs.items():
        results[name] = generator.run(server.pids, server.url, count, *arguments)
        beside.append(measure_nginx())
        rates[name] = per_cpu(results[name])
        ratios[name] = rates[name] / statistics.mean(beside[-2:])
        if name == "orders":
            rates["orders_caught_up"] = per_cpu(results[name], "serverCpuSecondsCaughtUp")
            ratios["orders_caught_up"] = rates["orders_caught_up"] / statistics.mean(beside[-2:])
    expect("accepted orders", results["orders"]["accepted"], orders)
    expect("sold-out answers", results["sold_out"]["soldOut"], options.reads)
    expect("product reads", results["reads"]["latencyMs"]["accepted"]["count"], options.reads)
    rates["nginx"] = statistics.mean(beside)
    print(
        f"round {number + 1}: nginx {rates['nginx']:,.0f}/CPU s, "
        + ", ".join(f"{name} {rates[name]:,.0f} ({ratio:.2f})" for name, ratio in ratios.items()),
        flush=True,
    )
    return rates, ratios, results


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None


def machine():
    model = platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}"


def commit():
    head = output_of("git", "rev-parse", "--short=12", "HEAD")
    if not head:
        return "unknown"
    changed = output_of(
        "git", "status", "--porcelain", "--untracked-files=no", "--", "src", "cmake", "CMakeLists.txt"
    )
    return head.stdout.strip() + (" with changes" if changed and changed.stdout.strip() else "")


def report(options, rounds, ratios, lasts, ready, resident, check_line):
    nginx_version = subprocess.run(
        [shutil.which("nginx") or "/usr/sbin/nginx", "-v"], capture_output=True, text=True
    )
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        "# Results",
        "",
        "Written by `./dev bench`; measured numbers only.",
        "",
        f"- Machine: {machine()}; load average at the end {load}",
        f"- Commit: {commit()}; {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"- Against: {nginx_version.stderr.strip().split(': ')[-1]}, `return 200`, {options.threads} workers;"
        " "
        f"the server had {options.threads} I/O threads",
        f"- Load: `market bench`, closed loop, {options.connections} kept-alive connections, "
        f"{options.generator_threads} generator thread(s); per round {options.orders:,} orders of distinct "
        f"users, {options.reads:,} refusals, {options.reads:,} reads, and nginx before and after each: "
        f"a ratio is to the mean of the two beside it; median of {len(rounds)} rounds",
        f"- `market check` on the store afterwards: {check_line}",
        "",
        "| measured | answers per CPU second | ratio to nginx | rounds | goal | met |",
        "|---|---|---|---|---|---|",
        f"| nginx `return 200` | {statistics.median(r['nginx'] for r in rounds):,.0f} | 1 | | | |",
    ]
    for name, (title, goal) in GOALS.items():
        ratio = statistics.median(r[name] for r in ratios)
        each = " ".join(f"{r[name]:.2f}" for r in ratios)
        lines.append(
            f"| {title} | {statistics.median(r[name] for r in rounds):,.0f} | {ratio:.2f} | {each} | "
            f"≥ {goal} | {'yes' if ratio >= goal else 'no'} |"
        )
    lines += [
        "",
        "| last round | answers/s | p50 ms | p99 ms | p99.9 ms | max ms | generator CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, result in lasts.items():
        latency = result["latencyMs"]["refused" if name == "sold_out" else "accepted"]
        lines.append(
            f"| {name.replace('_', ' ')} | {result['answered'] / result['seconds']:,.0f} | "
            f"{latency['p50']:.2f} | {latency['p99']:.2f} | {latency['p99.9']:.2f} | {latency['max']:.2f} | "
            f"{result['generatorCpuSeconds']:.2f} |"
        )
    lines += [
        "",
        "| start on an empty store | measured | goal | met |",
        "|---|---|---|---|",
        f"| ready after | {ready:.3f} s | ≤ 0.5 s | {'yes' if ready <= 0.5 else 'no'} |",
        f"| idle resident memory | {resident:.1f} MiB | < 64 MiB | {'yes' if resident < 64 else 'no'} |",
        "",
    ]
    return "\n".join(lines)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "build/release/market"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=200_000, help="per round")
    parser.add_argument("--reads", type=int, default=300_000,
                        help="per round, of each other kind; half as many each time of nginx")
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="I/O threads and nginx workers")
    parser.add_argument("--generator-threads", type=int, default=1)
    parser.add_argument("--results", default=str(ROOT / "bench/results.md"), help="'-': print only")
    return parser.parse_args()


def measure(options, folder, running):
    log = folder / "server.log"
    log.touch()
    empty = Server(options.binary, folder / "empty", log)
    running.append(empty.process)
    time.sleep(1)
    ready, resident = empty.ready_seconds, empty.resident_mib()
    end(empty.process)
    print(f"empty store: ready after {ready:.3f} s, idle resident memory {resident:.1f} MiB", flush=True)

    tokens, data = folder / "tokens", folder / "data"
    users = options.orders * options.rounds
    print(f"seeding {users:,} users", flush=True)
    seeded = subprocess.run(
        [options.binary, "seed", "--data", str(data), "--users", str(users), "--tokens", str(tokens)],
        capture_output=True,
        text=True,
    )
    if seeded.returncode != 0:
        raise Failure(f"market seed: {seeded.stderr.strip()}")
    nginx = Nginx(folder / "nginx", options.threads)
    running.append(nginx.process)
    server = Server(options.binary, data, log, options.threads)
    running.append(server.process)
    generator = Generator(options, folder)
    rounds, ratios, lasts = [], [], {}
    for number in range(options.rounds):
        rates, ratio, lasts = measure_round(number, options, generator, nginx, server, tokens)
        rounds.append(rates)
        ratios.append(ratio)
    end(server.process)
    checked = subprocess.run([options.binary, "check", "--data", str(data)], capture_output=True, text=True)
    check_line = (checked.stdout.strip().splitlines() or ["no answer"])[-1]
    text = report(options, rounds, ratios, lasts, ready, resident, check_line)
    print("\n" + text)
    if options.results != "-":
        pathlib.Path(options.results).write_text(text, encoding="utf-8")
    if checked.returncode != 0:
        raise Failure(f"market check: {check_line} {checked.stderr.strip()}")


def main():
    options = parse()
    running = []
    with tempfile.TemporaryDirectory(prefix="market-bench-") as folder:
        try:
            measure(options, pathlib.Path(folder), running)
            return 0
        except Failure as failure:
            print(f"bench: {failure}", file=sys.stderr)
            return 1
        finally:
            for process in running:
                end(process)


if __name__ == "__main__":
    sys.exit(main())
