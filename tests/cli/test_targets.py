"""``headwater learn --targets``: several columns are learned together, saved, gone on with and predicted."""

import json
import random
import signal
from pathlib import Path

import pytest

import headwater as hw
from headwater.cli import main
from headwater.route.session import Session
from headwater.store.learner_file import fingerprint


@pytest.fixture(autouse=True)
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f"{i % 10},{i * 7 % 13},{i % 10 > 4},{2.5 * (i % 10)},{int(i % 2)}" for i in range(400)]
    (tmp_path / "rows.csv").write_text("a,b,large,twice,odd\n" + "\n".join(lines) + "\n")


def test_columns_are_learned_together_as_the_library_does_and_predicted(capsys):
    assert main(["learn", "rows.csv", "--targets", "large,twice,odd", "--seed", "1", "--model", "m.hw"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" · ")[0] for line in lines if " · All " in line] == ["large", "twice", "odd"]
    model = hw.load("m.hw", hw.MultiOutput)
    assert model.outputs == {"large": "classify", "twice": "regress", "odd": "classify"}
    assert (model.n_learned, model.notes["targets"]) == (400, ["large", "twice", "odd"])
    assert sorted(f["name"] for f in model.describe()["features"]) == ["a", "b"]
    assert main(["predict", "rows.csv", "--model", "m.hw", "--limit", "2", "--out", "p.csv"]) == 0
    head, first, _ = Path("p.csv").read_text(encoding="utf-8").splitlines()
    assert head == "row,y_pred_large,y_pred_twice,y_pred_odd"
    assert first.startswith("1,False,")
    capsys.readouterr()
    assert main(["predict", "rows.csv", "--model", "m.hw", "--limit", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["y_pred"]) == {"large", "twice", "odd"}
    assert main(["diagnose", "m.hw"]) == 0


def test_learning_goes_on_from_the_file_and_prints_json(capsys):
    command = ["learn", "rows.csv", "--targets", "large,twice", "--drop", "odd", "--model", "m.hw", "--json"]
    assert main(command) == 0
    before = fingerprint(hw.load("m.hw"))
    capsys.readouterr()
    assert main(command) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["rows"], record["names"][:2]) == (400, ["exact_match", "accuracy"])
    assert hw.load("m.hw").n_learned == 800
    assert fingerprint(hw.load("m.hw")) != before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--targets", "large,none"], "expected a column none"),
        (["--targets", "large,twice", "--delay", "3"], "no --delay where a label has several parts"),
        (["--targets", "large,twice", "--target", "odd"], "no --target where a label has several parts"),
        (["--targets", "large,twice", "--hidden", "8"], "expected settings of MultiOutput, got hidden=8"),
    ],
)
def test_what_can_not_be_is_refused_in_one_sentence(more, said, capsys):
    assert main(["learn", "rows.csv", *more]) != 0
    assert said in capsys.readouterr().err


def test_another_kind_in_the_file_is_refused(capsys):
    hw.Regressor().save("m.hw")
    assert main(["learn", "rows.csv", "--targets", "large,twice", "--model", "m.hw"]) != 0
    assert "expected a file that holds a multi-output learner, got a regressor" in capsys.readouterr().err


LOGS = {
    "several outputs": ["--targets", "large,twice"],
    "bandit": ["--task", "bandit", "--action", "odd", "--reward", "twice", "--rewards", "0,30"],
    "agent": ["--task", "agent", "--action", "odd", "--reward", "twice"],
    "agent with episodes": ["--task", "agent", "--action", "odd", "--reward", "twice", "--terminated", "end"],
}


@pytest.fixture
def log():
    draw = random.Random(1)
    ends = [int(i % 50 == 49) for i in range(5000)]
    lines = [f"{i % 10},{i % 10 > 4},{2.5 * (i % 10)},{draw.randrange(2)},{end}" for i, end in enumerate(ends)]
    return ["a,large,twice,odd,end", *lines]


def write(name, lines):
    Path(name).write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("options", LOGS.values(), ids=LOGS)
@pytest.mark.parametrize("cut", [201, 2501])
def test_a_file_that_has_grown_is_gone_on_with_as_if_it_had_been_learned_whole(options, cut, log):
    write("log.csv", log)
    assert main(["learn", "log.csv", *options, "--model", "whole.hw"]) == 0
    write("log.csv", log[:cut])
    assert main(["learn", "log.csv", *options, "--model", "parts.hw"]) == 0
    write("log.csv", log)
    assert main(["learn", "log.csv", *options, "--model", "parts.hw", "--resume"]) == 0
    whole, parts = hw.load("whole.hw"), hw.load("parts.hw")
    assert parts.n_learned == whole.n_learned >= 4999
    assert [entry["rows"] for entry in parts.notes["sources"]][-1:] == [
        entry["rows"] for entry in whole.notes["sources"]
    ]


@pytest.mark.parametrize("options", LOGS.values(), ids=LOGS)
def test_what_was_learned_before_an_unusable_end_of_a_file_is_kept(options, log, capsys):
    write("log.csv", [*log, *["too,short"] * 3000])
    assert main(["learn", "log.csv", *options, "--model", "m.hw"]) == 2
    n = hw.load("m.hw").n_learned
    assert n > 1000
    assert capsys.readouterr().err.startswith(
        f"{n:,} rows were learned before this, and kept in m.hw.\nexpected at most 20 %"
    )


@pytest.mark.parametrize("options", LOGS.values(), ids=LOGS)
def test_ctrl_c_ends_a_run_between_blocks_and_saves_it(options, log, capsys, monkeypatch):
    write("log.csv", log)
    step, blocks = Session.step, []

    def pressed(session, *rows):
        done = step(session, *rows)
        blocks.append(session.rows)
        if len(blocks) == 1:
            signal.raise_signal(signal.SIGINT)
        return done

    monkeypatch.setattr(Session, "step", pressed)
    assert main(["learn", "log.csv", *options, "--model", "m.hw"]) == 130
    assert "Stopped by Ctrl-C; these are the rows so far." in capsys.readouterr().out
    assert hw.load("m.hw").n_learned == blocks[-1] < 4999
    monkeypatch.setattr(Session, "step", step)
    write("all.csv", log)
    assert main(["learn", "log.csv", *options, "--model", "m.hw", "--resume"]) == 0
    assert main(["learn", "all.csv", *options, "--model", "whole.hw"]) == 0
    assert hw.load("m.hw").n_learned == hw.load("whole.hw").n_learned
