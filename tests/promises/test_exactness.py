"""Exact to the bit: a block is its rows one by one, a saved model goes on, a copy is its own, a prediction changes nothing."""

from __future__ import annotations

import copy
import datetime as dt
import math
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import Classifier, Regressor, _core, load, nn
from headwater.nn.core import blank_state
from headwater.store.learner_file import from_bytes, to_bytes
from support.learners import (
    RULES,
    SHAPES,
    answers,
    arrays,
    bits,
    core_of,
    differences,
    fingerprint,
    make,
    mixed,
    numbers,
    same,
)

ROWS, LABELS = mixed(60)
WEIGHTS = [(1.0, 1, 0.5, 0, 3.0, -1.0, math.nan, 1.0)[i % 8] for i in range(60)]
TRICKY = [
    {},
    {"a": math.nan},
    {"a": math.inf, "b": 1.0},
    {"a": 1e300, "b": 2.0, "n": 3},
    {"a": "5", "b": "x"},
    {"t": dt.datetime(2024, 5, 6, 7), "l": [1, 2], "m": {"k": 1.0}},
    {"a": 1.0, "odd": object()},
    {"a": 10**400},
    {"colour": 5, "flag": None},
]
STREAM = [row for i, row in enumerate(ROWS) for row in ([row, TRICKY[i // 6]] if i % 6 == 5 and i < 54 else [row])]
ANSWERS = [LABELS[(i * 7) % 60] for i in range(len(STREAM))]
ANSWERS[20], ANSWERS[33], ANSWERS[50] = None, "late class", "another"  # type: ignore[call-overload]
W = [WEIGHTS[i % 60] for i in range(len(STREAM))]

MODELS = {
    "classes, pool": Classifier,
    "classes, fast pool": lambda: Classifier(effort="fast", dtype="float64"),
    "classes, own pool": lambda: Classifier(experts=[nn.Expert(optimizer=nn.Adam(0.01), replays=1), nn.Expert()]),
    "classes, batch norm and dropout": lambda: Classifier((16, 8), norm="batch", dropout=0.3, optimizer=nn.Adam(0.01)),
    "classes, layer norm": lambda: Classifier((8,), norm="layer", optimizer=nn.NAdam()),
    "classes, dropout, penalties, clipping": lambda: Classifier(
        (8,), dropout=0.5, l1=1e-3, l2=1e-2, clip_norm=0.5, clip_value=0.1, optimizer=nn.FTRL()
    ),
    "classes, hinge": lambda: Classifier((8,), loss="hinge", optimizer=nn.Momentum(nn.Cosine(0.1, steps=20))),
    "classes, unscaled, small table": lambda: Classifier((8,), scale=False, max_rows=24, dtype="float64"),
    "numbers, pool": Regressor,
    "numbers, poisson pool": lambda: Regressor(loss="poisson"),
    "numbers, batch norm and dropout": lambda: Regressor((16, 8), norm="batch", dropout=0.3, loss="mse"),
    "numbers, quantile": lambda: Regressor((), loss=nn.Loss("quantile", 0.9), optimizer=nn.COCOB()),
    "numbers, poisson": lambda: Regressor((8,), loss="poisson", optimizer=nn.AMSGrad()),
}


def given_for(model):
    """The stream's answers for that learner; a class of its own for None stays None."""
    if model.task == "classify":
        return ANSWERS
    known = {"late class": "x", "another": "y"}
    return [None if y is None else numbers([known.get(y, y)])[0] for y in ANSWERS]


def said_of(model, x):
    """What is said of one sample, as bytes, and the classes it is about."""
    if model.task == "regress":
        return bits(np.float64(model.predict_one(x))), 0
    proba, shown = model.predict_proba_one(x), model.predict_batch([x]).proba[0]
    if model._engine:  # the way of one sample gives what the way of many does
        short = np.array(model._engine.predict_one(x), model.dtype)
        assert same(short, shown if not model._binary else shown[-1:])
    assert list(proba) == model.classes
    assert list(proba.values()) == pytest.approx(shown.tolist(), rel=1e-5, abs=1e-30)
    assert model.predict_one(x) == (max(proba, key=proba.__getitem__) if proba else None)
    assert not model._sums or math.isclose(sum(proba.values()), 1 if proba else 0)
    return bits(shown), len(proba)


def said_in(model, forecast, i, k):
    """The same from row i of a forecast."""
    if model.task == "regress":
        return bits(forecast.y_pred[i])
    assert not np.any(forecast.proba[i, k:]), "a class that came later has probability 0"
    return bits(forecast.proba[i, :k])


def one_by_one(model, rows, y, w=None, ask=None):
    """Predict each row (or the row asked in its place), then learn: what was said, row by row."""
    said = []
    for i, row in enumerate(rows):
        said.append(said_of(model, row if ask is None else ask[i]))
        if ask is None:
            model.learn_one(row, y[i], 1.0 if w is None else w[i])
        else:  # what was said waits for its answer
            model.step_many([row], [y[i]], ask=[ask[i]])
    return said


# ---- block = single -------------------------------------------------------------------------------------------------


@settings(max_examples=6, deadline=None)
@given(cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=8))
@pytest.mark.parametrize("name", MODELS)
def test_a_block_is_its_rows_one_by_one(name, cuts):
    single, blocks = MODELS[name](), MODELS[name]()
    y = given_for(single)
    said = one_by_one(single, STREAM, y, W)

    for start, stop in pairwise([0, *sorted(cuts), len(STREAM)]):
        forecast = blocks.step_many(STREAM[start:stop], y[start:stop], W[start:stop])
        assert len(forecast) == stop - start
        for i in range(stop - start):
            what, k = said[start + i]
            assert said_in(blocks, forecast, i, k) == what, f"row {start + i}"

    assert differences(single, blocks) == []
    assert single.rejected == blocks.rejected


@pytest.mark.parametrize("task", ["classify", "regress"])
@pytest.mark.parametrize(("hidden", "norm"), SHAPES)
@pytest.mark.parametrize("rule", RULES)
def test_a_block_is_its_rows_one_by_one_for_every_rule(rule, hidden, norm, task):
    single, block = (make(task, rule, hidden, norm) for _ in range(2))
    y = answers(single, LABELS)
    said = one_by_one(single, ROWS, y)
    forecast = block.step_many(ROWS, y)
    assert [said_in(block, forecast, i, k) for i, (_, k) in enumerate(said)] == [what for what, _ in said]
    assert differences(single, block) == []


@pytest.mark.parametrize("name", MODELS)
def test_a_block_of_numbers_is_its_events(name):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(80, 4))
    X[rng.random(X.shape) < 0.05] = np.nan
    X[7] = np.nan
    X[30] = [np.inf, 1.0, 2.0, 3.0]
    X[31] = [1.0, -np.inf, 1e300, 3.0]
    single, block, events = (MODELS[name]() for _ in range(3))
    y = (
        [["u", "v"][int(v > 0)] if v == v else "u" for v in X[:, 3]]
        if single.task == "classify"
        else np.arange(80.0).tolist()
    )
    rows = [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()]

    said = one_by_one(single, rows, y)
    forecast = block.step_many(X, y)
    for row, answer in zip(rows, y, strict=True):
        events.learn_one(row, answer)

    assert [said_in(block, forecast, i, k) for i, (_, k) in enumerate(said)] == [what for what, _ in said]
    assert differences(single, events) == [], "predicting in between changes nothing"
    assert differences(single, block) == []


@settings(max_examples=4, deadline=None)
@given(delay=st.integers(1, 30), cuts=st.sets(st.integers(1, len(STREAM) - 1), max_size=5))
@pytest.mark.parametrize("name", MODELS)
def test_late_answers_are_learned_in_lock_step_whatever_the_cut(name, delay, cuts):
    single, blocks = MODELS[name](), MODELS[name]()
    y, n = given_for(single), len(STREAM) - delay
    said = one_by_one(single, STREAM[:n], y, ask=STREAM[delay:])

    edges = [0, *sorted(cut for cut in cuts if cut < n), n]
    for start, stop in pairwise(edges):
        late = STREAM[delay + start : delay + stop]
        forecast = blocks.step_many(STREAM[start:stop], y[start:stop], ask=late)
        for i in range(stop - start):
            what, k = said[start + i]
            assert said_in(blocks, forecast, i, k) == what, f"row {start + i}"

    assert differences(single, blocks) == []


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "hinge"])
def test_one_and_many_say_the_same_of_classes(loss):
    model = Classifier((8,), loss=loss)
    for n in (1, 3, 40):
        model.learn_many(ROWS[:n], ["n" if i < 2 or row["a"] > 0 else "y" for i, row in enumerate(ROWS[:n])])
        many = model.predict_proba_many(ROWS)
        one = [list(model.predict_proba_one(row).values()) for row in ROWS]
        assert np.array(one) == pytest.approx(many, rel=1e-6, abs=1e-30)
        assert model.predict_many(ROWS).tolist() == [model.predict_one(row) for row in ROWS]
        if loss != "hinge":
            assert many.sum(1) == pytest.approx(np.ones(60), abs=1e-6)
            assert all(math.isclose(sum(row), 1.0) and max(row) <= 1 for row in one)


