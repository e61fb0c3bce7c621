"""The machine underneath: full disks, deleted files, read-only media, clocks. Real small file systems where
mounts are allowed; where they are not, those tests are skipped and counted."""

import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

import client  # noqa: E402
from disks import mount  # noqa: E402
from market_server import Market  # noqa: E402
from pictures import png  # noqa: E402


PICTURE = png()


@pytest.fixture
def small_disk(tmp_path):
    """small_disk(24): a file system of so many MiB, empty."""
    mounted = []

    def make(mebibytes, name="disk"):
        folder = tmp_path / name
        folder.mkdir()
        mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", folder)
        mounted.append(folder)
        return folder

    yield make
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def read_only(tmp_path):
    """read_only(FOLDER): the same files at a place where nothing can be written."""
    mounted = []

    def make(folder):
        at = tmp_path / f"read-only-{len(mounted)}"
        at.mkdir()
        mount("--bind", folder, at)
        mounted.append(at)
        mount("-o", "remount,bind,ro", at)
        return at

    yield make
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(*settings, data=None, **more):
        server = Market(data or tmp_path / "data", "ratelimit.enabled=false", *settings, **more).start()
        started.append(server)
        return server

    yield begin
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def sold_store(tmp_path_factory):
    """A stopped store with a picture, a paid, a refunded and an open order; not to be changed."""
    data = tmp_path_factory.mktemp("sold") / "data"
    with Market(data, "log.snapshot_every=1") as server:
        seller, buyer = client.admin(server.url), client.sign_up(server.url)
        product = seller.product()
        seller.put(f"/products/{product['id']}/image", data=PICTURE, headers={"Content-Type": "image/png"})
        buyer.pay(buyer.order(product).json())
        refunded = buyer.order(product).json()
        buyer.pay(refunded)
        buyer.post(f"/orders/{refunded['id']}/cancel", expect=200)
        buyer.order(product, key="open")
        (data.parent / "email").write_text(buyer.user["email"])
    return data


@pytest.fixture
def store(sold_store, tmp_path):
    """A copy of it."""
    shutil.copytree(sold_store, tmp_path / "data")
    return tmp_path / "data"


def pytest_terminal_summary(terminalreporter):
    """The line that ./dev adds up."""
    counts = {
        word: len(terminalreporter.stats.get(word, [])) for word in ("passed", "failed", "error", "skipped")
    }
    terminalreporter.write_line(
        f"{counts['passed']} passed, {counts['failed'] + counts['error']} failed, {counts['skipped']} skipped"
    )
