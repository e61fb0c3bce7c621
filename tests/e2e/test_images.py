"""Pictures of products: what they are is told by their content."""

import concurrent.futures
import pathlib
import re
import shutil
import threading

import client
import pytest
from client import Client, moment
from market_server import run

from pictures import ALL, JPEG, png
from waiting import until


def put(caller, product, data, kind, **more):
    return caller.put(f"/products/{product['id']}/image", data=data, headers={"Content-Type": kind}, **more)


@pytest.mark.parametrize(("kind", "data"), ALL)
def test_a_picture_is_served_as_it_was_sent(admin, anonymous, kind, data):
    product = admin.product()
    url = put(admin, product, data, kind, expect=200).json()["imageUrl"]
    shown = anonymous.get("/products/" + product["id"], expect=200)
    assert shown.json()["imageUrl"] == url and url.startswith("/")
    served = anonymous.get("/" + url, expect=200)
    assert served.content == data and served.headers["Content-Type"] == kind
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
    anonymous.get("/" + url, headers={"If-None-Match": served.headers["ETag"]}, expect=304)


def test_a_new_picture_has_a_new_address(admin, anonymous):
    product = admin.product()
    first = put(admin, product, png(), "image/png", expect=200).json()["imageUrl"]
    etag = anonymous.get("/products/" + product["id"]).headers["ETag"]
    second = put(admin, product, JPEG, "image/jpeg", expect=200).json()["imageUrl"]
    assert second != first and anonymous.get("/" + second).content == JPEG
    # Caches keep a picture for good under its own address, and never under one that it has replaced.
    assert "immutable" in anonymous.get("/" + second).headers["Cache-Control"]
    assert anonymous.get("/" + first).headers["Cache-Control"] == "no-store"
    assert anonymous.get("/" + second).headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert anonymous.get("/products/" + product["id"]).headers["ETag"] != etag
    # Other changes leave it alone.
    assert admin.patch("/products/" + product["id"], {"name": "x"}, expect=200).json()["imageUrl"] == second


def test_what_is_no_picture_is_refused(admin, anonymous):
    product = admin.product()
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    for data, kind in (
        (b"", "image/png"),
        (b"text", "image/png"),
        (svg, "image/svg+xml"),
        (svg, "image/png"),
        (JPEG, "image/png"),
        (png(), "text/html"),
        (png(), "application/json"),
        (b"GIF89a" + b"\0" * 30, "image/gif"),
        (png()[:8], "image/png"),
        (b"RIFF\0\0\0\0WAVEfmt " + b"\0" * 20, "image/webp"),
    ):
        put(admin, product, data, kind, expect=(415, "unsupported_media_type"))
    assert anonymous.get("/products/" + product["id"]).json()["imageUrl"] is None
    anonymous.get(f"/products/{product['id']}/image", expect=(404, "not_found"))


def test_five_megabytes_and_no_more(admin, anonymous):
    product = admin.product()
    big = png(5 * 1024 * 1024 - len(png()) - 12)
    assert len(big) == 5 * 1024 * 1024
    url = put(admin, product, big, "image/png", expect=200).json()["imageUrl"]
    assert anonymous.get("/" + url).content == big
    put(admin, product, big + b"\0", "image/png", expect=(413, "payload_too_large"))


def test_a_picture_is_decoded_whole_before_it_is_taken(admin, anonymous):
    """A cut one was taken, and every page of the product showed half of it."""
    product = admin.product()
    for kind, data in ALL:
        for size in (len(data) - 1, len(data) // 2, 40):
            refused = put(admin, product, data[:size], kind, expect=(422, "validation")).json()
            assert [error["field"] for error in refused["errors"]] == ["image"], refused
            assert "cut or damaged" in refused["detail"]
    behind = put(admin, product, png() + b"<script>", "image/png", expect=(422, "validation")).json()
    assert behind["errors"][0]["code"] == "damaged"
    # Its head alone would make a careless decoder ask for a gigabyte.
    large = png(width=16_000, height=2)[:-24].replace(b"\0\0\x3e\x80\0\0\0\x02", b"\0\0\x3e\x80\0\0\x3e\x80")
    put(admin, product, large, "image/png", expect=(422, "validation"))
    assert anonymous.get("/products/" + product["id"]).json()["imageUrl"] is None


def test_sixty_pictures_at_once_are_decoded_one_by_one(admin, anonymous):
    """Each would need a hundred megabytes: the rest waits, or is told to come again, and pages go on."""
    product = admin.product()
    large = png(width=5_000, height=5_000)
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = [pool.submit(put, admin, product, large, "image/png") for _ in range(60)]
        anonymous.get("/products/" + product["id"], expect=200)
        codes = {answer.result().status_code for answer in answers}
    assert codes <= {200, 503} and 200 in codes, codes
    shown = anonymous.get("/products/" + product["id"]).json()["imageUrl"]
    assert anonymous.get("/" + shown).content == large


def test_one_sellers_pictures_hold_up_no_other_seller(market, admin):
    """Sellers take turns at the one thread that decodes, and whoever has the most waiting gives way."""
    greedy, other = client.sign_up(market.url), client.sign_up(market.url)
    for one in (greedy, other):
        admin.patch("/users/" + one.user["id"], {"role": "seller"}, expect=200)
    sign_in = client.sign_in
    greedy, other = (sign_in(market.url, one.user["email"], client.PASSWORD) for one in (greedy, other))
    large, product, own = png(width=4_000, height=4_000), greedy.product(), other.product()
    ended = threading.Event()

    def press():
        caller, codes = Client(market.url, greedy.token), set()
        while not ended.is_set():
            codes.add(put(caller, product, large, "image/png").status_code)
        return codes

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        pressing = [pool.submit(press) for _ in range(24)]
        try:
            until(lambda: put(admin, admin.product(), png(), "image/png").status_code == 200, 20)
            codes = [put(other, own, png(padding=count), "image/png").status_code for count in range(10, 16)]
        finally:
            ended.set()
        refused = [503 in one.result() for one in pressing]
    assert codes == [200] * 6 and any(refused), "there was a crowd"


WIDTHS = (160, 320, 640, 1280)


def webp_size(data):
    """Width and height by the head of a lossy WebP file, or of an extended one."""
    assert data[:4] == b"RIFF" and data[8:12] == b"WEBP", data[:16]
    if data[12:16] == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    assert data[12:16] == b"VP8 " and data[23:26] == b"\x9d\x01\x2a", data[:32]
    return tuple(int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))


