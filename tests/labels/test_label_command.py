"""``headwater label``: rows one after the other, single keys, and nothing learned that was taken back."""

import io

import pytest

import headwater as hw
from headwater.cli import main

ROWS = [f"{a / 10},{b / 10},{'yes' if a > b else 'no'}" for a in range(10) for b in range(10)]


@pytest.fixture
def label(tmp_path, monkeypatch, capsys):
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *ROWS]))

    def run(keys, *more):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(keys) + "\n"))
        status = main(["label", str(tmp_path / "s.db"), *more])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_rows_of_a_file_are_chosen_and_labeled_by_keys(label, tmp_path):
    rows = str(tmp_path / "rows.csv")
    status, out, _ = label(["n no", "n yes", "1", "", "q"], rows, "--budget", "0.2", "-t", "y")
    assert status == 0
    assert "100 rows read, " in out
    assert "No class is known yet: n NAME names the first." in out
    assert "y: " not in out
    assert "4 labels learned, " in out
    with hw.open(tmp_path / "s.db") as model:
        assert (model.n_learned, model.classes) == (4, ["no", "yes"])


def test_the_last_label_can_be_taken_back_until_the_next(label, tmp_path):
    rows = str(tmp_path / "rows.csv")
    status, out, err = label(["u", "n wrong", "u", "n right", "q"], rows, "--budget", "0.5", "-t", "y")
    assert status == 0
    assert "There is nothing to take back" in err
    assert "1 label learned" in out
    with hw.open(tmp_path / "s.db") as model:
        assert model.classes == ["right"]


def test_skipped_rows_wait_on_and_are_not_shown_twice(label, tmp_path):
    rows = str(tmp_path / "rows.csv")
    _, out, _ = label(["s"] * 200, rows, "--budget", "0.2", "-t", "y")
    shown = [line for line in out.splitlines() if line.startswith("p")]
    assert len(shown) == len({line.split()[0] for line in shown})
    assert f"0 labels learned, {len(shown)} rows waiting." in out
    _, again, _ = label(["q"])
    assert shown[0].split()[0] in again


def test_a_key_that_means_nothing_is_told_and_nothing_is_learned(label, tmp_path):
    _, out, err = label(["7", "n ", "x", "q"], str(tmp_path / "rows.csv"), "--budget", "0.2", "-t", "y")
    assert err.count("expected one of the keys shown") == 3
    assert "0 labels learned" in out


def test_the_end_of_the_input_learns_the_label_that_was_held_back(label, tmp_path):
    _, out, _ = label(["n no"], str(tmp_path / "rows.csv"), "--budget", "0.2", "-t", "y")
    assert "1 label learned" in out


def test_a_store_of_numbers_is_refused(label, tmp_path):
    with hw.open(tmp_path / "s.db", hw.Regressor()) as model:
        model.learn_one({"a": 1.0}, 2.0)
    status, _, err = label(["q"])
    assert status == 2
    assert "asks for labels within a budget: Classifier" in err
