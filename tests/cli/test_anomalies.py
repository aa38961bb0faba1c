"""``headwater learn --anomalies`` as a user meets it, and what can be done with the model that it saves."""

import csv
import io
import json

import pytest

import headwater as hw
from headwater.cli import main
from headwater.learner.kind import kind_with

KIND = kind_with("anomaly")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return what runs a command line in a folder with a stream of 900 rows: those with number 301 and 701 lie far out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    rows = [
        f"{i * 37 % 101 / 10},{5000 if i in (300, 700) else i * 53 % 97},{int(i in (300, 700))},{'yes' if i % 2 else 'no'}"
        for i in range(900)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["temp,load,odd,word", *rows, ""]))

    def runs(*tokens):
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


def test_no_target_is_needed_and_the_most_surprising_rows_are_printed_with_their_columns(run):
    status, out, err = run("learn", "a.csv", "--anomalies", "--drop", "odd,word")
    assert (status, err) == (0, "")
    assert out.startswith("a.csv: anomalies.")
    assert "alarms" in out
    assert "mean score" in out
    assert "auc" not in out
    assert "Most surprising rows" in out
    top = out.partition("Most surprising rows")[2]
    assert "301" in top
    assert "load = 5000" in top
    assert "900 rows" in out


def test_with_a_column_of_labels_the_ranking_is_scored_beside_the_z_norm_and_labels_are_not_learned(run, tmp_path):
    status, out, _ = run("learn", "a.csv", "--anomalies", "--target", "odd", "--drop", "word", "--model", "m.hw")
    assert status == 0
    assert "a.csv: anomalies, with labels in odd, which are not learned." in out
    for word in ("auc", "average precision", "z-norm", "AUC"):
        assert word in out
    names = {feature["name"] for feature in hw.load(tmp_path / "m.hw").describe()["features"]}
    assert names == {"temp", "load"}


def test_labels_that_are_neither_0_nor_1_are_counted_and_their_rows_learned(run, tmp_path):
    status, out, _ = run("learn", "a.csv", "--anomalies", "--target", "word", "--drop", "odd", "--model", "m.hw")
    assert status == 0
    assert "900 × label is neither 0 nor 1" in out
    assert hw.load(tmp_path / "m.hw").n_learned == 900


def test_json_has_the_scores_and_the_surprises(run):
    status, out, _ = run("learn", "a.csv", "--task", "anomaly", "--drop", "word", "--target", "odd", "--json")
    last = json.loads(out.splitlines()[-1])
    assert status == 0
    assert last["final"] is True
    assert last["names"][0] == "auc"
    assert 301 in [row["row"] for row in last["surprises"]]
    assert max(last["surprises"][0]["parts"], key=last["surprises"][0]["parts"].get) == "load"


def test_a_saved_detector_goes_on_predicts_and_is_shown(run, tmp_path):
    run("learn", "a.csv", "--anomalies", "--drop", "odd,word", "--model", "m.hw")
    status, out, _ = run("learn", "a.csv", "--model", "m.hw", "--drop", "odd,word")
    assert status == 0
    assert "Going on with m.hw, which has learned 900 rows." in out
    assert hw.load(tmp_path / "m.hw").n_learned == 1800
    status, out, _ = run("predict", "a.csv", "--model", "m.hw", "--keep", "odd")
    table = list(csv.DictReader(io.StringIO(out)))
    assert (status, list(table[0])) == (0, ["row", "odd", "score", "anomaly"])
    assert len(table) == 900
    model = hw.load(tmp_path / "m.hw")
    assert float(table[300]["score"]) == pytest.approx(
        model.score_one({"temp": 300 * 37 % 101 / 10, "load": 5000.0}), abs=1e-5
    )
    assert {row["anomaly"] for row in table} <= {"true", "false"}
    _, out, _ = run("predict", "a.csv", "--model", "m.hw", "--json")
    assert set(json.loads(out.splitlines()[0])) == {"row", "score", "anomaly"}
    status, out, _ = run("show", "m.hw")
    assert "Optimizer" not in out
    assert "Loss" not in out
    assert status == 0
    assert f"m.hw: a {KIND.noun} that has learned 1,800 rows" in out
    assert "temp" in out
    assert json.loads(run("show", "m.hw", "--json")[1])["task"] == "anomaly"


