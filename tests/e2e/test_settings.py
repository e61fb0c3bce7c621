"""The command line and settings: what wins, what is refused, what is said."""

import client
import pytest
from market_server import ROOT, Market, run


@pytest.mark.parametrize(
    "flags",
    [
        ("serve", "--nonsense"),
        ("nonsense",),
        (),
        ("serve", "--listen", "nowhere"),
        ("serve", "--listen", "127.0.0.1:70000"),
        ("serve", "--listen", "127.0.0.1:"),
        ("serve", "--role", "wizard"),
        ("serve", "--config", "/nonexistent.toml"),
        ("serve", "--set", "no.such=1"),
        ("serve", "--set", "orders.payment_window"),
        ("serve", "--set", "orders.payment_window=soon"),
        ("serve", "--set", "orders.payment_window=-1s"),
        ("serve", "--set", "ratelimit.enabled=maybe"),
        ("serve", "--set", "http.threads=many"),
        ("serve", "--set", "log.level=loud"),
        ("serve", "--set", "management.listen=x"),
        ("serve", "--set", "users.email_verification=perhaps"),
        ("serve", "--role", ""),
        ("serve", "--role", "registry,"),
        ("serve", "--role", "registry,registry"),
        ("serve", "--role", "gateway", "--demo"),
        ("serve", "--production", "--demo"),
        ("serve", "--production"),
        ("serve", "--production", "--role", "order"),
        ("serve", "--production", "--set", "orders.failpoint=count:3"),
        ("serve", "--set", "orders.failpoint=somewhere"),
        ("serve", "--set", "http.threads=99999999999"),
        ("serve", "--set", "http.spans_per_million=1000001"),
        ("serve", "--set", "users.access_token_life=0s"),
        ("serve", "--set", "orders.payment_window=0s"),
        # Settings of other roles are looked at all the same.
        ("serve", "--set", "auth.key_file=/dev/null"),
        ("serve", "--set", "gateway.tls_key=/nonexistent"),
        ("serve", "--set", "http.access_log=/nonexistent/file"),
        ("serve", "--set", "gateway.cors_origins=*"),
        ("serve", "--set", "registry.credential=word"),
        ("serve", "--role", "registry", "--set", "users.email_verification=perhaps"),
        ("serve", "--role", "gateway", "--set", "registry.credential=word"),
        ("seed", "--set", "no.such=1"),
        ("seed", "--config", "/nonexistent.toml"),
        ("serve", "--data"),
        ("serve", "extra"),
        ("seed", "--users", "-1"),
        ("seed", "--users", "many"),
        ("backup",),
        ("restore",),
        ("check", "--data", "/nonexistent"),
        ("backup", "--data", "/nonexistent", "--to", "/tmp/x"),
        ("bench", "--nonsense"),
        ("bench", "--mode", "steal"),
        ("bench", "--threads", "many"),
        ("bench", "--duration", "0s"),
        ("serve", "--config", "/dev/full"),
        ("serve", "--set", "orders.door=1.2.3.4"),
        ("serve", "--check", "--set", "orders.door_address=foo:70000"),
        ("serve", "--set", "orders.door_address=foo:bar"),
        ("serve", "--set", "orders.door_address=a b"),
        ("seed", "--config", "/dev/zero"),
        ("seed", "--token-life", "1s\n2s"),
        ("seed", "--users", "1\n\x1b[31m2"),
        ("serve", "--role", "a\nb"),
        ("check", "--data", "/nonexistent/" + "x" * 5_000),
        ("x" * 5_000,),
    ],
)
def test_mistakes_end_with_2_and_one_line(tmp_path, flags):
    if "--data" not in flags and flags and flags[0] == "serve":
        flags = (*flags[:1], "--data", tmp_path / "data", *flags[1:])
    done = run(*flags, seconds=10)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(done.stderr.strip("\n").split("\n")) == 1 and len(done.stderr) < 1_100, done.stderr
    assert done.stderr.strip("\n").isprintable(), done.stderr
    assert "terminate" not in done.stderr and "exception" not in done.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ("serve", "--data=", "--production", "--listen", "127.0.0.1:0"),
        ("serve", "--config=", "--check"),
        ("serve", "--listen=", "--check"),
        ("serve", "--role=", "--check"),
        ("serve", "--check", "--set="),
        ("check", "--scratch=", "--same-as"),
        ("bench", "--tokens=", "--plain"),
    ],
)
def test_a_flag_without_its_value_takes_no_other_for_it(tmp_path, monkeypatch, flags):
    """As a variable of a script that is not set leaves it; the value of a setting may be empty."""
    monkeypatch.chdir(tmp_path)
    done = run(*flags, seconds=10)
    empty = next(flag for flag in flags if flag.endswith("="))
    assert done.returncode == 2 and f"{empty}: has no value" in done.stderr, (done.stdout, done.stderr)
    assert len(done.stderr.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_the_value_of_a_setting_may_be_empty():
    done = run("serve", "--check", "--set=mail.smtp=")
    assert done.returncode == 0, done.stderr


def window_of(server):
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    order = buyer.order(seller.product()).json()
    parse = client.datetime.fromisoformat
    return round(
        (
            parse(order["payBy"].replace("Z", "+00:00")) - parse(order["createdAt"].replace("Z", "+00:00"))
        ).total_seconds()
    )


def test_the_last_setting_wins(start, tmp_path):
    """The file, then the environment, then --set."""
    config = tmp_path / "market.toml"
    config.write_text('[orders]\npayment_window = "61s"\n[users]\naccess_token_life = "5m"\n')
    environment = {"MARKET_ORDERS_PAYMENT_WINDOW": "62s"}
    flags = ("--config", str(config))
    assert window_of(start(flags=flags, data=tmp_path / "1")) == 61
    assert window_of(start(flags=flags, environment=environment, data=tmp_path / "2")) == 62
    assert (
        window_of(
            start("orders.payment_window=63s", flags=flags, environment=environment, data=tmp_path / "3")
        )
        == 63
    )
    assert window_of(start(data=tmp_path / "4")) == 600


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("sreve",), "no command 'sreve'; did you mean serve?"),
        (("bakcup", "--to", "x"), "no command 'bakcup'; did you mean backup?"),
        (("keys", "rotat"), "no command 'rotat'; did you mean rotate?"),
        (("serve", "--lisen", "127.0.0.1:0"), "no flag '--lisen'; did you mean --listen?"),
        (("serve", "--lisen=127.0.0.1:0"), "no flag '--lisen'; did you mean --listen?"),
        (("serve", "--xyzzy"), "no flag '--xyzzy'"),
        (("serve", "--set", "http.lisen=h:1"), "did you mean http.listen?"),
        (("serve", "--set", "payment_window=1m"), "did you mean orders.payment_window?"),
        (("serve", "--set", "http.threads=1", "--set", "gateway.threads=1"), "are both given"),
    ],
)
def test_a_mistyped_word_is_named(tmp_path, flags, says):
    done = run(*flags, seconds=10)
    assert done.returncode == 2 and says in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_old_names_work_with_one_warning(start):
    server = start("gateway.body_bytes_max=200", "gateway.threads=1")
    client.Client(server.url).post("/sessions", data=b'{"email":"' + b"a" * 300 + b'"}', expect=413)
    lines = [line for line in server.logged("old names").splitlines() if "old names" in line]
    assert len(lines) == 1 and "gateway.body_bytes_max is http.body_bytes_max" in lines[0]