# ---- the same again -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_and_stream_give_the_same_bits(name):
    one, other = MODELS[name](), MODELS[name]()
    y = given_for(one)
    one.learn_many(STREAM, y, W)
    for model in (MODELS[name](), other):  # what else was computed in between must not matter
        model.learn_many(STREAM, y, W)
        model.predict_many(ROWS)
    assert differences(one, other) == []
    assert to_bytes(one) == to_bytes(other)


@pytest.mark.parametrize("name", MODELS)
def test_every_level_of_a_processor_gives_the_same_bits(name, monkeypatch):
    models = {}
    for level in sorted({_core.level(wanted) for wanted in (1, 3, 4)}):
        monkeypatch.setenv("HEADWATER_LEVEL", str(level))
        models[level] = MODELS[name]()
        models[level].learn_many(STREAM, given_for(models[level]), W)
        one_by_one(models[level], ROWS[:10], given_for(models[level]))
    for level, model in models.items():
        assert differences(models[1], model) == [], level
        assert to_bytes(models[1]) == to_bytes(model), level
    monkeypatch.setenv("HEADWATER_LEVEL", "1")
    slow = from_bytes(to_bytes(models[max(models)]), "memory")  # a file goes on at another level
    goes_on(models[max(models)], slow, STREAM, given_for(slow), W)


