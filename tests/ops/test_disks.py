"""Disks that are full or hang, files made unwritable: readiness tells, and it goes on by itself."""

import concurrent.futures
import contextlib
import pathlib
import subprocess
import time

import client
import pytest
from disks import filled, mount
from market_server import PATIENCE, run


def ready(server):
    return client.Client(server.url).get("//health/ready").status_code


def until(what, seconds=15):
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


@pytest.fixture
def shop(start, small_disk):
    """A server on a disk of 32 MiB, with a product and a buyer."""
    server = start(data=small_disk(32) / "data")
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    return server, seller.product(stock=1000), buyer


def test_a_full_disk(shop):
    server, product, buyer = shop
    order = buyer.order(product, key="before").json()
    with filled(server.data.parent):
        refused = until(lambda: buyer.order(product, expect=None).status_code == 507 or None)
        assert refused, "a full disk is said"
        assert until(lambda: ready(server) == 503), "not ready after two seconds"
        assert buyer.get("/orders/" + order["id"], expect=200).json() == order
        again = buyer.order(product, key="before")
        assert again.headers["Idempotency-Replayed"] == "true" and again.json() == order
        other = buyer.post(
            "/orders",
            {"items": [{"productId": product["id"], "quantity": 2}]},
            headers={"Idempotency-Key": "before"},
        )
        assert other.status_code == 422 and other.json()["code"] == "idempotency_mismatch", other.text
        metrics = client.Client(server.url).get("//metrics").text
        stopped = [line for line in metrics.splitlines() if line.startswith("market_selling_stopped_seconds")]
        assert float(stopped[0].split()[1]) >= 2, stopped
    assert until(lambda: buyer.order(product, expect=None).status_code == 201), "it goes on by itself"
    assert until(lambda: ready(server) == 200)
    log = server.log_path.read_text()
    assert "SELECT" not in log and "INSERT" not in log
    assert len([line for line in log.splitlines() if " error " in line]) < 60 * PATIENCE, log


@pytest.mark.parametrize("ended", ["stopped", "killed"])
def test_a_start_on_a_full_disk_serves_reads_and_goes_on(shop, start, ended):
    server, product, buyer = shop
    order = buyer.order(product, key="k").json()
    if ended == "stopped":
        assert server.stop() == 0
    else:
        server.kill()
    with filled(server.data.parent):
        again = start(data=server.data)
        caller = client.Client(again.url, buyer.token)
        assert caller.get("/orders/" + order["id"], expect=200).json() == order
        # What a killed one has left in its WAL makes some room when it is brought in.
        assert until(lambda: caller.order(product, expect=None).status_code == 507)
        assert caller.order(product, key="k").headers["Idempotency-Replayed"] == "true"
        assert until(lambda: ready(again) == 503)
    assert until(lambda: caller.order(product, expect=None).status_code == 201)
    assert until(lambda: ready(again) == 200)
    assert again.stop() == 0
    assert run("check", "--data", server.data).returncode == 0


def test_a_start_on_a_full_disk_whose_log_would_have_to_grow(shop, start):
    """What is in the WAL does not fit into the file beside it; it stays where it is."""
    server, product, buyer = shop
    orders = [buyer.order(product, key=f"k{number}").json() for number in range(300)]
    with filled(server.data.parent):
        assert server.stop() == 0
        again = start(data=server.data)
        caller = client.Client(again.url, buyer.token)
        for order in (orders[0], orders[-1]):
            assert caller.get("/orders/" + order["id"], expect=200).json() == order
        assert until(lambda: caller.order(product, expect=None).status_code == 507)
        again.kill()
        again = start(data=server.data)
        caller = client.Client(again.url, buyer.token)
        assert caller.order(product, key="k299").headers["Idempotency-Replayed"] == "true"
    assert until(lambda: caller.order(product, expect=None).status_code == 201)
    assert again.stop() == 0
    assert run("check", "--data", server.data).returncode == 0