def test_whoever_sells_has_a_payment_provider(tmp_path):
    """The built-in one believes everybody: --production refuses it."""
    key = tmp_path / "key"
    key.write_text("sk_test_1\n")
    key.chmod(0o600)
    flags = ("--production", "--check", "--data", tmp_path / "data")
    paid = run("serve", *flags, "--set", f"payments.stripe_key_file={key}")
    assert paid.returncode == 0, paid.stderr
    none = run("serve", *flags)
    assert none.returncode == 2 and "payments.stripe_key_file" in none.stderr, none.stderr
    assert run("serve", *flags, "--role", "registry").returncode == 0, "it sells nothing"


def test_the_ready_line_is_a_url(tmp_path):
    server = Market(tmp_path / "data", host="[::1]").start()
    try:
        assert f"http://[::1]:{server.port} " in server.ready_line
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[orders]\npayment_windw = "61s"\n', "payment_windw"),
        ("[orders\n", "line 1"),
        ("payment_window = 5\n", "section"),
        ("[orders]\npayment_window = [1]\n", "payment_window"),
        ('[orders]\npayment_window = "x"\n', "line 2: orders.payment_window"),
        ('[http]\nthreads = 1\nlisten = "x"\n', "line 3: http.listen"),
        (
            '[http]\nthreads = 1\n[gateway]\nthreads = 1\n',
            "http.threads and its old name gateway.threads are both given",
        ),
        ("[[gateway.routes]]\nid = 'a'\nservice = 's'\nweight = 1\n", 'gateway.routes "a": weight'),
        ("[gateway.services]\ns = 'nope'\n", "gateway.services: s 'nope'"),
    ],
)
def test_mistakes_in_a_settings_file(tmp_path, text, says):
    config = tmp_path / "market.toml"
    config.write_text(text)
    done = run("serve", "--data", tmp_path / "data", "--config", config, seconds=10)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.strip().splitlines()) == 1, (
        done.stderr
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MARKET_LOG_LEVEL", "loud", "log.level"),
        ("MARKET_ORDERS_PAYMENT_WINDOV", "1m", "MARKET_ORDERS_PAYMENT_WINDOV"),
        ("MARKET_ADMIN_EMAIL", "nobody", "MARKET_ADMIN_EMAIL"),
    ],
)
def test_a_mistake_in_the_environment(tmp_path, name, value, says):
    environment = {"MARKET_ADMIN_PASSWORD": "granite otter 4711 lamp", name: value}
    done = run("serve", "--data", tmp_path / "d", environment=environment, seconds=10)
    told = [line for line in done.stderr.splitlines() if " warning " not in line]
    assert done.returncode == 2 and len(told) == 1 and says in told[0], done.stderr


