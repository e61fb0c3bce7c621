"""`./dev stack` (tools/stack/stack.py): all of it, and sales through its gateways."""

import asyncio
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import requests
import yaml

import client
import redis_server
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, BINARY, PATIENCE, ROOT
from stack_sale import StackSale, listed
from waiting import until

ROLES = [f"{role}-{number}" for role in ("registry", "user", "product", "order", "gateway")
         for number in (1, 2)]
NAMES = ["kafka", "redis", "mariadb", *ROLES]


def run(folder, action, *names):
    command = [sys.executable, ROOT / "tools/stack/stack.py", action, *names, "--any-port", "--dir", folder]
    admin = {"MARKET_ADMIN_EMAIL": ADMIN_EMAIL, "MARKET_ADMIN_PASSWORD": ADMIN_PASSWORD}
    return subprocess.run([*command, "--binary", BINARY], capture_output=True, text=True,
                          env={**os.environ, **admin}, timeout=300)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack") / ".stack"
    try:
        done = run(folder, "up")
        if done.returncode != 0 and any(name in done.stderr for name in ("apt-get install", "cannot be had")):
            pytest.skip(f"this machine has no engines: {done.stderr.strip()[:300]}")
        assert done.returncode == 0, done.stdout + done.stderr
        yield folder
    finally:
        run(folder, "down")  # Also a part of it, when the rest did not come up.
    assert not [each for each in (folder / "pids").glob("*.pid")]


def variables(folder):
    return dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())


def gateways_of(folder):
    first = variables(folder)["GATEWAY"]
    port = json.loads((folder / "ports.json").read_text())["gateway-2"]
    return first, f"http://127.0.0.1:{port}"


def pid_of(folder, name):
    return int(pathlib.Path(folder, "pids", name + ".pid").read_text())


def test_everything_runs_and_says_where(stack):
    assert {"GATEWAY", "REGISTRY", "KAFKA", "REDIS", "MYSQL"} <= set(variables(stack))
    for name in NAMES:
        os.kill(pid_of(stack, name), 0)
    assert (stack / "market.toml").stat().st_mode & 0o077 == 0, "it holds a password"
    lines = run(stack, "status").stdout
    for name in NAMES:
        assert name in lines
    assert lines.count("writes the log") == 1 and "is down" not in lines and "not ready" not in lines


def test_again_changes_nothing(stack):
    before = {name: pid_of(stack, name) for name in NAMES}
    done = run(stack, "up")
    assert done.returncode == 0, done.stderr
    assert {name: pid_of(stack, name) for name in NAMES} == before


def test_its_settings_are_those_of_seed_check_and_bench(stack):
    def market(*arguments):
        done = subprocess.run([BINARY, *map(str, arguments), "--config", stack / "market.toml"],
                              capture_output=True, text=True, timeout=60 * PATIENCE, cwd=stack)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    said = market("seed", "--users", 100, "--products", 3, "--tokens", stack / "tokens")
    products = [line.split()[1] for line in said.splitlines() if line.startswith("product ")]
    tokens = (stack / "tokens").read_text().split()
    assert len(products) == 3 and len(tokens) == 100
    for url, token in zip(gateways_of(stack), tokens):
        client.Client(url, token).order(products[0])
    said = market("bench", "--tokens", stack / "tokens", "--product", products[1], "--requests", 100,
                  "--connections", 4)
    assert "accepted     100" in said, said
    assert ", 0 failed" in market("check")
    assert not (stack / "data" / "main.db").exists() and not (stack / "keys").exists(), "nothing is left"


def writer_of(stack):
    lines = run(stack, "status").stdout.splitlines()
    return next(line.split()[0] for line in lines if "writes the log" in line)


def port_of(stack, name):
    return json.loads((stack / "ports.json").read_text())[name]


def test_every_path_of_the_document_is_answered_by_one_role_and_the_gateways_find_it(stack):
    """Asked with a method that the path has not: whoever knows it answers 405, anybody else 404."""
    doors = {role: f"http://127.0.0.1:{port_of(stack, role + '-1')}" for role in ("user", "product", "order")}
    doors["gateway"] = gateways_of(stack)[0]
    paths = yaml.safe_load((ROOT / "api/openapi.yaml").read_text())["paths"]
    of_every_role = ("/api/v1/admin/metrics", "/api/v1/admin/services")
    wrong = {}
    for path, methods in paths.items():
        if not path.startswith("/api/v1/") or path == "/api/v1/payments/notices":  # Where Stripe is used.
            continue
        other = next(each for each in ("delete", "put", "patch", "post") if each not in methods)
        known = [role for role, url in doors.items()
                 if requests.request(other, url + path.replace("{id}", "0"), timeout=10).status_code == 405]
        if "gateway" not in known or len(known) != (4 if path in of_every_role else 2):
            wrong[path] = known
    assert wrong == {}


def test_whoever_signs_out_is_signed_out_at_every_role_within_a_second(stack):
    buyer = client.sign_up(gateways_of(stack)[0])
    asked = {"user": "/users/me", "product": "/wishlist", "order": "/orders"}

    def statuses():
        return {f"{role}-{number}": requests.get(
            f"http://127.0.0.1:{port_of(stack, f'{role}-{number}')}/api/v1{path}",
            headers={"Authorization": f"Bearer {buyer.token}"}, timeout=10).status_code
            for role, path in asked.items() for number in (1, 2)}

    assert set(statuses().values()) == {200}
    buyer.send("DELETE", "/sessions/current", expect=204)
    ended = time.monotonic()
    while set(found := statuses().values()) != {401} and time.monotonic() < ended + 1 * PATIENCE:
        time.sleep(0.05)
    assert set(found) == {401}


