"""Mails: a real SMTP server and what it may do to us, the outbox, and mails about orders."""

import re
import socket
import time

import client
import pytest
import requests
from aiosmtpd.controller import Controller
from client import PASSWORD, Client, new_email
from mail_server import FROM, Drops, MailServer, certificate
from market_server import PATIENCE, free_port, run
from waiting import until

QUICK = "mail.retry_after=100ms"
HOSTILE_NAME = "Kim <b>&\"'; DROP TABLE mails; -- \U0001f600 .\u200d Bcc: a@b.example " + "가" * 20


@pytest.fixture
def post():
    with MailServer() as server:
        yield server


def codes_in(mails):
    return [re.search(r"code is (\d{6})", mail.text).group(1) for mail in mails]


def kinds(mails):
    """Of mails about orders: the English half of the subject."""
    return [re.search(r"/ (.+) \(", mail.subject).group(1) for mail in mails if " / " in mail.subject]


def listed(admin, **query):
    return admin.get("/admin/mails", params={"limit": 100, **query}, expect=200).json()["items"]


def test_a_mail_is_whole(start, post):
    server, address = start(*post.settings), new_email()
    client.sign_up(server.url, address)
    [mail] = until(lambda: post.to(address))
    assert mail.sender == "shop@market.example" and mail.mail["From"] == FROM
    assert mail.mail["To"] == f"<{address}>" or mail.mail["To"] == address
    assert mail.subject == "인증 코드 / Your verification code"
    assert mail.mail.get_content_type() == "text/plain" and mail.mail.get_content_charset() == "utf-8"
    assert "인증 코드는" in mail.text and mail.mail["Date"] and mail.mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<mail\.[0-9A-Z]{13}@market\.example>", mail.message_id)
    [code] = codes_in([mail])
    Client(server.url).post("/users/verification", {"email": address, "code": code}, expect=204)


def test_nobody_waits_for_a_server_that_is_gone(start):
    post = MailServer()
    server, address = start(*post.settings), new_email()
    began = time.monotonic()
    client.sign_up(server.url, address)
    assert time.monotonic() - began < 3 * PATIENCE
    until(lambda: "mails cannot be sent for now" in server.log_path.read_text())
    admin = client.admin(server.url)
    [waiting] = [mail for mail in listed(admin) if mail["kind"] == "verification"]
    assert waiting["state"] == "waiting" and waiting["attempts"] == 0, "costs the mail no try"
    with post:
        [mail] = until(lambda: post.to(address), 20)
        until(lambda: "mails are sent again" in server.log_path.read_text())
    assert address not in server.log_path.read_text()

    def sent():
        return [mail for mail in listed(admin) if mail["kind"] == "verification" and mail["state"] == "sent"]

    [mail] = until(sent)
    assert mail["to"] is None, "nothing personal is kept"


def test_a_restart_sends_what_waited(start):
    post = MailServer()
    server, address = start(*post.settings), new_email()
    client.sign_up(server.url, address)
    admin = client.admin(server.url)
    until(lambda: listed(admin, state="waiting"))
    server.kill()
    with post:
        start(*post.settings, data=server.data)
        until(lambda: post.to(address))


def test_a_refused_mail_is_given_up_and_can_be_sent_again(start, post):
    post.behave = lambda command, text: "550 5.1.1 no such user <" + text + ">" if command == "RCPT" else None
    server, address = start(*post.settings, QUICK), new_email()
    client.sign_up(server.url, address)
    admin = client.admin(server.url)
    [failed] = until(lambda: listed(admin, state="failed"))
    assert failed["attempts"] == 3 and "550" in failed["reason"] and address not in str(failed)
    assert failed["to"] == address[0] + "***@market.example"
    admin.post(f"/admin/mails/{failed['id']}/retry", expect=200)
    until(lambda: listed(admin, state="failed")), post.commands.count("RCPT") == 6
    post.behave = lambda command, text: None
    assert admin.post(f"/admin/mails/{failed['id']}/retry", expect=200).json()["state"] == "waiting"
    until(lambda: post.to(address))
    sent = until(lambda: listed(admin, state="sent"))
    assert admin.post(f"/admin/mails/{sent[0]['id']}/retry", expect=200).json()["state"] == "sent"
    for unknown in ("0" * 13, "x"):
        admin.post(f"/admin/mails/{unknown}/retry", expect=(404, "not_found"))
    assert address not in server.log_path.read_text()


