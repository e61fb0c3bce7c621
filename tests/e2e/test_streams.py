"""Server-sent events: live stock and the changes of an order."""

import time

import client
from client import moment
from streams import EventStream
from waiting import until


def test_stock_as_it_is_sold(admin, anonymous, buyer):
    product = admin.product(stock=2)
    with EventStream(anonymous, f"/products/{product['id']}/stock/stream") as stream:
        assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
        assert stream.answer.headers["Cache-Control"] == "no-store"
        _, first, _ = stream.next("stock")
        assert first["remaining"] == 2 and first["saleState"] == "open"
        assert stream.next("state")[1]["saleState"] == "open"
        began = time.monotonic()
        order = buyer.order(product, 2).json()
        _, sold_out, at = stream.until(lambda name, data: name == "stock" and data["remaining"] == 0)
        assert at - began < 1 and sold_out["saleState"] == "sold_out"
        assert stream.next("state")[1]["saleState"] == "sold_out"
        buyer.post(f"/orders/{order['id']}/cancel", expect=200)
        stream.until(lambda name, data: name == "state" and data["saleState"] == "open")


def test_state_events_without_any_buyer(admin, anonymous):
    product = admin.product(sale={"opensAt": moment(0.7), "closesAt": moment(1.4)})
    with EventStream(anonymous, f"/products/{product['id']}/stock/stream") as stream:
        states = [stream.next("state")[1] for _ in range(3)]
    assert [state["saleState"] for state in states] == ["scheduled", "open", "closed"]
    assert product["sale"]["opensAt"] <= states[1]["asOf"] < product["sale"]["closesAt"] <= states[2]["asOf"]


def test_a_pause_that_became_an_end_is_news(admin, anonymous):
    """Both say `closed`: whoever comes back hears which of them it is now."""
    product = admin.product(stock=5)
    path = f"/products/{product['id']}/stock/stream"
    admin.post(f"/admin/products/{product['id']}/sale/pause", expect=200)
    with EventStream(anonymous, path) as stream:
        assert stream.next("state")[1]["paused"]
        paused = stream.last_id
    sale = {"opensAt": moment(-20), "closesAt": moment(-10), "paused": False}
    admin.patch(f"/products/{product['id']}", {"sale": sale}, expect=200)
    with EventStream(anonymous, path, paused) as stream:
        # Who shares a gateway's stream hears its last event first.
        ended = stream.until(lambda name, data: name == "stock" and not data["paused"])[1]
        assert ended["saleState"] == "closed"


def test_at_most_ten_events_a_second(admin, anonymous, buyer):
    stock = 1_000_000  # More than any machine buys one by one in that time.
    product = admin.product(stock=stock)
    with EventStream(anonymous, f"/products/{product['id']}/stock/stream") as stream:
        stream.next("stock")
        ends = time.monotonic() + 1.5
        bought = 0
        while time.monotonic() < ends:
            buyer.order(product)
            bought += 1
        last = stream.until(lambda name, data: name == "stock" and data["remaining"] == stock - bought)
        assert last[1]["remaining"] == stock - bought
    with EventStream(anonymous, f"/products/{product['id']}/stock/stream") as stream:
        time.sleep(0.3)
        stream.all()
        began = time.monotonic()
        while time.monotonic() < began + 2:
            buyer.order(product)
        times = [at for name, _, at in stream.all() if name == "stock"]
        assert 10 <= len(times) <= 21, len(times)


def test_an_order_as_it_changes(admin, buyer):
    order = buyer.order(admin.product()).json()
    with EventStream(buyer, f"/orders/{order['id']}/events") as stream:
        assert stream.next("order")[1] == order
        paid = buyer.pay(order).json()
        stream.until(lambda _, data: data == paid)
        buyer.post(f"/orders/{order['id']}/cancel", expect=200)
        stream.until(lambda _, data: data["state"] == "cancelled" and data["payment"]["state"] == "refunded")


def test_an_order_stream_is_the_buyers_alone(admin, buyer, other, anonymous):
    order = buyer.order(admin.product()).json()
    path = f"/orders/{order['id']}/events"
    other.get(path, expect=(404, "order_not_found"))
    anonymous.get(path, expect=(401, "unauthenticated"))


def test_a_stream_ends_with_its_session(admin, buyer):
    """Access tokens stop within a second; so must what they have opened."""
    order = buyer.order(admin.product()).json()
    with EventStream(buyer, f"/orders/{order['id']}/events") as stream:
        stream.next("order")
        buyer.delete("/sessions/current", expect=204)
        until(stream.ended.is_set, 2, "the stream goes on after signing out")


def test_a_withdrawn_products_stream_ends(admin, anonymous):
    product = admin.product()
    with EventStream(anonymous, f"/products/{product['id']}/stock/stream") as stream:
        stream.next("stock")
        admin.delete("/products/" + product["id"], expect=204)
        until(stream.ended.is_set, 2, "the stream goes on")


def test_many_readers_and_one_that_leaves(admin, anonymous, buyer):
    product = admin.product(stock=50)
    path = f"/products/{product['id']}/stock/stream"
    streams = [EventStream(anonymous, path) for _ in range(20)]
    for stream in streams:
        stream.next("stock")
    streams.pop().close()
    buyer.order(product)
    for stream in streams:
        stream.until(lambda name, data: name == "stock" and data["remaining"] == 49)
        stream.close()


def test_keep_alive_comments(start):
    """Every 15 s; the longest wait of this file, but a proxy's time-out is worse."""
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product()
    order = buyer.order(product).json()
    with (
        EventStream(seller, f"/products/{product['id']}/stock/stream") as stock,
        EventStream(buyer, f"/orders/{order['id']}/events") as changes,
    ):
        until(lambda: stock.comments and changes.comments, 20, "no keep-alive comment in 20 s")


def test_a_stop_ends_streams(start):
    server = start()
    seller = client.admin(server.url)
    product = seller.product()
    with EventStream(seller, f"/products/{product['id']}/stock/stream") as stream:
        stream.next("stock")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5
        until(stream.ended.is_set, 2)