@pytest.fixture
def frozen_disk(tmp_path):
    """A real file system whose writes can be made to hang: freeze(True)."""
    image, folder = tmp_path / "image", tmp_path / "ext4"
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    folder.mkdir()
    mount("-o", "loop", image, folder)

    def freeze(hang):
        subprocess.run(["fsfreeze", "-f" if hang else "-u", folder], check=True)

    try:
        freeze(True)
        freeze(False)
    except subprocess.CalledProcessError:
        subprocess.run(["umount", "-l", folder], check=True)
        pytest.skip("file systems cannot be frozen here")
    yield folder, freeze
    with contextlib.suppress(subprocess.CalledProcessError):
        subprocess.run(["fsfreeze", "-u", folder], stderr=subprocess.DEVNULL)
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_hung_disk(start, frozen_disk):
    folder, freeze = frozen_disk
    server = start("orders.answer_time_max=1s", data=folder / "data")
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product(stock=1000)
    order = buyer.order(product).json()
    freeze(True)
    try:
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            callers = [client.Client(server.url, buyer.token) for _ in range(60)]
            answers = list(
                pool.map(lambda n: callers[n].order(product, key=f"h{n}", expect=None), range(60))
            )
        took = time.monotonic() - began
        assert {answer.status_code for answer in answers} == {503}, [each.text for each in answers]
        assert took < 4 * PATIENCE, took
        assert until(lambda: ready(server) == 503)
        assert buyer.get("/orders/" + order["id"], expect=200).json() == order
        began = time.monotonic()
        assert buyer.order(product, expect=None).status_code == 503 and time.monotonic() - began < PATIENCE
    finally:
        freeze(False)
    assert until(lambda: buyer.order(product, expect=None).status_code == 201)
    assert until(lambda: ready(server) == 200)
    # The same keys again: each is one order, whether the first try made it or not.
    ids = {callers[n].order(product, key=f"h{n}").json()["id"] for n in range(60)}
    assert len(ids) == 60
    assert server.stop() == 0
    assert run("check", "--data", server.data).returncode == 0


def test_payments_db_made_unwritable(start):
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product()
    orders = [buyer.order(product).json() for _ in range(2)]
    buyer.pay(orders[0])
    payments = server.data / "payments.db"
    payments.chmod(0o400)
    assert until(lambda: ready(server) == 503)
    assert buyer.pay(orders[1], expect=None).status_code == 503
    payments.chmod(0o600)
    assert until(lambda: ready(server) == 200)
    assert buyer.pay(orders[1]).json()["state"] == "paid"
    log = server.log_path.read_text()
    assert log.count("payments.db cannot be written") == 1 and "can be written again" in log


@pytest.mark.parametrize("name", ["log.db", "main.db", "records.db"])
@pytest.mark.parametrize("ending", ["", "-wal"])
def test_modes_that_were_put_right_help_at_once(start, name, ending):
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product(stock=1000)
    path = pathlib.Path(str(server.data / name) + ending)
    path.chmod(0o400)
    buyer.order(product, expect=None)
    # SQLite, run as root, gives a WAL that it opens anew the database's mode: then all is well again.
    assert until(lambda: ready(server) == 503 or path.stat().st_mode & 0o200), name
    path.chmod(0o600)
    assert until(lambda: ready(server) == 200), name
    assert until(lambda: buyer.order(product, expect=None).status_code == 201)
    client.sign_up(server.url)


def test_one_writer_where_the_lock_file_was_deleted(start, tmp_path):
    server = start()
    (server.data / "lock").unlink()
    for command in (("serve", "--listen", "127.0.0.1:0"), ("seed",), ("rebuild",), ("log", "adopt")):
        done = run(*command, "--data", server.data, seconds=10)
        assert done.returncode == 1 and "log.db is in use by another process" in done.stderr, (command, done)
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    buyer.order(seller.product())
    assert run("backup", "--data", server.data, "--to", tmp_path / "backup").returncode == 0
    assert server.stop() == 0
    assert run("check", "--data", server.data).returncode == 0
