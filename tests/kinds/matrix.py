"""Every learner that has learned, and every door as one function: what ``test_matrix`` walks."""

from __future__ import annotations

import copy
import io
import json
import math
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError
from headwater.interop import sklearn as estimators
from headwater.kinds import KINDS
from headwater.learner.kind import kind_of
from headwater.route.drift import DriftWatch
from headwater.route.verdict.numbers import figure as number_text
from headwater.route.verdict.numbers import share
from headwater.serve.app import build
from headwater.serve.run import make_state
from learner.test_kinds import ROWS, answers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

N = 200


@dataclass(frozen=True)
class Case:
    """A column of the matrix: how its learner is made, and what it learns."""

    name: str
    make: Callable[[], Any]
    kind: Any
    rows: tuple[Any, ...] = tuple(ROWS[:N])

    @property
    def labels(self) -> Any:
        return answers(self.kind, self.rows)

    def taught(self) -> Any:
        model = self.make()
        model.step_many(list(self.rows), self.labels)
        return model


NEEDED = {"route": {"models": {"low": 1.0, "high": 2.0}}}
"""Settings without which a learner of a kind can't be asked."""


def _texts() -> tuple[dict[str, Any], ...]:
    return tuple(
        {**row, "said": f"good and {'bad' if row.get('a', 0) > 5 else 'fine'} words here {i % 7}"}
        for i, row in enumerate(ROWS[:N])
    )


def cases() -> list[Case]:
    found = [Case(kind.word, partial(kind.make, {"seed": 1, **NEEDED.get(kind.task, {})}), kind) for kind in KINDS]
    for kind in KINDS:
        if "text" in kind.cls.__dataclass_fields__ and "classes" in kind.can:
            found += [
                Case("memory", partial(kind.cls, memory=4, seed=1), kind),
                Case("text", partial(kind.cls, text="words", seed=1), kind, _texts()),
            ]
    found += [
        Case(f"fleet of {kind.noun}s", partial(hw.Fleet, partial(kind.make, {"seed": 1}), key="c"), kind)
        for kind in KINDS
        if "fleet" in kind.can
    ]
    found += [
        Case(f"fleet of related {kind.noun}s", partial(kind.cls, key="c", seed=1), kind)
        for kind in KINDS
        if "key" in kind.adapters
    ]
    return found


# ---- the doors ----------------------------------------------------------------------------------------------------------


