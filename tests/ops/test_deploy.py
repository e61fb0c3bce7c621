"""deploy/: what is in it can be started, as far as that shows without the machines: settings and flags by
`market serve --check`, Kubernetes' objects by their schemas, units by systemd itself."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from market_server import BINARY, ROOT

DEPLOY = ROOT / "deploy"
SECRETS = {"mysql-url": "mysql://market:secret@mysql:3306/market", "registry-password": "secret",
           "admin-password": "a long enough password 9"}
ROLES = ("registry", "user", "product", "order", "gateway")


def check(arguments, environment, cwd=None):
    """What is wrong; empty: nothing, and every setting has an effect."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MARKET_")}
    done = subprocess.run([BINARY, *arguments, "--check"], capture_output=True, text=True, timeout=60,
                          cwd=cwd, env={**clean, **environment})
    lines = done.stdout.splitlines()
    if done.returncode == 0 and lines == ["the settings can be used"]:
        return ""
    return f"{arguments}: {done.stderr}{done.stdout}"


def of_market(environment):
    return {name: str(value) for name, value in environment.items() if name.startswith("MARKET_")}


# --- compose ----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def compose():
    variables = dict(line.split("=", 1) for line in (DEPLOY / "compose.env.example").read_text().splitlines())
    text = (DEPLOY / "compose.yaml").read_text()
    used = set(re.findall(r"\$\{(\w+)\}", text))
    assert used == set(variables), "the example names all that compose.yaml asks for, and nothing else"
    return yaml.safe_load(re.sub(r"(?<!\$)\$\{(\w+)\}", lambda found: variables[found[1]], text))


def test_compose_is_whole(compose):
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
        assert {"memory", "cpus"} <= set(service["deploy"]["resources"]["limits"]), name
        for other, how in service.get("depends_on", {}).items():
            assert other in compose["services"] and how["condition"] == "service_healthy"
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], volume
        if service["image"].startswith("market"):
            assert service["read_only"] and service["cap_drop"] == ["ALL"], name
    assert {"kafka", "redis", "mysql", "registry-1", "registry-2", "user", "product", "order", "gateway"} \
        == set(compose["services"])


def test_compose_gives_every_role_what_it_takes(compose, tmp_path):
    wrong, roles = [], set()
    for name, service in compose["services"].items():
        if not service["image"].startswith("market"):
            continue
        (command,) = service["command"]
        words = shlex.split(command.replace("$$(hostname -i)", "10.1.2.3"))
        assert words[:3] == ["exec", "market", "serve"]
        roles.add(words[words.index("--role") + 1])
        # The key file of a gateway is waited for; data folders are the container's.
        wrong.append(check(words[2:], of_market(service["environment"]), tmp_path))
    assert [each for each in wrong if each] == []
    assert roles == set(ROLES)


def test_the_image_has_the_folder_that_volumes_are_put_over():
    """A volume over a path that the image lacks belongs to root."""
    text = (DEPLOY / "container/Containerfile").read_text()
    assert "/data/keys" in text and "USER 10001" in text and text.count("FROM ") == 2


# --- Kubernetes -------------------------------------------------------------------------------------------

def objects():
    """(file, object): as kubectl would be given them."""
    listed = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())["resources"]
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there
    return [(name, each) for name in listed
            for each in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text())]


def pods():
    return {each["metadata"]["name"]: each["spec"]["template"] for _, each in objects()
            if each["kind"] in ("Deployment", "StatefulSet")}


def test_every_object_has_the_form_of_its_kind():
    validate = pytest.importorskip("kubernetes_validate")
    for name, each in objects():
        try:
            validate.validate(each, "1.30", strict=True)
        except validate.ValidationError as wrong:
            pytest.fail(f"{name}: {each['kind']} {each['metadata']['name']}: {wrong.message}")
    broken = dict(objects()[-1][1])
    broken["spec"] = {**broken["spec"], "podSelectr": {}}
    with pytest.raises(validate.ValidationError):
        validate.validate(broken, "1.30", strict=True)


def fits(selector, labels):
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    return all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))


