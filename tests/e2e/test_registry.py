"""The registry and what must not come in, and the gateway's choice among what it lists."""

import http.client
import json
import re
import signal
import threading

import pytest
from fake_registry import FakeRegistry
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import Market, free_port
from registry_calls import call, instance, instances, post, register
from waiting import until

ROUTE = """
[[gateway.routes]]
id = "fake"
service = "fake"
path = "/fake/**"
"""


@pytest.fixture
def registry(tmp_path):
    with Market(tmp_path / "registry", "registry.cache=1s", flags=("--role", "registry")) as server:
        yield server


def listed(server):
    return set(instances(server))


def gateway(folder, registry, *settings):
    url = f"registry.urls=http://127.0.0.1:{registry.port}/eureka/"
    return Gateway(folder, ROUTE, url, "registry.fetch_interval=200ms", *settings)


@pytest.mark.parametrize("wrong", ["169.254.169.254", "0.0.0.0", "::", "224.0.0.1", "fe80::1", "ff02::1"])
def test_nobody_registers_where_nobody_may_be(registry, wrong):
    for place in ({"address": wrong}, {"host": wrong}):
        status, body = register(registry, "a", **place)
        assert status == 400
        assert wrong in json.loads(body)["detail"]
    xml = (
        f"<instance><hostName>h</hostName><app>FAKE</app><ipAddr>{wrong}</ipAddr>"
        "<dataCenterInfo><name>MyOwn</name></dataCenterInfo></instance>"
    )
    assert call(registry, "POST", "/eureka/apps/FAKE", xml, "application/xml")[0] == 400
    item = {"appName": "FAKE", "id": "a", "action": "Register", "instanceInfo": instance("a", address=wrong)}
    status, body = call(
        registry, "POST", "/eureka/peerreplication/batch/", json.dumps({"replicationList": [item]})
    )
    assert (status, json.loads(body)) == (200, {"responseList": [{"statusCode": 400}]})
    assert listed(registry) == set()
    assert registry.logged("a of FAKE is refused").count("a of FAKE is refused") == 1


def test_a_replicated_registration_that_cannot_be_read_is_told_in_the_log(registry):
    item = {"appName": "FAKE", "id": "a", "action": "Register", "instanceInfo": {"hostName": "h"}}
    batch = json.dumps({"replicationList": [item, item]})
    status, body = call(registry, "POST", "/eureka/peerreplication/batch/", batch)
    assert (status, json.loads(body)) == (200, {"responseList": [{"statusCode": 400}] * 2})
    assert registry.logged("ipAddr is missing").count("is refused: ipAddr is missing") == 1
    assert json.loads(call(registry, "GET", "/registry/state")[1])["refused"] == 2


@pytest.mark.parametrize(("listens", "name"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "localhost")])
def test_a_registry_is_no_peer_of_itself(registry, tmp_path, listens, name):
    register(registry, "a")
    port = free_port()
    peer = f"http://127.0.0.1:{registry.port}/eureka/"
    peers = f"registry.peers=http://{name}:{port}/eureka/,{peer}"
    role = ("--role", "registry")
    with Market(tmp_path / "other", peers, listen=port, host=listens, flags=role) as other:
        until(lambda: call(other, "GET", "/health/ready")[0] == 200, 10, "it does not become ready")
        assert listed(other) == {"a"}, "its own URL came first, and it knew nothing yet"
        state = json.loads(call(other, "GET", "/registry/state")[1])
        assert [each["url"] for each in state["peers"]] == [peer]


def test_registrations_are_limited_to_networks(tmp_path):
    settings = ("registry.networks=10.0.0.0/8,127.0.0.2", "registry.cache=1s")
    with Market(tmp_path / "registry", *settings, flags=("--role", "registry")) as server:
        assert register(server, "a")[0] == 400
        assert register(server, "b", host="b.example", address="10.1.2.3")[0] == 204
        assert register(server, "c", host="c.example", address="c.example")[0] == 400
        assert listed(server) == {"b"}


