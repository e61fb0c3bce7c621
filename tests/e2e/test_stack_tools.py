"""What starts the processes of the stack: the same twice at once, and one that hangs."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from waiting import until

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools/stack"
sys.path.insert(0, str(TOOLS))

from engines import Redis  # noqa: E402


@pytest.mark.skipif(not shutil.which("redis-server"), reason="apt-get install redis-server")
def test_of_two_that_start_the_same_one_starts_it_and_it_is_known(tmp_path):
    """The one that came second took the place of the first in the pid file, and could not have the port."""
    command = [sys.executable, TOOLS / "engines.py", "up", "redis", "--any-port", "--dir", tmp_path]
    starting = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [each.wait(60) for each in starting] == [0] * 4
    redis = Redis(tmp_path)
    pid = redis.process.pid()
    try:
        assert pid is not None and redis.state() == "serves"
        os.kill(pid, signal.SIGSTOP)
        until(lambda: redis.state() == "does not answer")
        os.kill(pid, signal.SIGCONT)
        until(lambda: redis.state() == "serves")
    finally:
        redis.down()
    assert redis.state() == "is down" and not redis.healthy()