def command(line: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(line.split())
    if status:
        raise ConfigError(expected="", got="", at="", help=err.getvalue().strip().splitlines()[-1])
    return out.getvalue()


def command_predict(case: Case, model: Any, at: Path) -> None:
    model.save(at / "m.hw")
    if not kind_of(model).question.needs_rows:
        command(f"predict --model {at}/m.hw")
        return
    names = list(case.rows[0])
    lines = [",".join(str(row.get(name, "")) for name in names) for row in case.rows[:5]]
    (at / "rows.csv").write_text("\n".join([",".join(names), *lines, ""]))
    assert command(f"predict {at}/rows.csv --model {at}/m.hw")


def command_show(case: Case, model: Any, at: Path) -> None:
    model.save(at / "m.hw")
    assert command(f"show {at}/m.hw")


def command_diagnose(case: Case, model: Any, at: Path) -> None:
    model.save(at / "m.hw")
    assert command(f"diagnose {at}/m.hw")


def command_explain(case: Case, model: Any, at: Path) -> None:
    model.save(at / "m.hw")
    names = list(case.rows[0])
    lines = [",".join(str(row.get(name, "")) for name in names) for row in case.rows[:2]]
    (at / "rows.csv").write_text("\n".join([",".join(names), *lines, ""]))
    assert command(f"explain {at}/rows.csv --model {at}/m.hw")


def stored(case: Case, model: Any, at: Path) -> None:
    with hw.open(at / "m.db", case.make()) as store:
        store.teach(list(case.rows[:20]), None if case.labels is None else case.labels[:20])
        store.ask(list(case.rows[:2]) if kind_of(model).question.needs_rows else None)
        store.explain_one(case.rows[0])
        store.importance()
        assert store.diagnose() is not None
    with hw.open(at / "m.db") as again:
        assert again.n_learned == 20


def served(case: Case, model: Any, at: Path, *, do: Callable[[Any, Case, Any], None]) -> None:
    state = make_state(at / "s.db")
    try:
        state.service.change(state.service.models.create, "default", model)
        with TestClient(build(state), raise_server_exceptions=True) as client:
            do(client, case, model)
    finally:
        if not state.service.closed:
            state.close()


def posted(client: Any, path: str, body: Any) -> Any:
    found = client.post(path, content=json.dumps(body, default=float), headers={"content-type": "application/json"})
    if found.status_code >= 400:
        told = found.json()
        raise ConfigError(
            expected=told["error"], got=str(found.status_code), at=told["at"], help=told.get("help") or ""
        )
    return found.json()


def clean(x: Any) -> Any:
    return {name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in x.items()}


def asks_and_teaches(client: Any, case: Case, model: Any) -> None:
    rows = [clean(row) for row in case.rows[:2]]
    asked = posted(client, "/ask", {"rows": rows})
    assert len(asked["rows"]) == 2
    assert set(asked["rows"][0]) <= {field.name for field in kind_of(model).response}
    taught = posted(client, "/teach", {"rows": rows} | ({} if case.labels is None else {"labels": case.labels[:2]}))
    assert (taught["seq"], len(taught["rows"])) == (2, 2)


def answers_late(client: Any, case: Case, model: Any) -> None:
    if kind_of(model).answer.in_order:
        answers_out_of_order(client, case, model)
        return
    told = posted(client, "/ask", {"rows": [clean(case.rows[0])], "keep": True})["rows"]
    y = None if case.labels is None else LATE.get(case.kind.task, lambda label: label)(case.labels[0])
    (outcome,) = posted(client, "/teach", {"asked": [told[0]["id"]], "labels": [y]})["rows"]
    assert outcome["seq"] == (1 if kind_of(model).noted is None else 2), outcome


def answers_out_of_order(client: Any, case: Case, model: Any) -> None:
    """Ask for three times of one series and answer them backwards: the model becomes that which was taught them in order."""
    rows = [{**clean(row), "c": case.rows[0]["c"]} for row in case.rows[:3]]
    plain = copy.deepcopy(model)
    told = posted(client, "/ask", {"rows": rows, "keep": True})["rows"]
    assert [one["y_pred"] for one in told] == [one["y_pred"] for one in plain.ask(rows).rows()]
    for one, y, held in list(zip(told, case.labels, (None, True, True), strict=False))[::-1]:
        (outcome,) = posted(client, "/teach", {"asked": [one["id"]], "labels": [y]})["rows"]
        assert outcome.get("held") is held, outcome
    assert (outcome["seq"], outcome["released"]) == (1, 2)
    plain.step_many(rows, case.labels[:3])
    assert posted(client, "/ask", {"rows": rows})["rows"] == json.loads(json.dumps(plain.ask(rows).rows()))


LATE = {
    "decide": lambda label: label[1],
    "route": lambda label: {"quality": label[1], "cost": 0.001},
    "control": lambda label: {name: value for name, value in label.items() if name != "action"},
}
"""What comes later of a label, where that is only a part."""


def challenged(client: Any, case: Case, model: Any) -> None:
    told = posted(client, "/models/default/challengers", {"name": "other"})
    assert len(told["learners"]) == 2
    rows = [clean(row) for row in case.rows[:40]]
    posted(client, "/teach", {"rows": rows} | ({} if case.labels is None else {"labels": case.labels[:40]}))
    (one,) = client.get("/models/default/challengers").json()
    assert (one["name"], one["n_learned"]) == ("other", 40)
    same = client.get("/models/default").json()["learners"][1]
    assert one == {name: same[name] for name in one}
    assert (one["lead"] is not None) == ("acts" in case.kind.can)  # one that predicts is scored on its own predictions
    if one["lead"] is not None:
        lead, scores = one["lead"]["overall"], one["scores"]
        assert lead["value"] == pytest.approx(scores["model"]["mean_reward"] - scores["logged"]["mean_reward"])
        assert lead["interval"][0] <= lead["value"] <= lead["interval"][1]
        assert scores["interval"][0] <= scores["model"]["mean_reward"] <= scores["interval"][1]


def explains(client: Any, case: Case, model: Any) -> None:
    posted(client, "/explain", {"x": clean(case.rows[0])})


def notebook(case: Case, model: Any, at: Path) -> None:
    assert "200" in model._repr_html_()
    with hw.open(at / "m.db", case.make()) as store:
        store.teach(list(case.rows[:60]), None if case.labels is None else case.labels[:60])
        page, titles = store._repr_html_(), drawn_in(store.plot())[0]
        latest = store.latest(2)
    assert "60 rows learned" in page
    assert [row["row"] for row in latest] == [60, 59]
    assert list(latest[0])[1:] == [column.name for column in kind_of(model).views.latest]
    assert all(f"<th>{name.replace('_', ' ')}</th>" in page for name in latest[0])
    assert kind_of(model).views.words["en"]["curve"] in " ".join(titles[0].split("\n"))


def explained(case: Case, model: Any, at: Path) -> None:
    assert str(model.explain_one(case.rows[1]))


def weighed(case: Case, model: Any, at: Path) -> None:
    rows, y = list(case.rows[:3]), None if case.labels is None else case.labels[:3]
    asked = list(case.rows[:5]) if kind_of(model).question.needs_rows else None
    plain, ones, before = case.taught(), case.taught(), model.n_learned
    told, unweighted = ones.step_many(rows, y, [1.0] * 3), plain.step_many(rows, y)
    if "private" not in case.name:  # whose noise is drawn anew
        assert repr(told) == repr(unweighted)
        assert repr(ones.ask(asked)) == repr(plain.ask(asked))
    model.step_many(rows, y, [1.0, 2.0, 0.5])
    assert model.n_learned == before + 3
    said = repr(model.ask(asked))
    if not {"anomaly", "fleet of detectors"} & {case.name}:  # whose scores are shares of rows: three more move none
        assert "private" in case.name or said != repr(plain.ask(asked))
    model.step_many(rows, y, [0.0] * 3)
    if kind_of(model).answer.in_order or "environment" in kind_of(model).can:  # time passes, and nothing else
        twin = copy.deepcopy(model)
        twin.step_many(rows, y, [0.0] * 3)
        said = repr(twin.ask(asked))
    model.step_many(rows, y, [-1.0, math.nan, math.inf])
    assert "private" in case.name or repr(model.ask(asked)) == said


def importance(case: Case, model: Any, at: Path) -> None:
    found = model.importance()
    assert found
    assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())


