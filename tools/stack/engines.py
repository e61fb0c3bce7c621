#!/usr/bin/env python3
"""Kafka, Redis and MariaDB on loopback, from packages alone: Debian's, and Maven's for Kafka's broker.

    tools/stack/engines.py up --dir FOLDER [kafka] [redis] [mariadb | mysql]     what runs already stays
    tools/stack/engines.py down --dir FOLDER

FOLDER/env holds their addresses as shell variables; FOLDER/pids/NAME.pid one file for each. What cannot be
started is said in one line, and the exit status is 1; the others run all the same.
"""

import argparse
import json
import pathlib
import secrets
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from processes import LOOPBACK, Process, Trouble, alone, answers, free_port, talks  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KAFKA_LIBS = ROOT / "build" / "kafka" / "libs"


def need(program, package):
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/sbin")
    if not found:
        raise Trouble(f"{program} is missing: apt-get install {package}")
    return found


def end_of(done):
    return (done.stdout + done.stderr).strip()[-300:]


class Engine:
    """Its port and secrets are kept in FOLDER/ports.json, so that a restart finds the same ones."""

    name = ""
    usual_port = 0
    question = b""  # What it answers to; empty: it speaks first.

    def __init__(self, folder, any_port=False):
        self.folder = pathlib.Path(folder).resolve()
        self.home = self.folder / self.name
        self.process = Process(self.folder, self.name)
        self.any_port = any_port
        self.begun = False

    def memory(self):
        path = self.folder / "ports.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def remember(self, key, make):
        known = self.memory()
        if key not in known:
            with alone(self.folder / ".ports.lock"):
                known = self.memory()  # Somebody else may have made it meanwhile.
                if key not in known:
                    known[key] = make(known)
                    new = self.folder / "ports.json.new"
                    new.write_text(json.dumps(known, indent=1) + "\n")
                    new.replace(self.folder / "ports.json")
        return known[key]

    def port_named(self, key, usual):
        return self.remember(key, lambda known: free_port(
            0 if self.any_port else usual, [each for each in known.values() if isinstance(each, int)]))

    @property
    def port(self):
        return self.port_named(self.name, self.usual_port)

    @property
    def address(self):
        return f"{LOOPBACK}:{self.port}"

    def up(self):
        """Begins it; wait() until it serves, so that several begin side by side."""
        with alone(self.process.lock):
            if self.process.pid() is None:
                self.home.mkdir(parents=True, exist_ok=True)
                self.begun = True
                self.begin()

    def wait(self):
        try:
            self.process.wait_until(self.healthy)
        except Trouble:
            if self.begun or self.process.pid() is not None:
                raise
            self.up()  # It was on its way to its end when up() found it.
            self.process.wait_until(self.healthy)

    def down(self):
        with alone(self.process.lock):
            self.process.stop()

    def healthy(self):
        return answers(self.port)

    def state(self):
        if self.process.pid() is None:
            return "is down"
        return "serves" if talks(self.port, self.question) else "does not answer"

    def variables(self):
        return {self.name.upper(): self.address}


