"""A multi-output learner as one graph: a client sends the row once, and gets every output as the learner says it."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.onnx.export import onnx_model
from store.onnx.test_onnx_learners import HELD_OUT, ROWS, flat, sample
from support.packages.imports import when_used
from support.packages.onnx_runs import CLOSE, about, feed, run

onnx = when_used("onnx")
R = random.Random(23)
ASKED = [*HELD_OUT, *(flat(sample(999, R)) for _ in range(240))]
NEVER = {"never": "classify", "nor_this": "regress"}


def labels(x: dict, r: random.Random, i: int) -> dict:
    """Two outputs of classes and two of numbers, of which some are not known of a row, and one appears late."""
    price = x.get("price")
    price = price - 1e4 if isinstance(price, float) and price == price else 0.0
    found = {
        "grade": ["low", "high", "none"][int(price > 0) if r.random() < 0.8 or i < 150 else 2],
        "cost": 40 + 5 * price + r.gauss(0, 1),
        "red": x.get("colour") == "red",
        3: 2.0 * price if i > 100 else None,
    }
    return {name: value for name, value in found.items() if r.random() < 0.9}


def taught(rows=ROWS, **settings) -> hw.MultiOutput:
    model, r = hw.MultiOutput(seed=2, **settings), random.Random(5)
    for i, x in enumerate(rows):
        model.learn_one(x, labels(flat(x), r, i))
    return model


def check(model, rows, *, close=CLOSE, array=False, sent=None):
    """Export, and compare both runtimes with the learner on these rows; returns the graph."""
    graph = onnx_model(model, array=array)
    names = [entry.name for entry in graph.graph.output]
    said = model.predict_many(rows)
    probabilities = [model.predict_proba_one(x) for x in rows]
    for outputs in run(graph, feed(model, graph, rows) if sent is None else sent):
        found = dict(zip(names, outputs, strict=True))
        assert set(about(graph)["by_output"]) == {f"{name}" for name in said[0]}
        for name in said[0]:
            of = about(graph)["by_output"][f"{name}"]
            if "value" in of:
                wanted = np.array([y[name] for y in said])
                assert found.pop(of["value"]) == pytest.approx(
                    wanted, rel=0, abs=close * max(1.0, np.abs(wanted).max())
                )
                continue
            wanted = np.array([list(p[name].values()) for p in probabilities])
            assert [f"{label}" for label in probabilities[0][name]] == of["classes"]
            assert np.abs(found.pop(of["probabilities"]) - wanted).max() <= close
            best = np.sort(wanted, axis=1)
            clear = best[:, -1] - best[:, -2] > 2 * close
            chosen = found.pop(of["label"]).tolist()
            assert clear.mean() > 0.9
            assert all(
                got == y[name] and type(got) is type(y[name])
                for got, y, sure in zip(chosen, said, clear, strict=True)
                if sure
            )
        assert found == {}
    return graph


SETTINGS = {
    "chained": {},
    "each alone": {"chain": False},
    "fast": {"effort": "fast"},
    "accurate": {"effort": "accurate"},
    "float64": {"dtype": "float64"},
    "declared, two of them never seen": {"outputs": {"grade": "classify", "cost": "regress", **NEVER}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_output_says_the_same_in_onnx(name):
    model = taught(**SETTINGS[name])
    assert list(model.predict_one({})) == list(model.members)
    assert not set(model.members) & set(NEVER)
    graph = check(model, ASKED)
    assert len(ASKED) > 300
    assert [entry.name for entry in graph.graph.output] == about(graph)["outputs"]
    assert {"grade.label", "grade.probabilities", "cost.value", "red.label", "3.value"} <= set(about(graph)["outputs"])


def test_the_row_is_sent_once_and_no_client_sends_what_earlier_outputs_say():
    model = taught()
    graph = onnx_model(model)
    inputs = [entry.name for entry in graph.graph.input]
    assert len(set(inputs)) == len(inputs)
    assert {entry["column"] for entry in about(graph)["inputs"]} == {f"{name}" for name in model.engine.columns}
    assert not any("predicted" in name for name in inputs)


def test_a_chain_in_the_graph_reads_the_output_before_it():
    model, r = hw.MultiOutput(seed=1), random.Random(1)
    for _ in range(600):
        x, hidden = {"a": r.gauss(0, 1)}, r.random() < 0.5
        model.learn_one({**x, "hint": float(hidden)}, {"first": hidden, "second": 3.0 * hidden + x["a"]})
    rows = [{"a": a / 10, "hint": float(a % 2)} for a in range(-100, 100)]
    check(model, rows)
    chained = np.array([y["second"] for y in model.predict_many(rows)])
    assert np.abs(model.members["second"].predict_many(rows) - chained).max() > 0.5, "it does read the first one"


def test_a_column_that_two_outputs_took_for_different_things_has_an_input_of_each():
    model, r = hw.MultiOutput(seed=3, chain=False), random.Random(2)
    for i in range(300):
        text = i == 0 or r.random() < 0.3
        x = {"v": r.choice(["a", "b"]) if text else r.gauss(0, 1), "w": r.gauss(0, 1)}
        model.learn_one(x, {"one": float(text)} if text else {"two": x["v"] + x["w"]})
    graph = onnx_model(model)
    assert [entry.name for entry in graph.graph.input] == ["v", "w", "v.number"]
    rows = [{"v": 0.5, "w": 1.0}, {"v": "a", "w": -1.0}, {"v": "b", "w": 0.25}, {"w": 2.0}, {"v": -3.0, "w": 0.0}]
    sent = {
        "v": np.array([["0.5"], ["a"], ["b"], [""], ["-3"]], object),
        "v.number": np.array([[0.5], [math.nan], [math.nan], [math.nan], [-3.0]]),
        "w": np.array([[x["w"]] for x in rows]),
    }
    for one, two in run(graph, sent):
        said = model.predict_many(rows)
        assert one == pytest.approx([y["one"] for y in said], abs=1e-4)
        assert two == pytest.approx([y["two"] for y in said], abs=1e-4)


def test_an_output_that_learned_rows_without_any_column_is_exported_beside_others():
    model = hw.MultiOutput(seed=1)
    for i in range(50):
        model.learn_one({}, {"bare": "xy"[i % 2]})
    for i in range(50):
        model.learn_one({"a": i / 10}, {"number": 2.0 * i})
    assert model.members["bare"].engine.columns == {}
    check(model, [{"a": 0.5}, {"a": 4.0}, {}])


def test_outputs_of_arrays_read_one_array():
    rng = np.random.default_rng(0)
    X, ask = rng.normal(size=(400, 5)), rng.normal(size=(200, 5))
    ask[rng.random(ask.shape) < 0.1] = np.nan
    model = hw.MultiOutput(seed=1)
    model.learn_many(X, [{"sum": float(x.sum()), "up": bool(x[0] > x[1])} for x in X])
    rows = [{f"x{j}": value for j, value in enumerate(x)} for x in ask.tolist()]
    graph = check(model, rows, array=True, sent={"X": ask})
    assert [entry.name for entry in graph.graph.input] == ["X"]


def test_an_export_changes_nothing_and_a_loaded_learner_exports_the_same(tmp_path):
    model = taught()
    before = to_bytes(model)
    model.export_onnx(tmp_path / "a.onnx")
    assert to_bytes(model) == before
    from_bytes(before, "memory").export_onnx(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)


def test_outputs_that_texts_cannot_tell_apart_are_refused():
    model = hw.MultiOutput()
    model.learn_one({"a": 1.0}, {1: 2.0, "1": 3.0})
    with pytest.raises(ConfigError, match="expected outputs whose names differ as texts"):
        onnx_model(model)


@pytest.mark.parametrize("outputs", [None, NEVER], ids=["none declared", "two declared"])
def test_a_learner_of_which_no_output_saw_an_answer_is_refused(outputs, tmp_path):
    model = hw.MultiOutput(outputs)
    if outputs:
        model.learn_one({"a": 1.0}, {"never": None})
    with pytest.raises(ConfigError, match="expected a MultiOutput that has learned, got one that has not"):
        model.export_onnx(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
