"""Schemathesis against the served document: as customer, administrator, nobody; right and wrong data."""

import pathlib
import re
import subprocess
import sys

import client
import pytest
from market_server import PATIENCE
from tokens import Forger, now

# Streams stay open by design; tests/e2e/test_streams.py reads them.
STREAMS = r"/(stream|events)$"


@pytest.fixture(scope="module")
def explored(tmp_path_factory):
    """A server of its own: thousands of odd products would slow the other tests down."""
    from market_server import Market

    data = tmp_path_factory.mktemp("explored") / "data"
    with Market(data, "ratelimit.enabled=false", flags=("--demo",)) as server:
        yield server
        assert server.process.poll() is None, server.log_tail()


@pytest.mark.parametrize(("role", "examples"), [("customer", 6), ("admin", 6), ("nobody", 3)])
def test_runs_clean(explored, role, examples):
    headers = []
    if role != "nobody":
        caller = client.sign_up(explored.url)
        # Of no session: the run itself signs out.
        token = Forger(explored.data, caller.token).token(sid=None, role=role, exp=now(3600))
        headers = ["-H", f"Authorization: Bearer {token}"]
    command = [
        pathlib.Path(sys.executable).with_name("st"),
        "run",
        explored.url + "/openapi.json",
        *headers,
        "--checks",
        "all",
        "--data-generation-method",
        "all",
        "--experimental=openapi-3.1",
        "--hypothesis-max-examples",
        str(examples),
        "--hypothesis-seed",
        "1",
        "--request-timeout",
        "5000",
        "--exclude-path-regex",
        STREAMS,
        "--no-color",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120 * PATIENCE, cwd=explored.data.parent
    )
    text = re.sub(r"(Bearer )\S+", r"\1...", done.stdout + done.stderr)
    assert done.returncode == 0, text[-6000:]
