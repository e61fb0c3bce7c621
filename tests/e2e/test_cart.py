"""Wish list and cart (API.md): live prices, bounds, merging, and one cart's order, all or none."""

import concurrent.futures
import itertools

import pytest
from client import Client, moment, sign_up

pytestmark = pytest.mark.books

HOSTILE = (
    "' OR 1=1 --",
    '{"$gt":""}',
    "<script>alert(1)</script>",
    "\u202eevil",
    "\ud55c\uae00",
    "-1",
    "0" * 13,
    "9" * 64,
    "../../etc/passwd",
)


@pytest.fixture
def fresh(market):
    return sign_up(market.url)


def put(caller, product, quantity=1, expect=200):
    return caller.put(f"/cart/items/{product['id']}", {"quantity": quantity}, expect=expect)


def lines(caller):
    return {item["productId"]: item for item in caller.get("/cart", expect=200).json()["items"]}


def test_a_cart_shows_prices_and_availability_of_now(admin, fresh):
    assert fresh.get("/cart", expect=200).json() == {
        "items": [],
        "total": {"amount": 0, "currency": "KRW"},
        "orderable": False,
    }
    bag = admin.product(name="Bag", kind="regular", sale=None, stock=3)
    cart = put(fresh, bag, 2).json()
    assert cart["total"] == {"amount": 30000, "currency": "KRW"} and cart["orderable"]
    [line] = cart["items"]
    assert (line["name"], line["quantity"], line["available"], line["remaining"]) == ("Bag", 2, True, 3)
    admin.patch(f"/products/{bag['id']}", {"price": {"amount": 100, "currency": "KRW"}}, expect=200)
    assert fresh.get("/cart").json()["total"]["amount"] == 200
    cart = put(fresh, bag, 4).json()
    assert not cart["orderable"] and cart["items"][0]["reason"] == "insufficient_stock"
    assert cart["total"]["amount"] == 0
    admin.delete(f"/products/{bag['id']}", expect=204)
    line = lines(fresh)[bag["id"]]
    assert (line["reason"], line["name"], line["unitPrice"]) == ("product_not_found", "Bag", None)
    fresh.delete(f"/cart/items/{bag['id']}", expect=204)
    fresh.delete(f"/cart/items/{bag['id']}", expect=204)
    assert lines(fresh) == {}


def test_sales_that_are_not_open_say_so(admin, fresh):
    early = admin.product(sale={"opensAt": moment(3600)})
    late = admin.product(sale={"opensAt": moment(-60), "closesAt": moment(-1)})
    limited = admin.product(sale={"opensAt": moment(-60), "perUserLimit": 1})
    none_left = admin.product(stock=0)
    for product, quantity in ((early, 1), (late, 1), (limited, 2), (none_left, 1)):
        put(fresh, product, quantity)
    found = lines(fresh)
    assert found[early["id"]]["reason"] == "sale_not_open" and found[early["id"]]["opensAt"]
    assert found[late["id"]]["reason"] == "sale_closed"
    assert found[limited["id"]]["reason"] == "limit_exceeded"
    assert found[none_left["id"]]["reason"] == "sold_out"


def test_an_unpublished_product_gives_nothing_away(admin, fresh):
    secret = admin.product(name="Surprise", publishAt=moment(3600))
    put(fresh, secret, expect=(404, "product_not_found"))
    fresh.put(f"/wishlist/{secret['id']}", expect=(404, "product_not_found"))
    merged = fresh.post(
        "/cart/merge", {"items": [{"productId": secret["id"], "quantity": 1}]}, expect=200
    ).json()
    assert merged["items"] == [] and merged["leftOut"][0]["reason"] == "product_not_found"
    public = admin.product(name="Was public")
    put(fresh, public)
    fresh.put(f"/wishlist/{public['id']}", expect=204)
    admin.patch(f"/products/{public['id']}", {"publishAt": moment(3600)}, expect=200)
    assert "Was public" not in fresh.get("/cart").text + fresh.get("/wishlist").text


def test_a_carts_order_has_all_or_nothing(admin, fresh):
    bag = admin.product(kind="regular", sale=None, stock=5)
    last = admin.product(stock=1)
    put(fresh, bag, 2)
    put(fresh, last, 1)
    items = [{"productId": i["productId"], "quantity": i["quantity"]} for i in lines(fresh).values()]
    sign_up(fresh.url).order(last)
    fresh.post("/orders", {"items": items}, expect=(409, "sold_out"))
    assert admin.stock(bag)["remaining"] == 5, "nothing is taken for an order that is refused"
    admin.post(f"/products/{last['id']}/stock", {"delta": 1, "reason": "one more"}, expect=200)
    order = fresh.post("/orders", {"items": items}, expect=201).json()
    assert [i["quantity"] for i in order["items"]] == [2, 1]
    assert order["total"]["amount"] == 45000


def test_a_cart_holds_no_units(admin, fresh):
    product = admin.product(stock=2)
    put(fresh, product, 1000)
    assert admin.stock(product)["remaining"] == 2
    sign_up(fresh.url).order(product, 2)
    assert lines(fresh)[product["id"]]["reason"] == "sold_out"


def test_a_cart_and_a_wish_list_are_the_callers_own(admin, fresh, other):
    product = admin.product()
    put(fresh, product)
    fresh.put(f"/wishlist/{product['id']}", expect=204)
    other.delete(f"/cart/items/{product['id']}", expect=204)
    other.delete("/cart", expect=204)
    other.delete(f"/wishlist/{product['id']}", expect=204)
    assert product["id"] in lines(fresh)
    assert len(fresh.get("/wishlist", expect=200).json()["items"]) == 1
    assert product["id"] not in lines(other)
    for path in ("/cart", "/wishlist"):
        Client(fresh.url).get(path, expect=(401, "unauthenticated"))


