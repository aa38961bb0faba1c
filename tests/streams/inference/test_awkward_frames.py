"""Twenty awkward frames give the bits of the plain rows that a careful human would make of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import headwater as hw

pytestmark = pytest.mark.filterwarnings("ignore::headwater.errors.UnlikelyData")
DAY = dt.datetime(2024, 1, 5)
OF_TEXTS = {"n": ["1", "", "2.5", "NA"], "c": [" a", "b", "a", ""]}
PLAIN = [{"n": 1.0, "c": "a"}, {"n": None, "c": "b"}, {"n": 2.5, "c": "a"}, {"n": None, "c": None}]
NUMBERS = [{"x": 1.0}, {"x": None}, {"x": 3.0}, {"x": -2.0}]
TWO = [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}]
SECONDS = [{"d": 90.5}, {"d": None}, {"d": 3600.0}]
DATES = [{"t": DAY}, {"t": None}, {"t": DAY + dt.timedelta(hours=7)}]

FRAMES = {
    "pandas of texts": (pd.DataFrame(OF_TEXTS, dtype=str), PLAIN),
    "pandas of texts as objects": (pd.DataFrame(OF_TEXTS, dtype=object), PLAIN),
    "pandas of Arrow texts": (pd.DataFrame(OF_TEXTS).astype("string[pyarrow]"), PLAIN),
    "polars of texts": (pl.DataFrame(OF_TEXTS), PLAIN),
    "Arrow of texts": (pa.table(OF_TEXTS), PLAIN),
    "Arrow of large texts": (pa.table({name: pa.array(own, pa.large_string()) for name, own in OF_TEXTS.items()}), PLAIN),
    "nullable integers": (pd.DataFrame({"x": pd.array([1, None, 3, -2], "Int64")}), NUMBERS),
    "nullable floats": (pd.DataFrame({"x": pd.array([1, None, 3, -2], "Float64")}), NUMBERS),
    "decimals": (pd.DataFrame({"x": [Decimal(1), None, Decimal("3.0"), Decimal(-2)]}), NUMBERS),
    "Arrow decimals": (pa.table({"x": pa.array([Decimal(1), None, Decimal(3), Decimal(-2)], pa.decimal128(5, 2))}), NUMBERS),
    "fractions": (pd.DataFrame({"x": [Fraction(1), None, Fraction(3), Fraction(-2)]}), NUMBERS),
    "numbers among objects": (pd.DataFrame({"x": [1, np.nan, np.float32(3), "-2"]}, dtype=object), NUMBERS),
    "an index that is no number": (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=["p", "q"]), TWO),
    "an index that comes twice": (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[7, 7]), TWO),
    "columns in another order": (pd.DataFrame({"b": ["x", "y"], "a": [1, 2]}), TWO),
    "pieces of a table": (pa.concat_tables([pa.table({"a": [1], "b": ["x"]}), pa.table({"a": [2], "b": ["y"]})]), TWO),
    "a lazy frame": (pl.LazyFrame({"a": [1, 2], "b": ["x", "y"]}), TWO),
    "durations": (pd.DataFrame({"d": pd.to_timedelta([90.5, None, 3600], unit="s")}), SECONDS),
    "polars durations": (pl.DataFrame({"d": [dt.timedelta(seconds=90.5), None, dt.timedelta(hours=1)]}), SECONDS),
    "times of day": (pl.DataFrame({"d": [dt.time(0, 1, 30, 500_000), None, dt.time(1)]}), SECONDS),
    "dates in nanoseconds": (pd.DataFrame({"t": pd.to_datetime(["2024-01-05", None, "2024-01-05 07:00"], format="ISO8601")}), DATES),
    "dates in milliseconds": (pl.DataFrame({"t": [DAY, None, DAY + dt.timedelta(hours=7)]}).cast(pl.Datetime("ms")), DATES),
    "ISO texts": (pd.DataFrame({"t": ["2024-01-05", None, "2024-01-05T07:00"]}), DATES),
    "periods": (pd.DataFrame({"t": pd.PeriodIndex(["2024-01-05 00:00", "NaT", "2024-01-05 07:00"], freq="h")}), DATES),
    "a column without values": (pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "e": [None, None]}), TWO),
    "ids as texts beside numbers": (
        pl.DataFrame({"id": ["10115", "20095"], "v": [1, 2]}), [{"id": "id10115", "v": 1.0}, {"id": "id20095", "v": 2.0}],
    ),
    "UUIDs": (pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "u": [UUID(int=1), UUID(int=2)]}), TWO),
}  # fmt: skip
RENAMED = {"ids as texts beside numbers"}  # other categories draw other first weights


def learned(rows):
    n = rows.collect().height if isinstance(rows, pl.LazyFrame) else len(rows)
    model = hw.Regressor(hidden=(4,), seed=2)
    model.learn_many(rows, [float(i) for i in range(n)])
    return model.engine


def test_there_are_more_than_twenty_of_them():
    assert len(FRAMES) > 20


@pytest.mark.parametrize("name", FRAMES)
def test_an_awkward_frame_is_learned_as_the_rows_that_a_careful_human_makes_of_it(name):
    frame, rows = FRAMES[name]
    one, other = learned(frame), learned(rows)
    assert {column: own.kind for column, own in one.columns.items()} == {
        column: own.kind for column, own in other.columns.items()
    }
    if name not in RENAMED:
        assert one.core.digest() == other.core.digest()


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA])
def test_formatted_texts_with_gaps_in_a_frame_of_pandas_are_read(gap):
    prices = ["1.234,50", gap, "0,25"] * 10
    frame = pd.DataFrame({"n": range(30), "price": prices, "y": prices})
    with hw.read(frame, target="y", task="regress", allow_rejects=0.5) as stream:
        rows = [(x["price"], y) for x, y in stream]
    assert rows[:3] == [(1234.5, 1234.5), (None, None), (0.25, 0.25)]
