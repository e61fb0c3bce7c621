"""Payments at Stripe: a server that behaves as Stripe does, and Stripe's own mock server for the requests."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import client
import pytest
import requests
from fake_stripe import FakeStripe, signed
from mail_server import MailServer
from market_server import free_port, run
from waiting import until

pytestmark = pytest.mark.books

SECRET = "whsec_of_a_test"


@pytest.fixture
def stripe():
    with FakeStripe() as server:
        yield server


def settings(tmp_path, url, key="sk_test_1"):
    for name, text in (("key", key), ("secret", SECRET)):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    return (
        f"payments.stripe_url={url}",
        f"payments.stripe_key_file={tmp_path / 'key'}",
        f"payments.stripe_notice_secret_file={tmp_path / 'secret'}",
    )


@pytest.fixture
def shop(start, stripe, tmp_path):
    server = start(*settings(tmp_path, stripe.url), "orders.attempt_bound=1s", "orders.payment_window=20s")
    admin = client.admin(server.url)
    admin.server, admin.stripe = server, stripe
    return admin


def state_of(buyer, order):
    return buyer.get(f"/orders/{order['id']}", expect=200).json()["payment"]["state"]


def checked(shop):
    assert shop.server.stop() == 0
    done = run("check", "--data", shop.server.data)
    assert done.returncode == 0, done.stdout


def test_a_payment_and_its_refund(shop, stripe):
    buyer, product = client.sign_up(shop.url), shop.product()
    order = buyer.order(product).json()
    paid = buyer.pay(order, "pm_card_visa").json()
    assert paid["state"] == "paid" and paid["payment"]["state"] == "paid"
    assert stripe.taken() == 15000 and len(stripe.intents) == 1
    path, form, key = stripe.calls[0]
    assert path == "/v1/payment_intents" and form["currency"] == "krw" and form["confirm"] == "true" and key
    assert buyer.pay(order, "pm_card_visa").json()["state"] == "paid" and len(stripe.intents) == 1
    buyer.pay(order, "pm_other", expect=(409, "order_not_payable"))
    buyer.post(f"/orders/{order['id']}/cancel", expect=200)
    until(lambda: state_of(buyer, order) == "refunded", 20)
    assert stripe.refunds == ["pi_1"]
    assert "sk_test_1" not in shop.server.log_path.read_text()
    checked(shop)


def test_refusals(shop, stripe):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    buyer.pay(order, "pm_declined", expect=(402, "payment_declined"))
    buyer.pay(order, "tok_nonsense", expect=(422, "validation"))
    for hostile in ("pm_x&amount=1", "pm_x\u0000", "pm_' OR '1'='1", "pm_" + "x" * 3000):
        assert buyer.send(
            "POST", f"/orders/{order['id']}/payment", json={"method": "card", "token": hostile}
        ).status_code in (200, 422)
        if state_of(buyer, order) == "paid":
            break
    assert all(each["amount"] == 15000 for each in stripe.intents.values())
    other = buyer.order(shop.product()).json()
    buyer.pay(other, "pm_action", expect=(402, "payment_declined"))
    assert [each["status"] for each in stripe.intents.values()].count("canceled") == 1
    checked(shop)


def test_each_currency_in_stripe_s_units(shop, stripe):
    for currency, amount, sent in (("ISK", 500, 50_000), ("MGA", 500, 5), ("KWD", 5120, 5120)):
        buyer = client.sign_up(shop.url)
        order = buyer.order(shop.product(price={"amount": amount, "currency": currency})).json()
        buyer.pay(order, "pm_card_visa", expect=200)
        assert list(stripe.intents.values())[-1]["amount"] == sent, currency
    before = len(stripe.calls)
    order = buyer.order(shop.product(price={"amount": 5124, "currency": "KWD"})).json()
    buyer.pay(order, "pm_card_visa", expect=(409, "order_not_payable"))
    assert len(stripe.calls) == before, "it is not even asked"
    checked(shop)


def test_a_refund_that_stripe_refuses_is_told_and_tried_again(shop, stripe):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    buyer.pay(order, "pm_card_visa", expect=200)
    refused = {"code": "charge_disputed"}
    stripe.behave = lambda path, form: refused if "metadata[attempt]" in form and "refunds" in path else None
    buyer.post(f"/orders/{order['id']}/cancel", expect=200)
    assert "charge_disputed" in shop.server.logged("Stripe does not refund a payment")
    assert state_of(buyer, order) == "refunding" and stripe.refunds == []
    stripe.behave = lambda path, form: None
    until(lambda: state_of(buyer, order) == "refunded", 30)
    assert stripe.refunds == ["pi_1"]
    checked(shop)


@pytest.mark.parametrize("param", ["amount", "currency"])
def test_what_stripe_never_takes_is_no_overload(shop, stripe, param):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    stripe.behave = lambda path, form: {"param": param} if path == "/v1/payment_intents" else None
    buyer.pay(order, "pm_card_visa", expect=(409, "order_not_payable"))
    assert state_of(buyer, order) == "none", "no card was declined"
    assert f"Stripe refuses an order's {param}" in shop.server.logged(f"order's {param}")


def test_what_costs_nothing_is_paid_and_refunded_without_stripe(shop, stripe):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product(price={"amount": 0, "currency": "KRW"})).json()
    assert buyer.pay(order, "pm_card_visa").json()["state"] == "paid"
    buyer.pay(order, "pm_other", expect=(409, "order_not_payable"))
    buyer.post(f"/orders/{order['id']}/cancel", expect=200)
    until(lambda: state_of(buyer, order) == "refunded", 20)
    assert not stripe.calls
    checked(shop)


@pytest.mark.parametrize("lost", ["drop after", 500])
def test_a_lost_answer_is_found_out(shop, stripe, lost):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    told = []

    def behave(path, form):
        if path == "/v1/payment_intents" and not told:
            told.append(path)
            if lost == 500:
                stripe.once(path, form, stripe.calls[-1][2])
            return lost
        return None

    stripe.behave = behave
    buyer.pay(order, "pm_card_visa", expect=202)
    until(lambda: state_of(buyer, order) == "paid", 30)
    assert len(stripe.intents) == 1, "charged once"
    checked(shop)


def test_another_card_while_stripe_works_on_the_first(shop, stripe):
    """What was charged cannot be searched for at once: the second card must not end that attempt."""
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    stripe.search_lags = True
    stripe.behave = lambda path, form: "drop after" if path == "/v1/payment_intents" else None
    buyer.pay(order, "pm_card_visa", expect=202)
    stripe.behave = lambda path, form: None
    for _ in range(3):
        assert buyer.pay(order, "pm_other", expect=202).json()["payment"]["state"] == "pending"
    stripe.search_lags = False
    until(lambda: state_of(buyer, order) == "paid", 30)
    buyer.pay(order, "pm_other", expect=(409, "order_not_payable"))
    assert len(stripe.intents) == 1, "charged once"
    checked(shop)


def test_what_the_search_says_may_be_old(shop, stripe):
    """Its index still has the intent as it was before the charge: called declined, it could be paid twice."""
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    stripe.search_status = "requires_payment_method"
    stripe.behave = lambda path, form: "drop after" if path == "/v1/payment_intents" else None
    buyer.pay(order, "pm_card_visa", expect=202)
    stripe.behave = lambda path, form: None
    until(lambda: state_of(buyer, order) == "paid", 30)
    assert len(stripe.intents) == 1, "charged once"
    checked(shop)


def test_stripe_is_away(start, tmp_path):
    server = start(*settings(tmp_path, f"http://127.0.0.1:{free_port()}"))
    buyer = client.sign_up(server.url)
    order = buyer.order(client.admin(server.url).product()).json()
    buyer.pay(order, "pm_card_visa", expect=(503, "overloaded"))
    assert state_of(buyer, order) == "none"


def test_nobody_hears_of_a_decline_while_stripe_is_away(start, tmp_path):
    """A shop repeats a 503 by itself: each try would be one more mail about a declined card."""
    with MailServer() as post:
        server = start(*settings(tmp_path, f"http://127.0.0.1:{free_port()}"), *post.settings)
        address = client.new_email()
        buyer = client.sign_up(server.url, address)
        order = buyer.order(client.admin(server.url).product()).json()
        for _ in range(3):
            buyer.pay(order, "pm_card_visa", expect=(503, "overloaded"))
        buyer.post(f"/orders/{order['id']}/cancel", expect=200)
        until(lambda: any("cancelled" in mail.subject for mail in post.to(address)), 10)
        assert not any("declined" in mail.subject for mail in post.to(address))
        server.stop()
        done = run("check", "--data", server.data)
        assert done.returncode == 0, done.stdout
        dumped = run("dump", "--data", server.data).stdout
        assert dumped.count("payment_not_charged") == 3 and "payment_declined" not in dumped


BUSY = {"type": "invalid_request_error", "code": "rate_limit"}


def test_a_request_that_stripe_has_no_time_for_is_repeated(shop, stripe):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    tries = []

    def behave(path, form):
        tries.append(path)
        return (429, BUSY) if path == "/v1/payment_intents" and len(tries) <= 2 else None

    stripe.behave = behave
    buyer.pay(order, "pm_card_visa", expect=200)
    assert tries == ["/v1/payment_intents"] * 3 and len(stripe.intents) == 1
    assert len({key for _, _, key in stripe.calls}) == 1, "one request, sent again"
    checked(shop)


def cancelled_with_a_refund_under_way(shop, stripe):
    """The buyer, and the order that was paid."""
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    buyer.pay(order, "pm_card_visa", expect=200)
    stripe.refund_status = "pending"
    buyer.post(f"/orders/{order['id']}/cancel", expect=200)
    until(lambda: stripe.refunds, 10)
    return buyer, order


def test_a_refund_is_made_when_stripe_says_that_it_succeeded(shop, stripe):
    buyer, order = cancelled_with_a_refund_under_way(shop, stripe)
    time.sleep(1)
    assert state_of(buyer, order) == "refunding"
    stripe.made_refunds[0]["status"] = "succeeded"
    until(lambda: state_of(buyer, order) == "refunded", 30)
    assert stripe.refunds == ["pi_1"], "made once"
    checked(shop)


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_refund_that_fails_later_is_the_operator_s(shop, stripe, status):
    buyer, order = cancelled_with_a_refund_under_way(shop, stripe)
    stripe.made_refunds[0]["status"] = status
    assert f"pi_1, {status}" in shop.server.logged("Stripe does not refund a payment")
    assert state_of(buyer, order) == "refunding" and stripe.refunds == ["pi_1"]
    # Whoever gave it by hand is believed.
    stripe.made_refunds.append({**stripe.made_refunds[0], "id": "re_2", "status": "succeeded"})
    until(lambda: state_of(buyer, order) == "refunded", 30)
    assert stripe.refunds == ["pi_1"]
    checked(shop)


def test_a_wrong_key_is_said_and_nothing_is_charged(start, stripe, tmp_path):
    server = start(*settings(tmp_path, stripe.url, key="sk_wrong"))
    buyer = client.sign_up(server.url)
    order = buyer.order(client.admin(server.url).product()).json()
    buyer.pay(order, "pm_card_visa", expect=(503, "overloaded"))
    assert "Stripe refuses our requests" in server.logged("Stripe refuses our requests")
    assert stripe.intents == {} and "sk_wrong" not in server.log_path.read_text()


def test_notices_are_checked_and_only_hints(shop, stripe):
    buyer = client.sign_up(shop.url)
    order = buyer.order(shop.product()).json()
    buyer.pay(order, "pm_processing", expect=202)
    [intent] = stripe.intents.values()
    body = json.dumps({"type": "payment_intent.succeeded", "data": {"object": intent}})

    def tell(signature, text=body):
        headers = {"Content-Type": "application/json"}
        if signature is not None:
            headers["Stripe-Signature"] = signature
        return requests.post(shop.url + "/api/v1/payments/notices", data=text, headers=headers).status_code

    now = time.time()
    for forged in (
        None,
        "",
        "t=1",
        "v1=00",
        signed("whsec_other", body),
        signed(SECRET, body + " "),
        signed(SECRET, body, now - 400),
        signed(SECRET, body, now + 400),
        signed(SECRET, body).replace("v1=", "v0="),
    ):
        assert tell(forged) == 401, forged
    assert tell(signed(SECRET, "{"), "{") == 400
    for nothing in ("{}", "[]", '{"data":{"object":{"metadata":{"attempt":7}}}}'):
        assert tell(signed(SECRET, nothing), nothing) == 204
    assert tell(signed(SECRET, body)) == 204
    time.sleep(0.3)
    assert state_of(buyer, order) == "pending", "what is told is asked"
    intent["status"] = "succeeded"
    for _ in range(3):
        assert tell(signed(SECRET, body)) == 204
    until(lambda: state_of(buyer, order) == "paid")
    checked(shop)


def test_kill_between_charge_and_answer(start, stripe, tmp_path):
    """The money is taken, the process dies: the next start asks and finds it."""
    given = settings(tmp_path, stripe.url)
    server = start(*given)
    buyer, product = client.sign_up(server.url), client.admin(server.url).product()
    order = buyer.order(product).json()

    def behave(path, form):
        if path == "/v1/payment_intents":
            stripe.once(path, form, stripe.calls[-1][2])
            server.kill()
            return "drop before"
        return None

    stripe.behave = behave
    with pytest.raises(requests.ConnectionError):
        buyer.pay(order, "pm_card_visa")
    server.kill()  # Again, to wait for its end: the buyer's connection falls before the folder's lock does.
    stripe.behave = lambda path, form: None
    again = start(*given, data=server.data)
    buyer.url = again.url
    until(lambda: state_of(buyer, order) == "paid", 30)
    assert stripe.taken() == 15000 and len(stripe.intents) == 1


@pytest.fixture(scope="module")
def mock():
    """stripe-mock checks each request against Stripe's own document; its answers are always the same."""
    program = shutil.which("stripe-mock")
    if not program and shutil.which("go"):
        folder = pathlib.Path(__file__).resolve().parents[2] / "build/go"
        program = folder / "stripe-mock"
        if not program.exists():
            subprocess.run(
                ["go", "install", "github.com/stripe/stripe-mock@v0.203.0"],
                env={**os.environ, "GOBIN": str(folder)},
                capture_output=True,
                timeout=600,
            )
    if not program or not pathlib.Path(program).exists():
        pytest.skip("stripe-mock cannot be installed here")
    port = free_port()
    process = subprocess.Popen([program, "-http-port", str(port)], stdout=subprocess.DEVNULL)

    def ready():
        try:
            url, headers = f"http://127.0.0.1:{port}/v1/charges", {"Authorization": "Bearer sk_test_x"}
            return requests.get(url, headers=headers)
        except requests.ConnectionError:
            return None

    until(ready, 20)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_stripe_s_own_document_takes_our_requests(start, mock, tmp_path):
    server = start(*settings(tmp_path, mock, key="sk_test_123"))
    buyer = client.sign_up(server.url)
    order = buyer.order(client.admin(server.url).product()).json()
    body = {"method": "card", "token": "pm_card_visa"}
    answer = buyer.send("POST", f"/orders/{order['id']}/payment", json=body)
    assert answer.status_code in (200, 202, 402), answer.text
    time.sleep(1)
    assert "Stripe refuses our requests" not in server.log_path.read_text(), "each was valid"