@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_another_seed_gives_another_model(cls):
    one, other = cls(seed=1), cls(seed=2)
    for model in (one, other):
        model.learn_many(ROWS, answers(model, LABELS))
    assert "weights" in differences(one, other)


# ---- save and load --------------------------------------------------------------------------------------------------


def goes_on(model, other, rows, y, w=None):
    """Teach both the same and compare all that is said and all that is kept."""
    one, two = model.step_many(rows, y, w), other.step_many(rows, y, w)
    assert bits(one.proba if model.task == "classify" else one.y_pred) == bits(
        two.proba if model.task == "classify" else two.y_pred
    )
    assert differences(model, other) == []
    assert model.describe() == other.describe()


@pytest.mark.parametrize("task", ["classify", "regress"])
@pytest.mark.parametrize(("hidden", "norm"), SHAPES)
@pytest.mark.parametrize("rule", RULES)
def test_a_saved_model_goes_on_to_the_bit(rule, hidden, norm, task, tmp_path):
    model = make(task, rule, hidden, norm)
    y = answers(model, LABELS)
    model.learn_many(ROWS[:20], y[:20])

    model.save(tmp_path / "m.hw")
    other = load(tmp_path / "m.hw")

    assert differences(model, other) == []
    assert to_bytes(other) == (tmp_path / "m.hw").read_bytes()
    fresh = [{**row, "new": i, "tag": f"t{i}"} for i, row in enumerate(ROWS[20:])]
    goes_on(model, other, fresh, ["new class", *y[21:]] if task == "classify" else y[20:])


