"""`./dev stack` (tools/stack/stack.py): all of it, a sale through the gateway, and the writer killed."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import uuid

import pytest
import requests

import client
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, BINARY, PATIENCE, ROOT

NAMES = ["kafka", "redis", "mariadb", "registry-1", "registry-2", "services-1", "services-2", "gateway-1",
         "gateway-2"]


def run(folder, action):
    command = [sys.executable, ROOT / "tools/stack/stack.py", action, "--any-port", "--dir", folder]
    admin = {"MARKET_ADMIN_EMAIL": ADMIN_EMAIL, "MARKET_ADMIN_PASSWORD": ADMIN_PASSWORD}
    return subprocess.run([*command, "--binary", BINARY], capture_output=True, text=True,
                          env={**os.environ, **admin}, timeout=180)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack") / ".stack"
    done = run(folder, "up")
    if done.returncode != 0 and any(name in done.stderr for name in ("apt-get install", "cannot be had")):
        pytest.skip(f"this machine has no engines: {done.stderr.strip()[:300]}")
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder
    run(folder, "down")
    assert not [each for each in (folder / "pids").glob("*.pid")]


def variables(folder):
    return dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())


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
    assert lines.count("stands by") == 1


def test_again_changes_nothing(stack):
    before = {name: pid_of(stack, name) for name in NAMES}
    done = run(stack, "up")
    assert done.returncode == 0, done.stderr
    assert {name: pid_of(stack, name) for name in NAMES} == before


def test_a_sale_goes_on_when_the_writer_is_killed(stack):
    gateway = variables(stack)["GATEWAY"]
    product = client.admin(gateway).product(stock=30)["id"]
    buyer = client.sign_up(gateway)
    headers = {"Authorization": f"Bearer {buyer.token}"}
    body = {"items": [{"productId": product, "quantity": 1}]}

    def buy(key):
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            answer = requests.post(gateway + "/api/v1/orders", json=body, timeout=10,
                                   headers={**headers, "Idempotency-Key": key})
            if answer.status_code not in (502, 503) or time.monotonic() > deadline:
                return answer
            time.sleep(0.05)

    first = buy("first")
    assert first.status_code == 201, first.text
    states = run(stack, "status").stdout.splitlines()
    writer = next(line.split()[0] for line in states if line.startswith("services") and "serves" in line)
    os.kill(pid_of(stack, writer), signal.SIGKILL)
    killed = time.monotonic()
    again = buy("first")
    assert again.status_code == 201, again.text
    assert again.json()["id"] == first.json()["id"], "the same key is the same order, by whoever writes"
    assert time.monotonic() - killed < 5 * PATIENCE
    me = requests.get(gateway + "/api/v1/users/me", headers=headers, timeout=10)
    assert me.status_code == 200 and me.json()["id"] == buyer.user["id"], "accounts are not the writer's own"
    answers = [buy(uuid.uuid4().hex) for _ in range(35)]
    assert sorted({each.status_code for each in answers}) == [201, 409]
    assert sum(each.status_code == 201 for each in answers) == 29, "every unit once"
    assert run(stack, "up").returncode == 0, "what was killed is started again"
    assert run(stack, "status").stdout.count("stands by") == 1
