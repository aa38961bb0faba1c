"""Another author's kind, outside the package: events in an exposure, as CONTRIBUTING.md writes it. It works at every door."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.learner.kind import _CARRIED, kind_of, kind_with
from headwater.learner.schema import Verb
from headwater.route.drift import DriftWatch
from headwater.route.policies import StepUp
from headwater.store.learner_file import fingerprint
from headwater.store.service.durable_learner import DurableLearner
from kinds.recipe import imported

THEIRS = imported("theirs")
Count, KIND = THEIRS.learner.Count, THEIRS.kind.KIND

ROWS = [{"site": "ab"[i % 2]} for i in range(300)]
LABELS = [[float(4 if i % 2 else 1), 2.0] for i in range(300)]


def taught() -> Count:
    model = Count()
    model.step_many(ROWS, LABELS)
    return model


def test_it_learns_rates_and_is_asked_like_every_kind():
    model = taught()
    response = model.ask([{"site": "a"}, {"site": "b"}])
    assert list(response) == ["rate"]
    assert response["rate"].tolist() == [model.predict_one({"site": "a"}), model.predict_one({"site": "b"})]
    assert 0.5 < response["rate"][0] < 0.6 < 1.9 < response["rate"][1] < 2.0
    assert list(model.step(ROWS[:2], LABELS[:2])) == ["rate"]


def test_a_session_and_an_evaluation_score_it_with_its_own_score_and_watch_its_own_costs():
    found = hw.evaluate(Count(), zip(ROWS, LABELS, strict=True), watch=DriftWatch("page_hinkley"))
    assert found.record.names == ("count_error",)
    assert found.record.scores["count_error"] < found.record.baselines["mean rate"]["count_error"]
    assert "count error" in str(found)
    assert "count error" in found._repr_html_()
    session = hw.Session(Count())
    session.step(ROWS[:3], [[1.0, 2.0], "three", [1.0, 2.0]])
    record = session.record()
    assert (record.scored, record.rejected) == (2, {"answer is not [count, exposure]": 1})


def test_a_file_and_a_copy_go_on_to_the_bit(tmp_path):
    model = taught()
    model.save(tmp_path / "c.hw")
    other = hw.load(tmp_path / "c.hw", Count)
    assert fingerprint(other) == fingerprint(model) == fingerprint(model.clone(None, True))
    assert other.describe() == model.describe()
    assert other.predict_one({"site": "a"}) == model.predict_one({"site": "a"})


def test_a_store_that_was_dropped_comes_back_to_the_bit_with_its_scores(tmp_path):
    store = hw.open(tmp_path / "c.db", Count())
    assert isinstance(store, DurableLearner)
    store.teach(ROWS, LABELS)
    store.learn_one({"site": "a"}, {"count": 1, "exposure": 0.5})
    scores, said = store.scores, store.ask(ROWS[:2])["rate"].tolist()
    store.service._shut()  # as a killed process ends: no snapshot
    with hw.open(tmp_path / "c.db") as again:
        assert (again.scores, again.ask(ROWS[:2])["rate"].tolist(), again.n_learned) == (scores, said, 301)
        assert scores["model"]["count_error"] < scores["mean rate"]["count_error"]
        before = fingerprint(again.learner)
        with pytest.raises(hw.errors.DataError, match="count: How many events"):
            again.learn_one({"site": "a"}, [-1.0, 2.0])
        assert fingerprint(again.learner) == before


def test_a_fleet_has_one_a_key():
    fleet = hw.Fleet(Count, key="site")
    fleet.step_many([{**row, "x": 1.0} for row in ROWS], LABELS)
    assert (len(fleet), fleet["a"].n_learned, fleet.kind.noun) == (2, 150, "fleet of event counters")
    assert fleet.ask([{"site": "b", "x": 1.0}])["rate"][0] == pytest.approx(2.0)


def test_it_is_explained_diagnosed_and_shown_in_a_notebook():
    model = taught()
    assert "site" in str(model.explain_one({"site": "a"}))
    assert str(model.diagnose()) == "Nothing found over 300 rows."
    assert "300 rows learned" in model._repr_html_()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda m, to: m.export_onnx(to), "Write a table of the rates"),
        (lambda m, to: m.importance(), r"Ask explain_one\(x\)"),
        (lambda m, to: m.plot(), "Use a Classifier for this"),
        (lambda m, to: hw.Session(m).step(ROWS[:2], LABELS[:2], [1.0, 2.0]), "weighs rows"),
        (lambda m, to: hw.Session(m, adapt=StepUp()), "has a step size"),
    ],
)
def test_what_it_can_not_do_is_refused_in_one_sentence(tmp_path, ask, said):
    with pytest.raises(ConfigError, match=said):
        ask(taught(), tmp_path / "m.onnx")


def test_the_command_learns_asks_and_shows_it_by_its_fields(tmp_path):
    lines = [f"{row['site']},{n:g},{hours:g}" for row, (n, hours) in zip(ROWS, LABELS, strict=True)]
    (tmp_path / "events.csv").write_text("\n".join(["site,n,hours", *lines, ""]))
    program = "import sys; sys.path.insert(0, sys.argv[1]); import kinds.test_count; from headwater.cli import main; sys.exit(main(sys.argv[2:]))"

    def run(*tokens: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(Path(__file__).parents[1]), *tokens]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    learned = run(
        "learn", "events.csv", "--task", "count_events", "--count", "n", "--exposure", "hours", "--model", "c.hw"
    )
    assert (learned.returncode, learned.stderr) == (0, "")
    assert "count error" in learned.stdout
    predicted = run("predict", "events.csv", "--model", "c.hw", "--limit", "2")
    assert (predicted.returncode, predicted.stdout.splitlines()[0]) == (0, "row,rate")
    told = (
        "learn",
        "events.csv",
        "--task",
        "count_events",
        "--count",
        "n",
        "--exposure",
        "hours",
        "--report",
        "r.html",
    )
    assert run(*told).returncode == 0
    page = (tmp_path / "r.html").read_text()
    assert "An event counter of " in page
    assert " that has learned 300 rows" in page
    assert "<td>count error</td>" in page
    assert run("show", "c.hw").stdout.startswith("c.hw: an event counter that has learned 300 rows")
    lacking = run("learn", "events.csv", "--task", "count_events", "--count", "n")
    assert (lacking.returncode, lacking.stdout) == (2, "")
    assert lacking.stderr.startswith("expected --exposure COLUMN with --task count_events, got none")


def test_its_kind_is_known_by_its_task_and_carried_by_its_class():
    assert kind_of(Count()) is KIND
    assert kind_with("count_events") is KIND
    assert {"answers", "late", "delay", "fleet", "challenge", "report"} == KIND.can


def test_threads_may_share_it():
    model = Count()
    threads = [threading.Thread(target=model.step_many, args=(ROWS, LABELS)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert model.n_learned == 1200


def test_it_is_served(tmp_path):
    run = pytest.importorskip("headwater.serve.run")
    from headwater.serve.app import build

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
        from starlette.testclient import TestClient

    state = run.make_state(tmp_path / "c.db")
    state.service.change(state.service.models.create, "default", Count())
    with TestClient(build(state), raise_server_exceptions=True) as client:
        assert client.post("/learn", json={"x": {"site": "a"}, "y": [3, 2.0]}).json()["seq"] == 1
        assert client.post("/predict", json={"x": {"site": "a"}}).json()["y_pred"] == pytest.approx(3 / 2)
        refused = client.post("/learn", json={"x": {"site": "a"}, "y": "three"})
        assert refused.status_code == 400
        assert refused.json()["error"].startswith("expected [count, exposure], got 'three'")
        assert client.get("/score").json()["scores"]["n"] == 1
        assert client.post("/explain", json={"x": {"site": "a"}}).status_code == 200
        assert client.get("/models/default/importance").status_code == 400
    state.close()


@pytest.mark.filterwarnings("ignore")
def test_its_declaration_alone_brings_short_addresses_with_their_schemas(tmp_path, monkeypatch):
    run = pytest.importorskip("headwater.serve.run")
    from starlette.testclient import TestClient

    from headwater.serve import openapi
    from headwater.serve.app import addresses, build

    rate, count = Verb("rate", "ask", "Return the rate of a site."), Verb("count", "teach", "Learn counts.")
    kind, state = replace(KIND, verbs=(rate, count)), run.make_state(tmp_path / "v.db")
    monkeypatch.setattr(Count, "kind", kind)
    monkeypatch.setitem(_CARRIED, kind.name, kind)
    state.service.change(state.service.models.create, "default", Count())
    state.service.change(state.service.models.create, "plain", hw.Classifier())
    with TestClient(build(state)) as client:
        sent = [
            {"x": {"site": "a"}, "count": 3, "exposure": 2.0},
            {"x": {"site": "b"}, "count": 1, "exposure": 1.0, "id": "b1"},
        ]
        taught, fault = (
            client.post("/count", json=sent),
            client.post("/count", json={"x": {"site": "a"}, "count": "many", "exposure": 1.0}),
        )
        assert taught.status_code == 200, taught.text
        assert [row["seq"] for row in taught.json()] == [1, 2]
        assert (fault.status_code, "$.count" in fault.json()["at"]) == (400, True)
        assert client.post("/models/default/rate", json={"x": {"site": "a"}}).json() == {
            "seq": 2,
            "rate": state.model("").champion.learner.predict_one({"site": "a"}),
        }
        refused = client.post("/models/plain/rate", json={"x": {"site": "a"}}).json()
        assert refused["error"] == "expected a model that has the address POST /rate, got a classifier"
    body = openapi.document(addresses())["components"]["schemas"]["CountRequest.count_events"]
    assert (list(body["properties"]), body["required"]) == (
        ["x", "count", "exposure", "w", "id"],
        ["x", "count", "exposure"],
    )
    state.close()


@pytest.mark.filterwarnings("ignore")
def test_mlflow_keeps_it_and_asks_it(tmp_path):
    mlflow = pytest.importorskip("mlflow.pyfunc", reason="MLflow is not installed") and sys.modules["mlflow"]
    model = taught()
    hw.mlflow.save_model(model, tmp_path / "saved")
    served = mlflow.pyfunc.load_model(str(tmp_path / "saved"))
    assert served.predict([{"site": "a"}]).tolist() == [model.predict_one({"site": "a"})]
    assert fingerprint(hw.mlflow.load_model(str(tmp_path / "saved"))) == fingerprint(model)


def test_a_fleet_of_it_is_kept_in_a_file_and_a_store(tmp_path):
    fleet = hw.Fleet(Count, key="site")
    fleet.step_many([{**row, "x": 1.0} for row in ROWS], LABELS)
    fleet.save(tmp_path / "f.hw")
    assert fingerprint(hw.load(tmp_path / "f.hw")) == fingerprint(fleet)
    with hw.open(tmp_path / "f.db", hw.Fleet(Count, key="site")) as store:
        store.teach([{**row, "x": 1.0} for row in ROWS], LABELS)
    with hw.open(tmp_path / "f.db") as again:
        assert [fingerprint(again.learner[key]) for key in "ab"] == [fingerprint(fleet[key]) for key in "ab"]


def test_a_cluster_refuses_it_in_one_sentence():
    with pytest.raises(ConfigError, match=r"can learn on a cluster: .+, got a Count"):
        hw.cluster.learn(Count(), zip(ROWS, LABELS, strict=True), engine="local")
