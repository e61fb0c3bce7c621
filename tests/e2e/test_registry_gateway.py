"""The gateway as a client of the registry: who leaves is gone at once, whoever can be called is found, and
its settings of the registry are read again."""

import json
import time

import pytest
from client import admin
from fake_registry import FakeRegistry
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import Market
from registry_calls import call, instance, post, register
from waiting import until

ROLES = ("--role", "user,product,order")
ROUTE = """
[[gateway.routes]]
id = "fake"
service = "{service}"
path = "/fake/**"
"""


@pytest.fixture
def registry(tmp_path):
    with Market(tmp_path / "registry", "registry.cache=0s", flags=("--role", "registry")) as server:
        yield server


def gateway(folder, registry, *settings, service="fake"):
    url = f"registry.urls=http://127.0.0.1:{registry.port}/eureka/"
    return Gateway(folder, ROUTE.format(service=service), url, "registry.fetch_interval=200ms", *settings)


def status(entry):
    return entry.ask("/fake/ok").status


def test_the_last_instance_that_leaves_is_called_no_more(registry, tmp_path):
    with FakeUpstream() as upstream, gateway(tmp_path, registry) as entry:
        register(registry, "a", upstream.port)
        until(lambda: status(entry) == 200, 5, "it is not found")
        assert call(registry, "DELETE", "/eureka/apps/FAKE/a")[0] == 200
        until(lambda: status(entry) == 503, 2, "it is still called")
        called = len(upstream.requests)
        for _ in range(20):
            assert status(entry) == 503
        assert len(upstream.requests) == called, "somebody else may have its address by now"


def test_a_registry_that_comes_back_empty_is_doubted(registry, tmp_path):
    with FakeUpstream() as upstream, gateway(tmp_path, registry) as entry:
        register(registry, "a", upstream.port)
        until(lambda: status(entry) == 200, 5, "it is not found")
        registry.kill()
        registry.start()
        end = time.monotonic() + 4
        while time.monotonic() < end:
            assert status(entry) == 200
            time.sleep(0.1)
        register(registry, "a", upstream.port)
        until(lambda: entry.metric("market_discovery_pushed") == 1, 5, "it listens no more")
        assert call(registry, "DELETE", "/eureka/apps/FAKE/a")[0] == 200
        until(lambda: status(entry) == 503, 3, "an explicit removal counts even then")


@pytest.mark.parametrize("service", ["first", "second", "fake-app"])
def test_each_name_of_an_instance_is_found(registry, tmp_path, service):
    with FakeUpstream() as upstream, gateway(tmp_path, registry, service=service) as entry:
        one = instance("a", upstream.port, more={"app": "fake-app", "vipAddress": "First,second"})
        assert post(registry, one, "fake-app")[0] == 204
        until(lambda: status(entry) == 200, 5, "it is not found")
        assert entry.metric("market_discovery_instances") == 2, "it and the gateway itself, once each"


def test_the_address_is_called_when_the_name_means_nothing(registry, tmp_path):
    with FakeUpstream() as upstream, gateway(tmp_path, registry) as entry:
        assert register(registry, "a", upstream.port, host="no-such-host.invalid")[0] == 204
        until(lambda: status(entry) == 200, 20, "its address is not called")


def test_an_instance_with_tls_alone_is_left_out_and_named(registry, tmp_path):
    with gateway(tmp_path, registry) as entry:
        more = {"port": {"$": 80, "@enabled": "false"}, "securePort": {"$": 443, "@enabled": "true"}}
        assert post(registry, instance("a", more=more))[0] == 204
        until(lambda: entry.metric("market_discovery_left_out") == 1, 5, "nobody counts it")
        ready = entry.ask("/health/ready")
        assert (ready.status, ready.json()["warnings"]) == (200, ["fake: an instance listens with TLS alone"])
        assert "a of FAKE is ignored: it listens with TLS alone" in entry.log()
        assert status(entry) == 503
        call(registry, "DELETE", "/eureka/apps/FAKE/a")
        until(lambda: "warnings" not in entry.ask("/health/ready").json(), 5, "it is still named")


