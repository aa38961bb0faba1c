"""``headwater learn`` as a user meets it."""

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys

import pytest

import headwater as hw
from headwater.cli import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return a working folder with a stream of 300 rows: late exactly when the hour is 12 or more, or from JFK."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    rows = [
        f"{i % 24},{'JFK' if i % 5 == 0 else 'LGA'},{int(i % 24 >= 12 or i % 5 == 0)},{i % 24 * 1.5}"
        for i in range(300)
    ]
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.csv").write_text("\n".join(["hour,origin,late,delay", *rows, ""]))
    return tmp_path


@pytest.fixture
def run(here, capsys):
    """Return what runs a command line: its exit status, stdout and stderr."""

    def runs(*tokens):
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


def test_one_pass_shows_the_scores_next_to_those_of_the_baselines(run):
    status, out, err = run("learn", "a.csv", "--target", "late", "--drop", "delay", "--seed", 1)
    assert (status, err) == (0, "")
    assert "a.csv: classify late (late holds 2 whole values; --task overrules this)." in out
    for word in ("all rows", "model", "no-change", "majority", "accuracy", "kappa", "kappa temporal", "log loss"):
        assert word in out
    assert "300 rows at " in out
    assert "rows/s." in out


def test_numbers_are_regressed(run):
    status, out, _ = run("learn", "a.csv", "--target", "delay", "--drop", "late")
    assert status == 0
    assert "a.csv: regress delay" in out
    for word in ("mae", "rmse", "r2", "no-change", "mean"):
        assert word in out


def test_json_prints_a_record_after_each_so_many_rows_and_a_last_one(run):
    status, out, _ = run("learn", "a.csv", "--target", "late", "--json", "--every", 120, "--window", 50)
    records = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [record["rows"] for record in records] == [120, 240, 300]
    assert [record.get("final", False) for record in records] == [False, False, True]
    assert records[-1]["window"] == 50
    assert set(records[-1]["baselines"]) == {"no-change", "majority"}
    assert records[-1]["interrupted"] is False


def test_a_model_goes_on_where_it_stopped(run, here):
    run(
        "learn",
        "a.csv",
        "--target",
        "late",
        "--model",
        "m.hw",
        "--hidden",
        "8",
        "--optimizer",
        "sgd",
        "--lr",
        "0.05",
        "--seed",
        3,
    )
    status, out, _ = run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    assert status == 0
    assert "Going on with m.hw, which has learned 300 rows." in out
    assert hw.load(here / "m.hw").n_learned == 600


def test_options_that_agree_with_the_saved_model_are_fine(run):
    options = ("--target", "late", "--model", "m.hw", "--hidden", "8,4", "--optimizer", "adam", "--lr", "0.01")
    assert run("learn", "a.csv", *options)[0] == 0
    assert run("learn", "a.csv", *options, "--task", "classify")[0] == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--optimizer", "adam"), "expected --optimizer SGD, as m.hw was made with, got Adam — at --optimizer."),
        (("--lr", "0.5"), "expected --lr 0.05, as m.hw was made with, got 0.5 — at --lr."),
        (("--hidden", "16"), "expected --hidden 8, as m.hw was made with, got 16 — at --hidden."),
        (
            ("--task", "regress"),
            "expected a file that holds a regressor, got a classifier, of --task classify — at --model.",
        ),
        (("--loss", "hinge"), "expected --loss cross_entropy, as m.hw was made with, got hinge — at --loss."),
        (("--seed", "7"), "expected --seed 0, as m.hw was made with, got 7 — at --seed."),
        (
            ("--no-diagnosis",),
            "expected --no-diagnosis left out, as m.hw was made with, got given — at --no-diagnosis.",
        ),
        (("--target", "hour"), "expected a target that is none of the model's features, got hour"),
    ],
)
def test_options_that_contradict_the_saved_model_are_refused(run, options, sentence):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw", "--hidden", "8", "--optimizer", "sgd", "--lr", "0.05")
    target = () if "--target" in options else ("--target", "late")
    status, out, err = run("learn", "a.csv", *target, "--model", "m.hw", *options)
    assert (status, out) == (2, "")
    assert err.startswith(sentence)


@pytest.mark.parametrize("option", ["--hidden", "--optimizer", "--lr"])
def test_a_pool_cannot_become_a_single_net(run, option):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    value = {"--hidden": "8", "--optimizer": "sgd", "--lr": "0.1"}[option]
    status, _, err = run("learn", "a.csv", "--target", "late", "--model", "m.hw", option, value)
    assert status == 2
    assert err.startswith(
        f"expected no {option}: m.hw holds the default pool of nets, which chooses layers, rules and step"
    )
    assert (
        f"got {option} {value} — at {option}. Leave {option} out to go on with m.hw, or name another --model"
        in err.replace("SGD", "sgd")
    )


