"""Registers as `python-service` with py_eureka_client and calls another; run by clients.py with a Python that
has the package. Answers `call`, `list` and `stop` of its standard input with one JSON line each."""

import http.server
import json
import sys
import threading

import py_eureka_client.eureka_client as eureka


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello from python"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def say(**what):
    print(json.dumps(what), flush=True)


def answer(line, vip):
    if line == "call":
        say(text=eureka.do_service(vip, "/"))
    elif line == "list":
        found = eureka.get_client().applications.get_application(vip)
        say(ids=[each.instanceId for each in found.up_instances] if found else [])


def main():
    registry_port, own_port, vip = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", own_port), Hello)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    eureka.init(
        eureka_server=f"http://127.0.0.1:{registry_port}/eureka/",
        app_name="python-service",
        instance_host="127.0.0.1",
        instance_ip="127.0.0.1",
        instance_port=own_port,
        renewal_interval_in_secs=1,
        duration_in_secs=3,
        metadata={"zone": "default", 'a"b': "quoted"},
    )
    say(started=True)
    for line in map(str.strip, sys.stdin):
        if line == "stop":
            eureka.stop()
            say(stopped=True)
            return
        try:
            answer(line, vip)
        except Exception as error:  # noqa: BLE001: the other side reads it.
            say(error=repr(error))


if __name__ == "__main__":
    main()