def test_metadata_is_bounded(registry):
    status, body = register(registry, "a", k="x" * 32 * 1024)
    assert status == 413
    assert "metadata_bytes_max" in json.loads(body)["detail"]
    assert register(registry, "a", k="x" * 31 * 1024)[0] == 204
    assert call(registry, "PUT", "/eureka/apps/FAKE/a/metadata?l=" + "y" * 1000)[0] == 200
    assert call(registry, "PUT", "/eureka/apps/FAKE/a/metadata?m=" + "y" * 1000)[0] == 413
    kept = json.loads(call(registry, "GET", "/eureka/apps/FAKE/a")[1])["instance"]["metadata"]
    assert set(kept) == {"k", "l"}


def test_the_dashboard_has_one_address_and_the_document_holds(registry):
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=5)
    connection.request("GET", "/registry/")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, "/registry")
    connection.close()
    register(registry, "a", zone="east")
    for_people = ("/registry", "/registry/state", "/registry/history", "/registry/openapi.json")
    for path in (*for_people, "/eureka/apps/delta", "/eureka/vips/fake", "/eureka/instances/a"):
        assert call(registry, "GET", path)[0] == 200


def test_the_dashboard_returns_an_instance_that_came_out_of_service(tmp_path):
    """It has no override that could be dropped, and its own UP changes nothing."""

    def ask(status):
        change = json.dumps({"app": "FAKE", "id": "a", "status": status})
        assert call(registry, "POST", "/registry/status", change)[0] == 204

    def state(server):
        (one,) = json.loads(call(server, "GET", "/registry/state")[1])["instances"]
        return one["status"], one["overriddenStatus"]

    with Market(tmp_path / "other", "registry.cache=1s", flags=("--role", "registry")) as other:
        peer = f"registry.peers=http://127.0.0.1:{other.port}/eureka/"
        with Market(tmp_path / "first", peer, flags=("--role", "registry")) as registry:
            until(lambda: call(registry, "GET", "/health/ready")[0] == 200, 10, "it does not become ready")
            register(registry, "a", more={"status": "OUT_OF_SERVICE"})
            register(registry, "a")
            assert state(registry) == ("OUT_OF_SERVICE", "UNKNOWN")
            for _ in range(2):
                ask("UP")
                assert state(registry) == ("UP", "UNKNOWN")
                until(lambda: state(other) == ("UP", "UNKNOWN"), 10, "the peer does not know")
                register(registry, "a")
                assert state(registry) == ("UP", "UNKNOWN")
                ask("OUT_OF_SERVICE")
                assert state(registry) == ("OUT_OF_SERVICE", "OUT_OF_SERVICE")
                until(lambda: state(other) == ("OUT_OF_SERVICE", "OUT_OF_SERVICE"), 10, "nor that")
            missing = json.dumps({"app": "FAKE", "id": "b", "status": "UP"})
            assert call(registry, "POST", "/registry/status", missing)[0] == 404


def test_the_gateway_goes_to_no_other_network_whatever_a_registry_says(registry, tmp_path):
    """The registry has no limit, as a foreign one may; a name that passes may still mean another address."""
    with FakeUpstream() as upstream, gateway(tmp_path, registry, "registry.networks=10.0.0.0/8") as entry:
        assert register(registry, "plain", upstream.port)[0] == 204
        assert register(registry, "named", upstream.port, host="localhost", address="10.0.0.1")[0] == 204
        until(lambda: entry.metric("market_discovery_instances") == 1, 5, "the named one is not listed")
        assert entry.ask("/fake/ok").status in (502, 503)
        assert upstream.requests == []
        ignored = "plain of FAKE is ignored: ipAddr 127.0.0.1 lies in none"
        assert entry.logged(ignored).count(ignored) == 1
        assert "localhost lies in none of registry.networks" in entry.logged("localhost lies in none")


@pytest.mark.parametrize(("prefer", "zones"), [("true", {"near"}), ("false", {"near", "far"})])
def test_the_gateway_prefers_its_own_zone(registry, tmp_path, prefer, zones):
    settings = ("registry.zone=near", f"gateway.prefer_same_zone={prefer}")
    with FakeUpstream("near") as near, FakeUpstream("far") as far:
        register(registry, "near", near.port, zone="near")
        register(registry, "far", far.port, zone="far")
        with gateway(tmp_path, registry, *settings) as entry:
            assert {entry.ask("/fake/ok").json()["by"] for _ in range(40)} == zones
            near.stop()
            answers = [entry.ask("/fake/ok") for _ in range(10)]
            assert {(answer.status, answer.json()["by"]) for answer in answers} == {(200, "far")}


