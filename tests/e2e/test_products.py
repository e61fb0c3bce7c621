"""The catalogue: creating, reading, listing, changing; versions; stock."""

import concurrent.futures
import uuid

import client
import pytest
from client import moment


@pytest.fixture(scope="module")
def shelf(admin):
    """Five products of a category of their own."""
    category = "shelf-" + uuid.uuid4().hex[:8]
    prices = [500, 100, 300, 100, 200]
    return category, [
        admin.product(
            name=f"Thing {number} {'Blue' if number % 2 else 'red'}",
            description=f"made for {category}, 한글 {number}",
            category=category,
            price={"amount": price, "currency": "KRW"},
            kind="event" if number % 2 else "regular",
            sale={"opensAt": moment(-100 * number)} if number % 2 else None,
        )
        for number, price in enumerate(prices)
    ]


def names(answer):
    return [item["name"].split()[1] for item in answer.json()["items"]]


def test_creates_with_all_members(admin, anonymous):
    wanted = {
        "name": "Concert <script>alert(1)</script>",
        "description": "line one\nline two",
        "category": "music",
        "price": {"amount": 15000, "currency": "KRW"},
        "stock": 7,
        "kind": "event",
        "sale": {"opensAt": "2030-01-01T19:00:00.500+09:00", "closesAt": moment(10**9), "perUserLimit": 2},
    }
    answer = admin.post("/products", wanted, expect=201)
    product = answer.json()
    assert answer.headers["Location"] == "/api/v1/products/" + product["id"]
    assert product["name"] == wanted["name"] and product["description"] == wanted["description"]
    assert product["price"] == wanted["price"] and product["stock"] == {"remaining": 7, "capacity": 7}
    assert product["sale"] == {
        "opensAt": "2030-01-01T10:00:00.500Z",
        "closesAt": wanted["sale"]["closesAt"],
        "perUserLimit": 2,
        "paused": False,
        "state": "scheduled",
    }
    assert product["sellerId"] == admin.user["id"] and product["imageUrl"] is None
    read = anonymous.get("/products/" + product["id"], expect=200)
    assert read.json() == product and read.headers["ETag"] == answer.headers["ETag"]


def test_creates_with_what_is_needed_only(admin):
    answer = admin.post(
        "/products", {"name": "Bag", "price": {"amount": 0, "currency": "USD"}, "stock": 0}, expect=201
    )
    product = answer.json()
    assert (product["kind"], product["sale"], product["category"], product["description"]) == (
        "regular",
        None,
        "",
        "",
    )


@pytest.mark.parametrize(
    ("opens", "closes", "stock", "state"),
    [(-60, None, 5, "open"), (60, None, 5, "scheduled"), (-60, -30, 5, "closed"), (-60, 60, 0, "sold_out")],
)
def test_states_of_a_sale(admin, opens, closes, stock, state):
    sale = {"opensAt": moment(opens), "closesAt": closes and moment(closes)}
    product = admin.product(stock=stock, sale=sale)
    assert product["sale"]["state"] == state and admin.stock(product)["saleState"] == state


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("name", "n" * 201),
        ("name", 5),
        ("name", "a\u0007b"),
        ("name", "\u202e\u200b\u2066"),
        ("description", "d" * 10001),
        ("category", "c" * 101),
        ("category", ["a"]),
        ("stock", -1),
        ("stock", 1.5),
        ("stock", "5"),
        ("stock", 10**9 + 1),
        ("stock", 2**63),
        ("stock", None),
        ("kind", "auction"),
        ("kind", 1),
        ("price", None),
        ("price", 100),
        ("price.amount", -1),
        ("price.amount", 1.5),
        ("price.amount", 10**12 + 1),
        ("price.currency", "won"),
        ("price.currency", "KRWX"),
        ("price.currency", "ZZZ"),
        ("price.currency", None),
        ("price.tax", 1),
        ("sale", "now"),
        ("sale.opensAt", None),
        ("sale.opensAt", "tomorrow"),
        ("sale.opensAt", 5),
        ("sale.opensAt", "2030-02-30T00:00:00Z"),
        ("sale.opensAt", "2030-01-01"),
        ("sale.closesAt", "2000-01-01T00:00:00Z"),
        ("sale.closesAt", "x"),
        ("sale.perUserLimit", 0),
        ("sale.perUserLimit", -1),
        ("sale.perUserLimit", 1.5),
        ("sale.perUserLimit", "2"),
        ("sale.state", "open"),
        ("id", "mine"),
        ("sellerId", "x"),
        ("createdAt", "2000-01-01T00:00:00.000Z"),
        ("imageUrl", "http://x"),
        ("remaining", 5),
    ],
)
def test_wrong_members_are_named(admin, field, value):
    body = {
        "name": "Bag",
        "price": {"amount": 1, "currency": "KRW"},
        "stock": 1,
        "sale": {"opensAt": moment(-1)},
    }
    part, _, leaf = field.rpartition(".")
    (body[part] if part else body)[leaf] = value
    errors = admin.post("/products", body, expect=(422, "validation")).json()["errors"]
    assert {error["field"] for error in errors} & {field, part}, errors


