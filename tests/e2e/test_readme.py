"""The README's first purchase, command by command, against demo data; and what ./dev run says of it."""

import re
import subprocess

import pytest
import requests
from market_server import ROOT, Market

README = (ROOT / "README.md").read_text()


def steps():
    """(command, the answer that the README shows), in order."""
    block = README.split("<!-- purchase", 1)[1].split("<!-- end of the purchase", 1)[0]
    found = re.findall(r"^    \$ (.*)\n    (.*)$", block, re.M)
    assert len(found) == 3 == block.count("    $ ")
    return found


@pytest.fixture
def demo(tmp_path):
    with Market(tmp_path / "data", flags=("--demo",)) as server:
        yield server


def test_the_first_purchase(tmp_path, demo):
    script = "set -eu\n"
    for command, _ in steps():
        script += command.replace("localhost:8080", f"127.0.0.1:{demo.port}") + "\necho; echo ----\n"
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = [answer.strip() for answer in done.stdout.split("----")][:-1]
    for (command, shown), answer in zip(steps(), answers, strict=True):
        assert re.fullmatch(re.escape(shown).replace("…", ".+"), answer), f"{command}\n{answer}"


def accounts():
    return re.findall(r"`(\w+@demo\.example)` with\s+`([^`]+)`", README)


def test_the_accounts(demo):
    roles = {}
    for email, password in accounts():
        body = {"email": email, "password": password}
        answer = requests.post(f"{demo.url}/api/v1/sessions", json=body, timeout=60)
        assert answer.status_code == 201, answer.text
        roles[email.split("@")[0]] = answer.json()["user"]["role"]
    assert roles == {"buyer": "customer", "seller": "seller", "admin": "admin"}


def test_known_passwords_are_for_loopback_alone(tmp_path):
    with Market(tmp_path / "data", flags=("--demo",), host="0.0.0.0") as server:
        email, password = accounts()[0]
        body = {"email": email, "password": password}
        url = f"http://127.0.0.1:{server.port}/api/v1"
        assert requests.post(url + "/sessions", json=body, timeout=60).status_code == 401
        assert len(requests.get(url + "/products", timeout=60).json()["items"]) == 4
        assert server.logged("for a loopback address alone")


@pytest.mark.parametrize(
    "arguments, at", [([], "localhost:8080"), (["--listen", "127.0.0.1:9"], "127.0.0.1:9"),
                      (["--listen=127.0.0.1:9"], "127.0.0.1:9")],
)  # fmt: skip
def test_what_run_prints(arguments, at):
    done = subprocess.run(
        ["bash", "-c", 'source tools/tour.sh; tour "$@"', "dev", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    for page in ("/", "/admin", "/docs"):
        assert f"http://{at}{page}" in done.stdout
    assert f"market demo --url http://{at}\n" in done.stdout and "market demo`" in README
    for email, password in accounts():
        assert email in done.stdout and password in done.stdout
    for command, _ in steps():
        assert command.replace("localhost:8080", at) in done.stdout
