"""A look at a source says what was read, what else it could be, and what is odd, before anything is learned."""

from __future__ import annotations

import csv
import io
import json
import random

import pandas as pd
import polars as pl
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import DataError

DRAW = random.Random(3)
N = 60
ROWS = [
    {
        "id": f"o-{i:05}",
        "row": i,
        "ts": 1_704_412_800 + 60 * i,
        "ms": 1_704_412_800_000 + 60_000 * i,
        "order_date": 45_296 + i // 3,
        "price": f"{DRAW.randrange(1000, 9999)},{DRAW.randrange(10, 99)} €",
        "doubt": f"{DRAW.randrange(1, 9)},{DRAW.randrange(100, 999)}",
        "when": f"{i % 5 + 1}/{i % 7 + 1}/2024",
        "humidity": -999 if i % 9 == 4 else i % 50,
        "country": "DE",
        "result": "won" if i % 3 else "lost",
        "note": "" if i % 2 else "a b",
        "y": int(i % 3 > 0),
    }
    for i in range(N)
]


def as_csv(delimiter: str = ";") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ROWS[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue()


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text(as_csv(), encoding="utf-8")
    return file


def test_a_look_marks_what_is_odd_with_the_option_that_changes_it(path):
    found = hw.look(path, target="y")
    assert (found.rows, found.source) == (N, str(path))
    assert {column.name: (column.kind, column.marks, column.option) for column in found.columns} == {
        "id": ("text", ("identifier",), "--drop id"),
        "row": ("number", ("identifier",), "--drop row"),
        "ts": ("number", ("epoch",), "--times ts"),
        "ms": ("number", ("epoch in milliseconds",), "--times ms"),
        "order_date": ("number", ("Excel date",), "--times order_date"),
        "price": ("number", (), ""),
        "doubt": ("number", (), "--decimal point"),
        "when": ("date", (), "--dates mdy"),
        "humidity": ("number", ("sentinel -999",), "--missing=-999"),
        "country": ("text", ("constant",), "--drop country"),
        "result": ("text", ("leaks the target",), "--drop result"),
        "note": ("text", ("constant",), "--drop note"),
        "y": ("number", (), ""),
    }
    assert (found["price"].unit, found["note"].gaps, found["humidity"].cells[:2]) == ("€", N // 2, ("0", "1"))
    assert len(found["id"].cells) == 5


def test_a_look_says_what_else_a_column_could_be_and_how_sure_it_is():
    found = hw.look([{"a": f"{i},{100 + i}", "d": "1/2/2024"} for i in range(1, 9)])
    assert found["a"].others == ("1.101 with a decimal comma",)
    assert (found["a"].sure, found["a"].option) == (0.5, "--decimal comma")
    assert (found["d"].others, found["d"].option) == (("day, month, year",), "--dates dmy")
    told = hw.look([{"a": f"{i},{100 + i}"} for i in range(1, 9)], decimal="comma")
    assert (told["a"].others, told["a"].sure) == ((), 1.0)


@pytest.mark.parametrize(
    "form", [list, pd.DataFrame, pl.DataFrame, lambda rows: csv.DictReader(io.StringIO(as_csv()), delimiter=";")]
)
def test_rows_in_memory_are_looked_at_alike(form):
    found = hw.look(form(ROWS), target="y")
    assert found["id"].marks == ("identifier",)
    assert found["humidity"].marks == ("sentinel -999",)
    assert found["price"].unit == "€"
    assert found["result"].marks == ("leaks the target",)


def test_a_number_that_tells_the_target_and_a_value_that_no_learner_reads_are_marked():
    rows = [{"x": i * 1.5, "copy": 3.0 * i * i, "raw": b"x", "y": float(i * i)} for i in range(40)]
    found = hw.look(rows, target="y")
    assert (found["copy"].marks, found["x"].marks) == (("leaks the target",), ())
    assert (found["raw"].kind, found["raw"].marks[0], found["raw"].option) == ("unreadable", "unreadable", "--drop raw")


def test_a_look_is_a_table_of_text_and_of_html(path):
    found = hw.look(path, target="y")
    lines = repr(found).splitlines()
    assert lines[0] == f"{path}: {N} rows looked at"
    assert lines[2].split()[:3] == ["column", "read", "as"]
    assert next(line for line in lines if line.startswith("humidity")).split()[-3:] == [
        "sentinel",
        "-999",
        "--missing=-999",
    ]
    assert found._repr_html_().count("<tr>") == len(ROWS[0]) + 1
    assert "&lt;b&gt;" in hw.look([{"<b>": "x"}])._repr_html_()


def test_a_missing_target_is_refused_with_the_columns_that_are_there(path):
    with pytest.raises(DataError, match="expected the column yy, got no such column"):
        hw.look(path, target="yy")


def test_the_command_shows_the_table_or_json(path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["look", str(path), "--target", "y"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out == f"{hw.look(path, target='y')!r}\n"
    assert main(["look", str(path), "--limit", "7", "--drop", "ts", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], len(found["columns"])) == (7, len(ROWS[0]) - 1)
    assert main(["look"]) == 2
