"""What a model has learned already, whose columns a stream has, and who writes a model's file."""

import json
import os
import signal
import subprocess
import sys

import pytest

import headwater as hw
from headwater.cli import main
from headwater.cli.runs.lock import locked

COMMAND = [sys.executable, "-c", "import sys; from headwater.cli import main; sys.exit(main())"]


def rows(n, start=0):
    return "".join(
        f"{i % 24},{'JFK' if i % 5 else 'LGA'},{'yes' if i % 24 > 11 else 'no'}\n" for i in range(start, start + n)
    )


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "a.csv").write_text("hour,origin,late\n" + rows(300))

    def runs(*tokens):
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


def test_a_source_that_was_learned_already_warns_before_it_is_learned_again(run):
    assert run("learn", "a.csv", "--target", "late", "--model", "m.hw")[2] == ""
    status, _, err = run("learn", "a.csv", "--model", "m.hw")
    assert status == 0
    assert err == (
        "a.csv has been learned by this model already (300 rows): a score on rows that were learned is too good. "
        "--resume goes on behind them.\n"
    )
    assert hw.load("m.hw").n_learned == 600


def test_a_data_set_that_was_learned_already_warns_too(run):
    assert run("learn", "dataset:bananas", "--model", "m.hw")[2] == ""
    assert (
        "dataset:bananas has been learned by this model already (5,300 rows)"
        in run("learn", "dataset:bananas", "--model", "m.hw")[2]
    )


