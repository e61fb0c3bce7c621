#!/usr/bin/env python3
"""Registry against registry, and our own client with it: real processes, no Java (faults 33 and 34).

Prints `N passed, N failed, N skipped`; exit 1 when one failed. About 40 seconds.
"""

import base64
import http.client
import json
import pathlib
import re
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.market_server import PATIENCE, Market, free_port  # noqa: E402

CREDENTIAL = "market:shared secret"
AUTHORIZATION = "Basic " + base64.b64encode(CREDENTIAL.encode()).decode()
FAST = (
    "registry.eviction_interval=200ms",
    "registry.cache=1s",
)
counts = {"passed": 0, "failed": 0}


def check(name, holds, detail=""):
    counts["passed" if holds else "failed"] += 1
    if not holds:
        print(f"failed: {name} {detail}", flush=True)


def call(registry, method, path, body=None, headers=None, authorization=None):
    connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=5)
    try:
        sent = {"Accept": "application/json", **(headers or {})}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if authorization:
            sent["Authorization"] = authorization
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def instance(app, name, **more):
    return json.dumps(
        {
            "instance": {
                "instanceId": name,
                "hostName": "127.0.0.1",
                "app": app,
                "ipAddr": "127.0.0.1",
                "vipAddress": app.lower(),
                "port": {"$": 9000, "@enabled": "true"},
                "dataCenterInfo": {
                    "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
                    "name": "MyOwn",
                },
                "leaseInfo": {"renewalIntervalInSecs": 1, "durationInSecs": 3},
                **more,
            }
        }
    )


def register(registry, app, name, authorization=None, **more):
    return call(registry, "POST", f"/eureka/apps/{app}", instance(app, name, **more), None, authorization)[0]


def apps(registry):
    status, body = call(registry, "GET", "/eureka/apps/", None, None, AUTHORIZATION)
    if status != 200:
        return {}
    return {
        one["instanceId"]: one["status"]
        for app in json.loads(body)["applications"]["application"]
        for one in app["instance"]
    }


def within(name, condition, seconds=5.0):
    end = time.monotonic() + seconds * PATIENCE
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                check(name, True)
                return
        except OSError as error:
            last = error
        time.sleep(0.02)
    check(name, False, f"not within {seconds} s (last: {last})")


def metric(server, name):
    found = re.search(rf"^{name} (\S+)$", call(server, "GET", "/metrics")[1].decode(), re.M)
    return float(found.group(1)) if found else None


def registry(folder, name, *settings, listen=None):
    return Market(folder / name, *FAST, *settings, listen=listen, flags=("--role", "registry"))


