"""A log on Kafka that is gone: nobody goes on by himself, `market log adopt` lists what is lost and goes on
(RELIABILITY.md, row 24; docs/decisions/0055-a-log-that-is-gone-is-adopted.md)."""

import json
import re
import signal
import socket
import time

import pytest
from confluent_kafka import admin

import client
from kafka_cut import KafkaCut
from test_shared_log import engines  # noqa: F401
from test_shared_store import buyer_of, folded, store  # noqa: F401
from waiting import until


def delete_topic(engines, topic, made_anew):  # noqa: F811
    kafka = admin.AdminClient({"bootstrap.servers": engines["KAFKA"]})
    kafka.delete_topics([topic])[topic].result(10)
    until(lambda: topic not in kafka.list_topics(timeout=10).topics, 10, "the topic stays")
    if made_anew:
        kept = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
                "unclean.leader.election.enable": "false", "message.timestamp.type": "LogAppendTime"}
        kafka.create_topics([admin.NewTopic(topic, 1, 1, config=kept)])[topic].result(10)
        until(lambda: topic in kafka.list_topics(timeout=10).topics, 10, "the topic does not come")


@pytest.mark.parametrize("made_anew", [True, False], ids=["made anew", "gone"])
def test_a_log_that_was_deleted_is_adopted(store, engines, made_anew):  # noqa: F811
    server = store.serve()
    product = client.admin(server.url).product(stock=20)["id"]
    buyer = client.sign_up(server.url)
    orders = [buyer.order(product, key=f"lost-{number}").json() for number in range(4)]
    lost = [order["id"] for order in orders]
    total = orders[0]["total"]
    buyer.pay(orders[0])
    buyer.put(f"/cart/items/{product}", {"quantity": 2}, expect=200)
    buyer.put(f"/wishlist/{product}", expect=204)
    until(lambda: folded(server), 15, "the records do not follow")
    delete_topic(engines, store.topic, made_anew)
    # Nobody writes such a log, and the instance would fold what it knows into the records again.
    running = store.run("log", "adopt")
    assert running.returncode == 1 and "stop all services first" in running.stderr, running.stderr
    assert len(running.stderr.splitlines()) == 1
    server.kill()
    listen = ("--listen", "127.0.0.1:0", "--data", store.folder / "again")
    for command in (("serve", *listen), ("seed", "--users", 1, "--products", 1)):
        refused = store.run(*command)
        assert refused.returncode == 1 and "market log adopt" in refused.stderr, (command, refused.stderr)
    known = admin.AdminClient({"bootstrap.servers": engines["KAFKA"]}).list_topics(timeout=10).topics
    assert (store.topic in known) == made_anew, "only adopting makes it anew"
    said = store.ok("log", "adopt")
    for order in lost:
        assert f"lost or changed: order {order}" in said, said
    assert "orders that are lost or changed: 4" in said, said
    assert f"order {lost[0]}, paid: {total['amount']} {total['currency']}\n" in said, said
    store.check()
    assert "nothing to adopt" in store.ok("log", "adopt")
    # Broken off before the records were folded anew.
    store.mysql("UPDATE fold SET log_generation = 0, log_place = 9")
    refused = store.run("serve", *listen)
    assert refused.returncode == 1 and "run 'market log adopt' again" in refused.stderr, refused.stderr
    assert "adopted:" in store.ok("log", "adopt")
    store.check()
    store.servers.clear()
    again = store.serve()
    buyer = buyer_of(again, buyer)
    for order in lost:
        buyer.get(f"/orders/{order}", expect=(404, "order_not_found"))
    assert buyer.get("/orders", expect=200).json()["items"] == []
    for page in ("/cart", "/wishlist"):
        buyer.get(page, expect=200)
    buyer.order(product, key="lost-0", expect=(404, "product_not_found"))
    product = client.admin(again.url).product(stock=20)["id"]
    made = buyer.order(product, key="lost-0")
    assert made.status_code == 201 and "Idempotency-Replayed" not in made.headers
    assert made.json()["items"][0]["ticket"] == 1 and made.json()["id"] not in lost

    def told():
        events = [json.loads(line) for line in store.ok("events", "tail", "--last", 50).splitlines()]
        return any(event["generation"] == 1 and made.json()["id"] in json.dumps(event) for event in events)

    until(told, 15, "the new order is no public event")
    until(lambda: folded(again), 15, "the records do not follow")
    store.check()


