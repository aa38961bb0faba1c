"""Learners with their preprocessing in the graph: a client sends raw columns and gets what the learner would say."""

from __future__ import annotations

import datetime as dt
import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headwater as hw
from headwater import nn
from headwater.encode.values import time_parts
from headwater.errors import ConfigError, ModelFileError
from headwater.plain.inputs.input import NumericInput, Statistics
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.onnx.columns import read_columns
from headwater.store.onnx.export import onnx_model
from headwater.store.onnx.graph import Graph
from headwater.store.onnx.times import time_parts as graph_parts
from support.packages.imports import when_used
from support.packages.onnx_runs import CLOSE, EPOCH, about, check_learner, feed, run

onnx = when_used("onnx")
START = dt.datetime(2019, 12, 25, 7, 30)
ABROAD = dt.timezone(dt.timedelta(hours=5, minutes=30))


def sample(i: int, r: random.Random) -> dict:
    """A row of every kind of column; "late", "shop" and some values arrive on the way, others go missing."""
    x = {
        "price": r.gauss(1e4, 3) if r.random() < 0.9 else "sold out",
        "count": r.randint(0, 4),
        "open": r.random() < 0.5,
        "colour": r.choice(["red", "green", "blue", "gelb ü"]),
        "code": r.choice(["A", "7"]) if r.random() < 0.5 else 7,
        "when": START + dt.timedelta(seconds=r.random() * 4e7),
        "seen": (START + dt.timedelta(seconds=r.random() * 4e7)).replace(tzinfo=ABROAD),
        "still": 4.25,
        "size": {"width": r.random(), "height": r.expovariate(1)},
    }
    if i > 150:
        x |= {"late": r.gauss(0, 1) ** 3, "shop": r.choice("xyz")}
    for name in r.sample([*x], r.choice([0, 0, 1, 3])):
        x[name] = r.choice([None, float("nan")])
    return x if i else {**x, "code": "A", "price": 1e4, "seen": START.replace(tzinfo=ABROAD)}


def flat(x: dict) -> dict:
    """The row as a client has it: one column a number."""
    size = x.get("size")
    parts = {f"size.{k}": v for k, v in size.items()} if isinstance(size, dict) else {}
    return {k: v for k, v in x.items() if k != "size"} | parts


R = random.Random(11)
ROWS = [sample(i, R) for i in range(400)]
HELD_OUT = [
    *[flat(sample(999, R)) for _ in range(60)],
    {},
    {"colour": "never seen", "shop": "", "price": "never seen"},
    {"price": float("inf"), "count": -float("inf"), "late": 1e300, "size.width": -1e31},
    {"price": 1e9, "late": -1e12, "count": 2.5},
    {"price": "10002.5", "code": 7.0, "when": "2024-02-29T23:59:59", "seen": "2000-12-31"},
    {"unknown": 3.0, "colour": "red"},
]
CLASSES = {"text": ["no", "yes", "maybe"], "whole": [3, 1, 2], "boolean": [True, False], "float": [0.5, 1.5, 2.0]}
CLASSIFIERS = {
    "the default pool": {},
    "fast": {"effort": "fast"},
    "accurate": {"effort": "accurate"},
    "one net": {"hidden": (16,)},
    "linear": {"hidden": ()},
    "deep, float64": {"hidden": (12, 9), "dtype": "float64"},
    "pool, float64": {"dtype": "float64"},
    "unscaled": {"hidden": (16,), "scale": False},
    "layer norm and dropout": {"hidden": (16,), "norm": "layer", "dropout": 0.2},
    "batch norm": {"hidden": (16,), "norm": "batch", "optimizer": nn.Adam(0.01)},
    "hinge": {"loss": "hinge"},
    "one hinge": {"loss": "hinge", "hidden": (16,)},
    "cells": {"experts": [nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)], "dtype": "float64"},
    "cells before a layer": {"experts": [nn.Expert((nn.Dense(5, "tanh"),), optimizer=nn.SGD(0.01), cells=True)]},
}
REGRESSORS = {
    **{loss: {"loss": nn.Loss(loss)} for loss in ("huber", "mse", "mae", "poisson")},
    "quantile": {"loss": nn.Loss("quantile", 0.9)},
    "one net": {"hidden": (16,), "activation": "silu"},
    "one poisson": {"hidden": (16,), "loss": "poisson"},
    "float64": {"hidden": (16,), "dtype": "float64"},
    "linear": {"hidden": ()},
    "cells": {"experts": [nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)]},
    "label history": {"label_history": True},
}


