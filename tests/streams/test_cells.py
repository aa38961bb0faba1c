"""Cells of text become values that depend on nothing but themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.streams.readers.dtypes.cells import parse_column, parse_label, parse_text
from headwater.streams.readers.dtypes.columns import ColumnReader
from headwater.streams.readers.dtypes.inference import infer_columns

CELLS = st.one_of(
    st.sampled_from(
        ["", "NA", "nan", "NaN", "-nan", "null", "None", "true", "False", "1_000", "inf", "-Infinity", " 7 "]
    ),
    st.integers().map(str),
    st.floats(allow_nan=False).map(str),
    st.text(max_size=4),
)


@given(st.lists(CELLS, min_size=1, max_size=30))
def test_a_cell_has_the_same_value_whatever_its_neighbours_are(cells):
    together = parse_column(cells)
    alone = [parse_column([cell])[0] for cell in cells]
    assert [(type(v), repr(v)) for v in together] == [(type(v), repr(v)) for v in alone]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1.0),
        ("-2.5e3", -2500.0),
        (" 7 ", 7.0),
        ("007", 7.0),
        ("inf", math.inf),
        ("1_000", "1_000"),
        ("true", True),
        ("FALSE", False),
        ("JFK", "JFK"),
        ("yes", "yes"),
        ("", None),
        ("NA", None),
        ("NaN", None),
        ("null", None),
        ("None", None),
        ("-nan", None),
    ],
)
def test_a_cell_reads_as_stated(cell, value):
    read = parse_column([cell])[0]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    ("cell", "value"), [("1", 1), ("-3", -3), ("+4", 4), ("1.0", 1.0), ("1e3", 1000.0), ("UP", "UP"), ("", None)]
)
def test_a_whole_number_stays_whole_as_an_answer(cell, value):
    read = parse_label(cell)
    assert (type(read), read) == (type(value), value)


def test_text_columns_keep_leading_zeros_and_gaps():
    assert parse_text(["0042", "1e3", "NA", ""]) == ["0042", "1e3", None, None]


def test_the_memory_for_texts_is_bounded():
    from headwater.streams.readers.dtypes import cells

    parse_column([f"id-{i}" for i in range(70_000)])
    assert len(cells._CELLS) <= cells._REMEMBERED


@pytest.mark.parametrize("first", [["7"] * 3, [""] * 3])
@pytest.mark.parametrize("sign", ["", "-"])
def test_whole_numbers_that_become_long_after_the_first_rows_stay_apart(first, sign):
    ids = [f"{sign}{12345678901234560 + i}" for i in range(4)]
    judged = infer_columns({"id": first})[0]["id"]
    for reader in (judged, ColumnReader.from_note(judged.note())):
        assert reader.read([*ids, "8", ""], range(6)) == [*map(int, ids), 8.0, None]
