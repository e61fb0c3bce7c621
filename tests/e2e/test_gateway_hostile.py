"""The gateway between hostile peers: an instance's answer is never given to another's request."""

import concurrent.futures
import socket
import time

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from test_gateway_faults import config_of


@pytest.fixture
def narrow(tmp_path):
    """One instance behind a gateway of one thread: requests under way at once share connections."""
    with FakeUpstream() as one:
        with Gateway(tmp_path, config_of(one.port, timeout="5s"), "gateway.threads=1") as gateway:
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


def test_answers_behind_a_stream_are_nobody_elses(narrow):
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