def diagnosed(case: Case, model: Any, at: Path) -> None:
    assert "200 rows" in str(model.diagnose()) or "over" in str(model.diagnose())


def evaluated(case: Case, model: Any, at: Path) -> None:
    labels = [None] * len(case.rows) if case.labels is None else case.labels
    found = hw.evaluate(case.make(), zip(case.rows, labels, strict=True), watch=DriftWatch("page_hinkley"))
    assert found.record.scored + found.record.unscored == N
    assert str(found)
    assert found._repr_html_()


def covered(case: Case, model: Any, at: Path) -> None:
    kind = kind_of(model)
    found = model.ask(list(case.rows[:2]) if kind.question.needs_rows else None, coverage=0.8)
    assert {"low", "set"} & set(found)


def in_mlflow(case: Case, model: Any, at: Path) -> None:
    import mlflow

    hw.mlflow.save_model(model, at / "saved")
    served = mlflow.pyfunc.load_model(str(at / "saved"))
    rows = [clean(row) for row in case.rows[:3]]
    assert len(served.predict(rows)) == 3 or kind_of(model).question.ahead
    assert hw.mlflow.load_model(str(at / "saved")).n_learned == model.n_learned


def in_fleet(case: Case, model: Any, at: Path) -> None:
    fleet = hw.Fleet(case.make, key="c")
    fleet.step_many(list(case.rows), case.labels)
    assert len(fleet) == 3
    fleet.ask(list(case.rows[:2]))
    fleet.save(at / "f.hw")
    assert hw.load(at / "f.hw").n_learned == fleet.n_learned


def in_onnx(case: Case, model: Any, at: Path) -> None:
    import onnx  # not needed by the other doors

    from support.packages import onnx_runs

    model.export_onnx(at / "m.onnx")
    graph = onnx.load(str(at / "m.onnx"))
    rows = list(case.rows[:20])
    names = [entry.name for entry in graph.graph.output]
    for outputs in onnx_runs.run(graph, onnx_runs.feed(model, graph, rows)):
        found = dict(zip(names, outputs, strict=True))
        for name, wanted in SAID[case.kind.task](model, rows).items():
            assert np.abs(found[name] - np.array(wanted)).max() < 1e-4, name


def _of_outputs(model: Any, rows: list[Any]) -> dict[str, Any]:
    proba = [[*model.predict_proba_one(x)["size"].values()] for x in rows]
    return {"size.probabilities": proba, "twice.value": [model.predict_one(x)["twice"] for x in rows]}


