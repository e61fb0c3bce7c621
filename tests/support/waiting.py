"""Waiting for something that the server does by itself."""

import time

from market_server import PATIENCE


def until(condition, seconds=5.0, what="it did not happen in time"):
    """The first true answer of `condition`; fails after `seconds`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