@pytest.mark.parametrize("once", ["451 try later", "drop", "take and drop"])
@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_repeat_has_the_same_message_id(start, post, command, once):
    if (command, once) == ("RCPT", "take and drop"):
        pytest.skip("there is nothing to take yet")
    told = []

    def behave(said, text):
        if said == command and not told:
            told.append(said)
            return once
        return None

    post.behave = behave
    server, address = start(*post.settings, QUICK), new_email()
    client.sign_up(server.url, address)
    wanted = 2 if once == "take and drop" else 1
    mails = until(lambda: len(found := post.to(address)) == wanted and found, 20)
    assert len({mail.message_id for mail in mails}) == 1 and told
    time.sleep(0.5)
    assert len(post.to(address)) == wanted


def test_a_server_that_hangs_up_in_the_text(start):
    port = free_port()
    drops = Controller(MailServer(port), hostname="127.0.0.1", port=port)
    drops.factory = lambda: Drops(drops.handler)
    drops.start()
    address = new_email()
    server = start(f"mail.smtp=smtp://127.0.0.1:{port}", "mail.tls=off", f"mail.from={FROM}", QUICK)
    client.sign_up(server.url, address)
    admin = client.admin(server.url)
    until(lambda: [mail for mail in listed(admin, state="waiting") if mail["attempts"] >= 2])
    drops.stop()
    with MailServer(port) as post:
        until(lambda: post.to(address), 30)


def test_a_slow_server_slows_nobody(start, post):
    server = start(*post.settings)
    post.behave = lambda command, text: time.sleep(1) if command == "RCPT" else None
    addresses = [new_email() for _ in range(3)]
    began = time.monotonic()
    for address in addresses:
        client.sign_up(server.url, address)
    assert time.monotonic() - began < 3 * PATIENCE
    until(lambda: all(post.to(address) for address in addresses), 20)
    began = time.monotonic()
    client.sign_up(server.url, new_email())
    until(lambda: "RCPT" in post.commands)
    assert server.stop() == 0 and time.monotonic() - began < 10 * PATIENCE


def test_a_server_that_says_nothing_ends_with_the_process(start):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        server = start(f"mail.smtp=smtp://127.0.0.1:{port}", "mail.tls=off", f"mail.from={FROM}")
        client.sign_up(server.url)
        connection, _ = silent.accept()
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10 * PATIENCE
        connection.close()


def test_starttls_with_name_and_password(start, tmp_path):
    file, key = certificate(tmp_path)
    secret = tmp_path / "mail-credential"
    secret.write_text("shop:s3cret:with:colons\n")
    secret.chmod(0o600)
    with MailServer(credential="shop:s3cret:with:colons", certificate=(file, key)) as post:
        smtp, sender = post.settings[0], post.settings[2]
        server, address = (
            start(smtp, sender, f"mail.tls_ca={file}", f"mail.credential_file={secret}"),
            new_email(),
        )
        client.sign_up(server.url, address)
        until(lambda: post.to(address))
        assert post.logins and "s3cret" not in server.log_path.read_text()
        server.stop()
        for wrong in (
            (f"mail.tls_ca={file}", "mail.credential=shop:wrong"),
            (f"mail.credential_file={secret}",),  # Nobody has signed this server's certificate.
        ):
            server, address = start(smtp, sender, *wrong), new_email()
            client.sign_up(server.url, address)
            assert "mails cannot be sent for now" in server.logged("mails cannot be sent for now")
            assert post.to(address) == [] and "wrong" not in server.log_path.read_text()
            server.kill()


def test_no_password_without_tls(start, post):
    """A server that offers no STARTTLS gets nothing."""
    server, address = start(post.settings[0], post.settings[2], "mail.credential=shop:secret"), new_email()
    client.sign_up(server.url, address)
    assert "mails cannot be sent for now" in server.logged("mails cannot be sent for now")
    assert post.to(address) == [] and post.commands == []


