"""Parquet and Arrow files, through pyarrow or polars."""

import datetime as dt
from decimal import Decimal

import pytest

from headwater.errors import MissingExtra, SourceError, TargetError
from headwater.streams import read
from headwater.streams.readers import columnar

TABLE = {"n": [1, None, 3], "s": ["a", "b", None], "flag": [True, False, None], "y": ["no", "yes", "no"]}
ROWS = [{"n": 1, "s": "a", "flag": True}, {"n": None, "s": "b", "flag": False}, {"n": 3, "s": None, "flag": None}]


def write(path, table, kind):
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    arrow = pa.table(table)
    if kind == "parquet":
        pa.parquet.write_table(arrow, path)
    elif kind == "feather":
        pa.feather.write_feather(arrow, str(path))
    else:
        maker = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
        with maker(str(path), arrow.schema) as writer:
            writer.write_table(arrow)
    return path


def rows_of(path, **options):
    with read(path, **{"target": "y", **options}) as stream:
        blocks = list(stream.blocks())
    return (
        [x for b in blocks for x in b.X],
        [y for b in blocks for y in b.y],
        [n for b in blocks for n in b.rows],
        stream,
    )


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
@pytest.mark.parametrize(
    ("kind", "name"),
    [("parquet", "a.parquet"), ("feather", "a.feather"), ("file", "a.arrow"), ("stream", "a.ipc"), ("parquet", "a")],
)
def test_each_columnar_format_reads_the_same_with_each_library(tmp_path, monkeypatch, library, kind, name):
    path = write(tmp_path / name, TABLE, kind)
    monkeypatch.setattr(columnar, "find_spec", lambda wanted: True if wanted == library else None)
    rows, y, numbers, _ = rows_of(path)
    assert rows == ROWS
    assert y == ["no", "yes", "no"]
    assert numbers == [1, 2, 3]


def test_a_parquet_file_says_how_many_rows_it_has(tmp_path):
    table = {"a": list(range(10_000)), "y": [0.5] * 10_000}
    rows, _, numbers, stream = rows_of(write(tmp_path / "a.parquet", table, "parquet"))
    assert stream.total == len(rows) == 10_000
    assert numbers == list(range(1, 10_001))


def test_values_that_samples_do_not_hold_become_numbers_and_times_stay(tmp_path):
    when = dt.datetime(2013, 1, 1, 5, 15, tzinfo=dt.UTC)
    table = {
        "price": [Decimal("1.50"), None],
        "took": [dt.timedelta(minutes=2), None],
        "at": [dt.time(1, 2, 3), None],
        "when": [when, None],
        "y": [0.5, 1.5],
    }
    rows, _, _, _ = rows_of(write(tmp_path / "a.parquet", table, "parquet"))
    assert rows[0] == {"price": 1.5, "took": 120.0, "at": 3723, "when": when}
    assert rows[1] == {"price": None, "took": None, "at": None, "when": None}


def test_without_either_library_the_extra_is_named(tmp_path, monkeypatch):
    path = write(tmp_path / "a.parquet", TABLE, "parquet")
    monkeypatch.setattr(columnar, "find_spec", lambda wanted: None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[frames\]'"):
        rows_of(path)


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_file_cut_short_is_refused_in_one_sentence(tmp_path, monkeypatch, library, name):
    path = write(tmp_path / name, TABLE, "parquet" if name.endswith("parquet") else "file")
    path.write_bytes(path.read_bytes()[:100])
    monkeypatch.setattr(columnar, "find_spec", lambda wanted: True if wanted == library else None)
    with pytest.raises(SourceError) as caught:
        rows_of(path)
    assert "an unreadable one" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_target_is_named(tmp_path):
    with pytest.raises(TargetError, match="expected the column label"):
        rows_of(write(tmp_path / "a.parquet", TABLE, "parquet"), target="label")


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_a_file_of_columns_teaches_what_its_rows_teach(tmp_path, kind):
    import pyarrow as pa

    from headwater import Classifier
    from headwater.route.session import Session
    from headwater.store.learner_file import to_bytes
    from headwater.streams import FrameRows

    table = {
        "n": [None if i % 5 == 1 else i % 13 for i in range(300)],
        "x": [i / 7 for i in range(300)],
        "s": [None if i % 9 == 4 else f"s{i % 17}" for i in range(300)],
        "word": pa.array([f"w{i % 4}" for i in range(300)]).dictionary_encode(),
        "when": [dt.datetime(2026, 1, 1) + dt.timedelta(hours=i) for i in range(300)],
        "y": ["yes" if i % 3 else "no" for i in range(300)],
    }
    path = write(tmp_path / "table", table, kind)
    learned = []
    for frames in (True, False):
        model = Classifier(seed=1)
        with read(path, target="y") as stream:
            blocks = list(stream.blocks())
        assert all(isinstance(block.X, FrameRows) for block in blocks)
        for block in blocks:
            Session(model).step(block.X if frames else list(block.X), block.y)
        learned.append(to_bytes(model))
    assert learned[0] == learned[1]


@pytest.mark.parametrize("values", [[Decimal("1.5")] * 3, [dt.time(1)] * 3, [dt.timedelta(1)] * 3, [[1], [2], [3]]])
def test_columns_that_say_less_than_their_values_go_as_rows(tmp_path, values):
    path = write(tmp_path / "t.parquet", {"v": values, "y": ["no", "yes", "no"]}, "parquet")
    with read(path, target="y") as stream:
        assert [type(block.X) for block in stream.blocks()] == [list]


def test_a_dictionary_of_numbers_is_read_as_numbers(tmp_path):
    import pyarrow as pa

    path = write(
        tmp_path / "t.parquet", {"v": pa.array([3, 1, 3]).dictionary_encode(), "y": ["a", "b", "a"]}, "parquet"
    )
    assert rows_of(path)[0] == [{"v": 3}, {"v": 1}, {"v": 3}]


def test_rows_whose_answer_is_of_another_kind_are_left_out_of_a_frame(tmp_path):
    import polars as pl

    from headwater.streams import Block, FrameRows, Rejects, Target

    block = Block(FrameRows(pl.DataFrame({"a": [1, 2, 3]})), [1.5, "ten", None], range(1, 4))
    rejects = Rejects()
    cleaned = Target("regress", "number").clean(block, rejects)
    assert (list(cleaned.X), cleaned.y) == ([{"a": 1}, {"a": 3}], [1.5, None])
    assert rejects.counts == {"target is text, not a number": 1}
