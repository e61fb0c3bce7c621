"""The gateway over instances that fail (RELIABILITY rows 33, 35, 38, 41, L8-L10)."""

import concurrent.futures
import http.client
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import free_port
from waiting import until

FAKE = pathlib.Path(__file__).resolve().parents[1] / "support/fake_upstream.py"


def config_of(*ports, more="", timeout="2s", try_timeout="500ms"):
    listed = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    return f"""
[gateway.services]
fake = [{listed}]
[[gateway.routes]]
id = "fake"
service = "fake"
path = "/fake/**"
repeat_with_key = true
timeout = "{timeout}"
try_timeout = "{try_timeout}"
breaker = {{ failure_percent = 0 }}
{more}
"""


@pytest.fixture
def pair(tmp_path):
    """Two instances, and the gateway in front of them."""
    with FakeUpstream("one") as one, FakeUpstream("two") as two:
        with Gateway(tmp_path, config_of(one.port, two.port)) as gateway:
            yield gateway, one, two


@pytest.fixture
def single(tmp_path):
    with FakeUpstream() as one, Gateway(tmp_path, config_of(one.port)) as gateway:
        yield gateway, one


@pytest.mark.parametrize("path", ["two-lengths", "half", "junk", "reset"])
def test_an_answer_that_cannot_be_trusted_is_502(single, path):
    gateway, upstream = single
    answer = gateway.ask(f"/fake/{path}", "POST")
    assert answer.status == 502 and answer.get("Content-Type") == "application/problem+json"
    assert upstream.count(f"/fake/{path}") == 1, "a POST without a key was sent again"
    assert gateway.ask(f"/fake/{path}").status == 502
    assert gateway.ask("/fake/ok").status == 200, "its connection was used again"


def test_a_body_that_breaks_off_looks_broken_to_the_client(single):
    gateway, _ = single
    with pytest.raises(http.client.IncompleteRead):
        gateway.ask("/fake/half-chunk")


def test_only_what_is_safe_is_repeated(pair):
    gateway, one, two = pair
    both = (one, two)
    for fake in both:
        fake.mode = "reset"
    assert gateway.ask("/fake/unkeyed", "POST").status == 502
    assert sum(fake.count("/fake/unkeyed") for fake in both) == 1
    one.mode, two.mode = "reset", None
    for path, method, headers in [
        ("/fake/get", "GET", {}),
        ("/fake/keyed", "POST", {"Idempotency-Key": "k"}),
    ]:
        answers = [gateway.ask(path, method, headers) for _ in range(4)]
        assert [answer.status for answer in answers] == [200] * 4
    for fake in both:
        fake.mode = "hang"
    began = time.monotonic()
    assert gateway.ask("/fake/hung", "POST").status == 504
    assert time.monotonic() - began < 3.5
    assert sum(fake.count("/fake/hung") for fake in both) == 1


def test_a_hung_instance_costs_one_try(pair):
    gateway, one, two = pair
    one.mode = "hang"
    began = time.monotonic()
    for _ in range(8):
        answer = gateway.ask("/fake/get")
        assert answer.status == 200 and answer.json()["by"] == "two"
    assert time.monotonic() - began < 8


def eject(gateway, sick, well):
    """The other one is asked first, until its turn has come."""
    sick.mode = "reset"
    until(lambda: gateway.ask("/fake/ok").status == 200 and "is ejected" in gateway.log(), 10, "no ejection")
    sick.mode = "503"  # Its health says so too.
    assert gateway.ask("/fake/ok").json()["by"] == well.name


def test_an_ejected_instance_is_no_other_that_could_answer(pair):
    gateway, one, two = pair
    eject(gateway, one, two)
    calls = len(one.requests)
    two.mode = "stuck"  # Two seconds, of which a try may take half a second while another one is there.
    gateway.reload(config_of(one.port, two.port, timeout="10s"))
    assert gateway.ask("/fake/slow-but-well").status == 200
    two.mode = "503"
    answer = gateway.ask("/fake/x")
    assert (answer.status, answer.body) == (503, b"busy"), "its own words"
    assert len(one.requests) == calls, "it was asked"