def test_hostile_text_stays_text(start, post):
    server, address = start(*post.settings), new_email()
    admin = client.admin(server.url)
    for name in ("x\r\nBcc: all@market.example", "x\n.\nMAIL FROM:<a@b.example>", "x\0y"):
        body = {"email": new_email(), "password": PASSWORD, "name": name}
        Client(server.url).post("/users", body, expect=(422, "validation"))
    buyer = client.sign_up(server.url, address, name=HOSTILE_NAME)
    buyer.order(admin.product(name=HOSTILE_NAME))
    mails = until(lambda: len(found := post.to(address)) == 2 and found)
    about = next(mail for mail in mails if "order" in mail.subject)
    assert HOSTILE_NAME in about.text and f"1 x {HOSTILE_NAME} (15000 KRW), No. 1" in about.text
    assert all(mail.recipients == [address] and mail.mail["Bcc"] is None for mail in post.mails)


def test_the_order_s_life_by_mail(start, post):
    server = start(*post.settings, "orders.day=400ms")
    admin, address = client.admin(server.url), new_email()
    buyer, product = client.sign_up(server.url, address, name="김철수"), admin.product()
    order = buyer.order(product).json()
    buyer.pay(order, "declined", expect=402)
    buyer.pay(order)
    until(lambda: buyer.get(f"/orders/{order['id']}").json()["state"] == "delivered", 10)
    buyer.post(f"/orders/{order['id']}/return", {"reason": "too small"}, expect=200)
    wanted = [
        "We have your order",
        "Your payment was declined",
        "Your order is paid",
        "Your order is on its way",
        "Your order was delivered",
        "We have your request for a return",
        "Your return is complete",
        "Your money was refunded",
    ]
    until(lambda: len(post.to(address)) == 1 + len(wanted), 20)
    about = [mail for mail in post.to(address) if order["id"] in mail.subject]
    assert kinds(about) == wanted
    assert "김철수 님" in about[0].text and "KST" in about[0].text and "15000 KRW" in about[0].text
    cancelled = buyer.order(product).json()
    buyer.post(f"/orders/{cancelled['id']}/cancel", expect=200)

    def about_it():
        return [mail for mail in post.to(address) if cancelled["id"] in mail.subject]

    mails = until(lambda: len(found := about_it()) == 2 and found)
    assert kinds(mails) == ["We have your order", "Your order is cancelled"]
    ids = [mail.message_id for mail in post.mails]
    assert len(set(ids)) == len(ids)


def test_an_order_that_expires(start, post):
    server, address = start(*post.settings, "orders.payment_window=300ms"), new_email()
    order = client.sign_up(server.url, address).order(client.admin(server.url).product()).json()
    until(lambda: "Your order has ended" in kinds(m for m in post.to(address) if order["id"] in m.subject))


def test_none_is_lost_by_kills(start, post):
    """kill -9 at any moment: each event is mailed, and what comes again has the same Message-ID."""
    post.behave = lambda command, text: time.sleep(0.01) if command == "DATA" else None
    server = start(*post.settings)
    product = client.admin(server.url).product(stock=1000)
    buyers = {address: client.sign_up(server.url, address) for address in (new_email() for _ in range(4))}
    wanted = set()
    for round_ in range(4):
        for _ in range(6):
            for address, buyer in buyers.items():
                wanted.add((address, buyer.order(product).json()["id"]))
        time.sleep(0.05 * round_)
        server.kill()
        server = start(*post.settings, data=server.data)
        for buyer in buyers.values():
            buyer.url = server.url

    def mailed():
        about = [mail for mail in post.mails if "(" in mail.subject]
        return {(mail.recipients[0], re.search(r"\((\w{13})\)", mail.subject)[1]) for mail in about}

    until(lambda: wanted <= mailed(), 30, f"missing: {len(wanted - mailed())} of {len(wanted)}")
    assert mailed() == wanted
    by_order = {}
    for mail in post.mails:
        by_order.setdefault(mail.subject, set()).add(mail.message_id)
    assert all(len(ids) == 1 for subject, ids in by_order.items() if "(" in subject)