SAID: dict[str, Callable[[Any, list[Any]], dict[str, Any]]] = {
    "classify": lambda m, rows: {"probabilities": m.predict_proba_many(rows)},
    "regress": lambda m, rows: {"value": m.predict_many(rows)},
    "decide": lambda m, rows: {"value": [[*m.expected_rewards(x).values()] for x in rows]},
    "control": lambda m, rows: {"value": [[*m.values(x).values()] for x in rows]},
    "multioutput": _of_outputs,
}
"""What a graph says of rows, by output, of each kind that has one."""


def clustered(case: Case, model: Any, at: Path) -> None:
    labels = [None] * len(case.rows) if case.labels is None else case.labels
    pairs, asked = list(zip(case.rows, labels, strict=True)), list(case.rows[:5])
    how: dict[str, Any] = {"workers": 2, "block": 2, "engine": "local", "manifest": at / "run"}
    how |= {} if "keys" in kind_of(model).can else {"warm_up": 100}  # else so few rows have a single worker
    told = []
    for _ in range(2):  # the second time from the end of the run
        learner = case.make()
        assert hw.cluster.learn(learner, pairs, **how).rows == learner.n_learned == len(pairs)
        told.append(list(learner.predict_many(asked)))
    assert told[0] == told[1]
    if "keys" in kind_of(model).can:
        assert told[0] == list(model.predict_many(asked)), "to the bit as in one process"


def paged(case: Case, model: Any, at: Path) -> None:
    model.save(at / "m.hw")
    command(f"export {at}/m.hw {at}/page --web")


def in_sklearn(case: Case, model: Any, at: Path) -> None:
    name = getattr(type(model), "estimator", "")
    if not name:
        with pytest.raises(AttributeError, match="Use ") as refused:
            model.fit  # noqa: B018 - its absence is what is asked for
        raise ConfigError(expected="an estimator", got="none", at="fit", help=str(refused.value))
    X = np.array([[row["a"] if isinstance(row.get("a"), float) else 0.0] for row in case.rows])
    labels = case.labels
    if labels is None or not isinstance(labels[0], dict):
        assert len(getattr(estimators, name)().fit(X, labels).predict(X)) == N
        return
    of_numbers = np.array([[y["twice"], 2 * y["twice"]] for y in labels])
    of_classes = np.array([[y["size"], str(y["twice"] > 4)] for y in labels])
    for own, y in zip(name.split(" or "), (of_classes, of_numbers), strict=True):
        fitted = getattr(estimators, own)(epochs=5).fit(X, y)
        assert fitted.predict(X).shape == (N, 2)
        assert fitted.score(X, y) > 0.8, own


def delayed(case: Case, model: Any, at: Path) -> None:
    session = hw.Session(case.make(), delay=3)
    session.step(list(case.rows), [None] * N if case.labels is None else case.labels)
    record = session.finish()
    assert record.scored + record.unscored == N
    assert record.scored > N - 10


def plotted(case: Case, model: Any, at: Path) -> None:
    assert drawn_in(case.make().plot())[1] == ["Nothing learned yet."]
    titles, texts = drawn_in(model.plot())
    keyed = "keys" in kind_of(model).can
    of = "fleet" if keyed else "layers" if "layers" in case.kind.can else case.kind.task
    title, numbers = DRAWN[of](model, case)
    assert any(title in one for one in titles), titles
    assert set(numbers) <= set(texts) | set(points_in(model.plot())), (numbers, texts)
    session = hw.Session(case.make(), window=50, every=50)
    session.step(list(case.rows), case.labels)
    session.finish()
    one = session.record().comparisons[0]
    titles, texts = drawn_in(session.plot())
    metric = one.metric.replace("_", " ")
    assert f"{metric} over the last 50" in titles[0] or case.kind.task == "multioutput"
    assert any(f"{metric}, " in title for title in titles)
    number = one.recent.model if one.recent.n else one.overall.model
    shares = ("accuracy", "alarms")
    assert (f"{share(number)} %" if one.metric in shares else number_text(number)) in [
        text.split(" · ")[0] for text in texts
    ]


def drawn_in(figure: Any) -> tuple[list[str], list[str]]:
    """Return the titles of a figure's axes, and the texts within them."""
    figure.savefig(io.BytesIO(), format="svg")
    return [ax.get_title(loc="left") for ax in figure.axes], [
        text.get_text() for ax in figure.axes for text in ax.texts
    ]


