"""Names and their rows: appended, never moved, bounded."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import Classifier
from headwater.errors import ConfigError
from support.readers import PARTS, Reader

DAY = dt.date(2024, 5, 6)


def rows_of(pairs: list[tuple[int, float]]) -> list[int]:
    return [row for row, _ in pairs]


def test_rows_are_given_in_the_order_of_arrival_and_kept():
    reader = Reader(max_rows=100)
    assert rows_of(reader.read([{"a": 1.0}])[0]) == [1]
    assert rows_of(reader.read([{"t": DAY}])[0]) == list(range(2, 9))
    assert [rows_of(pairs) for pairs in reader.read([{"b": v} for v in ("x", "y", "x")])] == [[9], [10], [9]]
    columns = reader.columns
    assert (columns["a"].slot, reader.slot_rows[0]) == (0, 1)
    assert columns["t"].parts == tuple(range(1, 8))
    assert len(columns["t"].parts) == len(PARTS)
    assert reader.slot_rows == [1, *range(2, 9)]
    assert columns["b"].values == {"x": 9, "y": 10}
    assert [rows_of(pairs) for pairs in reader.ask([{"b": "x"}, {"b": "z"}, {"c": 1.0}])] == [[9], [], []]
    assert list(reader.columns) == ["a", "t", "b"]


def keys_by_name(reader: Reader) -> dict[str, int]:
    keys = reader.keys
    return {name: keys[row] for row, name in reader.names().items()}


def test_the_key_of_a_row_depends_on_seed_and_name_and_on_nothing_else():
    samples = [{"a": "x"}, {"b": "x"}, {"n": 1.0}, {"t": DAY}, {"a": "y"}]
    one, other = Reader(seed=3, max_rows=100), Reader(seed=3, max_rows=1000)
    one.read(samples)
    other.read(samples[::-1])
    assert list(one.columns) != list(other.columns)
    assert keys_by_name(one) == keys_by_name(other)
    assert len(set(keys_by_name(one).values())) == 11
    third = Reader(seed=4, max_rows=100)
    third.read(samples)
    assert not set(keys_by_name(third).values()) & set(keys_by_name(one).values())


def test_the_key_is_the_same_in_every_process_and_version():
    reader = Reader(seed=0, max_rows=100)
    reader.read([{"price": 1.0}, {"carrier": "AA"}])
    assert reader.keys[1:] == [4893519388382951242, 1582125459795172315]


def test_a_new_row_is_drawn_once():
    reader = Reader(max_rows=1000)
    reader.read([{"a": 0.0}])
    first = reader.core.table(0)[0].copy()
    assert (first != 0).all()
    reader.read([{f"n{i}": 0.0} for i in range(50)])
    table = reader.core.table(0)[0]
    assert np.array_equal(table[:1], first)
    assert len(np.unique(table)) == 51


@pytest.mark.parametrize("knots", [0, 16])
def test_beyond_the_last_row_names_share_and_are_not_kept(knots):
    reader = Reader(seed=0, max_rows=64, knots=knots)
    reader.read([{"n0": float(i)} for i in range(40)])  # from the 32nd value on, a number has rows for its curve
    numbers = reader.read([{f"n{i}": 1.0} for i in range(1, 100)])
    times = reader.read([{f"t{i}": DAY} for i in range(10)])
    texts = reader.read([{f"c{i}": "x"} for i in range(10)])
    assert reader.rows <= 64
    assert len(reader.columns) == 47 - knots
    assert reader.shared_from == reader.rows - 16
    assert all(reader.shared_from <= row < reader.rows for (row,) in map(rows_of, texts))
    assert all(reader.shared_from <= row < reader.rows for row in rows_of(times[9]))
    assert not {"t0", "c0"} & set(reader.columns)
    shared_slots = reader.core.array("shared_slots")
    assert len(reader.slot_rows) == len(reader.columns) + int((shared_slots >= 0).sum()) <= 64
    assert len(numbers[-1]) == 1
    assert rows_of(numbers[-1])[0] >= reader.shared_from
    assert len(times[9]) == len(PARTS)
    asked = reader.ask([{"n99": 1.0}, {"t9": DAY}, {"c9": "x"}])
    assert asked == [numbers[-1], times[9], texts[9]]
    assert reader.core.sizes()["shared_names"] == 99 - (46 - knots) + 10 + 10


def test_a_late_number_whose_row_has_no_slot_yet_has_none():
    reader = Reader(seed=0, max_rows=16)
    reader.read([{f"c{i}": "x"} for i in range(11)])
    assert reader.ask([{"c": 1.0}, {"c": "x"}]) == [[], []]
    assert reader.shared_from == 0
    reader.read([{"c0": "y"}, {"c0": "z"}])
    assert reader.shared_from
    assert reader.ask([{"n": 1.0}, {"t": DAY}]) == [[], []]
    assert reader.slot_rows == []


@pytest.mark.parametrize("max_rows", [15, 0, -3])
def test_a_table_needs_a_few_rows(max_rows):
    with pytest.raises(ConfigError) as caught:
        Classifier(max_rows=max_rows).learn_one({"a": 1.0}, "x")
    assert caught.value.as_dict() == {
        "error": f"expected max_rows of 16 or more, got {max_rows}",
        "at": "max_rows of Classifier",
        "help": "Give e.g. 200_000.",
        "code": "config",
    }


VALUES = {"number": lambda _: 1.0, "category": lambda text: f"text {text}", "time": lambda _: DAY}


@given(st.lists(st.tuples(st.text("abc", max_size=2), st.sampled_from(list(VALUES)), st.text(max_size=2))))
def test_no_row_is_ever_given_to_two_names_while_there_is_room(names):
    reader = Reader(max_rows=100_000)
    given_rows = set()
    for name, kind, text in names:
        before = reader.rows
        (pairs,) = reader.read([{name: VALUES[kind](text)}])
        rows = set(rows_of(pairs))
        assert len(rows) == len(pairs) > 0
        assert rows <= given_rows or rows == set(range(before, reader.rows))
        given_rows |= rows
    assert given_rows == set(range(1, reader.rows))
    assert len(set(reader.keys)) == reader.rows
    assert sorted(reader.names()) == list(range(1, reader.rows))
