"""A model that stays behind its baseline is frozen, replaced by the baseline or by its last good state, and everybody is told."""

from __future__ import annotations

import json
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError
from headwater.serve import run as server
from headwater.serve.app import build
from headwater.serve.monitoring.guard import ACTIONS, Guard
from headwater.serve.monitoring.webhook import Webhook
from headwater.serve.run import guarded, make_state
from headwater.store.learner_file import fingerprint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PATIENCE_S = 300


class Told:
    """A webhook that keeps what it was told."""

    def __init__(self):
        self.events = []

    def tell(self, event):
        self.events.append(event)

    def close(self):
        pass


@pytest.fixture
def server_with(tmp_path):
    states = []

    def make(action):
        state = make_state(tmp_path / f"{action}.db")
        state.service.create("default", hw.Regressor((4,), seed=1))
        state.guard = Guard(state.service, action, 1000, Told())
        states.append(state)
        return state, TestClient(build(state))

    yield make
    for state in states:
        state.close()


def taught(client, n, start=0, *, spoilt=False):
    """Teach a rule that holds, or labels that repeat and have nothing to do with the row, so that the last label is best."""
    rows = []
    for i in range(start, start + n):
        x = float((i * 7919) % 11)
        rows.append({"x": {"a": x}, "y": 100.0 + (i % 997) * 1e-6 if spoilt else 3.0 * x})
    return client.post("/learn", json=rows)


def looks(state, client, *, spoilt, times=30, n=100, wanted=("behind", "recovered")):
    """Teach and look in turn, until such an event is told."""
    told = state.guard._webhook.events
    for i in range(times):
        answer = taught(client, n, i * n, spoilt=spoilt)
        state.guard.look()
        if any(one["event"] in wanted for one in told) or answer.status_code != 200:
            break
    return told


def behind(state, client):
    """Teach until the model is ahead, then until it is alarmed."""
    assert looks(state, client, spoilt=False, times=10) == []
    return looks(state, client, spoilt=True)


def test_a_model_that_is_ahead_is_left_alone(server_with):
    state, client = server_with("freeze")
    with client:
        assert looks(state, client, spoilt=False) == []
        assert "headwater_guard_tripped" in client.get("/metrics").text
        assert state.guard.by_model[state.model().id].alarms == 0


def test_a_frozen_model_learns_nothing_until_somebody_resumes_it(server_with):
    state, client = server_with("freeze")
    with client:
        (event,) = behind(state, client)
        assert (event["event"], event["model"], event["action"]) == ("behind", "default", "freeze")
        assert event["baseline"] == "no-change"
        assert event["evidence"] >= event["rows"] == 1000
        assert taught(client, 1).json()["code"] == "paused"
        assert client.post("/predict", json={"x": {"a": 1.0}}).status_code == 200
        text = client.get("/metrics").text
        assert 'headwater_guard_tripped{action="freeze",model="default"} 1.0' in text
        assert 'headwater_guard_alarms_total{action="freeze",model="default"} 1.0' in text
        client.post("/models/default/resume")
        state.guard.look()
        assert taught(client, 1).status_code == 200
        assert state.guard.by_model[state.model().id].last is None


def test_a_baseline_answers_at_every_door_until_the_model_is_ahead_again_and_the_model_learns_on(server_with):
    state, client = server_with("baseline")
    with client:
        (event,) = behind(state, client)
        n = state.model().champion.learner.n_learned
        kept = client.post("/predict", json={"x": {"a": 1.0}})
        assert taught(client, 1).status_code == 200  # whose label is 0
        said = client.post("/predict", json={"x": {"a": 1.0}, "keep": False})
        assert (said.json()["y_pred"], said.headers["x-headwater-answered-by"]) == (0.0, "no-change")
        asked = client.post("/ask", json={"rows": [{"a": 1.0}]}).json()["rows"]
        assert asked == [{"y_pred": 0.0, "answered_by": "no-change"}]
        assert client.post("/invocations", json={"dataframe_records": [{"a": 1.0}]}).json()["predictions"] == [0.0]
        assert kept.json()["y_pred"] == pytest.approx(100.0, abs=0.01)
        assert client.post("/label", json={"id": kept.json()["id"], "y": 3.0}).status_code == 200
        assert state.model().champion.learner.n_learned == n + 2
        state.guard._webhook.events.clear()
        (event,) = looks(state, client, spoilt=False, times=100)
        assert event["event"] == "recovered"
        assert "x-headwater-answered-by" not in client.post("/predict", json={"x": {"a": 1.0}}).headers


