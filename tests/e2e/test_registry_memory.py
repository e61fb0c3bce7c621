"""The worst registrations that the registry accepts: its memory stays under what docs/limits.md says."""

import http.client
import json
import re

import pytest
from market_server import Market
from registry_calls import AMAZON_CLASS, call, instance, post

BYTES_MAX = 1024 * 1024 * 1024  # docs/limits.md, "Registry".
SHAPES = {
    "wordy": {"k": "&" * (32 * 1024 - 1)},
    "scattered": {f"key-{number:03}": "x" * 120 for number in range(256)},
}


def memory(server):
    metrics = call(server, "GET", "/metrics", accept="text/plain")[1]
    return int(re.search(r"^process_resident_memory_bytes (\d+)$", metrics, re.M)[1])


def fetch(server, path, accept):
    """As a client that reads all of it; the answers have hundreds of megabytes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        answer = connection.getresponse()
        while answer.read(1 << 20):
            pass
        return answer.status
    finally:
        connection.close()


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_bounded(tmp_path, shape):
    texts = SHAPES[shape]
    more = {
        "dataCenterInfo": {"@class": AMAZON_CLASS, "name": "Amazon", "metadata": texts},
        "homePageUrl": "/" + "x" * 2047,
        "vipAddress": ",".join(f"v{number}" for number in range(200)),
    }
    with Market(tmp_path / "registry", flags=("--role", "registry")) as server:
        count, status = 0, 204
        while status == 204 and count < 20_000:
            status, body = post(server, instance(f"i{count}", more=more, **texts))
            count += 1
        assert status == 503
        assert "registry_bytes_max" in json.loads(body)["detail"]
        assert count > 100
        for path in ("/eureka/apps", "/eureka/apps/delta", "/eureka/vips/v1", "/eureka/vips/v2"):
            for accept in ("application/json", "application/xml"):
                assert fetch(server, path, accept) == 200
        for number in range(200):  # Removed ones stay in the delta for a while.
            assert call(server, "DELETE", f"/eureka/apps/FAKE/i{number}")[0] == 200
            assert post(server, instance(f"j{number}", more=more, **texts))[0] == 204
        assert memory(server) < BYTES_MAX
