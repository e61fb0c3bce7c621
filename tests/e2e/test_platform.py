"""Documents, health, metrics, starting, stopping, taking over."""

import concurrent.futures
import json
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import client
import pytest
from client import Client
from market_server import BINARY, PATIENCE, Market, free_port, run
from openapi_check import Document
from waiting import until


def test_the_document_is_the_source(anonymous):
    served = anonymous.get("//openapi.json", expect=200)
    assert served.json() == Document.load().spec
    assert served.json()["openapi"].startswith("3.1")
    anonymous.get("//openapi.json", headers={"If-None-Match": served.headers["ETag"]}, expect=304)


def test_every_operation_of_the_document_is_served(anonymous):
    # With Stripe alone; in a demonstration alone.
    elsewhere = {("POST", "/api/v1/payments/notices"), ("GET", "/dev/mail")}
    for method, path in set(Document.load().operations()) - elsewhere:
        answer = anonymous.send("OPTIONS", "/" + path.replace("{id}", "0" * 13))
        assert answer.status_code == 204 and method in answer.headers["Allow"], f"{method} {path}"


def test_the_viewer_is_served_by_us(anonymous):
    page = anonymous.get("//docs", expect=200)
    policy = page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in policy and "'unsafe-eval'" not in policy
    assert "<script>" not in page.text and "onload=" not in page.text and "style=" not in page.text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(assets) >= 3
    for asset in assets:
        if asset == "data:,":  # No icon.
            continue
        assert asset.startswith(("/docs", "/openapi.json", "/events.json")), asset
        answer = anonymous.get("/" + asset, expect=200)
        kind = answer.headers["Content-Type"]
        assert ("javascript" in kind) == asset.endswith(".js") and ("css" in kind) == asset.endswith(".css")
        assert len(answer.content) > 0 and "https://" not in asset


def test_the_viewer_has_one_address(anonymous):
    assert anonymous.get("//docs/", expect=302).headers["Location"] == "/docs"
    assert "license" not in anonymous.get("//openapi.json", expect=200).json()["info"]


def test_health(anonymous):
    assert anonymous.get("//health/live", expect=200).json() == {"status": "live"}
    assert anonymous.get("//health/ready", expect=200).json() == {"status": "ready"}


def metric(caller, name):
    text = caller.get("//metrics", expect=200).text
    return sum(float(value) for value in re.findall(rf"(?m)^{re.escape(name)}(?:{{[^}}]*}})? (\S+)$", text))


