#!/usr/bin/env python3
"""Where the processor time of an order goes, step by step: `./dev bench steps` writes bench/steps.md.

A sale is sampled with perf, stacks unwound from the binary's debug information; each sample belongs to the
first step below that has a frame in it. Shares are turned into microseconds with the processor time of a run
without perf.
"""

import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import types

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
IO = "I/O threads"
# (threads, step, frames that belong to it); the first that fits.
STEPS = [
    ("io", "kernel: send the answer", r"^__x64_sys_send"),
    ("io", "kernel: receive the request", r"^__x64_sys_recv"),
    ("io", "kernel: wait for sockets, wake the writer, the rest", r"^do_syscall_64|^asm_|^entry_SYSCALL"),
    ("io", "metrics that the benchmark asks for", r"platform::.*metrics"),
    ("io", "access token (HMAC, claims)", r"Authenticator|AccessTokens|HmacSha256"),
    ("io", "request body", r"read_order|ObjectReader|parse_json|order_body"),
    ("io", "request key and fingerprint", r"digest_128|request_key|fingerprint"),
    ("io", "answer's JSON", r"answer_order|append_order|accepted_order|page_of"),
    ("io", "request head", r"parse_head|Connection::parse|has_header|Router::match"),
    ("io", "answer's head", r"write_reply|append_head|Reply::"),
    ("io", "to the writer and back", r"EmbeddedGate::submit|PlacingOrders|EmbeddedGate::push"),
    ("io", "filters of the front door", r"market::gateway::"),
    ("io", "connection, coroutines, timers", r""),
    ("writer", "kernel: fdatasync", r"^__x64_sys_fdatasync"),
    ("writer", "kernel: the rest", r"^do_syscall_64|^asm_|^entry_SYSCALL"),
    ("writer", "log: SQLite", r"SqliteLog::append"),
    ("writer", "decide", r"Sequencer::decide|read_ahead|Sequencer::missing"),
    ("writer", "followers (overlay, products)", r"EmbeddedGate::show"),
    ("writer", "count, forget, keys", r"Sequencer::(counted|forget|settle)|KeyFilter"),
    ("writer", "answers, queue", r""),
    ("projector", "kernel", r"^do_syscall_64|^asm_|^entry_SYSCALL"),
    ("projector", "order rows", r"OrderWriter|write_new_orders"),
    ("projector", "users' segments", r"write_segment"),
    ("projector", "gather, sort, overlay, commit", r""),
    ("checkpoints", "log's checkpoints", r""),
]


def group_of(thread):
    return "io" if thread in ("io", "market") else thread


def samples(text):
    """(thread, frames from the innermost) of each sample of `perf script`."""
    thread, frames = None, []
    for line in text:
        if not line.strip():
            if thread:
                yield thread, frames
            thread, frames = None, []
        elif not line[0].isspace():
            thread = line.split()[0]
        else:
            frames.append(re.sub(r"\+0x[0-9a-f]+.*", "", " ".join(line.split()[1:])))


def step_of(thread, frames):
    for group, step, pattern in STEPS:
        if group == thread and (not pattern or any(re.search(pattern, frame) for frame in frames)):
            return group, step
    return "others", "housekeeping"


def sale(options, folder, recording=None):
    """Microseconds of processor time per order until the records have caught up."""
    data, tokens, log = folder / "data", folder / "tokens", folder / "log"
    count = options.orders
    subprocess.run(
        [options.binary, "seed", "--data", str(data), "--users", str(count), "--products", "0"]
        + ["--tokens", str(tokens)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    log.touch()
    server = measure.Server(options.binary, data, log, 2)
    perf = None
    try:
        product = server.event_product(count)
        generator = measure.Generator(
            types.SimpleNamespace(binary=options.binary, connections=256, generator_threads=1), folder
        )
        if recording:
            perf = subprocess.Popen(
                ["perf", "record", "-q", "-F", "1999", "--call-graph=dwarf,8192", "-p", server.pids[0]]
                + ["-o", str(recording)],
                stderr=subprocess.DEVNULL,
            )
            time.sleep(1)
        result = generator.run(
            server.pids,
            server.url,
            count,
            *("--mode", "buy", "--product", product, "--tokens", str(tokens), "--until-caught-up"),
        )
        return 1e6 * result["serverCpuSecondsCaughtUp"] / result["answered"]
    finally:
        if perf:
            perf.send_signal(2)
            perf.wait()
        measure.end(server.process)
        shutil.rmtree(data)
        tokens.unlink()


def report(options, cost, counts):
    total = sum(counts.values())
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    lines = [
        "# Where the processor time of an order goes",
        "",
        "Written by `./dev bench steps`; measured numbers only.",
        "",
        f"- Commit: {commit}; {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}",
        f"- Load: `market bench`, closed loop, 256 connections, {options.orders:,} orders of distinct users",
        f"- {cost:.1f} µs per order until the records caught up, without perf; shares of {total:,} samples",
        "",
        "| thread | step | share | µs per order |",
        "|---|---|---|---|",
    ]
    order = [(group, step) for group, step, _ in STEPS] + [("others", "housekeeping")]
    for group, step in order:
        share = counts[group, step] / total
        if share >= 0.001:
            name = IO if group == "io" else group
            lines.append(f"| {name} | {step} | {100 * share:.1f} % | {cost * share:.2f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(ROOT / "build/release/market"))
    parser.add_argument("--orders", type=int, default=150_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="market-steps-") as name:
        folder = pathlib.Path(name)
        try:
            cost = sale(options, folder)
            recording = folder / "perf.data"
            sale(options, folder, recording)
        except measure.Failure as failure:
            print(f"steps: {failure}", file=sys.stderr)
            return 1
        with subprocess.Popen(
            ["perf", "script", "-i", str(recording), "-F", "comm,ip,sym"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as script:
            found = ((group_of(thread), frames) for thread, frames in samples(script.stdout))
            counts = collections.Counter(step_of(thread, frames) for thread, frames in found)
    text = report(options, cost, counts)
    (ROOT / "bench/steps.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
