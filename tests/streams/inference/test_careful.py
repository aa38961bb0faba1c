"""Each awkward file gives what a careful human would read, or a sentence; each awkward frame gives the bits of its plain twin."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pytest

from headwater.errors import HeadwaterError
from headwater.streams import read
from headwater.streams.readers.dtypes.inference import DtypeInference, Writing

DAY = dt.datetime(2024, 1, 5)


@dataclass
class Case:
    """A file, what its rows are (or the sentence that refuses it), and what must be told about it."""

    name: str
    text: str | bytes
    rows: list[list[Any]] | str
    said: str = ""
    options: dict[str, Any] = field(default_factory=dict)


FILES = [
    # ---- lines that are no rows
    Case("a title", "Sales by day\nday,city,n\n2024-01-05,Köln,1\n2024-01-05,Bonn,2\n",
         [[DAY, "Köln", 1.0], [DAY, "Bonn", 2.0]], "1 line before the names of the columns is left out"),
    Case("a title, a date and a blank line", "Sales\nmade on,2024-01-01\n\nday;city;n;m\n2024-01-05;Köln;1;2\n2024-01-05;Bonn;2;3\n",
         [[DAY, "Köln", 1.0, 2.0], [DAY, "Bonn", 2.0, 3.0]], "3 lines before the names"),
    Case("a padded title", "Sales,,\nday,city,n\n2024-01-05,Köln,1\n2024-01-05,Bonn,2\n",
         [[DAY, "Köln", 1.0], [DAY, "Bonn", 2.0]], "--skip-lines 0 keeps them"),
    Case("a title that is to be skipped", "a,b\nx,y\n1,2\n", [[1.0, 2.0]], options={"skip_lines": 1}),
    Case("a title of two columns", "made,2024\nby,me\nn\n1\n2\n", "wrong number of fields"),
    Case("comments, told", "# made by me\na,b\n1,2\n# a pause\n3,4\n", [[1.0, 2.0], [3.0, 4.0]], options={"comment": "#"}),
    Case("a comment at the top", "# made by me\na,b,c\n1,x,2\n3,y,4\n", [[1.0, "x", 2.0], [3.0, "y", 4.0]], "left out"),
    Case("no header", "1,2\n3,4\n", [[1.0, 2.0], [3.0, 4.0]], options={"header": False}),
    Case("no header, not told", "1,2\n3,4\n", [[3.0, 4.0]], "--no-header reads them as a row"),
    Case("years as names", "city,2023,2024\nKöln,1,2\nBonn,3,4\n", [["Köln", 1.0, 2.0], ["Bonn", 3.0, 4.0]]),
    Case("blank lines around", "\n\na,b\n\n1,2\n\n\n3,4\n\n", [[1.0, 2.0], [3.0, 4.0]]),
    Case("an index without a name", ",name\nx,bob\ny,eve\n", [["x", "bob"], ["y", "eve"]]),
    Case("two indices without names", ",,a,b\nx,1,bob,2\ny,1,eve,3\n", [["x", 1.0, "bob", 2.0], ["y", 1.0, "eve", 3.0]]),
    Case("a total at the end", "a,b\n1,2\n3,4\n5,6\n7,8\n9,10\n11,12\nTotal: 36\n",
         [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0], [11.0, 12.0]]),
    Case("a negative number of lines", "a\n1\n", "expected 0 lines or more, got -1", options={"skip_lines": -1}),
    # ---- times as numbers
    Case("seconds since 1970", "t,n\n1704412800,1\n1704412900,2\n", [[1704412800.0, 1.0], [1704412900.0, 2.0]],
         "t: numbers that may be seconds since 1970 (1704412800 is 2024-01-05 00:00); --times reads them as dates."),
    Case("seconds since 1970, told", "t,n\n1704412800,1\n1704412800.5,2\n",
         [[DAY, 1.0], [DAY + dt.timedelta(milliseconds=500), 2.0]], "read as seconds since 1970", {"times": ["t"]}),
    Case("milliseconds since 1970", "t,n\n1704412800000,1\n1704412800500,2\n",
         [[1704412800000.0, 1.0], [1704412800500.0, 2.0]], "may be milliseconds since 1970"),
    Case("milliseconds since 1970, told", "t,n\n1704412800000,1\n1704412800500,2\n",
         [[DAY, 1.0], [DAY + dt.timedelta(milliseconds=500), 2.0]], options={"times": ["t"]}),
    Case("days of a spreadsheet", "t,n\n45296,1\n45296.5,2\n", [[DAY, 1.0], [DAY + dt.timedelta(hours=12), 2.0]],
         "read as days of a spreadsheet", {"times": ["t"]}),
    Case("times that are none", "t,n\n7,1\n8,2\n", "expected seconds or milliseconds since 1970", options={"times": ["t"]}),
    Case("fourteen digits", "t,n\n20240105123000,1\n20240105000000,2\n",
         [[dt.datetime(2024, 1, 5, 12, 30), 1.0], [DAY, 2.0]], "t: dates such as 20240105123000"),
    Case("fourteen digits of an account", "t,n\n99240105123000,1\n20240105000000,2\n",
         [[99240105123000.0, 1.0], [20240105000000.0, 2.0]]),
    # ---- numbers of people
    Case("萬 and 億", "n\n1.5万\n2亿\n300\n", [[15_000.0], [2e8], [300.0]], "as do 万 and 亿"),
    Case("one unit of ten thousand", "n\n1.5万\n2万\n", [[1.5], [2.0]], "without the unit 万"),
    Case("万元 beside 亿元", "n\n1.5万元\n2亿元\n", [[15_000.0], [2e8]], "multiply"),
    Case("-999 for gaps", "n\n1\n-999\n2\n-999\n", [[1.0], [-999.0], [2.0], [-999.0]], "--missing=-999 reads gaps"),
    Case("-999 for gaps, told", "n,s\n1,-999\n-999,a\n", [[1.0, None], [None, "a"]], options={"missing": ["-999"]}),
    Case("9999 for gaps", "n\n1\n9999\n2\n9999\n", [[1.0], [9999.0], [2.0], [9999.0]], "--missing=9999 reads gaps"),
    Case("999 among its like", "n\n997\n999\n998\n999\n", [[997.0], [999.0], [998.0], [999.0]]),
    Case("one -99 beside temperatures", "n\n-12\n-99\n5\n-99\n", [[-12.0], [-99.0], [5.0], [-99.0]]),
    Case("marks of two kinds told", "n\n1\nk.A.\n-1\n", [[1.0], [None], [None]], options={"missing": ["k.A.", "-1"]}),
    Case("points in a file of semicolons", "m;u\n3473;69.460\n12;1.500\n", [[3473.0, 69460.0], [12.0, 1500.0]], "69.460 is read as 69460"),
    Case("a minus behind", "n\n12-\n3\n", [[-12.0], [3.0]]),
    # ---- texts that look like numbers
    Case("postal codes", "z,n\n01067,1\n10115,2\n", [["01067", 1.0], ["10115", 2.0]], "codes that begin with zeros"),
    Case("short codes, told", "z,n\n007,1\n12,2\n", [["007", 1.0], ["12", 2.0]], options={"text": ["z"]}),
    Case("dates, told to be text", "d,n\n2024-01-05,1\n", [["2024-01-05", 1.0]], options={"text": ["d"]}),
    Case("versions", "v,n\n1.2.3,1\n1.10.0,2\n", [["1.2.3", 1.0], ["1.10.0", 2.0]]),
    Case("telephones", "p,n\n+49 221 1234,1\n+49 30 99,2\n", [["+49 221 1234", 1.0], ["+49 30 99", 2.0]]),
    Case("underscores", "i,n\n1_000,1\n2_000,2\n", [["1_000", 1.0], ["2_000", 2.0]]),
    # ---- forms of files
    Case("texts in JSON lines alone", '{"a": "1,5", "z": "01067"}\n{"a": "2,5", "z": "10115"}\n', [[1.5, "01067"], [2.5, "10115"]]),
    Case("digits as texts in JSON", '{"a": 1, "z": "5"}\n{"a": 2, "z": "7"}\n', [[1, "5"], [2, "7"]], "read as texts; take the quotes off"),
    Case("decimals as texts in JSON", '{"a": 1, "p": "19.90"}\n{"a": 2, "p": "20"}\n', [[1, 19.9], [2, 20.0]], "read as numbers"),
    Case("gaps as texts in JSON", '{"a": "1", "s": ""}\n{"a": "NA", "s": "x"}\n', [[1.0, None], [None, "x"]]),
    Case("one row", "a,b\n1,x\n", [[1.0, "x"]]),
    Case("one column, one row", "a\n5\n", [[5.0]]),
    Case("names alone", "a,b\n", []),
]  # fmt: skip


def test_there_are_forty_more_of_them():
    assert len({case.name for case in FILES}) == len(FILES) >= 40


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_awkward_files_are_read_as_a_careful_human_reads_them(case, tmp_path):
    path = tmp_path / ("a.jsonl" if case.text[:1] == "{" else "a.csv")
    path.write_bytes(case.text.encode() if isinstance(case.text, str) else case.text)
    if isinstance(case.rows, str):
        with pytest.raises(HeadwaterError) as caught, read(path, task=None, **case.options) as stream:
            list(stream)
        assert case.rows in str(caught.value)
        return
    with read(path, task=None, **case.options) as stream:
        rows = [list(x.values()) for block in stream.blocks() for x in block.X]
        assert rows == case.rows
        assert case.said in " ".join(stream.notes), stream.notes


@pytest.mark.parametrize("end", ["csv", "jsonl"])
def test_a_limit_counts_no_rejects_behind_it(end, tmp_path):
    path = tmp_path / f"a.{end}"
    good, bad = ("1,2\n", "1,2,3\n") if end == "csv" else ('{"a": 1, "b": 2}\n', "{broken\n")
    path.write_text(("a,b\n" if end == "csv" else "") + good + bad + good * 8 + bad * 500)
    with read(path, task=None, limit=10) as stream:
        assert sum(1 for _ in stream) == 9
        assert stream.rejects.total == 1
    with read(path, task=None, skip=2, limit=4) as stream:
        assert sum(1 for _ in stream) == 4


@pytest.mark.parametrize("form", ["{}", "{}.0"])
def test_whole_answers_are_classes_however_they_are_written(form, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "".join(f"{i},{form.format(i % 3)}\n" for i in range(30)))
    with read(path, target="y") as stream:
        assert (stream.goal.task, stream.goal.why) == ("classify", "y holds 3 different whole numbers")


def test_a_model_reads_times_as_the_file_that_it_learned():
    first = DtypeInference(writing=Writing(times=("t",)))
    first.look({"t": ["1704412800", "1704412900"]})
    again = DtypeInference(known=first.note())
    again.look({"t": ["1704412800"]})
    assert (again.readers["t"].read(["1704412800"], [2]), again.remarks) == ([DAY], [])
