"""Alert rules, dashboard and scrape configuration ask for metrics that the server has, and Prometheus itself takes them."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import headwater as hw
from support.processes.served import served

yaml = pytest.importorskip("yaml", reason="pip install pyyaml")
parser = pytest.importorskip("prometheus_client.parser", reason="pip install 'headwater[serve]'")

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana/headwater.json").read_text(encoding="utf-8"))
QUERIES = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
    *(annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]),
]
METRIC = re.compile(r"\b((?:headwater|process)_\w+|up)\b")
LABELS = re.compile(r"(headwater_\w+)\{([^}]*)\}")
ADDED = {"job", "instance"}
"""Labels that Prometheus adds."""
PATIENCE_S = 300


@pytest.fixture(scope="module")
def exposed(tmp_path_factory):
    """The labels of each metric by its name, of a server with a source, refused requests, and a bandit with a challenger."""
    decisions = [{"x": {"a": i % 7}, "y": {"action": "ab"[i % 2], "reward": i % 2, "p": 0.5}} for i in range(200)]
    with served(tmp_path_factory.mktemp("served") / "a.db") as (state, client):
        state.service.create("offers", hw.Bandit(hidden=4, seed=1))
        assert client.post("/models/offers/challengers", json={"name": "wide", "hidden": [8]}).status_code == 201
        assert client.post("/models/offers/learn", json=decisions).status_code == 200
        client.post("/snapshot")
        text = client.get("/metrics").text
    found: dict[str, set[str]] = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("query", QUERIES)
def test_every_metric_and_label_that_is_asked_for_exists(query, exposed):
    asked = set(METRIC.findall(query)) - {"up"}
    assert asked or query.startswith("up{")
    assert asked - exposed.keys() == set()
    for name, inside in LABELS.findall(query):
        assert set(re.findall(r"(\w+)\s*[=!]", inside)) - ADDED <= exposed[name] | ADDED


def test_every_metric_of_sources_and_models_is_watched_by_somebody(exposed):
    unwatched = {name for name in exposed if name.startswith(("headwater_source", "headwater_model", "headwater_s"))}
    unwatched -= {name for query in QUERIES for name in METRIC.findall(query)}
    assert {name for name in unwatched if not name.endswith(("_created", "_count", "_sum"))} == {
        "headwater_sequence",  # of both the rate of rows is shown
        "headwater_source_learned_total",
        "headwater_source_predictions_total",
        "headwater_source_waiting_answers",
    }


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_says_what_happened_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("page", "ticket", "info")
    assert rule["annotations"].keys() == {"summary", "runbook"}
    assert all(len(line) > 30 and line[-1] in ".?" and "\n" not in line for line in rule["annotations"].values())
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        by = re.findall(r"by \(([^)]*)\)", rule["expr"])
        assert not by or label in by[0].replace(" ", "").split(",")


def test_panels_have_ids_places_and_a_legend_of_their_own():
    panels = DASHBOARD["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    taken = [
        (x, y)
        for panel in panels
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert all(target["legendFormat"] for panel in panels for target in panel["targets"])
    assert {one["name"] for one in DASHBOARD["templating"]["list"]} == {"datasource", "instance", "model"}


def test_the_scrape_configuration_reads_the_rules_and_the_token():
    scrape = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    assert scrape["rule_files"] == ["alerts.yml"]
    (job,) = scrape["scrape_configs"]
    assert job["job_name"] == "headwater"
    assert job["authorization"] == {"credentials_file": "token"}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def asked(port, path, **query):
    address = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as response:
        return json.load(response)["data"]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """A Prometheus with our configuration, whose target is not there."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    for name in ("prometheus.yml", "alerts.yml"):
        shutil.copy(DEPLOY / "prometheus" / name, folder)
    (folder / "prometheus.yml").write_text(
        (folder / "prometheus.yml").read_text().replace("headwater:8080", "127.0.0.1:1")
    )
    (folder / "token").write_text("t" * 16)
    port = free_port()
    words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["prometheus", *words, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log
        )
    end = time.monotonic() + PATIENCE_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                break
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
        finally:
            connection.close()
        assert time.monotonic() < end
    yield port
    process.terminate()
    process.wait(timeout=PATIENCE_S)


def test_prometheus_loads_every_rule(prometheus):
    rules = [rule for group in asked(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in RULES]
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []


@pytest.mark.parametrize("query", QUERIES)
def test_prometheus_understands_every_query(prometheus, query):
    query = query.replace("$instance", ".*").replace("$model", ".*")
    assert asked(prometheus, "query", query=query)["resultType"] == "vector"


@pytest.mark.parametrize("page", ["docs/how-to/operate.md", "docs/zh/how-to/operate.md"])
def test_the_guide_names_metrics_that_exist_and_counts_the_rules(page, exposed):
    text = (DEPLOY.parent / page).read_text(encoding="utf-8")
    assert set(re.findall(r"`((?:headwater|process)_\w+)`", text)) <= exposed.keys() | {
        name.removesuffix("_count") for name in exposed
    }
    assert len(RULES) == 17
    assert ("seventeen alert rules" if "zh" not in page else "十七条告警规则") in text
