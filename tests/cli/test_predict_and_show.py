"""``headwater predict`` and ``headwater show`` as a user meets them."""

import csv
import io
import json

import pytest

import headwater as hw
from headwater.cli import main


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what runs a command line, in a folder with a stream and a model that has learned it."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{i % 24},{'JFK' if i % 5 == 0 else 'LGA'},{'yes' if i % 24 >= 12 else 'no'}" for i in range(200)]
    (tmp_path / "a.csv").write_text("\n".join(["hour,origin,late", *rows, ""]))

    def runs(*tokens):
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    runs("learn", "a.csv", "--target", "late", "--model", "m.hw", "--seed", 1, "--hidden", "8,4")
    runs("learn", "a.csv", "--target", "hour", "--task", "regress", "--drop", "late", "--model", "r.hw")
    return runs


def test_predictions_go_to_standard_output_as_csv(run, tmp_path):
    status, out, err = run("predict", "a.csv", "--model", "m.hw")
    table = list(csv.DictReader(io.StringIO(out)))
    model = hw.load(tmp_path / "m.hw")
    first = model.predict_proba_one({"hour": 0.0, "origin": "JFK"})
    assert (status, err) == (0, "")
    assert list(table[0]) == ["row", "y_pred", "proba_no", "proba_yes"]
    assert [int(line["row"]) for line in table] == list(range(1, 201))
    assert table[0]["y_pred"] == model.predict_one({"hour": 0.0, "origin": "JFK"})
    assert float(table[0]["proba_no"]) == pytest.approx(first["no"], abs=1e-5)


def test_a_regressor_predicts_numbers(run):
    _, out, _ = run("predict", "a.csv", "--model", "r.hw")
    table = list(csv.DictReader(io.StringIO(out)))
    assert list(table[0]) == ["row", "y_pred"]
    assert all(-100 < float(line["y_pred"]) < 100 for line in table)


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl"])
def test_the_files_suffix_says_how_predictions_are_written(run, tmp_path, name):
    status, out, err = run("predict", "a.csv", "--model", "m.hw", "--out", name)
    assert (status, out) == (0, "")
    assert err == f"200 rows predicted, written to {name}.\n"
    lines = (tmp_path / name).read_text().splitlines()
    if name.endswith("csv"):
        assert lines[0] == "row,y_pred,proba_no,proba_yes"
        assert len(lines) == 201
    else:
        first = json.loads(lines[0])
        assert (first["row"], first["y_pred"] in ("no", "yes"), set(first["proba"])) == (1, True, {"no", "yes"})
        assert len(lines) == 200


def test_predicting_changes_no_model(run, tmp_path):
    before = (tmp_path / "m.hw").read_bytes()
    first = run("predict", "a.csv", "--model", "m.hw")[1]
    assert run("predict", "a.csv", "--model", "m.hw")[1] == first
    assert (tmp_path / "m.hw").read_bytes() == before


def test_a_row_that_cannot_be_read_leaves_a_gap_in_the_numbers(run, tmp_path):
    (tmp_path / "b.csv").write_text("hour,origin\n1,JFK\n2\n3,LGA\n")
    status, out, err = run("predict", "b.csv", "--model", "m.hw", "--json", "--allow-rejects", 0.5)
    assert status == 0
    assert [json.loads(line)["row"] for line in out.splitlines()] == [1, 3]
    assert err == "Left out: 1 × wrong number of fields (line 3).\n"


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (("predict", "a.csv", "--model", "n.hw"), "expected a saved model, got no such file — at n.hw."),
        (("predict", "b.csv", "--model", "m.hw"), "expected a file, got no such file — at b.csv."),
        (("predict", "a.csv", "--model", "a.csv"), "expected "),
        (
            ("predict", "a.csv", "--model", "m.hw", "--out", "p.txt"),
            "expected a name that ends in .csv or .jsonl, got p.txt",
        ),
        (
            ("predict", "a.csv", "--model", "m.hw", "--out", "no/p.csv"),
            "expected a file that can be written, got no folder no",
        ),
        (("predict", "a.csv"), "expected --model, got none — at headwater predict. See: headwater predict --help"),
        (("show", "m.hw", "n.hw"), "expected no more arguments, got n.hw — at headwater show."),
        (("show", "n.hw"), "expected a saved model, got no such file — at n.hw."),
        (("show", "a.csv"), "expected "),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr_and_exit_2(run, tokens, sentence):
    status, out, err = run(*tokens)
    assert (status, out) == (2, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_show_tells_what_a_model_is_made_of_and_has_seen(run):
    status, out, _ = run("show", "m.hw")
    assert status == 0
    assert out.startswith("m.hw: a classifier that has learned 200 rows\n")
    for word in ("layer", "parameters", "hour", "origin", "Classes: no, yes", "Optimizer: ", "Loss: ", "Input rows: "):
        assert word in out


def test_show_can_be_read_by_a_program(run, tmp_path):
    _, out, _ = run("show", "m.hw", "--json")
    about = json.loads(out)
    assert about["classes"] == ["no", "yes"]
    assert about["n_learned"] == 200
    assert sum(layer["parameters"] for layer in about["layers"]) == about["parameters"]
    assert [feature["name"] for feature in about["features"]] == ["hour", "origin"]


@pytest.mark.parametrize("source", ["a.csv", ".", "*.csv"])
def test_predictions_do_not_replace_the_rows_or_the_model(run, tmp_path, source):
    for out, more in (("a.csv", ()), ("m.hw", ("--json",))):
        before = (tmp_path / out).read_bytes()
        status, _, err = run("predict", source, "--model", "m.hw", "--out", tmp_path / out, *more)
        assert status == 2
        assert "which would be lost" in err
        assert (tmp_path / out).read_bytes() == before


ROWS = "id;code;day;price;late\n9007199254740993;007;01.03.2024;1.000,50 €;yes\n9007199254740995;008;02.03.2024;;no\n"


def test_kept_columns_are_written_as_the_file_has_them(run, tmp_path):
    (tmp_path / "k.csv").write_text(ROWS, encoding="utf-8")
    run("learn", "k.csv", "--target", "late", "--drop", "id", "--model", "k.hw", "--hidden", 4)
    _, out, _ = run("predict", "k.csv", "--model", "k.hw", "--keep", "id,code,day,price,late", "--skip", 0)
    kept = [list(line.values())[1:6] for line in csv.DictReader(io.StringIO(out))]
    assert kept == [
        ["9007199254740993", "007", "01.03.2024", "1.000,50 €", "yes"],
        ["9007199254740995", "008", "02.03.2024", "", "no"],
    ]
    _, out, _ = run("predict", "k.csv", "--model", "k.hw", "--keep", "id,code,day,price", "--skip", 1, "--json")
    line = json.loads(out)
    assert [line[name] for name in ("id", "code", "day", "price")] == [9007199254740995, 8, "2024-03-02T00:00:00", None]


def test_a_kept_column_that_a_further_file_lacks_is_empty(run, tmp_path):
    (tmp_path / "b.csv").write_text("hour,late\n3,no\n")
    _, out, _ = run("predict", "a.csv", "b.csv", "--model", "m.hw", "--keep", "origin")
    assert out.splitlines()[-1].startswith("201,,no,")
