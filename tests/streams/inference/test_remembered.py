"""How a file was read is in the model: a second command, a single row, a frame and a copy read the same way."""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import pickle

import pytest

import headwater as hw
from headwater.cli import main
from headwater.encode.formats import FormattedReader

OPTIONS = ["--comment", "#", "--times", "t", "--missing=-999"]


def table(n=400):
    lines = ["day;price;t;gap;kind;answer"]
    for i in range(n):
        price = f"{i * 7919 % 100_000 / 7:,.2f}".translate(str.maketrans(",.", ".,"))
        gap = -999 if i % 7 == 0 else i % 5
        day, t = f"{i % 28 + 1:02}.{i % 12 + 1:02}.2024", 1704412800 + 3600 * i
        lines.append(f"{day};{price};{t};{gap};{'ab'[i % 2]};{'late' if i % 24 > 15 else 'soon'}")
    return lines


def texts(lines):
    """The rows as `csv.DictReader` gives them, without the answer."""
    rows = list(csv.DictReader(lines, delimiter=";"))
    return [{name: cell for name, cell in row.items() if name != "answer"} for row in rows]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def command(*words):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(words))
        return status, out.getvalue(), err.getvalue()

    return command


@pytest.fixture
def learned(run, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(["# from the archive", *table()]))
    assert run("learn", "a.csv", "-t", "answer", "--model", "m.hw", "--hidden", "3", *OPTIONS)[0] == 0
    return run("predict", "a.csv", "--model", "m.hw", "--limit", "40", *OPTIONS)[1]


def test_a_second_command_needs_none_of_the_options_and_says_what_it_took(run, learned):
    status, out, err = run("predict", "a.csv", "--model", "m.hw", "--limit", "40")
    assert (status, out) == (0, learned)
    assert "Read as the model's files were: --comment '#', --missing=-999." in err
    status, out, _ = run("learn", "a.csv", "--model", "m.hw", "--limit", "300")
    assert status == 0
    assert "Read as the model's files were: --comment '#', --missing=-999." in out


def test_an_option_overrules_what_the_model_remembers(run, learned):
    _, out, err = run("predict", "a.csv", "--model", "m.hw", "--limit", "40", "--missing=-1")
    assert out != learned
    assert "Read as the model's files were: --comment '#'." in err


def test_lines_before_the_names_and_files_without_names_are_remembered(run, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(["one,two", "three,four", *(line.replace(";", ",") for line in plain())]))
    assert run("learn", "a.csv", "-t", "column 2", "--model", "m.hw", "--skip-lines", "2", "--no-header")[0] == 0
    status, out, err = run("predict", "a.csv", "--model", "m.hw")
    assert (status, len(out.splitlines())) == (0, 101)
    assert "Read as the model's files were: --skip-lines 2, --no-header." in err


def plain():
    return [f"{i},{'yes' if i % 3 else 'no'}" for i in range(100)]


def test_a_row_of_texts_a_frame_and_copies_read_as_the_file_did(learned):
    want = [float(row["proba_late"]) for row in csv.DictReader(learned.splitlines())]
    model, rows = hw.load("m.hw"), texts(table())[:40]
    for one in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [one.predict_proba_one(row)["late"] for row in rows] == pytest.approx(want, rel=1e-5)
    with hw.open("s.db", model):
        pass
    with hw.open("s.db") as durable:
        assert [durable.predict_proba_one(row)["late"] for row in rows] == pytest.approx(want, rel=1e-5)
    pd = pytest.importorskip("pandas")
    assert model.predict_proba_many(pd.DataFrame(rows))["late"].tolist() == pytest.approx(want, rel=1e-5)


