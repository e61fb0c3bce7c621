"""Starts and stops `market serve --role gateway` with a settings file of the test's own."""

import http.client
import json
import os
import re
import select
import signal
import subprocess

from market_server import BINARY, PATIENCE, free_port, logged
from waiting import until


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def get(self, name):
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)


class Gateway:
    def __init__(self, folder, config, *settings, limits=False, port=None, flags=()):
        self.config = folder / "gateway.toml"
        self.config.write_text(config)
        self.log_path = folder / "gateway.log"
        self.port = port or free_port()
        command = [BINARY, "serve", "--role", "gateway", "--config", self.config]
        command += ["--listen", f"127.0.0.1:{self.port}", "--data", folder / "data", *flags]
        for setting in settings if limits else (*settings, "ratelimit.enabled=false"):
            command += ["--set", setting]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=dict(os.environ))
        ready, _, _ = select.select([self.process.stdout], [], [], 20 * PATIENCE)
        if not ready or not self.process.stdout.readline():
            raise RuntimeError(f"the gateway does not start: {self.log()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def logged(self, text):
        return logged(self.log_path, text)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self, seconds=20):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode

    def connect(self, timeout=10):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, path, method="GET", headers=None, body=None, timeout=10):
        peer = self.connect(timeout)
        try:
            peer.request(method, path, body=body, headers=headers or {})
            answer = peer.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            peer.close()

    def metric(self, name, **labels):
        text = self.ask("/metrics").body.decode()
        total = 0.0
        for found, given, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
            if found == name and all(f'{key}="{wanted}"' in given for key, wanted in labels.items()):
                total += float(value)
        return total

    def reload(self, config):
        before = self.log().count("settings were")
        self.config.write_text(config)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.log().count("settings were") > before, 10, "the settings were not read again")
