"""CSV and TSV: what is a row, what is rejected, and where it stood."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import DataError, SourceError, TargetError
from headwater.streams import read
from headwater.streams.files import lines as lines_module
from headwater.streams.files.lines import read_lines
from headwater.streams.files.rejects import Rejects
from headwater.streams.readers.delimited import Header, read_delimited


def write(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows_of(path, **options):
    """Return all rows, their answers, their numbers, and the stream."""
    with read(path, **{"target": "y", **options}) as stream:
        blocks = list(stream.blocks())
    rows = [x for block in blocks for x in block.X]
    return rows, [y for b in blocks for y in b.y], [n for b in blocks for n in b.rows], stream


def test_a_csv_file_becomes_dicts_and_answers(tmp_path):
    path = write(tmp_path / "a.csv", "n,s,b,gap,y\n1,JFK,true,,0\n2.5,LGA,false,NA,1\n")
    rows, y, numbers, _ = rows_of(path)
    assert rows == [{"n": 1.0, "s": "JFK", "b": True, "gap": None}, {"n": 2.5, "s": "LGA", "b": False, "gap": None}]
    assert y == [0, 1]
    assert numbers == [1, 2]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "a;y\n1;0\n"),
        ("a.csv", "a|y\n1|0\n"),
        ("a.tsv", "a\ty\n1\t0\n"),
        ("a.txt", "a\ty\n1\t0\n"),
        ("a", "a,y\r\n1,0\r\n"),
        ("a.csv", "\ufeffa,y\n1,0"),
        ("a.csv", "\n\na, y\n\n1, 0\n\n"),
        ("a.csv", '"a","y"\n"1","0"\n'),
    ],
)
def test_every_usual_spelling_of_a_table_reads_the_same(tmp_path, name, text):
    rows, y, _, stream = rows_of(write(tmp_path / name, text))
    assert (rows, y) == ([{"a": 1.0}], [0])
    assert stream.rejects.counts == {}


@pytest.mark.parametrize("suffix", [".csv.gz", ".gz", ".csv"])
def test_gzip_is_told_by_its_first_bytes(tmp_path, suffix):
    rows, y, _, _ = rows_of(write(tmp_path / f"a{suffix}", gzip.compress(b"a,y\n1,0\n")))
    assert (rows, y) == ([{"a": 1.0}], [0])


def test_rows_with_the_wrong_number_of_fields_are_counted_with_their_lines(tmp_path):
    path = write(tmp_path / "a.csv", "a,b,y\n1,2,0\n1,2\n1,2,0,9\n\n3,4,1\n")
    rows, y, numbers, stream = rows_of(path, allow_rejects=1)
    assert y == [0, 1]
    assert numbers == [1, 4]
    assert rows[1] == {"a": 3.0, "b": 4.0}
    assert stream.rejects.counts == {"wrong number of fields": 2}
    assert stream.rejects.places == {"wrong number of fields": [3, 4]}


def test_lines_that_are_not_utf8_are_counted_and_the_others_go_on(tmp_path):
    path = write(tmp_path / "a.csv", b"a,y\n" + "é,0\nü,1\n".encode() + b"caf\xe9,1\ny,1\n")
    rows, y, _, stream = rows_of(path, allow_rejects=0.25)
    assert rows == [{"a": "é"}, {"a": "ü"}, {"a": "y"}]
    assert y == [0, 1, 1]
    assert stream.rejects.places == {"not UTF-8": [4]}


def test_a_quoted_field_may_hold_line_breaks_and_delimiters(tmp_path):
    path = write(tmp_path / "a.csv", 'a,y\n"two\nlines, one ""field""",0\nplain,1\n')
    rows, y, _, stream = rows_of(path)
    assert rows == [{"a": 'two\nlines, one "field"'}, {"a": "plain"}]
    assert y == [0, 1]
    assert stream.rejects.counts == {}


def test_a_quote_that_is_never_closed_costs_one_row_only(tmp_path):
    good = "".join(f"{i},{i % 2}\n" for i in range(5_000))
    path = write(tmp_path / "a.csv", f'a,y\n0,1\n"open,1\n{good}')
    _, y, _, stream = rows_of(path)
    assert len(y) == 5_001
    assert stream.rejects.places == {"unclosed quote": [3]}


def test_a_stray_quote_that_joins_two_lines_costs_the_first_only(tmp_path):
    path = write(tmp_path / "a.csv", 'a,b,y\n"open,2,1\n"closed,x",2,0\n')
    _, y, _, stream = rows_of(path, allow_rejects=0.5)
    assert y == [0]
    assert stream.rejects.places == {"wrong number of fields": [2]}