def test_smaller_copies_are_made_once_and_kept_for_good(start):
    server = start()
    chief, anonymous = client.admin(server.url), Client(server.url)
    product = chief.product()
    url = "/" + put(chief, product, png(width=2000, height=1000), "image/png", expect=200).json()["imageUrl"]
    for width in WIDTHS:
        small = anonymous.get(f"{url}&width={width}", expect=200)
        assert small.headers["Content-Type"] == "image/webp"
        assert webp_size(small.content) == (width, width // 2)
        assert small.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert small.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        tag = {"If-None-Match": small.headers["ETag"]}
        assert anonymous.get(f"{url}&width={width}", headers=tag, expect=304).content == b""
        assert anonymous.get(f"{url}&width={width}").content == small.content
    tags = {anonymous.get(f"{url}&width={width}").headers["ETag"] for width in WIDTHS}
    assert len(tags | {anonymous.get(url).headers["ETag"]}) == 5, "each is something else to a cache"
    before = anonymous.get(f"{url}&width=160").content
    kept = sorted(path.name for path in (server.data / "picture-sizes").rglob("*.*"))
    assert len(kept) == 4, kept
    # A damaged copy, or none, is made anew; nothing else is lost with it.
    for path in (server.data / "picture-sizes").rglob("*.160"):
        path.write_bytes(path.read_bytes()[:-7] + b"<damage>")
    assert anonymous.get(f"{url}&width=160").content == before
    shutil.rmtree(server.data / "picture-sizes")
    assert anonymous.get(f"{url}&width=160").content == before
    # A backup has the picture, and no copies; both are a whole store.
    backup = server.data.parent / "backup"
    assert run("backup", "--data", server.data, "--to", backup).returncode == 0
    assert not (backup / "picture-sizes").exists() and list((backup / "pictures").rglob("*"))
    assert server.stop() == 0
    for data in (server.data, backup):
        checked = run("check", "--data", data)
        assert checked.returncode == 0, checked.stdout


def test_a_picture_that_is_no_wider_is_its_own_copy(admin, anonymous):
    product = admin.product()
    url = "/" + put(admin, product, JPEG, "image/jpeg", expect=200).json()["imageUrl"]
    small = anonymous.get(url + "&width=160", expect=200)
    assert small.content == JPEG and small.headers["Content-Type"] == "image/jpeg"
    assert "immutable" in small.headers["Cache-Control"]


@pytest.mark.parametrize(
    "width",
    ["", "0", "1", "161", "-160", "160.0", "0160", "+160", "99999999999", "../160", "%00", "160&width=320"],
)
def test_only_the_widths_there_are_are_made(admin, anonymous, width):
    product = admin.product()
    url = "/" + put(admin, product, png(width=700), "image/png", expect=200).json()["imageUrl"]
    refused = anonymous.get(f"{url}&width={width}", expect=(422, "validation")).json()
    assert [error["field"] for error in refused["errors"]] == ["width"]


def test_a_copy_of_a_hidden_product_gives_nothing_away(admin, anonymous):
    product = admin.product(publishAt=moment(3600))
    url = "/" + put(admin, product, png(width=700), "image/png", expect=200).json()["imageUrl"]
    anonymous.get(url + "&width=320", expect=(404, "product_not_found"))
    assert admin.get(url + "&width=320", expect=200).headers["Cache-Control"] == "private, no-store"
    anonymous.get(url + "&width=320", expect=(404, "product_not_found"))


def test_sixty_who_ask_for_a_copy_at_once_have_it_made_once(start):
    """The largest picture: each making needs a hundred megabytes and a second of a processor."""
    server = start()
    chief, anonymous = client.admin(server.url), Client(server.url)
    product = chief.product()
    large = png(width=5_000, height=5_000)
    url = "/" + put(chief, product, large, "image/png", expect=200).json()["imageUrl"]

    def ask(number):
        return Client(server.url).get(f"{url}&width={WIDTHS[number % 4]}")

    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = [pool.submit(ask, number) for number in range(60)]
        anonymous.get("/products/" + product["id"], expect=200)
        answers = [answer.result() for answer in answers]
    assert {answer.status_code for answer in answers} == {200}
    # Whoever had to wait for too long has the picture itself, and keeps it for nobody.
    for number, answer in enumerate(answers):
        if answer.headers["Cache-Control"] != "no-store":
            assert webp_size(answer.content)[0] == WIDTHS[number % 4]
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    most = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
    assert most < 400 * 1024, most
