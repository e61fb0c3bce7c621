"""Signing up, the e-mail code, the account, changing the password."""

import re

import client
import mail_server
import pytest
from client import PASSWORD, Client, new_email
from waiting import until

OWN_PASSWORDS = ["admin-password-123", "tiny red market", "summer Rain 7"]
LONG_PASSWORDS = ["p4ragraph " * 7, "한글 비밀번호 아주 긴 문장 하나", "z" * 30 + "Q7!" + "k9" * 40]


def mails_to(email):
    """The texts that were sent to this address, oldest first."""
    return [mail.text for mail in mail_server.shared().to(email)]


def codes_to(email):
    return [re.search(r"code is (\d{6})", mail).group(1) for mail in mails_to(email)]


def test_signs_up_with_all_members(anonymous):
    email = new_email()
    wanted = {"email": email, "password": PASSWORD, "name": "Kim <b>", "phone": "010-1", "address": "Seoul"}
    user = anonymous.post("/users", wanted, expect=201).json()
    assert user | {"id": "", "createdAt": ""} == {
        "id": "",
        "email": email,
        "name": "Kim <b>",
        "phone": "010-1",
        "address": "Seoul",
        "role": "customer",
        "emailVerified": False,
        "createdAt": "",
    }
    caller = client.sign_in(anonymous.url, email, PASSWORD)
    assert caller.user == user and caller.get("/users/me", expect=200).json() == user


def test_optional_members_may_be_missing_or_null(anonymous):
    for more in ({}, {"phone": None, "address": None}):
        wanted = {"email": new_email(), "password": PASSWORD, "name": "Kim", **more}
        user = anonymous.post("/users", wanted, expect=201).json()
        assert user["phone"] is None and user["address"] is None


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short9!xy",
        "password123",
        "qwertyuiop",
        "1234567890",
        "aaaaaaaaaaaa",
        "Password1234",
        "admin12345",
        "market12345",
    ],
)
def test_weak_passwords_are_refused(anonymous, password):
    body = {"email": new_email(), "password": password, "name": "Kim"}
    answer = anonymous.post("/users", body, expect=(422, "validation"))
    assert [error["field"] for error in answer.json()["errors"]] == ["password"]
    assert not password or password not in answer.text


def test_ones_own_address_is_no_password(anonymous):
    email = new_email()
    for password in (email, email.upper(), email.capitalize()):
        body = {"email": email, "password": password, "name": "Kim"}
        errors = anonymous.post("/users", body, expect=(422, "validation")).json()["errors"]
        assert [error["field"] for error in errors] == ["password"]


def test_a_decomposed_password_signs_in(anonymous):
    """RFC 8265: typed on another keyboard it is the same password."""
    email, composed = new_email(), "caf\u00e9 otter 4711 \ud55c\uae00"
    decomposed = "cafe\u0301\u3000otter\u00a04711 \u1112\u1161\u11ab\u1100\u1173\u11af"
    anonymous.post("/users", {"email": email, "password": decomposed, "name": "Kim"}, expect=201)
    caller = client.sign_in(anonymous.url, email, composed)
    change = {"currentPassword": decomposed, "newPassword": "Ange\u0301lique 4711 otter"}
    caller.put("/users/me/password", change, expect=204)
    client.sign_in(anonymous.url, email, "Ang\u00e9lique 4711 otter")


def test_all_wrong_members_are_named_at_once(anonymous):
    body = {"email": "no-at", "password": "password123", "name": " ", "phone": 7, "role": "admin"}
    errors = anonymous.post("/users", body, expect=(422, "validation")).json()["errors"]
    assert sorted(error["field"] for error in errors) == ["email", "name", "password", "phone", "role"]


@pytest.mark.parametrize("password", OWN_PASSWORDS)
def test_words_of_ones_own_are_fine(anonymous, password):
    anonymous.post("/users", {"email": new_email(), "password": password, "name": "Kim"}, expect=201)


@pytest.mark.parametrize("password", LONG_PASSWORDS)
def test_long_passwords_are_not_cut(anonymous, password):
    assert len(password.encode()) >= 42
    email = new_email()
    anonymous.post("/users", {"email": email, "password": password, "name": "Kim"}, expect=201)
    client.sign_in(anonymous.url, email, password)
    anonymous.post(
        "/sessions", {"email": email, "password": password[:-1]}, expect=(401, "invalid_credentials")
    )


