#!/usr/bin/env python3
"""What one door does to another: orders beside thousands of event streams, and sign-ins that must not tell.

    bench/doors.py [--streams 5000] [--rate 300] [--seconds 10] [--rounds 3] [--tries 400]

1. Orders at a fixed rate through one gateway, without streams and with them, in turn: the ratio of the p99s
   (goal: 2 at most), medians over the rounds.
2. Sign-in, verification and a new password's code, for an address that has an account and one that has none,
   in turn: how far the medians are apart (goal: 5 ms at most).

Writes bench/doors.md. Loopback only, bounded, ends by itself.
"""

import argparse
import json
import pathlib
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(ROOT / "tests" / "support"))

import client  # noqa: E402
import market_server  # noqa: E402
from measure import commit, machine  # noqa: E402
from split_market import SplitMarket  # noqa: E402

GOAL_RATIO, GOAL_MS = 2.0, 5.0


class Streams:
    """Open event streams of one product, read as they come."""

    def __init__(self, port, product, count):
        self.selector, self.bytes, self.stopped = selectors.DefaultSelector(), 0, False
        head = f"GET /api/v1/products/{product}/stock/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for _ in range(count):
            peer = socket.create_connection(("127.0.0.1", port), 30)
            peer.sendall(head)
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while not self.stopped:
            for key, _ in self.selector.select(0.2):
                try:
                    self.bytes += len(key.fileobj.recv(65536))
                except OSError:
                    pass

    def close(self):
        self.stopped = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def orders(options, market, product, tokens, first):
    """The p99 of POST /orders in milliseconds at the fixed rate."""
    out = options.folder / "orders.json"
    count = int(options.rate * options.seconds)
    command = [market_server.BINARY, "bench", "--mode", "buy", "--url", market.url, "--product", product]
    command += ["--tokens", tokens, "--first-user", str(first), "--connections", "32", "--json", out]
    command += ["--rate", str(options.rate), "--requests", str(count)]
    command += ["--duration", f"{options.seconds + 5}s"]
    subprocess.run([str(word) for word in command], check=True, capture_output=True)
    result = json.loads(out.read_text())
    if result["accepted"] != count:
        raise SystemExit(f"{result['accepted']} of {count} orders were accepted")
    return result["latencyMs"]["accepted"]["p99"]


def beside_streams(options):
    data = options.folder / "data"
    tokens = options.folder / "tokens"
    each = int(options.rate * options.seconds)
    seed = [market_server.BINARY, "seed", "--data", data, "--users", str(each * options.rounds * 2)]
    subprocess.run([*map(str, seed), "--tokens", str(tokens)], check=True, capture_output=True)
    rows = []
    with SplitMarket(data, "ratelimit.enabled=false") as market:
        seller = client.admin(market.url)
        for number in range(options.rounds):
            product = seller.product(stock=10 * each)["id"]
            alone = orders(options, market, product, tokens, 2 * number * each)
            streams = Streams(market.gateway.port, product, options.streams)
            try:
                beside = orders(options, market, product, tokens, (2 * number + 1) * each)
            finally:
                streams.close()
            rows.append((alone, beside))
            print(f"round {number + 1}: p99 {alone:.2f} ms alone, {beside:.2f} ms beside streams, "
                  f"{streams.bytes / 1e6:.1f} MB of events", flush=True)
            time.sleep(2)
    return rows


def medians(options, server, ask):
    """Milliseconds for the known address and for an unknown one, asked in turn."""
    times = {True: [], False: []}
    for number in range(options.tries):
        for known in (True, False):
            began = time.perf_counter()
            ask(known, number)
            times[known].append((time.perf_counter() - began) * 1000)
    return statistics.median(times[True]), statistics.median(times[False])


def silent_doors(options):
    with market_server.Market(options.folder / "users", "ratelimit.enabled=false") as server:
        known = client.sign_up(server.url).user["email"]
        asking = client.Client(server.url)

        def address(is_known, number):
            return known if is_known else f"nobody{number}@market.example"

        def sign_in(is_known, number):
            body = {"email": address(is_known, number), "password": f"wrong {number} lamp"}
            asking.post("/sessions", body, expect=401)

        def verify(is_known, number):
            asking.post("/users/verification", {"email": address(is_known, number), "code": "000000"})

        def forgotten(is_known, number):
            asking.post("/users/password/forgotten", {"email": address(is_known, number)})

        doors = {"POST /sessions": sign_in, "POST /users/verification": verify,
                 "POST /users/password/forgotten": forgotten}
        return {name: medians(options, server, ask) for name, ask in doors.items()}


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--streams", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tries", type=int, default=400)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        options.folder = pathlib.Path(folder)
        rows = beside_streams(options)
        doors = silent_doors(options)
    alone, beside = (statistics.median(column) for column in zip(*rows))
    lines = [
        "# What one door does to another",
        "",
        f"Commit {commit()}, {machine()}. "
        f"`bench/doors.py --streams {options.streams} --rate {options.rate:g} "
        f"--seconds {options.seconds} --rounds {options.rounds} --tries {options.tries}`",
        "",
        f"Orders through one gateway, {options.rate:g} a second, p99 (medians of {options.rounds} rounds):",
        "",
        f"| without streams | beside {options.streams} streams | ratio | goal |",
        "|---|---|---|---|",
        f"| {alone:.2f} ms | {beside:.2f} ms | {beside / alone:.2f} | {GOAL_RATIO:g} at most |",
        "",
        f"Each of {options.tries} tries for an address with an account and one without, in turn; medians:",
        "",
        "| door | with | without | apart | goal |",
        "|---|---|---|---|---|",
    ]
    for name, (with_one, without) in doors.items():
        apart = abs(with_one - without)
        lines.append(f"| `{name}` | {with_one:.2f} ms | {without:.2f} ms | {apart:.2f} ms | {GOAL_MS:g} ms |")
    text = "\n".join(lines) + "\n"
    (ROOT / "bench" / "doors.md").write_text(text)
    print(text)
    missed = beside / alone > GOAL_RATIO or any(abs(a - b) > GOAL_MS for a, b in doors.values())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
