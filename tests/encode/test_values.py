"""What a value is: number, text, date-time, missing, many, or nothing the net can use."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.encode.values import (
    FLOAT,
    MANY,
    MAPPING,
    MISSING,
    TEXT,
    UNUSABLE,
    WHEN,
    as_float,
    as_number,
    as_text,
    as_time,
    kind_of,
    time_parts,
)
from support.readers import Reader

KINDS = [
    (1.5, FLOAT), (7, FLOAT), (True, FLOAT), (np.float32(1), FLOAT), (np.int8(1), FLOAT), (np.bool_(True), FLOAT),
    (Decimal("1.5"), FLOAT), (Fraction(1, 2), FLOAT), (10**400, FLOAT), (float("inf"), FLOAT),
    ("a", TEXT), ("", TEXT), (np.str_("a"), TEXT),
    (dt.datetime(2020, 1, 1), WHEN), (dt.date(2020, 1, 1), WHEN), (np.datetime64("2020-01-01"), WHEN),
    (pd.Timestamp("2020-01-01"), WHEN),
    (None, MISSING), (math.nan, MISSING), (np.float32("nan"), MISSING), (Decimal("NaN"), MISSING), (Decimal("sNaN"), MISSING),
    (pd.NA, MISSING), (pd.NaT, MISSING), (np.datetime64("NaT", "s"), MISSING), (np.timedelta64("NaT", "s"), MISSING),
    ([1], MANY), ((1, 2), MANY), (np.ones(3), MANY),
    ({"a": 1}, MAPPING),
    (b"bytes", UNUSABLE), ({1, 2}, UNUSABLE), (object(), UNUSABLE), (len, UNUSABLE), (lambda: 1, UNUSABLE), (1j, UNUSABLE),
    (dt.timedelta(1), FLOAT), (np.timedelta64(1, "D"), FLOAT), (np.timedelta64(1, "M"), UNUSABLE), (dt.time(1), FLOAT),
    (pd.Period("2024-01", "M"), WHEN), (range(3), UNUSABLE),
]  # fmt: skip


@pytest.mark.parametrize(("value", "kind"), KINDS, ids=lambda x: f"{type(x).__name__} {str(x)[:20]}")
def test_every_value_has_a_kind(value, kind):
    assert kind_of(value) == kind


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (5.0, "5"), (np.float32(5), "5"), (True, "1"), (0.5, "0.5"), (-0.0, "0"), ("x", "x"), (10**400, str(int(1e300))),
     (math.inf, "inf"), (dt.date(2020, 1, 2), "2020-01-02"), (pd.Interval(0, 1), "(0, 1]")],
)  # fmt: skip
def test_a_value_stands_for_a_category_by_its_text(value, text):
    assert as_text(value) == text


def test_a_whole_number_too_large_for_a_float_is_a_huge_one():
    assert as_float(10**400) == 1e300
    assert as_float(-(10**400)) == -1e300


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5.0), (" 5.5 ", 5.5), ("-1e3", -1000.0), ("x", None), ("", None), ("5 kg", None)]
)
def test_a_text_reads_as_a_number_or_not(text, number):
    assert as_number(text) == number


# ---- date-times -----------------------------------------------------------------------------------------------------

MOMENT = dt.datetime(2024, 2, 29, 18, 0)
NEW_YORK = ZoneInfo("America/New_York")
SAME_MOMENT = [
    MOMENT,
    pd.Timestamp(MOMENT),
    np.datetime64("2024-02-29T18:00"),
    np.datetime64("2024-02-29T18:00:00.000000000"),
    "2024-02-29T18:00",
    "2024-02-29 18:00:00",
    "2024-02-29T18:00:00.000",
]


@pytest.mark.parametrize("value", SAME_MOMENT, ids=lambda x: f"{type(x).__name__} {x}")
def test_every_form_of_a_date_time_has_the_same_seven_parts(value):
    elapsed, *circle = time_parts(as_time(value))
    assert elapsed == (MOMENT - dt.datetime(1970, 1, 1)).total_seconds() == 1709229600.0
    hour, weekday, yearday = 18 / 24, (3 + 0.75) / 7, (59 + 0.75) / 365.25  # a Thursday, the 60th day
    wanted = [f(2 * math.pi * x) for x in (hour, weekday, yearday) for f in (math.sin, math.cos)]
    assert circle == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("value", "clock", "elapsed"),
    [
        ("2024-02-29T18:00:00Z", 18, 1709229600),
        ("2024-02-29T18:00:00+00:00", 18, 1709229600),
        ("2024-02-29T18:00:00+0200", 18, 1709229600 - 7200),
        (dt.datetime(2024, 2, 29, 18, tzinfo=NEW_YORK), 18, 1709229600 + 5 * 3600),
        (pd.Timestamp("2024-02-29 18:00", tz="America/New_York"), 18, 1709229600 + 5 * 3600),
        (dt.datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK), 1.5, 1730611800),
        (dt.datetime(2024, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=1), 1.5, 1730611800 + 3600),
    ],
    ids=str,
)
def test_the_clock_is_the_one_that_the_value_shows_and_what_elapsed_knows_its_zone(value, clock, elapsed):
    parts = time_parts(as_time(value))
    assert parts[0] == elapsed
    assert parts[1:3] == pytest.approx(
        (math.sin(2 * math.pi * clock / 24), math.cos(2 * math.pi * clock / 24)), abs=1e-12
    )


@pytest.mark.parametrize(
    "value",
    ["2024-13-01", "2024-02-30", "24-01-01", "2024-1-1", "hello", "2024-01-01T25:00", "2024-01-01x", "", 5, 5.0],
)
def test_what_is_no_date_time_is_none(value):
    assert as_time(value) is None


def test_a_day_is_its_midnight():
    assert (
        as_time(dt.date(2024, 5, 6))
        == as_time("2024-05-06")
        == as_time(np.datetime64("2024-05-06"))
        == dt.datetime(2024, 5, 6)
    )


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)))
def test_the_seven_parts_are_finite_and_on_circles(when):
    elapsed, *circle = time_parts(when)
    assert elapsed == (when - dt.datetime(1970, 1, 1)).total_seconds()
    assert np.hypot(circle[::2], circle[1::2]) == pytest.approx([1, 1, 1])


# ---- how a column takes what comes ----------------------------------------------------------------------------------


def encoded(*samples, learn=True):
    """A reader, and entries by name: what each sample gave it."""
    reader = Reader()
    return reader, reader.named(*samples, learn=learn)


def test_a_column_that_began_with_numbers_reads_texts_as_numbers_where_it_can():
    reader, pairs = encoded(
        {"a": 1.5}, {"a": "2.5"}, {"a": "many"}, {"a": True}, {"a": "many"}, {"a": "nan"}, {"a": None}
    )
    assert pairs == [{"a": 1.5}, {"a": 2.5}, {"a=many": 1.0}, {"a": 1.0}, {"a=many": 1.0}, {}, {}]
    assert reader.columns["a"].kind == "number"


def test_a_column_that_began_with_texts_takes_numbers_as_categories():
    reader, pairs = encoded(
        {"a": "5", "b": 1}, {"a": 5}, {"a": 5.0}, {"a": 2.5}, {"a": np.int8(5)}, {"a": math.nan}, {"a": True}
    )
    assert pairs == [{"a=5": 1.0, "b": 1.0}, {"a=5": 1.0}, {"a=5": 1.0}, {"a=2.5": 1.0}, {"a=5": 1.0}, {}, {"a=1": 1.0}]
    assert reader.columns["a"].kind == "category"


def test_a_column_that_began_with_a_date_time_reads_iso_texts_as_such():
    _, pairs = encoded(
        {"t": dt.date(2024, 5, 6)}, {"t": "2024-05-06"}, {"t": np.datetime64("2024-05-06")}, {"t": "unknown"}, {"t": 7}
    )
    assert list(pairs[0]) == [f"t.{i}" for i in range(7)]
    assert pairs[0] == pairs[1] == pairs[2]
    assert pairs[3:] == [{"t=unknown": 1.0}, {"t=7": 1.0}]


def test_an_iso_text_begins_a_column_of_date_times_and_any_other_text_one_of_categories():
    _, pairs = encoded({"t": "2024-05-06T07:08:09+02:00", "c": "late"}, {"t": "2024-05-06", "c": "2024-05-06"})
    assert [len(row) for row in pairs] == [8, 8]
    assert pairs[1]["c=2024-05-06"] == 1.0


def test_lists_tuples_and_arrays_are_numbered_columns():
    for many in ([1.0, "x", None, 2.0], (1.0, "x", math.nan, 2.0), np.array([1.0, "x", None, 2.0], object)):
        assert encoded({"l": many})[1] == [{"l[0]": 1.0, "l[1]=x": 1.0, "l[3]": 2.0}]
    assert encoded({"l": np.array([[1, 2], [3, 4]], np.float32)})[1] == [{f"l[{i}]": i + 1.0 for i in range(4)}]
    assert encoded({"l": [[1, 2], [3]]})[1] == [{"l[0][0]": 1.0, "l[0][1]": 2.0, "l[1][0]": 3.0}]
    assert encoded({"l": np.array(["2024-05-06"], "M8[ns]")})[1] == encoded({"l": ["2024-05-06"]})[1]
    assert encoded({"l": []}, {"l": np.zeros(0)})[1] == [{}, {}]
    assert encoded({"l": np.array(2.5)})[1] == [{"l": 2.5}]
    assert encoded({"l": [np.zeros((2, 2)), np.ones((2, 3))]})[1][0]["l[1][5]"] == 1.0


def test_mappings_in_a_sample_are_dotted_columns():
    _, pairs = encoded({"geo": {"lat": 1.5, "of": {"city": "Bern"}}, "l": [{"k": 1}]})
    assert pairs == [{"geo.lat": 1.5, "geo.of.city=Bern": 1.0, "l[0].k": 1.0}]


def test_a_name_that_is_stated_in_two_ways_has_both_values():
    reader = Reader()
    (pairs,) = reader.read([{"geo": {"lat": 1.5}, "geo.lat": 2.5, "l": [3.0], "l[0]": 4.0}])
    names = reader.names()
    assert sorted((names[row], x) for row, x in pairs) == [
        ("geo.lat", 1.5),
        ("geo.lat", 2.5),
        ("l[0]", 3.0),
        ("l[0]", 4.0),
    ]
    assert list(reader.columns) == ["l[0]", "geo.lat"]


@pytest.mark.parametrize("value", [v for v, kind in KINDS if kind == UNUSABLE], ids=lambda x: type(x).__name__)
def test_what_is_unusable_gives_nothing_and_is_counted(value):
    reader, pairs = encoded({"a": 1.0, "odd": value, "more": [value]})
    assert pairs == [{"a": 1.0}]
    assert reader.unusable == 2


def test_what_lies_too_deep_is_left_out_and_counted():
    deep: list = [1.0]
    for _ in range(20):
        deep = [deep]
    loop: list = [2.0]
    loop.append(loop)
    reader, pairs = encoded({"deep": deep}, {"loop": loop})
    assert pairs[0] == {}
    assert len(pairs[1]) == 8
    assert reader.unusable == 1 + 2, "a number, and the loop's number and the loop itself"


def test_names_may_be_any_hashable():
    _, pairs = encoded({1: 2.0, ("a", "b"): 3.0, None: 4.0, "x": {5: 6.0}})
    assert pairs == [{"1": 2.0, "('a', 'b')": 3.0, "None": 4.0, "x.5": 6.0}]


def test_unknown_names_give_nothing_unless_they_are_learned():
    reader, pairs = encoded({"a": 1.0, "b": "x", "t": dt.date(2024, 1, 1)}, learn=False)
    assert pairs == [{}]
    assert reader.columns == {}
    assert reader.rows == 1
