"""``headwater bench`` measures a row's cost on somebody's own stream, each learner in a process of its own."""

from __future__ import annotations

import io
import json
import sys

import pytest

from headwater.cli import main
from headwater.cli.runs import contest
from headwater.interop import rivals

HEAD = "hour,place,load,answer\n"


@pytest.fixture
def table(tmp_path):
    rows = (
        f"{i % 24},{'north' if i % 3 else 'south'},{i % 7 / 2},{'yes' if i % 24 > 12 else 'no'}" for i in range(300)
    )
    path = tmp_path / "rows.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def test_ours_is_measured_with_latencies_in_order_memory_and_score(table, capsys):
    assert main(["bench", str(table), "--target", "answer", "--alone", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == "accuracy"
    (own,) = found["learners"].values()
    assert own["rows"] == 300
    assert 0 < own["p50"] <= own["p99"] <= own["p999"] <= own["worst"] <= own["seconds"]
    assert own["memory"] >= 0
    assert own["score"] > 0.8


def test_rivals_stand_below_it_with_their_versions(table, capsys):
    river = pytest.importorskip("river")
    assert main(["bench", str(table), "--target", "answer", "--rows", "120"]) == 0
    out = capsys.readouterr().out
    names = [line.split("  ")[0] for line in out.splitlines()]
    assert names[:2] == ["learner", "headwater"]
    assert f"adaptive random forest (river {river.__version__})" in names
    assert f"linear model (river {river.__version__})" in names
    assert out.splitlines()[-1].startswith("120 rows, ")


def test_numbers_are_scored_by_their_mean_error(table, capsys):
    assert main(["bench", str(table), "--target", "load", "--task", "regress", "--alone", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == "mean error"
    assert found["learners"]["headwater"]["score"] < 2


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--task", "anomaly"], "classify or regress"), (["--target", "answer", "--rows", "50"], "100 rows or more")],
)
def test_what_can_not_be_measured_is_told(table, capsys, more, said):
    assert main(["bench", str(table), *more]) == 2
    assert said in capsys.readouterr().err


def test_a_rival_that_fails_is_named_and_the_others_go_on(table, capsys, monkeypatch):
    broken = rivals.Rival("broken", "numpy", "numpy", lambda classes: 1 / 0)
    monkeypatch.setattr("headwater.cli.runs.bench.installed", lambda: [broken])
    monkeypatch.setattr("headwater.cli.runs.bench.RIVALS", [broken])
    monkeypatch.setattr("headwater.cli.runs.contest._rival", lambda job: 1 / 0)
    words = ["-c", "import sys; sys.stderr.write('ValueError: not me'); sys.exit(1)"]
    real = __import__("subprocess").run

    def run(command, **how):
        rival = not json.loads(how["input"])["model"]
        return real([sys.executable, *words] if rival else command, **how)

    monkeypatch.setattr("headwater.cli.runs.bench.subprocess.run", run)
    assert main(["bench", str(table), "--target", "answer", "--json"]) == 0
    out, err = capsys.readouterr()
    assert list(json.loads(out)["learners"]) == ["headwater"]
    assert "ValueError: not me — at broken (numpy" in err


@pytest.mark.parametrize("rival", [one for one in rivals.RIVALS if one in rivals.installed()], ids=lambda one: one.name)
@pytest.mark.parametrize("classes", [[], ["no", "yes"], ["a", "b", "c"]], ids=["numbers", "two", "three"])
def test_a_rival_takes_numbers_words_and_gaps(rival, classes):
    predict, learn = rival.make(classes)
    for i in range(60):
        x = {"a": i % 7, "b": "uv"[i % 2], "c": None if i % 5 else 1.5, "d | e": "f: g"}
        learn(x, classes[i % len(classes)] if classes else float(i % 7))
    said = predict({"a": 3, "b": "u", "c": None})
    assert said in classes if classes else isinstance(said, float)


def test_a_job_on_the_input_gives_what_was_found_on_the_output(tmp_path, monkeypatch, capsys):
    import msgspec

    import headwater as hw

    hw.Classifier((4,), seed=1).save(tmp_path / "m.hw")
    rows = [({"a": i % 2}, "no" if i % 2 else "yes") for i in range(200)]
    (tmp_path / "rows").write_bytes(msgspec.msgpack.encode(rows))
    job = contest.Job(str(tmp_path / "rows"), ["no", "yes"], model=str(tmp_path / "m.hw"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(msgspec.json.encode(job))))
    contest.main()
    found = msgspec.json.decode(capsys.readouterr().out, type=contest.Found)
    assert (found.rows, found.score > 0.9) == (200, True)
