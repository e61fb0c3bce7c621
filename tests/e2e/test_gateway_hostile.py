"""The gateway between hostile peers: an instance's answer is never given to another's request."""

import contextlib
import re
import socket
import urllib.parse

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from test_gateway_faults import config_of
from test_gateway_pipelining import all_at_once, connections, get, keyed, narrow  # noqa: F401
from waiting import until


def test_answers_behind_a_stream_are_nobody_elses(narrow):  # noqa: F811
    gateway, upstream = narrow
    # Four connections are busy; the streams line up behind them, and others behind the streams.
    busy = [f"/fake/slow?{n}" for n in range(4)]
    streams = [f"/fake/trickle?{n}" for n in range(4)]
    behind = [f"/fake/late?{n}" for n in range(4)]
    peers = {path: gateway.connect() for path in busy + streams + behind}
    for path, peer in peers.items():
        peer.request("GET", path)
    for path in streams:
        assert peers[path].getresponse().read() == b"trickle"
    # The connections of the streams look free now; what was sent behind the streams is still being answered.
    next_ones = [f"/fake/ok?{n}" for n in range(8)]
    for path, (status, body) in zip(next_ones, all_at_once(gateway, get(*next_ones))):
        assert status == 200 and f'"target": "{path}"'.encode() in body, (path, body[:80])
    for path in behind:
        assert peers[path].getresponse().read() == path.encode()


def raw(answer):
    return "/fake/raw?" + urllib.parse.quote(answer)


HEAD = "HTTP/1.1 200 OK\r\n"
OK = HEAD + "Content-Length: 2\r\n\r\nok"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
WORTHLESS = {
    "both framings": HEAD + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two codings": HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding twice": HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths in one field": HEAD + "Content-Length: 2, 2\r\n\r\nok",
    "a signed length": HEAD + "Content-Length: +2\r\n\r\nok",
    "a length beyond all": HEAD + "Content-Length: 99999999999999999999\r\n\r\nok",
    "obs-fold": HEAD + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "a lone LF": "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a lone CR": HEAD + "X-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\nok",
    "a space before the colon": HEAD + "Content-Length : 2\r\n\r\nok",
    "a NUL": HEAD + "X-A: \0\r\nContent-Length: 2\r\n\r\nok",
    "a field without a name": HEAD + ": x\r\nContent-Length: 2\r\n\r\nok",
    "a strange version": "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status too small": "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nok",
    "a status too large": "HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nok",
    "a switch nobody asked for": "HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\nok",
    "a flood of interim answers": "HTTP/1.1 103 X\r\n\r\n" * 20 + HEAD + "Content-Length: 2\r\n\r\nok",
    "a body where none may be": "HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\nok",
    "chunked in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", WORTHLESS.values(), ids=WORTHLESS.keys())
def test_worthless_answers_are_502(narrow, answer):  # noqa: F811
    gateway, upstream = narrow
    (got,) = all_at_once(gateway, [(raw(answer), "POST", {})])
    assert got[0] == 502, got
    assert all_at_once(gateway, get("/fake/ok"))[0][0] == 200
    assert upstream.requests[-1].peer != upstream.requests[0].peer, "its connection was used again"