def test_what_selects_pods_finds_some_and_their_ports():
    templates = pods()
    ports = {name: {port["name"] for port in template["spec"]["containers"][0]["ports"]}
             for name, template in templates.items()}
    assert set(templates) == {f"market-{role}" for role in ROLES}
    budgets = set()
    for _, each in objects():
        spec = each.get("spec", {})
        if each["kind"] == "Service":
            chosen = {"matchLabels": spec["selector"]}
            wanted = {port.get("targetPort", port["port"]) for port in spec["ports"]}
        elif each["kind"] == "NetworkPolicy":
            chosen = spec["podSelector"]
            wanted = {port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]}
            for peer in (peer for rule in spec.get("ingress", []) for peer in rule.get("from", [])):
                if "namespaceSelector" not in peer:
                    assert any(fits(peer["podSelector"], t["metadata"]["labels"]) for t in templates.values())
        elif each["kind"] == "PodDisruptionBudget":
            chosen, wanted = spec["selector"], set()
        else:
            continue
        found = [name for name, t in templates.items() if fits(chosen, t["metadata"]["labels"])]
        assert found, each["metadata"]["name"]
        budgets.update(found if each["kind"] == "PodDisruptionBudget" else [])
        for name in found:
            assert {port for port in wanted if isinstance(port, str)} <= ports[name], each["metadata"]["name"]
    assert budgets == set(templates), "each role has a budget"


def test_kubernetes_gives_every_role_what_it_takes(tmp_path):
    config = next(each for _, each in objects() if each["kind"] == "ConfigMap")
    (tmp_path / "market.toml").write_text(config["data"]["market.toml"])
    wrong = []
    for template in pods().values():
        (container,) = template["spec"]["containers"]
        known = {}
        for each in container["env"]:
            if "secretKeyRef" in each.get("valueFrom", {}):
                value = SECRETS[each["valueFrom"]["secretKeyRef"]["key"]]
            elif "fieldRef" in each.get("valueFrom", {}):
                value = "10.1.2.3"
            else:  # As Kubernetes puts earlier ones into later ones.
                value = re.sub(r"\$\((\w+)\)", lambda found, known=known: known[found[1]], each["value"])
            known[each["name"]] = value
        arguments = [word.replace("/config/", f"{tmp_path}/") for word in container["args"]]
        wrong.append(check(arguments, of_market(known), tmp_path))
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["path"] in ("/health/live", "/health/ready")
        assert "memory" in container["resources"]["limits"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
    assert [each for each in wrong if each] == []


# --- systemd ----------------------------------------------------------------------------------------------

def test_systemd_takes_every_unit(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    for unit in (DEPLOY / "systemd").glob("market*.*"):
        if unit.suffix in (".service", ".socket"):
            (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/local/bin/market", str(BINARY)))
    units = ["market.service", "market.socket", *(f"market@{role}.service" for role in ROLES)]

    def verify(*names):
        return subprocess.run(["systemd-analyze", "verify", "--man=no", *names], capture_output=True,
                              text=True, timeout=60, cwd=tmp_path,
                              env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})

    done = verify(*units)
    ours = [line for line in done.stderr.splitlines() if "market" in line]
    assert done.returncode == 0 and ours == [], done.stderr
    template = tmp_path / "market@.service"
    template.write_text(template.read_text().replace("Type=simple", "Typ=simple"))
    assert "Typ" in verify("market@user.service").stderr, "it would say what it does not know"


@pytest.mark.parametrize("role", ROLES)
def test_each_role_can_be_started_by_its_unit(role, tmp_path):
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, value in {"mysql-url": SECRETS["mysql-url"], "registry-credential": "market:secret",
                        "registry-urls": "http://market:secret@127.0.0.1:8761/eureka/"}.items():
        (secrets / name).write_text(value + "\n")
        (secrets / name).chmod(0o600)
    environment = {}
    for line in (DEPLOY / f"systemd/roles/{role}.env").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            environment[name] = value.strip('"').replace("/etc/market/secrets", str(secrets))
    options = shlex.split(environment.pop("MARKET_OPTIONS").replace("/etc/market", str(tmp_path)))
    text = (DEPLOY / "distributed.toml").read_text().replace("/etc/market/secrets", str(secrets))
    (tmp_path / "distributed.toml").write_text(text)
    unit = (DEPLOY / "systemd/market@.service").read_text()
    started = re.search(r"^ExecStart=/usr/local/bin/market (.*)$", unit, re.M)[1].replace("%i", role)
    arguments = shlex.split(started.replace("$MARKET_OPTIONS", "")) + options
    assert check(arguments, {name: value for name, value in environment.items() if value}) == ""


def test_the_sample_of_one_process_can_be_used():
    assert check(["serve", "--config", str(DEPLOY / "market.toml")], {}) == ""