def test_settings_without_effect_are_said_once(start):
    """A file is often shared by processes of one role each."""
    given = ("registry.cache=1s", "orders.queue_max=99", "gateway.in_flight_max=9")
    server = start(*given, flags=("--role", "user,product,order"))
    lines = [line for line in server.logged("without effect").splitlines() if "without effect" in line]
    assert len(lines) == 1 and "gateway.in_flight_max, registry.cache" in lines[0], lines
    assert "orders.queue_max" not in lines[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[registry]\ncredential = 'a:b'\n", "line 2: registry.credential: has no effect with --role all"),
        ("[gateway]\ndefault_routes = false\n", "line 2: gateway.default_routes: cannot be false"),
        ("[auth]\n\nkey_file = '/x'\n", "line 3: auth.key_file: has no effect with --role all"),
        (
            "[[gateway.routes]]\nid = 'a'\nservice = 'market-order'\nretries = 1\n",
            'gateway.routes "a": retries cannot be honoured with --role all',
        ),
    ],
)
def test_the_process_that_is_all_refuses_what_it_cannot_honour(tmp_path, text, says):
    config = tmp_path / "market.toml"
    config.write_text(text)
    done = run("serve", "--data", tmp_path / "data", "--config", config, seconds=10)
    assert done.returncode == 2 and f"{config}: line" in done.stderr, done.stderr
    assert says.removeprefix("line ") in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data" / "log.db").exists()


def test_the_sample_of_deploy_starts(start):
    start(flags=("--config", str(ROOT / "deploy/market.toml")))
