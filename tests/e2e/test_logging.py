"""A log line never stops anything: pipes that nobody reads, full disks, closed descriptors."""

import os
import re
import subprocess
import time

import client
import market_server
import pytest
from market_server import BINARY, PATIENCE, free_port, run
from waiting import until


class Served:
    """`market serve` with a standard error and output of the test's choice."""

    def __init__(self, tmp_path, *settings, shell=None, **files):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = tmp_path / "data"
        command = [str(BINARY), "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}"]
        for setting in settings:
            command += ["--set", setting]
        if shell:
            command = ["sh", "-c", f'exec "$0" "$@" {shell}', *command]
        environment = {
            **os.environ,
            "MARKET_ADMIN_EMAIL": market_server.ADMIN_EMAIL,
            "MARKET_ADMIN_PASSWORD": market_server.ADMIN_PASSWORD,
        }
        self.process = subprocess.Popen(command, env=environment, **files)

    def __enter__(self):
        until(self.answers, 20, "the server does not start")
        return self

    def answers(self):
        assert self.process.poll() is None, self.process.returncode
        try:
            client.Client(self.url).get("//health/ready", expect=200)
        except Exception:  # noqa: BLE001 - not yet
            return False
        return True

    def stop(self):
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(20 * PATIENCE) == 0
        return time.monotonic() - began

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def orders_go_on(url, count=5):
    seller, buyer = client.admin(url), client.sign_up(url)
    product = seller.product(stock=100)
    for _ in range(count):
        buyer.order(product, expect=201)


def fill(descriptor):
    """Until a writer would wait."""
    os.set_blocking(descriptor, False)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(descriptor, True)


def left_out(url, reason):
    text = client.Client(url).get("//metrics", expect=200).text
    return int(re.search(rf'market_log_lines_left_out_total{{reason="{reason}"}} (\d+)', text)[1])


@pytest.mark.parametrize("access_log", ["", "-"])
def test_a_pipe_that_nobody_reads(tmp_path, access_log):
    reading, writing = os.pipe()
    fill(writing)
    settings = ["ratelimit.enabled=false", "log.level=trace"]
    if access_log:
        settings.append(f"http.access_log={access_log}")
    with Served(tmp_path, *settings, stdout=writing, stderr=writing) as server:
        orders_go_on(server.url)
        for _ in range(1000):  # Access log lines, many times what a pipe holds.
            client.Client(server.url).get("/products", expect=200)
        assert server.stop() < 10 * PATIENCE
    os.close(reading)
    os.close(writing)


def test_a_reader_that_is_gone(tmp_path):
    reading, writing = os.pipe()
    with Served(tmp_path, "http.access_log=-", stdout=writing, stderr=writing) as server:
        os.close(reading)
        os.close(writing)
        orders_go_on(server.url)
        until(lambda: dropped(server.url) > 0, 10, "nothing was counted")
        server.stop()


def dropped(url):
    text = client.Client(url).get("//metrics", expect=200).text
    return int(re.search(r"market_access_log_dropped_total (\d+)", text)[1])


def test_a_full_disk(tmp_path):
    with open("/dev/full", "w") as full:
        # Without a limit of files that suffices the server says so in its log.
        with Served(tmp_path, "http.connections_max=1000000", "http.access_log=/dev/full",
                    stdout=full, stderr=full) as server:
            orders_go_on(server.url)
            until(lambda: dropped(server.url) > 0, 10, "the access log's loss is not counted")
            server.stop()


def test_lost_lines_are_counted(tmp_path):
    with open("/dev/full", "w") as full:
        with Served(tmp_path, "gateway.threads=1", stderr=full) as server:  # An old name: one warning.
            until(lambda: left_out(server.url, "output") > 0, 10, "the loss is not counted")
            server.stop()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_become_no_data_files(tmp_path, closed):
    with Served(tmp_path, "http.access_log=-", "gateway.threads=1", shell=closed) as server:
        orders_go_on(server.url)
        for descriptor in (0, 1, 2):
            target = os.readlink(f"/proc/{server.process.pid}/fd/{descriptor}")
            assert str(tmp_path) not in target, target
        server.stop()
    assert run("check", "--data", tmp_path / "data").returncode == 0
    lock = tmp_path / "data" / "lock"
    assert not lock.exists() or b"market is ready" not in lock.read_bytes()


def test_tools_report_a_full_output(tmp_path):
    data = tmp_path / "data"
    assert run("seed", "--data", data, "--users", "3", "--products", "1").returncode == 0
    for command in (("check",), ("dump",), ("rebuild",), ("keys", "list")):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [BINARY, *command, "--data", data], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert done.returncode == 1, (command, done.returncode, done.stderr)
        assert "written" in done.stderr or "No space" in done.stderr, (command, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    done = run("seed", "--data", data, "--users", "3", "--tokens", "/dev/full")
    assert done.returncode == 1 and "--tokens" in done.stderr, done.stderr
    # Nobody listens: that is no mistake of the tool.
    done = subprocess.run(f"'{BINARY}' check --data '{data}' >&- 2>&-", shell=True, timeout=60)
    assert done.returncode == 0
