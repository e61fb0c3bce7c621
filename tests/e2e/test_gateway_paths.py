"""No spelling of a protected path reaches a service by a weaker rule; what is matched is what leaves."""

import secrets

import pytest
from fake_upstream import FakeUpstream
from gateway import Gateway

CONFIG = """
[gateway.services]
fake = ["127.0.0.1:{port}"]
[[gateway.routes]]
id = "account"
service = "fake"
path = ["/shop/account/**", "/shop/me"]
authenticated = true
[[gateway.routes]]
id = "internal"
path = "/shop/internal/**"
answer = {{ status = 403, body = "{{}}" }}
[[gateway.routes]]
id = "open"
service = "fake"
path = "/shop/**"
[[gateway.routes]]
id = "stripped"
service = "fake"
path = "/strip/**"
strip_prefix = 1
[[gateway.routes]]
id = "moved"
path = "/moved/**"
redirect = {{ status = 302, location = "{{path}}" }}
"""

BASES = ["/shop/account/me", "/shop/account", "/shop/me", "/shop/internal/x"]


def spellings(path):
    """As clients, proxies and attackers write it."""
    head, last = path.rsplit("/", 1)
    inner = path.replace("/shop/", "", 1)
    first = inner.split("/")[0]
    escaped = "".join(f"%{ord(c):02x}" for c in first)
    rest = inner[len(first) :]
    return [
        path,
        f"/shop/{escaped}{rest}",
        f"/shop/{escaped.upper().replace('%', '%')}{rest}",
        f"/shop/%{ord(first[0]):02X}{first[1:]}{rest}",
        f"/%73hop/{inner}",
        f"/shop/{first};x{rest}",
        f"/shop/{first};a=b;c{rest}",
        f"/shop/{first}%3bx{rest}",
        f"/shop;v=1/{inner}",
        f"/shop//{inner}",
        f"//shop/{inner}",
        f"/shop/./{inner}",
        f"/shop/%2e/{inner}",
        f"/shop/x/../{inner}",
        f"/shop/x/%2e%2e/{inner}",
        f"/shop/x/..;/{inner}",
        f"/shop/x/.%2e;y/{inner}",
        f"/shop/x%2f..%2f{inner}",
        f"/shop/x%5c..%5c{inner}",
        f"/shop%2f{inner}",
        f"/shop/{inner.upper()}",
        f"/shop/{first.capitalize()}{rest}",
        f"{path}/" if not rest else f"{path}//",
        f"{path};",
        f"{path}%3f",
        f"{path}%23",
        f"{path}%20",
        f"/shop/{first}%20{rest}",
        f"/shop/%20{inner}",
        f"/shop/%20/{inner}",
        f"/shop/{first}%2520{rest}",
        f"{head}/%25{ord(last[0]):02x}{last[1:]}",
        f"/shop/%25{ord(first[0]):02x}{first[1:]}{rest}",
        f"/shop/x/%c0%ae%c0%ae/{inner}",
        f"/shop%c0%af{inner}",
        f"/x/../shop/{inner}",
        f"/../shop/{inner}",
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paths")
    key = folder / "key"
    key.write_bytes(secrets.token_bytes(32))
    key.chmod(0o600)
    with FakeUpstream() as upstream:
        with Gateway(folder, CONFIG.format(port=upstream.port), f"auth.key_file={key}") as gateway:
            yield gateway, upstream


@pytest.mark.parametrize("base", BASES)
def test_no_spelling_passes_by_a_weaker_rule(shop, base):
    gateway, upstream = shop
    tried = spellings(base)
    assert len(tried) >= 30
    before = len(upstream.requests)
    for path in tried:
        for method in ("GET", "POST"):
            answer = gateway.ask(path, method)
            assert answer.status in (401, 403, 404), (method, path, answer.status)
    assert len(upstream.requests) == before, [request.target for request in upstream.requests[before:]]


@pytest.mark.parametrize(
    "sent, seen",
    [
        ("/shop/a", "/shop/a"),
        ("/shop//a///b", "/shop/a/b"),
        ("/shop/%61/%7e", "/shop/a/~"),
        ("/shop/x/../a?b=..//%61", "/shop/a?b=..//%61"),
        ("/shop/a;x=y/b", "/shop/a;x=y/b"),
        ("/shop/%ed%95%9c", "/shop/%ED%95%9C"),
        ("/shop/a%20b%3b", "/shop/a%20b%3B"),
        ("/shop/a%20/b%20", "/shop/a%20/b%20"),
        ("/shop/account/../a", "/shop/a"),
        ("/strip//a/./b", "/a/b"),
        ("/strip/%61;v=1/b", "/a;v=1/b"),
    ],
)
def test_what_is_matched_is_what_leaves(shop, sent, seen):
    gateway, _ = shop
    answer = gateway.ask(sent)
    assert answer.status == 200 and answer.json()["target"] == seen


def test_a_redirect_leads_nowhere_else(shop):
    gateway, _ = shop
    answer = gateway.ask("//moved/evil.example")
    assert answer.status == 302 and answer.get("Location") == "/moved/evil.example"
