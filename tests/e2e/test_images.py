"""Pictures of products: what they are is told by their content."""

import struct
import zlib

import pytest


def png(size=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"tEXt", b"\0" * size) + pixels + chunk(b"IEND", b"")


JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + b"\0" * 50 + b"\xff\xd9"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"


def put(caller, product, data, kind, **more):
    return caller.put(f"/products/{product['id']}/image", data=data, headers={"Content-Type": kind}, **more)


@pytest.mark.parametrize(("kind", "data"), [("image/png", png()), ("image/jpeg", JPEG), ("image/webp", WEBP)])
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
    big = png(5 * 1024 * 1024 - len(png()))
    assert len(big) == 5 * 1024 * 1024
    url = put(admin, product, big, "image/png", expect=200).json()["imageUrl"]
    assert anonymous.get("/" + url).content == big
    put(admin, product, big + b"\0", "image/png", expect=(413, "payload_too_large"))
