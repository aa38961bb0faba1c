"""A diagnosis of an anomaly detector says what its state shows, and nothing of ordinary rows."""

import json

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.diagnose import diagnose
from headwater.errors import DataError
from headwater.store.learner_file import fingerprint


def ordinary(n, seed=0):
    rng = np.random.default_rng(seed)
    return [{"a": float(a), "b": float(b), "c": "xyz"[i % 3]} for i, (a, b) in enumerate(rng.normal(size=(n, 2)))]


def taught(rows):
    model = hw.Anomaly(seed=1)
    model.learn_many(rows)
    return model


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [600, 2_500, 5_000])
def test_ordinary_rows_have_no_findings(n, seed):
    found = diagnose(taught(ordinary(n, seed)))
    assert found.names == []
    assert str(found) == f"Nothing found over {n:,} rows."


def cases():
    rows = ordinary(3_000)
    yield "constant_features", [{**row, "k": 7.0, "word": "same"} for row in rows], "k, word"
    yield "identifier_columns", [{**row, "id": f"u{i}"} for i, row in enumerate(rows)], "id (3,000 values)"
    yield "drifted_scores", [{**row, "a": row["a"] + (4 if i > 2_600 else 0)} for i, row in enumerate(rows)], "rose"
    yield (
        "many_alarms",
        [{**row, "a": 30.0 if i > 2_200 and i % 20 == 0 else row["a"]} for i, row in enumerate(rows)],
        "4.1% of the last 1,000 rows",
    )
    yield (
        "silent_detectors",
        [{"c": row["c"], "d": "uv"[i % 2]} for i, row in enumerate(rows)],
        "z-norm, nearest, autoencoder",
    )
    yield "few_rows", rows[:200], "200 rows scored"


CASES = list(cases())


@pytest.mark.parametrize(("name", "rows", "said"), CASES, ids=[name for name, *_ in CASES])
def test_what_is_wrong_is_found_with_its_numbers(name, rows, said):
    model = taught(rows)
    before = fingerprint(model)
    (finding,) = (one for one in model.diagnose() if one.name == name)
    assert said in finding.text
    assert finding.remedy
    assert fingerprint(model) == before


def test_a_detector_that_saw_nothing_is_refused():
    with pytest.raises(DataError, match="a detector that has learned"):
        hw.Anomaly().diagnose()


def test_the_command_line_diagnoses_a_saved_detector_and_a_stream(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    taught([{**row, "k": 1.0} for row in ordinary(700)]).save("m.hw")
    assert main(["diagnose", "m.hw"]) == 0
    assert "constant features" in capsys.readouterr().out
    (tmp_path / "a.csv").write_text("a,k\n" + "".join(f"{i * 37 % 101},1\n" for i in range(700)))
    assert main(["diagnose", "a.csv", "--task", "anomaly", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["findings"]] == ["constant_features"]
    assert found["rows"] == 700
