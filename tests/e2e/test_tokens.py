"""Access tokens: whatever is not exactly one of ours gets the same 401, and nothing happens (RFC 8725)."""

import base64
import hashlib
import json
import socket
import time

import client
import pytest
from client import Client
from tokens import Forger, encode, now
from waiting import until


@pytest.fixture(scope="module")
def owner(market):
    return client.sign_up(market.url)


@pytest.fixture(scope="module")
def forger(market, owner):
    return Forger(market.data, owner.token)


def test_the_forger_can_make_a_good_one(market, forger):
    """Otherwise every refusal below would prove nothing."""
    Client(market.url, forger.token()).get("/users/me", expect=200)
    Client(market.url, forger.token(exp=now(500), iat=now(-10))).get("/users/me", expect=200)
    Client(market.url, forger.token(sid=None)).get("/users/me", expect=200)


def refuse(market, *tokens):
    plain = Client(market.url).get("/users/me", expect=(401, "unauthenticated")).json()
    for token in tokens:
        header = {"Authorization": b"Bearer " + (token if isinstance(token, bytes) else token.encode())}
        answer = Client(market.url).get("/users/me", headers=header)
        assert answer.status_code == 401, f"{token[:300]}: {answer.status_code} {answer.text}"
        assert answer.json() | {"traceId": ""} == plain | {"traceId": ""}, token[:300]


def test_algorithm_none(market, forger):
    for name in ("none", "None", "nOnE", "NONE"):
        part = encode(forger.head | {"alg": name}) + "." + encode(forger.claims)
        refuse(market, part + ".", part, part + "." + forger.sign(part))


def test_other_algorithms(market, forger):
    refuse(
        market,
        *(forger.with_head(alg=name) for name in ("RS256", "ES256", "HS512", "EdDSA", "hs256", "", None, 5)),
    )
    refuse(market, forger.raw(forger.head | {"alg": "HS384"}, forger.claims, digest=hashlib.sha384))
    refuse(market, forger.raw(forger.head | {"alg": "HS512"}, forger.claims, digest=hashlib.sha512))
    part = encode(forger.head | {"alg": "ES256"}) + "." + encode(forger.claims)
    zeros, der = encode(bytes(64)), encode(bytes.fromhex("3006020100020100"))
    refuse(market, part + "." + zeros, part + "." + der)


