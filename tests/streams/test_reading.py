"""`hw.read` and those who take what it takes; columns whose writing other columns decide."""

import pandas as pd
import polars as pl
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError

ROWS = [
    {"size": float(i % 7), "to": "JFK" if i % 3 else "LGA", "late": "yes" if i % 7 > 3 else "no"} for i in range(400)
]


def learned(source, **options):
    return hw.evaluate(hw.Classifier(seed=1), source, **options).record.scores


def test_files_folders_frames_and_arrays_are_evaluated_alike(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(ROWS)
    frame.to_csv("a.csv", index=False)
    pl.DataFrame(ROWS).write_parquet("a.parquet")
    pl.DataFrame(ROWS).write_ndjson("a.jsonl")
    (tmp_path / "folder").mkdir()
    frame[:200].to_csv("folder/1.csv", index=False)
    frame[200:].to_csv("folder/2.csv", index=False)
    want = learned((frame.drop(columns="late"), frame["late"]))
    for source in (
        "a.csv",
        tmp_path / "a.csv",
        "a.parquet",
        "a.jsonl",
        "folder",
        ["folder/1.csv", "folder/2.csv"],
        "folder/*.csv",
        frame,
        pl.DataFrame(ROWS),
    ):
        assert learned(source, target="late") == want, source


def test_a_stream_gives_pairs(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("size,late\n1,yes\n2,no\n")
    with hw.read(path, target="late") as stream:
        assert list(stream) == [({"size": 1.0}, "yes"), ({"size": 2.0}, "no")]


def test_a_session_knows_its_task_and_closes_what_it_opened(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("size,minutes\n" + "".join(f"{i % 9},{i % 9}\n" for i in range(90)))
    record = hw.Session(hw.Regressor(seed=1)).run(path, "minutes")  # as classes these would be nine
    assert record.scored >= 89
    assert "mae" in record.scores


@pytest.mark.parametrize(
    ("text", "want"),
    [
        # 1,234 alone could be either; another column decides, then the separator
        ("a;b\n1,234;2,5\n5,678;3,5\n", [1.234, 5.678]),
        ('a,b\n"1,234",2.5\n"5,678",3.5\n', [1234.0, 5678.0]),
        ("a;b\n1,234;x\n5,678;y\n", [1.234, 5.678]),
        ("a\tb\n1,234\tx\n5,678\ty\n", [1234.0, 5678.0]),
        # 1.234 is plain in a file with commas or tabs; with semicolons a point in front of three digits groups them
        ("a,b\n1.234,x\n5.678,y\n", [1.234, 5.678]),
        ("a;b\n1.234;x\n5.678;y\n", [1234.0, 5678.0]),
        ("b;a\n3473;69.460\n12;517\n", [69460.0, 517.0]),
        ("a;b\n517;x\n4.292;y\n1.287;z\n3473;z\n", [517.0, 4292.0, 1287.0, 3473.0]),
        # unless another column has a decimal point
        ("a;b\n1.234;2.5\n5.678;3.5\n", [1.234, 5.678]),
        ("a;b\n1.234;0.250\n5.678;0.125\n", [1.234, 5.678]),
        ("a;b\n1.234;2,5\n5.678;3,5\n", [1234.0, 5678.0]),
        ("a;b\n1.5;2,5\n5.678;3,5\n", [1.5, 5.678]),
        # two points in one number settle its column and its file, whatever separates the cells
        ("a,b\n19.129,x\n1.203.943,y\n", [19129.0, 1203943.0]),
        ("a,b\n19.129,2.345.678\n1.203,9\n", [19129.0, 1203.0]),
        ('a;b\n19.129;"1,203,943"\n1.203;9\n', [19.129, 1.203]),
        # days and months that no cell tells apart
        ("a;b\n1/5/2024;x\n2/6/2024;y\n", [(5, 1), (6, 2)]),
        ("a,b\n1/5/2024,x\n2/6/2024,y\n", [(1, 5), (2, 6)]),
        ("a,b\n1/5/2024,13/5/2024\n2/6/2024,1/6/2024\n", [(5, 1), (6, 2)]),
    ],
)
def test_other_columns_decide_what_one_alone_leaves_open(tmp_path, text, want):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with hw.read(path, task=None) as stream:
        values = [x["a"] for x, _ in stream]
    assert [(value.month, value.day) if isinstance(want[0], tuple) else value for value in values] == want


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;b\n1.234;x\n517;y\n", "1.234 is read as 1234; --decimal point reads 1.234."),
        ("a,b\n1.234,x\n517,y\n", "a: 1.234 is read as 1.234; --decimal comma reads 1234."),
        ('a,b\n"1,234",x\n517,y\n', "1,234 is read as 1234; --decimal comma reads 1.234."),
        ("a;b\n1,234;x\n517;y\n", "1,234 is read as 1.234; --decimal point reads 1234."),
        ("a,b\n1.234,0.5\n517,1.5\n", None),
        ("a,b\n19.129,x\n1.203.943,y\n", None),
    ],
)
def test_where_both_readings_fit_both_are_told_with_the_option_that_decides(tmp_path, text, said):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with hw.read(path, task=None) as stream:
        list(stream)
        notes = " ".join(stream.notes)
    assert ("is read as" in notes) == (said is not None)
    assert (said or "") in notes


@pytest.mark.parametrize(("decimal", "want"), [("point", [1.234, 517.0]), ("comma", [1234.0, 517.0])])
def test_the_option_decides_and_nothing_is_told_then(tmp_path, decimal, want):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1.234;x\n517;y\n")
    with hw.read(path, task=None, decimal=decimal) as stream:
        assert [x["a"] for x, _ in stream] == want
        assert "is read as" not in " ".join(stream.notes)


def test_options_overrule_what_the_columns_say(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"1,234",1/5/2024\n"5,678",2/6/2024\n')
    with hw.read(path, task=None, decimal="comma", dates="dmy") as stream:
        assert [(x["a"], x["b"].month) for x, _ in stream] == [(1.234, 5), (5.678, 6)]
    with hw.read(path, task=None, text=["a"]) as stream:
        assert [x["a"] for x, _ in stream] == ["1,234", "5,678"]
    for options in (
        {"decimal": "x"},
        {"dates": "dym"},
        {"dates": "%Q"},
        {"dates": "%H:%M"},
        {"decimal": "comma", "thousands": "comma"},
        {"encoding": "gbkk"},
    ):
        with pytest.raises(ConfigError):
            hw.read(path, task=None, **options)


def test_more_than_a_fifth_of_missing_answers_stops_in_python_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,late\n" + "1,yes\n2,no\n3,\n" * 50)
    with pytest.raises(
        DataError, match=r"got 50 of 150 \(50 × the answer is missing\) — at .*a.csv, column late, first in line 4"
    ):
        hw.evaluate(hw.Classifier(), path, "late")
    with hw.read(path, target="late", allow_rejects=0.4) as stream:
        assert hw.evaluate(hw.Classifier(), stream).record.rows == 100


def test_kinds_do_not_hang_on_the_first_cell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,late\n" + "soon,no\n" + "".join(f"{i},{'yes' if i > 50 else 'no'}\n" for i in range(100)))
    with hw.read(path, target="late") as stream:
        model = hw.Classifier(seed=1)
        hw.Session(model).run(stream)
    assert model.describe()["features"] == [{"name": "a", "kind": "number", "values": 0}]
