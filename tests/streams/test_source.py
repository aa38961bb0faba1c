"""Every source is opened by one function; what it says when it can't open one."""

import gzip
import io
import sys
import threading

import numpy as np
import pytest

from headwater.errors import ConfigError, DataError, SourceError
from headwater.streams import as_blocks, read


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0", "got a binary file"),
        ("a.zip", b"PK\x03\x04rest", "expected a zip file, got a damaged one"),
        ("a.csv.bz2", b"BZh91AY", "expected a bzip2 file, got a damaged one"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00rest", "got a damaged one"),
    ],
)
def test_what_holds_no_rows_is_called_by_its_name(tmp_path, name, data, sentence):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read(tmp_path / name, target="y")
    assert sentence in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_is_said_with_close_names(tmp_path):
    (tmp_path / "flights.csv").write_text("a,y\n1,0\n")
    with pytest.raises(SourceError, match=r"got no such file .* Did you mean flights.csv"):
        read(tmp_path / "flight.csv", target="y")
    with pytest.raises(SourceError, match=r"got no such file .* Check its path"):
        read(tmp_path / "nowhere" / "a.csv", target="y")


def test_of_several_files_that_are_not_there_the_first_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"got no such file — at .*one\.csv"):
        read([tmp_path / "one.csv", tmp_path / "two.csv"], target="late")


def test_a_folder_without_data_is_no_source(tmp_path):
    with pytest.raises(SourceError, match="got none — at the folder"):
        read(tmp_path, target="y")


def test_a_file_needs_a_target_and_its_columns_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1,0\n")
    with pytest.raises(ConfigError, match=r"Name one: --target COLUMN\. Known: a, y\."):
        read(tmp_path / "a.csv")


def test_the_target_cannot_be_dropped(tmp_path):
    with pytest.raises(ConfigError, match="got y among the dropped"):
        read(tmp_path / "a.csv", target="y", drop=("y",))


def test_an_unknown_format_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1,0\n")
    with pytest.raises(ConfigError, match="expected one of csv, tsv, jsonl, parquet, arrow, got xml"):
        read(tmp_path / "a.csv", target="y", format="xml")


@pytest.mark.parametrize(
    "data", [b"a,y\n1,0\n", b"a\ty\n1\t0\n", b'{"a": 1, "y": 0}\n', gzip.compress(b"a,y\n1,0\n", mtime=0)]
)
def test_standard_input_is_told_by_what_it_holds(monkeypatch, data):
    stdin(monkeypatch, data)
    with read("-", target="y") as stream:
        assert [(x, y) for block in stream.blocks() for x, y in zip(block.X, block.y, strict=True)] == [({"a": 1.0}, 0)]
    assert stream.name == "standard input"


def test_nothing_on_standard_input_is_an_error(monkeypatch):
    stdin(monkeypatch, b"")
    with pytest.raises(SourceError, match="expected rows, got nothing — at standard input"):
        read("-", target="y")


def test_rows_that_trickle_in_are_handed_on_at_once(monkeypatch):
    import os

    reader, write = os.pipe()
    with os.fdopen(reader, "rb") as source, os.fdopen(write, "wb", buffering=0) as sink:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(source))
        sink.write(b"a,y\n1,0\n")
        with read("-", target="y", task="classify") as stream:
            blocks = iter(stream.blocks())
            assert next(blocks).y == [0]
            sink.write(b"2,1\n3,")
            assert next(blocks).y == [1]
            threading.Thread(target=lambda: (sink.write(b"1\n"), sink.close())).start()
            assert next(blocks).y == [1]
            assert next(blocks, None) is None


def test_features_can_be_read_without_a_target(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1,0\n")
    with read(tmp_path / "a.csv", task=None) as stream:
        assert [block.X for block in stream.blocks()] == [[{"a": 1.0, "y": 0.0}]]


def test_a_stream_knows_how_far_it_is(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n" + "1,0\n" * 40_000)
    with read(tmp_path / "a.csv", target="y") as stream:
        seen = [stream.fraction() for _ in stream.blocks()]
    assert seen == sorted(seen)
    assert seen[0] < 0.5
    assert seen[-1] == 1.0


def test_looking_at_the_first_rows_loses_none(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(5_000)))
    with read(tmp_path / "a.csv", target="y") as stream:
        assert [x["a"] for block in stream.blocks() for x in block.X] == list(range(5_000))


def test_a_target_that_changes_its_kind_costs_those_rows(tmp_path):
    rows = [f"{i},{i / 7}" for i in range(2_000)] + ["1,ten", "2,eleven", "3,0.5"]
    (tmp_path / "a.csv").write_text("\n".join(["a,y", *rows]))
    with read(tmp_path / "a.csv", target="y") as stream:
        y = [y for block in stream.blocks() for y in block.y]
    assert len(y) == 2_001
    assert stream.rejects.counts == {"target is text, not a number": 2}
    assert stream.rejects.places == {"target is text, not a number": [2_002, 2_003]}


ROWS = [({"a": 1, "b": "x"}, True), ({"a": 2, "b": "y"}, False)]


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_data_frame_with_its_answers_is_a_stream(library):
    columns = {"a": [1, 2], "b": ["x", "y"], "late": [True, False]}
    if library == "pandas":
        import pandas as pd

        frame = pd.DataFrame(columns)
    elif library == "polars":
        import polars as pl

        frame = pl.DataFrame(columns)
    else:
        import pyarrow as pa

        frame = pa.table(columns)
    block = next(as_blocks(frame, target="late"))
    assert list(zip(block.X, block.y, strict=True)) == ROWS


def test_pairs_arrays_and_frames_are_streams():
    import pandas as pd

    X = np.arange(6.0).reshape(3, 2)
    assert [block.X.tolist() for block in as_blocks((X, np.array([0, 1, 0])))] == [X.tolist()]
    assert [(block.X, block.y) for block in as_blocks(iter(ROWS))] == [([x for x, _ in ROWS], [True, False])]
    frame = pd.DataFrame([x for x, _ in ROWS])
    assert [(block.X, block.y) for block in as_blocks((frame, [True, False]))] == [
        ([x for x, _ in ROWS], [True, False])
    ]
    assert list(as_blocks([])) == []


@pytest.mark.parametrize(("source", "got"), [(7, "int"), ([1, 2], "int"), ((np.ones((3, 1)), [1]), "1")])
def test_what_is_no_stream_is_refused(source, got):
    with pytest.raises(DataError, match=f"got {got}"):
        list(as_blocks(source))
