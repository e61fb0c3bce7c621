"""Every operation with a JSON body, taken from the document: what each must refuse alike."""

import pathlib
import re

import pytest
from openapi_check import Document

ROOT = pathlib.Path(__file__).resolve().parents[2]

WITH_BODY = sorted(
    (method, path)
    for method, path in Document.load().operations()
    if path != "/api/v1/payments/notices"  # Where Stripe is used alone; tests/e2e/test_stripe.py.
    and "application/json"
    in Document.load().spec["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
)


def test_generators_understand_the_document():
    """7.10's Java and TypeScript break at `oneOf` with null, and at values without a type."""

    def parts(node, path):
        yield node, path
        below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, each in below:
            yield from parts(each, f"{path}/{key}")

    for node, path in parts(Document.load().spec, ""):
        if not isinstance(node, dict) or path.endswith("/properties"):
            continue
        for choice in ("oneOf", "anyOf"):
            assert not any(each.get("type") == "null" for each in node.get(choice, ())), path
        assert "type" in node or not {"const", "enum"} & node.keys(), path
        if "/schemas/" in path and "/examples" not in path:  # A comma in a text without quotes makes a key.
            assert not [key for key, value in node.items() if value is None and key != "default"], path


@pytest.fixture
def send(admin, buyer):
    """send(method, path, data=…): as a caller who may, on a resource of this caller."""

    def as_one_who_may(method, path, **more):
        selling = any(part in path for part in ("/products", "/seller/", "/admin/", "/users/{id}"))
        if "{id}" in path:
            product = admin.product()
            if "/webhooks/" in path:
                kind = path.split("/webhooks/")[0].rsplit("/", 1)[1]
                made = admin.get(f"/{kind}/webhooks").json()["items"]
                wanted = {"url": "https://nobody.invalid/"}
                product = made[0] if made else admin.post(f"/{kind}/webhooks", wanted, expect=201).json()
            own = product if selling else buyer.order(product).json()
            path = path.replace("{id}", own["id"])
        return (admin if selling else buyer).send(method, "/" + path, **more)

    return as_one_who_may


@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_bodies_are_read_alike(send, method, path):
    for broken in (b"", b"{", b"[1,]", b'{"a":1,"a":1}', b"\xff"):
        send(method, path, data=broken, expect=(400, "invalid_json"))
    for wrong in (b"[]", b"null", b'"x"', b"7", b'{"surely_unknown":1}'):
        send(method, path, data=wrong, expect=(422, "validation"))
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"):
        send(method, path, data=b"{}", headers={"Content-Type": kind}, expect=415)
    send(method, path, data=b"{" + b" " * 1024 * 1024 + b"}", expect=(413, "payload_too_large"))


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "unknown=1", "limit=1&limit=1"])
def test_lists_refuse_wrong_queries(buyer, query):
    for path in ("/products", "/orders"):
        buyer.get(f"{path}?{query}", expect=(422, "validation"))


def test_every_list_has_pages(admin):
    """API.md: lists answer `items` and `nextCursor`, and take `limit` and `cursor`; also short ones."""
    spec = Document.load().spec
    listed = []
    for path, operations in spec["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        if "nextCursor" not in spec["components"]["schemas"].get(name, {}).get("properties", {}):
            continue
        if path.startswith("/dev/"):
            continue  # The newest mails of a demonstration.
        listed.append(path)
        taken = {each.get("$ref", "").rsplit("/", 1)[-1] for each in operations["get"].get("parameters", ())}
        assert {"Limit", "Cursor"} <= taken, path
        assert len(admin.get(f"/{path}?limit=1", expect=200).json()["items"]) <= 1, path
        for wrong in ("limit=0", "limit=101", "cursor=", "cursor=x"):
            admin.get(f"/{path}?{wrong}", expect=(422, "validation"))
    assert {"/api/v1/categories", "/api/v1/seller/products", "/api/v1/seller/webhooks"} < set(listed)


def test_every_code_is_listed_with_its_meaning():
    """Of the server's one table, and of the document's own answers; with sentences for buyers."""
    table = {}
    for line in Document.load().spec["info"]["description"].splitlines():
        row = re.fullmatch(r"\| `([a-z_]+)` \| (.+) \| (.+) \| (.+) \|", line)
        if row:
            table[row[1]] = row.groups()[1:]
    source = (ROOT / "src/http/message/problem.cpp").read_text()
    known = set(re.findall(r'\{Status::\w+, "([a-z_]+)"', source)) | {"service_unavailable"}
    assert set(table) == known
    sentences = (ROOT / "src/http/message/problem_sentence.cpp").read_text()
    spoken = {row[0]: row[1:] for row in re.findall(r'\{"([a-z_]+)",\s+"(.+?)",\s+"(.+?)"\}', sentences)}
    assert spoken == {code: texts[1:] for code, texts in table.items()}
    for code, (meaning, korean, english) in table.items():
        assert re.search("[가-힣]", korean) and meaning and english, code
    document = (ROOT / "api/openapi.yaml").read_text()
    named = set(re.findall(r"code: \{(?:const|enum): \[?([a-z_, ]+)", document))
    for code in {each.strip() for names in named for each in names.split(",")}:
        assert code in table, code


def test_buyers_are_told_in_their_language(anonymous):
    for wanted, sentence in (
        ("ko-KR,ko;q=0.9,en;q=0.5", "상품을 찾을 수 없습니다"),
        ("en-US,ko;q=0.3", "This product is not available"),
        (None, "This product is not available"),
        ("xx, *;q=0.1", "This product is not available"),
        (";;;,,,=", "This product is not available"),
    ):
        headers = {"Accept-Language": wanted} if wanted else {}
        answer = anonymous.get("/products/" + "0" * 13, headers=headers, expect=(404, "product_not_found"))
        assert answer.json()["message"] == sentence
    refused = (("PUT", "/products", 405), ("GET", "//nowhere", 404), ("GET", "/products?x=1", 422))
    for method, path, status in refused:
        answer = anonymous.send(method, path, headers={"Accept-Language": "ko"}, expect=status)
        assert re.search("[가-힣]", answer.json()["message"])


def test_every_route_of_the_sources_is_in_the_document():
    """Also those that a server has in a demonstration or with a payment provider alone."""
    known = Document.load().operations()
    methods = {"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "del": "DELETE"}
    added = re.compile(r'(?:routes|router)\.add\(\s*(?:http::)?Method::(\w+),\s*(?:base \+ )?"([^"]+)"')
    found = set()
    for path in (ROOT / "src/services").rglob("*.cpp"):
        if path.name.endswith("_test.cpp") or "registry" in path.parts:
            continue  # The registry has a document of its own.
        found |= {(methods[method], route) for method, route in added.findall(path.read_text())}
    assert len(found) > 60, found
    # For people; their data is in the document.
    pages = {("GET", "/"), ("GET", "/docs/"), ("GET", "/problems/{code}")}
    for method, route in sorted(found - pages):
        pattern = re.compile("(.*)" + re.sub(r"\\\{\w+\\\}", r"\\{\\w+\\}", re.escape(route)))
        named = [path for each, path in known if each == method and pattern.fullmatch(path)]
        assert named, f"{method} {route} is not in api/openapi.yaml"
