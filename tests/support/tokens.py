"""Access tokens as an attacker would make them: any header, claims and signature."""

import base64
import hashlib
import hmac
import json
import time


def encode(data):
    if not isinstance(data, bytes):
        data = (data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Forger:
    """Signs with the server's own key, so that only what is wrong on purpose is wrong."""

    def __init__(self, data, token):
        self.secret = (data / "keys/token-signing").read_bytes()
        head, claims, self.signature = token.split(".")
        self.head, self.claims = json.loads(decode(head)), json.loads(decode(claims))

    def sign(self, signed_part, secret=None, digest=hashlib.sha256):
        return encode(
            hmac.new(self.secret if secret is None else secret, signed_part.encode(), digest).digest()
        )

    def raw(self, head, claims, secret=None, digest=hashlib.sha256):
        """Of two texts as they are."""
        part = encode(head) + "." + encode(claims)
        return part + "." + self.sign(part, secret, digest)

    def token(self, head=None, **claims):
        """The good token but for these claims; None leaves a claim out."""
        changed = {name: value for name, value in (self.claims | claims).items() if value is not None}
        return self.raw(head if head is not None else self.head, changed)

    def with_head(self, **members):
        changed = {name: value for name, value in (self.head | members).items() if value is not None}
        return self.raw(changed, self.claims)


def now(seconds=0):
    return int(time.time()) + seconds