def test_a_store_without_a_mail_server_owes_no_mails(start, post):
    server, address = start(), new_email()
    assert "mail.smtp is empty: no mails are sent" in server.logged("mail.smtp is empty")
    buyer, product = client.sign_up(server.url, address), client.admin(server.url).product()
    buyer.order(product)
    server.stop()
    server = start(*post.settings, data=server.data)
    buyer.url = server.url
    second = buyer.order(product).json()
    until(lambda: [mail for mail in post.to(address) if second["id"] in mail.subject])
    assert len(post.to(address)) == 2, "the code of the sign-up and the second order"


def test_an_erased_account_is_mailed_nothing(start):
    post = MailServer()
    server, address = start(*post.settings), new_email()
    buyer, admin = client.sign_up(server.url, address), client.admin(server.url)
    buyer.order(admin.product())
    until(lambda: len(listed(admin, state="waiting")) == 2)
    buyer.delete("/users/me", json={"password": PASSWORD}, expect=204)
    assert listed(admin) == []
    with post:
        time.sleep(1.5)
    assert post.mails == []


def test_one_buyer_does_not_fill_the_outbox(start):
    """Two hundred mails a day and buyer: the rest are not written."""
    server = start(*MailServer().settings)
    admin = client.admin(server.url)
    many, one, product = client.sign_up(server.url), client.sign_up(server.url), admin.product(stock=1000)
    for _ in range(210):
        many.order(product)
    one.order(product)
    until(lambda: [m for m in listed(admin) if m["userId"] == one.user["id"] and m["orderId"]], 20)
    count, cursor = 0, None
    while True:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = admin.get("/admin/mails", params=query, expect=200).json()
        count += sum(1 for mail in page["items"] if mail["orderId"] and mail["userId"] == many.user["id"])
        cursor = page["nextCursor"]
        if not cursor:
            break
    assert count == 200


def test_the_demonstration_shows_its_mails(start):
    server, address = start(flags=("--demo",)), new_email()
    client.sign_up(server.url, address, name="Kim <script>alert(1)</script>")
    buyer = client.sign_in(server.url, address, PASSWORD)
    product = next(p for p in buyer.get("/products").json()["items"] if p["kind"] == "regular")
    order = buyer.order(product).json()
    shown = until(lambda: len(m := requests.get(server.url + "/dev/mail").json()["items"]) == 2 and m)
    about, code = shown
    assert about["to"] == code["to"] == address and order["id"] in about["subject"]
    assert set(code) == {"id", "kind", "state", "to", "subject", "text", "createdAt"}
    found = re.search(r"code is (\d{6})", code["text"])[1]
    buyer.post("/users/verification", {"email": address, "code": found}, expect=204)
    page = requests.get(server.url + "/dev/mail", headers={"Accept": "text/html,*/*"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert "<script>" not in page.text and "&lt;script&gt;" in page.text and found in page.text
    for host in ("evil.example", "market.example"):
        assert requests.get(server.url + "/dev/mail", headers={"Host": host}).status_code == 404


def test_nobody_else_shows_mails(market, start, post):
    assert requests.get(market.url + "/dev/mail").status_code == 404
    server = start(*post.settings, flags=("--demo",))  # They go where they belong.
    assert requests.get(server.url + "/dev/mail").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        "mail.smtp=http://127.0.0.1",
        "mail.smtp=smtp://user:password@127.0.0.1",
        "mail.smtp=smtp://",
        "mail.tls=maybe",
        "mail.from=nobody",
        "mail.from=a@b.example> <c@d.example",
        "mail.from=a@b.example,c@d.example",
        "mail.from=a@b@c.example",
        "mail.from=Shop <a@b.example> and others",
        "mail.credential=nopassword",
        "mail.retry_after=0s",
    ],
)
def test_wrong_settings_end_the_start(tmp_path, wrong):
    settings = {"mail.smtp": "smtp://127.0.0.1:25", "mail.from": "a@b.example"}
    name, value = wrong.split("=", 1)
    settings[name] = value
    flags = [each for key, text in settings.items() for each in ("--set", f"{key}={text}")]
    ended = run("serve", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{free_port()}", *flags)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1 and "mail." in ended.stderr
    assert "password" not in ended.stderr or "user:password" in ended.stderr
