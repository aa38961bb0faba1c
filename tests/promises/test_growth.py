"""Names and classes that appear later change nothing that was learned before: not a logit, not a moment, not a bit."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import Classifier, Regressor, nn
from headwater.errors import TargetError
from headwater.kinds.classifier_regressor.classifier import RARE
from support.learners import (
    RULES,
    SHAPES,
    answers,
    arrays,
    bits,
    core_of,
    differences,
    logits,
    make,
    mixed,
    same,
    tables,
)

ROWS, LABELS = mixed(60)
NEW = {"new": 3.0, "colour": "never seen", "tag": "x", "when": dt.datetime(2024, 5, 6, 7), "list": [1, "q"]}
EVERY_NET = [(rule, hidden, norm) for rule in RULES for hidden, norm in SHAPES]


def grown(model, rows=ROWS, labels=LABELS):
    model.learn_many(rows, answers(model, labels))
    return model


def said(forecast):
    """What was predicted, to the last bit."""
    return forecast.y_pred if forecast.proba is None else forecast.proba


# ---- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["classify", "regress"])
@pytest.mark.parametrize(("rule", "hidden", "norm"), EVERY_NET)
def test_names_that_appear_later_leave_every_logit_and_every_moment_as_it_was(task, rule, hidden, norm):
    model = grown(make(task, rule, hidden, norm))
    before, numbers, proba = logits(model, ROWS), tables(model), model.predict_batch(ROWS)

    model.learn_one(NEW, answers(model, ["x"])[0], w=0)

    assert same(logits(model, ROWS), before)
    assert same(logits(model, [{**row, **NEW} for row in ROWS if "colour" not in row]), before[[
        i for i, row in enumerate(ROWS) if "colour" not in row
    ]]), "a name takes part once it was learned"  # fmt: skip
    assert bits(said(model.predict_batch(ROWS))) == bits(said(proba))
    for now, then in zip(tables(model), numbers, strict=True):
        assert same(now[: len(then)], then)


@pytest.mark.parametrize("task", ["classify", "regress"])
@pytest.mark.parametrize(("rule", "hidden", "norm"), EVERY_NET)
def test_learning_goes_on_as_if_the_new_names_had_not_come(task, rule, hidden, norm):
    plain, grows = (make(task, rule, hidden, norm, dropout=0.2 if norm == "layer" else 0.0) for _ in range(2))
    y = answers(plain, LABELS)
    for i, (row, answer) in enumerate(zip(ROWS, y, strict=True)):
        if i % 7 == 3:
            grows.learn_one({**NEW, f"more {i}": i}, answer, w=0)
        plain.learn_one(row, answer)
        grows.learn_one(row, answer)

    assert same(logits(grows, ROWS), logits(plain, ROWS))
    one, other = arrays(plain), arrays(grows)
    for name in ("buffer", "answers", "random", "running"):
        assert same(other[name], one[name]), name
    assert plain.n_learned == grows.n_learned == len(ROWS)


@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_the_pool_grows_as_single_nets_do(cls):
    plain, grows = cls(), cls()
    y = answers(plain, LABELS)
    for i, (row, answer) in enumerate(zip(ROWS, y, strict=True)):
        if i % 7 == 3:
            grows.learn_one({**NEW, f"more {i}": i}, answer, w=0)
        plain.learn_one(row, answer)
        grows.learn_one(row, answer)

    assert same(logits(grows, ROWS), logits(plain, ROWS))
    assert same(arrays(grows)["running"], arrays(plain)["running"])


def test_a_row_of_the_table_is_drawn_from_seed_and_name_alone():
    one, other, third = Classifier(hidden=(8,)), Classifier(hidden=(8,)), Classifier(hidden=(8,), seed=1)
    one.learn_many([{"a": 1.0, "b": "x"}, {"c": "y", "d": 2.0}], [0, 0])
    other.learn_many([{"d": 2.0, "c": "y"}, {"b": "x", "a": 1.0}], [0, 0])
    third.learn_many([{"a": 1.0, "b": "x"}, {"c": "y", "d": 2.0}], [0, 0])

    def row(model, name, value=None):
        column, core = model._engine.columns[name], core_of(model)
        at = column.values[value] if value else int(core.array("slot_row")[column.slot])
        return core.table(0)[0][at - 1].copy()

    for name, value in (("a", None), ("b", "x"), ("c", "y"), ("d", None)):
        assert same(row(one, name, value), row(other, name, value))
        assert not np.any(row(one, name, value) == row(third, name, value))
        assert np.std(row(one, name, value)) == pytest.approx(1.0, rel=0.7), "He over the two entries of a row"


def test_a_name_counts_from_its_second_sight():
    model = Classifier(hidden=(8,), optimizer=nn.SGD(0.1))
    model.learn_many([{"a": float(i % 3)} for i in range(30)], [i % 2 for i in range(30)])
    x, known = {"a": 1.0, "tag": "new"}, {"a": 1.0}
    assert same(logits(model, [x]), logits(model, [known]))
    model.learn_one(x, 1, w=0)
    assert same(logits(model, [x]), logits(model, [known]))
    model.learn_one(x, 1)
    assert not same(logits(model, [x]), logits(model, [known]))


@settings(max_examples=25, deadline=None)
@given(
    random=st.randoms(use_true_random=False),
    rule=st.sampled_from(["sgd", "adagrad", "momentum", "ftrl", "rmsprop"]),
    task=st.sampled_from(["classify", "regress"]),
)
def test_the_order_of_names_is_irrelevant_but_for_rounding(random, rule, task):
    plain, shuffled = (make(task, rule, hidden=(6,), dtype="float64", activation="tanh") for _ in range(2))
    rows, labels = ROWS[:30], LABELS[:30]
    y = answers(plain, labels)
    other = [dict(random.sample(list(row.items()), len(row))) for row in rows]

    plain.learn_many(rows, y)
    shuffled.learn_many(other, y)

    assert logits(shuffled, rows) == pytest.approx(logits(plain, other), rel=1e-7, abs=1e-9)


def test_the_order_of_names_is_irrelevant_for_the_pool_too():
    rows, labels = mixed(200)
    for cls in (Classifier, Regressor):
        plain, turned = cls(dtype="float64"), cls(dtype="float64")
        y = answers(plain, labels)
        plain.learn_many(rows, y)
        turned.learn_many([dict(reversed(row.items())) for row in rows], y)
        assert logits(turned, rows) == pytest.approx(logits(plain, rows), rel=1e-6, abs=1e-7)


# ---- missing --------------------------------------------------------------------------------------------------------

NOTHING = [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT", "s"), "absent"]


@pytest.mark.parametrize("nothing", NOTHING, ids=lambda x: f"{type(x).__name__} {x}")
@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_what_is_missing_contributes_nothing(cls, nothing):
    plain, gaps = cls(hidden=(8,)), cls(hidden=(8,))
    y = answers(plain, LABELS)
    for row, answer in zip(ROWS, y, strict=True):
        hole = {} if isinstance(nothing, str) else {"hole": nothing, "b": nothing, "colour": nothing}
        bare = {name: value for name, value in row.items() if name not in ("b", "colour")}
        plain.learn_one(bare, answer)
        gaps.learn_one({**bare, **hole}, answer)

    assert differences(plain, gaps) == []
    assert same(logits(gaps, [{"a": 1.0, "hole": None}]), logits(gaps, [{"a": 1.0}]))


@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_names_that_are_unknown_contribute_nothing_to_a_prediction(cls):
    model = grown(cls(hidden=(8,)))
    strange = {"colour": "unheard of", "z": 5, "w": "w", "t": dt.date(2020, 1, 1), "l": [1, 2], "m": {"k": 1}}
    assert same(logits(model, [{"a": 1.0, **strange}]), logits(model, [{"a": 1.0}]))


# ---- weight 0 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "hidden", "norm"), [("adam", (16, 8), "batch"), ("nadam", (), None), (None, None, None)]
)
@pytest.mark.parametrize("task", ["classify", "regress"])
def test_a_sample_of_weight_0_adds_its_names_and_changes_nothing_else(task, rule, hidden, norm):
    fresh = (
        {"classify": Classifier, "regress": Regressor}[task]
        if rule is None
        else (lambda: make(task, rule, hidden, norm))
    )
    model = grown(fresh())
    before, table, learned, rejected = arrays(model), tables(model), model.n_learned, model.rejected

    model.learn_one({"a": 1e9, "b": -5.0, "colour": "red", **NEW, "flag": float("inf")}, answers(model, ["z"])[0], w=0)

    after = arrays(model)
    for name in (
        "buffer",
        "answers",
        "random",
        "running",
        "sample_start",
        "sample_count",
        "sample_y",
        "sample_w",
        "pair_rows",
        "pair_values",
        "scores",
        "label_history",
    ):
        assert same(after[name], before[name]), name
    statistics = ("row", "basis", "mean", "variance", "seen", "knot_count", "knots", "reservoir")
    for name in (*(f"slot_{name}" for name in statistics), "touched"):
        assert same(after[name][: len(before[name])], before[name]), name
    assert not after["touched"][len(before["touched"]) :].any()
    assert not after["slot_seen"][len(before["slot_seen"]) :].any()
    for now, then in zip(tables(model), table, strict=True):
        assert same(now[: len(then)], then)
    assert (model.n_learned, model.rejected) == (learned, rejected)
    assert {"new", "tag", "when", "list[0]", "list[1]"} <= set(model._engine.columns)
    assert "never seen" in model._engine.columns["colour"].values


@pytest.mark.parametrize(
    "make_model", [lambda: Classifier(hidden=(8,)), Classifier, lambda: Regressor(hidden=(8,)), Regressor]
)
def test_even_first_of_all_a_sample_of_weight_0_changes_nothing_else(make_model):
    plain, other = make_model(), make_model()
    y = answers(plain, LABELS)
    other.learn_one({"a": 5.0}, y[0], w=0)
    other.learn_one({**NEW, "b": 2.0}, y[0], w=0.0)
    other.learn_many(ROWS, y)
    plain.learn_many(ROWS, y)

    assert same(logits(other, ROWS), logits(plain, ROWS))
    assert same(arrays(other)["running"], arrays(plain)["running"])


def test_a_sample_of_weight_0_makes_its_class_known():
    model = Classifier()
    model.learn_one({"a": 1.0}, "rare", w=0)
    assert model.classes == ["rare"]
    assert model.n_learned == 0
    assert model.predict_proba_one({"a": 1.0}) == {"rare": 1.0}


# ---- classes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize(("rule", "hidden", "norm"), EVERY_NET)
def test_a_class_that_appears_later_leaves_every_logit_and_every_moment_as_it_was(rule, hidden, norm, loss):
    model = grown(make("classify", rule, hidden, norm, loss=loss))
    before, numbers, proba = logits(model, ROWS), tables(model), model.predict_proba_many(ROWS)

    model.learn_one(ROWS[0], "new class", w=0)

    after = logits(model, ROWS)
    assert model.classes == [*dict.fromkeys(LABELS), "new class"]
    assert same(after[:, :, :3], before)
    bias = max(-np.log(len(ROWS) + 4), RARE)
    assert after[:, 0, 3] == pytest.approx(np.full(len(ROWS), bias)), "rare until it has shown itself"
    if loss == "hinge":  # its probabilities are its scores
        assert same(model.predict_proba_many(ROWS)[:, :3], proba)
    for now, then in zip(tables(model), numbers, strict=True):
        assert same(now[tuple(map(slice, then.shape))], then)


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge"])
@pytest.mark.parametrize(("hidden", "norm"), SHAPES)
def test_old_logits_stay_the_same_bits_from_one_class_to_forty(hidden, norm, loss):
    model = make("classify", "adagrad", hidden, norm, loss=loss)
    for k in range(40):
        if k:
            before = logits(model, ROWS[:20])
            model.learn_one(ROWS[k], k, w=0)
            assert same(logits(model, ROWS[:20])[:, :, :k], before), f"class {k + 1}"
        model.learn_many(ROWS[:20], [(i * 7) % (k + 1) for i in range(20)])
    assert model.classes == list(range(40))


def test_the_pool_keeps_old_logits_when_a_class_appears():
    model = grown(Classifier())
    before = logits(model, ROWS)
    model.learn_one(ROWS[0], "new class", w=0)
    assert same(logits(model, ROWS)[:, :, :3], before)


def test_a_class_that_appears_later_is_learned():
    model = Classifier(hidden=(16,))
    for i in range(300):
        model.learn_one({"a": float(i % 3)}, i % 2)
    for i in range(100):
        model.learn_one({"a": float(i % 3), "tag": "odd"}, "late")
    assert model.predict_one({"a": 1.0, "tag": "odd"}) == "late"
    assert model.predict_one({"a": 1.0}) in (0, 1)


def test_two_classes_are_all_that_a_binary_loss_has():
    model = Classifier(loss="binary_cross_entropy", hidden=(8,))
    model.learn_many([{"a": 1.0}, {"a": 2.0}], ["n", "y"])
    kept = arrays(model)
    with pytest.raises(TargetError) as caught:
        model.learn_one({"a": 3.0}, "maybe")
    assert caught.value.expected == "one of the two classes ['n', 'y']"
    assert caught.value.got == "'maybe'"
    assert caught.value.at == "y"
    assert caught.value.help == "The loss 'binary_cross_entropy' has two classes. Use loss='cross_entropy' for more."
    assert all(same(kept[name], array) for name, array in arrays(model).items())


# ---- max_rows -------------------------------------------------------------------------------------------------------

NAMES = st.text("abcdef", min_size=1, max_size=3)
VALUES = st.one_of(st.floats(-10, 10), NAMES, st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)), st.none())


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=6), min_size=1, max_size=40),
    max_rows=st.integers(16, 60),
    cls=st.sampled_from([Classifier, Regressor]),
    pooled=st.booleans(),
)
def test_the_table_never_has_more_rows_than_it_may(rows, max_rows, cls, pooled):
    model = cls(max_rows=max_rows) if pooled else cls(hidden=(4,), max_rows=max_rows)
    for i, row in enumerate(rows):
        model.learn_one(row, i % 3)
    forecast = model.predict_batch(rows)
    assert np.isfinite(forecast.y_pred if cls is Regressor else forecast.proba).all()
    core, columns = core_of(model), model._engine.columns
    slot_rows = core.array("slot_row").tolist()
    assert core.rows == len(core.touched) <= max_rows
    assert core.sizes()["slots"] == len(slot_rows) <= max_rows
    assert len(columns) + sum(len(column.values) for column in columns.values()) <= 2 * max_rows
    assert all(0 < row < core.rows for row in slot_rows)
    about = model.describe()
    assert about["rows"] == core.rows
    assert (about["shared_names"] > 0) <= (about["shared_rows"] > 0)


def sizes_of(model):
    """Length of everything that grows with names."""
    state = arrays(model)
    return {name: len(array) for name, array in state.items() if not name.startswith(("pair_", "slot_reservoir"))}


def test_an_endless_stream_of_names_takes_no_more_memory_and_says_so():
    model = Classifier(hidden=(8,), max_rows=100)
    for i in range(400):
        model.learn_one({f"column {i}": 1.0, "id": f"visitor {i}", f"text {i}": "t", "a": i % 2}, i % 2)
    sizes = sizes_of(model)
    for i in range(400, 800):
        model.learn_one({f"column {i}": 1.0, "id": f"visitor {i}", f"text {i}": "t", "a": i % 2}, i % 2)
    assert sizes_of(model) == sizes
    about = model.describe()
    assert about["rows"] <= about["max_rows"] == 100
    assert about["shared_rows"] == 25
    assert about["shared_names"] > 1000
    assert model.predict_one({"a": 1.0}) == 1
    assert model.predict_one({"a": 0.0}) == 0


def test_names_beyond_the_table_are_still_told_apart_and_old_ones_untouched():
    model = Classifier(hidden=(), max_rows=100, optimizer=nn.AdaGrad(0.3))
    for i in range(60):
        model.learn_one({"word": f"w{i}"}, 0)
        model.learn_one({"b": 1.0, "word": f"w{i}"}, 1)
    full = [{"word": f"late {i}"} for i in range(4)]
    before = logits(model, [{"word": "w3"}])
    for _ in range(60):
        for i, row in enumerate(full):
            model.learn_one(row, i % 2, w=0)
    assert same(logits(model, [{"word": "w3"}]), before)
    for _ in range(60):
        for i, row in enumerate(full):
            model.learn_one(row, i % 2)
    pairs = [np.frombuffer(core_of(model).learner.pairs([row], 0, 1, False)[0], np.int32).tolist() for row in full]
    assert all(len(rows) == 2 and rows[1] >= core_of(model).sizes()["shared_from"] for rows in pairs)
    assert len({rows[1] for rows in pairs}) > 1
    assert model.predict_many(full).tolist() == [0, 1, 0, 1]


def test_numbers_dates_and_texts_of_columns_that_came_too_late_share_rows():
    model = Regressor(hidden=(8,), max_rows=40)
    for i in range(40):
        model.learn_one({"id": f"v{i}"}, 0.0)
    assert core_of(model).sizes()["shared_from"]
    for i in range(200):
        model.learn_one({"x": float(i % 5), "t": dt.datetime(2024, 1, 1 + i % 28), "late": "text", "l": [1.0]}, i % 5)
    assert set(model._engine.columns) == {"id"}
    assert model.predict_one({"x": 4.0}) > model.predict_one({"x": 0.0}) + 1
    assert core_of(model).rows <= 40


@pytest.mark.parametrize("ids", [0, 60])
def test_numbers_that_share_rows_have_no_curve_in_the_rows_of_others(ids):
    model = Regressor(max_rows=40)
    rng = np.random.default_rng(0)
    for i in range(100):
        row = {"x": float(rng.normal()), "late": float(rng.normal())}
        if i < ids:  # the table is full before "late" comes
            row = {"x": row["x"], "id": f"v{i}"}
        model.learn_one(row, float(i % 5))
    state, about = arrays(model), core_of(model).sizes()
    last = (about["learned"] - 1) % about["ring"]
    basis = int(state["slot_basis"][0])
    own = {0, int(state["slot_row"][0]), *range(basis, basis + about["knots"])}
    if not ids:  # it has a row, but there is no room for a curve
        own.add(int(state["slot_row"][1]))
        assert state["slot_basis"].tolist() == [basis, -1]
    start = int(state["sample_start"][last])
    used = state["pair_rows"][start : start + int(state["sample_count"][last])].tolist()
    assert len(used) == len(set(used))
    assert [row for row in used if row not in own] == [row for row in used if row >= about["shared_from"]]
    assert ("late" in model._engine.columns) == (not ids)
    assert sum(row >= about["shared_from"] for row in used) == bool(ids)
    assert len(used) <= 1 + 3 + 1
