"""There is always one left."""

import concurrent.futures

import client
from client import PASSWORD, new_email


def test_of_two_administrators_who_act_against_each_other_one_stays(start):
    server = start()
    boss = client.admin(server.url)
    for deed in ("role", "lock") * 4:
        pair = []
        for _ in range(2):
            email = client.sign_up(server.url).user["email"]
            user = client.sign_in(server.url, email, PASSWORD).user
            boss.patch("/users/" + user["id"], {"role": "admin"}, expect=200)
            pair.append(client.sign_in(server.url, email, PASSWORD))
        with concurrent.futures.ThreadPoolExecutor(2) as both:
            def against(one, other):
                if deed == "role":
                    return one.patch("/users/" + other.user["id"], {"role": "customer"}).status_code
                return one.patch("/admin/users/" + other.user["id"], {"locked": True}).status_code
            answers = list(both.map(against, pair, reversed(pair)))
        assert answers.count(200) == 1 and set(answers) <= {200, 401, 403}, answers
        left = [boss.get("/admin/users/" + each.user["id"], expect=200).json() for each in pair]
        assert sum(each["role"] == "admin" and not each["lockedAt"] for each in left) == 1, left


def test_a_start_says_when_the_administrators_address_is_a_customers(start):
    email = new_email()
    first = start(environment={"MARKET_ADMIN_EMAIL": "", "MARKET_ADMIN_PASSWORD": ""})
    client.sign_up(first.url, email)
    assert first.stop() == 0
    line = "there is no administrator"
    second = start(data=first.data, environment={"MARKET_ADMIN_EMAIL": email})
    assert line in second.logged(line)
    assert second.stop() == 0
    third = start(data=first.data)  # Another address makes one.
    assert client.admin(third.url).user["role"] == "admin"
