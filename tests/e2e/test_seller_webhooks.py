"""Webhooks of sellers: told of their own lines alone, and nobody else's to use."""

import sqlite3
import time

import client
import pytest
from market_server import run
from waiting import until
from webhook_receiver import Receiver


@pytest.fixture
def shop(start):
    server = start("webhooks.private_networks=127.0.0.0/8", "webhooks.retry_after=100ms")
    admin = client.admin(server.url)
    admin.server = server
    return admin


def seller_of(shop):
    caller = client.sign_up(shop.url)
    shop.patch(f"/users/{caller.user['id']}", {"role": "seller"}, expect=200)
    return client.sign_in(shop.url, caller.user["email"], client.PASSWORD)


def register_own(seller, receiver, **members):
    made = seller.post("/seller/webhooks", {"url": receiver.url, **members}, expect=201).json()
    receiver.secret = made["secret"]
    return made


def test_a_seller_hears_of_the_own_products_alone(shop, receiver):
    mine, theirs = seller_of(shop), seller_of(shop)
    with Receiver() as other:
        webhook = register_own(mine, receiver)
        register_own(theirs, other)
        assert webhook["sellerId"] == mine.user["id"]
        bag, cap = mine.product(name="Bag '<&"), theirs.product(name="Cap")
        buyer = client.sign_up(shop.url)
        alone = buyer.order(bag).json()
        buyer.pay(alone)
        items = [{"productId": bag["id"], "quantity": 2}, {"productId": cap["id"], "quantity": 3}]
        both = buyer.post("/orders", {"items": items}, expect=201).json()
        until(lambda: receiver.kinds(both["id"]) and other.kinds(both["id"]))
        until(lambda: receiver.kinds(alone["id"]) == ["order.accepted", "order.paid"])
        assert other.kinds(alone["id"]) == [] and other.bad_signatures == receiver.bad_signatures == 0
        [of_mine] = [e for e in receiver.taken if e["data"]["order"]["id"] == both["id"]]
        [of_theirs] = [e for e in other.taken if e["data"]["order"]["id"] == both["id"]]
        for event, product, quantity in ((of_mine, bag, 2), (of_theirs, cap, 3)):
            assert set(event["data"]) == {"order"}, "not whose it is"
            order = event["data"]["order"]
            assert [(i["productId"], i["quantity"]) for i in order["items"]] == [(product["id"], quantity)]
            assert order["total"]["amount"] == 15000 * quantity
        for text, foreign in ((str(receiver.taken), cap), (str(other.taken), bag)):
            assert foreign["id"] not in text and foreign["name"] not in text
            assert buyer.user["id"] not in text and buyer.user["email"] not in text


def test_another_sellers_webhook_is_not_there(shop, receiver):
    mine, theirs = seller_of(shop), seller_of(shop)
    webhook = register_own(mine, receiver)
    client.sign_up(shop.url).order(mine.product())
    [delivery] = until(lambda: mine.get("/seller/webhook-deliveries").json()["items"])
    assert theirs.get("/seller/webhooks").json()["items"] == []
    assert theirs.get("/seller/webhook-deliveries").json()["items"] == []
    of_mine = {"webhookId": webhook["id"]}
    assert theirs.get("/seller/webhook-deliveries", params=of_mine).json()["items"] == []
    path = f"/seller/webhooks/{webhook['id']}"
    theirs.get(path, expect=(404, "not_found"))
    theirs.patch(path, {"url": "https://thief.example/"}, expect=(404, "not_found"))
    theirs.post(path + "/secret", expect=(404, "not_found"))
    theirs.delete(path, expect=(404, "not_found"))
    theirs.post(f"/seller/webhook-deliveries/{delivery['id']}/replay", expect=(404, "not_found"))
    # Nor may a seller use the operators' doors; they see all, and whose each is.
    for method, where in (("GET", "/admin/webhooks"), ("GET", f"/admin/webhooks/{webhook['id']}")):
        mine.send(method, where, expect=(403, "forbidden"))
    seen = shop.get("/admin/webhooks", expect=200).json()["items"]
    assert [each["sellerId"] for each in seen] == [mine.user["id"]]
    assert shop.get("/seller/webhooks", expect=200).json()["items"] == []
    assert mine.get(path, expect=200).json()["url"] == receiver.url
    mine.delete(path, expect=204)


def test_sellers_have_room_for_five_each_and_take_none_from_others(shop, receiver):
    mine, theirs = seller_of(shop), seller_of(shop)
    for number in range(5):
        mine.post("/seller/webhooks", {"url": f"{receiver.url}/{number}"}, expect=201)
    mine.post("/seller/webhooks", {"url": receiver.url}, expect=(409, "list_full"))
    seen, cursor = [], None
    while not seen or cursor:
        page = mine.get("/seller/webhooks", params={"limit": 2, "cursor": cursor}, expect=200).json()
        seen, cursor = seen + page["items"], page["nextCursor"]
    assert [each["url"][-1] for each in seen] == ["0", "1", "2", "3", "4"]
    theirs.post("/seller/webhooks", {"url": receiver.url}, expect=201)
    shop.post("/admin/webhooks", {"url": receiver.url}, expect=201)
    for url in ("http://169.254.169.254/", "https://[::1]/", "ftp://x/", "//x", "javascript:alert(1)"):
        theirs.post("/seller/webhooks", {"url": url}, expect=(422, "validation"))
    body = {"url": receiver.url, "sellerId": mine.user["id"]}
    theirs.post("/seller/webhooks", body, expect=(422, "validation"))


def test_who_is_no_seller_any_more_is_told_nothing(shop, receiver):
    mine = seller_of(shop)
    register_own(mine, receiver)
    product, buyer = mine.product(), client.sign_up(shop.url)
    buyer.order(product)
    until(lambda: len(receiver.taken) == 1)
    shop.patch(f"/users/{mine.user['id']}", {"role": "customer"}, expect=200)
    until(lambda: mine.get("/seller/webhooks").status_code in (401, 403))
    buyer.order(product)
    time.sleep(1.5)
    assert len(receiver.taken) == 1


def test_a_sellers_account_ends_with_its_webhooks(shop, receiver):
    mine = seller_of(shop)
    register_own(mine, receiver)
    mine.send("DELETE", "/users/me", json={"password": client.PASSWORD}, expect=204)
    assert shop.get("/admin/webhooks").json()["items"] == []
    assert shop.server.stop() == 0
    checked = run("check", "--data", shop.server.data)
    assert checked.returncode == 0, checked.stdout


def test_a_webhook_that_was_given_to_another_past_the_market_is_told_nothing(shop, receiver):
    mine, theirs = seller_of(shop), seller_of(shop)
    webhook = register_own(mine, receiver)
    product = theirs.product()
    assert shop.server.stop() == 0
    with sqlite3.connect(shop.server.data / "main.db") as sql:
        owner = sql.execute("SELECT id FROM accounts ORDER BY id DESC LIMIT 1").fetchone()
        assert sql.execute("UPDATE webhooks SET owner_id = ?", owner).rowcount == 1, webhook
    checked = run("check", "--data", shop.server.data)
    assert checked.returncode == 1 and "no webhook was given to another" in checked.stdout
    shop.server.start()
    client.sign_up(shop.url).order(product)
    time.sleep(1.5)
    assert receiver.taken == []