@pytest.mark.parametrize("size", ["zz", "-5", "5x", "1" * 17, "", " 5"])
def test_wrong_chunk_sizes_look_broken_to_the_client(narrow, size):  # noqa: F811
    gateway, upstream = narrow
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
        answer = HEAD + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + size + "\r\nhello\r\n0\r\n\r\n"
        peer.sendall(f"GET {raw(answer)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = b""
        while piece := peer.recv(65536):
            got += piece
    assert b"hello" not in got and not got.endswith(b"0\r\n\r\n"), got
    assert all_at_once(gateway, get("/fake/ok"))[0][0] == 200


def test_heads_beyond_all_measure_are_502(narrow):  # noqa: F811
    gateway, upstream = narrow
    for more in ["X-A: " + "a" * 40_000 + "\r\n", "".join(f"X-{n}: a\r\n" for n in range(300))]:
        upstream.answer_bomb = lambda peer, request, more=more: upstream.send(
            peer, (HEAD + more + "Content-Length: 2\r\n\r\nok").encode()
        )
        assert all_at_once(gateway, [("/fake/bomb", "POST", {})])[0][0] == 502
    assert all_at_once(gateway, get("/fake/ok"))[0][0] == 200


def test_an_old_servers_answer_ends_with_its_connection(narrow):  # noqa: F811
    gateway, upstream = narrow

    def old(peer, request):
        upstream.send(peer, b"HTTP/1.0 200 OK\r\n\r\n" + b"old" * 1000)
        return False

    upstream.answer_old = old
    for _ in range(3):
        assert all_at_once(gateway, get("/fake/old"))[0] == (200, b"old" * 1000)
    assert set(connections(upstream, "/fake/old").values()) == {1}


def test_surplus_is_nobodys_answer(narrow):  # noqa: F811
    gateway, upstream = narrow
    for method in ("GET", "POST"):
        for n in range(10):
            asked = [(f"/fake/surplus?{n}", method, {}), (f"/fake/late?{n}", "GET", {})]
            for path, _, _ in asked:
                ((status, body),) = all_at_once(gateway, [entry for entry in asked if entry[0] == path])
                assert (status, body) == (200, path.encode())


@pytest.mark.parametrize("asked", [get, keyed])
def test_surplus_is_not_the_answer_of_those_in_line(narrow, asked):  # noqa: F811
    gateway, upstream = narrow
    upstream.repeats_ids = True
    assert all_at_once(gateway, keyed("/fake/first"))[0][0] == 200  # The gateway learns that it repeats ids.
    busy = [f"/fake/late?busy{n}" for n in range(4)]
    wrong = [f"/fake/surplus?{n}" for n in range(4)]
    behind = [f"/fake/late?{n}" for n in range(8)]
    paths = busy + wrong + behind
    assert all_at_once(gateway, asked(*paths)) == [(200, path.encode()) for path in paths]
    if asked is keyed:  # GETs do so only once they are known to be fast.
        assert max(connections(upstream, "/fake/late").values()) > 1, "nobody stood in line"


def test_an_instance_with_ids_of_its_own_is_believed(narrow):  # noqa: F811
    gateway, upstream = narrow
    answer = HEAD + "X-Request-Id: of-its-own\r\nContent-Length: 2\r\n\r\nok"
    for _ in range(3):
        assert all_at_once(gateway, get(raw(answer)))[0] == (200, b"ok")


CHOSEN = {"X-Request-Id": "00000000-0000-4000-8000-000000000000"}


@pytest.mark.parametrize("valid, asked", [(".*-.*", [CHOSEN, {}]), ("[^-]*", [{}, CHOSEN])])
def test_who_chooses_his_id_changes_nothing_for_others(tmp_path, valid, asked):
    """A service that repeats only ids it finds valid: the client's alone, or all but the client's."""
    with FakeUpstream() as upstream:
        upstream.repeats_ids, upstream.valid_ids = True, re.compile(valid)
        with Gateway(tmp_path, config_of(upstream.port), "gateway.threads=1") as gateway:
            for n in range(8):
                for fields in asked:
                    assert gateway.ask(f"/fake/ok?{n}", headers=fields).status == 200, (n, fields)
            assert gateway.metric("market_gateway_instance_faults_total") == 0


def test_a_refusal_that_names_nobody_passes_as_its_status(narrow):  # noqa: F811
    gateway, upstream = narrow
    upstream.repeats_ids = True
    assert all_at_once(gateway, get("/fake/first"))[0][0] == 200
    answer = "HTTP/1.1 413 X\r\nConnection: close\r\nX-Request-Id: other\r\nContent-Length: 6\r\n\r\npoison"
    status, body = all_at_once(gateway, get(raw(answer)))[0]
    assert status == 413 and b"poison" not in body
    assert gateway.metric("market_gateway_instance_ejected") == 0


def test_an_answer_without_an_id_is_taken_where_nothing_else_can_answer(narrow):  # noqa: F811
    gateway, upstream = narrow
    upstream.repeats_ids = True
    assert all_at_once(gateway, get("/fake/first"))[0][0] == 200
    for method in ("GET", "POST"):
        asked = [(raw(HEAD + "Content-Length: 2\r\n\r\nok"), method, {})]
        for _ in range(3):
            assert all_at_once(gateway, asked)[0] == (200, b"ok")
    assert gateway.metric("market_gateway_instance_faults_total") == 0
    other = raw(HEAD + "X-Request-Id: other\r\nContent-Length: 6\r\n\r\npoison")
    status, body = all_at_once(gateway, [(other, "POST", {})])[0]
    assert status == 502 and b"poison" not in body
    assert gateway.metric("market_gateway_instance_faults_total") == 1
    assert "is ejected" not in gateway.log(), "several in a row are a sign"


def ask_raw(gateway, text):
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
        peer.sendall(text.encode())
        peer.shutdown(socket.SHUT_WR)
        got = b""
        while piece := peer.recv(65536):
            got += piece
    return got


def test_connection_cannot_take_away_what_the_gateway_says(narrow):  # noqa: F811
    gateway, upstream = narrow
    named = "X-Forwarded-For, X-Forwarded-Proto, X-Request-Id, traceparent, Host, Content-Length, Cookie"
    got = ask_raw(
        gateway,
        f"POST /fake/ok HTTP/1.1\r\nHost: shop\r\nConnection: close, {named}\r\nCookie: a=b\r\n"
        "X-Forwarded-For: 6.6.6.6\r\nX-Independent: 1\r\nContent-Length: 4\r\n\r\nbody",
    )
    assert got.startswith(b"HTTP/1.1 200 ")
    seen = upstream.last("/fake/ok")
    assert seen.all("X-Forwarded-For") == ["127.0.0.1"] and seen.all("X-Forwarded-Proto") == ["http"]
    assert len(seen.all("X-Request-Id")) == len(seen.all("traceparent")) == len(seen.all("Host")) == 1
    assert seen.body == b"body" and seen.get("X-Forwarded-Host") == "shop"
    assert seen.get("Cookie") is None and seen.get("X-Independent") is None


def test_a_key_that_does_not_arrive_makes_nothing_safe(narrow):  # noqa: F811
    gateway, upstream = narrow
    assert all_at_once(gateway, keyed("/fake/first"))[0][0] == 200
    for connection in ("Idempotency-Key", "close, idempotency-key"):
        upstream.requests.clear()
        headers = {"Connection": connection, "Idempotency-Key": "k"}
        ((status, _),) = all_at_once(gateway, [("/fake/doomed", "POST", headers)])
        assert status == 502 and upstream.count("/fake/doomed") == 1
        assert upstream.last("/fake/doomed").get("Idempotency-Key") is None


def test_the_target_beats_the_host_and_trailers_stay(narrow):  # noqa: F811
    gateway, upstream = narrow
    got = ask_raw(
        gateway,
        "GET http://target.example/fake/ok HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n",
    )
    assert got.startswith(b"HTTP/1.1 200 ")  # RFC 9112 3.2.2: the Host field is ignored then.
    seen = upstream.last("/fake/ok")
    assert seen.target == "/fake/ok" and seen.get("X-Forwarded-Host") == "target.example"
    got = ask_raw(
        gateway,
        "POST /fake/trailed HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: X-Role\r\n\r\n4;a=b\r\nbody\r\n0\r\nX-Role: admin\r\n\r\n",
    )
    assert got.startswith(b"HTTP/1.1 200 ")
    seen = upstream.last("/fake/trailed")
    assert seen.body == b"body" and seen.all("Content-Length") == ["4"]
    assert seen.get("X-Role") is None and seen.get("Trailer") is None


def test_interim_answers_are_counted_for_each_answer(tmp_path):
    """Also when the answers before were passed on as they came."""

    def hinted(peer, request):
        upstream.send(peer, b"HTTP/1.1 103 X\r\nLink: <a>\r\n\r\n" * 5)
        return upstream.answer_trickle(peer, request)

    with FakeUpstream() as upstream:
        upstream.answer_hinted = hinted
        with Gateway(tmp_path, config_of(upstream.port), "gateway.threads=1") as gateway:
            answers = [gateway.ask("/fake/hinted") for _ in range(5)]
            assert [(answer.status, answer.body) for answer in answers] == [(200, b"trickle")] * 5
            assert len({request.peer for request in upstream.requests}) == 1


BODYLESS = """set_status = {status}
coalesce = true
[[gateway.routes]]
id = "plain"
service = "fake"
path = "/plain/**"
[[gateway.routes]]
id = "fixed"
answer = {{ status = {status}, body = "stray" }}
path = "/fixed/**"
[[gateway.routes]]
id = "instead"
uri = "http://127.0.0.1:1"
fallback = {{ status = {status}, body = "stray" }}
path = "/instead/**"
"""
KINDS = ["trickle", "ok", "chunked", "sse", "stock/stream"]


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body_ends_with_its_head(tmp_path, status):
    """The next bytes are the next answer: a service would choose it, of whoever shares that connection."""
    with FakeUpstream() as upstream:
        config = config_of(upstream.port, more=BODYLESS.format(status=status))
        with Gateway(tmp_path, config, "gateway.threads=1") as gateway:
            for path in [*(f"/fake/{kind}" for kind in KINDS), "/fixed/x", "/instead/x"] * 2:
                with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as peer:
                    head = f"GET {path} HTTP/1.1\r\nHost: x\r\n"
                    peer.sendall(f"{head}\r\nGET /plain/raw?{urllib.parse.quote(OK)} HTTP/1.1\r\n".encode())
                    peer.sendall(b"Host: x\r\nConnection: close\r\n\r\n")
                    got = b""
                    while piece := peer.recv(65536):
                        got += piece
                first, _, rest = got.decode().partition("\r\n\r\n")
                assert first.startswith(f"HTTP/1.1 {status} "), (path, got)
                assert "Transfer-Encoding" not in first, (path, got)
                assert first.count("Content-Length: ") == first.count("Content-Length: 0") == (status == 205)
                assert rest.startswith("HTTP/1.1 200 ") and rest.endswith("\r\n\r\nok"), (path, got)
                assert first.count("\r\nDate: ") == rest.count("\r\nDate: ") == 1, (path, got)
            until(lambda: gateway.metric("market_gateway_streams") == 0, 10, "places of streams")
            answer = gateway.ask("/fake/ok", "HEAD")
            assert answer.status == status and (status != 204 or answer.get("Content-Length") is None)
            with contextlib.closing(gateway.connect()) as peer:
                peer.request("GET", "/fake/ws", headers=WEBSOCKET)
                assert peer.getresponse().status == 101, "what follows is no answer"


def test_a_foreign_205_has_no_content(narrow):  # noqa: F811
    gateway, upstream = narrow
    chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n"
    for rest in ("Content-Length: 5\r\n\r\nstray", chunked):
        answer = gateway.ask(raw("HTTP/1.1 205 X\r\n" + rest))
        assert (answer.status, answer.get("Content-Length"), answer.body) == (205, "0", b"")
        assert answer.get("Transfer-Encoding") is None