def test_a_model_can_be_made_that_keeps_no_row_for_a_diagnosis(run, here):
    assert run("learn", "a.csv", "--target", "late", "--model", "m.hw", "--no-diagnosis")[0] == 0
    assert run("learn", "a.csv", "--target", "late", "--model", "m.hw")[0] == 0
    assert not hw.load(here / "m.hw").diagnosis
    status, out, err = run("diagnose", "m.hw")
    assert (status, out) == (2, "")
    assert err.startswith("expected a model that keeps some rows for this, got diagnosis=False")


@pytest.mark.parametrize("options", [("--hidden", "0"), ("--optimizer", "sgd"), ("--lr", "0.1"), ("--seed", "4")])
def test_the_same_command_goes_on_with_its_model(run, options):
    for _ in range(2):
        assert run("learn", "a.csv", "--target", "late", "--model", "m.hw", *options)[0] == 0


def test_answers_may_come_late(run):
    status, out, _ = run("learn", "a.csv", "--target", "late", "--delay", 50, "--json")
    last = json.loads(out.splitlines()[-1])
    assert status == 0
    assert (last["rows"], last["scored"], last["unscored"]) == (300, 249, 51)


def test_rows_that_cannot_be_read_are_counted_shown_and_kept(run, here):
    with (here / "a.csv").open("a") as file:
        file.write("1,JFK\n2,LGA,,3\n")
    status, out, _ = run("learn", "a.csv", "--target", "late", "--rejects", "bad.jsonl")
    assert status == 0
    assert "Left out: 1 × wrong number of fields (line 302)." in out
    assert "Left out: 1 × answer unknown." in out
    assert "The rows that can't be read are in bad.jsonl." in out
    assert json.loads((here / "bad.jsonl").read_text())["row"] == "1,JFK"


def test_a_target_that_changes_its_kind_costs_those_rows(run, here):
    (here / "b.csv").write_text("a,y\n" + "".join(f"{i},{i / 7}\n" for i in range(1_500)) + "1,ten\n")
    status, out, _ = run("learn", "b.csv", "--target", "y")
    assert status == 0
    assert "Left out: 1 × target is text, not a number (line 1502)." in out