def test_a_client_tells_of_each_trouble_once(tmp_path):
    def errors():
        return int(re.search(r"market_discovery_errors_total (\d+)", call(services, "GET", "/metrics")[1])[1])

    with FakeUpstream() as broken:
        broken.mode = "500"
        url = f"registry.urls=http://127.0.0.1:{broken.port}/eureka/"
        services = Market(tmp_path / "data", url, flags=("--role", "user,product,order"))
        with services:
            until(lambda: errors() >= 8, 10, "no trouble is counted")
            assert errors() <= len(broken.requests)
            assert services.stop() == 0
    log = services.log_path.read_text()
    assert log.count("leaving failed") == 1
    assert log.count("the end could not be announced") == 1


def test_a_registry_lives_on_when_it_is_told_to_reload(registry):
    """`systemctl reload market@registry`: every role has the same unit."""
    register(registry, "a")
    registry.process.send_signal(signal.SIGHUP)
    assert "a registry reads its settings at its start alone" in registry.logged("SIGHUP")
    assert listed(registry) == {"a"}


def test_a_registry_at_an_address_of_version_six(tmp_path):
    registry = Market(tmp_path / "registry", host="[::1]", flags=("--role", "registry"))
    with registry:
        url = f"registry.urls=http://[::1]:{registry.port}/eureka"
        with Gateway(tmp_path, ROUTE, url, "registry.host=::1", "registry.renewal_interval=1s") as entry:
            until(lambda: entry.metric("market_discovery_registered") == 1, 5, "it does not register")
            until(lambda: entry.metric("market_discovery_instances") == 1, 5, "it does not get the list")
            with Market(
                registry.data, host="[::1]", listen=registry.port, flags=("--role", "registry", "--takeover")
            ):
                assert registry.process.wait(20) == 0
                renewed = entry.metric("market_discovery_renewals_total")
                until(lambda: entry.metric("market_discovery_renewals_total") > renewed, 5, "it is forgotten")


def gateway_of(registry_url, folder, port, *settings):
    more = ("registry.renewal_interval=200ms", "http.leave_time=0s", *settings)
    return Gateway(folder, ROUTE, f"registry.urls={registry_url}", *more, port=port)


def test_a_predecessor_that_registered_out_of_service_is_followed_by_one_in_service(registry, tmp_path):
    """It was draining when the registry forgot it, and died: there is no override, but a stored status, which
    no registration changes."""
    port = free_port()
    name = f"127.0.0.1:market-gateway:{port}"
    more = {"app": "MARKET-GATEWAY", "status": "OUT_OF_SERVICE"}
    assert post(registry, instance(name, port, more=more), "MARKET-GATEWAY")[0] == 204
    with gateway_of(f"http://127.0.0.1:{registry.port}/eureka/", tmp_path, port) as entry:
        until(lambda: entry.metric("market_discovery_registered") == 1, 5, "it does not register")

        def now():
            one = instances(registry)[name]
            return one["status"], one["overriddenStatus"]

        until(lambda: now() == ("UP", "UNKNOWN"), 5, "it stays out of service, or an override of it stays")


def test_who_leaves_does_not_come_back_by_a_heartbeat_under_way(tmp_path):
    """The registry forgot it: its heartbeat, still under way, is answered 404 when it has left."""
    port = free_port()
    beating, leaving, returned = threading.Event(), threading.Event(), threading.Event()

    def hold(method, path):
        if method == "PUT" and "lastDirtyTimestamp" in path:
            beating.set()
            leaving.wait(1)
            return 404
        if method == "DELETE" and "/status" not in path:
            leaving.set()
            returned.wait(1)
        if method == "POST" and leaving.is_set():
            returned.set()
        return None

    with FakeRegistry() as registry:
        registry.hold = hold
        with gateway_of(registry.url, tmp_path, port) as entry:
            assert beating.wait(10)
            assert entry.stop() == 0
        assert leaving.is_set()
        assert not returned.is_set(), registry.told