def points_in(figure: Any) -> list[float]:
    """Return the heights of all points of lines."""
    return [float(y) for ax in figure.axes for line in ax.lines for y in line.get_ydata()]


def _of_actions(model: Any, case: Case) -> tuple[str, list[Any]]:
    taken = model.taken if hasattr(model, "taken") else model.bandit.taken
    times = "rewarded {:,} times" if "routes" in case.kind.can else "{:,} times"
    return ("mean quality" if "routes" in case.kind.can else "mean reward"), [
        f"{number_text(mean)} · {times.format(n)}" for n, mean in taken.values()
    ]


def _of_keys(model: Any, case: Case) -> tuple[str, list[Any]]:
    name = next((one for one in model.score("x") if one != "rows"), "rows")
    scores = [model.score(key) for key in ("x", "y", "z")]
    if name == "rows":
        return "rows of each c", [number_text(own["rows"]) for own in scores]
    said = [f"{share(own[name])} %" if name == "accuracy" else number_text(own[name]) for own in scores]
    return f"{name} of the 3 worst of 3 keys of c", [
        f"{text} · {own['rows']} rows" for text, own in zip(said, scores, strict=True)
    ]


def _of_weights(model: Any, case: Case) -> tuple[str, list[Any]]:
    return "how far each column moves", [number_text(value) for value in model.importance().values() if value]


DRAWN: dict[str, Callable[[Any, Case], tuple[str, list[Any]]]] = {
    "layers": lambda m, case: ("layer 2: 32 × ", []),
    "anomaly": lambda m, case: (
        "raw score of each row",
        [float(np.array(m.engine.core.array("scores"))[2:10_002].reshape(-1, 2000)[-1, N - 1])],
    ),
    "forecast": lambda m, case: ("the next 24 values", [*m.forecast(), case.labels[-1]]),
    "decide": _of_actions,
    "route": _of_actions,
    "control": lambda m, case: ("return of each episode", m.returns.tolist()),
    "multioutput": lambda m, case: ("size: what matters", [number_text(m.importance()["size", "a"])]),
    "private_classify": _of_weights,
    "private_regress": _of_weights,
    "fleet": _of_keys,
}
"""A title and numbers that the picture of each kind has."""


def reported(case: Case, model: Any, at: Path) -> None:
    report = hw.plot.Report("a run")
    session = hw.Session(model, watch=report.watchers_for(model), on_record=report.on_record, every=50)
    session.step(list(case.rows), case.labels)
    session.finish()
    page = report.html(model)
    assert "<h2>Scores</h2>" in page
    assert page.count("<svg") >= 2


DOORS: dict[str, Callable[[Case, Any, Path], None]] = {
    "predict": command_predict,
    "show": command_show,
    "diagnose FILE": command_diagnose,
    "explain FILE": command_explain,
    "store": stored,
    "ask, teach": partial(served, do=asks_and_teaches),
    "late": partial(served, do=answers_late),
    "POST explain": partial(served, do=explains),
    "challengers": partial(served, do=challenged),
    "notebook": notebook,
    "explain": explained,
    "importance": importance,
    "diagnose": diagnosed,
    "evaluate": evaluated,
    "weights": weighed,
    "coverage": covered,
    "mlflow": in_mlflow,
    "fleet": in_fleet,
    "onnx": in_onnx,
    "cluster": clustered,
    "page": paged,
    "sklearn": in_sklearn,
    "delay": delayed,
    "plot": plotted,
    "report": reported,
}


def cell(case: Case, door: str, at: Path) -> str:
    """Return what a cell does: "ok", "refused: …" or the error."""
    at.mkdir(parents=True, exist_ok=True)
    try:
        DOORS[door](case, case.taught(), at)
    except hw.errors.HeadwaterError as error:
        return f"refused: {error}"
    except Exception as error:  # noqa: BLE001
        return f"BARE {type(error).__name__}: {str(error)[:160]}"
    return "ok"


if __name__ == "__main__":
    import tempfile

    warnings.simplefilter("ignore")
    doors = sys.argv[1:] or list(DOORS)
    for door in doors:
        for case in cases():
            with tempfile.TemporaryDirectory() as folder:
                print(f"{door:14} {case.name:32} {' '.join(cell(case, door, Path(folder)).split())[:230]}", flush=True)
