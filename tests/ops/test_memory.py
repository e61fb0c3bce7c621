"""docs/limits.md, "What it costs in memory", is true: bytes of each resource at two sizes, their sum, and one
run at all limits at once, ten times smaller, inside a memory cgroup."""

import contextlib
import os
import pathlib
import re
import subprocess
import time

import client
import pytest
from certificates import certificate_files
from held import Held, raise_file_limit
from market_server import BINARY, ROOT, Market

KIB = 1024
CGROUPS = pathlib.Path("/sys/fs/cgroup/memory")
ASK = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def documented():
    """{resource: KiB each} and the settings that bound them, from the table."""
    text = (ROOT / "docs/limits.md").read_text().split("## What it costs in memory")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z ]+) \| ([\d.]+) KiB \| ([\d,]+) \| ([\d,]+) MiB \|$", text, re.M)
    assert len(rows) == 6, rows
    number = lambda word: float(word.replace(",", ""))  # noqa: E731
    return {name: (number(each), number(count), number(total)) for name, each, count, total in rows}


def resident(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+)", text, re.M)[1]) * KIB


def idle(server):
    return Held(server.port, ASK, b"HTTP/1.1 200")


def tls(server):
    return Held(server.port, ASK, b"HTTP/1.1 200", tls=True)


def body(server):
    """Two thirds of a body whose rest never comes; the token was good."""
    token = client.sign_up(server.url).token
    head = "POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += "Content-Length: 100000\r\n"
    return Held(server.port, f"{head}Authorization: Bearer {token}\r\n\r\n".encode() + b" " * 65536)


def stream(server):
    product = client.admin(server.url).product()["id"]
    head = f"GET /api/v1/products/{product}/stock/stream HTTP/1.1\r\nHost: x\r\n\r\n"
    return Held(server.port, head.encode(), b"event: stock")


def unread(server):
    """A hundred long answers that nobody reads."""
    seller = client.admin(server.url)
    for _ in range(20):
        seller.product(description="y" * 2_000)
    return Held(server.port, b"GET /api/v1/products HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


SIZES = {
    "idle connection": (idle, 1_000, 4_000),
    "idle connection with tls": (tls, 200, 800),
    "body of sixty four kibibytes": (body, 200, 1_000),
    "event stream": (stream, 1_000, 4_000),
    "connection with unread answers": (unread, 100, 400),
}


@pytest.mark.parametrize("name", SIZES)
def test_what_one_of_each_costs(tmp_path, name):
    make, few, many = SIZES[name]
    if raise_file_limit() < many + 500:
        pytest.skip("too few files may be open")
    settings = ["ratelimit.enabled=false", "http.idle_time_max=10m"]
    if make is tls:
        settings += certificate_files(tmp_path)
    with Market(tmp_path / "data", *settings) as server:
        with contextlib.closing(make(server)) as held:
            held.add(few)
            time.sleep(1)
            before = resident(server.process.pid)
            held.add(many - few)
            time.sleep(1)
            each = (resident(server.process.pid) - before) / (many - few)
    told = documented()[name][0] * KIB
    assert each <= told, f"{each / KIB:.1f} KiB, the document says {told / KIB:.1f}"
    assert each >= told / 4, f"{each / KIB:.1f} KiB: the document says far more, {told / KIB:.1f}"


def test_the_sum_is_what_the_document_says():
    table = documented()
    for name, (each, count, total) in table.items():
        assert each * count / 1024 == pytest.approx(total, rel=0.05, abs=2), name
    text = (ROOT / "docs/limits.md").read_text()
    text = " ".join(text.split())
    told = float(re.search(r"all limits reached at once.*?([\d,]+) MiB", text, re.S)[1].replace(",", ""))
    # An idle connection is one of those that hold more; TLS is counted beside them.
    inside = ("idle connection", "event stream")
    worst = sum(total for name, (_, _, total) in table.items() if name not in inside)
    assert worst == pytest.approx(told, rel=0.05)
    settings = (ROOT / "src/apps/settings/settings.cpp").read_text()
    for key, name in (("http.connections_max", "idle connection"), ("gateway.streams_max", "event stream")):
        default = re.search(rf'"{key}",\s*"(\d+)"', settings)[1]
        assert float(default) == table[name][1], key


@contextlib.contextmanager
def memory_cgroup(mebibytes):
    folder = CGROUPS / f"market-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(mebibytes << 20))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made: {error}")
    try:
        yield folder
    finally:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.1)


def test_all_limits_at_once_ten_times_smaller(tmp_path):
    if raise_file_limit() < 12_000:
        pytest.skip("too few files may be open")
    settings = (
        "ratelimit.enabled=false",
        "http.connections_max=5000",
        f"http.unfinished_bytes_max={26 << 20}",
        "gateway.streams_max=2000",
        "http.idle_time_max=10m",
    )
    told = sum(total for name, (_, _, total) in documented().items() if "tls" not in name)
    with memory_cgroup(int(64 + told / 10)) as group:
        member = lambda: (group / "cgroup.procs").write_text(str(os.getpid()))  # noqa: E731
        with Market(tmp_path / "data", *settings, preexec=member) as server, contextlib.ExitStack() as held:
            seller, buyer = client.admin(server.url), client.sign_up(server.url)
            product = seller.product(stock=10_000)
            for make, count in ((stream, 2_000), (body, 380), (unread, 2_000), (idle, 400)):
                kind = held.enter_context(contextlib.closing(make(server)))
                kind.add(count)
            for _ in range(30):
                buyer.pay(buyer.order(product).json())
                buyer.get("/products", expect=200)
            # Beyond the bodies' budget: refused at once, and nothing else is.
            more = held.enter_context(contextlib.closing(body(server)))
            more.add(80)
            refused = 0
            for peer in more.peers:
                peer.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    refused += peer.recv(65536).startswith(b"HTTP/1.1 503")
            assert refused >= 30, f"{refused} of 80 were refused"
            buyer.order(product)
            assert server.process.poll() is None
            most = int((group / "memory.max_usage_in_bytes").read_text())
            failures = int((group / "memory.failcnt").read_text())
            print(f"at most {most >> 20} MiB of {64 + told / 10:.0f}, {failures} times at the limit")
        assert server.process.returncode == 0, "it was killed"
    checked = subprocess.run([BINARY, "check", "--data", server.data], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
