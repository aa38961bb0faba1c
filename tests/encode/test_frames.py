"""Frames and arrays teach a learner exactly what their rows would as dicts, to the bit."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import Classifier, Regressor
from headwater.errors import DataError, RefusedRow, UnlikelyData
from headwater.learner.validation import as_samples
from support.learners import bits, core_of, differences, logits, mixed

NEW_YORK = ZoneInfo("America/New_York")


def columns(n: int = 40) -> dict[str, list]:
    """Columns of every kind that frames know, with gaps; names and categories appear at different rows."""
    rng = np.random.default_rng(0)
    day = dt.datetime(2024, 11, 2, 21)

    def gaps(values, share=0.2):
        return [None if rng.random() < share else value for value in values]

    return {
        "number": gaps(rng.normal(size=n).tolist()),
        "count": gaps(rng.integers(0, 5, n).tolist()),
        "late": [None] * 10 + rng.normal(size=n - 10).tolist(),
        "flag": gaps((rng.random(n) < 0.5).tolist()),
        "text": gaps(rng.choice(["red", "green", "", "5", "nan"], n).tolist()),
        "late text": [None] * 5 + gaps(rng.choice(list("abc"), n - 5).tolist()),
        "category": gaps(rng.choice(["u", "v", "w"], n).tolist()),
        "when": gaps([day + dt.timedelta(minutes=30 * i) for i in range(n)]),
        "day": gaps([day.date() + dt.timedelta(days=7 * i) for i in range(n)]),
        "iso": gaps([(day + dt.timedelta(hours=i)).isoformat() for i in range(n)]),
        "empty": [None] * n,
    }


def as_pandas(data):
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in data.items()})
    kinds = {
        "number": "float64",
        "count": "Int64",
        "late": "Float64",
        "flag": "boolean",
        "text": "string",
        "category": "category",
    }
    return frame.astype({**kinds, "late text": "str", "when": "datetime64[us]", "empty": "float64"})


def as_polars(data):
    return pl.DataFrame(data, schema_overrides={"category": pl.Categorical, "count": pl.Int8, "empty": pl.Float32})


def as_arrow(data):
    table = pa.table({name: values for name, values in data.items() if name != "empty"})
    return table.set_column(6, "category", pa.chunked_array([table["category"].combine_chunks().dictionary_encode()]))


FRAMES = {"pandas": as_pandas, "polars": as_polars, "pyarrow": as_arrow}
MAKERS = {"single": lambda cls: cls(hidden=(8,)), "pool": lambda cls: cls()}
LABELS = list("ab" * 10 + "abcb" * 5)


def dicts(data):
    return [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]


def y_of(cls, n=40):
    return LABELS[:n] if cls is Classifier else [float(len(LABELS) - i) for i in range(n)]


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_a_frame_teaches_what_its_rows_teach(cls, kind, made):
    data = columns()
    frame, rows, y = FRAMES[kind](data), dicts(data), y_of(cls)
    by_frame, by_rows = MAKERS[made](cls), MAKERS[made](cls)

    one = by_frame.step_many(frame, y)
    other = by_rows.step_many(rows, y)

    assert bits(one.proba if cls is Classifier else one.y_pred) == bits(
        other.proba if cls is Classifier else other.y_pred
    )
    assert differences(by_frame, by_rows) == []
    first = by_frame.predict_batch(frame)
    assert bits(first.proba if cls is Classifier else first.y_pred) == bits(
        by_frame.predict_batch(rows).proba if cls is Classifier else by_frame.predict_batch(rows).y_pred
    )


@pytest.mark.parametrize("kind", FRAMES)
def test_late_answers_are_learned_from_frames_as_from_rows(kind):
    data = columns()
    rows, frame = dicts(data), FRAMES[kind](data)
    by_frame, by_rows = Classifier(hidden=(8,)), Classifier(hidden=(8,))
    piece = (lambda a, b: frame[a:b]) if kind != "pyarrow" else (lambda a, b: frame.slice(a, b - a))

    one = by_frame.step_many(piece(0, 30), LABELS[:30], ask=piece(10, 40))
    other = by_rows.step_many(rows[:30], LABELS[:30], ask=rows[10:])

    assert bits(one.proba) == bits(other.proba)
    assert differences(by_frame, by_rows) == []


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_and_rows_may_take_turns(kind):
    data = columns()
    rows, frame = dicts(data), FRAMES[kind](data)
    turns, plain = Classifier(hidden=(8,)), Classifier(hidden=(8,))
    turns.learn_many(rows[:7], LABELS[:7])
    turns.learn_many(frame, LABELS)
    turns.learn_many(rows, LABELS)
    plain.learn_many(rows[:7] + rows + rows, LABELS[:7] + LABELS + LABELS)
    assert differences(turns, plain) == []


def test_columns_of_any_other_type_go_by_the_row():
    data = {
        "l": [[1, 2], None, [3, 4]],
        "s": [{"q": 1.0}, None, {"q": 2.0}],
        "t": [dt.time(1), dt.time(2), None],
        "d": [dt.timedelta(1), None, None],
        "b": [b"x", b"y", None],
    }
    frame = pl.DataFrame(data)
    one, other = Regressor(hidden=(4,)), Regressor(hidden=(4,))
    for learner, rows in ((one, frame), (other, frame.to_dicts())):
        with pytest.warns(UnlikelyData, match="^b: values of type bytes are not learned"):
            learner.learn_many(rows, [1.0, 2.0, 3.0])
    assert differences(one, other) == []
    assert one.rejected == {"type": 2}
    assert {"l[0]", "l[1]", "s.q", "t", "d"} == set(one._engine.columns)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"])
def test_a_duration_and_a_time_of_day_are_seconds_in_every_form(frame):
    rng = np.random.default_rng(5)
    took = [None if i % 7 == 0 else dt.timedelta(microseconds=int(rng.integers(-(10**13), 10**13))) for i in range(60)]
    clock = [None if one is None else (dt.datetime(2024, 1, 1) + one).time() for one in took]
    y = [float(i % 3) for i in range(60)]
    data = {"took": took, "clock": clock}
    rows = [{"took": one, "clock": other} for one, other in zip(took, clock, strict=True)]
    seconds = [
        {
            "took": None if one is None else one.total_seconds(),
            "clock": None if at is None else at.hour * 3600 + at.minute * 60 + at.second + at.microsecond / 1e6,
        }
        for one, at in zip(took, clock, strict=True)
    ]
    models = [Regressor(hidden=(4,), seed=1) for _ in range(4)]
    for model, X in zip(models, (frame(data), rows, seconds), strict=False):
        model.learn_many(X, y)
    for x, answer in zip(rows, y, strict=True):
        models[3].learn_one(x, answer)
    assert all(differences(models[0], model) == [] for model in models[1:])
    assert {c.kind for c in models[0].engine.columns.values()} == {"number"}


def test_a_period_is_read_as_its_start():
    months = pd.period_range("2020-01", periods=30, freq="M")
    one, other, third = (Regressor(hidden=(4,), seed=1) for _ in range(3))
    y = [float(i % 3) for i in range(30)]
    one.learn_many(pd.DataFrame({"month": months}), y)
    other.learn_many(pd.DataFrame({"month": months.to_timestamp()}), y)
    third.learn_many([{"month": month} for month in months], y)
    assert differences(one, other) == []
    assert differences(one, third) == []


def test_what_is_masked_is_missing():
    x = np.ma.masked_array(np.arange(60.0).reshape(20, 3) % 7, mask=np.arange(60).reshape(20, 3) % 4 == 0)
    y = np.ma.masked_array(np.arange(20) % 5, mask=np.arange(20) % 9 == 0)
    one, other = Regressor(hidden=(4,), seed=1), Regressor(hidden=(4,), seed=1)
    with pytest.warns(RefusedRow, match="the answer is missing"):
        one.learn_many(x, y)
    with pytest.warns(RefusedRow, match="the answer is missing"):
        other.learn_many(x.filled(np.nan), y.astype(float).filled(np.nan))
    assert differences(one, other) == []
    assert one.rejected == {"target": 3}
    counts = np.ma.masked_array([[1, 2], [3, 4]], mask=[[True, False], [False, False]])
    assert np.isnan(as_samples(counts)[0, 0])
    assert one.predict_many(counts).shape == (2,)


def test_mixed_and_zoned_columns_of_pandas_are_equal_to_rows():
    when = [dt.datetime(2024, 11, 3, 0, 30, tzinfo=dt.UTC) + dt.timedelta(minutes=30 * i) for i in range(20)]
    frame = pd.DataFrame(
        {"zoned": pd.Series(when).dt.tz_convert("America/New_York"), "odd": [1, "x", None, 2.5, True] * 4}
    )
    one, other = Regressor(hidden=(4,)), Regressor(hidden=(4,))
    y = [float(i) for i in range(20)]
    one.learn_many(frame, y)
    other.learn_many(frame.to_dict("records"), y)
    assert differences(one, other) == []


def test_the_hour_that_comes_twice_in_autumn_stays_two_hours_in_a_frame():
    utc = pl.Series(
        [dt.datetime(2024, 11, 3, 4, 30) + dt.timedelta(minutes=30 * i) for i in range(8)]
    ).dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"t": utc.dt.convert_time_zone("America/New_York")})
    one, other = Regressor(hidden=(4,)), Regressor(hidden=(4,))
    one.learn_many(frame, [float(i) for i in range(8)])
    other.learn_many(frame.to_dicts(), [float(i) for i in range(8)])
    assert differences(one, other) == []


def test_a_categorical_column_is_one_of_categories_even_of_numbers():
    model = Classifier(hidden=(4,))
    frame = pd.DataFrame({"code": pd.Categorical([3, 1, None, 3]), "bin": pd.cut([0.5, 1.5, 2.5, 0.5], [0, 1, 2, 3])})
    model.learn_many(frame, [0, 1, 0, 0])
    assert {name: column.kind for name, column in model._engine.columns.items()} == {
        "code": "category",
        "bin": "category",
    }
    assert set(model._engine.columns["code"].values) == {"3", "1"}
    assert bits(logits(model, [{"code": 3}])) == bits(logits(model, [{"code": "3"}]))
    numeric = Classifier(hidden=(4,))
    numeric.learn_many([{"code": 1.0}, {"code": 2.0}], [0, 1])
    numeric.learn_many(pd.DataFrame({"code": pd.Categorical([3, 1])}), [0, 1])
    assert numeric._engine.columns["code"].values == {}, "a column that began with numbers takes them as such"


def test_columns_that_change_kind_between_blocks_are_equal_to_rows():
    blocks = [
        pl.DataFrame({"a": [1.0, 2.0], "b": ["x", "7"], "c": ["2024-01-01", "2024-01-02"]}),
        pl.DataFrame({"a": ["3.5", "many"], "b": [7, 8], "c": [dt.date(2024, 1, 3), None]}),
        pl.DataFrame({"a": [True, False], "b": [2.5, 1e20], "c": ["soon", "2024-01-04"]}),
        pl.DataFrame({"c": [5.0, float("inf")], "a": [dt.date(2024, 1, 3), dt.date(2024, 1, 3)]}),
    ]
    one, other = Classifier(hidden=(4,)), Classifier(hidden=(4,))
    for block in blocks:
        one.learn_many(block, [0, 1])
        other.learn_many(block.to_dicts(), [0, 1])
    assert differences(one, other) == []


@settings(max_examples=30, deadline=None)
@given(
    data=st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(allow_nan=False)),
            st.one_of(st.none(), st.text("ab1.", max_size=2)),
            st.one_of(st.none(), st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1))),
            st.sampled_from("xyz"),
        ),
        min_size=1,
        max_size=20,
    ),
    pooled=st.booleans(),
    max_rows=st.sampled_from([30, 200_000]),
)
def test_any_frame_is_equal_to_its_rows(data, pooled, max_rows):
    *given_columns, y = (list(column) for column in zip(*data, strict=True))
    kinds = {"f": pl.Float64, "t": pl.String, "d": pl.Datetime}
    frame = pl.DataFrame(dict(zip(kinds, given_columns, strict=True)), schema=kinds)
    one, other = (
        Classifier(max_rows=max_rows) if pooled else Classifier(hidden=(3,), max_rows=max_rows) for _ in range(2)
    )
    assert bits(one.step_many(frame, y).proba) == bits(other.step_many(frame.to_dicts(), y).proba)
    assert differences(one, other) == []


# ---- arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "float16", "int64", "uint8", "bool", ">f8", "longdouble", "object"]
)
@pytest.mark.parametrize("made", MAKERS)
def test_an_array_teaches_what_its_rows_teach(dtype, made):
    X = (np.random.default_rng(0).normal(size=(40, 3)) * 3).astype(dtype)
    one, other = MAKERS[made](Classifier), MAKERS[made](Classifier)
    rows = [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()]
    assert bits(one.step_many(X, LABELS).proba) == bits(other.step_many(rows, LABELS).proba)
    assert differences(one, other) == []
    assert bits(one.predict_proba_many(X[:, ::2])) == bits(
        one.predict_proba_many([{"x0": r["x0"], "x1": r["x2"]} for r in rows])
    )
    assert bits(one.predict_proba_many(X[:, :0])) == bits(one.predict_proba_many([{}] * 40))


def test_gaps_in_an_array_are_missing():
    X = np.random.default_rng(0).normal(size=(40, 3))
    X[::3, 0] = np.nan
    X[1::4, 1] = np.inf
    X[5] = np.nan
    one, other = Classifier(hidden=(8,)), Classifier(hidden=(8,))
    rows = [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()]
    assert bits(one.step_many(X, LABELS).proba) == bits(other.step_many(rows, LABELS).proba)
    assert one.rejected == other.rejected == {"infinite": int(np.isinf(X).sum())}


def test_an_array_of_texts_and_one_of_dates_go_by_the_row():
    X = np.array([["a", "1"], ["b", "2"]])
    one, other = Classifier(hidden=(4,)), Classifier(hidden=(4,))
    one.learn_many(X, [0, 1])
    other.learn_many([{"x0": "a", "x1": "1"}, {"x0": "b", "x1": "2"}], [0, 1])
    one.learn_many(np.array([[5.0, 2.0]]), [0])
    other.learn_many([{"x0": 5.0, "x1": 2.0}], [0])
    assert differences(one, other) == []
    dates = Classifier(hidden=(4,))
    dates.learn_many(np.array([["2024-01-01"], ["2024-01-02"]], "M8[ns]"), [0, 1])
    assert dates._engine.columns["x0"].kind == "time"


def test_a_wide_array_in_a_small_table_shares_rows_as_its_rows_do():
    X = np.random.default_rng(0).normal(size=(40, 30))
    one, other = Classifier(hidden=(4,), max_rows=24), Classifier(hidden=(4,), max_rows=24)
    rows = [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()]
    assert bits(one.step_many(X, LABELS).proba) == bits(other.step_many(rows, LABELS).proba)
    assert differences(one, other) == []
    assert core_of(one).rows <= 24


# ---- what is no block of rows ---------------------------------------------------------------------------------------

ROWS, _ = mixed(3)
NO_ROWS = [
    ({"a": [1, 2]}, "dict", "X"),
    (5, "int", "X"),
    (None, "NoneType", "X"),
    ("abc", "str", "X"),
    (np.ones(3), "1-d array", "X"),
    (np.ones((2, 2, 2)), "3-d array", "X"),
    (iter([{}]), "list_iterator", "X"),
    ([{"a": 1}, 5], "int", "sample 1"),
    ([["a", 1]], "list", "sample 0"),
]


@pytest.mark.parametrize(("X", "got", "at"), NO_ROWS, ids=[got for _, got, _ in NO_ROWS])
@pytest.mark.parametrize("cls", [Classifier, Regressor])
@pytest.mark.parametrize("learned", [False, True])
def test_what_is_no_block_of_rows_is_said_and_nothing_is_learned(cls, X, got, at, learned):
    model = cls(hidden=(4,))
    if learned:
        model.learn_many(ROWS, [0, 1, 0])
    y = [0, 1] if isinstance(X, list) and len(X) == 2 else [0]
    for call in (lambda: model.learn_many(X, y), lambda: model.predict_many(X), lambda: model.predict_batch(X)):
        with pytest.raises(DataError) as caught:
            call()
        assert (caught.value.got, caught.value.at) == (got, at)
        if at == "X":
            assert caught.value.expected == "a list of dicts, a 2-d array or a data frame"
            assert caught.value.help == "For one sample use predict_one or learn_one."
        else:
            assert caught.value.expected == "a mapping of names to values"
            assert caught.value.help == "Give a dict, or rows to a method whose name ends in _many."
    assert model.n_learned == (3 if learned else 0)
    assert model.rejected == {}


def test_columns_of_the_same_name_are_refused():
    model = Classifier(hidden=(4,))
    with pytest.raises(DataError) as caught:
        model.learn_many(pd.DataFrame([[1, 2]], columns=["a", "a"]), [0])
    assert (caught.value.expected, caught.value.got) == ("columns of different names", "some twice")
    assert (caught.value.at, caught.value.help) == ("X", "Rename or drop them.")


def test_a_frame_without_names_has_numbers_for_names():
    one, other = Classifier(hidden=(4,)), Classifier(hidden=(4,))
    X = np.random.default_rng(0).normal(size=(10, 2))
    one.learn_many(pd.DataFrame(X), LABELS[:10])
    other.learn_many([dict(enumerate(row)) for row in X.tolist()], LABELS[:10])
    assert differences(one, other) == []


@pytest.mark.parametrize(
    "empty", [[], np.zeros((0, 3)), pd.DataFrame({"a": []}), pl.DataFrame({"a": []})], ids=lambda x: type(x).__name__
)
@pytest.mark.parametrize("cls", [Classifier, Regressor])
def test_no_rows_are_no_matter(cls, empty):
    model = cls(hidden=(4,))
    for _ in range(2):
        assert len(model.learn_many(empty, [])) == len(model.predict_many(empty)) == 0
        model.learn_many(ROWS, [0, 1, 0])


def test_a_short_duration_of_pandas_keeps_its_last_microsecond():
    took = [dt.timedelta(seconds=i, microseconds=5) for i in range(100)]
    series = pd.Series([*took, None])
    rows = [{"took": one} for one in [*took, None]]
    framed, dicts = Regressor(hidden=(4,), seed=1), Regressor(hidden=(4,), seed=1)
    framed.learn_many(pd.DataFrame({"took": series}), [float(i % 3) for i in range(101)])
    dicts.learn_many(rows, [float(i % 3) for i in range(101)])
    assert differences(framed, dicts) == []


def test_texts_that_polars_exports_as_views_are_learned_as_texts():
    rows = [{"a": "xy"[i % 2], "n": float(i)} for i in range(40)]
    table = pa.table(pl.DataFrame(rows))
    assert table.schema.field("a").type == pa.string_view()
    framed, dicts = Classifier(seed=1), Classifier(seed=1)
    for model, X in ((framed, table), (dicts, rows)):
        model.learn_many(X, [x["a"] for x in rows])
    assert differences(framed, dicts) == []
    assert framed.predict_many(table).to_pylist() == list(dicts.predict_many(rows))


def test_whole_numbers_of_128_bits_are_numbers():
    numbers = [2**100, -5, None, 7]
    framed, dicts = Regressor(seed=1), Regressor(seed=1)
    framed.learn_many(pl.DataFrame({"n": pl.Series(numbers, dtype=pl.Int128)}), [1.0, 2.0, 3.0, 4.0])
    dicts.learn_many([{"n": n} for n in numbers], [1.0, 2.0, 3.0, 4.0])
    assert differences(framed, dicts) == []


def test_a_record_batch_is_learned_and_predicted_as_its_table():
    table = pa.table({"a": [1.0, 2.0, 3.0, None], "name": ["u", "v", "u", "v"]})
    whole, batch = Classifier(seed=1), Classifier(seed=1)
    whole.learn_many(table, [0, 1, 0, 1])
    batch.learn_many(table.to_batches()[0], [0, 1, 0, 1])
    assert batch.predict_proba_many(table.to_batches()[0]).equals(whole.predict_proba_many(table))
