"""Workbooks are read as files are, and relations of DuckDB as frames."""

from __future__ import annotations

import datetime as dt

import pytest

import headwater as hw
from headwater.errors import SourceError


def test_the_first_filled_sheet_of_a_workbook_is_read_by_the_rules_of_files(tmp_path):
    pytest.importorskip("python_calamine")
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.create_sheet("data")
    for row in (
        ["Sales", None, None],
        ["day", "price", "late"],
        [dt.date(2024, 1, 5), "1,5 €", True],
        [None, "2,5 €", False],
    ):
        book["data"].append(row)
    book.save(tmp_path / "a.xlsx")
    with hw.read(tmp_path / "a.xlsx", target="late") as stream:
        (block,) = stream.blocks()
    assert [{"day": dt.date(2024, 1, 5), "price": 1.5}, {"day": None, "price": 2.5}] == block.X
    assert (block.y, stream.name) == ([True, False], str(tmp_path / "a.xlsx"))


def test_what_is_no_workbook_is_refused_in_a_sentence(tmp_path):
    pytest.importorskip("python_calamine")
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    for name in ("a.xlsx", "b.xlsx"):
        with pytest.raises(SourceError, match=r"^expected a (workbook|file), got .* — at "):
            hw.read(tmp_path / name, task=None)


def test_a_relation_of_duckdb_is_read(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    relation = duckdb.sql("SELECT range AS n, range > 3 AS late FROM range(6)")
    with hw.read(relation, target="late") as stream:
        (block,) = stream.blocks()
    assert list(block.X)[:2] == [{"n": 0}, {"n": 1}]
    assert block.y == [False] * 4 + [True] * 2
