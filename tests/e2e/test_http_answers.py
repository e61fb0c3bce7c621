"""What answers say, what the head alone decides, and what those who send much may hold."""

import re
import time

import pytest
from client import Client
from market_server import PATIENCE
from test_http import GET, LAST, connect, exchange, read_all, request, statuses


def head_of(answer):
    """Fields by lower-case name."""
    lines = answer.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}


def test_a_304_repeats_the_fields_of_the_200(market, admin):
    """RFC 9110 15.4.5, for every resource with a validator, compressed and not."""
    long = admin.product(description="long " * 500)
    targets = ["/docs", "/docs/viewer.js", "/docs/style.css", "/docs/LICENSE", "/openapi.json"]
    targets.append(f"/api/v1/products/{long['id']}")
    targets.append(f"/api/v1/products/{admin.product()['id']}")
    for target in targets:
        for coding in ("Accept-Encoding: gzip", "Accept-Encoding: identity"):
            whole = exchange(market, request(target, coding))
            assert statuses(whole) == [200], target
            fields = head_of(whole)
            assert "etag" in fields, target
            for method in ("GET", "HEAD"):
                again = exchange(
                    market, request(target, coding, f"If-None-Match: {fields['etag']}", method=method)
                )
                assert statuses(again) == [304] and again.endswith(b"\r\n\r\n"), (target, again[:300])
                repeated = head_of(again)
                wanted = {"cache-control", "content-security-policy", "etag", "vary", "referrer-policy"}
                for name in (wanted & set(fields)) | (wanted & set(repeated)):
                    assert repeated.get(name) == fields.get(name), (target, coding, name, repeated)
                assert "content-encoding" not in repeated and "content-type" not in repeated
    assert "vary" in head_of(exchange(market, request("/docs")))


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json;", 401),
        ("application/json ; ;charset=utf-8; ", 401),
        ("application/json;charset=UTF-8;", 401),
        ("application/json;charset=latin1;", 415),
        ("application/jsonx;", 415),
    ],
)
def test_media_types_with_empty_parameters(market, kind, status):
    body = b'{"email": "a@b.example", "password": "x"}'
    length = f"Content-Length: {len(body)}"
    sent = request("/api/v1/sessions", f"Content-Type: {kind}", length, method="POST", body=body)
    assert statuses(exchange(market, sent)) == [status]


def test_a_compressed_body_is_told_what_is_accepted(market):
    head = ["Content-Type: application/json", "Content-Encoding: gzip", "Content-Length: 3"]
    answer = exchange(market, request("/api/v1/sessions", *head, method="POST", body=b"abc"))
    assert statuses(answer) == [415] and head_of(answer)["accept-encoding"] == "identity"


def test_expect_is_answered_by_the_head_alone(market, buyer):
    """RFC 9110 10.1.1: who waits for 100 gets the final status at once, where the head decides it."""
    kind, length, expect = "Content-Type: application/json", "Content-Length: 50", "Expect: 100-continue"
    token = f"Authorization: Bearer {buyer.token}"
    for target, method, headers, status in (
        ("/api/v1/orders", "POST", [kind], 401),
        ("/api/v1/orders", "POST", [kind, "Authorization: Bearer nonsense"], 401),
        ("/api/v1/products", "POST", [kind, token], 403),
        ("/api/v1/nothing", "POST", [kind], 404),
        ("/api/v1/users/me", "POST", [kind], 405),
        ("/api/v1/sessions", "POST", ["Content-Type: text/plain"], 415),
        ("/api/v1/sessions", "POST", [kind, "Content-Encoding: gzip"], 415),
    ):
        answer = exchange(market, request(target, *headers, length, expect, method=method))
        assert statuses(answer) == [status], (target, headers, answer[:200])
        assert head_of(answer)["connection"] == "close"


def test_a_long_body_of_a_stranger_is_not_read(market):
    """The token is judged on the head: a picture of 5 MiB is not gathered first."""
    head = request("/api/v1/products/0000000000000/image", "Content-Length: 5000000", method="PUT")
    with connect(market) as peer:
        peer.sendall(head + b"a" * 10)
        assert statuses(peer.recv(65536)) == [401]