def test_a_file_of_the_same_name_with_other_rows_is_another_one(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    (tmp_path / "a.csv").write_text("hour,origin,late\n" + rows(300, 7))
    assert run("learn", "a.csv", "--model", "m.hw")[2] == ""


def test_resume_goes_on_behind_the_rows_that_were_learned(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw", "--limit", 100)
    assert hw.load("m.hw").n_learned == 100
    status, out, err = run("learn", "a.csv", "--model", "m.hw", "--resume")
    assert (status, err) == (0, "")
    assert "Its first 100 rows, learned before, are left out." in out
    with (tmp_path / "a.csv").open("a") as file:  # a log that grows
        file.write(rows(50, 300))
    run("learn", "a.csv", "--model", "m.hw", "--resume")
    run("learn", "b.csv" if (tmp_path / "b.csv").exists() else "a.csv", "--target", "late", "--model", "once.hw")
    assert hw.load("m.hw").n_learned == hw.load("once.hw").n_learned == 350
    x = {"hour": 3.0, "origin": "JFK"}
    assert hw.load("m.hw").predict_proba_one(x) == hw.load("once.hw").predict_proba_one(x)


def test_resume_with_nothing_new_says_so(run):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    status, out, err = run("learn", "a.csv", "--model", "m.hw", "--resume")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "Nothing new in a.csv, whose 300 rows were learned before."
    status, out, err = run("learn", "a.csv", "--model", "m.hw", "--resume", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (status, err, [line["final"] for line in lines], lines[0]["rows_per_s"]) == (0, "", [True], 0.0)
    status, _, err = run("learn", "a.csv", "--target", "late", "--skip", 400)
    assert status == 2
    assert "got none after the 400 that were skipped" in err


def test_skip_and_limit_choose_rows(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw", "--skip", 100, "--limit", 50)
    assert hw.load("m.hw").n_learned == 50
    _, out, _ = run("predict", "a.csv", "--model", "m.hw", "--skip", 298)
    assert [line.split(",")[0] for line in out.splitlines()] == ["row", "299", "300"]


def test_several_files_and_a_folder_are_one_stream(run, tmp_path):
    (tmp_path / "days").mkdir()
    (tmp_path / "days" / "1.csv").write_text("hour,origin,late\n" + rows(150))
    (tmp_path / "days" / "2.csv").write_text(
        "late,origin,hour\n"
        + "".join(",".join(reversed(line.split(","))) + "\n" for line in rows(150, 150).splitlines())
    )
    (tmp_path / "days" / "notes.md").write_text("not data")
    whole = run("learn", "a.csv", "--target", "late", "--model", "m.hw")[1]
    for sources in (["days"], ["days/1.csv", "days/2.csv"], ["days/*.csv"]):
        status, out, err = run("learn", *sources, "--target", "late", "--model", f"{len(sources)}{sources[0][-1]}.hw")
        assert (status, err) == (0, "")
        assert "300 rows" in out
        assert out.split("\n\n")[1] == whole.split("\n\n")[1]  # the table of scores


def test_what_is_wrong_in_a_second_file_is_said_with_its_name(run, tmp_path):
    (tmp_path / "b.csv").write_text("hour,origin,late\n1,JFK,no\n2,JFK\n" + rows(20))
    _, out, _ = run("learn", "a.csv", "b.csv", "--target", "late")
    assert "Left out: 1 × wrong number of fields (line 3 of b.csv)." in out


def test_a_model_and_a_store_in_place_of_rows_name_the_command_that_goes_on(run, tmp_path):
    assert run("learn", "a.csv", "-t", "late", "--model", "m.hw")[0] == 0
    with hw.open("s.db", hw.Classifier()):
        pass
    wants_rows = (
        ("learn", "m.hw", "-t", "late"),
        ("learn", "m.hw"),
        ("look", "m.hw"),
        ("predict", "m.hw", "--model", "m.hw"),
        ("forecast", "m.hw"),
        ("forecast", "m.hw", "--target", "late"),
        ("decide", "m.hw"),
        ("decide", "m.hw", "--action", "origin"),
    )
    for command in wants_rows:
        status, _, err = run(*command)
        assert status == 2
        assert err.startswith("expected rows, got a saved model — at m.hw. It predicts with: headwater predict FILE ")
        assert "It goes on with: headwater learn FILE --model m.hw; headwater show m.hw says" in err
    assert "A store goes on with: headwater serve --store s.db." in run("learn", "s.db", "-t", "late")[2]


def test_a_model_where_a_command_wants_something_else_names_its_option(run, tmp_path):
    assert run("learn", "a.csv", "-t", "late", "--model", "m.hw")[0] == 0
    for command in ("predict", "explain"):
        said = f"expected --model, got m.hw without it — at headwater {command}. Try: headwater {command} FILE --model m.hw"
        assert run(command, "m.hw") == (2, "", f"{said}\n")
    _, _, err = run("play", "m.hw")
    assert err.startswith("expected an environment of Gymnasium, got a saved model, m.hw — at play. Name both: ")
    for tokens in (("forecast", "a.csv"), ("forecast", "m.hw", "--target"), ("export", "m.hw")):
        assert "saved model" not in run(*tokens)[2]


def test_rows_in_place_of_a_model_name_the_command_that_learns_them(run, tmp_path):
    for tokens in (
        ("show", "a.csv"),
        ("predict", "a.csv", "--model", "a.csv"),
        ("explain", "a.csv", "--model", "a.csv"),
    ):
        status, _, err = run(*tokens)
        assert status == 2
        assert err == (
            "expected a saved model, got a file of text — at a.csv. "
            "Learn one from rows: headwater learn a.csv --target COLUMN --model FILE\n"
        )


def test_a_hidden_file_is_no_name_to_offer(run, tmp_path):
    (tmp_path / ".b.csv.lock").write_text("")
    assert "Did you mean" not in run("learn", "b.csv.lock", "-t", "late")[2]


def test_an_address_of_no_known_kind_names_those_that_are(run):
    pytest.importorskip("fsspec")
    status, _, err = run("learn", "nowhere://example.org/a.csv", "--target", "late")
    assert status == 2
    assert "expected a file, or an address such as s3://, gs://, https://, delta://, got nowhere://" in err


def test_a_model_refuses_a_stream_none_of_whose_columns_it_knows(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    (tmp_path / "b.csv").write_text("size,weight,late\n1,2,yes\n")
    for command in ("learn", "predict"):
        status, out, err = run(command, "b.csv", "--model", "m.hw")
        assert (status, out) == (2, "")
        assert err.startswith("expected columns of m.hw (hour, origin), got size, weight — at b.csv.")
    assert hw.load("m.hw").n_learned == 300


def test_capitals_in_names_are_pointed_at(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    (tmp_path / "b.csv").write_text("Hour,Origin,late\n1,JFK,yes\n")
    status, _, err = run("predict", "b.csv", "--model", "m.hw")
    assert status == 2
    assert "Capitals count: Hour is hour in the model." in err


def test_new_and_missing_columns_are_named(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    (tmp_path / "b.csv").write_text("hour,size,late\n1,3,yes\n2,4,no\n")
    _, out, _ = run("learn", "b.csv", "--model", "m.hw")
    assert "Columns that m.hw doesn't know, learned from now on: size." in out
    assert "Columns of m.hw that are missing here: origin." in out
    run("learn", "a.csv", "--target", "late", "--model", "n.hw")
    assert "Columns that n.hw doesn't know, not used: size." in run("predict", "b.csv", "--model", "n.hw")[2]


def test_one_row_is_read_as_the_file_that_the_model_learned(run, tmp_path):
    lines = "".join(f"{i % 28 + 1}.{i % 12 + 1}.2024;{1000 + i * 7},5;{'yes' if i % 2 else 'no'}\n" for i in range(60))
    (tmp_path / "b.csv").write_text("day;price;late\n" + "13.1.2024;1.234,5;no\n" + lines)
    run("learn", "b.csv", "--target", "late", "--model", "m.hw")
    notes = hw.load("m.hw").notes["columns"]
    assert notes["price"] == {"kind": "number", "decimal": ",", "thousands": "."}
    (tmp_path / "one.csv").write_text("day;price\n5.1.2024;1.234\n")
    status, out, err = run("predict", "one.csv", "--model", "m.hw")
    said = hw.load("m.hw").predict_proba_one({"day": __import__("datetime").datetime(2024, 1, 5), "price": 1234.0})
    assert (status, err) == (0, "")
    assert float(out.splitlines()[1].split(",")[2]) == pytest.approx(said["no"], rel=1e-4)


def test_a_second_run_that_writes_the_same_model_is_refused(run):
    from pathlib import Path

    with locked(Path("m.hw")):
        status, out, err = run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    assert (status, out) == (2, "")
    assert err.startswith("expected a model file that no other run writes, got one that is in use — at --model m.hw.")
    assert run("learn", "a.csv", "--target", "late", "--model", "m.hw")[0] == 0
    assert sorted(os.listdir()) == ["a.csv", "m.hw"]


def test_keep_writes_columns_beside_the_predictions(run, tmp_path):
    (tmp_path / "b.csv").write_text(
        "id,hour,origin,late\n" + "".join(f"n{i},{line}\n" for i, line in enumerate(rows(40).splitlines()))
    )
    run("learn", "b.csv", "--target", "late", "--drop", "id", "--model", "m.hw")
    status, out, _ = run("predict", "b.csv", "--model", "m.hw", "--keep", "id,hour")
    assert status == 0
    assert out.splitlines()[0] == "row,id,hour,y_pred,proba_no,proba_yes"
    assert out.splitlines()[2].startswith("2,n1,1,")
    plain = run("predict", "b.csv", "--model", "m.hw")[1]
    assert [line.split(",")[4:] for line in out.splitlines()] == [line.split(",")[2:] for line in plain.splitlines()]
    assert "Did you mean id" in run("predict", "b.csv", "--model", "m.hw", "--keep", "ids")[2]


def test_a_file_of_predictions_is_whole_or_absent(run, tmp_path):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    (tmp_path / "b.csv").write_text("hour,origin\n" + rows(1_500).replace(",yes", "").replace(",no", "") + "1\n" * 900)
    status, _, err = run("predict", "b.csv", "--model", "m.hw", "--out", "p.csv")
    assert status == 2
    assert "wrong number of fields" in err
    assert sorted(os.listdir()) == ["a.csv", "b.csv", "m.hw"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("tail", ["> /dev/full", "--out /dev/full --json"])
def test_a_full_disk_is_one_sentence(run, tail):
    run("learn", "a.csv", "--target", "late", "--model", "m.hw")
    command = f"'{COMMAND[0]}' -c '{COMMAND[2]}' predict a.csv --model m.hw {tail}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        done.stderr
        == "expected to read and write, got no space left on device — at the output. Mend that, then try again.\n"
    )


def test_ctrl_c_while_modules_load_ends_at_once_and_in_silence(run):
    code = "import os, signal, sys; import headwater.cli as c; sys.meta_path.insert(0, type('F', (), {'find_spec': staticmethod(lambda n, p=None, t=None: os.kill(os.getpid(), signal.SIGINT) if n == 'cyclopts' else None)})); sys.exit(c.main())"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code, "learn", "a.csv"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")


def test_a_mixed_column_is_shown_as_mixed(run, tmp_path):
    (tmp_path / "b.csv").write_text(
        "size,late\n" + "".join(f"{i if i % 9 else 'huge'},{'yes' if i % 2 else 'no'}\n" for i in range(1, 90))
    )
    run("learn", "b.csv", "--target", "late", "--model", "m.hw")
    assert "mixed: numbers and texts" in run("show", "m.hw")[1]


def test_a_report_says_where_it_is_and_a_winner_that_it_wins(run):
    pytest.importorskip("matplotlib")
    out = run("learn", "a.csv", "--target", "late", "--report", "r.html")[1]
    assert "The report is in r.html." in out
    assert " % right, ahead of " in out or " % right, behind " in out


def test_what_only_a_later_file_shows_is_said_at_the_end(run, tmp_path):
    (tmp_path / "b.csv").write_bytes(("hour,origin,late\n" + "1,Köln,no\n" * 30).encode("latin-1"))
    (tmp_path / "long.csv").write_text("hour,origin,late\n" + rows(2_000))
    _, out, _ = run("learn", "long.csv", "b.csv", "--target", "late")
    start, end = out.split("accuracy", 1)
    assert "written in" not in start
    assert "b.csv: written in Latin-1 (Windows-1252); --encoding overrules this." in end


def test_json_lines_hold_the_notes_too(run, tmp_path):
    import json

    (tmp_path / "b.csv").write_text(
        "price;late\n" + "".join(f"1.{i:03},5;{'yes' if i % 2 else 'no'}\n" for i in range(60))
    )
    _, out, err = run("learn", "b.csv", "--target", "late", "--json")
    assert err == ""
    assert json.loads(out.splitlines()[-1])["notes"][0].startswith("price: numbers such as 1.000,5 (decimal comma")


def test_rows_that_cannot_be_used_later_on_stop_the_run_and_keep_what_was_learned(run, tmp_path):
    good = "".join(
        f"{i * 7919 % 1000},a text that fills the line so that this takes several blocks,{'yes' if i % 2 else 'no'}\n"
        for i in range(4_000)
    )
    (tmp_path / "b.csv").write_text("size,note,late\n" + good + "half a row\n" * 9_000)
    status, _, err = run("learn", "b.csv", "--target", "late", "--model", "m.hw")
    assert status == 2
    lines = err.splitlines()
    assert lines[0].endswith(" rows were learned before this, and kept in m.hw.")
    assert "wrong number of fields) — at b.csv, first in line 4002. Look at them with --rejects FILE" in lines[1]
    assert 1_000 < hw.load("m.hw").n_learned <= 4_000
    assert run("learn", "b.csv", "--target", "late", "--allow-rejects", 0.8)[0] == 0


def test_a_negative_number_of_rows_to_skip_is_refused(run):
    status, out, err = run("learn", "a.csv", "--target", "late", "--skip", -1)
    assert (status, out, err) == (2, "", "expected at least 0 rows, got -1 — at --skip. Give a whole number.\n")
