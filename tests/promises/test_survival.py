"""Whatever a stream holds: refused or clipped by stated rules, counted by reason, and every later prediction is finite."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import Classifier, Regressor, nn
from headwater.errors import ConfigError, DataError, RefusedRow, UnlikelyData
from headwater.learner.validation import FARTHEST, REASONS
from headwater.nn.core import OVERFLOW, UNDONE
from support.learners import RULES, answers, arrays, core_of, fingerprint, mixed, numbers, same

ROWS, LABELS = mixed(40)
CLASS_LOSSES = ("cross_entropy", "binary_cross_entropy", "hinge")
NUMBER_LOSSES = ("huber", "mse", "mae", "quantile", "poisson")


class Odd:
    """An object with opinions."""

    def __float__(self):
        raise RuntimeError("no number")

    def __eq__(self, other):
        raise RuntimeError("nothing to compare")

    __hash__ = None  # type: ignore[assignment]


POISON = [
    math.nan,
    math.inf,
    -math.inf,
    1e300,
    -1e300,
    10**400,
    -(10**400),
    1e-320,
    1e38,
    1e6,
    -1e6,
    2**63,
    Decimal("1e400"),
    Decimal("sNaN"),
    Fraction(1, 3),
    1j,
    np.complex64(1j),
    np.float16(6e4),
    np.float32(3e38),
    np.longdouble("1e4000"),
    np.datetime64("NaT", "s"),
    np.timedelta64(3, "D"),
    None,
    "",
    "nan",
    "inf",
    "1e999",
    "\x00",
    "\ud800",
    "x" * 10_000,
    "2024-02-30",
    "9999-12-31T23:59:59+14:00",
    b"bytes",
    object(),
    Odd(),
    {1, 2},
    frozenset(),
    lambda: 1,
    range(3),
    len,
    type,
    Ellipsis,
    NotImplemented,
    dt.datetime.min,
    dt.datetime.max,
    dt.date.max,
    dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=14))),
    dt.timedelta(1),
    dt.time(1),
    pd.NA,
    pd.NaT,
    pd.Timestamp.max,
    pd.Interval(0, 1),
    pd.Series([1.0]),
    pl.Series([1.0]),
    [],
    [math.nan, [math.inf, [None]]],
    (1e300,),
    np.array([1e300, math.nan, math.inf]),
    np.array(math.inf),
    np.zeros((0, 3)),
    np.array(["a", None], object),
    {},
    {"": math.inf},
    {None: {1e300: object()}},
    np.array([1, 2], "M8[s]"),
    np.ma.masked_array([1.0, 2.0], [True, False]),
]
TARGETS = [
    None,
    math.nan,
    math.inf,
    -math.inf,
    1e31,
    -1e31,
    1e300,
    10**400,
    np.float32("nan"),
    pd.NA,
    pd.NaT,
    Decimal("NaN"),
    Decimal("sNaN"),
    np.datetime64("NaT", "s"),
    [1],
    {},
    {1},
    Odd(),
    ([1],),
    np.array([1.0, 2.0]),
]
BAD_NUMBERS = [
    "5",
    "",
    "x",
    b"5",
    1j,
    dt.date(2024, 1, 1),
    np.datetime64("2024-01-01"),
    np.timedelta64(1, "M"),
    object(),
    (1, 2),
    {"a": 1},
]
HUGE_ANSWERS = [1e30, -1e30, 1e20, -1e9, 1e-300, 2**70]
WEIGHTS = [-1.0, math.nan, math.inf, -math.inf, 1e16, 1e31, "1", None, 1j, [1], object(), 10**400]


def finite(model, asked=()):
    """Whether everything that is said, of old, new, empty and poisoned samples, is a finite number, and all that is kept.

    With raw inputs (scale=False) the squares of 10³⁰ are not kept finite in float32; what is said is.
    """
    rows = [*ROWS, {}, {"a": 1e300, "b": -1e300}, {"n": 10**400}, {"a": math.inf}, *asked]
    forecast = model.predict_batch(rows)
    said = np.asarray(forecast.y_pred if model.task == "regress" else forecast.proba, float)
    one = model.predict_one(ROWS[0])
    kept = [array for array in arrays(model).values() if array.dtype.kind == "f"]
    return (
        bool(np.isfinite(said).all())
        and (model.task == "classify" or math.isfinite(one))
        and (not model.scale or all(np.isfinite(array).all() for array in kept))
    )


def counted(model, before):
    """What was counted since then."""
    return {reason: n - before.get(reason, 0) for reason, n in model.rejected.items() if n > before.get(reason, 0)}


def learned(model, n=40):
    model.learn_many(
        ROWS[:n],
        answers(model, LABELS[:n])
        if getattr(model, "loss", "") != "binary_cross_entropy"
        else ["xy"[label == "x"] for label in LABELS[:n]],
    )
    return model


FRESH = {
    "classes, pool": Classifier,
    "classes, sgd": lambda: Classifier((8,), optimizer=nn.SGD(0.05)),
    "classes, adam, batch norm, dropout": lambda: Classifier((8,), norm="batch", dropout=0.2, optimizer=nn.Adam(0.01)),
    "classes, hinge": lambda: Classifier((8,), loss="hinge", optimizer=nn.Momentum()),
    "classes, unscaled": lambda: Classifier((8,), scale=False, optimizer=nn.RMSProp()),
    "numbers, pool": Regressor,
    "numbers, mse, sgd": lambda: Regressor((8,), loss="mse", optimizer=nn.SGD(0.05)),
    "numbers, poisson": lambda: Regressor((8,), loss="poisson", optimizer=nn.AdaGrad(0.05)),
    "numbers, mae, ftrl": lambda: Regressor((), loss="mae", optimizer=nn.FTRL()),
    "numbers, unscaled": lambda: Regressor((8,), scale=False, optimizer=nn.NAdam()),
}


# ---- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("name", FRESH)
def test_no_value_harms_a_learner(name):
    model = learned(FRESH[name]())
    y = answers(model, LABELS)
    for i, value in enumerate(POISON):
        for x in ({"a": value}, {"colour": value, "b": 1.0}, {f"new {i}": value}, {"a": 1.0, "t": value}):
            model.predict_one(x)
            model.learn_one(x, y[i % 40])
            model.learn_one(x, y[i % 40])
        assert finite(model, [{"a": value}]), f"after {type(value).__name__} {str(value)[:30]}"
    assert set(model.rejected) <= set(REASONS)
    assert model.rejected["type"] > 0
    assert model.rejected["infinite"] > 0
    assert model.rejected["huge"] > 0


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("name", FRESH)
def test_no_value_harms_a_learner_that_sees_it_first_of_all(name):
    for value in POISON:
        model = FRESH[name]()
        y = answers(model, LABELS)
        for i in range(3):
            model.learn_one({"a": value, "b": value}, y[i])
        learned(model)
        assert finite(model, [{"a": value}]), f"after {type(value).__name__} {str(value)[:30]}"


ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.binary(max_size=3),
        st.complex_numbers(),
        st.datetimes(),
        st.dates(),
        st.times(),
        st.timedeltas(),
        st.decimals(),
        st.fractions(),
        st.sampled_from(POISON),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3), st.tuples(inner)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["a", "b", "colour", "n", "new", "t"])


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.dictionaries(NAMES, ANYTHING, max_size=4), ANYTHING, ANYTHING), min_size=1, max_size=8),
    name=st.sampled_from(list(FRESH)),
)
def test_nothing_harms_a_learner(rows, name):
    model = learned(FRESH[name]())
    for x, y, w in rows:
        model.predict_one(x)
        model.learn_one(x, y)
        model.learn_one(x, answers(model, LABELS)[0], w)
    forecast = model.predict_batch(ROWS)
    assert np.isfinite(np.asarray(forecast.proba if model.task == "classify" else forecast.y_pred, float)).all()
    assert set(model.rejected) <= set(REASONS)


@pytest.mark.parametrize("cls", [Classifier, Regressor])
@pytest.mark.parametrize("size", [1e6, 1e9, 1e15, 1e29])
def test_a_freak_of_a_million_deviations_is_clipped_and_the_column_recovers(cls, size):
    rng = np.random.default_rng(0)
    calm, shaken = cls(hidden=(8,)), cls(hidden=(8,))
    X = rng.normal(size=(400, 2))
    y = (X[:, 0] > 0).astype(int).tolist() if cls is Classifier else (3 * X[:, 0]).tolist()
    for model in (calm, shaken):
        model.learn_many(X[:200], y[:200])
    shaken.learn_many(np.array([[size, -size]] * 2), y[:2])
    statistics = core_of(shaken).statistics
    mean, var = statistics.mean[0], statistics.variance[0]
    assert abs(mean) < 1
    assert 0.5 < var < 5, "one freak can't wreck a column"
    said = [model.learn_many(X[200:], y[200:]) for model in (calm, shaken)]
    if cls is Classifier:
        scores = [(s == np.array(y[200:])).mean() for s in said]
        assert scores[1] > scores[0] - 0.05 > 0.8
    else:
        errors = [np.abs(s - np.array(y[200:])).mean() for s in said]
        assert errors[1] < errors[0] + 0.5 < 1.0


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        ({}, ""),
        ({"a": math.nan}, ""),
        ({"a": None, "colour": None}, ""),
        ({"a": math.inf}, "infinite"),
        ({"l": []}, ""),
        ({"a": object()}, "type"),
        ({"a": math.inf, "b": 1.0}, "infinite"),
        ({"a": "inf", "b": 1.0}, "infinite"),
        ({"a": 1e6}, "far"),
        ({"a": -1e3, "b": 1.0}, "far"),
        ({"a": 1e31}, "huge"),
        ({"a": 10**400, "b": 1}, "huge"),
        ({"a": -1e300}, "huge"),
        ({"a": 1.0, "z": {1}}, "type"),
    ],
)
@pytest.mark.parametrize("name", ["classes, pool", "numbers, mse, sgd"])
def test_each_reason_is_counted_once_a_row(name, x, reason):
    model = learned(FRESH[name]())
    y, before, n = answers(model, LABELS)[0], model.rejected, model.n_learned
    model.learn_one(x, y)
    now = counted(model, before)
    now.pop("diverged", None)  # a freak's step may be undone
    assert now.pop("far", 0) == (reason in ("huge", "far")), "what is huge is far off, too"
    assert now == ({} if reason in ("far", "") else {reason: 1})
    assert model.n_learned == n + 1


@pytest.mark.parametrize("name", FRESH)
def test_a_refused_row_changes_nothing_but_the_count(name):
    model = learned(FRESH[name]())
    y, before, rejected = answers(model, LABELS)[0], arrays(model), model.rejected
    model.learn_one({"a": 5.0, "brand new": 1.0}, None)
    model.learn_one({"a": 5.0, "brand new": 1.0}, y, w=-1.0)
    model.learn_one({"a": 5.0, "brand new": 1.0}, y, w=math.nan)
    model.learn_many([{"a": 5.0, "brand new": 1.0}] * 3, [math.nan, None, [1]])
    assert {name for name, array in arrays(model).items() if not same(array, before[name])} == set()
    assert "brand new" not in model._engine.columns
    assert counted(model, rejected) == {"target": 4, "weight": 2}
    assert model.n_learned == 40


# ---- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", CLASS_LOSSES)
def test_what_can_be_no_class_is_refused(loss):
    model = learned(Classifier((8,), loss=loss))
    classes = list(model.classes)
    bad = [y for y in TARGETS if not (isinstance(y, int | float) and abs(y) > 1e30)]
    for i, y in enumerate(bad):
        model.learn_one(ROWS[0], y)
        assert model.rejected == {"target": i + 1}, repr(y)
    model.learn_many(ROWS[: len(bad)], bad)
    assert model.rejected == {"target": 2 * len(bad)}
    assert model.classes == classes
    assert finite(model)


def test_a_class_is_what_a_file_can_hold():
    labels = [0, "a", (1, "b"), b"x", math.inf, 10**300, 1e300, np.str_("n")]
    others = [frozenset({1}), dt.date(2024, 1, 1), Decimal(2), 10**400, object()]
    model = Classifier((8,))
    with pytest.warns(RefusedRow, match="can't be a class"):
        model.learn_many(ROWS[: len(labels) + len(others)], labels + others)
    assert model.classes == labels
    assert set(model.predict_proba_one(ROWS[0])) == set(labels)
    assert model.rejected == {"target": len(others)}


@pytest.mark.parametrize("loss", NUMBER_LOSSES)
@pytest.mark.parametrize("pooled", [False, True])
def test_what_is_no_number_is_refused_as_an_answer(loss, pooled):
    model = learned(Regressor(loss=loss) if pooled else Regressor((8,), loss=loss))
    bad, before = [*TARGETS, *BAD_NUMBERS, *([-1.0, -1e-9, 2e13] if loss == "poisson" else [])], model.rejected
    for i, y in enumerate(bad):
        model.learn_one(ROWS[0], y)
        assert counted(model, before) == {"target": i + 1}, repr(y)
    rows = [ROWS[i % 40] for i in range(len(bad))]
    model.learn_many(rows, bad)
    assert counted(model, before) == {"target": 2 * len(bad)}
    assert model.n_learned == 40
    assert finite(model)
    model.learn_many(rows[:2], np.array(["1e4000", "-1e4000"], np.longdouble))
    model.learn_many(rows[:3], ["1.5", "2", "3.5"])
    model.learn_many(rows[:3], np.array(["1.5", "2", "3.5"]))
    assert model.n_learned == 40, "a text is no number, whatever it reads as"


@pytest.mark.parametrize("loss", NUMBER_LOSSES)
@pytest.mark.parametrize("rule", RULES)
def test_absurd_answers_leave_every_prediction_finite(loss, rule):
    model = learned(Regressor((8,), loss=loss, optimizer=nn.OPTIMIZERS[rule]()))
    for y in HUGE_ANSWERS:
        model.learn_many(ROWS[:5], [y if loss != "poisson" else abs(y)] * 5)
        model.learn_many(ROWS, numbers(LABELS))
        assert finite(model), y


@pytest.mark.parametrize("loss", NUMBER_LOSSES)
def test_absurd_answers_leave_every_prediction_of_a_pool_finite(loss):
    model = learned(Regressor(loss=loss))
    for y in HUGE_ANSWERS:
        model.learn_many(ROWS[:5], [y if loss != "poisson" else min(abs(y), 1e13)] * 5)
        model.learn_many(ROWS, numbers(LABELS))
        assert finite(model), y


@pytest.mark.parametrize("loss", ["huber", "mse", "mae", "quantile"])
def test_an_absurd_answer_counts_as_ten_deviations_and_is_got_over(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 2))
    y = 3 * X[:, 0] + 100
    model = Regressor((16,), loss=loss)
    model.learn_many(X[:500], y[:500])
    before = core_of(model).answers[0, :2].copy()
    model.learn_one({"x0": 0.0, "x1": 0.0}, 1e30)
    mean, var = core_of(model).answers[0, :2]
    assert abs(mean - before[0]) < 0.2 * math.sqrt(before[1])
    assert var < 2 * before[1]
    error = np.abs(model.learn_many(X[500:], y[500:]) - y[500:])
    assert error[-300:].mean() < 1.0


@pytest.mark.parametrize(
    "y",
    [3, 3.0, True, np.float32(3), np.int64(3), np.bool_(True), Decimal(3), Fraction(3), np.array(3.0)],
    ids=lambda y: type(y).__name__,
)
def test_numbers_of_any_type_are_answers(y):
    one, other = learned(Regressor((8,))), learned(Regressor((8,)))
    one.learn_one(ROWS[0], y)
    other.learn_one(ROWS[0], float(y))
    assert fingerprint(one) == fingerprint(other)
    assert one.rejected == {}


# ---- weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FRESH)
def test_weights_that_cannot_be_refuse_the_row(name):
    model = learned(FRESH[name]())
    y, before, rejected = answers(model, LABELS), arrays(model), model.rejected
    for i, w in enumerate(WEIGHTS):
        model.learn_one(ROWS[0], y[0], w)
        assert counted(model, rejected) == {"weight": i + 1}, repr(w)
    model.learn_many(ROWS[: len(WEIGHTS)], y[: len(WEIGHTS)], WEIGHTS)
    assert counted(model, rejected) == {"weight": 2 * len(WEIGHTS)}
    assert {name for name, array in arrays(model).items() if not same(array, before[name])} == set()


@pytest.mark.parametrize("w", [2, 0.5, np.float64(2), np.int32(2), True, Decimal(2)], ids=lambda w: type(w).__name__)
def test_numbers_of_any_type_are_weights(w):
    one, other = learned(Regressor((8,))), learned(Regressor((8,)))
    one.learn_one(ROWS[0], 3.0, w)
    other.learn_many(ROWS[:1], [3.0], [float(w)])
    assert fingerprint(one) == fingerprint(other)
    assert one.rejected == {}


def test_a_weight_multiplies_the_gradient():
    model = [learned(Regressor((8,), optimizer=nn.SGD(0.01), loss="mse", dtype="float64")) for _ in range(3)]
    start = core_of(model[0]).parameters.copy()
    for k, each in enumerate(model):
        each.learn_one(ROWS[0], 3.0, (1.0, 0.5, 2.0)[k])
    steps = [core_of(each).parameters - start for each in model]
    assert steps[1] == pytest.approx(0.5 * steps[0], abs=1e-12)
    assert steps[2] == pytest.approx(2.0 * steps[0], abs=1e-12)


@pytest.mark.parametrize("w", [1e3, 1e9, 1e15])
@pytest.mark.parametrize("name", FRESH)
def test_absurd_weights_leave_every_prediction_finite(name, w):
    model = learned(FRESH[name]())
    y = answers(model, LABELS)
    for i in range(20):
        model.learn_one(ROWS[i], y[i], w)
    learned(model)
    forecast = model.predict_batch(ROWS)
    assert np.isfinite(np.asarray(forecast.proba if model.task == "classify" else forecast.y_pred, float)).all()


# ---- steps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [1e2, 1e6, 1e30])
@pytest.mark.parametrize("hidden", [(), (16, 8)])
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "cocob"])
def test_an_absurd_step_is_undone_and_counted_and_predictions_stay_finite(rule, hidden, lr):
    for cls, losses in ((Classifier, CLASS_LOSSES), (Regressor, NUMBER_LOSSES)):
        for loss in losses:
            model = cls(hidden, loss=loss, optimizer=nn.OPTIMIZERS[rule](lr=lr))
            y = ["n" if label == "x" else "y" for label in LABELS] if cls is Classifier else numbers(LABELS)
            for _ in range(3):
                said = model.learn_many(ROWS, y)
                forecast = model.predict_batch(ROWS)
                shown = forecast.proba if cls is Classifier else forecast.y_pred
                assert np.isfinite(np.asarray(shown, float)).all(), loss
            assert cls is Classifier or np.isfinite(said).all(), loss
            assert set(model.rejected) <= {"diverged", "overflow"}
            if lr == 1e30 and hidden and rule != "cocob":  # a linear net's own sample is always better off
                assert sum(model.rejected.values()) > 0, loss


def test_what_is_undone_leaves_weights_and_moments_as_they_were():
    model = Regressor((8,), loss="mse", optimizer=nn.SGD(1e20), dtype="float64")
    model.learn_one({"a": 1.0}, 1.0)
    model.learn_one({"a": 2.0}, 2.0)
    before = arrays(model)
    model.learn_one({"a": 30.0}, -500.0)
    after = arrays(model)
    assert model.rejected["diverged"] > 0
    assert same(after["weights"], before["weights"])
    assert {name for name in after if name.startswith("state_") and not same(after[name], before[name])} == set()


# ---- every reason is stated -----------------------------------------------------------------------------------------


def test_every_reason_that_can_be_counted_is_stated_and_every_stated_one_can_be_counted():
    model = learned(Regressor((8,)))
    assert model.rejected == {}
    model.learn_one(ROWS[0], None)
    model.learn_one(ROWS[0], 1.0, w=-1.0)
    model.learn_one({}, 1.0)
    model.learn_one({"a": math.inf, "b": 1e300, "c": object()}, 1.0)
    model.learn_one(ROWS[0], -1e9)
    core_of(model).running[0, [OVERFLOW, UNDONE]] = 1
    assert list(model.rejected) == sorted(REASONS.keys() - {"decision", "reward", "price"})  # these are of decisions
    assert set(model.rejected.values()) == {1}
    assert model.describe()["rejected"] == model.rejected
    assert all(text and text[0].islower() and not text.endswith(".") for text in REASONS.values())


# ---- what a caller gets told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_lengths_must_agree(cls):
    model = cls((4,))
    for call, error in (
        (lambda: model.learn_many(ROWS[:3], [0, 1]), ("as many answers as rows (3)", "2", "y", "Give one for each.")),
        (
            lambda: model.learn_many(ROWS[:3], [0, 1, 0], [1.0]),
            ("as many weights as rows (3)", "1", "w", "Give one for each."),
        ),
        (
            lambda: model.step_many(ROWS[:3], [0, 1, 0], ask=ROWS[:2]),
            ("as many rows to predict as rows to learn (3)", "2", "ask", "Give one for each row, or no rows to learn."),
        ),
    ):
        with pytest.raises(DataError) as caught:
            call()
        e = caught.value
        assert (e.expected, e.got, e.at, e.help) == error
    assert model.n_learned == 0


@pytest.mark.parametrize("y", [5, None, "abc", iter([1, 2, 3]), {"a": 1}, {1, 2, 3}], ids=lambda y: type(y).__name__)
@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_answers_come_in_a_list_an_array_or_a_column(cls, y):
    with pytest.raises(DataError) as caught:
        cls((4,)).learn_many(ROWS[:3], y)
    e = caught.value
    assert (e.expected, e.got, e.at) == ("a list, an array or a column of answers", type(y).__name__, "y")
    assert e.help == "For one sample use predict_one or learn_one."


def test_columns_of_any_library_are_answers():
    import pyarrow as pa

    for column in (pd.Series(LABELS), pl.Series(LABELS), pa.chunked_array([LABELS]), np.array(LABELS), tuple(LABELS)):
        model = Classifier((4,))
        model.learn_many(ROWS, column)
        assert model.classes == list(dict.fromkeys(LABELS))
        assert model.n_learned == 40
    for column in (
        pd.Series([1.0, None, 3]),
        pl.Series([1.0, None, 3]),
        pd.Series([1, None, 3], dtype="Int64"),
        [1, None, 3],
    ):
        regressor = Regressor((4,))
        regressor.learn_many(ROWS[:3], column)
        assert (regressor.n_learned, regressor.rejected) == (2, {"target": 1})
        classifier = Classifier((4,))
        classifier.learn_many(ROWS[:3], column)
        assert classifier.classes == [1, 3]


@pytest.mark.parametrize("x", [5, "abc", None, ["a", "b"], [("a", 1)], ("a",)], ids=repr)
@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_a_sample_is_a_mapping(cls, x):
    model = cls((4,))
    for row in ({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0}):
        model.learn_one(row, 1)
        model.learn_one(row, 1)
    before = fingerprint(model)
    for call in (lambda: model.predict_one(x), lambda: model.learn_one(x, 1)):
        with pytest.raises(DataError) as caught:
            call()
        e = caught.value
        assert (e.expected, e.got, e.at) == ("a mapping of names to values", type(x).__name__, "sample 0")
        assert e.help == "Give a dict, or rows to a method whose name ends in _many."
    assert fingerprint(model) == before


def test_a_mapping_need_not_be_a_dict():
    from types import MappingProxyType

    model = learned(Classifier((8,)))
    assert model.predict_proba_one(MappingProxyType(ROWS[0])) == model.predict_proba_one(ROWS[0])
    model.learn_one(MappingProxyType({"a": 1.0}), "x")
    assert model.n_learned == 41


WRONG = [
    ({"hidden": 0}, "hidden", "a whole number, or several in a tuple", "0"),
    ({"hidden": "64"}, "hidden", "a whole number, or several in a tuple", "'64'"),
    ({"lr": -1}, "lr", "a positive number or a schedule", "-1"),
    ({"activation": 3}, "activation", "the name of an activation", "3"),
    ({"hidden": (0,)}, "units of nn.Dense", "a whole number above 0", "0"),
    ({"layers": 5}, "layers", "layers in a list", "5"),
    ({"layers": [nn.Dropout(0.1)]}, "layers", "Dense, Embedding or Conv as first layer", "Dropout"),
    (
        {"layers": [nn.Dense(3, initializer="orthogonal")]},
        "initializer of the first layer",
        "an initializer that draws row by row",
        "'orthogonal'",
    ),
    ({"experts": 5}, "experts", "experts in a list", "5"),
    ({"experts": []}, "experts", "at least one expert", "none"),
    ({"experts": [5]}, "experts", "experts of nn.Expert", "5"),
    ({"effort": "much"}, "effort", "one of fast, default, accurate", "'much'"),
    ({"optimizer": 0.1}, "optimizer", "an optimizer or its name", "0.1"),
    ({"optimizer": nn.SGD}, "optimizer", "an optimizer or its name", repr(nn.SGD)),
    ({"loss": 5}, "loss", "a name or nn.Loss", "5"),
    ({"norm": "group"}, "norm", "None, 'layer' or 'batch'", "'group'"),
    ({"norm": ["layer"]}, "norm", "None, 'layer' or 'batch'", "['layer']"),
    ({"scale": "yes"}, "scale", "True or False", "'yes'"),
    ({"seed": 1.5}, "seed", "a whole number of 0 or more", "1.5"),
    ({"seed": True}, "seed", "a whole number of 0 or more", "True"),
    ({"seed": -1}, "seed", "a whole number of 0 or more", "-1"),
    ({"max_rows": 15}, "max_rows", "max_rows of 16 or more", "15"),
    ({"max_rows": "many"}, "max_rows", "max_rows of 16 or more", "'many'"),
    ({"dtype": "float16"}, "dtype", "'float32' or 'float64'", "'float16'"),
    ({"dtype": np.float32}, "dtype", "'float32' or 'float64'", repr(np.float32)),
    ({"l1": -1}, "l1", "a number of 0 or more", "-1"),
    ({"l2": "x"}, "l2", "a number of 0 or more", "'x'"),
    ({"clip_norm": math.nan}, "clip_norm", "a number of 0 or more", "nan"),
    ({"clip_value": -0.5}, "clip_value", "a number of 0 or more", "-0.5"),
    ({"dropout": -0.5}, "dropout", "a number of 0 or more", "-0.5"),
    ({"dropout": 1.0}, "nn.Dropout", "a rate from 0 up to but not 1", "1.0"),
]


@pytest.mark.parametrize(
    ("wrong", "at", "expected", "got"), WRONG, ids=[f"{next(iter(w))} {i}" for i, (w, *_) in enumerate(WRONG)]
)
@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_settings_that_cannot_be_are_said_at_once(cls, wrong, at, expected, got):
    with pytest.raises(ConfigError) as caught:
        cls(**wrong)
    e = caught.value
    assert e.at in (at, f"{at} of {cls.__name__}")
    assert (e.expected, e.got) == (expected, got)
    assert e.help.endswith(".")


@pytest.mark.parametrize(("cls", "loss"), [(Classifier, "mse"), (Regressor, "cross_entropy"), (Regressor, "hinge")])
def test_a_loss_must_fit_the_task(cls, loss):
    fits = ", ".join(CLASS_LOSSES) if cls is Classifier else "mse, mae, huber, quantile, poisson"
    with pytest.raises(ConfigError) as caught:
        cls(loss=loss)
    e = caught.value
    assert (e.expected, e.got, e.at) == (f"one of {fits}", repr(loss), f"loss of {cls.__name__}")
    assert e.help == "Choose one of these names."


def test_nothing_here_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "a row was not learned")
        warnings.filterwarnings("ignore", category=UnlikelyData)  # these two are all that there are
        model = learned(Regressor())
        model.learn_many(ROWS, [1e30 if i % 2 else -1e30 for i in range(40)])
        model.learn_many(np.array([[1e308, -1e308], [np.inf, np.nan]]), [1.0, 2.0])
        assert finite(model)
    assert FARTHEST == 1e30