class Kafka(Engine):
    """One broker that is its own controller (KRaft)."""

    name = "kafka"
    usual_port = 9092
    question = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # ApiVersions.
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        # One node: every internal topic has one replica.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        # The market makes its topics itself, with the settings that they need.
        "auto.create.topics.enable": "false",
        # Everything is allowed until a test forbids something.
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "group.initial.rebalance.delay.ms": "0",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.threads": "1",
        # No topic here is compacted but Kafka's own, which are small (default: 128 MiB, a third of the heap).
        "log.cleaner.dedupe.buffer.size": "2097152",
    }

    @staticmethod
    def collect():
        if any(KAFKA_LIBS.glob("kafka_2.13-*.jar")):
            return
        maven = need("mvn", "maven")
        KAFKA_LIBS.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([maven, "-q", "-B", "-f", HERE / "kafka" / "pom.xml", f"-Dlibs={KAFKA_LIBS}",
                               "package"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble("Kafka's packages cannot be had: " + (done.stdout + done.stderr).strip()[:300])

    def java(self, heap):
        return [need("java", "openjdk-17-jdk-headless"), f"-Xmx{heap}", "-cp", f"{KAFKA_LIBS}/*",
                f"-Dlog4j.configuration=file:{self.home}/log4j.properties", "-Djava.awt.headless=true"]

    def begin(self):
        self.collect()
        controller = self.port_named("kafka_controller", 9093)
        settings = {
            **self.settings,
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address}",
            "log.dirs": self.home / "data",
        }
        (self.home / "server.properties").write_text(
            "".join(f"{key}={value}\n" for key, value in settings.items()))
        (self.home / "log4j.properties").write_text(
            "log4j.rootLogger=INFO, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
            "log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n")
        if not (self.home / "data" / "meta.properties").exists():
            cluster = "bWFya2V0LXN0YWNrLTAwMQ"  # 16 bytes in base64, as Kafka's own tool makes them.
            done = subprocess.run(
                [*self.java("128m"), "-XX:+UseSerialGC", "kafka.tools.StorageTool", "format", "-t", cluster,
                 "-c", self.home / "server.properties"], capture_output=True, text=True)
            if done.returncode != 0:
                raise Trouble("Kafka's folder cannot be made: " + end_of(done))
        # It lives for minutes: in those, compiling everything a second time would take more of the processor
        # than all requests. A group waits for a pause of its collector: G1's were 14 to 20 ms here, ZGC's are
        # below one.
        self.process.start([*self.java("384m"), "-Xms384m", "-server", "-XX:TieredStopAtLevel=1",
                            "-XX:+UseZGC", "kafka.Kafka", self.home / "server.properties"])

    def healthy(self):
        # The port is open before the broker serves; the log says when it does.
        return self.process.said("Kafka Server started") and answers(self.port)


class Redis(Engine):
    """Live numbers and limits only: nothing of it is kept."""

    name = "redis"
    usual_port = 6379
    question = b"PING\r\n"

    @property
    def secret(self):
        """Under which our processes keep the names of limits there."""
        return self.remember("redis_secret", lambda _: secrets.token_hex(16))

    def begin(self):
        self.process.start([need("redis-server", "redis-server"), "--port", self.port, "--bind", LOOPBACK,
                            "--dir", self.home, "--save", "", "--appendonly", "no"])


class MysqlServer(Engine):
    """What MariaDB and MySQL have in common: one account of ours, and how it is reached."""

    options = ["--skip-name-resolve", "--innodb-buffer-pool-size=128M", "--max-allowed-packet=64M",
               "--max-connections=300"]

    @property
    def password(self):
        return self.remember(self.name + "_password", lambda _: secrets.token_hex(16))

    def first_statements(self, folder):
        """A file for the server's --init-file."""
        first = folder / "first.sql"
        first.touch(mode=0o600)
        first.write_text(
            "CREATE DATABASE IF NOT EXISTS market CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"
            f"CREATE USER IF NOT EXISTS market@'{LOOPBACK}';\n"
            f"ALTER USER market@'{LOOPBACK}' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON `market%`.* TO market@'{LOOPBACK}';\n")
        return first

    def healthy(self):
        return self.process.said("ready for connections") and answers(self.port)

    def variables(self):
        return {"MYSQL": self.address, "MYSQL_USER": "market", "MYSQL_PASSWORD": self.password,
                "MYSQL_DATABASE": "market"}


class Mariadb(MysqlServer):
    name = "mariadb"
    usual_port = 3306

    def begin(self):
        server = need("mariadbd", "mariadb-server")
        data = self.home / "data"
        if not (data / "mysql").exists():
            done = subprocess.run(
                [need("mariadb-install-db", "mariadb-server"), "--no-defaults", f"--datadir={data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"],
                capture_output=True, text=True)
            if done.returncode != 0:
                raise Trouble("MariaDB's folder cannot be made: " + end_of(done))
        # The socket's name is relative to the data: the system allows only 107 characters.
        self.process.start(
            [server, "--no-defaults", "--user=root", f"--datadir={data}", f"--port={self.port}",
             f"--bind-address={LOOPBACK}", "--socket=mariadb.sock", f"--pid-file={self.home}/server.pid",
             f"--init-file={self.first_statements(self.home)}", "--innodb-flush-log-at-trx-commit=1",
             *self.options])


class Mysql(MysqlServer):
    """MySQL itself, which Debian has in its unstable release alone: that is put into a folder of its own."""

    name = "mysql"
    usual_port = 3307
    root = ROOT / "build" / "mysql-root"

    def install(self):
        if (self.root / "usr/sbin/mysqld").exists():
            return
        mirror = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True,
                                text=True, check=True).stdout.split()[0]
        shutil.rmtree(self.root, ignore_errors=True)
        done = subprocess.run(
            [need("debootstrap", "debootstrap"), "--variant=minbase", "--include=mysql-server-core",
             "unstable", self.root, mirror], capture_output=True, text=True)
        if done.returncode != 0:
            raise Trouble("Debian's unstable release cannot be put into a folder: " + end_of(done))

    def begin(self):
        self.install()
        inside = f"/srv/{self.port}"
        home = self.root / inside[1:]
        server = ["chroot", self.root, "/usr/sbin/mysqld", "--no-defaults", "--user=root",
                  f"--datadir={inside}/data"]
        if not (home / "data/mysql.ibd").exists():
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir(parents=True)
            done = subprocess.run([*server, "--initialize-insecure"], capture_output=True, text=True)
            if done.returncode != 0:
                raise Trouble("MySQL's folder cannot be made: " + end_of(done))
        first = self.first_statements(home).name
        self.process.start(
            [*server, f"--port={self.port}", f"--bind-address={LOOPBACK}", f"--socket={inside}/socket",
             f"--pid-file={inside}/pid", f"--init-file={inside}/{first}", "--mysqlx=OFF",
             "--secure-file-priv=", *self.options])