@pytest.mark.parametrize("fault", ["hang", "reset"])
def test_an_instances_own_answer_is_not_lost_to_another_that_has_none(pair, fault):
    gateway, one, two = pair
    one.mode, two.mode = "503", fault
    seen = [gateway.ask("/fake/x") for _ in range(6)]
    assert {(answer.status, answer.body) for answer in seen} == {(503, b"busy")}


def test_a_killed_instance_is_noticed_by_nobody(tmp_path):
    programs = [
        subprocess.Popen([sys.executable, FAKE, name], stdout=subprocess.PIPE, text=True) for name in "abc"
    ]
    ports = [int(program.stdout.readline()) for program in programs]
    statuses, stop = [], threading.Event()

    def load():
        peer = gateway.connect()
        while not stop.is_set():
            peer.request("GET", "/fake/load")
            answer = peer.getresponse()
            answer.read()
            statuses.append(answer.status)

    try:
        with Gateway(tmp_path, config_of(*ports)) as gateway:
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                jobs = [pool.submit(load) for _ in range(16)]
                time.sleep(1)
                programs[0].kill()
                time.sleep(1)
                dead = f"127.0.0.1:{ports[0]}"
                assert gateway.metric("market_gateway_instance_ejected", instance=dead) == 1
                sent = gateway.metric("market_gateway_instance_requests_total", instance=dead)
                time.sleep(0.5)
                assert gateway.metric("market_gateway_instance_requests_total", instance=dead) == sent
                programs[0] = subprocess.Popen(
                    [sys.executable, FAKE, "a", str(ports[0])], stdout=subprocess.PIPE
                )
                programs[0].stdout.readline()
                until(
                    lambda: gateway.metric("market_gateway_instance_requests_total", instance=dead) > sent,
                    10,
                    "the instance to come back",
                )
                stop.set()
                for job in jobs:
                    job.result()
            assert len(statuses) > 100 and set(statuses) == {200}
    finally:
        stop.set()
        for program in programs:
            program.kill()
            program.wait()


def test_a_fresh_gateway_finds_the_one_that_lives_among_many_dead(tmp_path):
    """As a registry in self-preservation lists them: nobody has told this gateway yet who is gone."""
    dead = [free_port() for _ in range(30)]
    with FakeUpstream() as alive, Gateway(tmp_path, config_of(*dead[:15], alive.port, *dead[15:])) as gateway:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _: gateway.ask("/fake/ok", "POST").status, range(40))
        assert set(answers) == {200}
        assert alive.count("/fake/ok") == 40, "a POST without a key was sent twice"


