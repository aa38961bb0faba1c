"""Names and their rows: appended, never moved, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.encode import Vocabulary
from headwater.encode.vocabulary import CATEGORY, NUMBER, PARTS, TIME
from headwater.errors import ConfigError


def test_rows_are_given_in_the_order_of_arrival_and_kept():
    words = Vocabulary(seed=0, max_rows=100)
    a = words.column("a", NUMBER)
    b = words.column("b", CATEGORY)
    when = words.column("t", TIME)
    assert (a.slot, words.slot_rows[0]) == (0, 1)
    assert [words.category(b, v) for v in ("x", "y", "x")] == [9, 10, 9]
    assert when.parts == tuple(range(1, 8))
    assert words.slot_rows == [1, *range(2, 9)]
    assert words.known(b, "x") == 9
    assert words.known(b, "z") == -1
    assert words.late("c", NUMBER) is None


def test_the_key_of_a_row_depends_on_seed_and_name_and_on_nothing_else():
    one, other = Vocabulary(seed=3, max_rows=100), Vocabulary(seed=3, max_rows=1000)
    for words, names in ((one, "ab"), (other, "ba")):
        for name in names:
            words.category(words.column(name, CATEGORY), "x")
    assert dict(zip("ab", one.take_new()[1], strict=True)) == dict(zip("ba", other.take_new()[1], strict=True))
    third = Vocabulary(seed=4, max_rows=100)
    third.category(third.column("a", CATEGORY), "x")
    assert third.take_new()[1][0] != Vocabulary(seed=3, max_rows=100)._key("a\x01x")


def test_the_key_is_the_same_in_every_process_and_version():
    assert Vocabulary(seed=0, max_rows=100)._key("price") == 13276081946044348702


def test_new_rows_are_told_once():
    words = Vocabulary(seed=0, max_rows=100)
    words.column("a", NUMBER)
    assert words.take_new()[0].tolist() == [1]
    assert words.take_new()[0].tolist() == []


@pytest.mark.parametrize("hats", [0, 16])
def test_beyond_the_last_row_names_share_and_are_not_kept(hats):
    words = Vocabulary(seed=0, max_rows=64, hats=hats)
    columns = [words.column(f"n{i}", NUMBER) for i in range(100)]
    times = [words.column(f"t{i}", TIME) for i in range(10)]
    texts = [words.column(f"c{i}", CATEGORY) for i in range(10)]
    rows = [words.category(column, "x") for column in texts]
    assert words.rows <= 64
    assert len(words.columns) == (47 if hats == 0 else 2)
    assert words.shared_from == words.rows - 16
    assert all(words.shared_from <= row < words.rows for row in rows)
    assert all(not column.values for column in texts)
    assert len(words.slot_rows) == len(words.columns) + len(words.shared_slots) <= 64
    late = columns[-1]
    assert words.slot_rows[late.slot] >= words.shared_from
    assert words.late("n99", NUMBER).slot == late.slot
    assert words.late("t9", TIME).parts == times[9].parts
    assert len(times[9].parts) == len(PARTS)
    assert words.late("never", CATEGORY).values == {}


def test_a_late_number_whose_row_has_no_slot_yet_has_none():
    words = Vocabulary(seed=0, max_rows=16)
    for i in range(11):
        words.category(words.column(f"c{i}", CATEGORY), "x")
    assert words.late("c", NUMBER) is None
    words.category(words.columns["c0"], "y")
    words.category(words.columns["c0"], "z")
    assert words.shared_from
    assert words.late("n", NUMBER).slot == -1
    assert words.late("t", TIME).parts == (-1,) * 7


@pytest.mark.parametrize("max_rows", [15, 0, -3])
def test_a_table_needs_a_few_rows(max_rows):
    with pytest.raises(ConfigError) as caught:
        Vocabulary(seed=0, max_rows=max_rows)
    assert caught.value.as_dict() == {
        "error": f"expected max_rows of 16 or more, got {max_rows}",
        "at": "max_rows",
        "help": "Give e.g. 200_000.",
        "code": "config",
    }


@given(st.lists(st.tuples(st.text("abc", max_size=2), st.sampled_from([NUMBER, CATEGORY, TIME]), st.text(max_size=2))))
def test_no_row_is_ever_given_to_two_names_while_there_is_room(names):
    words = Vocabulary(seed=0, max_rows=100_000)
    given_rows = set()
    for name, kind, value in names:
        before = words.rows
        column = words.columns.get(name) or words.column(name, kind)
        row = words.category(column, value)
        assert (row in given_rows) == (row < before)
        given_rows.add(row)
        given_rows |= {words.slot_rows[s] for s in (column.parts or ([column.slot] if column.slot >= 0 else []))}
    assert given_rows == set(range(1, words.rows))
    assert [row for row, _ in words.new] == list(range(1, words.rows))