def test_a_row_learned_alone_is_the_row_learned_from_the_file(run, learned, tmp_path):
    more = table(420)[401:]
    (tmp_path / "b.csv").write_text("\n".join([table()[0], *more]))
    alone = hw.load("m.hw")
    for row, line in zip(texts([table()[0], *more]), more, strict=True):
        alone.learn_one(row, line.rpartition(";")[2])
    assert run("learn", "b.csv", "--model", "m.hw")[0] == 0
    rows = texts(table())[:40]
    assert [alone.predict_proba_one(row) for row in rows] == [hw.load("m.hw").predict_proba_one(row) for row in rows]


def test_a_model_that_has_learned_a_file_in_python_reads_rows_as_the_file(tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(table()))
    model = hw.Classifier((3,), seed=1)
    hw.evaluate(model, tmp_path / "a.csv", "answer")
    rows = texts(table())[:40]
    with hw.read(tmp_path / "a.csv", target="answer") as stream:
        samples = [x for x, _ in stream][:40]
    assert [model.predict_proba_one(row) for row in rows] == [model.predict_proba_one(x) for x in samples]
    model.save(tmp_path / "m.hw")
    assert hw.load(tmp_path / "m.hw").notes["columns"]["price"] == {"kind": "number", "decimal": ",", "thousands": "."}


def test_a_text_that_fits_no_format_is_read_as_ever():
    notes = {"columns": {"price": {"kind": "number", "decimal": ","}, "day": {"kind": "date", "order": "dmy"}}}
    reader = FormattedReader.of(notes | {"missing": ["x1"]})
    assert reader.formatted(b"price", " soon ") == "soon"
    assert reader.formatted(b"price", "1.5") is ...
    assert reader.formatted(b"day", "soon") is ...
    assert reader.formatted(b"other", "1,5") is ...
    assert reader.formatted(b"price", "x1") is None
    assert reader.formatted(b"price", "?") is None
    assert reader.formatted(b"price", "1,5") == 1.5
    assert reader.formatted(b"day", "1.2.1970")[0] == 31 * 86_400
    assert FormattedReader.of({"columns": {"a": {"kind": "number"}, "b": {"kind": "text"}}}) is None


@pytest.mark.parametrize(
    ("cells", "odd"),
    [
        (["3", "7.5"], ["(5)", "12-", "−4", "- 4"]),
        (["1/5/2024", "2/28/2024"], ["true", "FALSE"]),
        (["0:30", "11:59"], ["true", "soon", "(5)"]),
        (["1.234,5", "0,25"], ["−1.5", "(5)", "1.5-", "soon "]),
    ],
)
def test_an_unusual_cell_is_the_same_in_a_file_and_in_a_row_of_texts(tmp_path, cells, odd):
    texts = [*odd, *(cells * 30), *odd]
    rows = "".join(f'"{text}",{"ab"[i % 2]}\n' for i, text in enumerate(texts))
    (tmp_path / "a.csv").write_text("a,y\n" + rows, encoding="utf-8")
    model = hw.Classifier(hidden=(4,), seed=1)
    hw.evaluate(model, tmp_path / "a.csv", "y")
    (tmp_path / "b.csv").write_text("a\n" + "".join(f'"{text}"\n' for text in texts), encoding="utf-8")
    with hw.read(tmp_path / "b.csv", task=None, known=model.notes["columns"]) as stream:
        read = [dict(x) for block in stream.blocks() for x in block.X]
    assert [model.predict_proba_one({"a": text}) for text in texts] == list(map(model.predict_proba_one, read))


def test_a_boolean_before_the_first_date_leaves_the_column_one_of_dates(tmp_path):
    rows = "".join(f"2024-01-{i % 28 + 1:02},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "a.csv").write_text("day,y\ntrue,a\n" + rows, encoding="utf-8")
    model = hw.Classifier(hidden=(4,), seed=1)
    with hw.read(tmp_path / "a.csv", target="y") as stream:
        hw.evaluate(model, stream)
        assert stream.odd() == ["day: 1 × text in a column of dates, first 'true' in line 2."]
    assert [column["kind"] for column in model.describe()["features"]] == ["time"]