def test_unknown_products(anonymous, admin):
    for identity in ("0" * 13, "nothing", "x" * 200, "%00", "..%2f..", "' OR 1=1", "한글"):
        for path in ("", "/stock", "/stock/stream"):
            assert anonymous.get(f"/products/{identity}{path}", expect=404).json()["code"] in (
                "product_not_found",
                "not_found",
            )
    # A blank is part of the name (RFC 3986), so that these name nothing either.
    known = admin.product()["id"]
    anonymous.get(f"/products/{known}", expect=200)
    blank = ("/{}%20", "/%20{}", "%20/{}", "/{}/stock%20", "/{}%2520", "%20")
    for path in (each.format(known) for each in blank):
        anonymous.get("/products" + path, expect=404)
    admin.patch("/products/" + "0" * 13, {"name": "x"}, expect=(404, "product_not_found"))
    admin.delete("/products/" + "0" * 13, expect=(404, "product_not_found"))
    admin.post(
        "/products/" + "0" * 13 + "/stock", {"delta": 1, "reason": "x"}, expect=(404, "product_not_found")
    )


def test_lists_newest_first(anonymous, shelf):
    category, _ = shelf
    assert names(anonymous.get("/products?category=" + category, expect=200)) == list("43210")
    newest = anonymous.get("/products?limit=1", expect=200).json()
    assert len(newest["items"]) == 1 and newest["nextCursor"]


def test_sorts(anonymous, shelf):
    category, _ = shelf
    for order, wanted in (("newest", "43210"), ("price", "31420"), ("-price", "02431"), ("opening", "42031")):
        found = names(anonymous.get(f"/products?category={category}&sort={order}", expect=200))
        if order == "opening":  # What has no sale is always open, and comes first.
            assert found[:3] == list("420") and found[3:] == list("31")
        else:
            assert found == list(wanted), order


def test_filters_and_searches(anonymous, shelf):
    category, products = shelf
    base = f"/products?category={category}"
    assert names(anonymous.get(base + "&kind=event")) == list("31")
    assert names(anonymous.get(base + "&kind=regular")) == list("420")
    assert names(anonymous.get(base + "&search=BLUE")) == list("31")
    assert names(anonymous.get(f"/products?search={category}")) == list("43210")
    assert names(anonymous.get(base + "&search=%ED%95%9C%EA%B8%80%203")) == ["3"]
    assert names(anonymous.get(base + "&search=Thing+2")) == ["2"]
    for nothing in ("%25", "_", "' OR 1=1 --", "*", "nothing like that"):
        assert names(anonymous.get(base + "&search=" + nothing)) == [], nothing
    assert names(anonymous.get("/products?category=no-such-category")) == []


