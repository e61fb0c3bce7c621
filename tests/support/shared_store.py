"""A market on real engines, with a topic, a database and keys of its own, and what operators do with it."""

import os
import subprocess
import uuid

from market_server import Market, run


class SharedStore:
    """`engines`: as in the file env of tools/stack/engines.py. `apart`: two databases, not one."""

    def __init__(self, engines, folder, apart=False):
        self.engines, self.folder, self.servers = engines, folder, []
        self.topic = f"e2e.{uuid.uuid4().hex}"
        self.database = "market_e2e_" + uuid.uuid4().hex
        self.data = folder / "a"
        folder.mkdir(exist_ok=True)
        self.records = self.database + ("_records" if apart else "")
        for name in {self.database, self.records}:
            self.mysql(f"CREATE DATABASE {name}", None)
        password = engines["MYSQL_PASSWORD"]
        self.server = f"mysql://{engines['MYSQL_USER']}:{password}@{engines['MYSQL']}/"
        self.write_settings()

    def write_settings(self, **changed):
        known = {"log.kafka": self.engines["KAFKA"], "log.topic": self.topic,
                 "events.topic": self.topic + ".events", "records.mysql": self.server + self.records,
                 "accounts.mysql": self.server + self.database,
                 "redis.servers": self.engines["REDIS"], "redis.secret": "a secret of all instances",
                 "keys.folder": self.folder / "keys", **changed}
        sections = {}
        for name, value in known.items():
            section, key = name.split(".", 1)
            sections.setdefault(section, []).append(f'{key} = "{value}"\n')
        self.config = self.folder / "market.toml"
        self.config.write_text("".join(f"[{name}]\n{''.join(lines)}" for name, lines in sections.items()))

    def mysql(self, sql, database=""):
        host, port = self.engines["MYSQL"].split(":")
        done = subprocess.run(
            ["mariadb", "--no-defaults", "-h", host, "-P", port, "-u", self.engines["MYSQL_USER"], "-N", "-B",
             "-e", sql, *([] if database is None else [database or self.database])],
            check=True, capture_output=True, text=True,
            env={**os.environ, "MYSQL_PWD": self.engines["MYSQL_PASSWORD"]})
        return done.stdout

    def serve(self, *settings):
        """All roles in one process; the writer, when it is the first."""
        data = self.data if not self.servers else self.folder / f"instance-{len(self.servers)}"
        one = Market(data, "ratelimit.enabled=false", *settings, flags=("--config", self.config))
        self.servers.append(one.start(40))
        return one

    def stop(self):
        for one in self.servers:
            assert one.stop() == 0, one.log_tail()

    def run(self, *arguments, **more):
        return run(*arguments, "--config", self.config, **more)

    def ok(self, *arguments, **more):
        done = self.run(*arguments, **more)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-1500:]} {done.stderr[-1500:]}"
        return done.stdout

    def seed(self, *arguments):
        """(products, tokens)"""
        tokens = self.folder / f"tokens-{uuid.uuid4().hex}"
        said = self.ok("seed", *arguments, "--tokens", tokens)
        return ([line.split()[1] for line in said.splitlines() if line.startswith("product ")],
                tokens.read_text().split())

    def check(self, *arguments):
        said = self.ok("check", *arguments)
        assert ", 0 failed" in said and int(said.splitlines()[-1].split()[0]) > 25, said
        return said

    def end(self):
        for one in self.servers:
            one.kill()
        for name in {self.database, self.records}:
            self.mysql(f"DROP DATABASE {name}", None)