def test_a_refused_upload_reads_its_answer(market):
    """RFC 9112 9.6: the connection closes in stages, however much was on its way."""
    size = 64 * 1024 * 1024
    head = request(
        "/api/v1/sessions", "Content-Type: application/json", f"Content-Length: {size}", method="POST"
    )
    with connect(market) as peer:
        peer.sendall(head)
        sent = 0
        while sent < size:  # Fails when the server resets.
            sent += peer.send(b"a" * min(65536, size - sent))
        assert statuses(read_all(peer)) == [413]


def test_a_higher_minor_version_is_1_1(market):
    answer = exchange(market, LAST.replace(b"HTTP/1.1", b"HTTP/1.2"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    keep = exchange(market, GET.replace(b"HTTP/1.1", b"HTTP/1.9") + LAST)
    assert statuses(keep) == [200, 200], "it keeps the connection, as 1.1 does"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/health/l%69ve", 200),
        ("/%68ealth/live", 200),
        ("/health%2Flive", 404),
        ("/health/x/%2e%2e/live", 404),
        ("/health/%2e/live", 404),
        ("/api/v1/product%73", 200),
        ("/api/v1/products/%30000000000000", 404),
    ],
)
def test_paths_in_their_normal_form(market, target, status):
    assert statuses(exchange(market, request(target))) == [status]


def test_management_is_for_hosts_of_this_machine(market):
    """A page whose name was made to lead here (DNS rebinding) learns nothing."""
    for host, status in (
        ("localhost", 200),
        ("localhost.", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1", 200),
        ("127.1.2.3:80", 200),
        ("[::1]:80", 200),
        ("evil.example", 404),
        ("localhost.evil.example", 404),
        ("127.0.0.1.evil.example", 404),
        ("10.0.0.1", 404),
        ("[::2]", 404),
    ):
        for target in ("/metrics", "/info"):
            answer = exchange(market, request(target).replace(b"Host: a", b"Host: " + host.encode()))
            assert statuses(answer) == [status], (host, answer[:200])
    dotted = request("/health/live").replace(b"Host: a", b"Host: a.example.")
    assert statuses(exchange(market, dotted)) == [200]


def test_streams_are_not_buffered_by_proxies(market, admin):
    target = f"/api/v1/products/{admin.product()['id']}/stock/stream"
    with connect(market) as peer:
        peer.sendall(request(target))
        answer = peer.recv(4096)
    assert head_of(answer)["x-accel-buffering"] == "no"


def test_unfinished_bodies_have_a_budget(start):
    """Beyond it 503 at once, and the memory is free again when those who wait are gone."""
    server = start("http.unfinished_bytes_max=1048576", "http.body_bytes_max=1000000")
    head = request(
        "/api/v1/sessions", "Content-Type: application/json", "Content-Length: 600000", method="POST"
    )
    waiting = connect(server)
    waiting.sendall(head + b"a" * 599_000)
    metrics = Client(server.url)

    def held():
        text = metrics.get("//metrics", expect=200).text
        return int(re.search(r"market_http_unfinished_bytes (\d+)", text)[1])

    deadline = time.monotonic() + 10 * PATIENCE
    while held() < 500_000 and time.monotonic() < deadline:
        time.sleep(0.05)
    refused = exchange(server, head + b"a" * 599_000)
    assert statuses(refused) == [503] and head_of(refused)["retry-after"] == "1"
    assert statuses(exchange(server, LAST)) == [200]
    waiting.close()
    while held() > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert held() == 0
    whole = exchange(server, head + b"a" * 600_000)
    assert statuses(whole) == [400]


def test_an_address_has_a_part_of_the_budget(start):
    settings = ("http.unfinished_bytes_per_address_max=1048576", "http.body_bytes_max=3000000")
    server = start(*settings, limits=True)
    head = request(
        "/api/v1/sessions", "Content-Type: application/json", "Content-Length: 2000000", method="POST"
    )
    assert statuses(exchange(server, head + b"a" * 1_990_000)) == [503]
