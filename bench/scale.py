#!/usr/bin/env python3
"""Memory and cost while unpaid orders pile up: `./dev bench scale` writes bench/scale.md and its chart.

One server, one product, ever more open orders. After each step: processor time of the server per order (its
fold and its snapshots included), resident memory, the longest wait; at the end a restart on all of it.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
STEPS = (10_000, 100_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000)


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise measure.Failure("the server is gone")


def metric(url, name):
    with urllib.request.urlopen(url + "/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    raise measure.Failure(f"/metrics has no {name}")


def serve(options, data, log):
    return measure.Server(options.binary, data, log, settings=("orders.payment_window=20h",))


def buy(options, folder, server, product, count):
    """One run of the generator: (answers, processor seconds until caught up, longest answer in ms)."""
    out = folder / "bench.json"
    command = [options.binary, "bench", "--url", server.url, "--connections", "256", "--threads", "1"]
    command += [
        "--requests",
        str(count),
        "--server-pid",
        server.pids[0],
        "--mode",
        "buy",
        "--product",
        product,
    ]
    command += [
        "--tokens",
        str(folder / "tokens"),
        "--first-user",
        "0",
        "--json",
        str(out),
        "--until-caught-up",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise measure.Failure(f"market bench: {done.stdout}{done.stderr}")
    result = json.loads(out.read_text())
    measure.expect("accepted orders", result["accepted"], count)
    return result["answered"], result["serverCpuSecondsCaughtUp"], result["latencyMs"]["accepted"]["max"]


def run(options, folder):
    data, log = folder / "data", folder / "server.log"
    log.touch()
    seeded = subprocess.run(
        [options.binary, "seed", "--data", str(data), "--users", str(options.users), "--products", "1"]
        + ["--stock", "1000000000", "--tokens", str(folder / "tokens")],
        capture_output=True,
        text=True,
        check=True,
    )
    product = next(line.split()[1] for line in seeded.stdout.splitlines() if line.startswith("product "))
    server = serve(options, data, log)
    rows, orders = [], 0
    try:
        empty = resident_mib(server.process.pid)
        for step in [step for step in STEPS if step <= options.orders]:
            answered, seconds, longest = 0, 0.0, 0.0
            while orders < step:
                count = min(options.users, step - orders)
                more, cpu, slowest = buy(options, folder, server, product, count)
                answered, seconds, longest = answered + more, seconds + cpu, max(longest, slowest)
                orders += count
            time.sleep(3)
            memory = resident_mib(server.process.pid)
            rows.append((orders, 1e6 * seconds / answered, memory, longest))
            print(
                f"{orders:,} orders: {rows[-1][1]:.1f} us, {memory:.0f} MiB, {longest:.0f} ms", flush=True
            )
        open_orders = metric(server.url, "market_open_orders")
        snapshots = metric(server.url, "market_snapshots_total")
    finally:
        measure.end(server.process)
    again = serve(options, data, log)
    try:
        time.sleep(1)
        restart = (again.ready_seconds, resident_mib(again.process.pid))
    finally:
        measure.end(again.process)
    return empty, rows, open_orders, snapshots, restart


def report(options, empty, rows, open_orders, snapshots, restart):
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, cwd=ROOT
    )
    lines = [
        "# Memory and cost over open orders",
        "",
        "Written by `./dev bench scale`; measured numbers only.",
        "",
        f"- Commit: {commit.stdout.strip()}; {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
        f"- Load: `market bench`, closed loop, 256 connections; {options.users:,} buyers who buy again,"
        " one unpaid one-line order each time; the server's time includes fold and snapshots",
        f"- Empty: {empty:.1f} MiB. At the end {open_orders:,.0f} open orders, {snapshots:.0f} snapshots",
        "",
        "| open orders | server µs per order | against the first | resident MiB | bytes per order "
        "| longest answer ms |",
        "|---|---|---|---|---|---|",
    ]
    for orders, cost, memory, longest in rows:
        each = (memory - empty) * 1024 * 1024 / orders
        lines.append(
            f"| {orders:,} | {cost:.1f} | {cost / rows[0][1]:.2f} | {memory:.0f} | {each:,.0f} "
            f"| {longest:.0f} |"
        )
    lines += [
        "",
        f"Restart on all of it: ready after {restart[0]:.2f} s, {restart[1]:.0f} MiB resident.",
        "",
    ]
    lines += ["![Memory and cost over orders](../docs/pictures/scale.png)", ""]
    return "\n".join(lines)


def draw(rows, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, cost = pyplot.subplots(figsize=(8, 4.5))
    orders = [row[0] for row in rows]
    cost.plot(orders, [row[1] for row in rows], "o-", color="tab:blue")
    cost.set(xscale="log", xlabel="open orders", ylabel="server µs per order", ylim=(0, None))
    cost.yaxis.label.set_color("tab:blue")
    memory = cost.twinx()
    memory.plot(orders, [row[2] for row in rows], "s--", color="tab:red")
    memory.set(ylabel="resident MiB", ylim=(0, None))
    memory.yaxis.label.set_color("tab:red")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "build/release/market"))
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many in the end")
    parser.add_argument("--users", type=int, default=500_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="market-scale-") as folder:
        try:
            found = run(options, pathlib.Path(folder))
        except measure.Failure as failure:
            print(f"scale: {failure}", file=sys.stderr)
            return 1
    (ROOT / "bench/scale.md").write_text(report(options, *found), encoding="utf-8")
    draw(found[1], ROOT / "docs/pictures/scale.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