class Stream(threading.Thread):
    """Reads the push stream and remembers when each instance was told."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.told = {}
        self.events = 0
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.connection.request("GET", "/eureka/stream")
        self.answer = self.connection.getresponse()
        self.start()

    def run(self):
        try:
            while line := self.answer.fp.readline():
                now = time.monotonic()
                self.events += line.startswith(b"event:")
                for name in re.findall(rb'"instanceId":"([^"]+)"', line):
                    self.told.setdefault(name.decode(), now)
        except (OSError, ValueError):
            pass


def test_replication(folder):
    ports = free_port(), free_port()
    peers = ",".join(f"http://{CREDENTIAL.replace(' ', '%20')}@127.0.0.1:{port}/eureka/" for port in ports)
    settings = (f"registry.credential={CREDENTIAL}", f"registry.peers={peers}")
    first = registry(folder, "first", *settings, listen=ports[0])
    second = registry(folder, "second", *settings, listen=ports[1])
    with first:
        check("without the credential: 401", register(first, "A", "a1") == 401)
        wrong = "Basic " + base64.b64encode(b"market:guess").decode()
        check("with a wrong one: 401", register(first, "A", "a1", wrong) == 401)
        check(
            "a batch without it: 401", call(first, "POST", "/eureka/peerreplication/batch/", "{}")[0] == 401
        )
        check("reading without it: 401", call(first, "GET", "/eureka/apps/")[0] == 401)
        check("a heartbeat without it: 401", call(first, "PUT", "/eureka/apps/A/a1")[0] == 401)
        check("with it: 204", register(first, "A", "a1", AUTHORIZATION) == 204)
        with second:
            within("a starting registry takes over what its peer knows", lambda: "a1" in apps(second))
            check("registered at the second", register(second, "A", "a2", AUTHORIZATION) == 204)
            within("is known at the first", lambda: "a2" in apps(first))
            call(first, "PUT", "/eureka/apps/A/a2/status?value=OUT_OF_SERVICE", None, None, AUTHORIZATION)
            within("an override goes back", lambda: apps(second).get("a2") == "OUT_OF_SERVICE")
            call(second, "PUT", "/eureka/apps/A/a2/metadata?k=v", None, None, AUTHORIZATION)
            read = ("GET", "/eureka/apps/A/a2", None, None, AUTHORIZATION)
            seen = lambda: b'"k":"v"' in call(first, *read)[1]  # noqa: E731
            within("metadata too", seen)
            call(first, "DELETE", "/eureka/apps/A/a2", None, None, AUTHORIZATION)
            within("and a cancellation", lambda: "a2" not in apps(second))
            second.kill()
        check("the first goes on when its peer dies", register(first, "A", "a3", AUTHORIZATION) == 204)
        second = registry(folder, "second", *settings, listen=ports[1])
        with second:
            within("the peer has all of it when it is back", lambda: "a3" in apps(second), 8)
            register(first, "A", "a4", AUTHORIZATION)
            within("and hears the rest", lambda: "a4" in apps(second), 8)


def test_push(folder):
    with registry(folder, "push") as server:
        register(server, "A", "before")
        stream = Stream(server)
        within("the stream begins with the whole list", lambda: "before" in stream.told)
        worst = 0.0
        for number in range(20):
            name = f"i{number}"
            began = time.monotonic()
            register(server, "A", name)
            end = time.monotonic() + 2
            while name not in stream.told and time.monotonic() < end:
                time.sleep(0.001)
            worst = max(worst, stream.told.get(name, end) - began)
        print(f"push: the slowest of 20 changes took {worst * 1000:.1f} ms", flush=True)
        check("a change is pushed in under 50 ms", worst < 0.05 * PATIENCE, f"{worst * 1000:.1f} ms")
        check("dashboard and history answer", call(server, "GET", "/registry")[0] == 200)
        hostile = "<img src=x onerror=alert(1)>"
        register(server, "A", "x", status="UP", metadata={"zone": hostile})
        state = json.loads(call(server, "GET", "/registry/state")[1])
        check("hostile texts stay texts", any(one["zone"] == hostile for one in state["instances"]))
        drain = json.dumps({"app": "A", "id": "x", "status": "OUT_OF_SERVICE"})
        foreign = {"Origin": "http://evil.example"}
        check(
            "another site may not drain", call(server, "POST", "/registry/status", drain, foreign)[0] == 403
        )
        simple = {"Origin": "http://evil.example", "Content-Type": "application/xml"}
        check("nor register", call(server, "POST", "/eureka/apps/A", "<instance/>", simple)[0] == 403)
        rebound = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
        check("nor another name of it", call(server, "POST", "/registry/status", drain, rebound)[0] == 403)
        proxied = {"X-Forwarded-For": "9.9.9.9"}
        check("nor who comes by a proxy", call(server, "POST", "/registry/status", drain, proxied)[0] == 403)
        own = {"Origin": f"http://127.0.0.1:{server.port}"}
        check("the drain button does", call(server, "POST", "/registry/status", drain, own)[0] == 204)
        check("and it is drained", apps(server)["x"] == "OUT_OF_SERVICE")
        history = json.loads(call(server, "GET", "/registry/history")[1])["entries"]
        check("the history says why", "dashboard" in history[0]["why"], history[0])


def test_self_preservation(folder):
    """Row 34: many heartbeats lost at once are a fault of the network; few are dead instances."""
    with registry(folder, "preserve") as server:
        names = [f"i{number}" for number in range(20)]
        for name in names:
            register(server, "A", name)

        def heartbeats(of, seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for name in of:
                    call(server, "PUT", f"/eureka/apps/A/{name}?status=UP")
                time.sleep(0.5)

        heartbeats(names[10:], 6)
        check("no mass eviction", len(apps(server)) == 20, len(apps(server)))
        state = json.loads(call(server, "GET", "/registry/state")[1])["selfPreservation"]
        check("self-preservation says why", state["active"] and "10 of 20" in state["reason"], state)
        heartbeats(names[2:], 6)
        check("two of twenty are evicted", set(apps(server)) == set(names[2:]), sorted(apps(server)))


def test_client(folder):
    """Row 33: registries away, back empty, one of two gone."""
    ports = free_port(), free_port()
    urls = ",".join(f"http://127.0.0.1:{port}/eureka/" for port in ports)
    shop = Market(
        folder / "shop",
        f"registry.urls={urls}",
        "registry.renewal_interval=500ms",
        "registry.lease=3s",
        "registry.fetch_interval=500ms",
    )
    ours = {f"127.0.0.1:market-{name}:{shop.port}" for name in ("user", "product", "order")}
    with shop:
        check("starts without a registry", call(shop, "GET", "/health/ready")[0] == 200)
        first = registry(folder, "one", listen=ports[0]).start()
        within("registers when one is there", lambda: ours <= set(apps(first)))
        within("and sees itself", lambda: metric(shop, "market_discovery_instances") == 3)
        within("by push", lambda: metric(shop, "market_discovery_pushed") == 1)
        second = registry(folder, "two", listen=ports[1]).start()
        first.kill()
        within("goes on with the next registry", lambda: ours <= set(apps(second)))
        second.kill()
        time.sleep(2)
        check("keeps the last known list", metric(shop, "market_discovery_instances") == 3)
        register_other = registry(folder, "one", listen=ports[0]).start()
        within("registers again with an empty one", lambda: ours <= set(apps(register_other)))
        check("and keeps its list meanwhile", metric(shop, "market_discovery_instances") == 3)
        call(register_other, "DELETE", f"/eureka/apps/MARKET-USER/127.0.0.1:market-user:{shop.port}")
        within("registers again after a 404", lambda: ours <= set(apps(register_other)))
        path = f"/eureka/apps/MARKET-ORDER/127.0.0.1:market-order:{shop.port}/status?value=OUT_OF_SERVICE"
        call(register_other, "PUT", path)
        order = f"127.0.0.1:market-order:{shop.port}"
        check("can be drained", apps(register_other)[order] == "OUT_OF_SERVICE")
        shop.kill()
        shop.start()
        within("a restart returns it to service", lambda: apps(register_other).get(order) == "UP")
        began = time.monotonic()
        check("ends on SIGTERM", shop.stop() == 0)
        check("at once", time.monotonic() - began < 5 * PATIENCE)
        check("and has left the registry", not ours & set(apps(register_other)), apps(register_other))
        register_other.stop()


def main():
    with tempfile.TemporaryDirectory() as name:
        for test in (test_replication, test_push, test_self_preservation, test_client):
            try:
                test(pathlib.Path(name))
            except Exception as error:  # noqa: BLE001: the rest is still worth a run
                check(test.__name__, False, repr(error))
    print(f"{counts['passed']} passed, {counts['failed']} failed, 0 skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