@pytest.mark.parametrize("at", [0, 1, 5, 35])
@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_goes_on_wherever_it_stopped(name, at):
    model = MODELS[name]()
    y = given_for(model)
    model.learn_many(STREAM[:at], y[:at], W[:at])
    other = from_bytes(to_bytes(model), "memory")
    assert differences(model, other) == []
    assert other.rejected == model.rejected
    goes_on(model, other, STREAM[at:], y[at:], W[at:])


def test_saving_before_anything_but_names_is_known_loses_nothing():
    for cls in (Classifier, Regressor):
        model = cls()
        model.learn_one(ROWS[0], 1, w=0)
        other = from_bytes(to_bytes(model), "memory")
        goes_on(model, other, ROWS, answers(model, LABELS))


def test_saving_changes_nothing(tmp_path):
    model = Classifier()
    model.learn_many(ROWS, LABELS)
    before = fingerprint(model)
    model.save(tmp_path / "a.hw")
    model.save(tmp_path / "b.hw")
    assert fingerprint(model) == before
    assert (tmp_path / "a.hw").read_bytes() == (tmp_path / "b.hw").read_bytes()


# ---- copies ---------------------------------------------------------------------------------------------------------

COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "pickle of a copy": lambda model: pickle.loads(pickle.dumps(copy.deepcopy(model), protocol=2)),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("name", MODELS)
def test_a_copy_goes_on_by_itself_and_leaves_its_original_alone(name, how):
    model, twin = MODELS[name](), MODELS[name]()
    y = given_for(model)
    for each in (model, twin):
        each.learn_many(STREAM[:40], y[:40], W[:40])
        each.predict_one({"a": 1.0, "b": 2.0})  # the short way's buffers are in use
        each.learn_one({"a": 1.0, "b": 2.0}, y[0])
    before = fingerprint(model)

    other = COPIES[how](model)
    assert fingerprint(other) == before
    other.learn_many(STREAM[40:], y[40:], W[40:])
    one_by_one(other, [{"a": 1.0, "b": 2.0}] * 3, [y[0]] * 3)

    assert fingerprint(model) == before, "learning on the copy wrote into the original"
    copied = fingerprint(other)
    model.learn_many(STREAM[40:], y[40:], W[40:])
    one_by_one(model, [{"a": 1.0, "b": 2.0}] * 3, [y[0]] * 3)
    assert fingerprint(other) == copied, "learning on the original wrote into the copy"
    assert differences(model, other) == []
    twin.learn_many(STREAM[40:], y[40:], W[40:])
    one_by_one(twin, [{"a": 1.0, "b": 2.0}] * 3, [y[0]] * 3)
    assert differences(model, twin) == []


def test_a_copy_shares_no_memory():
    model = Classifier()
    model.learn_many(ROWS, LABELS)
    other = copy.deepcopy(model)
    mine, yours = core_of(model), core_of(other)
    viewed = [name for name in blank_state() if viewable(mine, name)]
    assert {"weights", "running", "touched", "names_bytes", "slot_mean", "random", "row_keys"} <= set(viewed)
    assert [name for name in viewed if np.shares_memory(mine.array(name), yours.array(name))] == []
    other.predict_one(ROWS[0])
    assert [name for name in viewed if np.shares_memory(mine.array(name), yours.array(name))] == []


def viewable(core, name):
    """Whether an array may be looked at in its place; the samples kept for replay and those that wait may not."""
    try:
        core.array(name)
    except (KeyError, ValueError):
        return False
    return True


def test_a_copy_of_a_model_that_knows_nothing_knows_nothing():
    for cls in (Classifier, Regressor):
        other = copy.deepcopy(cls())
        other.learn_many(ROWS, answers(other, LABELS))
        plain = cls()
        plain.learn_many(ROWS, answers(plain, LABELS))
        assert differences(plain, pickle.loads(pickle.dumps(other))) == []


