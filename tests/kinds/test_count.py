"""Another author's kind, in one file outside the package: events in an exposure. It works at every door."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import headwater as hw
from headwater.encode.rows import as_dicts
from headwater.errors import ConfigError, TargetError
from headwater.explain import Explanation
from headwater.learner.base import Learner
from headwater.learner.kind import Kind, check_can, kind_of, kind_with
from headwater.learner.schema import Field, Question
from headwater.learner.schema.answer import Answer
from headwater.learner.settings.limits import Growth
from headwater.learner.validation import as_samples, check_rows
from headwater.route.drift import DriftWatch
from headwater.route.drift.costs import RunningSpread
from headwater.route.policies import StepUp
from headwater.route.score import Score
from headwater.store.learner_file import fingerprint
from headwater.store.service.durable_learner import DurableLearner
from headwater.types import Lazy, Predictions

HERE = __name__


# ---- the kind, as its author writes it ----------------------------------------------------------------------------------


def read_count(value: Any, learner: Any = None) -> list[float]:
    """Return [count, exposure]."""
    parts = [value.get("count"), value.get("exposure")] if isinstance(value, Mapping) else value
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        raise TargetError(
            expected="[count, exposure]", got=f"{value!r:.60}", at="y", help="Give how long was watched too."
        )
    n, exposure = (field.read(part) for field, part in zip(KIND.answer.fields, parts, strict=True))
    return [float(n), float(exposure)]


class CountColumns:
    """Take the count and its exposure out of rows."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns, self.names = columns, tuple(columns.values())

    def settings(self, rows: Any, *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        return {}

    def pairs(self, rows: Any) -> list[Any]:
        return [(row, [row.pop(self._columns["count"]), row.pop(self._columns["exposure"])]) for row in rows]

    def rest(self) -> list[Any]:
        return []


class CountScore(Score):
    """Mean |rate·exposure − count| an event, next to the mean rate so far."""

    names = ("count_error",)

    def _begin(self, delay: int, learner: Any) -> None:
        self._off = [0.0, 0.0]
        self._seen = [0.0, 0.0]

    @staticmethod
    def problem(label: Any) -> str:
        try:
            read_count(label)
        except (TargetError, hw.errors.DataError):
            return "label is no count with its exposure"
        return ""

    def update(self, y: Any, y_pred: Any, proba: Any = (), p_pred: Any = ()) -> None:
        for (n, exposure), rate in zip(y, y_pred, strict=True):
            usual = self._seen[0] / self._seen[1] if self._seen[1] else 0.0
            row = (abs(rate * exposure - n), abs(usual * exposure - n))
            self._off = [a + b for a, b in zip(self._off, row, strict=True)]
            self._seen = [self._seen[0] + n, self._seen[1] + exposure]
            self.n += 1
            self._window.append(row)
            self._follow(min(row[0], 1.0))

    def scores(self, *, window: bool = False) -> dict[str, dict[str, float]]:
        sums = [sum(row[i] for row in self._window) for i in (0, 1)] if window else self._off
        n = len(self._window) if window else self.n
        return {
            name: {"count_error": total / n if n else math.nan}
            for name, total in zip(("model", "mean rate"), sums, strict=True)
        }

    def _point(self) -> list[float]:
        found = self.scores(window=True)
        return [self.n, found["model"]["count_error"], found["mean rate"]["count_error"]]

    def _sums(self) -> dict[str, Any]:
        return {"off": self._off, "seen": self._seen}

    def _go_on(self, sums: dict[str, Any]) -> None:
        self._off, self._seen = list(sums["off"]), list(sums["seen"])

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        self._go_on(saved)


class CountCosts:
    """How far a count was off, as a share."""

    rose = "Rates became harder to predict"

    def __init__(self) -> None:
        self._spread = RunningSpread()

    def of(self, rows: Any) -> list[float]:
        found = []
        for (n, exposure), rate in zip(rows.y, rows.y_pred, strict=True):
            found.append(self._spread.share(abs(n - rate * exposure)))
            self._spread.add(n)
        return found


def explain_rate(learner: Any, x: Any) -> Explanation:
    """Say that the site moves the rate."""
    rate, usual = learner.predict_one(x), learner.rate_of(None)
    return Explanation(rate, usual, {"site": rate - usual}, dict(x), method="counts", of="answer")


def diagnose_counts(learner: Any) -> tuple[Any, list[Any]]:
    return SimpleNamespace(rows=learner.n_learned), []


@dataclass
class Tally:
    """Events and exposure of each site: all that learning changes."""

    sums: dict[str, list[float]]
    learned: int = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    @property
    def columns(self) -> dict[Any, Any]:
        return {}

    @property
    def rejected(self) -> dict[str, int]:
        return {}

    def knows(self, name: Any) -> bool:
        return bool(name == "site")

    def set_limits(self, limits: Any) -> None: ...

    def growth_of(self, X: Any, new_classes: int = 0) -> Growth:
        return hw.Regressor().new_engine().growth_of(X, new_classes)

    def experts(self) -> list[dict[str, Any]]:
        return []

    def state(self, without: tuple[str, ...] = ()) -> dict[str, Any]:
        names = np.frombuffer(json.dumps(list(self.sums)).encode(), np.uint8).copy()
        return {"sites": names, "sums": np.array(list(self.sums.values()), np.float64).reshape(-1, 2)}

    def counts(self) -> dict[str, int]:
        return {"rows": self.learned}

    def resume_counts(self, counts: Mapping[str, int]) -> None:
        self.learned = counts["rows"]

    def begin_copy(self) -> None: ...


KIND = Kind(
    name="Count",
    task="count",
    noun="event counter",
    learner=Lazy(f"{HERE}:Count"),
    can=frozenset(("answers", "report")),
    answer=Answer(
        (
            Field("count", "number", "How many events there were.", least=0, most=1e9, unit="events"),
            Field("exposure", "number", "How long was watched.", least=1e-9, most=1e9, unit="hours"),
        ),
        Lazy(f"{HERE}:read_count"),
        compound=True,
        table=Lazy(f"{HERE}:CountColumns"),
    ),
    score=Lazy(f"{HERE}:CountScore"),
    explain=Lazy(f"{HERE}:explain_rate"),
    findings=Lazy(f"{HERE}:diagnose_counts"),
    durable=Lazy("headwater.store.service.durable_learner:DurableLearner"),
    question=Question("predict"),
    response=(Field("rate", "number", "Events an hour.", least=0, most=1e9, unit="events an hour"),),
    costs=Lazy(f"{HERE}:CountCosts"),
    instead={"onnx": "Write the table of rates: rate_of(site).", "delay": "Learn a count when it is known."},
)


@dataclass(eq=False, repr=False)
class Count(Learner):
    """A rate of events for each site, shrunk to that of all."""

    prior: float = 10.0
    kind: ClassVar[Kind] = KIND

    def new_engine(self, state: Mapping[str, Any] | None = None) -> Any:
        if not state:
            return Tally({})
        sites = json.loads(bytes(state["sites"]))
        return Tally(dict(zip(sites, np.array(state["sums"]).tolist(), strict=True)))

    def rate_of(self, site: Any) -> float:
        sums = {} if self._engine is None else self._engine.sums
        n, hours = (sum(column) for column in zip(*sums.values(), strict=True)) if sums else (0.0, 0.0)
        usual = n / hours if hours else 0.0
        own = sums.get(str(site), [0.0, 0.0])
        return (own[0] + self.prior * usual) / (own[1] + self.prior)

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        return self.rate_of(x.get("site"))

    def predict_batch(self, X: Any) -> Predictions:
        X = as_samples(X)
        check_rows(X)
        return Predictions(np.array([self.predict_one(x) for x in as_dicts(X)]))

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        self.step_many([x], [y])

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        for door, given in (("weights", w), ("late", ask)):
            if given is not None:
                check_can(self, door, at="step_many of Count")
        out = []
        with self.lock:
            for x, label in zip(as_dicts(as_samples(X)), y, strict=True):
                out.append(self.predict_one(x))
                self._learn(x, *read_count(label))
        return Predictions(np.array(out))

    def _learn(self, x: Mapping[Any, Any], n: float, exposure: float) -> None:
        if self._engine is None:
            self._engine = self.new_engine()
        own = self._engine.sums.setdefault(str(x.get("site")), [0.0, 0.0])
        own[0] += n
        own[1] += exposure
        self._engine.learned += 1

    def explain_one(self, x: Mapping[Any, Any]) -> Explanation:
        return self.kind.explain(self, x)

    def _about(self) -> dict[str, Any]:
        return {
            "layers": [],
            "parameters": 0 if self._engine is None else 2 * len(self._engine.sums),
            "features": [{"name": "site", "kind": "category", "values": 0}],
            "n_learned": self.n_learned,
        }


# ---- every door ------------------------------------------------------------------------------------------------------------

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
    assert (record.scored, record.rejected) == (2, {"label is no count with its exposure": 1})


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
        (lambda m, to: m.export_onnx(to), "Write the table of rates"),
        (lambda m, to: m.importance(), "Use a Classifier for this"),
        (lambda m, to: m.plot(), "Use a Classifier for this"),
        (lambda m, to: hw.Session(m, delay=2).step(ROWS[:5], LABELS[:5]), "Learn a count when it is known"),
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
    program = "import sys; sys.path.insert(0, sys.argv[1]); import test_count; from headwater.cli import main; sys.exit(main(sys.argv[2:]))"

    def run(*tokens: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(Path(__file__).parent), *tokens]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    learned = run("learn", "events.csv", "--task", "count", "--count", "n", "--exposure", "hours", "--model", "c.hw")
    assert (learned.returncode, learned.stderr) == (0, "")
    assert "count error" in learned.stdout
    predicted = run("predict", "events.csv", "--model", "c.hw", "--limit", "2")
    assert (predicted.returncode, predicted.stdout.splitlines()[0]) == (0, "row,rate")
    told = ("learn", "events.csv", "--task", "count", "--count", "n", "--exposure", "hours", "--report", "r.html")
    assert run(*told).returncode == 0
    page = (tmp_path / "r.html").read_text()
    assert "An event counter of " in page
    assert " that has learned 300 rows" in page
    assert "<td>count error</td>" in page
    assert run("show", "c.hw").stdout.startswith("c.hw: an event counter that has learned 300 rows")
    lacking = run("learn", "events.csv", "--task", "count", "--count", "n")
    assert (lacking.returncode, lacking.stdout) == (2, "")
    assert lacking.stderr.startswith("expected --exposure COLUMN with --task count, got none")


def test_its_kind_is_known_by_its_task_and_carried_by_its_class():
    assert kind_of(Count()) is KIND
    assert kind_with("count") is KIND
    assert Counter(KIND.can) == Counter(("answers", "report"))


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
    with pytest.raises(ConfigError, match="can learn on a cluster: Classifier or Regressor, got a Count"):
        hw.cluster.learn(Count(), zip(ROWS, LABELS, strict=True), engine="local")
