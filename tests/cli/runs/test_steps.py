"""Columns that go on by steps, such as a year, are no outliers that a run of ``headwater learn`` warns of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import headwater as hw
from headwater.cli import main
from headwater.cli.runs.steps import Steps
from headwater.streams.readers.frame_rows import FrameRows

COLUMNS = {
    "year": lambda i: 2020 + i // 3_000,
    "month": lambda i: 1 + i // 1_000 % 12,
    "hour": lambda i: i // 400 % 24,
    "batch": lambda i: i // 2_000,
    "back": lambda i: 5 - i // 3_000,
    "date": lambda i: 20240101 + i // 300 % 28 + 100 * (i // 8_400),
}
ROWS = 15_000


def far(values: list[float]) -> int:
    model = hw.Regressor(hidden=(), seed=1)
    model.learn_many([{"x": float(x)} for x in values], [0.0] * len(values))
    return model.rejected.get("far", 0)


def found(values: list[float], block: int = 700, *, frame: bool = False) -> int:
    steps = Steps()
    rows = [{"x": x} for x in values]
    for i in range(0, len(rows), block):
        part = rows[i : i + block]
        steps.see(FrameRows(pl.DataFrame(part)) if frame else part)
    return steps.found()[1]


@pytest.mark.parametrize("name", COLUMNS)
def test_what_a_column_of_steps_adds_to_the_values_that_count_as_far_is_known_to_the_row(name: str) -> None:
    values = [COLUMNS[name](i) for i in range(ROWS)]
    assert found(values) == far(values) > 0
    assert found(values, 1_013, frame=True) == found(values, 64) == far(values)


def test_columns_that_change_sooner_or_for_a_few_rows_are_no_steps() -> None:
    glitch = [20.0 + (i // 3_000) for i in range(6_000)]
    glitch[4_000] = 1e6
    late = [20.0] * 2_000 + [21.0] * 2_000 + [1e6] * 5
    assert far(glitch) > 0
    assert found(glitch) == 0
    assert found(late) == far(late[:4_000])
    assert found(np.random.default_rng(1).normal(size=2_000).tolist()) == 0


def write(path: Path, wrong: int = 0) -> None:
    rng = np.random.default_rng(1)
    rows = [
        [
            *(make(i) for make in COLUMNS.values()),
            f"{1e6 if 5_000 <= i < 5_000 + wrong else rng.normal():.4f}",
            f"{rng.normal():.4f}",
        ]
        for i in range(ROWS)
    ]
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join([",".join([*COLUMNS, "heat", "y"]), *lines, ""]), encoding="utf-8")


def test_a_run_warns_of_outliers_and_not_of_a_year_that_goes_on(tmp_path: Path, capsys: Any) -> None:
    for wrong in (0, 1):
        write(tmp_path / "a.csv", wrong)
        assert main(["learn", str(tmp_path / "a.csv"), "-t", "y"]) == 0
        said = capsys.readouterr().out
        assert ("× far" in said) == bool(wrong)
    assert "the first value after a step, as to the next year" in said
    assert main(["learn", str(tmp_path / "a.csv"), "-t", "y", "--json"]) == 0
    assert (
        json.loads(capsys.readouterr().out.splitlines()[-1])["rejected"]["far"] > 100
    )  # what the guard did, unexplained


def test_a_forecaster_without_columns_of_numbers_counts_none_of_its_own_inputs_as_far() -> None:
    rng = np.random.default_rng(1)
    values = [100 * (1 + 0.3 * (i % 7 == 5)) + rng.normal() for i in range(100)]
    alone, dated = hw.Forecaster(horizon=7, season=7), hw.Forecaster(horizon=7, season=7)
    alone.learn_many(values)
    dated.learn_many(values, [{"price": 1.0 + i % 2, "kind": "a"} for i in range(100)])
    assert alone.rejected == {}
    assert dated.rejected["far"] > 0
    dated.learn_one(1.0, {"price": 1e6})
    assert dated.rejected["far"] > 1
