"""One rule for parameters of the query that an operation does not know: 422, and their name."""

import pytest
from client import sign_up
from openapi_check import Document
from waiting import until

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


def test_a_cursor_belongs_to_its_list_and_filters(admin, buyer):
    """Also of operators' lists: a page of other rows would look like the end of them."""
    for _ in range(2):
        product = admin.product(stock=9)
        sign_up(admin.url)
    for _ in range(3):
        buyer.order(product)
    cursors = {}
    for path in ("/orders?state=accepted", "/admin/orders?state=accepted", "/admin/users?role=customer",
                 "/admin/audit?", "/products?"):
        caller = buyer if path.startswith("/orders") else admin
        first = f"{path}&limit=1"
        until(lambda: caller.get(first, expect=200).json()["nextCursor"], 10, path)  # Records come behind.
        cursors[path] = caller.get(first).json()["nextCursor"]
        caller.get(f"{path}&limit=2&cursor={cursors[path]}", expect=200)
    others = {"/orders": buyer, "/orders?state=paid": buyer, "/admin/orders": admin,
              "/admin/orders?state=paid": admin, "/admin/users": admin, "/admin/users?role=seller": admin,
              "/admin/mails": admin, "/sessions": buyer, "/wishlist": buyer,
              "/admin/webhooks/deliveries": admin}
    for path, caller in others.items():
        joint = "&" if "?" in path else "?"
        for cursor in cursors.values():
            answer = caller.get(f"{path}{joint}cursor={cursor}")
            if answer.status_code != 404:
                assert (answer.status_code, answer.json()["code"]) == (422, "validation"), (path, answer.text)


def test_prices_of_several_currencies_come_one_behind_the_other(admin, anonymous):
    """A seller whose prices are in dollars takes nobody's order by price away."""
    category = "foreign-" + ID.lower()
    for price in ((300, "KRW"), (20, "USD"), (100, "KRW"), (5, "EUR"), (7, "USD")):
        admin.product(category=category, price=dict(zip(("amount", "currency"), price, strict=True)))
    for sort, amounts in (("price", [5, 100, 300, 7, 20]), ("-price", [5, 300, 100, 20, 7])):
        path, seen, cursor = f"/products?category={category}&sort={sort}&limit=2", [], ""
        while cursor is not None:
            page = anonymous.get(f"{path}&cursor={cursor}" if cursor else path, expect=200).json()
            seen += [each["price"]["amount"] for each in page["items"]]
            cursor = page["nextCursor"]
        assert seen == amounts
        ordered = sorted((100, 300), reverse=sort.startswith("-"))
        for currency, amount in (("KRW", ordered), ("EUR", [5])):
            query = f"/products?category={category}&sort={sort}&currency={currency}"
            found = anonymous.get(query, expect=200).json()["items"]
            assert [each["price"]["amount"] for each in found] == amount
    for wrong in ("krw", "XXX", "KR", "'"):
        anonymous.get(f"/products?currency={wrong}", expect=(422, "validation"))