def test_sixty_puts_at_once_leave_twenty(admin, fresh):
    products = [admin.product() for _ in range(24)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(
                lambda p: Client(fresh.url, fresh.token)
                .put(f"/cart/items/{p['id']}", {"quantity": 1})
                .status_code,
                products,
            )
        )
    assert answers.count(200) == 20 and answers.count(409) == 4
    assert len(lines(fresh)) == 20
    beyond = next(p for p in products if p["id"] not in lines(fresh))
    put(fresh, beyond, expect=(409, "list_full"))
    put(fresh, next(p for p in products if p["id"] in lines(fresh)), 7)


def test_merging_is_the_same_sixty_times(admin, fresh):
    bag, cap = admin.product(), admin.product()
    put(fresh, bag, 3)
    items = [
        {"productId": bag["id"], "quantity": 2},
        {"productId": cap["id"], "quantity": 4},
        {"productId": "0" * 13, "quantity": 1},
    ]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        bodies = list(
            pool.map(
                lambda _: Client(fresh.url, fresh.token)
                .post("/cart/merge", {"items": items}, expect=200)
                .json(),
                range(60),
            )
        )
    assert {p: i["quantity"] for p, i in lines(fresh).items()} == {bag["id"]: 3, cap["id"]: 4}
    assert all(len(body["items"]) == 2 for body in bodies)


@pytest.mark.parametrize(
    "quantity", [0, -1, 1.5, "1", 1001, 1e9, 2**31, 2**63, None, [], {}, True, "' OR 1=1"]
)
def test_wrong_quantities_are_refused(admin, fresh, quantity):
    product = admin.product()
    put(fresh, product, quantity, expect=(422, "validation"))
    item = {"productId": product["id"], "quantity": quantity}
    fresh.post("/cart/merge", {"items": [item]}, expect=(422, "validation"))
    assert lines(fresh) == {}


def test_nothing_else_is_taken_from_a_body(admin, fresh):
    product = admin.product()
    for extra in ("price", "userId", "total", "unitPrice", "__proto__", "' OR 1=1 --"):
        fresh.put(f"/cart/items/{product['id']}", {"quantity": 1, extra: 1}, expect=(422, "validation"))
        fresh.post("/cart/merge", {"items": [], extra: 1}, expect=(422, "validation"))
    fresh.put(f"/wishlist/{product['id']}", {"addedAt": moment()}, expect=(422, "validation"))
    many = [{"productId": product["id"], "quantity": 1}] * 41
    fresh.post("/cart/merge", {"items": many}, expect=(422, "validation"))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_ids(fresh, text):
    from urllib.parse import quote

    name = quote(text, safe="")
    for method in ("PUT", "DELETE"):
        status = fresh.send(method, f"/cart/items/{name}", json={"quantity": 1}).status_code
        assert status in (400, 404, 422) or (method == "DELETE" and status == 204)
        assert fresh.send(method, f"/wishlist/{name}").status_code in (204, 400, 404)
    fresh.post("/cart/merge", {"items": [{"productId": text, "quantity": 1}]}, expect=200)
    assert lines(fresh) == {}


def test_a_wish_list_in_pages(admin, fresh):
    products = [admin.product(name=f"Wish {i}") for i in range(5)]
    for product in products:
        fresh.put(f"/wishlist/{product['id']}", expect=204)
    fresh.put(f"/wishlist/{products[0]['id']}", expect=204)  # Once more: it stays where it is.
    seen, cursor = [], None
    for _ in itertools.repeat(None, 10):
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = fresh.get("/wishlist" + query, expect=200).json()
        seen += [item["product"]["name"] for item in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == [f"Wish {i}" for i in reversed(range(5))]
    admin.delete(f"/products/{products[2]['id']}", expect=204)
    gone = [i for i in fresh.get("/wishlist").json()["items"] if i["productId"] == products[2]["id"]]
    assert gone[0]["product"] is None
    fresh.delete(f"/wishlist/{products[2]['id']}", expect=204)
    assert len(fresh.get("/wishlist").json()["items"]) == 4
    for wrong in ("cursor=x", "cursor=" + "0" * 26, "limit=0", "limit=101", "sort=x"):
        fresh.get("/wishlist?" + wrong, expect=422)


def test_a_cart_outlives_a_restart(start, tmp_path):
    server = start()
    from client import admin

    chief = admin(server.url)
    product = chief.product()
    put(chief, product, 3)
    chief.put(f"/wishlist/{product['id']}", expect=204)
    server.kill()
    again = start(data=server.data)
    chief = Client(again.url, chief.token)
    assert lines(chief)[product["id"]]["quantity"] == 3
    assert chief.get("/wishlist").json()["items"][0]["productId"] == product["id"]


def test_a_cart_names_nothing_that_was_never_public(admin, fresh):
    bag = admin.product(name="Bag", kind="regular", sale=None, stock=3)
    put(fresh, bag)
    admin.patch(f"/products/{bag['id']}", {"publishAt": moment(3600), "name": "Unheard of"}, expect=200)
    assert lines(fresh)[bag["id"]]["name"] is None
    admin.delete(f"/products/{bag['id']}", expect=204)
    line = lines(fresh)[bag["id"]]
    assert (line["reason"], line["name"]) == ("product_not_found", None)
