"""The same table is learned to the same bits, whichever door it comes through."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import headwater as hw
import headwater.errors
from headwater.errors import UnlikelyData
from headwater.serve.app import build
from headwater.serve.http.limits import ServerLimits
from headwater.serve.run import make_state
from headwater.streams.readers.dtypes.cells import Text
from support.readers import Reader, to_bits

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

pytestmark = pytest.mark.filterwarnings("ignore::headwater.errors.UnlikelyData")
NAMES = ("x0", "x1", "x2", "x3", "x4", "x5")
N = 200
told = pytest.mark.filterwarnings("always::headwater.errors.UnlikelyData")


def table() -> list[dict]:
    """Return rows with a number that has gaps, a whole one, true and false, a category with gaps, a date and a postal code."""
    draw = random.Random(5)
    first = dt.date(2024, 1, 5)
    return [
        {
            "x0": None if i % 11 == 3 else round(draw.gauss(5, 2), 3),
            "x1": draw.randrange(40),
            "x2": draw.random() < 0.4,
            "x3": None if i % 13 == 5 else draw.choice(["JFK", "LGA", "Köln", "北京"]),
            "x4": first + dt.timedelta(days=draw.randrange(300)),
            "x5": draw.choice(["01067", "04109", "10115", "20095"]) if i else "01067",
        }
        for i in range(N)
    ]


ROWS = table()
Y = [float((x["x0"] or 0) + 3 * x["x2"] + len(x["x3"] or "")) for x in ROWS]


def written() -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*NAMES, "y"])
    for x, y in zip(ROWS, Y, strict=True):
        writer.writerow([str(v).lower() if isinstance(v, bool) else v for v in x.values()] + [y])
    return out.getvalue()


def columns() -> dict[str, list]:
    return {name: [x[name] for x in ROWS] for name in NAMES}


def learned(X, y=Y):
    model = hw.Regressor(hidden=(8,), seed=3)
    model.learn_many(X, y)
    return model, model.predict_many(X)


def by_file(folder):
    path = folder / "a.csv"
    path.write_text(written(), encoding="utf-8")
    with hw.read(path, target="y", task="regress") as stream:
        blocks = list(stream.blocks())
    return learned([x for block in blocks for x in block.X], [y for block in blocks for y in block.y])


def by_jsonl_texts(folder):
    """Rows of texts alone in JSON lines."""
    path = folder / "a.jsonl"
    path.write_text("\n".join(json.dumps(x) for x in read_as_texts()), encoding="utf-8")
    with hw.read(path, task=None) as stream:
        return learned([x for block in stream.blocks() for x in block.X])


def by_parquet_texts(folder):
    """A Parquet file whose columns are texts."""
    path = folder / "a.parquet"
    pl.DataFrame(read_as_texts()).write_parquet(path)
    with hw.read(path, task=None) as stream:
        return learned([x for block in stream.blocks() for x in block.X])


def read_as_texts() -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(written())))
    return [{name: x[name] for name in NAMES} for x in rows]


def by_http(folder):
    state = make_state(folder / "a.db", limits=ServerLimits(rows=1000))
    state.service.change(state.service.models.create, "default", hw.Regressor(hidden=(8,), seed=3))
    rows = [{name: str(v) if isinstance(v, dt.date) else v for name, v in x.items()} for x in ROWS]
    with TestClient(build(state)) as client:
        assert client.post("/learn", json=[{"x": x, "y": y} for x, y in zip(rows, Y, strict=True)]).status_code == 200
        answers = client.post("/predict", json=[{"x": x} for x in rows]).json()
    model = state.service.models.named("default").champion.learner
    state.close()
    return model, np.array([row["y_pred"] for row in answers])


def one_by_one(rows):
    model = hw.Regressor(hidden=(8,), seed=3)
    for x, y in zip(rows, Y, strict=True):
        model.learn_one(x, y)
    return model, np.array([model.predict_one(x) for x in rows])


DOORS = {
    "file": by_file,
    "file of JSON texts": by_jsonl_texts,
    "file of Parquet texts": by_parquet_texts,
    "pandas": lambda _: learned(pd.DataFrame(columns())),
    "pandas of texts": lambda _: learned(pd.read_csv(io.StringIO(written()), dtype=str)[list(NAMES)]),
    "pandas of texts, gaps as texts": lambda _: learned(pd.DataFrame(read_as_texts(), dtype=object)),
    "polars": lambda _: learned(pl.DataFrame(columns())),
    "polars of texts": lambda _: learned(pl.DataFrame(read_as_texts())),
    "arrow": lambda _: learned(pa.table(columns())),
    "array": lambda _: learned(np.array([list(x.values()) for x in ROWS], object)),
    "array of texts": lambda _: learned(np.array([list(x.values()) for x in read_as_texts()], str)),
    "dicts": lambda _: one_by_one(ROWS),
    "csv.DictReader": lambda _: one_by_one(read_as_texts()),
    "csv.DictReader in a block": lambda _: learned(read_as_texts()),
    "HTTP": by_http,
}


@pytest.fixture(scope="module")
def expected():
    model, predicted = learned(ROWS)
    return model.engine.core.digest(), np.asarray(predicted, float).tolist()


@pytest.mark.parametrize("door", DOORS)
def test_the_same_table_is_learned_to_the_same_bits_through_every_door(door, tmp_path, expected):
    model, predicted = DOORS[door](tmp_path)
    assert model.engine.core.digest() == expected[0]
    assert np.asarray(predicted, float).tolist() == expected[1]


def test_a_row_of_texts_alone_is_read_as_a_row_of_a_file():
    rows = [
        {"n": "?", "c": " red", "b": "true", "z": "01067"},
        {"n": "2.5", "c": "NA", "b": "false", "z": "10115"},
        {"n": "unknown", "c": "red", "b": "", "z": "7"},
    ]
    reader = Reader()
    assert [len(pairs) for pairs in reader.read(rows)] == [3, 3, 2]
    assert {name: column.kind for name, column in reader.columns.items()} == {
        "n": "number",
        "c": "category",
        "b": "number",
        "z": "category",
    }
    assert set(reader.columns["c"].values) == {"red"}
    assert set(reader.columns["z"].values) == {"01067", "10115", "7"}
    for frame in (pd.DataFrame, pl.DataFrame, pa.Table.from_pylist):
        other = Reader()
        assert to_bits(other.read(frame(rows))) == to_bits(Reader().read(rows))


def test_a_text_in_a_row_with_other_values_is_a_number_only_with_a_sign_or_a_point():
    rows = [
        {"zip": "10115", "price": "19.90", "change": "-3", "none": "NA", "n": 1},
        {"zip": "5", "price": "20", "n": 2, "none": "x"},
    ]
    for X in (rows, pl.DataFrame(rows)):
        reader = Reader()
        reader.read(X)
        kinds = {name: column.kind for name, column in reader.columns.items()}
        assert kinds == {"zip": "category", "price": "number", "change": "number", "none": "category", "n": "number"}
        assert set(reader.columns["none"].values) == {"NA", "x"}


def test_a_column_that_a_file_reads_as_text_stays_one_through_a_store(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("code,city,y\n" + "0042,Köln,1\n42,Bonn,2\n1.5,Köln,3\n" * 30, encoding="utf-8")
    with hw.read(path, target="y", task="regress", text=["code"]) as stream:
        (block,) = stream.blocks()
    assert [type(x["code"]) for x in block.X[:3]] == [Text] * 3
    store = hw.open(tmp_path / "a.db", hw.Regressor(hidden=(4,)))
    store.learn_many(block.X, block.y)
    store.close()
    again = hw.open(tmp_path / "a.db")
    plain = hw.Regressor(hidden=(4,))
    plain.learn_many(block.X, block.y)
    assert set(plain.engine.columns["code"].values) == {"0042", "42", "1.5"}
    assert again.predict_one(block.X[0]) == plain.predict_one(block.X[0])
    again.close()


@told
def test_what_rows_of_texts_are_read_as_is_told_once_by_name(recwarn):
    rows = [{"n": "1", "price": "1.234,56 €", "day": "13.1.2024", "zip": "10115"}, {"n": "2", "zip": "01067"}] * 10
    model = hw.Regressor(hidden=(4,))
    model.learn_many(rows, [1.0] * 20)
    model.learn_many(rows, [1.0] * 20)
    assert [str(one.message) for one in recwarn if one.category is UnlikelyData] == [
        (
            "all values are texts: those of n, zip are read as numbers, as in a CSV file; of zip some begin with zeros, so give codes "
            "a letter; each text of price ('1.234,56 €'), day ('13.1.2024') is a category, where hw.read(rows) finds numbers or "
            "dates. Warned once"
        )
    ]
    hw.Regressor(hidden=(4,)).learn_one({"price": "19.90", "n": 2}, 1.0)
    assert str(recwarn[-1].message) == "texts of price are read as numbers. Warned once"


SOURCES = {
    "dicts": lambda rows: rows,
    "csv.DictReader": lambda rows: csv.DictReader(io.StringIO(as_csv(rows))),
    "a dict of lists": lambda rows: {name: [x[name] for x in rows] for name in rows[0]},
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "a lazy frame": pl.LazyFrame,
    "Arrow": pa.Table.from_pylist,
    "batches": lambda rows: pa.RecordBatchReader.from_batches(
        pa.Table.from_pylist(rows).schema, pa.Table.from_pylist(rows).to_batches(2)
    ),
    "an Arrow stream": lambda rows: Exporter(pa.Table.from_pylist(rows)),
}


class Exporter:
    """An object of which nothing is known but that it exports Arrow."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def as_csv(rows) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize("form", SOURCES)
