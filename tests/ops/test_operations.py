"""Hand-over, stopping, sockets of systemd, secrets in files, keys elsewhere, what the image needs."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import client
import pytest
from disks import mount
from market_server import BINARY, PATIENCE, ROOT, Market, free_port, run


def test_a_successor_that_cannot_start_changes_nothing(start):
    server = start()
    seller, buyer = client.admin(server.url), client.sign_up(server.url)
    product = seller.product(stock=1000)
    for name in ("token-signing", "field-index", "field-encryption"):
        key = server.data / "keys" / name
        kept = key.read_bytes()
        for trouble in (os.urandom(32), b"short", None):
            key.unlink()
            if trouble:
                key.write_bytes(trouble)
                key.chmod(0o600)
            elif name == "token-signing":
                key.write_bytes(kept)
                key.chmod(0o644)
            done = run("serve", "--takeover", "--data", server.data, seconds=20)
            assert done.returncode != 0 and name.split("-")[0] in done.stderr, (name, trouble, done)
            buyer.order(product, expect=None)
            assert server.process.poll() is None
            key.unlink(missing_ok=True)
            key.write_bytes(kept)
            key.chmod(0o600)
    mistaken = run("serve", "--takeover", "--data", server.data, "--set", "orders.queue_max=x", seconds=20)
    assert mistaken.returncode == 2
    buyer.order(product)
    after = Market(server.data, listen=server.port, flags=("--takeover",)).start()
    try:
        assert server.process.wait(20 * PATIENCE) == 0
        buyer.order(product)
    finally:
        after.stop()


def test_a_stop_says_not_ready_first(start):
    server = start("http.leave_time=6s")
    asking = client.Client(server.url)
    assert asking.get("//health/ready").status_code == 200
    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert client.Client(server.url).get("//health/ready").status_code == 503
    client.Client(server.url).get("/products", expect=200)  # Whoever comes meanwhile is served.
    assert server.process.wait(20 * PATIENCE) == 0


def activated(data, sockets, *settings):
    """As systemd starts it: the sockets from descriptor 3 on."""
    script = 'export LISTEN_PID=$$ LISTEN_FDS="$0"; exec "$@"'
    moved = "".join(f" {3 + i}<&{each.fileno()}" for i, each in enumerate(sockets))
    command = ["bash", "-c", f"exec{moved}; {script}", str(len(sockets)), BINARY, "serve", "--data", data]
    for setting in settings:
        command += ["--set", setting]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[each.fileno() for each in sockets],
    )
    assert "market is ready" in process.stdout.readline(), process.stderr.read()
    return process


def test_both_sockets_of_systemd_are_served(tmp_path):
    sockets = []
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            each = socket.create_server((host, 0), family=family, backlog=64)
        except OSError:
            each = socket.create_server(("127.0.0.2", 0), backlog=64)
        os.set_inheritable(each.fileno(), True)
        # Above those that it is moved to.
        os.dup2(each.fileno(), 50 + len(sockets))
        sockets.append(socket.socket(fileno=50 + len(sockets)))
    process = activated(tmp_path / "data", sockets)
    try:
        for each in sockets:
            host, port = each.getsockname()[:2]
            url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
            for _ in range(20):
                assert client.Client(url).get("//health/ready").status_code == 200
    finally:
        process.terminate()
        assert process.wait(20 * PATIENCE) == 0


def test_a_successor_gets_all_sockets(tmp_path):
    """Two of systemd's, handed over twice: whoever asks at either is never refused."""
    sockets = [socket.create_server((host, 0), backlog=64) for host in ("127.0.0.1", "127.0.0.2")]
    for i, each in enumerate(sockets):
        os.dup2(each.fileno(), 60 + i)
    running = activated(tmp_path / "data", [socket.socket(fileno=60 + i) for i in range(2)])
    addresses = [each.getsockname() for each in sockets]
    for each in sockets:
        each.close()

    def served_by(process):
        for host, port in addresses:
            for _ in range(10):
                info = client.requests.get(f"http://{host}:{port}/info", timeout=20)
                assert info.json()["pid"] == process.pid, (host, port)

    try:
        served_by(running)
        for _ in range(2):
            successor = Market(tmp_path / "data", listen=addresses[0][1], flags=("--takeover",)).start()
            assert running.wait(20 * PATIENCE) == 0
            running = successor.process
            served_by(running)
    finally:
        running.terminate()
        assert running.wait(20 * PATIENCE) == 0