def taught(model, classes=None, rows=ROWS):
    """Teach a learner the rows; of the classes the last one arrives late."""
    r = random.Random(5)
    for i, x in enumerate(rows):
        price = x["price"] if isinstance(x.get("price"), float) else 1e4
        if classes is None:
            model.learn_one(x, max(0.0, 40 + 5 * (price - 1e4 if price == price else 0) + r.gauss(0, 1)))
        else:
            known = classes[:-1] if i < 200 and len(classes) > 2 else classes
            model.learn_one(x, known[int(x.get("colour") == "red")] if r.random() < 0.8 else r.choice(known))
    return model


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_grown_classifier_says_the_same_in_onnx(name):
    model = taught(hw.Classifier(**CLASSIFIERS[name], seed=2), CLASSES["text"])
    assert model.classes == ["no", "yes", "maybe"]
    graph = check_learner(model, HELD_OUT)
    assert about(graph)["classes"] == model.classes


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_grown_regressor_says_the_same_in_onnx(name):
    check_learner(taught(hw.Regressor(**REGRESSORS[name], seed=2)), HELD_OUT)


@pytest.mark.parametrize("kind", CLASSES)
def test_labels_keep_their_type(kind):
    model = taught(hw.Classifier(effort="fast"), CLASSES[kind])
    graph = check_learner(model, HELD_OUT)
    label = run(graph, feed(model, graph, HELD_OUT))[0][0]
    assert {type(v) for v in label.tolist()} == {type(model.classes[0])}


def test_labels_of_mixed_types_become_texts():
    model = taught(hw.Classifier(effort="fast"), ["a", 1, (2, "b")])
    graph = onnx_model(model)
    label, _ = run(graph, feed(model, graph, HELD_OUT))[0]
    assert label.tolist() == [str(v) for v in model.predict_many(HELD_OUT)]


def test_labels_that_texts_cannot_tell_apart_are_refused():
    model = taught(hw.Classifier(effort="fast"), [1, "1"])
    with pytest.raises(ConfigError, match="expected classes whose texts differ"):
        onnx_model(model)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_output_stands_for_both_of_two_classes(dtype):
    model = hw.Classifier(loss="binary_cross_entropy", hidden=(8,), dtype=dtype)
    model.learn_one(flat(ROWS[0]), "only")
    check_learner(model, HELD_OUT)
    check_learner(taught(model, ["only", "other"]), HELD_OUT)


def test_a_row_that_no_step_has_touched_takes_no_part():
    model = taught(hw.Classifier(seed=1), CLASSES["text"])
    before = model.predict_proba_many([flat(ROWS[7])])
    model.learn_one({"brand new": 5.0, "colour": "a new one"}, "yes", w=0.0)
    asked = {**flat(ROWS[7]), "brand new": 2.0}
    graph = check_learner(model, [*HELD_OUT, asked])
    assert "brand new" in [entry.name for entry in graph.graph.input]
    _, proba = run(graph, feed(model, graph, [asked]))[0]
    assert np.abs(proba - before).max() <= CLOSE


def test_standardising_in_the_graph_is_the_formula_of_the_input():
    model = taught(hw.Regressor(hidden=(), dtype="float64"))
    engine = model._engine
    g = Graph(17, "float64")
    columns = read_columns(g, engine)
    g.output("numbers", columns.numbers, np.float64, ["N", len(columns.plus)], "")
    graph = g.model(name="numbers", doc="", version="0", metadata={"headwater": json.dumps({"inputs": columns.listed})})
    asked = [{"price": v, "count": v, "still": v} for v in (1e4, 1e4 + 60, -5.0, 0.0, 1e29, -1e30, 4.25, 2.0)]
    known = engine.core.statistics
    of = {name: engine.columns[name].slot for name in ("price", "count", "still")}
    place = {name: list(columns.plus).index(known.row[slot]) for name, slot in of.items()}
    for (got,) in run(graph, feed(model, graph, asked)):
        for name, slot in of.items():
            column = NumericInput(int(known.row[slot]))
            column.statistics = Statistics(*(float(x[slot]) for x in (known.mean, known.variance, known.seen)))
            rows = int(engine.core.touched[0]) + 1
            wanted = [column.pairs(x[name], learn=False, rows=rows)[0][1] for x in asked]
            assert got[:, place[name]] == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("scale", [True, False])
def test_an_outlier_lies_in_the_same_cells_in_the_graph_as_in_the_core(scale):
    model = taught(hw.Regressor(experts=CLASSIFIERS["cells"]["experts"], dtype="float64", scale=scale))
    core, known = model._engine.core, model._engine.core.statistics
    slots = {name: model._engine.columns[name].slot for name in ("price", "count", "size.width")}
    mean, reach = known.mean, 1000 * np.sqrt(known.variance)
    # on both sides of a thousand deviations, to the last digits
    far = [k * (1 + step * 2**-51) for k in (-1, 1) for step in range(-3, 4)]
    asked = [{name: mean[slot] + k * reach[slot] for name, slot in slots.items()} for k in far]
    asked += [dict.fromkeys(slots, x) for x in (1e9, -1e9, 1e35, -1e35, 1e300, -1.7e308, np.inf, -np.inf, np.nan, 0.0)]
    rows = model._engine.rows(asked)
    wanted = np.frombuffer(core.learner.cells(rows, 0, len(asked), False), np.int32).reshape(len(asked), -1)
    assert len(np.unique(wanted, axis=0)) > 1
    g = Graph(17, "float64")
    columns = read_columns(g, model._engine)
    g.output("rows", columns.cells, np.int64, ["N", core.sizes()["tables"]], "")
    graph = g.model(name="cells", doc="", version="0", metadata={"headwater": json.dumps({"inputs": columns.listed})})
    for (got,) in run(graph, feed(model, graph, asked)):
        assert np.array_equal(got % 2 ** core.sizes()["tests"], wanted)


