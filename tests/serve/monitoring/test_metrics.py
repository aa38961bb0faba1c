"""``/metrics`` holds what an engineer on call asks, each with its help and type, and the log says of which request and message."""

from __future__ import annotations

import json
import logging
import time
from types import SimpleNamespace

import pytest

import headwater as hw
from headwater.serve.monitoring.logs import JsonLines
from headwater.store.sources.status import Monitor
from support.processes.served import SENT, served

parser = pytest.importorskip("prometheus_client.parser", reason="pip install 'headwater[serve]'")

ASKED = {
    "headwater_learned": ("counter", {"model", "learner"}),
    "headwater_refused": ("counter", {"endpoint", "code"}),
    "headwater_requests": ("counter", {"endpoint", "status"}),
    "headwater_source_lag": ("gauge", {"model", "source"}),
    "headwater_source_age_seconds": ("gauge", {"model", "source"}),
    "headwater_source_rejects": ("counter", {"model", "source", "reason"}),
    "headwater_source_dead_letters": ("counter", {"model", "source"}),
    "headwater_commit_seconds": ("histogram", set()),
    "headwater_snapshot_age_seconds": ("gauge", set()),
    "headwater_score": ("gauge", {"model", "learner", "of", "score"}),
    "headwater_primary": ("gauge", {"model", "learner", "of", "score"}),
    "headwater_standing": ("gauge", {"model", "learner", "output"}),
    "headwater_drift_row": ("gauge", {"model", "learner"}),
    "headwater_model_bytes": ("gauge", {"model", "learner"}),
    "headwater_store_bytes": ("gauge", {"file"}),
    "process_resident_memory_bytes": ("gauge", set()),
}


@pytest.fixture
def server(tmp_path):
    with served(tmp_path / "a.db") as (state, client):
        client.post("/snapshot")
        yield state, client


def families(client):
    return {one.name: one for one in parser.text_string_to_metric_families(client.get("/metrics").text)}


def value(found, family, name="", **labels):
    (only,) = [
        s.value for s in found[family].samples if s.name == (name or s.name) and labels.items() <= s.labels.items()
    ]
    return only


def test_every_metric_has_help_a_type_and_the_labels_that_are_asked_for(server):
    found = families(server[1])
    assert {name: found[name].type for name in ASKED} == {name: kind for name, (kind, _) in ASKED.items()}
    for name, (_, labels) in ASKED.items():
        assert found[name].documentation.endswith(".")
        assert {label for s in found[name].samples for label in s.labels} - {"le"} == labels
    assert [name for name, one in found.items() if not one.documentation or one.type == "unknown"] == []


def test_what_metrics_say_is_what_happened(server):
    found = families(server[1])
    assert value(found, "headwater_learned", model="default") == 40
    assert value(found, "headwater_refused", endpoint="learn", code="invalid") == 1
    assert value(found, "headwater_source_age_seconds") == pytest.approx(SENT, abs=100)
    assert value(found, "headwater_source_rejects", reason="not a row in json") == 3
    assert value(found, "headwater_commit_seconds", "headwater_commit_seconds_count") == value(
        found, "headwater_commits"
    )
    assert 0 < value(found, "headwater_commit_seconds", "headwater_commit_seconds_sum") < 100
    assert value(found, "headwater_replay_events") == 0
    assert 0 <= value(found, "headwater_snapshot_age_seconds") < 100
    assert value(found, "headwater_store_bytes", file="store") > 1000
    assert value(found, "headwater_model_bytes", model="default") > 100
    assert value(found, "headwater_paused", model="default") == 0
    assert value(found, "headwater_ready") == 1


def test_the_age_of_a_snapshot_goes_on_after_a_restart(tmp_path):
    with served(tmp_path / "a.db"):
        pass
    with hw.open(tmp_path / "a.db") as store:
        assert abs(store.service.snapshot_at - time.time()) < 1000


def test_a_model_behind_its_baseline_is_told(server):
    state, client = server
    score = state.service.models.named("default").champion.scores
    score.update(["a"] * 1000, ["b"] * 1000, [0.1] * 1000)
    assert value(families(client), "headwater_standing", output="") == -1