def test_a_stopped_process_fails_no_safe_request(tmp_path):
    programs = [
        subprocess.Popen([sys.executable, FAKE, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    ports = [int(program.stdout.readline()) for program in programs]
    try:
        with Gateway(tmp_path, config_of(*ports, timeout="5s")) as gateway:
            for _ in range(10):
                assert gateway.ask("/fake/x").status == 200
            os.kill(programs[0].pid, signal.SIGSTOP)
            for _ in range(20):
                assert gateway.ask("/fake/x").status == 200
    finally:
        for program in programs:
            program.kill()
            program.wait()


def test_connections_that_announce_their_end_cost_nothing(single):
    gateway, upstream = single
    for _ in range(20):
        assert gateway.ask("/fake/close", "POST").status == 200
    assert upstream.count("/fake/close") == 20


def test_retries_stay_in_their_budget(pair):
    gateway, one, two = pair
    one.mode = two.mode = "503"
    peer = gateway.connect()
    for _ in range(400):
        peer.request("GET", "/fake/storm")
        answer = peer.getresponse()
        answer.read()
        assert answer.status == 503
    sent = one.count("/fake/storm") + two.count("/fake/storm")
    assert sent <= 400 * 1.1 + 20, f"{sent} tries for 400 requests"
    one.mode = two.mode = None
    until(lambda: gateway.ask("/fake/storm").status == 200, 5, "recovery")


def test_the_breaker_opens_and_one_probe_closes_it(tmp_path):
    more = """
fallback = { status = 200, content_type = "application/json", body = "[]" }
[[gateway.routes]]
id = "guarded"
service = "fake"
path = "/guarded/**"
breaker = { failure_percent = 50, requests_min = 10, window = "5s", open_for = "700ms" }
"""
    with FakeUpstream() as upstream, Gateway(tmp_path, config_of(upstream.port, more=more)) as gateway:
        upstream.mode = "500"
        for _ in range(12):
            gateway.ask("/guarded/x", "POST")
        reached = upstream.count("/guarded/x")
        assert reached <= 12
        answer = gateway.ask("/guarded/x", "POST")
        assert answer.status == 503 and int(answer.get("Retry-After")) >= 1
        assert upstream.count("/guarded/x") == reached
        assert gateway.metric("market_gateway_breaker_open", route="guarded") == 1
        assert gateway.ask("/fake/other", "POST").body == b"[]"  # The other route has its fallback.
        upstream.mode = None
        until(lambda: gateway.ask("/guarded/x", "POST").status == 200, 5, "the breaker to close")


def test_a_slow_service_sheds_its_own_route_only(tmp_path):
    more = """in_flight_max = 4
[[gateway.routes]]
id = "other"
service = "fake"
path = "/other/**"
"""
    with FakeUpstream() as upstream, Gateway(tmp_path, config_of(upstream.port, more=more)) as gateway:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            slow = [pool.submit(gateway.ask, "/fake/slow") for _ in range(12)]
            time.sleep(0.2)
            began = time.monotonic()
            assert gateway.ask("/other/ok").status == 200
            assert time.monotonic() - began < 0.3
            answers = [job.result() for job in slow]
        refused = [answer for answer in answers if answer.status == 503]
        assert len(refused) == 8 and all(answer.get("Retry-After") for answer in refused)


def test_a_stop_finishes_what_is_under_way(single):
    gateway, _ = single
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(gateway.ask, "/fake/slow", "POST") for _ in range(4)]
        time.sleep(0.2)
        assert gateway.stop() == 0
        assert [job.result().status for job in slow] == [200] * 4


def test_without_any_instance_it_starts_and_says_so(tmp_path):
    with Gateway(tmp_path, config_of(1)) as gateway:
        answer = gateway.ask("/fake/x")
        assert answer.status == 503 and answer.get("Retry-After")
        assert answer.json()["code"] == "service_unavailable"
        ready = gateway.ask("/health/ready")
        assert ready.status == 200 and "fake" in ready.json()["missing"]


def test_clients_that_leave_hold_nothing(single):
    gateway, upstream = single
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", gateway.port)) as peer:
            peer.sendall(b"GET /fake/slow HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: gateway.metric("market_gateway_in_flight") == 0, 10, "the answers nobody reads")
    until(lambda: gateway.metric("market_http_connections") <= 1, 10, "the connections of those who left")
    assert gateway.ask("/fake/ok").status == 200


def test_a_stop_cuts_what_never_ends(tmp_path):
    with FakeUpstream() as upstream:
        config = config_of(upstream.port, timeout="60s", try_timeout="60s")
        gateway = Gateway(tmp_path, config, "http.drain_time_max=1s")
        endless = [("GET", "/fake/sse"), ("GET", "/fake/hang"), ("POST", "/fake/hang")] * 4
        peers = [gateway.connect() for _ in endless]
        for peer, (method, path) in zip(peers, endless):
            peer.request(method, path)
        time.sleep(0.3)
        began = time.monotonic()
        assert gateway.stop() == 0, gateway.log()
        assert time.monotonic() - began < 6


def test_whoever_refuses_at_once_does_not_get_most(pair):
    gateway, one, two = pair
    one.mode = "503"

    def post(_):
        return [gateway.ask("/fake/late", "POST").status for _ in range(10)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sum(pool.map(post, range(8)), [])
    assert statuses.count(200) > statuses.count(503), statuses
    assert set(statuses) == {200, 503} and "is ejected" not in gateway.log()


def test_without_a_descriptor_left_no_instance_is_at_fault(single):
    gateway, upstream = single
    peer = gateway.connect()

    def status():
        peer.request("POST", "/fake/ok")
        answer = peer.getresponse()
        return answer.status, answer.read()

    peer.request("GET", "/metrics")
    assert peer.getresponse().read()
    pid = gateway.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
    refused, body = status()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert refused == 503 and b'"overloaded"' in body
    assert status()[0] == 200
    assert "is ejected" not in gateway.log() and upstream.count("/fake/ok") == 1
    assert gateway.metric("market_gateway_instance_faults_total") == 0