def test_a_double_precision_net_is_equal_far_beyond_single_precision():
    model = taught(hw.Classifier(hidden=(16,), dtype="float64"), CLASSES["text"])
    check_learner(model, HELD_OUT, close=1e-10)


@pytest.mark.parametrize("opset", [13, 21, "newest"])
def test_a_learner_can_be_written_with_other_operator_sets(opset):
    opset = onnx.defs.onnx_opset_version() if opset == "newest" else opset
    check_learner(taught(hw.Classifier(), CLASSES["text"]), HELD_OUT, opset=opset)


def test_an_export_changes_nothing_and_a_loaded_model_exports_the_same(tmp_path):
    model = taught(hw.Classifier(seed=4), CLASSES["text"])
    before = to_bytes(model)
    model.export_onnx(tmp_path / "a.onnx")
    assert to_bytes(model) == before
    from_bytes(before, "memory").export_onnx(tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)


def test_a_learner_of_arrays_can_take_one_array():
    rng = np.random.default_rng(0)
    X, ask = rng.normal(size=(300, 12)), rng.normal(size=(40, 12))
    ask[rng.random(ask.shape) < 0.1] = np.nan
    model = hw.Classifier(seed=1)
    model.learn_many(X, X[:, 0] > X[:, 11] ** 2)
    graph = onnx_model(model, array=True)
    assert [entry.name for entry in graph.graph.input] == ["X"]
    for _, proba in run(graph, {"X": ask}):
        assert np.abs(proba - model.predict_proba_many(ask)).max() <= CLOSE


def test_a_learner_of_names_takes_no_array():
    model = taught(hw.Classifier(effort="fast"), CLASSES["text"])
    with pytest.raises(ConfigError, match=r"expected a learner that was taught numeric arrays.* Leave array out"):
        onnx_model(model, array=True)


def test_a_column_called_like_an_output_keeps_its_name():
    model = hw.Regressor(effort="fast")
    for i in range(40):
        model.learn_one({"value": i % 5, "_cast_0": i % 3}, float(i % 5))
    graph = check_learner(model, [{"value": 3.0, "_cast_0": 1.0}])
    assert [entry.name for entry in graph.graph.output] == ["value_"]


def test_columns_that_texts_cannot_tell_apart_are_refused():
    model = hw.Regressor(effort="fast")
    model.learn_many([{1: 1.0, "1": 2.0}] * 3, [1.0, 2.0, 3.0])
    with pytest.raises(ConfigError, match="expected inputs with different names, got two called '1'"):
        onnx_model(model)