def test_secrets_in_files_and_credentials(tmp_path):
    """Each secret setting: from a file of mode 600, from a systemd credential, never from two places."""
    secret = tmp_path / "urls"
    secret.write_text("http://127.0.0.1:1/eureka\n")
    secret.chmod(0o600)
    listen = ("--listen", "127.0.0.1:0")

    def refused(*settings, environment=None):
        given = [part for setting in settings for part in ("--set", setting)]
        done = run("serve", "--role", "gateway", *listen, *given, environment=environment, seconds=20)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done
        return done.stderr

    assert "registry.urls_file: must not be set beside" in refused(
        f"registry.urls_file={secret}", "registry.urls=http://127.0.0.1:2/eureka"
    )
    assert "there is no file" in refused(f"registry.urls_file={tmp_path}/none")
    junk = tmp_path / "junk"
    junk.write_text("not an address\n")
    junk.chmod(0o600)
    assert "registry.urls" in refused(f"registry.urls_file={junk}")
    junk.chmod(0o644)
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert "chmod 600" in refused("registry.urls_file=junk", environment=credentials)
    junk.chmod(0o600)
    for key in ("records.mysql", "accounts.mysql", "log.kafka_options"):
        done = run("serve", *listen, "--data", tmp_path / "d", "--set", f"{key}_file={junk}", seconds=20)
        assert done.returncode == 2 and key in done.stderr and "not an address" not in done.stderr, done
    server = Market(
        tmp_path / "gateway",
        "registry.urls_file=urls",
        flags=("--role", "gateway"),
        environment=credentials,
    )
    with server.start():
        metrics = client.requests.get(server.url + "/metrics", timeout=20).text
        assert "market_discovery_errors_total" in metrics


def test_the_administrators_password_comes_from_a_file(start, tmp_path):
    secret = tmp_path / "admin-password"
    secret.write_text("granite otter 4711 lamp\n")
    secret.chmod(0o600)
    for environment in (
        {"MARKET_ADMIN_PASSWORD": "", "MARKET_ADMIN_PASSWORD_FILE": str(secret)},
        {
            "MARKET_ADMIN_PASSWORD": "",
            "MARKET_ADMIN_PASSWORD_FILE": "admin-password",
            "CREDENTIALS_DIRECTORY": str(tmp_path),
        },
    ):
        server = start(data=tmp_path / f"data{len(environment)}", environment=environment)
        assert client.admin(server.url).user["role"] == "admin"


@pytest.mark.parametrize(
    "environment,word",
    [
        ({"MARKET_ADMIN_EMAIL": "a@b.example"}, "MARKET_ADMIN_PASSWORD"),
        ({"MARKET_ADMIN_EMAIL": "a@b.example", "MARKET_ADMIN_PASSWORD_FILE": "/nowhere"}, "/nowhere"),
        ({"MARKET_ADMIN_PASSWORD": "x", "MARKET_ADMIN_PASSWORD_FILE": "/nowhere"}, "both"),
    ],
)
def test_half_an_administrator_is_a_mistake(tmp_path, environment, word):
    arguments = ("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0")
    done = run(*arguments, environment=environment, seconds=20)
    assert done.returncode == 2 and word in done.stderr.strip().splitlines()[-1], done.stderr


def test_a_registry_credential_in_a_file(start, tmp_path):
    secret = tmp_path / "credential"
    secret.write_text("market:secret\n")
    secret.chmod(0o600)
    server = start(f"registry.credential_file={secret}", flags=("--role", "registry"))
    asked = client.requests.get(server.url + "/eureka/apps", timeout=20)
    assert asked.status_code == 401
    assert client.requests.get(server.url + "/eureka/apps", auth=("market", "secret"), timeout=20).ok
    secret.chmod(0o644)
    setting = f"registry.credential_file={secret}"
    done = run("serve", "--role", "registry", "--set", setting, "--listen", "127.0.0.1:0")
    assert done.returncode == 2 and "chmod 600" in done.stderr


