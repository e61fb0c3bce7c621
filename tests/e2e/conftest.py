"""Fixtures of the end-to-end tests: one server for most of them, clients whose answers are all validated."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import client  # noqa: E402
import mail_server  # noqa: E402
import market_server  # noqa: E402
import split_market  # noqa: E402
from openapi_check import Document  # noqa: E402
from webhook_receiver import Receiver  # noqa: E402

# E2E_SPLIT=1: the same tests through a gateway, with the services in a process of their own.
Market = split_market.SplitMarket if os.environ.get("E2E_SPLIT") else market_server.Market


def pytest_sessionfinish(session):
    """E2E_SEEN=FOLDER: which answers of the document were seen, one file for each process."""
    folder = os.environ.get("E2E_SEEN")
    if folder:
        lines = sorted(" ".join(each) for each in Document.load().seen)
        pathlib.Path(folder, f"{os.getpid()}.seen").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def market(tmp_path_factory):
    settings = ("ratelimit.enabled=false", *mail_server.shared().settings)
    with Market(tmp_path_factory.mktemp("shared") / "data", *settings) as server:
        yield server
        assert server.process.poll() is None, f"the server ended by itself: {server.log_tail()}"
        server.stop()
        expect_right_books(server.data)


def expect_right_books(data):
    """Stock, money, limits and tickets of a stopped store, from its log."""
    checked = market_server.run("check", "--data", data)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def start(tmp_path, request):
    """start("orders.payment_window=2s", data=…, flags=…): servers of one test, stopped after it. Those of a
    module with the mark `books` leave a store that `market check` finds right, also when they were killed."""
    started = []

    def begin(*settings, data=None, limits=False, **more):
        if not limits:
            settings = (*settings, "ratelimit.enabled=false")
        server = Market(data or tmp_path / "data", *settings, **more).start()
        started.append(server)
        return server

    yield begin
    for server in started:
        server.kill()
    if request.node.get_closest_marker("books"):
        for data in sorted({server.data for server in started}):
            expect_right_books(data)


@pytest.fixture
def anonymous(market):
    return client.Client(market.url)


@pytest.fixture(scope="session")
def admin(market):
    return client.admin(market.url)


@pytest.fixture
def buyer(market):
    return client.sign_up(market.url)


@pytest.fixture(scope="session")
def other(market):
    return client.sign_up(market.url)


@pytest.fixture
def receiver():
    """Of webhooks."""
    with Receiver() as one:
        yield one


def pytest_terminal_summary(terminalreporter):
    """The line that ./dev adds up."""
    counts = {
        word: len(terminalreporter.stats.get(word, [])) for word in ("passed", "failed", "error", "skipped")
    }
    terminalreporter.write_line(
        f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed, {counts['skipped']} skipped"
    )