@pytest.mark.parametrize("name", ["\0", "", "\0more", "\ud800"], ids=["zero", "empty", "zero first", "surrogate"])
def test_columns_that_onnx_cannot_name_are_refused_with_a_sentence(name, tmp_path):
    model = hw.Regressor(effort="fast")
    model.learn_many([{name: 1.0, "a": 2.0}] * 3, [1.0, 2.0, 3.0])
    with pytest.raises(ConfigError, match="expected columns whose names are texts of one letter or more, got '"):
        model.export_onnx(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_classes_that_utf_8_cannot_write_are_refused_with_a_sentence():
    model = hw.Classifier(effort="fast")
    model.learn_many([{"a": 2.0}] * 4, ["\ud800", "b"] * 2)
    with pytest.raises(ConfigError, match=r"expected classes that UTF-8 can write, got '\\ud800'"):
        onnx_model(model)


@pytest.mark.parametrize("model", [hw.Classifier(), hw.Regressor()], ids=["Classifier", "Regressor"])
def test_a_learner_that_has_learned_nothing_is_refused(model, tmp_path):
    with pytest.raises(ConfigError, match=r"expected a (Classifier|Regressor) that has learned, got one that has not"):
        model.export_onnx(tmp_path / "m.onnx")


def test_a_full_table_whose_names_share_rows_is_refused_and_says_why(tmp_path):
    model = hw.Classifier(hidden=(4,), max_rows=16)
    for i in range(40):
        model.learn_one({"word": f"w{i}"}, i % 2)
    with pytest.raises(ConfigError, match=r"names share rows by a hash .*larger max_rows"):
        model.export_onnx(tmp_path / "m.onnx")


def moments():
    """Date-times of all years, some with a zone."""
    zones = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
    # a zone may carry the first and last day out of the years that Python knows
    inner = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
    return st.builds(lambda when, zone: when.replace(tzinfo=zone), inner, zones)


def graph_of_times():
    g = Graph(17, "float64")
    when = g.input("when", np.float64, ["N", 1], "")
    ahead = g.input("offset", np.float64, ["M", 1], "", default=np.zeros((1, 1)))
    parts = g.add("Concat", *graph_parts(g, when, ahead), axis=1)
    g.output("parts", parts, np.float64, ["N", 7], "")
    return g.model(name="times", doc="", version="0", metadata={})


TIMES = graph_of_times()


@given(st.lists(moments(), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_the_calendar_in_the_graph_is_the_encoders(found):
    years, days = (1600, 1900, 1999, 2000, 2023, 2024), ((1, 1), (2, 28), (3, 1), (12, 31))
    edges = [dt.datetime(y, m, d) for y in years for m, d in days]
    times = [*found, *edges, dt.datetime(2000, 2, 29, 12), dt.datetime(2024, 2, 29)]
    local = np.array([[(when.replace(tzinfo=None) - EPOCH).total_seconds()] for when in times])
    ahead = np.array([[when.utcoffset().total_seconds() if when.tzinfo else 0.0] for when in times])
    wanted = np.array([time_parts(when) for when in times])
    for (got,) in run(TIMES, {"when": local, "offset": ahead}):
        assert np.abs(got[:, 0] - wanted[:, 0]).max() <= 1e-4  # microseconds of 10¹¹ seconds are rounded
        assert np.abs(got[:, 1:] - wanted[:, 1:]).max() <= 1e-8


def test_a_missing_time_is_no_number_and_a_zone_may_be_left_out():
    for (got,) in run(TIMES, {"when": np.array([[np.nan], [0.0], [np.inf]])}):
        assert np.isnan(got[0]).all()
        assert got[1].tolist() == pytest.approx(time_parts(EPOCH))


def test_the_inputs_and_outputs_are_documented_in_the_graph():
    model = taught(hw.Classifier(effort="fast"), CLASSES["text"])
    graph = onnx_model(model)
    assert all(entry.doc_string for entry in [*graph.graph.input, *graph.graph.output])
    kinds = {entry["name"]: entry["kind"] for entry in about(graph)["inputs"]}
    assert kinds == {
        **dict.fromkeys(("price", "count", "open", "still", "size.width", "size.height", "late"), "number"),
        **dict.fromkeys(("price.text", "colour", "code", "shop"), "text"),
        **dict.fromkeys(("when", "seen"), "time"),
        **dict.fromkeys(("when.utc_offset", "seen.utc_offset"), "offset"),
    }
    assert about(graph)["n_learned"] == model.n_learned
    assert {entry.type.tensor_type.elem_type for entry in graph.graph.input} == {
        onnx.TensorProto.DOUBLE,
        onnx.TensorProto.STRING,
    }


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_whatever_columns_and_values_come_the_graph_agrees(data):
    texts = st.text(min_size=1, max_size=6).filter(lambda text: text[0] != "\0")  # those are refused
    names = data.draw(st.lists(texts, min_size=1, max_size=5, unique=True))
    numbers = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**6), 10**6)
    texts = st.none() | st.sampled_from(["a", "b", "c", "ü", "N/B"])  # gaps of rows of texts are read before the graph
    kinds = {name: data.draw(st.sampled_from([numbers, texts, numbers | texts])) for name in names}
    rows = data.draw(st.lists(st.fixed_dictionaries(kinds), min_size=12, max_size=40))
    model = hw.Classifier(seed=data.draw(st.integers(0, 9)), dtype="float64")
    model.learn_many(rows, [i % 2 for i in range(len(rows))])
    if model._engine.columns:
        graph = onnx_model(model)
        with np.errstate(all="ignore"):  # of knots 1e-308 apart: a quotient is infinite, then clipped
            answers = list(run(graph, feed(model, graph, rows)))
        for _, proba in answers:
            assert np.abs(proba - model.predict_proba_many(rows)).max() <= CLOSE


def test_a_graph_never_takes_the_place_of_a_store(tmp_path):
    with hw.open(tmp_path / "shop.db", hw.Regressor(hidden=(4,))) as store:
        store.learn_many([{"a": float(i)} for i in range(50)], [2.0 * i for i in range(50)])
        with pytest.raises(ModelFileError, match="got that of a store or another database"):
            store.learner.export_onnx(tmp_path / "shop.db")
    with hw.open(tmp_path / "shop.db") as store:
        assert store.n_learned == 50