def test_keys_elsewhere_are_not_in_the_backup_and_are_put_back(store, start, tmp_path):
    """`keys` as a link: the keys lie on another disk, and are kept apart from the backups."""
    shutil.move(store / "keys", tmp_path / "safe")
    (store / "keys").symlink_to(tmp_path / "safe")
    email = (pathlib.Path(store).parent / "email").read_text() if (store.parent / "email").exists() else None
    assert run("check", "--data", store).returncode == 0
    assert run("backup", "--data", store, "--to", tmp_path / "backup").returncode == 0
    assert not (tmp_path / "backup/keys").exists()
    assert run("restore", "--from", tmp_path / "backup", "--data", tmp_path / "new").returncode == 0
    done = run("serve", "--data", tmp_path / "new", "--listen", "127.0.0.1:0", seconds=20)
    assert done.returncode == 1 and "key file" in done.stderr and "put it back" in done.stderr
    assert not (tmp_path / "new/keys").exists(), "a link would land in it"
    (tmp_path / "new/keys").symlink_to(tmp_path / "safe")
    assert run("check", "--data", tmp_path / "new").returncode == 0
    server = start(data=tmp_path / "new")
    assert client.admin(server.url).user["role"] == "admin" and email is None


def test_a_clock_that_was_set_is_a_metric(start):
    lines = client.Client(start().url).get("//metrics").text.splitlines()
    stepped = [line for line in lines if line.startswith("market_clock_stepped_milliseconds ")]
    # A time service may correct it by some milliseconds while the test runs.
    assert len(stepped) == 1 and float(stepped[0].split()[1]) < 1_000, stepped


def test_the_address_of_ipv6_is_printed_in_brackets(tmp_path):
    port = free_port()
    process = subprocess.Popen(
        [BINARY, "serve", "--data", tmp_path / "data", "--listen", f"[::1]:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    process.terminate()
    if not line and "cannot listen" in process.stderr.read():
        pytest.skip("there is no IPv6 here")
    assert f"http://[::1]:{port} " in line
    assert process.wait(20 * PATIENCE) == 0


def test_a_value_that_cannot_be_names_file_and_line(tmp_path):
    config = tmp_path / "market.toml"
    config.write_text("[http]\n\n[orders]\nqueue_max = 0\n")
    done = run("serve", "--config", config, "--data", tmp_path / "data", seconds=20)
    assert done.returncode == 2 and "market.toml" in done.stderr and "line 4" in done.stderr, done.stderr


def test_a_full_file_of_tokens_is_no_success(tmp_path):
    done = run("seed", "--users", 3, "--tokens", "/dev/full", "--data", tmp_path / "data")
    assert done.returncode == 1 and "cannot be written" in done.stderr, done


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_images_root_has_all_that_the_server_needs(tmp_path):
    """What the container file installs, and nothing else, under another root."""
    packages = subprocess.run(
        [ROOT / "deploy/container/packages.sh", BINARY], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(packages) > 10
    root = tmp_path / "root"
    for package in packages:
        listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=True).stdout
        for path in listed.splitlines():
            if "/lib" in path and os.path.isfile(path):
                at = root / os.path.realpath(os.path.dirname(path)).lstrip("/")
                at.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, at / os.path.basename(path), follow_symlinks=False)
    for link in ("lib", "lib64"):
        if os.path.islink("/" + link) and not (root / link).exists():
            (root / link).symlink_to("usr/" + link)
    for folder in ("proc", "tmp", "data", "usr/local/bin", "dev"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy2(BINARY, root / "usr/local/bin/market")
    (root / "dev/null").touch()
    mount("-t", "proc", "proc", root / "proc")
    port = free_port()
    command = ["chroot", root, "/usr/local/bin/market", "serve", "--data", "/data"]
    process = subprocess.Popen(
        [*command, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert "market is ready" in process.stdout.readline(), process.stderr.read()
        buyer = client.sign_up(f"http://127.0.0.1:{port}")
        buyer.get("/users/me", expect=200)
    finally:
        process.terminate()
        process.wait(20 * PATIENCE)
        subprocess.run(["umount", "-l", root / "proc"], check=True)
