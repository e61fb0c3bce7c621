"""A forgotten password, a copy of everything, and the end of an account."""

import re

import client
import mail_server
import pytest
from client import PASSWORD, Client, new_email
from test_users import mails_to
from waiting import until

NEW_PASSWORD = "violet tractor 77 moss"


def reset_codes(email):
    found = [re.search(r"new password is ([2-9A-Z]{10})", mail) for mail in mails_to(email)]
    return [each.group(1) for each in found if each]


def test_a_forgotten_password(market, anonymous):
    email = new_email()
    caller = client.sign_up(market.url, email)
    anonymous.post("/users/password/forgotten", {"email": email.upper()}, expect=202)
    [code] = until(lambda: reset_codes(email))
    body = {"email": email, "code": code, "newPassword": NEW_PASSWORD}
    anonymous.put("/users/password", {**body, "code": "2222222222"}, expect=(400, "invalid_code"))
    anonymous.put("/users/password", {**body, "newPassword": "password12"}, expect=(422, "validation"))
    anonymous.put("/users/password", {**body, "email": new_email()}, expect=(400, "invalid_code"))
    anonymous.put("/users/password", {**body, "code": code.lower()}, expect=204)
    anonymous.put("/users/password", body, expect=(400, "invalid_code"))
    until(lambda: caller.get("/users/me").status_code == 401)
    credentials = {"email": email, "password": PASSWORD}
    anonymous.post("/sessions", credentials, expect=(401, "invalid_credentials"))
    client.sign_in(market.url, email, NEW_PASSWORD)


def test_nobody_learns_who_has_an_account(market, anonymous, buyer):
    known = anonymous.post("/users/password/forgotten", {"email": buyer.user["email"]}, expect=202)
    unknown = anonymous.post("/users/password/forgotten", {"email": new_email()}, expect=202)
    assert known.text == unknown.text == ""
    for wrong in ({}, {"email": "x"}, {"email": 1}, {"email": new_email(), "admin": True}):
        anonymous.post("/users/password/forgotten", wrong, expect=(422, "validation"))


def test_a_strangers_guesses_and_mails_lock_no_owner_out(start):
    """Of a code of 50 bits: five tries, or a mail that somebody else asked for, must not void it."""
    server = start(*mail_server.shared().settings)
    email = new_email()
    client.sign_up(server.url, email)
    anybody = Client(server.url)
    anybody.post("/users/password/forgotten", {"email": email}, expect=202)
    [code] = until(lambda: reset_codes(email))
    body = {"email": email, "newPassword": NEW_PASSWORD}
    for guess in range(8):
        wrong = {**body, "code": f"AAAAAAAAA{guess + 2}"}
        anybody.put("/users/password", wrong, expect=(400, "invalid_code"))
    anybody.post("/users/password/forgotten", {"email": email}, expect=202)
    newer = until(lambda: [each for each in reset_codes(email) if each != code])
    anybody.put("/users/password", {**body, "code": code}, expect=204)
    client.sign_in(server.url, email, NEW_PASSWORD)
    anybody.put("/users/password", {**body, "code": newer[0]}, expect=(400, "invalid_code"))


def test_a_code_is_not_guessed(start):
    """Whoever guesses is held up by the own address."""
    anybody = Client(start(limits=True).url)
    body = {"email": new_email(), "newPassword": NEW_PASSWORD, "code": "AAAAAAAAAA"}
    told = [anybody.put("/users/password", body).status_code for _ in range(25)]
    assert told[:20] == [400] * 20 and told[-1] == 429, told


def test_weak_passwords_are_judged_so_often_only(start):
    """To judge one is work of an I/O thread, and anybody may send them."""
    anybody = Client(start(limits=True).url)
    digits = {"newPassword": "12" * 32, "email": new_email(), "code": "AAAAAAAAAA"}
    told = [anybody.put("/users/password", digits).status_code for _ in range(25)]
    assert told[:20] == [422] * 20 and told[-1] == 429, told
    sign_up = {"password": "12" * 5, "email": "no address", "name": "x"}
    told = [anybody.post("/users", sign_up).status_code for _ in range(400)]
    assert told[:300] == [422] * 300 and 429 in told, told[300:]