@pytest.mark.parametrize("order", ["newest", "price", "-price", "opening"])
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_show_everything_once(anonymous, shelf, order, limit):
    category, _ = shelf
    query = f"/products?category={category}&sort={order}"
    whole, seen, cursor, pages = names(anonymous.get(query)), [], "", 0
    while cursor is not None:
        page = anonymous.get(f"{query}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""), expect=200)
        seen += names(page)
        cursor = page.json()["nextCursor"]
        pages += 1
    assert seen == whole and pages == -(-5 // limit)


def test_pages_of_the_whole_catalogue(anonymous, shelf):
    seen, cursor = [], ""
    while cursor is not None:
        page = anonymous.get("/products?limit=7" + (f"&cursor={cursor}" if cursor else ""), expect=200).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert len(set(seen)) == len(seen) and {product["id"] for product in shelf[1]} <= set(seen)


def test_wrong_queries_are_refused(anonymous):
    for query, field in (
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1.0", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=", "limit"),
        ("sort=name", "sort"),
        ("sort=price;DROP TABLE", "sort"),
        ("kind=all", "kind"),
        ("cursor=!", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=" + "A" * 600, "cursor"),
        ("limit=1&limit=2", "limit"),
        ("search=" + "s" * 801, "search"),
        ("category=" + "c" * 401, "category"),
        ("search=%00", "search"),
        ("search=%ff", "search"),
        ("colour=red", "colour"),
        ("limit=1&%3Cb%3E=1", "?"),
    ):
        answer = anonymous.get("/products?" + query)
        assert answer.status_code in (400, 422), f"{query}: {answer.status_code}"
        if answer.status_code == 422:
            assert answer.json()["errors"][0]["field"] == field


def test_a_version_that_is_known_is_not_sent_again(admin, anonymous, buyer):
    product = admin.product(stock=5)
    path = "/products/" + product["id"]
    etag = anonymous.get(path, expect=200).headers["ETag"]
    for value in (etag, "*", f'"x", {etag}', "W/" + etag):
        answer = anonymous.get(path, headers={"If-None-Match": value}, expect=304)
        assert answer.content == b"" and answer.headers["ETag"] == etag
    for value in ('"x"', "x", ""):
        anonymous.get(path, headers={"If-None-Match": value}, expect=200)
    # The tag is that of all but the live numbers.
    buyer.order(product)
    assert anonymous.get(path).headers["ETag"] == etag
    changed = admin.patch(path, {"price": {"amount": 1, "currency": "KRW"}}, expect=200)
    assert changed.headers["ETag"] != etag
    anonymous.get(path, headers={"If-None-Match": etag}, expect=200)


def test_what_is_not_published_is_there_for_its_seller_alone(admin, anonymous, buyer):
    product = admin.product(name="Secret", category="secret", publishAt=moment(3600))
    path = "/products/" + product["id"]
    for caller in (anonymous, buyer):
        caller.get(path, expect=(404, "product_not_found"))
        caller.get(path + "/stock", expect=(404, "product_not_found"))
        assert caller.get("/products?category=secret", expect=200).json()["items"] == []
    buyer.order(product, expect=(404, "product_not_found"))
    assert admin.get(path, expect=200).json() == product
    for query in ("category=secret", "search=secret&category=secret", "category=secret&sort=price"):
        listed = admin.get("/products?" + query, expect=200).json()["items"]
        assert [each["id"] for each in listed] == [product["id"]], "administrators and its seller see it"
    assert product["id"] in [each["id"] for each in admin.get("/products?limit=1").json()["items"]]
    assert product["id"] not in [each["id"] for each in buyer.get("/products?limit=100").json()["items"]]
    admin.patch(path, {"publishAt": None}, expect=200)
    assert anonymous.get(path, expect=200).json()["name"] == "Secret"
    assert len(anonymous.get("/products?category=secret").json()["items"]) == 1
    buyer.order(product)


def test_an_event_has_a_sale(admin):
    wanted = {"name": "Bag", "price": {"amount": 1.0, "currency": "KRW"}, "stock": 1, "kind": "event"}
    assert admin.post("/products", wanted, expect=422).json()["errors"][0]["field"] == "sale"
    path = "/products/" + admin.post("/products", {**wanted, "kind": "regular"}, expect=201).json()["id"]
    assert admin.patch(path, {"kind": "event"}, expect=422).json()["errors"][0]["field"] == "sale"
    admin.patch(path, {"kind": "event", "sale": {"opensAt": moment(-1)}}, expect=200)
    admin.patch(path, {"sale": None}, expect=422)


def test_a_repeated_create_and_adjustment_happen_once(admin):
    key = {"Idempotency-Key": "create-" + moment(0)}
    wanted = {"name": "Bag", "price": {"amount": 1, "currency": "KRW"}, "stock": 1}
    first = admin.post("/products", wanted, headers=key, expect=201)
    again = admin.post("/products", wanted, headers=key, expect=201)
    assert again.json() == first.json() and again.headers["Idempotency-Replayed"] == "true"
    admin.post("/products", {**wanted, "stock": 2}, headers=key, expect=(422, "idempotency_mismatch"))
    path, more = f"/products/{first.json()['id']}/stock", {"delta": 2, "reason": "delivery"}
    admin.post(path, more, headers=key, expect=(422, "idempotency_mismatch"))
    for _ in range(2):
        answer = admin.post(path, more, headers={"Idempotency-Key": "stock-" + moment(0)[:4]}, expect=200)
        assert answer.json()["remaining"] == 3


def test_a_cursor_belongs_to_its_list(admin, anonymous):
    for _ in range(2):
        admin.product(category="paged")
    cursor = anonymous.get("/products?category=paged&limit=1").json()["nextCursor"]
    anonymous.get(f"/products?category=paged&cursor={cursor}", expect=200)
    for query in ("", "category=paged&sort=price&", "category=page&"):
        answer = anonymous.get(f"/products?{query}cursor={cursor}", expect=422)
        assert answer.json()["errors"][0]["field"] == "cursor"


def test_adjusts_stock(admin, buyer):
    product = admin.product(stock=5)
    path = f"/products/{product['id']}/stock"
    buyer.order(product, 2)
    more = admin.post(path, {"delta": 10, "reason": "second delivery"}, expect=200).json()
    assert (more["remaining"], more["capacity"]) == (13, 15)
    less = admin.post(path, {"delta": -13, "reason": "lost"}, expect=200).json()
    assert (less["remaining"], less["capacity"], less["saleState"]) == (0, 2, "sold_out")
    assert admin.stock(product) | {"asOf": ""} == less | {"asOf": ""}
    admin.post(path, {"delta": -1, "reason": "more lost"}, expect=(409, "insufficient_stock"))
    assert admin.post(path, {"delta": 1, "reason": "found"}, expect=200).json()["saleState"] == "open"
    for wrong in (
        {"delta": 1.5, "reason": "x"},
        {"delta": "1", "reason": "x"},
        {"delta": 10**9 + 1, "reason": "x"},
        {"delta": 1},
        {"reason": "x"},
        {"delta": 1, "reason": ""},
        {"delta": 1, "reason": "x" * 201},
        {"delta": 1, "reason": "x", "remaining": 100},
        {"delta": None, "reason": "x"},
        [],
    ):
        admin.post(path, wrong, expect=(422, "validation"))
    assert admin.stock(product)["remaining"] == 1


def test_stock_has_an_upper_bound(admin):
    product = admin.product(stock=10**9)
    answer = admin.post(f"/products/{product['id']}/stock", {"delta": 10**9, "reason": "too much"})
    assert answer.status_code in (409, 422), answer.text
    assert admin.stock(product)["capacity"] == 10**9


def test_products_survive_a_restart(start):
    first = start()
    seller = client.admin(first.url)
    product = seller.product(
        name="Lasting", description="한글", category="c", sale={"opensAt": moment(99), "perUserLimit": 3}
    )
    gone = seller.product()
    seller.delete("/products/" + gone["id"], expect=204)
    seller.post(f"/products/{product['id']}/stock", {"delta": 5, "reason": "more"}, expect=200)
    before = seller.get("/products/" + product["id"])
    assert first.stop() == 0
    second = start(data=first.data)
    after = client.Client(second.url).get("/products/" + product["id"], expect=200)
    assert after.json() == before.json() and after.headers["ETag"] == before.headers["ETag"]
    assert after.json()["stock"] == {"remaining": 15, "capacity": 15}
    client.Client(second.url).get("/products/" + gone["id"], expect=404)
