"""Products that change: versions, members, withdrawal; what orders keep of them."""


import concurrent.futures
import uuid

import client
import pytest
from client import moment
from market_server import ROOT


def test_changes_need_the_right_version(admin):
    answer = admin.post("/products", {"name": "Bag", "price": {"amount": 1, "currency": "KRW"}, "stock": 1})
    path, etag = "/products/" + answer.json()["id"], answer.headers["ETag"]
    second = admin.patch(path, {"name": "Bag 2"}, headers={"If-Match": etag}, expect=200)
    assert second.json()["name"] == "Bag 2" and second.json()["updatedAt"] >= answer.json()["updatedAt"]
    admin.patch(path, {"name": "Bag 3"}, headers={"If-Match": etag}, expect=(412, "precondition_failed"))
    for malformed in ("nonsense", '"open', "W/x", '"a" "b"', ""):
        admin.patch(path, {"name": "Bag 3"}, headers={"If-Match": malformed}, expect=(400, "bad_request"))
    assert admin.get(path).json()["name"] == "Bag 2"
    admin.patch(path, {"name": "Bag 4"}, headers={"If-Match": f'"x", {second.headers["ETag"]}'}, expect=200)
    admin.patch(path, {"name": "Bag 5"}, headers={"If-Match": "*"}, expect=200)


def test_no_change_is_made_to_another_version(admin):
    """RFC 9110, 13.1.1: also a withdrawal and a new picture, whose version is the picture's own."""
    product = admin.product()
    path, stale = f"/products/{product['id']}", {"If-Match": '"999.open"'}
    admin.delete(path, headers=stale, expect=(412, "precondition_failed"))
    admin.delete(path, headers={"If-Match": "W/x"}, expect=(400, "bad_request"))
    picture = (ROOT / "src/apps/commands/pictures/bag.jpg").read_bytes()
    kind = {"Content-Type": "application/octet-stream"}
    admin.put(f"{path}/image", data=picture, headers=kind, expect=200)
    shown = admin.get("/" + admin.get(path).json()["imageUrl"], expect=200)
    admin.put(f"{path}/image", data=picture, headers={**kind, **stale}, expect=(412, "precondition_failed"))
    admin.put(f"{path}/image", data=picture, headers={**kind, "If-Match": shown.headers["ETag"]}, expect=200)
    admin.delete(path, headers={"If-Match": admin.get(path).headers["ETag"]}, expect=204)


def test_of_two_changes_of_one_version_one_wins(admin):
    """No lost update (RELIABILITY.md I15)."""
    answer = admin.post("/products", {"name": "Bag", "price": {"amount": 1, "currency": "KRW"}, "stock": 1})
    path = "/products/" + answer.json()["id"]
    for field in ("name", "price"):
        etag = admin.get(path).headers["ETag"]

        def change(number):
            value = f"Bag {number}" if field == "name" else {"amount": 100 + number, "currency": "KRW"}
            caller = client.Client(admin.url, admin.token)
            return caller.patch(path, {field: value}, headers={"If-Match": etag})

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(change, range(8)))
        won = [each for each in answers if each.status_code == 200]
        assert len(won) == 1 and {each.status_code for each in answers} == {200, 412}, field
        assert admin.get(path).json()[field] == won[0].json()[field]


def test_patches_each_member(admin, anonymous):
    product = admin.product()
    path = "/products/" + product["id"]
    for patch in (
        {"name": "New name"},
        {"description": "New text"},
        {"category": "new"},
        {"price": {"amount": 1, "currency": "EUR"}},
        {"kind": "regular"},
        {"sale": {"opensAt": "2031-01-01T00:00:00.000Z", "closesAt": None, "perUserLimit": 9}},
        {"sale": None},
        {},
    ):
        changed = admin.patch(path, patch, expect=200).json()
        for name, value in patch.items():
            shown = changed[name]
            assert (
                (shown and {k: v for k, v in shown.items() if k not in ("state", "paused")}) == value
                if name == "sale"
                else shown == value
            )
        assert anonymous.get(path).json() == changed
    for wrong in (
        {"stock": 5},
        {"id": "x"},
        {"name": None},
        {"price": None},
        {"sellerId": "x"},
        {"version": 1},
        [],
    ):
        admin.patch(path, wrong, expect=(422, "validation"))
    assert anonymous.get(path).json() == changed


def test_an_order_keeps_the_price_of_its_moment(admin, buyer):
    product = admin.product(price={"amount": 700, "currency": "KRW"})
    order = buyer.order(product).json()
    admin.patch("/products/" + product["id"], {"price": {"amount": 900, "currency": "KRW"}}, expect=200)
    assert buyer.get("/orders/" + order["id"]).json()["total"]["amount"] == 700
    assert buyer.order(product).json()["total"]["amount"] == 900


def test_withdrawn_products_are_gone_but_their_orders_stay(admin, anonymous, buyer):
    product = admin.product(name="Soon gone")
    order = buyer.order(product).json()
    path = "/products/" + product["id"]
    admin.delete(path, expect=204)
    for caller in (anonymous, buyer, admin):
        caller.get(path, expect=(404, "product_not_found"))
    anonymous.get(path + "/stock", expect=(404, "product_not_found"))
    assert product["id"] not in [item["id"] for item in anonymous.get("/products?limit=100").json()["items"]]
    buyer.order(product, expect=(404, "product_not_found"))
    admin.delete(path, expect=(404, "product_not_found"))
    admin.patch(path, {"name": "Back"}, expect=(404, "product_not_found"))
    assert buyer.get("/orders/" + order["id"], expect=200).json()["items"][0]["name"] == "Soon gone"
    assert buyer.pay(order).json()["state"] == "paid"
    buyer.post(f"/orders/{order['id']}/cancel", expect=200)