def test_a_network_can_be_copied_and_its_views_are_its_own():
    net = nn.Network([nn.Dense(8, "relu"), nn.BatchNorm(), nn.Dense(1)], optimizer=nn.Adam(0.01), seed=1)
    X = np.random.default_rng(0).normal(size=(50, 3))
    net.fit(X, X[:, 0], epochs=3, batch_size=5)
    other, third = copy.deepcopy(net), pickle.loads(pickle.dumps(net))
    kept = net.parameters.copy()
    other.fit(X, X[:, 0], epochs=2, batch_size=5)
    other.layers[0].weights[0, 0] = 7
    assert np.array_equal(net.parameters, kept)
    assert other.layers[0].weights[0, 0] == 7
    assert np.any(other.parameters != kept)
    net.fit(X, X[:, 0], epochs=2, batch_size=5)
    third.fit(X, X[:, 0], epochs=2, batch_size=5)
    assert np.array_equal(net.parameters, third.parameters)


# ---- a prediction changes nothing -----------------------------------------------------------------------------------

ASKED = [
    *ROWS[:5],
    *TRICKY,
    {"a": 1.0, "b": 2.0, "n": 3, "flag": True, "colour": "red", **{f"unknown {i}": i for i in range(50)}},
    {"b": 1.0},
    {"a": 1.0, "n": 2.0},
    {"colour": "never seen", "a": "word", "t": "2024-01-01", "late": dt.date(2024, 1, 1)},
    {"a": [1, 2], "b": {"c": 1}, "x": b"bytes", "y": {1}, "z": lambda: 1},
    dict.fromkeys("abn", 1.0),
]


@pytest.mark.parametrize("name", MODELS)
def test_a_prediction_changes_nothing(name):
    model = MODELS[name]()
    y = given_for(model)
    for row, answer in zip(STREAM, y, strict=True):
        model.learn_one(row, answer)
    model.learn_one({"a": 1.0}, y[0])
    before, saved, about = fingerprint(model), to_bytes(model), repr(model.describe())

    for x in ASKED:
        model.predict_one(x)
        if model.task == "classify":
            model.predict_proba_one(x)
        assert fingerprint(model) == before, x
    model.predict_many(ASKED)
    model.predict_batch(ASKED)
    model.predict_many(np.random.default_rng(0).normal(size=(5, 30)))
    model.predict_many(pd.DataFrame(ROWS))
    if model.task == "classify":
        model.predict_proba_many(ASKED)
        model.predict_proba_many(pd.DataFrame({"new": ["a", "b"], "when": pd.to_datetime(["2024-01-01", None])}))

    assert fingerprint(model) == before
    assert to_bytes(model) == saved
    assert repr(model.describe()) == about


@pytest.mark.parametrize("name", MODELS)
def test_predicting_before_the_first_answer_works(name):
    model = MODELS[name]()
    if model.task == "classify":
        assert model.predict_one(ROWS[0]) is None
        assert model.predict_proba_one(ROWS[0]) == {}
        assert model.predict_many(ROWS).tolist() == [None] * 60
        assert model.predict_proba_many(ROWS).shape == (60, 0)
        assert model.classes == []
    else:
        cold = 1.0 if model.loss == "poisson" else 0.0
        assert model.predict_one(ROWS[0]) == cold
        assert model.predict_many(ROWS).tolist() == [cold] * 60
    assert model.predict_one({}) in (None, 0.0, 1.0)
    assert (model.n_learned, model.rejected) == (0, {})
    assert model._engine is None


def test_what_learning_returns_was_said_before_the_first_class_was_known():
    forecast = Classifier().step_many([{"a": 1.0}] * 4, [None, "x", "y", "x"])
    assert list(forecast.y_pred) == [None, None, "x", "x"]
    assert forecast.proba.shape == (4, 2)
    assert forecast.proba[:2].tolist() == [[0, 0], [0, 0]]
    assert forecast.proba[2].tolist() == [1, 0]


def test_arrays_of_a_state_are_compared_by_what_is_used():
    model = Classifier()
    model.learn_many(ROWS, LABELS)
    assert arrays(model)["touched"].shape == (core_of(model).rows,)