def test_rows_in_memory_are_read_by_the_rules_of_files(form):
    rows = [
        {"price": "1.234,56 €", "day": "13.1.2024", "zip": "01067", "late": "yes"},
        {"price": "12 €", "day": "1.2.2024", "zip": "10115", "late": "no"},
    ] * 5
    with hw.read(SOURCES[form](rows), target="late") as stream:
        (block,) = stream.blocks()
        notes = stream.notes
    assert list(block.X[:2]) == [
        {"price": 1234.56, "day": dt.datetime(2024, 1, 13), "zip": "01067"},
        {"price": 12.0, "day": dt.datetime(2024, 2, 1), "zip": "10115"},
    ]
    assert block.y == ["yes", "no"] * 5
    assert any("decimal comma, thousands point" in note for note in notes)


def test_arrays_are_read_with_masks_as_gaps_and_fields_as_columns():
    masked = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    with hw.read(masked, task=None) as stream:
        assert [list(block.X) for block in stream.blocks()] == [[{"x0": 1.0, "x1": None}, {"x0": 3.0, "x1": 4.0}]]
    fields = np.array([(1, 2.5), (3, 4.5)], dtype=[("n", "i4"), ("y", "f8")])
    with hw.read(fields, target="y") as stream:
        assert [(list(block.X), block.y) for block in stream.blocks()] == [([{"n": 1}, {"n": 3}], [2.5, 4.5])]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (5, "expected a path, a data frame, an array, or an iterable of dicts, got a int"),
        (np.ones(3), "expected an array of two dimensions, a row each sample, got one of 1"),
        ([[1, 2]], "expected a mapping of names to values, got list — at row 1"),
        ({"a": 1}, "expected rows, or columns of one length, got a dict of other values"),
    ],
    ids=["number", "one dimension", "lists", "values"],
)
def test_what_holds_no_rows_is_refused_with_a_sentence(source, said):
    with pytest.raises(hw.errors.HeadwaterError, match=re.escape(said)):
        list(hw.read(source, task=None))


def test_a_missing_target_names_the_columns_that_are_there():
    with pytest.raises(hw.errors.TargetError, match="Did you mean late"):
        hw.read([{"late": 1}], target="lat")
