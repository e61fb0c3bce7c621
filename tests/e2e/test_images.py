"""Pictures of products: what they are is told by their content."""

import concurrent.futures

import pytest

from pictures import ALL, JPEG, png


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
