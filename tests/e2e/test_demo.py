"""`market demo`: a visitor sees a whole sale within a minute."""

import re
import time

import pytest
import requests
from client import admin, sign_in
from market_server import PATIENCE, Market, free_port, run


@pytest.fixture
def demo(tmp_path):
    with Market(tmp_path / "data", flags=("--demo",)) as server:
        yield server
    checked = run("check", "--data", server.data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_crowd_buys_all_of_it(demo):
    begun = time.monotonic()
    done = run("demo", "--url", demo.url, "--buyers", "200", "--units", "60", "--opens-in", "3s", seconds=180)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun < 60 * PATIENCE, "a visitor sees it within a minute"
    product = re.search(rf"{demo.url}/store/products/(\w+)", done.stdout)[1]
    assert f"{demo.url}/admin?sale={product}" in done.stdout
    assert f"{demo.url}/admin/report?sale={product}" in done.stdout.splitlines()[-1]
    chief = admin(demo.url)
    report = chief.get(f"/admin/orders/report?productId={product}", expect=200).json()
    assert report["capacity"] == 60 and report["states"]["paid"]["orders"] > 20
    orders = sum(state["orders"] for state in report["states"].values())
    assert 60 <= orders <= 200, "all of it went, and what came back went again"
    last = done.stdout.strip().splitlines()[-3].strip()
    ends = dict(reversed(each.split(" ", 1)) for each in last.split(", "))
    assert int(ends["got one"]) == orders
    assert int(ends["got one"]) + int(ends["sold_out"]) == 200, ends


def test_where_no_shop_is_it_says_so(tmp_path):
    done = run("demo", "--url", f"http://127.0.0.1:{free_port()}", seconds=20)
    assert done.returncode == 1 and "does not answer" in done.stderr, done
    assert len(done.stderr.splitlines()) == 1


def test_the_seller_has_something_to_sell(demo):
    """Whoever signs in as the seller sees the shop's products as his own, and may change them."""
    seller = sign_in(demo.url, "seller@demo.example", "amber-workshop-42")
    own = seller.get("/seller/products", expect=200).json()["items"]
    assert len(own) == 4 and {each["sellerId"] for each in own} == {seller.user["id"]}
    seller.patch(f"/products/{own[0]['id']}", {"description": "Mine."}, expect=200)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--url", "http://127.0.0.1:9"), 1, "does not answer"),
        (("--url", "ftp://x"), 2, "is no address"),
        (("--buyers", "0"), 2, "buyers"),
        (("--buyers", "5001"), 2, "buyers"),
        (("--opens-in", "soon"), 2, "duration"),
    ],
)
def test_what_cannot_be(arguments, status, said, tmp_path):
    done = run("demo", *arguments, seconds=150)
    assert done.returncode == status and said in done.stderr, done.stderr


def test_a_shop_without_demo_data(tmp_path):
    with Market(tmp_path / "data") as server:
        nobody = {"MARKET_ADMIN_EMAIL": "", "MARKET_ADMIN_PASSWORD": ""}
        wrong = run("demo", "--url", server.url, environment=nobody)
        assert wrong.returncode == 1 and "cannot sign in" in wrong.stderr
        assert requests.get(f"{server.url}/api/v1/products", timeout=60).json()["items"] == []