def test_a_models_first_metric_stands_beside_that_of_its_best_baseline(server):
    state, client = server
    score = state.service.models.named("default").champion.scores
    score.update(["a", "b"] * 500, ["a"] * 1000, [0.5] * 1000)
    found, scores = families(client), score.scores(window=True)
    guesses = [own["accuracy"] for name, own in scores.items() if name != "model"]
    assert value(found, "headwater_primary", of="model", score="accuracy") == scores["model"]["accuracy"] == 0.5
    assert value(found, "headwater_primary", of="best baseline", score="accuracy") == max(guesses)
    assert found["headwater_interval"].samples == found["headwater_lead"].samples == []  # of bandits


def test_metrics_and_readiness_agree_that_a_paused_model_is_ready_and_a_closed_store_is_not(server):
    state, client = server
    client.post("/models/default/pause")
    assert value(families(client), "headwater_paused", model="default") == 1
    assert client.get("/health/ready").status_code == 200
    state.followings[0].problem = lambda: hw.errors.SourceError(expected="a", got="b", at="c", help="d")
    state.published = type(state.published)()
    assert value(families(client), "headwater_ready") == 0
    assert client.get("/health/ready").json()["code"] == "source"


@pytest.mark.parametrize("name", ["writer", "file", "stopping", "age"])
def test_a_server_is_not_ready_when_it_can_not_do_what_is_asked(server, name, tmp_path):
    state, client = server
    assert client.get("/health/ready").status_code == 200
    if name == "writer":
        state.writer._queue.put(None)
        state.writer._thread.join()
    elif name == "file":
        (tmp_path / "a.db").rename(tmp_path / "b.db")
    elif name == "stopping":
        state.ends = lambda: True
    else:
        state.rounds, state.replicas = (
            "run.json",
            SimpleNamespace(newest_age=11.0, oldest=10.0, age=1.0, here=0, close=bool),
        )
    answer = client.get("/health/ready")
    body = answer.json()
    assert (answer.status_code, body["ready"]) == (503, False)
    assert body["error"].startswith("expected ")
    assert body["help"]
    if name == "file":
        (tmp_path / "b.db").rename(tmp_path / "a.db")
        assert client.get("/health/ready").status_code == 200


def lines_of(caplog):
    """Return the log as the lines of JSON that the command writes."""
    return [json.loads(JsonLines().format(record)) for record in caplog.records]


def test_a_refused_request_is_logged_under_the_id_that_its_client_got(server, caplog):
    caplog.set_level(logging.INFO, "headwater.serve")
    trace = "0af7651916cd43dd8448eb211c80319c"
    sent = {"x-request-id": "order-7", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = server[1].post("/models/default/learn", json={"y": 1}, headers=sent)
    assert answer.headers["x-request-id"] == "order-7"
    (line,) = lines_of(caplog)
    about = {name: line[name] for name in ("say", "endpoint", "model", "request", "status", "trace_id")}
    assert about == {
        "say": "refused", "endpoint": "learn", "model": "default", "request": "order-7", "status": 400, "trace_id": trace,
    }  # fmt: skip
    other = server[1].get("/models/none", headers={"x-request-id": "two words\x7f"})
    assert len(other.headers["x-request-id"]) == 16
    assert lines_of(caplog)[-1]["request"] == other.headers["x-request-id"]


def test_a_request_that_is_answered_keeps_the_id_it_came_with_and_gets_none_else(server):
    assert "x-request-id" not in server[1].get("/models").headers
    assert server[1].get("/models", headers={"x-request-id": "a-1"}).headers["x-request-id"] == "a-1"


def test_lines_about_a_source_name_it_its_model_and_the_position(caplog):
    caplog.set_level(logging.DEBUG, "headwater.sources")
    monitor = Monitor("kafka:rows", "default")
    monitor.committed(12.0, {"0": "7"}, 3)
    monitor.rejected("0 8", "not a row in json")
    committed, rejected = lines_of(caplog)
    assert {name: committed[name] for name in ("source", "model", "positions", "messages", "level")} == {
        "source": "kafka:rows", "model": "default", "positions": {"0": "7"}, "messages": 3, "level": "debug",
    }  # fmt: skip
    assert (rejected["position"], rejected["say"]) == ("0 8", "kafka:rows: rejected: not a row in json")
    assert monitor.status.newest == 12.0