def test_what_one_instance_knows_all_know(stack):
    gateways = gateways_of(stack)
    buyer = client.sign_up(gateways[1])
    for number in range(20):  # Whichever instances are asked, one after the other.
        product = listed(gateways[0], PATIENCE, stock=5, name=f"Shoe {number}")
        there = client.Client(gateways[number % 2])
        assert there.get(f"/products/{product['id']}", expect=200).json()["name"] == f"Shoe {number}"
        sold = buyer.order(product).json()
        assert buyer.get(f"/orders/{sold['id']}", expect=200).json()["state"] == "accepted"
        assert sold["id"] in [each["id"] for each in buyer.get("/orders", expect=200).json()["items"]]
        assert there.get(f"/products/{product['id']}/stock", expect=200).json()["remaining"] == 4
        assert buyer.pay(sold).json()["state"] == "paid"


def test_a_sale_of_a_thousand_units_goes_on_when_its_writer_is_killed(stack):
    gateways = gateways_of(stack)
    sale = StackSale(gateways, stack / "data" / "user-1", units=1_000, buyers=1_200)
    writer = writer_of(stack)

    async def kill():
        while len(sale.sold) < 400:
            await asyncio.sleep(0.005)
        os.kill(pid_of(stack, writer), signal.SIGKILL)

    sale.run(kill())
    assert sale.problems(seconds_max=3 * PATIENCE) == []
    assert "is down" in run(stack, "status").stdout
    assert writer_of(stack) != writer
    assert run(stack, "up").returncode == 0, "what was killed is started again"
    # The one that came back sells as well: what it missed, it has read.
    again = StackSale(gateways, stack / "data" / "user-1", units=100, buyers=120)
    again.run()
    assert again.problems(seconds_max=3 * PATIENCE) == []


def redis_stock(stack, product):
    """What Redis says is left; none: nothing."""
    port = variables(stack)["REDIS"].rsplit(":", 1)[1]
    keys = redis_server.ask(port, "KEYS", f"market:{{*}}:stock:{product['id']}")
    return int(redis_server.ask(port, "HGET", keys[0], "remaining")) if keys else None


def test_redis_shows_the_truth_and_a_sale_does_not_need_it(stack):
    gateways = gateways_of(stack)
    port = variables(stack)["REDIS"].rsplit(":", 1)[1]
    product = listed(gateways[0], PATIENCE, stock=50, name="Shoe")
    buyer = client.sign_up(gateways[1])
    for number in range(3):
        buyer.order(product)
        until(lambda number=number: redis_stock(stack, product) == 49 - number, seconds=2)
    redis_server.ask(port, "FLUSHALL")
    until(lambda: redis_stock(stack, product) == 47, seconds=2, what="FLUSHALL heals itself")
    sale = StackSale(gateways, stack / "data" / "user-1", units=600, buyers=700)

    async def disturb():
        while len(sale.sold) < 100:
            await asyncio.sleep(0.005)
        redis_server.ask(port, "FLUSHALL")
        while len(sale.sold) < 200:
            await asyncio.sleep(0.005)
        os.kill(pid_of(stack, "redis"), signal.SIGSTOP)
        await asyncio.sleep(0.5)
        os.kill(pid_of(stack, "redis"), signal.SIGKILL)

    sale.run(disturb())
    assert sale.problems(seconds_max=3 * PATIENCE) == []
    assert "without Redis" in run(stack, "status").stdout
    assert run(stack, "up").returncode == 0
    until(lambda: redis_stock(stack, product) == 47, seconds=4, what="an empty Redis is filled")
    until(lambda: "without Redis" not in run(stack, "status").stdout, seconds=4)


def test_limits_are_those_of_all_instances(stack):
    gateways = gateways_of(stack)
    email = client.new_email()
    client.sign_up(gateways[0], email=email)
    statuses = [requests.post(f"{gateways[number % 2]}/api/v1/sessions", timeout=20,
                              json={"email": email, "password": "wrong password"}).status_code
                for number in range(12)]
    assert statuses == [401] * 5 + [429] * 7, "two instances of users, one limit"


def test_a_restart_of_every_role_in_turn_fails_no_order(stack):
    """As an upgrade does it, while people buy."""
    sale = StackSale(gateways_of(stack), stack / "data" / "user-1", units=100_000, buyers=30_000, at_once=20)
    before = {name: pid_of(stack, name) for name in ROLES}
    results = []

    async def restart():
        await asyncio.sleep(1)
        loop = asyncio.get_running_loop()
        results.append(await loop.run_in_executor(None, run, stack, "restart"))
        await asyncio.sleep(1)
        sale.left.clear()

    sale.run(restart(), rate=100)
    assert results[0].returncode == 0, results[0].stdout + results[0].stderr
    after = {name: pid_of(stack, name) for name in ROLES}
    assert [name for name in ROLES if after[name] == before[name]] == []
    sale.tokens = sale.tokens[:len(sale.answers)]  # The others did not come.
    assert len(sale.answers) > 500, "it was a restart under load"
    assert sale.problems(seconds_max=6 * PATIENCE) == []


def test_after_all_that_every_store_is_right(stack):
    """The log, the records, accounts and charges, and what Redis shows: behind kills, pauses and restarts."""
    checked = subprocess.run([BINARY, "check", "--config", stack / "market.toml"], capture_output=True,
                             text=True, timeout=120 * PATIENCE)
    assert checked.returncode == 0, checked.stdout + checked.stderr