def test_other_keys(market, forger):
    refuse(
        market,
        *(forger.raw(forger.head, forger.claims, secret) for secret in (b"", b"secret", bytes(32), b"k1")),
    )
    pem = b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n"
    refuse(
        market,
        forger.raw(forger.head, forger.claims, pem),
        forger.raw(forger.head, forger.claims, base64.b64decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")),
    )


def test_broken_signatures(market, owner, forger):
    part, signature = owner.token.rsplit(".", 1)
    other = client.sign_up(market.url).token.rsplit(".", 1)[1]
    refuse(
        market, part + ".", part, part + "." + signature[:-1], part + "." + signature[:-2], part + "." + other
    )
    refuse(market, part + "." + signature + "A", part + "." + signature + "=", part + "." + signature + "==")
    raw = base64.urlsafe_b64decode(signature + "=")
    for bit in (0, 100, 255):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        refuse(market, part + "." + encode(bytes(flipped)))
    # 32 bytes leave two unused bits in the last letter: they must be zero.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for tail in (1, 2, 3):
        refuse(market, part + "." + signature[:-1] + alphabet[alphabet.index(signature[-1]) + tail])
    refuse(
        market,
        part + "." + signature[:20] + "+/" + signature[22:],
        part + "." + signature[:20] + "+" + signature[20:],
    )


def test_wrong_shapes(market, owner, forger):
    head, claims, signature = owner.token.split(".")
    refuse(
        market,
        ".",
        "..",
        "...",
        "....",
        "x",
        "x.y",
        "x.y.z",
        head,
        head + "." + claims,
        owner.token + ".",
        "." + owner.token,
        owner.token + "." + signature,
        ".".join([head, "", "", "", signature]),
        ".".join([head, claims, claims, claims, signature]),
        head + ".." + signature,
        "." + claims + "." + signature,
        owner.token + " x",
        owner.token[:50] + " " + owner.token[50:],
        owner.token + "%00",
        owner.token + '"',
        '"' + owner.token + '"',
        owner.token + "," + owner.token,
        owner.token.encode() + b"\xff",
    )


def test_headers_that_ask_for_more(market, forger):
    jwk = {"kty": "oct", "k": encode(b"a" * 32)}
    with socket.create_server(("127.0.0.1", 0)) as attacker:
        attacker.settimeout(0.2)
        url = f"http://127.0.0.1:{attacker.getsockname()[1]}/keys"
        refuse(
            market,
            *(
                forger.with_head(**more)
                for more in ({"jwk": jwk}, {"jku": url}, {"x5u": url}, {"x5c": ["MII="]})
            ),
        )
        with pytest.raises(TimeoutError):
            attacker.accept()
    refuse(
        market,
        *(
            forger.with_head(**more)
            for more in (
                {"crit": ["exp"]},
                {"crit": ["x"], "x": 1},
                {"b64": False},
                {"zip": "DEF"},
                {"cty": "JWT"},
            )
        ),
    )
    refuse(market, *(forger.with_head(typ=kind) for kind in ("JWT", "rt+jwt", "jose", "", None)))


def test_key_ids(market, forger):
    for name in (
        "../../dev/null",
        "/dev/null",
        "' OR '1'='1",
        "k2",
        "K1",
        "",
        None,
        1,
        ["k1"],
        "k" * 3000,
        "k1\x00",
    ):
        refuse(market, forger.with_head(kid=name))
    part = encode(forger.head | {"kid": "../../../../../../dev/null"}) + "." + encode(forger.claims)
    refuse(market, part + "." + forger.sign(part, b""))


def test_times(market, forger):
    for exp in (None, now(-1), now(-3600), str(now(500)), -1, 0, 2**63, 2**64, 1e3, True, [], {}):
        refuse(market, forger.token(exp=exp) if exp is not None else forger.token(exp=None))
    claims = json.dumps(forger.claims, separators=(",", ":"))
    wrong = claims.replace(f'"exp":{forger.claims["exp"]}', '"exp":1e400')
    assert wrong != claims
    refuse(market, forger.raw(forger.head, wrong))
    refuse(market, forger.token(iat=now(3600), exp=now(7200)), forger.token(iat="x"), forger.token(iat=None))
    refuse(market, forger.token(iat=now(), exp=now(-5)), forger.token(nbf=now(3600)))


def test_names(market, forger):
    for wrong in (None, "", "evil", ["market"], ["x", "y"], 1, "Market"):
        refuse(market, forger.token(iss=wrong or None) if wrong != "" else forger.token(iss=""))
        refuse(market, forger.token(aud=wrong or None) if wrong != "" else forger.token(aud=""))
    for wrong in (None, "", "x" * 65, 1, [], "' OR 1=1", "../x"):
        refuse(market, forger.token(sub=wrong))
    refuse(
        market,
        forger.token(role="root"),
        forger.token(role=None),
        forger.token(role=["admin"]),
        forger.token(role="ADMIN"),
    )
    refuse(
        market,
        forger.token(ev="true"),
        forger.token(ev=None),
        forger.token(sid="x" * 65),
        forger.token(sid=1),
    )
    refuse(market, forger.token(admin=True), forger.token(scope="*"))


def test_claims_that_are_no_plain_object(market, owner, forger):
    good = json.dumps(forger.claims, separators=(",", ":"))
    sub = f'"sub":"{forger.claims["sub"]}"'
    refuse(
        market,
        *(
            forger.raw(forger.head, text)
            for text in (
                "",
                "{",
                "[]",
                "null",
                '"x"',
                good[:-1],
                good + "x",
                good + good,
                "\ufeff" + good,
                good.replace(sub, sub + "," + sub),
                good[:-1] + ',"exp":9999999999}',
                "[" * 1500 + "]" * 1500,
                "[" * 10_000,
                '{"a":' * 400 + "1" + "}" * 400,
            )
        ),
        forger.raw(forger.head, good.encode() + b"\xff"),
        forger.raw(forger.head, good.encode("utf-16")),
    )
    head = json.dumps(forger.head, separators=(",", ":"))
    refuse(
        market,
        forger.raw(head.replace("{", '{"alg":"none",'), good),
        forger.raw("[" * 2000, good),
        forger.raw("{ " + head[1:], good),
    )


def test_no_jwe_and_nothing_huge(market, forger):
    refuse(
        market,
        ".".join(
            [encode({"alg": "dir", "enc": "A256GCM"}), "", encode(b"iv"), encode(b"text"), encode(b"tag")]
        ),
    )
    refuse(market, forger.token(sub="x" * 4000), "a" * 9000, "." * 9000)
    # Beyond the head's bound: refused as a head, and the server goes on.
    for size in (20_000, 65_536, 1_000_000):
        answer = None
        try:
            answer = Client(market.url).get("/users/me", headers={"Authorization": "Bearer " + "a" * size})
        except OSError:
            pass  # It may close before all is sent.
        assert answer is None or answer.status_code == 431
    Client(market.url).get("/products", expect=200)


def test_tokens_of_another_kind(market, owner):
    """A refresh token is no access token, and the reverse."""
    refuse(market, owner.refresh)
    refused = Client(market.url).post("/sessions/refresh", {"refreshToken": owner.token})
    assert refused.status_code in (401, 422)


def test_where_the_token_may_stand(market, owner):
    anonymous = Client(market.url)
    for query in ("access_token=", "token=", "authorization=Bearer%20"):
        anonymous.get(f"/users/me?{query}{owner.token}", expect=(401, "unauthenticated"))
    assert owner.token not in market.log_path.read_text()
    for header in ("X-Authorization", "X-Access-Token", "Proxy-Authorization", "Cookie"):
        anonymous.get("/users/me", headers={header: "Bearer " + owner.token}, expect=401)
    for scheme in ("bearer ", "BEARER ", "Bearer ", "Bearer  ", "Bearer    "):  # RFC 6750, 2.1: 1*SP.
        anonymous.get("/users/me", headers={"Authorization": scheme + owner.token}, expect=200)
    for value in (
        owner.token,
        "Bearer",
        "Bearer ",
        "Bearer \t" + owner.token,
        "Bearer\t" + owner.token,
        "Basic " + owner.token,
        "Bearer:" + owner.token,
        "Token " + owner.token,
        "DPoP " + owner.token,
    ):
        anonymous.get("/users/me", headers={"Authorization": value}, expect=401)


def test_two_authorization_headers(market, owner):
    line = f"Authorization: Bearer {owner.token}\r\n"
    for second in (line, "Authorization: Bearer x\r\n", "authorization: Basic eDp5\r\n"):
        request = f"GET /api/v1/users/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}{second}\r\n"
        with socket.create_connection(("127.0.0.1", market.port), timeout=5) as peer:
            peer.sendall(request.encode())
            answer = b"".join(iter(lambda: peer.recv(65536), b""))
        assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 ")), answer[:200]


def test_an_unknown_account_is_no_account(market, forger):
    """Deleted since, or a token of another store with the same key."""
    ghost = Client(market.url, forger.token(sub="0" * 12 + "7", sid=None))
    ghost.get("/users/me", expect=(401, "unauthenticated"))
    ghost.patch("/users/me", {"name": "x"}, expect=(401, "unauthenticated"))
    ghost.put("/users/me/password", {"currentPassword": "x", "newPassword": "long enough 77"}, expect=401)
    assert ghost.get("/sessions", expect=200).json()["items"] == []
    assert ghost.get("/orders", expect=200).json()["items"] == []


def test_a_token_ends(start):
    server = start("users.access_token_life=2s")
    caller = client.sign_up(server.url)
    assert caller.get("/users/me", expect=200)
    until(lambda: caller.get("/users/me").status_code == 401, 5)
    tokens = Client(server.url).post("/sessions/refresh", {"refreshToken": caller.refresh}, expect=201).json()
    assert tokens["expiresIn"] == 2
    Client(server.url, tokens["accessToken"]).get("/users/me", expect=200)


def test_a_shorter_life_revives_no_token_of_a_session_that_has_ended(start):
    server = start("users.access_token_life=1h")
    caller = client.sign_up(server.url)
    caller.delete("/sessions/current", expect=204)
    caller.get("/users/me", expect=401)
    assert server.stop() == 0
    time.sleep(1.1)
    server = start("users.access_token_life=1s", data=server.data)
    Client(server.url, caller.token).get("/users/me", expect=(401, "unauthenticated"))


def test_a_short_or_open_key_refuses_to_start(start, tmp_path):
    first = start()
    assert first.stop() == 0
    key = first.data / "keys/token-signing"
    good = key.read_bytes()
    for bad, mode in ((b"short", 0o600), (bytes(32), 0o600), (b"a" * 64, 0o600), (good, 0o644)):
        key.write_bytes(bad)
        key.chmod(mode)
        with pytest.raises(RuntimeError, match=r"exit [12]\)"):
            start(data=first.data)
        lines = first.log_path.read_text().strip().splitlines()
        assert lines[-1].startswith("market: ") and "key" in lines[-1], lines[-1]
    key.write_bytes(good)
    key.chmod(0o600)
    start(data=first.data)
