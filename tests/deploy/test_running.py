"""What the image, compose.yaml, the manifests and the unit run is run here as it stands, without the daemons that would run it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

from support.brokers.servers import redis_server

yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
pytest.importorskip("uvicorn", reason="pip install 'headwater[serve]'")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text(encoding="utf-8"))
MANIFESTS = {
    path.stem: list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
}
USER = 10001
TOKEN = "t" * 20
CODE = "from headwater.cli import main; raise SystemExit(main())"
PATIENCE_S = 900


def instruction(name):
    """Return the words of the last instruction of a name that is written as JSON."""
    return json.loads(re.findall(rf"^{name} (\[.*\])$", DOCKERFILE, re.MULTILINE)[-1])


def of_kind(manifests, kind):
    (found,) = [one for one in manifests if one["kind"] == kind]
    return found


def container(name):
    (only,) = of_kind(MANIFESTS[name], "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return only


COMMANDS = {
    "image": instruction("CMD"),
    "compose": COMPOSE["services"]["headwater"]["command"],
    **{name: container(name)["args"] for name in MANIFESTS},
}


def other_user():
    """Return the image's user where this process may become it, and it can read the package, else None."""
    if os.name != "posix" or os.geteuid():
        return None
    words = [sys.executable, "-c", "import headwater._core"]
    try:
        done = subprocess.run(words, user=USER, group=USER, extra_groups=[], capture_output=True, check=False, cwd="/")
    except PermissionError:
        return None
    return USER if done.returncode == 0 else None


@pytest.fixture
def data():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "tokens").write_text(f"admin {TOKEN}\n")
        (path / "tokens").chmod(0o400)
        if (user := other_user()) is not None:
            os.chown(path, user, user)
            os.chown(path / "tokens", user, user)
        yield path


def placed(command, data, broker):
    """Return a container's command with its places exchanged for those of a test."""
    words = " ".join(map(shlex.quote, command))
    words = re.sub(r"/run/(secrets|headwater)/tokens", f"{data}/tokens", words)
    words = re.sub(r"redis://(redis|broker):6379", f"redis://127.0.0.1:{broker}", words)
    return shlex.split(words.replace("/data/", f"{data}/").replace("0.0.0.0", "127.0.0.1").replace("8080", "0"))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_serves_learns_becomes_ready_and_drains(name, data, tmp_path):
    command, redis = COMMANDS[name], None
    if any("redis://" in word for word in command):
        pytest.importorskip("redis", reason="pip install 'headwater[redis]'")
        redis = redis_server(tmp_path)
        redis.start()
    how = {"user": USER, "group": USER, "extra_groups": []} if other_user() else {}
    environment = {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent", "PATH": os.defpath}
    environment |= {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
    words = [sys.executable, "-W", "ignore", "-c", CODE, *placed(command, data, redis.port if redis else 0)]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=data, env=environment, **how
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        address = line.split()[-1]
        assert asked(f"{address}/health/live") == {"live": True}
        source = "--source" in " ".join(command)
        if not source:
            x = {"hour": 9, "machine_id": "m1"}
            assert asked(f"{address}/learn", {"x": x, "y": 1.5 if name == "fleet" else "late"})["seq"] == 1
        ready = asked(f"{address}/health/ready")
        while source and not ready["ready"]:
            ready = asked(f"{address}/health/ready")
        assert ready["ready"]
        assert "headwater_ready 1.0" in asked(f"{address}/metrics", raw=True)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
        assert "chmod" not in errors
    finally:
        process.kill()
        process.communicate()
        if redis is not None:
            redis.kill()


def asked(address, body=None, *, raw=False):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            text = response.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
    return text if raw else json.loads(text)


def test_the_image_runs_as_nobody_special_and_holds_the_volume():
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE) == [f"{USER}:{USER}"]
    assert re.findall(r"^(?:VOLUME|WORKDIR) (/data)$", DOCKERFILE, re.MULTILINE) == ["/data"] * 2
    assert instruction("ENTRYPOINT") == ["headwater"]
    assert "--store=/data" in " ".join(COMMANDS["compose"])
    for path in re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE):
        assert (ROOT / path).exists()


