"""Several clients' requests on one connection to an instance: who may stand in line, what breaks with it."""

import concurrent.futures
import time

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from test_gateway_faults import config_of


@pytest.fixture
def narrow(tmp_path):
    """One instance behind a gateway of one thread: requests under way at once share connections."""
    with FakeUpstream() as one:
        one.together = True
        with Gateway(tmp_path, config_of(one.port, timeout="5s"), "http.threads=1") as gateway:
            yield gateway, one


def all_at_once(gateway, asked):
    """Each of (path, method, headers) on a client of its own, sent in this order; their answers."""
    peers = [gateway.connect() for _ in asked]
    for peer, (path, method, headers) in zip(peers, asked):
        peer.request(method, path, headers=headers)
    answers = []
    for peer in peers:
        answer = peer.getresponse()
        answers.append((answer.status, answer.read()))
        peer.close()
    return answers


def get(*paths):
    return [(path, "GET", {}) for path in paths]


def keyed(*paths):
    return [(path, "POST", {"Idempotency-Key": path}) for path in paths]


def unkeyed(*paths):
    return [(path, "POST", {}) for path in paths]


def connections(upstream, path):
    """How many requests for it came on each connection."""
    counts = {}
    for request in upstream.requests:
        if request.path == path:
            counts[request.peer] = counts.get(request.peer, 0) + 1
    return counts


def teach(gateway):
    """The first answer says that the instance works on independent requests together."""
    assert all_at_once(gateway, keyed("/fake/first"))[0][0] == 200


def test_keyed_posts_share_connections(narrow):
    gateway, upstream = narrow
    teach(gateway)
    paths = [f"/fake/late?{n}" for n in range(12)]
    assert all_at_once(gateway, keyed(*paths)) == [(200, path.encode()) for path in paths]
    shared = connections(upstream, "/fake/late")
    assert len(shared) == 4 and max(shared.values()) <= 4, shared
    assert upstream.last("/fake/late").get("X-Independent") == "1"


def test_who_must_not_share_does_not(narrow):
    gateway, upstream = narrow
    upstream.together = False
    teach(gateway)
    for name, asked in [
        ("strange", keyed),  # The instance has not said that it works on them together.
        ("unkeyed", unkeyed),
        ("payment", keyed),
    ]:
        upstream.mode = "late"
        path = f"/fake/{name}"
        answers = all_at_once(gateway, asked(*(f"{path}?{n}" for n in range(12))))
        assert [status for status, _ in answers] == [200] * 12
        assert set(connections(upstream, path).values()) == {1}, name
        upstream.mode = None
        upstream.together = True
        teach(gateway)
    assert upstream.last("/fake/unkeyed").get("X-Independent") is None


def test_a_long_body_holds_up_nobody(narrow):
    gateway, upstream = narrow
    teach(gateway)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for answer in pool.map(
            lambda n: gateway.ask("/fake/late", "POST", {"Idempotency-Key": f"{n}"}, b"x" * 5000), range(8)
        ):
            assert answer.status == 200
    assert set(connections(upstream, "/fake/late").values()) == {1}


def test_keyed_posts_on_a_connection_that_dies_are_answered_once_each(narrow):
    gateway, upstream = narrow
    teach(gateway)
    paths = [f"/fake/doomed?{n}" for n in range(24)]
    assert all_at_once(gateway, keyed(*paths)) == [(200, path.encode()) for path in paths]
    sent = [request.target for request in upstream.requests if request.path == "/fake/doomed"]
    assert sorted(sent) == sorted(paths * 2), "each is sent twice: once in line, once alone"
    keys = {request.target: set() for request in upstream.requests}
    for request in upstream.requests:
        keys[request.target].add(request.get("Idempotency-Key"))
    assert all(keys[path] == {path} for path in paths), "the key is what makes the second try safe"
    first, counts = set(), {}
    for request in upstream.requests:
        if request.path == "/fake/doomed" and request.target not in first:
            first.add(request.target)
            counts[request.peer] = counts.get(request.peer, 0) + 1
    assert len(counts) == 4 and max(counts.values()) > 1, "they shared connections when these died"


def test_unkeyed_posts_on_a_connection_that_dies_are_not_sent_again(narrow):
    gateway, upstream = narrow
    teach(gateway)
    answers = all_at_once(gateway, unkeyed(*(f"/fake/doomed?{n}" for n in range(8))))
    assert [status for status, _ in answers] == [502] * 8
    assert set(connections(upstream, "/fake/doomed").values()) == {1}
    assert upstream.count("/fake/doomed") == 8


@pytest.mark.parametrize("asked", [get, keyed])
def test_one_that_takes_long_holds_up_nobody_for_long(narrow, asked):
    gateway, upstream = narrow
    teach(gateway)

    def timed(path):
        began = time.monotonic()
        (answer,) = all_at_once(gateway, asked(path))
        return answer, time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        busy = [pool.submit(timed, f"/fake/late?{n}") for n in range(3)]
        time.sleep(0.05)
        stuck = pool.submit(timed, "/fake/stuck")
        time.sleep(0.02)
        quick = []
        for n in range(80):
            quick.append(pool.submit(timed, f"/fake/quick?{n}"))
            time.sleep(0.02)
        for job in quick + busy:
            (status, _), took = job.result()
            assert status == 200 and took < 1.4, took
        assert stuck.result()[0] == (200, b"/fake/stuck") and stuck.result()[1] >= 2
