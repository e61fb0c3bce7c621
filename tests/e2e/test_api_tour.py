"""docs/api-tour.md does what it says: its blocks are one script."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest
from market_server import ADMIN_EMAIL, ADMIN_PASSWORD, PATIENCE

TOUR = pathlib.Path(__file__).resolve().parents[2] / "docs/api-tour.md"


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_the_tour(start, tmp_path):
    server = start("orders.day=2s")
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", TOUR.read_text(encoding="utf-8"))
    assert len(blocks) >= 10
    script = tmp_path / "tour.sh"
    script.write_text("set -euxo pipefail\n" + "\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        ["bash", str(script)],
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        env={
            **os.environ,
            "MARKET": server.url,
            "MARKET_ADMIN_EMAIL": ADMIN_EMAIL,
            "MARKET_ADMIN_PASSWORD": ADMIN_PASSWORD,
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "delivered" in done.stdout and "returned" in done.stdout