def test_the_extras_of_the_image_are_those_of_the_project():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (named,) = re.findall(r'\.whl\)\[([\w,]+)\]"', DOCKERFILE)
    assert {*named.split(",")} <= extras.keys()


def test_what_compose_mounts_is_there_or_made_by_its_first_lines():
    made = {"./token", "./tokens"}
    head = (DEPLOY / "compose/compose.yaml").read_text().partition("\nname:")[0]
    for service in COMPOSE["services"].values():
        for mount in service["volumes"]:
            where = mount.split(":")[0]
            if where.startswith("."):
                assert where in made or (DEPLOY / "compose" / where).exists()
            else:
                assert where in COMPOSE["volumes"]
    assert COMPOSE["secrets"]["tokens"]["file"] in made
    assert "> tokens" in head
    assert "> token\n" in head


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="no docker-compose on this machine")
def test_compose_itself_reads_the_file(tmp_path):
    folder = tmp_path / "deploy" / "compose"
    folder.mkdir(parents=True)
    shutil.copy(DEPLOY / "compose/compose.yaml", folder)
    words = ["docker-compose", "--file", str(folder / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_manifests_are_the_charts_and_fit_the_schemas_of_kubernetes(name):
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate").validate
    chart = pytest.importorskip("tools.deploy.chart")
    assert (DEPLOY / "kubernetes" / f"{name}.yaml").read_text() == chart.written(chart.MANIFESTS[name])
    for manifest in MANIFESTS[name]:
        for version in ("1.30", "1.37"):
            validate(manifest, version, strict=True)
    kinds = {one["kind"] for one in MANIFESTS[name]}
    assert kinds == {"NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceAccount", "StatefulSet"}


def test_a_release_under_another_name_selects_its_own_pods():
    chart = pytest.importorskip("tools.deploy.chart")
    manifests = chart.render(chart.values_with(None), "orders")
    pod = of_kind(manifests, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert pod["app.kubernetes.io/instance"] == "orders"
    assert of_kind(manifests, "Service")["spec"]["selector"] == pod
    assert of_kind(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == pod
    assert of_kind(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == pod


@pytest.mark.parametrize("name", MANIFESTS)
def test_what_a_pod_mounts_is_defined_and_what_it_writes_is_a_volume(name):
    spec = of_kind(MANIFESTS[name], "StatefulSet")["spec"]
    pod, only = spec["template"]["spec"], container(name)
    claims = [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]]
    defined = {volume["name"] for volume in pod["volumes"]} | {*claims}
    mounts = {mount["mountPath"]: mount["name"] for mount in only["volumeMounts"]}
    assert set(mounts.values()) == defined
    assert mounts["/data"] in claims
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsNonRoot"]) == (USER, True)
    assert only["securityContext"]["readOnlyRootFilesystem"]
    assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {probe for probe in only if probe.endswith("Probe")} == {"startupProbe", "livenessProbe", "readinessProbe"}
    assert pod["serviceAccountName"] == of_kind(MANIFESTS[name], "ServiceAccount")["metadata"]["name"]
    grace = pod["terminationGracePeriodSeconds"] - only["lifecycle"]["preStop"]["sleep"]["seconds"]
    from headwater.serve.run import DRAIN_S

    assert grace > 2 * DRAIN_S
    tokens = next(volume for volume in pod["volumes"] if volume["name"] == "tokens")
    assert f"{only['volumeMounts'][1]['mountPath']}/tokens" in " ".join(only["args"])
    assert tokens["secret"] == {"secretName": "headwater-tokens", "defaultMode": 0o400}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze on this machine")
def test_systemd_finds_no_fault_in_the_unit(tmp_path):
    page = (ROOT / "docs/how-to/deploy.md").read_text(encoding="utf-8")
    unit = re.search(r"```ini\n(.*?)```", page, re.DOTALL)[1]
    program = Path(sys.executable)
    assert "/opt/headwater/bin/headwater" in unit
    file = tmp_path / "headwater.service"
    file.write_text(unit.replace("/opt/headwater/bin/headwater", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
