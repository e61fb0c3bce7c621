"""Rows of Eureka's contract that clients other than Java's have shown: what they send, what Java can read."""

import json

import pytest
from market_server import Market
from registry_calls import AMAZON_CLASS, DEFAULT_CLASS, call, instance, instances, post, register


@pytest.fixture
def registry(tmp_path):
    with Market(tmp_path / "registry", "registry.cache=0s", flags=("--role", "registry")) as server:
        yield server


def test_names_of_applications_compare_without_case(registry):
    one = instance("a", more={"app": "my-service"})
    for app in ("my-service", "MY-SERVICE", "My-Service"):
        assert post(registry, one, app)[0] == 204
        assert call(registry, "PUT", f"/eureka/apps/{app}/a")[0] == 200
    assert instances(registry)["a"]["app"] == "MY-SERVICE"
    assert post(registry, one, "other")[0] == 400
    item = {"appName": "my-service", "id": "b", "action": "Register"}
    item["instanceInfo"] = instance("b", more={"app": "My-Service"})
    batch = json.dumps({"replicationList": [item]})
    status, body = call(registry, "POST", "/eureka/peerreplication/batch/", batch)
    assert (status, json.loads(body)) == (200, {"responseList": [{"statusCode": 200}]})
    assert set(instances(registry)) == {"a", "b"}


def test_an_action_that_is_not_known_fails_alone(registry):
    """As Netflix' server: what it cannot dispatch is 500 in its place, and the others are carried out."""
    good = {"appName": "FAKE", "id": "a", "action": "Register", "instanceInfo": instance("a")}
    beat = {"appName": "FAKE", "id": "a", "action": "Heartbeat"}
    items = [good, {**beat, "action": "Enlighten"}, {"appName": "FAKE", "id": "a"}, 5, None, beat]
    status, body = call(
        registry, "POST", "/eureka/peerreplication/batch/", json.dumps({"replicationList": items})
    )
    assert status == 200
    answers = [answer["statusCode"] for answer in json.loads(body)["responseList"]]
    assert answers == [200, 500, 500, 500, 500, 200]
    assert set(instances(registry)) == {"a"}
    for broken in ("{", "[]", "{}", '{"replicationList"', '"x"'):
        assert call(registry, "POST", "/eureka/peerreplication/batch/", broken)[0] == 400


UNREADABLE = [
    {"@class": "x.Foo", "name": "MyOwn"},
    {"@class": DEFAULT_CLASS, "name": "my-dc"},
    {"@class": DEFAULT_CLASS, "name": "MyOwn", "metadata": {"a": "b"}},
    {"@class": AMAZON_CLASS, "name": "Amazon"},
    {"@class": AMAZON_CLASS, "name": "MyOwn", "metadata": {"instance-id": "i-1"}},
    {"@class": DEFAULT_CLASS},
    {},
    None,
]


@pytest.mark.parametrize("center", UNREADABLE)
def test_a_data_centre_that_java_cannot_read_is_refused_from_whomever(registry, center):
    one = instance("a", more={"dataCenterInfo": center})
    status, body = post(registry, one)
    assert status == 400
    assert "dataCenterInfo" in json.loads(body)["detail"]
    item = {"appName": "FAKE", "id": "a", "action": "Register", "instanceInfo": one}
    status, body = call(
        registry, "POST", "/eureka/peerreplication/batch/", json.dumps({"replicationList": [item]})
    )
    assert (status, json.loads(body)) == (200, {"responseList": [{"statusCode": 400}]})
    assert instances(registry) == {}
    assert json.loads(call(registry, "GET", "/eureka/apps/delta")[1])["applications"]["application"] == []


@pytest.mark.parametrize(
    "center",
    [
        {"name": "MyOwn"},
        {"@class": DEFAULT_CLASS, "name": "Amazon"},
        {"@class": DEFAULT_CLASS, "name": "Netflix"},
        {"@class": AMAZON_CLASS, "name": "Amazon", "metadata": {"unheard-of": "x"}},
        {"@class": AMAZON_CLASS, "name": "Amazon", "metadata": {}},
    ],
)
def test_a_data_centre_that_java_can_read_is_told_whole(registry, center):
    assert post(registry, instance("a", more={"dataCenterInfo": center}))[0] == 204
    assert instances(registry)["a"]["dataCenterInfo"] == {"@class": DEFAULT_CLASS, **center}