def test_metrics(start):
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product(stock=2)
    buyer.order(product)
    buyer.order(product)
    buyer.order(product, expect=(409, "sold_out"))
    buyer.order("0" * 13, expect=404)
    answer = buyer.get("//metrics", expect=200)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) .+|[a-z_]+(\{([a-z_]+=\"[^\"]*\",?)*\})? \S+", line), line
    assert metric(buyer, "market_orders_accepted_total") == 2
    assert metric(buyer, "market_log_commits_total") >= 1
    assert metric(buyer, "market_oversell_prevented_total") == 0
    assert 'market_orders_refused_total{reason="sold_out"} 1\n' in answer.text
    assert 'reason="product_not_found"} 1\n' in answer.text
    counted = re.search(
        r'market_http_requests_total\{route="POST /api/v1/orders",status="201"\} (\d+)', answer.text
    )
    assert counted and counted[1] == "2"
    route = 'route="POST /api/v1/orders"'
    times = re.findall(
        rf'market_http_request_duration_seconds_bucket{{{route},le="([^"]+)"}} (\d+)', answer.text
    )
    assert times[-1] == ("+Inf", "4") and len(times) > 10
    assert [int(count) for _, count in times] == sorted(int(count) for _, count in times)
    assert f"market_http_request_duration_seconds_count{{{route}}} 4\n" in answer.text
    for name in ("market_log_commit_duration_seconds", "market_gate_wait_duration_seconds"):
        times = re.findall(rf'{name}_bucket{{le="([^"]+)"}} (\d+)', answer.text)
        assert times[-1][0] == "+Inf" and int(times[-1][1]) >= 3, (name, times)
        assert [int(count) for _, count in times] == sorted(int(count) for _, count in times)
        assert metric(buyer, name + "_sum") > 0
    assert 0 < time.time() - metric(buyer, "process_start_time_seconds") < 60 * PATIENCE
    assert re.search(r'market_build_info{version="[^"]+",compiler="[^"]+"} 1\n', answer.text)
    until(lambda: metric(buyer, "market_fold_lag_events") == 0, 5, "the fold does not catch up")
    for secret in (buyer.user["email"], buyer.user["id"], product["id"]):
        assert secret not in answer.text


def test_info_and_version(anonymous):
    info = anonymous.get("//info", expect=200).json()
    version = run("--version")
    assert version.returncode == 0 and version.stdout == f"market {info['version']}\n"
    assert info["name"] == "market"


def test_help():
    for flags in (("--help",), ("serve", "--help"), ("bench", "--help")):
        done = run(*flags)
        assert done.returncode == 0 and "--" in done.stdout


def test_a_taken_address_is_refused(market, tmp_path):
    done = run("serve", "--data", tmp_path / "other", "--listen", f"127.0.0.1:{market.port}", seconds=10)
    assert done.returncode in (1, 2) and str(market.port) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    Client(market.url).get("/products", expect=200)


def test_a_second_process_on_the_same_data_is_refused(market):
    for arguments in (
        ("serve", "--listen", f"127.0.0.1:{free_port()}"),
        ("check",),
        ("rebuild",),
    ):
        done = run(*arguments, "--data", market.data, seconds=10)
        assert done.returncode in (1, 2), arguments
        assert str(market.process.pid) in done.stderr and len(done.stderr.strip().splitlines()) == 1, (
            done.stderr
        )
    Client(market.url).get("/products", expect=200)


def test_starts_within_half_a_second(start):
    fastest = min(
        start(data=None, environment={"MARKET_ADMIN_EMAIL": "", "MARKET_ADMIN_PASSWORD": ""}).ready_seconds
        for _ in range(1)
    )
    assert fastest < 0.5 * 3 * PATIENCE, fastest  # The machine is shared with other tests.


def test_the_administrator_comes_from_the_environment(start):
    first = start()
    assert client.admin(first.url).user["role"] == "admin"
    assert first.stop() == 0
    # Known already: another password in the environment changes nothing.
    second = start(data=first.data, environment={"MARKET_ADMIN_PASSWORD": "another long one 99"})
    client.admin(second.url)


def test_a_weak_administrator_is_refused(tmp_path):
    environment = {"MARKET_ADMIN_EMAIL": "a@b.example", "MARKET_ADMIN_PASSWORD": "short"}
    done = run(
        "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", environment=environment, seconds=10
    )
    assert (
        done.returncode == 2
        and "administrator" in done.stderr
        and "short" not in done.stderr.replace("too short", "")
    )


@pytest.mark.parametrize("given", ["MARKET_ADMIN_EMAIL", "MARKET_ADMIN_PASSWORD"])
def test_half_an_administrator_is_refused(tmp_path, given):
    environment = {"MARKET_ADMIN_EMAIL": "", "MARKET_ADMIN_PASSWORD": "", given: "a@b.example-long-enough-1"}
    done = run(
        "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", environment=environment, seconds=10
    )
    assert done.returncode == 2 and "together" in done.stderr, done.stderr


def test_demo_data(start):
    server = start(flags=("--demo",))
    products = Client(server.url).get("/products", expect=200).json()["items"]
    assert len(products) >= 3 and {product["kind"] for product in products} == {"regular", "event"}
    on_sale = [product for product in products if product["sale"] and product["sale"]["state"] == "open"]
    buyer = client.sign_up(server.url)
    buyer.pay(buyer.order(on_sale[0]).json())
    assert server.stop() == 0
    again = start(data=server.data, flags=("--demo",))
    assert len(Client(again.url).get("/products").json()["items"]) == len(products)


HALVES = {
    "half a head": b"GET /api/v1/products HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 60\r\n\r\n{",
    "half a chunk": b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n20\r\n{",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES)
def test_half_a_request_holds_up_no_stop(start, half):
    server = start()
    peers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(30)]
    for peer in peers:
        peer.sendall(half)
    time.sleep(0.3)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 2 + 3 * PATIENCE, "10 s is how long a stop waits for what is whole"
    for peer in peers:
        peer.close()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_what_it_has(start, stop):
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    order = buyer.order(seller.product()).json()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(Client(server.url, buyer.token).pay, order, "slow", None)
        until(lambda: buyer.get("/orders/" + order["id"]).json()["payment"]["state"] == "pending", 3)
        server.process.send_signal(stop)
        answer = slow.result(10)
    assert answer.status_code in (200, 202) and answer.headers["Connection"] == "close"
    assert server.process.wait(10 * PATIENCE) == 0
    assert "error" not in server.log_tail()


class Buyers:
    """A few threads that buy until told to stop, each request on a new connection."""

    def __init__(self, url, token, product, count=3):
        self.accepted, self.failed, self.ended = [], [], threading.Event()
        self.threads = [threading.Thread(target=self.buy, args=(url, token, product)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def buy(self, url, token, product):
        while not self.ended.is_set():
            caller = Client(url, token)
            try:
                answer = caller.order(product, expect=None)
                (self.accepted if answer.status_code == 201 else self.failed).append(answer.json())
            except Exception as error:
                self.failed.append(repr(error))
            caller.session.close()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_a_takeover_loses_no_connection(start):
    first = start()
    seller, buyer = client.admin(first.url), client.sign_up(first.url)
    product = seller.product(stock=100_000)
    buyers = Buyers(first.url, buyer.token, product)
    try:
        until(lambda: len(buyers.accepted) > 20)
        second = Market(first.data, "ratelimit.enabled=false", listen=first.port, flags=("--takeover",))
        second.start()
        assert first.process.wait(15 * PATIENCE) == 0
        before = len(buyers.accepted)
        until(lambda: len(buyers.accepted) > before + 20)
    finally:
        buyers.stop()
    assert buyers.failed == []
    assert client.Client(second.url, seller.token).stock(product)["remaining"] == 100_000 - len(
        buyers.accepted
    )
    assert second.stop() == 0
    checked = run("check", "--data", first.data)
    assert checked.returncode == 0, checked.stdout


def test_a_takeover_of_nobody_is_refused(tmp_path):
    done = run("serve", "--takeover", "--data", tmp_path / "data", seconds=10)
    assert done.returncode == 2 and "takeover" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_systemd_may_hold_the_socket(tmp_path):
    import os
    import socket

    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]

        def give():
            os.dup2(held.fileno(), 3)
            os.environ["LISTEN_PID"] = str(os.getpid())

        script = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "{BINARY}" serve --data "{tmp_path / "data"}"'
        process = subprocess.Popen(
            ["bash", "-c", script],
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=(3,),
            preexec_fn=lambda: os.dup2(held.fileno(), 3),
        )
        try:
            assert process.stdout.readline().startswith("market is ready")
            Client(f"http://127.0.0.1:{port}").get("/products", expect=200)
        finally:
            process.terminate()
            assert process.wait(10) == 0


def test_idle_memory(start):
    server = start()
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
    assert resident < 64 * 1024 or PATIENCE > 1, f"{resident} KiB"


def test_logs_are_on_stderr_and_say_little(start):
    server = start()
    Client(server.url).get("/products", expect=200)
    assert server.stop() == 0
    assert server.process.stdout.read() == ""
    assert json.dumps(server.log_tail()).count("error") == 0
