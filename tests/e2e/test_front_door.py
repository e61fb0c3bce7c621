"""The process that is all is its own front door: TLS, and pages of other origins."""

import os
import signal
import ssl

import pytest
import requests
from market_server import Market
from test_gateway_policies import certificate
from waiting import until

import client

if os.environ.get("E2E_SPLIT"):
    pytest.skip("the gateway's own tests say this of it", allow_module_level=True)

SHOP = {"Origin": "https://shop.example"}


def test_tls(tmp_path):
    files = tmp_path / "used.pem", tmp_path / "used.key"
    for file, text in zip(files, certificate(tmp_path, "first"), strict=True):
        file.write_bytes(text)
    settings = [f"gateway.tls_certificate={files[0]}", f"gateway.tls_key={files[1]}"]
    with Market(tmp_path / "data", *settings) as server:
        assert server.ready_line.startswith("market is ready: https://")
        url = f"https://127.0.0.1:{server.port}"
        body = {"email": client.ADMIN_EMAIL, "password": client.ADMIN_PASSWORD}
        page = {"Market-Session": "cookie"}
        answer = requests.post(
            url + "/api/v1/sessions", json=body, headers=page, verify=False, timeout=60
        )
        assert answer.status_code == 201 and "max-age" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["Set-Cookie"].count("; Secure") == 2
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(f"http://127.0.0.1:{server.port}/health/live", timeout=10)

        def shown():
            return ssl.get_server_certificate(("127.0.0.1", server.port))

        before = shown()
        for file, text in zip(files, certificate(tmp_path, "second"), strict=True):
            file.write_bytes(text)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: shown() != before, 5, "the new certificate is not shown")
        files[1].write_text("junk")
        server.process.send_signal(signal.SIGHUP)
        assert server.logged("the old one stays") and shown()


def test_half_a_pair_is_refused(tmp_path):
    with pytest.raises(Exception):
        Market(tmp_path / "data", "gateway.tls_certificate=/x.pem").start(5)


def test_pages_of_other_origins(start):
    server = start("gateway.cors_origins=https://shop.example")
    api = server.url + "/api/v1"
    asked = {**SHOP, "Access-Control-Request-Method": "POST"}
    preflight = requests.options(api + "/orders", headers=asked, timeout=10)
    assert preflight.status_code == 204 and "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Market-Session" not in preflight.headers["Access-Control-Allow-Headers"]
    for path, status in (("/products", 200), ("/orders", 401), ("/nothing", 404), ("/products?x=1", 422)):
        answer = requests.get(api + path, headers=SHOP, timeout=10)
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP["Origin"]
        assert "Access-Control-Allow-Credentials" not in answer.headers
        foreign = requests.get(api + path, headers={"Origin": "https://evil.example"}, timeout=10)
        assert "Access-Control-Allow-Origin" not in foreign.headers and "Origin" in foreign.headers["Vary"]