def test_amazons_own_id_is_the_key(registry):
    center = {"@class": AMAZON_CLASS, "name": "Amazon", "metadata": {"instance-id": "i-123"}}
    one = instance("a", more={"dataCenterInfo": center})
    del one["instanceId"]
    assert post(registry, one)[0] == 204
    assert call(registry, "PUT", "/eureka/apps/FAKE/i-123?status=UP")[0] == 200
    assert call(registry, "PUT", "/eureka/apps/FAKE/127.0.0.1?status=UP")[0] == 404
    shown = json.loads(call(registry, "GET", "/eureka/apps/FAKE/i-123")[1])["instance"]
    assert "instanceId" not in shown
    assert call(registry, "DELETE", "/eureka/apps/FAKE/i-123")[0] == 200


def test_empty_texts_come_back_and_absent_ones_do_not(registry):
    empty = dict.fromkeys(("vipAddress", "secureVipAddress", "homePageUrl", "statusPageUrl", "asgName"), "")
    post(registry, instance("a", more={**empty, "healthCheckUrl": None}))
    shown = instances(registry)["a"]
    assert {name: shown.get(name) for name in empty} == empty
    assert "healthCheckUrl" not in shown
    assert "secureHealthCheckUrl" not in shown


@pytest.mark.parametrize("port", ["8080abc", 80.5, "", 70000, -1, {"$": "8080abc"}, {"$": 80.5}, True])
def test_a_port_that_is_no_number_is_refused(registry, port):
    for member in ("port", "securePort"):
        status, body = post(registry, instance("a", more={member: port}))
        assert (status, member in json.loads(body)["detail"]) == (400, True)


def test_every_field_has_a_bound_and_a_form(registry):
    big = "x" * 900_000
    fields = ("instanceId", "hostName", "ipAddr", "sid", "appGroupName", "asgName", "vipAddress")
    for member in (*fields, "secureVipAddress", "homePageUrl", "statusPageUrl", "healthCheckUrl"):
        for bad in (big, "a\r\nX-Evil: 1", "a\x01"):
            status, body = post(registry, instance("a", more={member: bad}))
            assert status == 400
            assert member in json.loads(body)["detail"]
    assert post(registry, instance("a", more={"homePageUrl": "javascript:alert(1)"}))[0] == 400
    for health in ("/x\r\nEvil: 1", "x\n", "/a b"):
        assert register(registry, "a", health=health)[0] == 400
        quoted = health.replace("\r", "%0D").replace("\n", "%0A").replace(" ", "%20")
        assert register(registry, "a")[0] == 204
        assert call(registry, "PUT", f"/eureka/apps/FAKE/a/metadata?health={quoted}")[0] == 400
    assert post(registry, instance("a", more={"status": "UP" * 100_000}))[0] == 204
    assert instances(registry)["a"]["status"] == "UNKNOWN"


def test_reading_needs_the_credential_too(tmp_path):
    credential = "registry.credential=market:secret"
    authorization = {"Authorization": "Basic bWFya2V0OnNlY3JldA=="}
    reads = (
        "/eureka/apps",
        "/eureka/apps/delta",
        "/eureka/v2/apps/FAKE",
        "/eureka/apps/FAKE/a",
        "/eureka/stream",
    )
    reads += (
        "/eureka/instances/a",
        "/eureka/vips/fake",
        "/eureka/svips/fake",
        "/eureka/vips/fake/",
        "/eureka/v2/svips/fake/",
        "/registry/state",
        "/registry/history",
    )
    one = json.dumps({"instance": instance("a")})
    with Market(tmp_path / "closed", credential, flags=("--role", "registry")) as server:
        assert call(server, "POST", "/eureka/apps/FAKE", one, **authorization)[0] == 204
        for path in reads:
            assert call(server, "GET", path)[0] == 401, path
            wrong = {"Authorization": "Basic bWFya2V0Omd1ZXNz"}
            assert call(server, "GET", path, **wrong)[0] == 401, path
            if path != "/eureka/stream":
                assert call(server, "GET", path, **authorization)[0] == 200, path
        for path in ("/registry", "/health/ready", "/registry/openapi.json"):
            assert call(server, "GET", path)[0] == 200
    with Market(
        tmp_path / "open", credential, "registry.public_reads=true", flags=("--role", "registry")
    ) as server:
        assert call(server, "POST", "/eureka/apps/FAKE", one)[0] == 401
        assert call(server, "POST", "/eureka/apps/FAKE", one, **authorization)[0] == 204
        for path in reads:
            assert path == "/eureka/stream" or call(server, "GET", path)[0] == 200, path
