"""A real SMTP server (aiosmtpd) that keeps what it gets, and can be made to misbehave."""

import email
import email.policy
import functools
import ssl
import subprocess
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from market_server import free_port

FROM = "E-Commerce Market <shop@market.example>"


class Received:
    """One mail as it came."""

    def __init__(self, envelope):
        self.sender, self.recipients, self.raw = envelope.mail_from, list(envelope.rcpt_tos), envelope.content
        self.mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.subject, self.text = self.mail["Subject"], self.mail.get_content().replace("\r\n", "\n")
        self.message_id = self.mail["Message-ID"]


class MailServer:
    """`behave(command, mail_count)` answers a reply, seconds to wait, "drop", or None for what is usual."""

    def __init__(self, port=None, credential=None, certificate=None):
        self.port = port or free_port()
        self.mails, self.commands, self.logins = [], [], []
        self.behave = lambda command, text: None
        options = {}
        if credential:
            options |= {"authenticator": self.sign_in, "auth_required": True, "auth_require_tls": True}
            self.credential = credential
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            options |= {"tls_context": context, "require_starttls": True}
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port, server_kwargs=options, ready_timeout=30
        )

    @property
    def settings(self):
        return (f"mail.smtp=smtp://127.0.0.1:{self.port}", "mail.tls=off", f"mail.from={FROM}")

    def __enter__(self):
        self.controller.start()
        return self

    def __exit__(self, *_):
        if self.controller.server is not None:
            self.controller.stop()

    def sign_in(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        given = f"{data.login.decode()}:{data.password.decode()}"
        self.logins.append(given)
        return AuthResult(success=given == self.credential, handled=False)

    async def do(self, server, command, text=""):
        self.commands.append(command)
        wanted = self.behave(command, text)
        if wanted == "drop":
            server.transport.abort()
            return "421 gone"
        return wanted

    async def handle_RCPT(self, server, session, envelope, address, options):
        refused = await self.do(server, "RCPT", address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        received = Received(envelope)
        refused = await self.do(server, "DATA", received.recipients[0])
        if refused == "take and drop":
            self.mails.append(received)
            server.transport.abort()
            return "421 gone"
        if refused:
            return refused
        self.mails.append(received)
        return "250 OK"

    def to(self, address):
        return [mail for mail in list(self.mails) if mail.recipients == [address]]


class Drops(SMTP):
    """Hangs up in the middle of a mail's text."""

    async def smtp_DATA(self, arg):
        await self.push("354 go on")
        await self._reader.readline()
        self.transport.abort()


def certificate(folder):
    """Of 127.0.0.1, signed by itself: (file, key)."""
    file, key = folder / "mail.pem", folder / "mail.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        + ["-keyout", key, "-out", file, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )
    return file, key


@functools.cache
def shared():
    """One for all tests of this process that only want to read mails."""
    server = MailServer()
    server.__enter__()
    return server


def silence(seconds):
    """A behaviour: answers late."""

    def behave(command, text):
        time.sleep(seconds)

    return behave
