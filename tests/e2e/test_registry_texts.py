"""What clients set is told to all others: whatever the texts, answers stay JSON, XML and events, and mean
what was sent. Read back by Python's own parsers."""

import http.client
import json
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_server import Market
from registry_calls import AMAZON_CLASS, call, instance, instances, post, register

SPECIAL = "\"\\&<>'\t\n\r\x01\x1f\x7f\x85\u2028\u2029\ufffd\ufffe\uffff\U0001f600]}:,{[=;%"
TEXTS = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_categories=["Cs"])), max_size=12)
LISTS = ("/eureka/apps", "/eureka/apps/delta", "/eureka/apps/FAKE", "/eureka/vips/fake")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("registry")
    with Market(folder / "registry", "registry.cache=0s", flags=("--role", "registry")) as server:
        yield server


def carried(text):
    """XML 1.0 §2.2."""
    return all(c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff") for c in text)


def first_event(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/eureka/stream")
        answer = connection.getresponse()
        assert answer.readline() == b"event: list\n"
        data = answer.readline()
        assert data.startswith(b"data: ")
        assert answer.readline() == b"\n", "one line of data, then the event's end"
        return json.loads(data[6:])
    finally:
        connection.close()


def check_all_answers(server):
    """Each is well-formed, and has one host only."""
    for path in LISTS:
        json.loads(call(server, "GET", path)[1])
        root = ElementTree.fromstring(call(server, "GET", path, accept="application/xml")[1])
        assert {each.text for each in root.iter("hostName")} == {"127.0.0.1"}
    applications = first_event(server)["applications"]["application"]
    assert {each["hostName"] for app in applications for each in app["instance"]} == {"127.0.0.1"}
    for path in ("/registry/state", "/registry/history"):
        json.loads(call(server, "GET", path)[1])


@settings(max_examples=30, deadline=None)
@given(key=TEXTS, value=TEXTS, text=TEXTS)
def test_any_text_comes_back_or_is_refused(registry, key, value, text):
    one = instance("a", more={"vipAddress": "fake," + text, "homePageUrl": "/" + text, "asgName": text})
    one["metadata"] = {key: value}
    one["dataCenterInfo"] = {"@class": AMAZON_CLASS, "name": "Amazon", "metadata": {key: value}}
    status, body = post(registry, one)
    if status == 400:
        assert json.loads(body)["detail"]
        one = instance("a", more={"dataCenterInfo": one["dataCenterInfo"], "metadata": one["metadata"]})
        status, body = post(registry, one)
    if not carried(key + value):
        assert status == 400
        assert "XML" in json.loads(body)["detail"]
        assert register(registry, "a")[0] == 204
    elif key != "health":
        assert status == 204
        kept = instances(registry)["a"]
        wanted = {} if key == "@class" else {key: value}
        assert kept["dataCenterInfo"]["metadata"] == wanted
        assert kept["metadata"] == (wanted or {"@class": "java.util.Collections$EmptyMap"})
        for member in ("vipAddress", "homePageUrl", "asgName"):
            assert kept.get(member) == one.get(member)
    check_all_answers(registry)


@settings(max_examples=30, deadline=None)
@given(key=TEXTS, value=TEXTS)
def test_any_metadata_of_a_query_comes_back_or_is_refused(registry, key, value):
    assert register(registry, "a")[0] == 204
    entry = f"{urllib.parse.quote(key, safe='')}={urllib.parse.quote(value, safe='')}"
    status, body = call(registry, "PUT", f"/eureka/apps/FAKE/a/metadata?{entry}")
    if key and not carried(key + value):
        assert (status, "XML" in json.loads(body)["detail"]) == (400, True)
    elif key not in ("", "@class", "health"):
        assert status == 200
        assert instances(registry)["a"]["metadata"] == {key: value}
        call(registry, "DELETE", "/eureka/apps/FAKE/a")
    check_all_answers(registry) if register(registry, "a")[0] == 204 else pytest.fail("it cannot return")


@pytest.mark.parametrize("escaped", ["%FF", "a%C3", "%ED%A0%80", "%01", "%EF%BF%BE"])
def test_a_query_that_is_no_text_is_refused(registry, escaped):
    register(registry, "a")
    assert call(registry, "PUT", f"/eureka/apps/FAKE/a/metadata?k={escaped}")[0] == 400
    assert call(registry, "PUT", f"/eureka/apps/FAKE/a/metadata?{escaped}=v")[0] == 400
    check_all_answers(registry)


def test_a_key_smuggles_no_second_host(registry):
    evil = 'a":"b","hostName":"169.254.169.254","c'
    assert register(registry, "a", **{evil: "x"})[0] == 204
    assert instances(registry)["a"]["metadata"] == {evil: "x"}
    quoted = urllib.parse.quote(evil, safe="")
    assert call(registry, "PUT", f"/eureka/apps/FAKE/a/metadata?{quoted}=y")[0] == 200
    check_all_answers(registry)


def test_a_key_that_is_no_xml_name_is_left_out_of_xml_alone(registry):
    given_keys = {"prometheus.io/scrape": "true", "management.port": "9001", "größe": "1", "1st": "2"}
    assert register(registry, "a", **given_keys)[0] == 204
    assert instances(registry)["a"]["metadata"] == given_keys
    root = ElementTree.fromstring(call(registry, "GET", "/eureka/apps/FAKE/a", accept="application/xml")[1])
    assert {each.tag: each.text for each in root.find("metadata")} == {"management.port": "9001"}


def test_a_batch_with_names_that_are_no_lines_writes_one_log_line(registry):
    name = "a\nb\u2028c"
    item = {"appName": name, "id": name, "action": "Register", "instanceInfo": instance(name)}
    batch = json.dumps({"replicationList": [item, {"appName": name, "id": name, "action": "Cancel"}]})
    status, body = call(registry, "POST", "/eureka/peerreplication/batch/", batch)
    assert [each["statusCode"] for each in json.loads(body)["responseList"]] == [400, 404]
    log = registry.logged("(an unreadable name) of FAKE is refused")
    assert "(an unreadable name) of FAKE is refused: instanceId" in log
    assert "\u2028" not in log