def test_hidden_units_are_those_of_the_autoencoder(run, tmp_path):
    for sizes in ("5", None):
        more = [] if sizes is None else ["--hidden", sizes]
        assert run("learn", "a.csv", "--anomalies", "--drop", "odd,word", "--model", "h.hw", *more)[0] == 0
    assert hw.load(tmp_path / "h.hw").hidden == 5
    assert "--hidden 5, as h.hw was made with" in run("learn", "a.csv", "--model", "h.hw", "--hidden", "4")[2]


def test_labels_and_columns_that_are_only_written_beside_are_no_surprises(run, tmp_path):
    run("learn", "a.csv", "--anomalies", "--target", "odd", "--drop", "word", "--model", "m.hw")
    alone, kept = (run("predict", "a.csv", "--model", "m.hw", *more)[1] for more in ([], ["--keep", "odd,word"]))
    scores = [[row["score"] for row in csv.DictReader(io.StringIO(out))] for out in (alone, kept)]
    assert scores[0] == scores[1]
    (tmp_path / "b.csv").write_text("temp,load,odd,word,more\n1.0,50,0,no,7\n")
    status, out, err = run("predict", "b.csv", "--model", "m.hw")
    assert status == 0
    assert "each of them a surprise: more" in err
    (row,) = csv.DictReader(io.StringIO(out))
    assert float(row["score"]) > 0.9


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--task", "regress"], "no --anomalies with --task regress"),
        (["--delay", "5"], "no --delay with a detector"),
        (["--adapt", "step_up"], "has a step size"),
        (["--hidden", "8,4"], "a whole number from 1 to 4,096, got (8, 4)"),
        (["--optimizer", "adam"], "got optimizer="),
    ],
)
def test_what_needs_answers_is_refused_plainly(run, more, said):
    status, _, err = run("learn", "a.csv", "--anomalies", "--drop", "odd,word", *more)
    assert status == 2
    assert said in err


def test_another_commands_refuse_a_detector_plainly(run, tmp_path):
    run("learn", "a.csv", "--anomalies", "--drop", "odd,word", "--model", "m.hw")
    for command, said in (
        (
            ("learn", "a.csv", "--target", "word", "--task", "classify", "--model", "m.hw"),
            "got a detector, of --task anomaly",
        ),
        (("learn", "a.csv", "--model", "m.hw", "--hidden", "4"), "--hidden"),
    ):
        status, _, err = run(*command)
        assert status == 2
        assert said in err


def test_an_empty_file_and_a_missing_label_column_are_told(run, tmp_path):
    (tmp_path / "empty.csv").write_text("a,b\n")
    status, _, err = run("learn", "empty.csv", "--anomalies")
    assert status == 2
    assert "expected rows, got none" in err
    status, _, err = run("learn", "a.csv", "--anomalies", "--target", "gone")
    assert status == 2
    assert "gone" in err
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n' * 20)
    status, _, err = run("learn", "a.jsonl", "--anomalies", "--target", "gone")
    assert status == 2
    assert "answers in the column gone" in err


def test_a_data_set_is_learned_without_its_answers_unless_they_are_asked_for(run):
    pytest.importorskip("river")
    status, out, _ = run("learn", "dataset:shuttle", "--anomalies", "--limit", 1500)
    assert status == 0
    assert out.startswith("dataset:shuttle: anomalies.")
    assert "auc" not in out
    status, out, _ = run("learn", "dataset:shuttle", "--anomalies", "--target", "anomaly", "--limit", 1500)
    assert status == 0
    assert "auc" in out