def test_seventy_two_bytes_are_not_the_end(anonymous):
    email, base = new_email(), "9 otters swim " * 6
    assert len(base) > 72
    anonymous.post("/users", {"email": email, "password": base + "A", "name": "Kim"}, expect=201)
    anonymous.post("/sessions", {"email": email, "password": base + "B"}, expect=(401, "invalid_credentials"))


def test_an_address_is_taken_whatever_its_case(anonymous):
    email = new_email()
    client.sign_up(anonymous.url, email)
    for same in (email, email.upper(), email.capitalize()):
        body = {"email": same, "password": PASSWORD, "name": "Lee"}
        anonymous.post("/users", body, expect=(409, "email_taken"))
    client.sign_in(anonymous.url, email.upper(), PASSWORD)


@pytest.mark.parametrize(
    "member", ["role", "isAdmin", "id", "emailVerified", "createdAt", "passwordHash", "__proto__"]
)
def test_unknown_members_are_refused(anonymous, buyer, member):
    body = {"email": new_email(), "password": PASSWORD, "name": "Kim", member: "admin"}
    answer = anonymous.post("/users", body, expect=(422, "validation"))
    assert [error["field"] for error in answer.json()["errors"]] == [member]
    anonymous.post("/sessions", {"email": body["email"], "password": PASSWORD}, expect=401)
    buyer.patch("/users/me", {member: "admin"}, expect=(422, "validation"))
    assert buyer.get("/users/me").json()["role"] == "customer"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-at"),
        ("email", "two@@at.example"),
        ("email", "a b@c.example"),
        ("email", "a@b.example\n"),
        ("email", "a@b"),
        ("email", '"x"@y.example'),
        ("email", "a@b..example"),
        ("email", "a@-b.example"),
        ("email", 7),
        ("email", None),
        ("email", "a" * 250 + "@b.example"),
        ("password", 1234567890123),
        ("password", "x7" * 300),
        ("name", ""),
        ("name", "n" * 101),
        ("name", ["Kim"]),
        ("name", "a\u0000b"),
        ("name", " \u3000"),
        ("name", "\u00ad\u200b"),
        ("name", "Kim\nLee"),
        ("name", "Kim\tLee"),
        ("name", "Kim\u0085Lee"),
        ("name", "Kim\u2028Lee"),
        ("name", "Kim\u2029Lee"),
        ("name", "Kim\u202eLee"),
        ("name", "\u2067Kim\u2069"),
        ("name", "Kim\u200f"),
        ("phone", "010\n1"),
        ("phone", "0" * 41),
        ("address", ""),
        ("address", "\u2028"),
    ],
)
def test_wrong_members_are_named(anonymous, field, value):
    body = {"email": new_email(), "password": PASSWORD, "name": "Kim", field: value}
    answer = anonymous.post("/users", body, expect=(422, "validation"))
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("missing", ["email", "password", "name"])
def test_missing_members_are_named(anonymous, missing):
    body = {"email": new_email(), "password": PASSWORD, "name": "Kim"}
    del body[missing]
    errors = anonymous.post("/users", body, expect=(422, "validation")).json()["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(missing, "required")]


def test_broken_json_and_wrong_media_type(anonymous):
    broken = ["", "{", "nul", "{'a':1}", '{"a":1}x', '{"a":1,"a":2}', "[" * 40 + "]" * 40, b'{"a":"\xff"}']
    for text in (*broken, '{"a":NaN}', '{"a":"\\ud800"}', '\ufeff{"a":1}'):
        data = text if isinstance(text, bytes) else text.encode()
        anonymous.post("/users", data=data, expect=(400, "invalid_json"))
    for kind in ("text/plain", "application/xml", "application/jsonx", "multipart/form-data; boundary=x"):
        refused = anonymous.post("/users", data=b"{}", headers={"Content-Type": kind})
        assert refused.status_code == 415 and refused.json()["code"] == "unsupported_media_type", kind
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        anonymous.post("/users", data=b"{}", headers={"Content-Type": kind}, expect=(422, "validation"))
    packed = {"Content-Encoding": "gzip"}
    anonymous.post("/users", data=b"{}", headers=packed, expect=(415, "unsupported_media_type"))


def test_changes_the_account(buyer):
    patch = {"name": "Park", "phone": "010-2345-6789", "address": "Busan, 부산"}
    changed = buyer.patch("/users/me", patch, expect=200).json()
    assert changed == buyer.user | patch
    cleared = buyer.patch("/users/me", {"phone": None, "address": None}, expect=200).json()
    assert cleared == buyer.user | {"name": "Park"}
    assert buyer.patch("/users/me", {}, expect=200).json() == cleared
    for wrong in ({"name": None}, {"name": ""}, {"email": "x@y.example"}, {"phone": 1}, []):
        buyer.patch("/users/me", wrong, expect=(422, "validation"))
    assert buyer.get("/users/me", expect=200).json() == cleared


def test_personal_data_is_not_readable_on_the_disk(market, anonymous):
    email = new_email()
    secrets = {"name": "Zebulon Quartermain", "phone": "019-8877-6655", "address": "Nowhere lane 4711"}
    client.sign_up(market.url, email, **secrets)
    looked_at = 0
    for path in market.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            looked_at += 1
            for word in (email, PASSWORD, *secrets.values()):
                assert word.encode() not in content, f"{word} in {path.name}"
    assert looked_at >= 3
    assert PASSWORD not in market.log_path.read_text() and email not in market.log_path.read_text()


def test_the_code_verifies_the_address(market, anonymous):
    email = new_email()
    caller = client.sign_up(market.url, email)
    [code] = until(lambda: codes_to(email))
    wrong = f"{(int(code) + 1) % 1000000:06d}"
    for bad in (wrong, "x", "1234567"):
        anonymous.post("/users/verification", {"email": email, "code": bad}, expect=(400, "invalid_code"))
    anonymous.post("/users/verification", {"email": email.upper(), "code": code}, expect=204)
    assert caller.get("/users/me", expect=200).json()["emailVerified"] is True
    anonymous.post("/users/verification", {"email": email, "code": code}, expect=(400, "invalid_code"))
    # Nothing is sent to a verified address.
    anonymous.post("/users/verification/resend", {"email": email}, expect=202)
    assert len(codes_to(email)) == 1


def test_a_new_code_replaces_the_old_one(market, anonymous):
    email = new_email()
    client.sign_up(market.url, email)
    [first] = until(lambda: codes_to(email))
    answer = anonymous.post("/users/verification/resend", {"email": email}, expect=202)
    codes = until(lambda: len(found := codes_to(email)) == 2 and found)
    if codes[1] != first:
        anonymous.post("/users/verification", {"email": email, "code": first}, expect=(400, "invalid_code"))
    anonymous.post("/users/verification", {"email": email, "code": codes[1]}, expect=204)
    unknown = anonymous.post("/users/verification/resend", {"email": new_email()}, expect=202)
    assert unknown.content == answer.content


def test_a_code_is_not_guessed(market, anonymous):
    email = new_email()
    client.sign_up(market.url, email)
    [code] = until(lambda: codes_to(email))
    wrong = f"{(int(code) + 1) % 1000000:06d}"
    body = {"email": email, "code": wrong}
    for _ in range(5):
        anonymous.post("/users/verification", body, expect=(400, "invalid_code"))
    refused = anonymous.post(
        "/users/verification", {"email": email, "code": code}, expect=(429, "rate_limited")
    )
    assert refused.headers["Retry-After"] == "600", "as long as a code holds: it stays spent"
    # A new code can be asked for, and has its own tries.
    anonymous.post("/users/verification/resend", {"email": email}, expect=202)
    fresh = until(lambda: len(found := codes_to(email)) == 2 and found[1])
    anonymous.post("/users/verification", {"email": email, "code": fresh}, expect=204)


def test_an_unknown_address_gives_no_hint_by_its_code(market, anonymous):
    known, verified = new_email(), new_email()
    for email in (known, verified):
        client.sign_up(anonymous.url, email)
    [code] = until(lambda: codes_to(verified))
    anonymous.post("/users/verification", {"email": verified, "code": code}, expect=204)

    def answers_to(email):
        """Eight wrong codes in several spellings, a new code, one more."""
        spellings = (email, email.upper(), email.capitalize())
        for i in range(8):
            yield anonymous.post("/users/verification", {"email": spellings[i % 3], "code": "x"})
        yield anonymous.post("/users/verification/resend", {"email": email.upper()})
        yield anonymous.post("/users/verification", {"email": email, "code": "x"})

    def shape(answer):
        body = answer.json() | {"traceId": ""} if answer.content else None
        names = {name for name in answer.headers if name != "Date"}
        return answer.status_code, body, names, answer.headers.get("Retry-After")

    known, verified, unknown = ([shape(a) for a in answers_to(e)] for e in (known, verified, new_email()))
    assert known == unknown == verified
    assert [status for status, *_ in unknown] == [400] * 5 + [429] * 3 + [202, 400]


def test_mails_are_limited_by_account_and_address(start):
    server = start(*mail_server.shared().settings, limits=True)
    emails = [new_email() for _ in range(3)]
    anonymous = Client(server.url)
    for email in emails:
        client.sign_up(server.url, email)
    for spelling in (str.lower, str.upper, str.capitalize, str.title, str.swapcase) * 2:
        anonymous.post("/users/verification/resend", {"email": spelling(emails[0])}, expect=202)
    for _ in range(40):  # Strangers are nobody's account, and count for the address that asks.
        anonymous.post("/users/verification/resend", {"email": new_email()}, expect=202)
    anonymous.post("/users/verification/resend", {"email": emails[1]}, expect=202)
    until(lambda: len(mails_to(emails[0])) == 3, what="with the one of the sign-up")
    server.stop()
    assert len(mails_to(emails[0])) == 3
    assert len(mails_to(emails[1])) == 1, "this address has asked for too many"


def test_an_administrator_makes_a_seller(market, admin, anonymous):
    caller, stranger = client.sign_up(market.url), client.sign_up(market.url)
    path = "/users/" + caller.user["id"]
    product = {"name": "Bag", "price": {"amount": 1, "currency": "KRW"}, "stock": 1}
    stranger.patch(path, {"role": "seller"}, expect=(403, "forbidden"))
    for wrong in ({"role": "root"}, {"role": None}, {}, {"role": "seller", "name": "x"}, []):
        admin.patch(path, wrong, expect=(422, "validation"))
    admin.patch("/users/" + admin.user["id"], {"role": "customer"}, expect=(403, "forbidden"))
    changed = admin.patch(path, {"role": "seller"}, expect=200).json()
    assert changed == caller.user | {"role": "seller"}
    caller.get("/users/me", expect=(401, "unauthenticated"))  # A token of the role before.
    tokens = anonymous.post("/sessions/refresh", {"refreshToken": caller.refresh}, expect=201).json()
    assert tokens["user"]["role"] == "seller"
    seller = Client(market.url, tokens["accessToken"])
    seller.post("/products", product, expect=201)
    audit = f"audit: administrator {admin.user['id']} gave user {caller.user['id']} the role seller"
    assert audit in market.logged(audit)
    admin.patch(path, {"role": "customer"}, expect=200)
    seller.post("/products", product, expect=(401, "unauthenticated"))
    stranger.get("/users/me", expect=200)


def test_a_role_that_was_taken_away_stays_away_after_a_restart(start):
    first = start()
    caller, chief = client.sign_up(first.url), client.admin(first.url)
    chief.patch("/users/" + caller.user["id"], {"role": "seller"}, expect=200)
    seller = client.sign_in(first.url, caller.user["email"], PASSWORD)
    seller.get("/users/me", expect=200)
    chief.patch("/users/" + caller.user["id"], {"role": "customer"}, expect=200)
    assert first.stop() == 0
    second = start(data=first.data)
    Client(second.url, seller.token).get("/users/me", expect=(401, "unauthenticated"))


def test_required_verification_stands_before_buying(start):
    server = start("users.email_verification=required", *mail_server.shared().settings)
    email = new_email()
    buyer, product = client.sign_up(server.url, email), client.admin(server.url).product()
    buyer.order(product, expect=(403, "email_unverified"))
    [code] = until(lambda: codes_to(email))
    Client(server.url).post("/users/verification", {"email": email, "code": code}, expect=204)
    buyer.order(product)  # With the token of before: nothing tells a client to renew it.


def test_verification_switched_off(start):
    server = start("users.email_verification=off", *mail_server.shared().settings)
    email = new_email()
    buyer = client.sign_up(server.url, email)
    assert buyer.user["emailVerified"] is True and mails_to(email) == []