def test_whoever_else_listens_where_the_writer_was_is_no_writer(store):  # noqa: F811
    server = store.serve()
    said = server.log_path.read_text(errors="replace")
    port = int(re.search(r"the door is at 127\.0\.0\.1:(\d+)", said).group(1))
    product = client.admin(server.url).product(stock=5)["id"]
    client.sign_up(server.url).order(product)
    until(lambda: folded(server), 15, "the records do not follow")
    server.kill()
    with socket.create_server(("127.0.0.1", port)):
        assert "nothing to adopt" in store.ok("log", "adopt")


def test_a_snapshot_knows_what_a_topic_has_lost(store, engines):  # noqa: F811
    """The records were emptied, too; an instance that comes back has its snapshot still."""
    server = store.serve("log.snapshot_every=1")
    product = client.admin(server.url).product(stock=20)["id"]
    orders = [client.sign_up(server.url).order(product).json()["id"] for _ in range(4)]
    until(lambda: folded(server), 15, "the records do not follow")
    done, snapshot = time.time(), store.data / "gate.snapshot"  # A sign of life now and then is a place, too.
    until(lambda: snapshot.exists() and snapshot.stat().st_mtime > done + 0.5, 15, "no snapshot of all")
    server.kill()
    delete_topic(engines, store.topic, True)
    for table in ("orders", "order_lines", "bound_keys", "products", "product_names", "product_stock"):
        store.mysql(f"DELETE FROM {table}")
    store.mysql("UPDATE fold SET log_place = 0, log_hi = 0, log_lo = 0, log_generation = 0")
    for command in (("serve", "--listen", "127.0.0.1:0"), ("rebuild",)):
        refused = store.run(*command, "--data", store.data)
        assert refused.returncode == 1 and "'market log adopt'" in refused.stderr, (command, refused.stderr)
        assert "the snapshot (gate.snapshot) knows" in refused.stderr, (command, refused.stderr)
    said = store.ok("log", "adopt", "--data", store.data)
    assert f"lost or changed: order {orders[0]}" in said and "lost: places 1 to" in said, said
    assert "nothing to adopt" in store.ok("log", "adopt", "--data", store.data)
    store.servers.clear()
    again = store.serve()
    client.sign_up(again.url).order(client.admin(again.url).product(stock=1)["id"])
    until(lambda: folded(again), 15, "the records do not follow")
    store.check()


def test_an_older_backup_below_instances_that_keep_their_folders(store, engines, tmp_path):  # noqa: F811
    """Their snapshots know what the restore gives up; so do those who have read the public events."""
    server = store.serve("log.snapshot_every=1")
    product = client.admin(server.url).product(stock=50)["id"]
    buyer = client.sign_up(server.url)
    kept = buyer.order(product).json()["id"]

    def told():  # There is no topic before the first event.
        return [json.loads(line) for line in store.run("events", "tail", "--last", 200).stdout.splitlines()]

    until(lambda: kept in json.dumps(told()), 15, "the order is no public event")
    store.ok("backup", "--to", tmp_path / "backup")
    gone = [client.sign_up(server.url).order(product).json()["id"] for _ in range(4)]
    until(lambda: gone[-1] in json.dumps(told()), 15, "the last order is no public event")
    until(lambda: (store.data / "gate.snapshot").exists(), 15, "no snapshot")
    store.stop()
    had = told()
    delete_topic(engines, store.topic, False)
    store.mysql(f"DROP DATABASE {store.database}; CREATE DATABASE {store.database}", None)
    store.ok("restore", "--from", tmp_path / "backup")
    store.check("--same-as", tmp_path / "backup")
    store.servers.clear()
    again = store.serve("log.snapshot_every=1")
    made = [client.sign_up(again.url).order(product).json()["id"] for _ in range(4)]
    until(lambda: made[-1] in json.dumps(told()), 15, "the new orders are no public events")
    new = told()[len(had):]
    assert not {event["id"] for event in had} & {event["id"] for event in new}
    assert all(event["generation"] > had[-1]["generation"] for event in new)
    assert not any(order in json.dumps(new) for order in gone)
    until(lambda: folded(again), 15, "the records do not follow")
    store.check()


def test_an_instance_whose_kafka_is_gone_ends(store, engines):  # noqa: F811
    """librdkafka would wait for its brokers."""
    way = KafkaCut(engines["KAFKA"])
    server = store.serve(f"log.kafka={way.address}")
    product = client.admin(server.url).product(stock=5)["id"]
    client.sign_up(server.url).order(product, expect=201)
    way.close()
    time.sleep(5)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(25) == 0