def test_one_sentence_compares_the_model_with_guessing_also_when_it_wins(run, here):
    (here / "b.csv").write_text("a,y\n" + "".join(f"0,{'ab'[i // 20 % 2]}\n" for i in range(200)))
    _, out, _ = run("learn", "b.csv", "--target", "y")
    assert re.search(r"All 199 rows: \d+(\.\d)? % right, behind repeating the last answer \(95(\.\d)? %\)\.", out)
    (here / "c.csv").write_text("a,y\n" + "".join(f"{i % 7},{'ab'[i % 7 > 3]}\n" for i in range(500)))
    _, out, _ = run("learn", "c.csv", "--target", "y")
    assert "right, ahead of " in out


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: b'{"a": 1, "y": "u"}\n{"a": 2, "y": "v"}\n',
    ],
)
def test_standard_input_is_learned_from(run, monkeypatch, write):
    data = write("a,y\n1,u\n2,v\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
    status, out, _ = run("learn", "-", "--target", "y")
    assert status == 0
    assert "standard input: classify y" in out
    assert "2 rows at" in out


def test_a_data_set_brings_its_own_target(run):
    pytest.importorskip("river")
    status, out, _ = run("learn", "dataset:phishing", "--json")
    last = json.loads(out.splitlines()[-1])
    assert status == 0
    assert (last["rows"], last["scored"]) == (1_250, 1_249)
    assert last["scores"]["accuracy"] > last["baselines"]["majority"]["accuracy"]


@pytest.mark.parametrize(
    ("tokens", "sentence"),
    [
        (("learn", "b.csv", "--target", "late"), "expected a file, got no such file — at b.csv."),
        (("learn", "empty", "--target", "late"), "expected files that end in .csv"),
        (
            ("learn", "a.csv"),
            "expected a column to predict, got no --target — at a.csv. Name one: --target COLUMN. Known: hour, origin, late, delay.",
        ),
        (("learn", "none.csv"), "expected a file, got no such file — at none.csv."),
        (
            ("learn", "a.csv", "--target", "latte"),
            "expected the column latte, got 4 others — at a.csv. Did you mean late?",
        ),
        (("learn", "a.csv", "--target", "late", "--drop", "hours"), "expected the column hours, got no such column"),
        (
            ("learn", "a.csv", "--target", "late", "--task", "guess"),
            "expected classify, regress, anomaly, forecast, bandit, router, agent, multioutput, private_classify or private_regress, got 'guess'",
        ),
        (
            ("learn", "a.csv", "--target", "origin", "--task", "regress"),
            "expected a number in the column origin, got 'JFK'",
        ),
        (
            ("learn", "a.csv", "--target", "late", "--hidden", "a"),
            "expected layer sizes such as 64,32, got a — at --hidden.",
        ),
        (("learn", "a.csv", "--target", "late", "--optimizer", "adm"), "expected one of sgd, "),
        (("learn", "a.csv", "--target", "late", "--loss", "mes"), "expected "),
        (("learn", "a.csv", "--target", "late", "--delay", "-1"), "expected delay of at least 0, got -1"),
        (
            ("learn", "a.csv", "--target", "late", "--model", "no/m.hw"),
            "expected a file that can be written, got no folder no",
        ),
        (
            ("learn", "a.csv", "--target", "late", "--rejects", "no/b"),
            "expected a file that can be written, got no such file",
        ),
        (("learn", "a.csv", "--target", "late", "--seed", "-1"), "expected a seed of at least 0, got -1 — at --seed."),
        (
            ("learn", "a.csv", "--target", "late", "--lr", "fast"),
            "expected a number for --lr, got fast — at headwater learn. See: headwater learn --help",
        ),
        (("learn", "a.csv", "--target", "late", "--seed", "1.5"), "expected a whole number for --seed, got 1.5"),
        (("learn", "a.csv", "--target"), "expected a value after --target, got none — at headwater learn."),
        (("learn", "a.csv", "--target", "late", "--target", "x"), "expected --target once, got it several times"),
        (
            ("learn", "a.csv", "--targe", "late"),
            "expected an option of this command, got --targe — at headwater learn. Did you mean --target?",
        ),
        (
            ("learn", "dataset:fishing"),
            "expected a data set by name, got fishing — at dataset:fishing. Did you mean phishing?",
        ),
        (
            ("learn", "a.csv", "-t", "late", "--task", "bandit", "--expolre", "greedy"),
            "expected an option of this command, got --expolre — at headwater learn. Did you mean --explore?",
        ),
        (("lern", "a.csv"), "expected a command, got lern — at headwater. Did you mean learn?"),
        (("store", "chek"), "expected a command, got chek — at headwater store. Did you mean check?"),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr_and_exit_2(run, tokens, sentence):
    status, out, err = run(*tokens)
    assert (status, out) == (2, "")
    assert err.startswith(sentence)
    assert err.count("\n") == 1


def test_a_file_without_one_known_answer_teaches_nothing_and_saves_nothing(run, here):
    (here / "b.csv").write_text("a,y\n1,\n2,NA\n")
    status, _, err = run("learn", "b.csv", "--target", "y", "--model", "m.hw")
    assert status == 2
    assert err.startswith("expected answers in the column y, got none in the first 2 rows — at b.csv.")
    assert not (here / "m.hw").exists()


def test_a_damaged_model_is_refused_and_left_as_it_is(run, here):
    (here / "m.hw").write_bytes(b"not a model")
    status, _, err = run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    assert status == 2
    assert "m.hw" in err
    assert err.count("\n") == 1
    assert (here / "m.hw").read_bytes() == b"not a model"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_reports(here, number):
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; from headwater.cli import main; sys.exit(main())",
         "learn", "-", "--target", "y", "--task", "classify", "--model", "m.hw", "--json", "--every", "2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ,
    )  # fmt: skip
    process.stdin.write(b"a,y\n1,u\n2,v\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["rows"] == 2  # it has learned them and waits for more
    process.send_signal(number)
    out, err = process.communicate(timeout=900)
    last = json.loads(out.decode().splitlines()[-1])
    assert (process.returncode, err.decode()) == (130, "")
    assert (last["final"], last["interrupted"], last["rows"]) == (True, True, 2)
    assert hw.load(here / "m.hw").n_learned == 2


def test_a_reader_that_has_seen_enough_ends_it_quietly(here):
    command = f"{sys.executable} -c 'import sys; from headwater.cli import main; sys.exit(main())'"
    learned = subprocess.run(
        f"{command} learn a.csv --target late --json --every 1 | head -1", shell=True, capture_output=True, check=False
    )
    assert learned.stdout.count(b"\n") == 1
    assert learned.stderr.decode() == ""


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_load_none_of_the_heavy_packages(option):
    code = (
        "import sys; from headwater.cli import main; status = main([sys.argv[1]]);"
        "print(sorted({'headwater._core', 'numpy', 'river', 'pandas'} & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    process = subprocess.run([sys.executable, "-c", code, option], capture_output=True, check=True)
    assert process.stderr.decode() == "[]\n"
    assert process.stdout


@pytest.mark.parametrize("command", ["learn", "serve", "predict"])
def test_help_shows_defaults_but_not_what_stands_for_none(command, capsys):
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert not re.search(r'\[default:\s*(""|None|False)\]', said)
    assert command == "predict" or "[default: 0]" in said


def test_a_saved_model_remembers_how_its_rows_were_read(tmp_path, capsys):
    source, model = tmp_path / "rows.csv", tmp_path / "m.hw"
    source.write_text("zip,day,late\n" + "".join(f"0{i % 7},{i},{'yes' if i % 2 else 'no'}\n" for i in range(40)))
    assert (
        main(["learn", str(source), "--target", "late", "--drop", "day", "--text", "zip", "--model", str(model)]) == 0
    )
    assert main(["learn", str(source), "--model", str(model)]) == 0
    assert "late" in capsys.readouterr().out
    features = {feature["name"]: feature["kind"] for feature in hw.load(model).describe()["features"]}
    assert features == {"zip": "category"}
    assert hw.load(model).describe()["n_learned"] == 80
    assert main(["predict", str(source), "--model", str(model), "--out", str(tmp_path / "said.csv")]) == 0
    told = (tmp_path / "said.csv").read_text()
    assert (
        main(["predict", str(source), "--model", str(model), "--text", "zip", "--out", str(tmp_path / "again.csv")])
        == 0
    )
    assert (tmp_path / "again.csv").read_text() == told


@pytest.mark.parametrize(
    ("name", "option"),
    [("a.csv", "--rejects"), ("m.hw", "--rejects"), ("a.csv", "--report"), ("m.hw", "--report")],
)
def test_what_is_read_is_not_written_over(run, here, name, option):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    before = (here / name).read_bytes()
    status, out, err = run("learn", "a.csv", "--target", "late", "--model", "m.hw", option, name)
    assert (status, out) == (2, "")
    assert "which would be lost" in err
    assert (here / name).read_bytes() == before


def test_rejected_rows_of_an_earlier_run_are_replaced(run, here):
    with (here / "a.csv").open("a") as file:
        file.write("1,2\n")
    for _ in range(2):
        assert run("learn", "a.csv", "--target", "late", "--rejects", "rejects.jsonl")[0] == 0
    assert len((here / "rejects.jsonl").read_text().splitlines()) == 1


def test_a_file_of_one_row_says_that_nothing_could_be_scored(run, here):
    (here / "one.csv").write_text("n,y\n1,x\n")
    status, _, err = run("learn", "one.csv", "--target", "y")
    assert status == 2
    assert err == (
        "expected enough rows to score one, got 1 learned — at one.csv. "
        "Give more rows, or keep what was learned with --model.\n"
    )


def test_a_file_of_one_row_is_learned_into_a_model(run, here):
    (here / "one.csv").write_text("n,y\n1,x\n")
    status, out, err = run("learn", "one.csv", "--target", "y", "--model", "m.hw")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "1 row learned, too few for a score. Saved to m.hw."
    assert hw.load(here / "m.hw").n_learned == 1
    status, out, _ = run("learn", "one.csv", "--target", "y", "--model", "n.hw", "--json")
    last = json.loads(out.splitlines()[-1])
    assert (status, last["final"], last["rows"], last["scored"], last["rows_per_s"]) == (0, True, 1, 0, 0.0)


def test_a_model_that_the_full_disk_did_not_take_is_not_said_to_be_kept(run, here, monkeypatch):
    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    assert status == 2
    assert err.startswith("300 rows were learned before this.\nexpected a file that can be written, got No space left")
    assert not (here / "m.hw").exists()


def test_a_file_of_one_other_column_says_one_other(run, tmp_path):
    (tmp_path / "s.csv").write_text("y\n1\n2\n", encoding="utf-8")
    assert "expected the column z, got 1 other — at" in run("forecast", tmp_path / "s.csv", "--target", "z")[2]
