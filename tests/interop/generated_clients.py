#!/usr/bin/env python3
"""Clients that were generated from api/openapi.yaml compile, and buy once.

TypeScript always (openapi-typescript, strict). With MARKET_RELEASE_CHECK=1 also Java and Python, by
openapi-generator. A generator that cannot be had is skipped, and counted so.
Prints `N passed, N failed, N skipped`; exit 1 when one failed.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import client  # noqa: E402
from market_server import ROOT, Market  # noqa: E402

HERE = ROOT / "tests/interop/generated"
OUTPUT = ROOT / "build/interop/generated"
GENERATOR = OUTPUT / "dependency/openapi-generator-cli-7.10.0.jar"
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
counts = {"passed": 0, "failed": 0, "skipped": 0}


class Failed(Exception):
    pass


def run(*command, cwd=None, seconds=600):
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode != 0:
        raise Failed(f"{command[0]}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def can(*command, cwd=None):
    try:
        run(*command, cwd=cwd)
        return True
    except (Failed, OSError, subprocess.TimeoutExpired):
        return False


def typescript(document):
    """The command that buys; None: npm has not got the packages."""
    folder = OUTPUT / "typescript"
    shutil.copytree(HERE / "typescript", folder, dirs_exist_ok=True)
    marker = folder / "node_modules/.market-lock"
    wanted = (folder / "package-lock.json").read_bytes()
    if not marker.is_file() or marker.read_bytes() != wanted:
        if not can("npm", "ci", cwd=folder):
            return None
        marker.write_bytes(wanted)
    run("npx", "openapi-typescript", document, "-o", folder / "schema.d.ts", cwd=folder)
    run("npx", "tsc", "-p", ".", cwd=folder)
    return ["node", folder / "built/buy.js"]


def has_generator():
    return GENERATOR.is_file() or can(
        "mvn", "-q", "-f", HERE / "pom.xml", "dependency:copy-dependencies",
        f"-DoutputDirectory={GENERATOR.parent}",
    )  # fmt: skip


def generate(document, language, folder, **properties):
    shutil.rmtree(folder, ignore_errors=True)
    options = ",".join(f"{name}={value}" for name, value in properties.items())
    run(*JAVA, "-jar", GENERATOR, "generate", "-i", document, "-g", language, "-o", folder,
        "--additional-properties=" + options)  # fmt: skip


def java(document):
    if not shutil.which("mvn") or not has_generator():
        return None
    folder = OUTPUT / "java"
    generate(
        document, "java", folder, library="native", openApiNullable="false", apiPackage="market.api",
        modelPackage="market.model", invokerPackage="market", groupId="market", artifactId="client",
    )  # fmt: skip
    shutil.copy(HERE / "Buy.java", folder / "src/main/java/Buy.java")
    run("mvn", "-q", "-DskipTests", "compile", "dependency:build-classpath",
        f"-Dmdep.outputFile={folder}/classpath", cwd=folder)  # fmt: skip
    paths = f"{folder}/target/classes:" + (folder / "classpath").read_text().strip()
    return [*JAVA, "-cp", paths, "Buy"]


def python(document):
    if not shutil.which("java") or not has_generator():
        return None
    folder, environment = OUTPUT / "python", OUTPUT / "python-environment"
    generate(document, "python", folder, packageName="market_client")
    if not (environment / "bin/python").exists():
        run(sys.executable, "-m", "venv", environment)
    if not can(environment / "bin/pip", "install", "-q", "--upgrade", folder):
        return None
    return [environment / "bin/python", HERE / "buy.py"]


def buy_once(name, make, document, market, seller):
    try:
        command = make(document)
        if command is None:
            counts["skipped"] += 1
            print(f"skipped: {name}: its packages cannot be had", flush=True)
            return
        product = seller.product(stock=1)
        said = json.loads(run(*command, market.url, product["id"], client.new_email(), client.PASSWORD))
        if said != {"state": "paid", "ticket": 1} or seller.stock(product)["remaining"] != 0:
            raise Failed(f"it says {said}")
        counts["passed"] += 1
    except (Failed, OSError, ValueError, subprocess.TimeoutExpired) as failure:
        counts["failed"] += 1
        print(f"failed: {name}: {failure}", flush=True)


def main():
    makers = {"TypeScript": typescript}
    if os.environ.get("MARKET_RELEASE_CHECK"):
        makers |= {"Java": java, "Python": python}
    OUTPUT.mkdir(parents=True, exist_ok=True)
    document = OUTPUT / "openapi.json"
    run(sys.executable, ROOT / "tools/openapi_to_json.py", ROOT / "api/openapi.yaml", document)
    with tempfile.TemporaryDirectory() as folder, Market(pathlib.Path(folder) / "data") as market:
        seller = client.admin(market.url)
        for name, make in makers.items():
            buy_once(name, make, document, market, seller)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
