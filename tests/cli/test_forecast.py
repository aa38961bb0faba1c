"""``headwater forecast`` as a user meets it: a table or JSON lines, a picture, a model that goes on."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.cli import main


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs a command line in a folder with 300 hours of a daily series; the last three have no answer yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    lines = [
        f"2024-01-{1 + i // 24:02} {i % 24:02}:00:00,{i % 2},{'' if i >= 297 else 10 + 5 * math.sin(i * math.pi / 12):.4}"
        for i in range(300)
    ]
    (tmp_path / "open.csv").write_text("\n".join(["when,odd,y", *lines, ""]))
    (tmp_path / "past.csv").write_text("\n".join(["when,odd,y", *lines[:297], ""]))

    def runs(*tokens: object) -> tuple[int, str, str]:
        status = main(list(map(str, tokens)))
        out, err = capsys.readouterr()
        return status, out, err

    return runs


def test_rows_without_an_answer_at_the_end_are_the_times_to_forecast(run: Any) -> None:
    status, out, err = run("forecast", "open.csv", "--target", "y", "--time", "when", "--horizon", 6, "--json")
    assert (status, err) == (0, "")
    said = [json.loads(line) for line in out.splitlines()]
    assert [row["when"] for row in said] == [f"2024-01-13 {h:02}:00:00" for h in (9, 10, 11)]
    for i, row in enumerate(said):
        assert row["y"] == pytest.approx(10 + 5 * math.sin((297 + i) * math.pi / 12), abs=0.5)
        assert row["low"] <= row["y"] <= row["high"]


def test_without_such_rows_times_go_on_at_their_usual_step_and_a_picture_is_drawn(run: Any) -> None:
    pytest.importorskip("matplotlib")
    status, out, err = run("forecast", "past.csv", "-t", "y", "--time", "when", "--horizon", 4, "--plot", "y.svg")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) == 5
    assert lines[1].split()[:2] == ["2024-01-13", "09:00:00"]
    picture = Path("y.svg").read_text()
    assert picture.startswith("<?xml")
    assert "</svg>" in picture


def test_a_saved_model_goes_on(run: Any) -> None:
    for _ in range(2):
        status, _, err = run("forecast", "past.csv", "-t", "y", "--horizon", 2, "--model", "y.hw")
        assert (status, err) == (0, "")
    model = hw.load("y.hw", hw.Forecaster)
    assert (model.n_learned, model.horizon) == (2 * 297, 2)


def test_what_can_not_be_done_is_said_in_one_sentence(run: Any) -> None:
    hw.Regressor().save("r.hw")
    Path("words.csv").write_text("y\n" + "up\ndown\n" * 20, encoding="utf-8")
    status, _, err = run("forecast", "words.csv", "-t", "y")
    assert (status, "Choose another --target: a series is numbers." in err, "--task" in err) == (2, True, False)
    for tokens, said in (
        (("-t", "nothing"), "expected the column nothing"),
        (("-t", "y", "--time", "never"), "expected a column never"),
        (("-t", "y", "--horizon", 0), "horizon of Forecaster"),
        (("-t", "y", "--model", "r.hw"), "expected a file that holds a forecaster, got a regressor"),
        (("-t", "y", "--plot", "no/where.png"), "a file that can be written"),
    ):
        status, _, err = run("forecast", "past.csv", *tokens)
        assert status == 2
        assert said in err