def test_what_the_baseline_answered_is_not_scored_as_the_models(server_with):
    state, client = server_with("baseline")
    with client:
        behind(state, client)
        kept = client.post("/predict", json={"x": {"a": 1.0}}).json()
        own = state.model().champion.learner.predict_one({"a": 1.0})
        client.post("/label", json={"id": kept["id"], "y": 5.0})
        assert state.model().champion.scores._window[-1][:2] == (5.0, pytest.approx(own))
        assert own != kept["y_pred"]


def test_the_state_of_before_the_errors_rose_is_promoted_and_survives_a_restart(server_with, tmp_path):
    state, client = server_with("restore")
    with client:
        (event,) = behind(state, client)
        good = event["good_seq"]
        assert 1000 <= good < event["seq"]
        model = state.model()
        assert model.champion.name == f"good-{good}"
        assert fingerprint(model.champion.learner) == fingerprint(state.service.as_of("default", good, "champion"))
        assert [one.name for one in model.learners] == [f"good-{good}", "champion"]
        state.guard.look()
        assert taught(client, 1).status_code == 200
    state.close()
    with hw.open(tmp_path / "restore.db") as again:
        assert again.service.models.named("default").champion.name == f"good-{good}"


def test_a_warning_changes_nothing_and_is_taken_back(server_with):
    state, client = server_with("warn")
    with client:
        (event,) = behind(state, client)
        assert event["action"] == "warn"
        assert not state.model().paused
        state.guard._webhook.events.clear()
        assert looks(state, client, spoilt=False, times=100, wanted=("recovered",))[-1]["event"] == "recovered"
        assert state.guard.by_model[state.model().id].last is None


class Hook(BaseHTTPRequestHandler):
    bodies: list
    statuses: list

    def do_POST(self):
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.statuses.pop(0) if self.statuses else 200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_a_webhook_that_fails_is_told_again():
    bodies: list = []
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Own", (Hook,), {"bodies": bodies, "statuses": [500, 503]})
    ) as hook:
        thread = threading.Thread(target=hook.serve_forever, daemon=True)
        thread.start()
        own = Webhook(f"http://127.0.0.1:{hook.server_port}", (0.01, 0.01, 0.01))
        own.tell({"event": "behind", "model": "default"})
        for one in threading.enumerate():
            if one.name == "headwater-webhook":
                one.join(PATIENCE_S)
        hook.shutdown()
        thread.join()
    assert bodies == [{"event": "behind", "model": "default"}] * 3


@pytest.mark.parametrize(
    ("action", "rows", "webhook", "said"),
    [
        ("stop", 1000, "", "warn, freeze, baseline, restore"),
        ("freeze", 5, "", "100 rows"),
        ("warn", 1000, "ftp://a", "http"),
    ],
)
def test_what_a_guard_can_not_be_is_told(tmp_path, action, rows, webhook, said):
    state = make_state(tmp_path / "a.db")
    state.service.create("default", hw.Regressor((4,), seed=1))
    with pytest.raises(ConfigError, match=said):
        guarded(state, action, rows, webhook)
    assert guarded(state, "", rows, webhook) is None
    state.close()


def test_a_guard_refuses_what_it_could_not_watch_or_bring_back(tmp_path):
    state = make_state(tmp_path / "a.db", max_age="30 days")
    state.service.create("default", hw.Regressor((4,), seed=1))
    with pytest.raises(ConfigError, match="expire"):
        guarded(state, "restore", 1000, "")
    state.close()
    state = make_state(tmp_path / "b.db")
    state.service.create("default", hw.Anomaly(seed=1))
    with pytest.raises(ConfigError, match="classify, regress, forecast"):
        guarded(state, "warn", 1000, "")
    state.close()


@pytest.mark.parametrize("action", ACTIONS)
def test_the_command_takes_each_action(tmp_path, monkeypatch, action):
    kept = []

    def run(state, *, sock, **_):
        kept.append(state.guard)
        state.service.close()
        sock.close()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "run", run)
    assert main(["serve", "--port", "0", "--guard", action, "--guard-rows", "5000"]) == 0
    assert (kept[0].action, kept[0]._rows) == (action, 5000)
