"""Spans of every role, sent to a collector: one trace through the processes that a request passes."""

import http.client
import http.server
import json
import threading
import time

import pytest
import split_market
from market_server import Market
from waiting import until

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.ThreadingHTTPServer):
    """Spans by the service that sent them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.spans = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, service, trace=TRACE):
        return [span for name, span in self.spans if name == service and span["traceId"] == trace]


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in body["resourceSpans"]:
            (name,) = [each["value"]["stringValue"] for each in resource["resource"]["attributes"]]
            for scope in resource["scopeSpans"]:
                self.server.spans += [(name, span) for span in scope["spans"]]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    server = Collector()
    yield server
    server.shutdown()
    server.server_close()


def settings_of(collector):
    return [
        f"http.spans_url=http://127.0.0.1:{collector.server_port}/v1/traces",
        "http.spans_per_million=1000000",
    ]


def ask(port, path, trace=TRACE, flags="01", method="GET"):
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    peer.request(method, path, headers={"traceparent": f"00-{trace}-{CALLER}-{flags}"})
    answer = peer.getresponse()
    answer.read()
    peer.close()
    return answer.status


def test_one_trace_through_three_processes(tmp_path, collector):
    market = split_market.SplitMarket(tmp_path / "data", *settings_of(collector))
    try:
        market.start()
        assert ask(market.gateway.port, "/api/v1/products?search=secret") == 200
        assert ask(market.registry.port, "/eureka/apps") == 200
        services = ("market-gateway", "market-services", "market-registry")
        until(lambda: all(collector.of(service) for service in services), 10, "the spans")
        (gateway,), (service,), (registry,) = map(collector.of, services)
        assert gateway["parentSpanId"] == registry["parentSpanId"] == CALLER
        assert service["parentSpanId"] == gateway["spanId"]
        assert len({gateway["spanId"], service["spanId"], registry["spanId"]}) == 3
        assert service["name"] == "GET /api/v1/products" and service["kind"] == 2
        tick = 20_000_000  # Clocks tell milliseconds; a start is reckoned back from an end noted late.
        assert int(gateway["startTimeUnixNano"]) <= int(service["endTimeUnixNano"]) + tick
        attributes = {each["key"]: each["value"] for each in service["attributes"]}
        assert attributes["http.response.status_code"]["intValue"] == "200"
        assert "secret" not in json.dumps(collector.spans)
    finally:
        market.kill()


def test_whoever_began_the_trace_has_decided(tmp_path, collector):
    log = tmp_path / "access.log"
    settings = [*settings_of(collector), f"http.access_log={log}", "http.spans_per_million=0"]
    with Market(tmp_path / "data", *settings) as market:
        unwanted, wanted, missing = "1" * 32, "2" * 32, "3" * 32
        assert ask(market.port, "/api/v1/products", unwanted, "00") == 200
        assert ask(market.port, "/api/v1/products", wanted, "03") == 200
        assert ask(market.port, "/nowhere", missing, "01") == 404
        until(lambda: collector.of("market", wanted) and collector.of("market", missing), 10, "the spans")
        time.sleep(0.3)
        assert {span["traceId"] for _, span in collector.spans} == {wanted, missing}
        until(lambda: len(log.read_text().splitlines()) == 3, 5, "the log takes all")
        line = json.loads(log.read_text().splitlines()[0])
        assert (line["path"], line["status"], line["traceId"]) == ("/api/v1/products", 200, unwanted)


def test_a_collector_that_is_away_costs_nobody_an_answer(tmp_path):
    settings = ["http.spans_url=http://127.0.0.1:1/v1/traces", "http.spans_per_million=1000000"]
    with Market(tmp_path / "data", *settings) as market:
        for _ in range(20):
            assert ask(market.port, "/health/ready") == 200
        assert market.stop() == 0