def test_rejected_rows_are_written_to_a_file(tmp_path):
    path = write(tmp_path / "a.csv", "a,y\n1,0\n1,2,3\n")
    rows_of(path, rejects=tmp_path / "bad.jsonl", allow_rejects=0.5)
    assert json.loads((tmp_path / "bad.jsonl").read_text()) == {
        "line": 3,
        "reason": "wrong number of fields",
        "row": "1,2,3",
    }


def test_a_damaged_gzip_file_gives_what_is_whole(tmp_path):
    rows = "a,y\n" + "".join(f"{i * 7919 % 10007},{i % 2}\n" for i in range(20_000))
    whole = gzip.compress(rows.encode())
    _, y, _, stream = rows_of(write(tmp_path / "a.csv.gz", whole[: len(whole) // 2]))
    assert 1_000 < len(y) < 20_000
    assert "damaged archive: the rest is lost" in stream.rejects.counts


def test_columns_can_be_dropped_or_read_as_text(tmp_path):
    path = write(tmp_path / "a.csv", "id,zip,a,y\n1,0042,3,0\n")
    rows, _, _, _ = rows_of(path, drop=("id",), text=("zip",))
    assert rows == [{"zip": "0042", "a": 3.0}]


def test_a_column_without_a_name_is_called_after_its_place(tmp_path):
    rows, _, _, _ = rows_of(write(tmp_path / "a.csv", ",a,y\n0,3,1\n"))
    assert rows == [{"column 1": 0.0, "a": 3.0}]


def test_a_table_of_nothing_but_answers_has_empty_rows(tmp_path):
    rows, y, _, _ = rows_of(write(tmp_path / "a.csv", "y\n1\n0\n"))
    assert (rows, y) == ([{}, {}], [1, 0])


@pytest.mark.parametrize(
    ("text", "options", "error", "sentence"),
    [
        ("a,late\n1,0\n", {"target": "Lat"}, TargetError, "Did you mean late?"),
        ("a,y\n1,0\n", {"drop": ("b",)}, DataError, "expected the column b, got no such column"),
        ("a,a,y\n1,2,0\n", {}, DataError, "got 'a' more than once"),
        ("", {}, SourceError, "got an empty file"),
        ("\n \n", {}, SourceError, "got an empty file"),
        ("a,y\n", {}, SourceError, "expected rows, got none"),
        ("a,y\n1\n2\n", {}, SourceError, "got 2 × wrong number of fields"),
        ("a,y\n1,\n2,\n", {}, TargetError, "got none in the first 2 rows"),
    ],
)
def test_what_cannot_be_learned_from_is_said_in_one_sentence(tmp_path, text, options, error, sentence):
    path = write(tmp_path / "a.csv", text)
    with pytest.raises(error) as caught:
        rows_of(path, **options)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_column_that_stands_twice_may_be_dropped(tmp_path):
    rows, _, _, _ = rows_of(write(tmp_path / "a.csv", "a,a,b,y\n1,2,3,0\n"), drop=("a",))
    assert rows == [{"b": 3.0}]


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=("Cs",)), max_size=6)


@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=40), st.integers(1, 64))
def test_how_the_bytes_are_cut_changes_nothing(rows, size):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows, ("x", "not closed")])
    data = text.getvalue().encode() + b'"open,1\n' + b"a,b,c\n" + b"q,r\n"

    def parse():
        rejects = Rejects()
        blocks = read_delimited(read_lines(io.BytesIO(data), rejects), Header(("a", "b"), text=("a", "b")), rejects)
        return [x for block in blocks for x in block.X], rejects.counts, rejects.places

    whole = parse()
    before = lines_module._CHUNK
    lines_module._CHUNK = size
    try:
        cut = parse()
    finally:
        lines_module._CHUNK = before
    assert cut == whole


@given(st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=40))
def test_what_the_csv_writer_writes_is_read_back(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    rejects = Rejects()
    header = Header(("a", "b"), text=("a", "b"))
    lines = read_lines(io.BytesIO(text.getvalue().encode()), rejects)
    read_back = [tuple(x.values()) for block in read_delimited(lines, header, rejects) for x in block.X]
    missing = [tuple(read_delimited_value(cell) for cell in row) for row in rows]
    assert read_back == missing


def read_delimited_value(cell):
    """Return the text of a cell as it is kept: spaces after a delimiter are skipped, missing ones are None."""
    from headwater.streams.readers.dtypes.cells import parse_text

    return parse_text([next(csv.reader(io.StringIO(_quoted(cell)), skipinitialspace=True))[0]])[0]


def _quoted(cell):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([cell, ""])
    return text.getvalue()