ENGINES = {engine.name: engine for engine in (Kafka, Redis, Mariadb, Mysql)}
USUAL = ("kafka", "redis", "mariadb")


def shell_text(variables):
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def start_all(engines):
    """Their variables, and what went wrong: one that cannot be started keeps no other from it."""
    variables, troubles, begun = {}, [], []
    for step, among in (("up", engines), ("wait", begun)):
        for engine in list(among):
            try:
                getattr(engine, step)()
                if step == "up":
                    begun.append(engine)
                else:
                    variables.update(engine.variables())
            except Trouble as why:
                troubles.append(f"{engine.name}: {why}")
    return variables, troubles


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["up", "down"])
    parser.add_argument("engines", nargs="*", help="kafka, redis, mariadb (the default); mysql")
    parser.add_argument("--dir", required=True, type=pathlib.Path)
    parser.add_argument("--any-port", action="store_true", help="free ports, not the usual ones")
    options = parser.parse_args()
    unknown = set(options.engines) - set(ENGINES)
    if unknown:
        parser.error(f"there is no engine {', '.join(sorted(unknown))}")
    wanted = [ENGINES[name](options.dir, options.any_port) for name in options.engines or USUAL]
    if options.action == "down":
        for engine in wanted:
            engine.down()
        return 0
    started = time.monotonic()
    variables, troubles = start_all(wanted)
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    options.dir.mkdir(parents=True, exist_ok=True)
    (options.dir / "env").touch(mode=0o600)
    (options.dir / "env").write_text(shell_text(variables))
    print(f"{len(variables)} variables in {options.dir}/env after {time.monotonic() - started:.1f} s")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