def test_everything_of_ones_own(admin, market):
    caller = client.sign_up(market.url, name="Kim <script>")
    product = admin.product(stock=200)
    caller.put(f"/cart/items/{product['id']}", {"quantity": 2}, expect=200)
    caller.put(f"/wishlist/{product['id']}", expect=204)
    orders = [caller.order(product["id"]).json() for _ in range(103)]  # More than one page of the records.
    caller.pay(orders[0], expect=200)
    everything = caller.get("/users/me/export", expect=200).json()
    assert everything["user"] == caller.user
    assert everything["cart"] == [{"productId": product["id"], "quantity": 2}]
    assert everything["wishlist"][0]["productId"] == product["id"]
    assert len(everything["sessions"]) == 1
    assert [each["id"] for each in everything["orders"]] == [order["id"] for order in reversed(orders)]
    assert everything["ordersComplete"] is True
    first = everything["orders"][-1]
    assert (first["state"], first["payment"]) == ("paid", "paid") and first["total"] == orders[0]["total"]
    assert [step["state"] for step in first["history"]] == ["accepted", "paid"]
    assert first["items"] == [{"productId": product["id"], "quantity": 1,
                               "unitPrice": orders[0]["items"][0]["unitPrice"]}]


def test_an_account_ends(admin, market, anonymous):
    email = new_email()
    caller = client.sign_up(market.url, email, phone="010-9999-8888")
    order = caller.order(admin.product()).json()
    caller.put(f"/cart/items/{order['items'][0]['productId']}", {"quantity": 1}, expect=200)
    for wrong in ({}, {"password": ""}, {"password": PASSWORD, "user": 1}):
        caller.delete("/users/me", json=wrong, expect=(422, "validation"))
    caller.delete("/users/me", json={"password": "wrong horse 1"}, expect=(401, "invalid_credentials"))
    caller.delete("/users/me", json={"password": PASSWORD}, expect=204)
    until(lambda: caller.get("/orders").status_code == 401)
    credentials = {"email": email, "password": PASSWORD}
    anonymous.post("/sessions", credentials, expect=(401, "invalid_credentials"))
    anonymous.post("/sessions/refresh", {"refreshToken": caller.refresh}, expect=(401, "session_revoked"))
    assert admin.get(f"/admin/users?email={email}", expect=200).json()["items"] == []
    kept = admin.get(f"/admin/orders/{order['id']}", expect=200).json()
    assert kept["userId"] == caller.user["id"], "the books stay"
    again = client.sign_up(market.url, email)
    assert again.user["id"] != caller.user["id"]
    assert again.get("/orders").json()["items"] == [] == again.get("/cart").json()["items"]
    admin.delete("/users/me", json={"password": PASSWORD}, expect=(403, "forbidden"))


def test_a_seller_ends_the_account_after_the_sale(admin, market):
    """Buyers would pay, and nobody would stand behind the products."""
    account = client.sign_up(market.url)
    admin.patch(f"/users/{account.user['id']}", {"role": "seller"}, expect=200)
    seller = client.sign_in(market.url, account.user["email"], PASSWORD)
    seller.delete("/users/me", json={"password": "wrong horse 1"}, expect=(401, "invalid_credentials"))
    products = [seller.product()["id"], seller.product(publishAt="2035-01-01T00:00:00Z")["id"]]
    for product in products:
        seller.delete("/users/me", json={"password": PASSWORD}, expect=(409, "products_for_sale"))
        seller.get("/users/me", expect=200)
        seller.delete(f"/products/{product}", expect=204)
    seller.delete("/users/me", json={"password": PASSWORD}, expect=204)


def test_tokens_of_an_ended_account_stay_dead_behind_a_restart(start):
    server = start()
    caller = client.sign_up(server.url)
    caller.delete("/users/me", json={"password": PASSWORD}, expect=204)
    server.kill()
    again = start(data=server.data)
    Client(again.url, caller.token).get("/orders", expect=(401, "unauthenticated"))


@pytest.mark.parametrize("text", ["' OR 1=1 --", "\u0000", "x" * 33, "\U0001f381", "{}"])
def test_hostile_codes(anonymous, text):
    body = {"email": new_email(), "code": text, "newPassword": NEW_PASSWORD}
    assert anonymous.put("/users/password", body).status_code in (400, 422)
