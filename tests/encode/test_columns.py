"""A data frame learns as its rows would as dicts, to the bit, whatever library it comes from."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from zoneinfo import ZoneInfo

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headwater as hw
import headwater._core as _core
from headwater.encode import as_rows
from headwater.encode.columns import coded, coded_numbers
from headwater.encode.sparse import SparseRows
from headwater.encode.values import time_parts, times_parts
from headwater.errors import DataError
from headwater.store.learner_file import to_bytes
from headwater.streams.readers.dtypes.cells import Text
from headwater.streams.readers.frame_rows import is_frame
from support.readers import Reader, same, to_bits

BERLIN = ZoneInfo("Europe/Berlin")
UTC = dt.UTC
N = 60


def cycle(*values):
    return [values[i % len(values)] for i in range(N)]


def every(step):
    return [dt.datetime(2024, 10, 26, 22, 15, 30, 250_001) + i * step for i in range(N)]


COLUMNS = {
    "integers": list(range(N)),
    "integers with gaps": cycle(3, None, -7, 2**53 + 1),
    "floats": [math.sqrt(i) for i in range(N)],
    "floats with gaps": cycle(0.1, None, 1e300, -0.0),
    "booleans": cycle(True, False, False),
    "booleans with gaps": cycle(True, None, False),
    "texts": cycle("a", "bb", "a", "c", ""),
    "texts with gaps": cycle("x", None, "y"),
    "texts that are numbers": cycle("1", "2.50", "nan", None),
    "ISO dates": cycle("2024-02-29", "2023-12-31T23:59:59", "not a date"),
    "date-times": every(dt.timedelta(hours=7, microseconds=333)),
    "date-times with gaps": [None if i % 5 == 0 else when for i, when in enumerate(every(dt.timedelta(days=1)))],
    "date-times of a zone": [when.replace(tzinfo=UTC).astimezone(BERLIN) for when in every(dt.timedelta(minutes=20))],
    "before 1970": [dt.datetime(1969, 12, 31) - i * dt.timedelta(days=77, microseconds=1) for i in range(N)],
    "dates": [dt.date(2024, 2, 27) + dt.timedelta(days=i) for i in range(N)],
    "durations": [dt.timedelta(seconds=i) for i in range(N)],
    "nothing": [None] * N,
    "x10": cycle(1.0, 2.0),
    "x2": cycle(5.0, 3.0, 1.0),
}
Y = cycle("on time", "late", "late", "gone")


def pandas_plain():
    return pd.DataFrame({name: pd.Series(values) for name, values in COLUMNS.items()})


def pandas_nullable():
    return pandas_plain().convert_dtypes()


def pandas_on_arrow():
    return pandas_plain().convert_dtypes(dtype_backend="pyarrow")


def pandas_objects():
    kept = {name: values for name, values in COLUMNS.items() if "text" in name or "boolean" in name or "number" in name}
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in kept.items()})


def pandas_categories():
    return pd.DataFrame({name: pd.Series(COLUMNS[name], dtype="category") for name in COLUMNS if "texts" in name})


def polars_plain():
    return pl.DataFrame(COLUMNS, strict=False)


def polars_categories():
    texts = [name for name in COLUMNS if "texts" in name]
    fruit = pl.Series("fruit", cycle("pear", None, "fig"), dtype=pl.Enum(["fig", "kiwi", "pear"]))
    return pl.DataFrame({name: pl.Series(COLUMNS[name], dtype=pl.Categorical) for name in texts}).with_columns(fruit)


def arrow_plain():
    return pa.table(COLUMNS)


def arrow_pieces():
    whole = pa.table({name: COLUMNS[name] for name in COLUMNS if "texts" in name})
    whole = pa.table({name: whole[name].dictionary_encode() for name in whole.column_names})
    return pa.concat_tables([whole.slice(0, 7), whole.slice(7, 1), whole.slice(8)])


FRAMES = [
    *(pandas_plain, pandas_nullable, pandas_on_arrow, pandas_objects, pandas_categories),
    *(polars_plain, polars_categories, arrow_plain, arrow_pieces),
]


def rows(frame):
    """Return the rows as dicts, the values of categorical columns as texts that stay texts, which only a dtype can say."""
    own = nw.from_native(frame, eager_only=True)
    firm = {name for name, dtype in own.schema.items() if dtype in (nw.Categorical, nw.Enum)}
    return [
        {name: Text(value) if name in firm and type(value) is str else value for name, value in row.items()}
        for row in own.iter_rows(named=True)
    ]


# ---- entries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", FRAMES)
def test_a_frame_gives_the_entries_of_its_rows_as_dicts(make):
    frame = make()
    one, other = Reader(), Reader()
    for part in (slice(0, 20), slice(20, N)):
        piece = nw.from_native(frame, eager_only=True)[part].to_native()
        assert to_bits(one.read(piece)) == to_bits(other.read(rows(piece)))
        same(one, other)


def test_a_frame_is_read_by_columns_and_not_by_rows(monkeypatch):
    def no_rows(*_, **__):
        raise AssertionError("rows were read")

    monkeypatch.setattr(nw.DataFrame, "iter_rows", no_rows)
    for make in FRAMES:
        assert isinstance(as_rows(Reader().core.learner, make(), np.ones(N, bool)), _core.Table)


@pytest.mark.parametrize("make", [polars_plain, pandas_nullable, arrow_plain])
def test_unknown_names_of_rows_that_only_ask_give_no_entries(make):
    reader = Reader()
    assert reader.ask(make()) == [[] for _ in range(N)]
    assert (reader.rows, reader.unusable) == (1, 0)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"a": [1.0, 2.0]}, {"a": ["2", "red", None, "nan"]}),
        ({"a": ["red", "5"]}, {"a": [5, 6, 5]}),
        ({"a": ["red", "5"]}, {"a": [5.0, None, float("nan"), 0.25]}),
        ({"a": ["red"]}, {"a": [True, False]}),
        ({"a": ["red"]}, {"a": [dt.datetime(2024, 1, 1), None, dt.datetime(2024, 1, 1)]}),
        ({"a": [1.0]}, {"a": [dt.date(2024, 1, 1)]}),
        ({"a": [dt.datetime(2024, 1, 1)]}, {"a": ["2024-05-06", "never"]}),
        ({"a": [dt.datetime(2024, 1, 1)]}, {"a": [7.5, 8.0]}),
        ({"a": ["2024-01-01"]}, {"a": [dt.datetime(2024, 1, 1, 5, tzinfo=UTC)]}),
    ],
)
def test_a_column_that_changes_its_type_keeps_to_the_rule_of_its_first_value(first, then):
    for make in (pl.DataFrame, pd.DataFrame, pa.table):
        one, other = Reader(), Reader()
        for table in (first, then):
            frame = make(table)
            assert to_bits(one.read(frame)) == to_bits(other.read(rows(frame)))
            same(one, other)


def test_a_categorical_column_of_numbers_is_one_of_categories():
    reader = Reader()
    reader.read(pd.DataFrame({"month": pd.Series([3, 5, 3], dtype="category")}))
    assert reader.columns["month"].values == {"3": 1, "5": 2}


def test_a_frame_that_fills_the_table_shares_rows_as_its_rows_do():
    frame = pl.DataFrame({"a": [f"{i}" for i in range(100)], "b": range(100)})
    one, other = Reader(max_rows=64), Reader(max_rows=64)
    assert to_bits(one.read(frame)) == to_bits(other.read(rows(frame)))
    same(one, other)
    assert one.shared_from > 0


def test_lists_and_structs_are_read_by_the_row():
    frame = pl.DataFrame({"place": [[1.0, 2.0], [3.0, 4.0]], "who": [{"age": 1}, {"age": 2}]})
    one, other = Reader(), Reader()
    assert to_bits(one.read(frame)) == to_bits(other.read(rows(frame)))
    assert set(one.columns) == {"place[0]", "place[1]", "who.age"}


def test_a_column_of_mixed_objects_is_read_value_by_value():
    frame = pd.DataFrame({"a": pd.Series([1, "two", None, 3.5, Decimal("0.1"), True], dtype=object)})
    one, other = Reader(), Reader()
    assert to_bits(one.read(frame)) == to_bits(other.read(rows(frame)))
    same(one, other)


def test_two_columns_of_one_name_are_refused():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="expected columns of different names"):
        Reader().read(frame)


def test_an_empty_frame_gives_an_empty_block():
    for frame in (
        pl.DataFrame({"a": []}),
        pd.DataFrame({"a": pd.Series([], dtype=str)}),
        pa.table({"a": pa.array([], pa.string())}),
    ):
        assert is_frame(frame)
        assert Reader().read(frame) == []


def test_values_of_any_library_become_codes():
    column = coded(["a", None, "b", float("nan"), "a"])
    assert (column.codes.tolist(), column.values) == ([0, -1, 1, -1, 0], ["a", "b"])
    numbers = coded_numbers(np.array([2.0, np.nan, 1.0, 2.0]))
    assert (numbers.codes.tolist(), numbers.values) == ([1, 2, 0, 1], [1.0, 2.0])


def test_dicts_arrays_frames_and_sparse_rows_give_the_same_pairs():
    X = np.random.default_rng(0).normal(size=(N, 12))
    names = [f"x{j}" for j in range(12)]
    sparse = SparseRows(np.arange(N + 1) * 12, np.tile(np.arange(12), N), X.reshape(-1))
    readers, pairs = [], []
    for table in (
        [dict(zip(names, x, strict=True)) for x in X.tolist()],
        X,
        pl.DataFrame(X, schema=names),
        pd.DataFrame(X, columns=names),
        sparse,
    ):
        readers.append(Reader())
        pairs.append(to_bits(readers[-1].read(table)))
        same(readers[0], readers[-1])
    assert all(found == pairs[0] for found in pairs)
    assert [row for row, _ in pairs[0][0]] == list(range(1, 13)), "x2 comes before x10"


def test_sparse_rows_have_no_pair_for_what_is_not_stored():
    rows = SparseRows(np.array([0, 2, 2, 3]), np.array([3, 40, 3]), np.array([1.5, 0.0, -2.0]))
    one, other = Reader(), Reader()
    found = one.read(rows)
    assert found == other.read([{"x3": 1.5, "x40": 0.0}, {}, {"x3": -2.0}])
    assert found == [[(1, 1.5), (2, 0.0)], [], [(1, -2.0)]]
    assert list(one.columns) == ["x3", "x40"]
    same(one, other)


# ---- date-times -----------------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))


@settings(max_examples=200, deadline=None)
@given(st.lists(MOMENTS, max_size=5), st.sampled_from([None, UTC, BERLIN, ZoneInfo("Asia/Kathmandu")]))
def test_the_parts_of_many_times_are_those_of_one_to_the_bit(moments, zone):
    epoch, tick = dt.datetime(1970, 1, 1), dt.timedelta(microseconds=1)
    stated = [when if zone is None else when.replace(tzinfo=UTC).astimezone(zone) for when in moments]
    local = np.array([(when.replace(tzinfo=None) - epoch) // tick for when in stated], np.int64)
    utc = np.array([(when - epoch) // tick for when in moments], np.int64)
    expected = np.array([time_parts(when) for when in stated]).reshape(-1, 7)
    assert np.array_equal(times_parts(local, utc).view(np.int64), expected.view(np.int64))


def test_the_hour_that_comes_twice_in_autumn_is_two_hours():
    twice = [dt.datetime(2024, 10, 27, 0, 30, tzinfo=UTC), dt.datetime(2024, 10, 27, 1, 30, tzinfo=UTC)]
    for frame in (pl.DataFrame({"t": twice}).with_columns(pl.col("t").dt.convert_time_zone("Europe/Berlin")),):
        parts = np.array([[x for _, x in pairs] for pairs in Reader().read(frame)])
        assert parts.shape == (2, 7)
        assert parts[1, 0] - parts[0, 0] == 3600
        assert parts[0, 1:].tolist() == parts[1, 1:].tolist()  # the clock shows half past two both times


def test_nanoseconds_of_pandas_count_as_their_whole_microseconds():
    stamps = pd.Series(pd.to_datetime([1_700_000_000_123_456_789, -1], unit="ns"))
    frame = pd.DataFrame({"t": stamps})
    one, other = Reader(), Reader()
    assert to_bits(one.read(frame)) == to_bits(other.read([{"t": stamp} for stamp in stamps]))


# ---- learning -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [pandas_plain, polars_plain, arrow_plain])
def test_learning_from_a_frame_is_bit_equal_to_learning_from_dicts(make):
    frame = make()
    model, other = hw.Classifier(seed=3, hidden=(8,)), hw.Classifier(seed=3, hidden=(8,))
    assert model.learn_many(frame, Y).tolist() == other.learn_many(rows(frame), Y).tolist()
    assert to_bytes(model) == to_bytes(other)
    assert np.array_equal(model.predict_proba_many(frame), other.predict_proba_many(rows(frame)))


def test_rows_without_an_answer_are_predicted_as_dicts_are_though_later_rows_bring_their_names():
    frame = polars_plain()
    y = [None if i % 3 == 0 else label for i, label in enumerate(Y)]
    model, other = hw.Classifier(seed=3, hidden=(8,)), hw.Classifier(seed=3, hidden=(8,))
    one, two = model.step_many(frame, y), other.step_many(rows(frame), y)
    assert np.array_equal(one.proba, two.proba)
    assert to_bytes(model) == to_bytes(other)


def test_all_libraries_teach_the_same_model():
    names = ["integers", "floats with gaps", "texts", "texts with gaps", "date-times", "booleans"]
    table = {name: COLUMNS[name] for name in names}
    learned = []
    for frame in (pl.DataFrame(table), pa.table(table), pd.DataFrame(table), pd.DataFrame(table).convert_dtypes()):
        model = hw.Regressor(seed=2, hidden=(8,))
        model.learn_many(frame, COLUMNS["floats"])
        learned.append(to_bytes(model))
    assert len(set(learned)) == 1


def test_the_order_of_the_columns_is_no_matter_to_the_bit():
    frame = polars_plain()
    model, other = hw.Classifier(seed=3, hidden=(8,)), hw.Classifier(seed=3, hidden=(8,))
    one, two = model.learn_many(frame, Y), other.learn_many(frame.select(reversed(frame.columns)), Y)
    assert one.tolist() == two.tolist()
    assert to_bytes(model) == to_bytes(other)


def test_an_array_learns_as_a_frame_with_its_names():
    X = np.random.default_rng(0).normal(size=(N, 12))
    names = [f"x{j}" for j in range(12)]
    states = []
    for table in (
        X,
        np.asfortranarray(X),
        pl.DataFrame(X, schema=names),
        [dict(zip(names, x, strict=True)) for x in X.tolist()],
    ):
        model = hw.Classifier(seed=5, hidden=(8,))
        model.learn_many(table, Y)
        states.append(to_bytes(model))
    assert len(set(states)) == 1
