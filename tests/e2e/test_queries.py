"""One rule for parameters of the query that an operation does not know: 422, and their name."""

import pytest
from openapi_check import Document

# There with Stripe, and in a demonstration, alone.
ELSEWHERE = {("POST", "/api/v1/payments/notices"), ("GET", "/dev/mail")}
OPERATIONS = sorted(Document.load().operations() - ELSEWHERE)
ID = "0C3KQ2V8M0G00"


def address(path):
    return "/" + path.replace("{id}", ID)  # Client takes `//` for an absolute path.


@pytest.mark.parametrize("method, path", OPERATIONS, ids=str)
def test_an_unknown_parameter_is_named(admin, anonymous, method, path):
    for caller in (admin, anonymous):
        for query in ("colour=red", "colour", "%63olour=", "&&colour=red&colour=blue", "Limit=1"):
            answer = caller.send(method, f"{address(path)}?{query}")
            if caller is anonymous and answer.status_code == 401:
                continue  # Who asks comes before what is asked.
            assert answer.status_code == 422 and answer.json()["code"] == "validation", query
            name = "Limit" if query.startswith("Limit") else "colour"
            assert [error["field"] for error in answer.json()["errors"]] == [name], query


@pytest.mark.parametrize("method, path", OPERATIONS, ids=str)
def test_a_known_parameter_is_taken(admin, method, path):
    operation = Document.load().operation(method, path.replace("{id}", ID))[1]
    known = [Document.load().resolve(each) for each in operation.get("parameters", [])]
    for parameter in known:
        if parameter["in"] != "query":
            continue
        kind = parameter["schema"].get("type", "string")
        example = {"integer": "1", "string": "x", "boolean": "true"}[kind]
        answer = admin.send(method, f"{address(path)}?{parameter['name']}={example}")
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["code"] != "unknown"


def test_an_empty_query_is_none(admin):
    admin.get("//health/live?", expect=200)
    admin.get("/users/me?&&", expect=200)


def test_pages_do_not_mind(anonymous):
    for path in ("/docs?utm_source=mail", "/docs/style.css?v=7"):
        assert anonymous.session.get(anonymous.url + path, timeout=10).status_code == 200
