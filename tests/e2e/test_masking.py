"""Nothing personal stands in logs, spans or metrics, whatever a person does and however it goes wrong."""

import requests

import client
from client import Client

SECRETS = {
    "email": "kim.masked@example.kr",
    "name": "Kim Masked-Person",
    "phone": "+82-10-5555-0199",
    "address": "1 Hidden-Street, Seoul",
    "password": "an unusual passphrase 7",
}


def test_nothing_personal_is_logged(start, tmp_path):
    access = tmp_path / "access.log"
    server = start("log.level=debug", f"http.access_log={access}")
    chief = client.admin(server.url)
    anonymous = Client(server.url)
    anonymous.post("/users", SECRETS, expect=201)
    anonymous.post("/users", SECRETS, expect=(409, "email_taken"))
    anonymous.post("/users", {**SECRETS, "phone": "\u0007" + SECRETS["phone"]}, expect=422)
    anonymous.post("/users", data='{"email":"' + SECRETS["email"] + '"', expect=(400, "invalid_json"))
    wrong = {"email": SECRETS["email"], "password": "wrong " + SECRETS["password"]}
    anonymous.post("/sessions", wrong, expect=401)
    buyer = client.sign_in(server.url, SECRETS["email"], SECRETS["password"])
    buyer.patch("/users/me", {"name": SECRETS["name"] + " II", "address": SECRETS["address"]}, expect=200)
    buyer.get(f"/orders?state={SECRETS['email']}", expect=422)
    chief.get("/admin/users?email=" + SECRETS["email"], expect=200)
    order = buyer.order(chief.product()).json()
    buyer.pay(order, "declined", expect=402)
    buyer.pay(order)
    anonymous.post("/users/password-reset", {"email": SECRETS["email"]})
    metrics = requests.get(server.url + "/metrics", timeout=10).text
    server.stop()
    said = {"log": server.log_path.read_text(), "access log": access.read_text(), "metrics": metrics}
    assert "/api/v1/orders" in said["access log"], "it is written"
    for where, text in said.items():
        for what, secret in SECRETS.items():
            assert secret not in text, (where, what)
            assert secret.split("@")[0] not in text, (where, what)
