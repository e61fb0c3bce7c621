"""What somebody may do to the owner of a mailbox or of a card who knows nothing of it."""

import client
from client import PASSWORD, new_email
from mail_server import MailServer
from waiting import until


def test_an_account_that_is_made_anew_mails_a_stranger_no_more_codes(start):
    email, proof, post = new_email(), {"password": PASSWORD}, MailServer()
    with post:
        server = start(*post.settings, limits=True)
        for i in range(5):
            account = client.sign_up(server.url, email)
            if i < 3:
                until(lambda: len(post.to(email)) == i + 1)  # What waits is dropped with its account.
            account.delete("/users/me", json=proof, expect=204)
        other = client.sign_up(server.url).user["email"]
        until(lambda: post.to(other))
        assert len(post.to(email)) == 3


def test_an_account_that_is_made_anew_fills_no_strangers_mailbox(start):
    post, address = MailServer(), new_email()
    with post:
        server = start(*post.settings)
        product = client.admin(server.url).product(stock=1000)
        for mails in (1 + 105, 1 + 105 + 1 + 95):
            buyer = client.sign_up(server.url, address)
            for _ in range(105):
                buyer.order(product)
            until(lambda: len(post.to(address)) >= mails, 30)
            if mails == 1 + 105:
                buyer.delete("/users/me", json={"password": PASSWORD}, expect=204)
        last = new_email()
        client.sign_up(server.url, last).order(product)
        until(lambda: len(post.to(last)) == 2, 20)
        assert len(post.to(address)) == 2 + 200


def test_an_order_is_no_place_to_try_many_cards(start):
    server = start()
    buyer, product = client.sign_up(server.url), client.admin(server.url).product()
    order = buyer.order(product).json()
    path = f"/orders/{order['id']}/payment"
    buyer.post(path, {"method": "card", "token": "x"}, expect=(422, "validation"))  # Nobody was asked.
    for _ in range(20):
        buyer.post(path, {"method": "card", "token": "declined"}, expect=(402, "payment_declined"))
    buyer.post(path, {"method": "card", "token": "ok"}, expect=(409, "order_not_payable"))
    buyer.post(f"/orders/{order['id']}/cancel", {}, expect=200)
