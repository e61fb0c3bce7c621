"""Sessions that end, at a gateway's routes to services that are not ours and check nothing."""

import client
from fake_upstream import FakeUpstream
from gateway import Gateway
from market_server import Market, free_port
from waiting import until

CONFIG = """
[gateway.services]
market-user = {users}
market-product = {users}
market-order = {users}

[[gateway.routes]]
id = "partner"
uri = "http://127.0.0.1:{partner}"
path = "/partner/**"
authenticated = true
"""
UNKNOWN = "no user instance tells which sessions have ended"


def test_a_token_stops_working_at_routes_of_others_too(tmp_path):
    dead = free_port()
    with (
        FakeUpstream() as partner,
        Market(tmp_path / "store", flags=("--role", "user,product,order")) as services,
    ):
        key = f"auth.key_file={services.data}/keys/token-signing"
        # One is not there: the other is asked.
        users = f'["127.0.0.1:{dead}", "127.0.0.1:{services.port}"]'
        with Gateway(tmp_path, CONFIG.format(users=users, partner=partner.port), key) as entry:

            def status(person):
                return entry.ask("/partner/ok", headers={"Authorization": f"Bearer {person.token}"}).status

            buyer = client.sign_up(services.url)
            elsewhere = client.sign_in(services.url, buyer.user["email"], client.PASSWORD)
            assert (status(buyer), status(elsewhere)) == (200, 200)
            buyer.delete("/sessions/current", expect=204)
            until(lambda: status(buyer) == 401, 1, "its token is good still")
            assert status(elsewhere) == 200
            # Who has lost the one that told asks it again, for everything, once it is back.
            services.stop()
            assert UNKNOWN in entry.logged(UNKNOWN)
            assert any(UNKNOWN in each for each in entry.ask("/health/ready").json()["warnings"])
            assert (status(buyer), status(elsewhere)) == (401, 200)
            services.start()
            client.Client(services.url, elsewhere.token).delete("/sessions/current", expect=204)
            until(lambda: status(elsewhere) == 401, 3, "it does not learn any more")
            assert entry.ask("/internal/ended-sessions").status == 404
        # A gateway that starts later knows all of them.
        with Gateway(tmp_path, CONFIG.format(users=users, partner=partner.port), key) as entry:
            until(lambda: status(buyer) == 401 and status(elsewhere) == 401, 1, "it learns nothing")


def test_gateways_without_such_routes_ask_nobody(tmp_path):
    with Market(tmp_path / "store", flags=("--role", "user,product,order")) as services:
        key = f"auth.key_file={services.data}/keys/token-signing"
        users = f'["127.0.0.1:{free_port()}"]'
        config = CONFIG.format(users=users, partner=free_port()).replace("authenticated = true", "")
        with Gateway(tmp_path, config, key) as entry:
            assert UNKNOWN not in str(entry.ask("/health/ready").json())