def test_zone_and_networks_are_read_again(registry, tmp_path):
    head = '[registry]\nurls = "http://127.0.0.1:{port}/eureka/"\nzone = "{zone}"\nnetworks = "{networks}"\n'
    route = ROUTE.format(service="fake")

    def config(zone, networks=""):
        return head.format(port=registry.port, zone=zone, networks=networks) + route

    with FakeUpstream("near") as near, FakeUpstream("far") as far:
        register(registry, "near", near.port, zone="near")
        register(registry, "far", far.port, zone="far")
        with Gateway(tmp_path, config("near")) as entry:

            def called():
                return {
                    answer.json().get("by", answer.status)
                    for answer in (entry.ask("/fake/ok") for _ in range(20))
                }

            until(lambda: called() == {"near"}, 5, "its own zone is not preferred")
            entry.reload(config("far"))
            until(lambda: called() == {"far"}, 5, "the zone is not read again")
            shown = json.loads(call(registry, "GET", "/eureka/apps/MARKET-GATEWAY")[1])["application"][
                "instance"
            ]
            assert [each["metadata"]["zone"] for each in shown] == ["far"]
            entry.reload(config("far", "10.0.0.0/8"))
            until(lambda: status(entry) == 503, 5, "the networks are not read again")
            requests = len(near.requests) + len(far.requests)
            assert status(entry) == 503
            assert len(near.requests) + len(far.requests) == requests
            entry.reload(config("", "127.0.0.0/8"))
            until(lambda: called() == {"near", "far"}, 5, "the networks are not read again")


def test_operators_see_the_services_of_the_registry(registry, tmp_path):
    url = f"registry.urls=http://127.0.0.1:{registry.port}/eureka/"
    with Market(tmp_path / "store", url, "registry.fetch_interval=200ms", flags=ROLES) as store:
        chief = admin(store.url)

        def seen():
            return chief.get("/admin/services", expect=200).json()

        until(lambda: len(seen()["items"]) == 3, 10, "it does not see itself")
        found = seen()
        services = {f"market-{name}" for name in ("user", "product", "order")}
        assert {each["service"] for each in found["items"]} == services
        assert {(each["status"], each["port"]) for each in found["items"]} == {("UP", store.port)}
        assert found["registry"]["reached"] and found["registry"]["registered"]
        registry.kill()
        until(lambda: not seen()["registry"]["reached"], 40, "the registry is away")
        assert len(seen()["items"]) == 3 and seen()["registry"]["trouble"]


def test_names_that_are_none_go_nowhere(tmp_path):
    """A foreign registry lets them in: neither a request nor a log line may be made of them."""
    forged = "2026-11-29T00:00:00.000Z error the event log is damaged"
    with FakeUpstream() as upstream:
        evil = instance("a", upstream.port, host="evil\r\nX-Injected")
        loud = instance("b\n" + forged, upstream.port, host="169.254.169.254")
        good = instance("c", upstream.port)
        with FakeRegistry(evil, loud, good) as registry:
            urls = f"registry.urls={registry.url}"
            with Gateway(tmp_path, ROUTE.format(service="fake"), urls) as entry:
                until(lambda: status(entry) == 200, 5, "the good one is not found")
                assert {status(entry) for _ in range(20)} == {200}
                assert entry.metric("market_discovery_instances") == 1
                log = entry.logged("of FAKE is ignored: instanceId")
    assert "a of FAKE is ignored: hostName is no host name and no address" in log
    assert "(a name that is none) of FAKE is ignored: instanceId" in log
    assert forged not in log
    assert {request.get("Host") for request in upstream.requests} == {f"127.0.0.1:{upstream.port}"}
    assert not [request for request in upstream.requests if request.get("X-Injected") is not None]


def test_an_instance_at_an_address_of_version_six_is_called_and_probed(registry, tmp_path):
    with FakeUpstream(host="::1") as upstream, gateway(tmp_path, registry) as entry:
        assert register(registry, "a", upstream.port, host="::1", address="::1", health="/alive")[0] == 204
        until(lambda: status(entry) == 200, 5, "it is not called")
        upstream.mode = "500"
        until(lambda: status(entry) and upstream.count("/alive") > 0, 10, "it is not probed")
        upstream.mode = None
        assert {request.get("Host") for request in upstream.requests} == {f"[::1]:{upstream.port}"}


def test_a_health_path_that_was_corrected_is_the_one_that_is_asked(registry, tmp_path):
    with FakeUpstream() as upstream, gateway(tmp_path, registry) as entry:
        port = upstream.port
        assert register(registry, "a", port, health="/wrong")[0] == 204
        until(lambda: status(entry) == 200, 5, "it is not called")
        upstream.stop()
        until(lambda: status(entry) == 503, 5, "it is still called")
        assert register(registry, "a", port, health="/right")[0] == 204
        end = time.monotonic() + 1.5
        while time.monotonic() < end:  # By then it has come, and nobody listens there either.
            assert status(entry) == 503
            time.sleep(0.1)
        with FakeUpstream(port=port) as back:
            until(lambda: status(entry) == 200, 10, "it is not found again")
            assert (back.count("/right") > 0, back.count("/wrong")) == (True, 0)
