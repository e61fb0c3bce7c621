"""`serve --takeover` of the roles without a store: a restart under load that nobody notices."""

import contextlib
import http.client
import json
import os
import socket
import threading
import urllib.request

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import PATIENCE, Market, free_port, run
from test_gateway_faults import config_of
from waiting import until


class Load:
    """Threads that ask again and again, on a connection each or on a new one each time."""

    def __init__(self, port, path, is_good, count=4):
        self.good, self.bad, self.ended = 0, [], threading.Event()
        self.port, self.path, self.is_good = port, path, is_good
        self.threads = [threading.Thread(target=self.ask, args=(n % 2 == 0,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def ask(self, keeps):
        peer = None
        while not self.ended.is_set():
            try:
                peer = peer or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                peer.request("GET", self.path)
                answer = peer.getresponse()
                body = answer.read()
                if answer.status == 200 and self.is_good(body):
                    self.good += 1
                else:
                    self.bad.append((answer.status, body))
            except (OSError, http.client.HTTPException) as error:
                self.bad.append(repr(error))
            if not keeps and peer:
                peer.close()
                peer = None

    def goes_on(self):
        before = self.good
        until(lambda: self.good > before + 50, 10 * PATIENCE, "the load to go on")

    def __enter__(self):
        return self

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def __exit__(self, *_):
        self.end()


def test_a_gateway_hands_over_under_load(tmp_path):
    with FakeUpstream() as upstream, Gateway(tmp_path, config_of(upstream.port)) as first:
        with Load(first.port, "/fake/ok", lambda body: b"/fake/ok" in body) as load:
            load.goes_on()
            running = first
            for _ in range(2):  # The successor can be succeeded too.
                config = config_of(upstream.port)
                after = Gateway(tmp_path, config, port=first.port, flags=("--takeover",))
                try:
                    assert running.process.wait(15 * PATIENCE) == 0
                    load.goes_on()
                except BaseException:
                    after.stop()
                    raise
                running = after
        assert load.bad == []
        assert running.ask("/info").json()["pid"] == running.process.pid
        assert running.stop() == 0
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("role", ["gateway", "registry"])
def test_the_address_of_management_goes_along(tmp_path, role):
    manage, port = free_port(), free_port()

    def serving(*flags):
        return Market(tmp_path / "data", f"management.listen=127.0.0.1:{manage}", listen=port,
                      flags=("--role", role, *flags))

    def pid_there():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{manage}/info", timeout=5) as answer:
                return json.load(answer)["pid"]
        except OSError:  # Between the two.
            return None

    first = serving().start()
    try:
        assert pid_there() == first.process.pid
        after = serving("--takeover").start()
        try:
            assert first.process.wait(15 * PATIENCE) == 0
            until(lambda: pid_there() == after.process.pid, 5, "the successor's management")
        finally:
            assert after.stop() == 0
    finally:
        first.kill()


@contextlib.contextmanager
def asking(data, name):
    """A successor that has got the sockets, and not said that it has taken over."""
    folder = os.open(data, os.O_PATH)
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10 * PATIENCE)
    try:
        peer.connect(f"/proc/self/fd/{folder}/{name}")
        _, sockets, _, _ = socket.recv_fds(peer, 1, 64)
        assert sockets
        for fd in sockets:
            os.close(fd)
        yield peer
    finally:
        peer.close()
        os.close(folder)


def test_a_successor_that_dies_has_taken_nothing(tmp_path):
    with FakeUpstream() as upstream, Gateway(tmp_path, config_of(upstream.port)) as first:
        name = f"handover-gateway-{first.port}.sock"
        with Load(first.port, "/fake/ok", lambda body: b"/fake/ok" in body) as load:
            for deaths in (1, 2):
                with asking(tmp_path / "data", name):
                    load.goes_on()
                until(lambda: first.log().count("did not take over") == deaths, 10, "its end to be seen")
            with asking(tmp_path / "data", name) as slow:
                until(lambda: first.log().count("did not take over") == 3, 15 * PATIENCE, "the time-out")
                with pytest.raises(BrokenPipeError):
                    slow.send(b"A")
            load.goes_on()
            after = Gateway(tmp_path, config_of(upstream.port), port=first.port, flags=("--takeover",))
            try:
                assert first.process.wait(15 * PATIENCE) == 0
                load.goes_on()
            finally:
                load.end()  # Before the server: one of them may be about to connect.
                after.stop()
        assert load.bad == []


def test_a_store_outlives_a_successor_that_dies(tmp_path):
    first = Market(tmp_path / "store")
    after = Market(first.data, listen=first.port, flags=("--takeover",))
    try:
        first.start()
        with asking(first.data, "handover.sock"):
            pass
        until(lambda: "did not take over" in first.log_tail(), 10, "its end to be seen")
        assert metric(first, "market_http_connections") > 0
        after.start()
        assert first.process.wait(15 * PATIENCE) == 0
    finally:
        after.kill()
        first.kill()


@pytest.mark.parametrize("settings", [(), ("registry.credential=market:secret",)])
def test_a_registry_hands_over_with_what_it_knows(tmp_path, settings):
    registry = Market(tmp_path / "registry", *settings, flags=("--role", "registry"))
    services = Market(
        tmp_path / "services",
        f"registry.urls=http://{'market:secret@' if settings else ''}127.0.0.1:{registry.port}/eureka/",
        flags=("--role", "user,product,order"),
    )
    after = Market(
        registry.data, *settings, listen=registry.port, flags=("--role", "registry", "--takeover")
    )
    path = "/eureka/apps/MARKET-ORDER" if not settings else "/health/ready"
    known = b"MARKET-ORDER" if not settings else b""
    try:
        registry.start()
        services.start()
        until(lambda: metric(registry, "market_registry_instances") == 3, 10, "the services to register")
        with Load(registry.port, path, lambda body: known in body.upper()) as load:
            load.goes_on()
            after.start()
            assert registry.process.wait(15 * PATIENCE) == 0
            load.goes_on()
        assert load.bad == []
        assert metric(after, "market_registry_instances") == 3
    finally:
        for server in (services, after, registry):
            server.kill()


def metric(server, name):
    peer = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    peer.request("GET", "/metrics")
    for line in peer.getresponse().read().decode().splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return None


@pytest.mark.parametrize("role", ["gateway", "registry"])
def test_a_takeover_of_nobody_is_one_clear_line(tmp_path, role):
    port = free_port()
    arguments = ["serve", "--role", role, "--takeover", "--listen", f"127.0.0.1:{port}", "--data", tmp_path]
    done = run(*arguments, seconds=20)
    assert done.returncode == 2 and "takeover" in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    (tmp_path / f"handover-{role}-{port}.sock").touch()  # A left-over: nobody is behind it.
    done = run(*arguments, seconds=20)
    assert done.returncode == 2 and "takeover" in done.stderr.strip().splitlines()[-1], done.stderr


def test_without_a_folder_to_write_it_serves_all_the_same(tmp_path):
    (tmp_path / "data").write_text("no folder")
    with FakeUpstream() as upstream, Gateway(tmp_path, config_of(upstream.port)) as gateway:
        assert gateway.ask("/fake/ok").status == 200
        assert "takeover" in gateway.logged("takeover")
