"""The detectors of anomalies in the core do what headwater.plain.kinds.anomaly says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.plain.kinds.anomaly import PlainAnomaly

UNITS, NEIGHBOURS = 5, 30


def mixed(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of numbers and categories with gaps, new names and, now and then, an anomaly."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for i in range(n):
        x: dict[str, Any] = {"a": rng.normal(), "b": 3 * rng.normal() + 2, "colour": "rgb"[rng.integers(3)]}
        if i % 3:
            x["d"] = rng.normal() ** 3
        if i % 5 == 0:
            x["word"] = f"w{i % 35}"
        if i > 700:
            x["late"] = float(i % 11)
        if i == 1_000:
            x |= {"a": 80.0, "b": -900.0, "colour": "none of these"}
        rows.append(x)
    return rows


def weights_by_name(model: hw.Anomaly) -> dict[Any, np.ndarray]:
    """The encoder's weights of each number and category."""
    core = model.engine.core
    table, row_of_slot = core.table(0)[0], core.array("slot_row")
    found: dict[Any, np.ndarray] = {}
    for column in model.engine.columns.values():
        if column.slot >= 0:
            found[column.name] = table[row_of_slot[column.slot] - 1].copy()
        found |= {(column.name, text): table[row - 1].copy() for text, row in column.values.items()}
    return found


def test_the_core_scores_and_learns_as_the_plain_detectors_do():
    drawn: dict[Any, np.ndarray] = {}
    model = hw.Anomaly(hidden=UNITS, neighbours=NEIGHBOURS, dtype="float64", seed=3)
    plain = PlainAnomaly(lambda name: drawn.get(name, np.zeros(UNITS)), UNITS, NEIGHBOURS)
    skipped = 0
    for x in mixed(1_200):
        assert model.score_one(x) == pytest.approx(plain.score_one(x), rel=1e-12)
        model.learn_one(x)
        for name, first in weights_by_name(
            model
        ).items():  # a name's first weights are the core's; its first row moves none
            if name not in drawn:
                drawn[name] = plain.W[name] = first
        plain.learn_one(x)
        skipped += plain.skipped
    assert skipped > 0
    now = weights_by_name(model)
    assert max(np.abs(now[name] - plain.W[name]).max() for name in now) < 1e-12
    assert model.n_learned == 1_200
    assert int(model.engine.core.array("touched")[0]) == plain.rows == 1_200 - skipped


def test_what_the_columns_contribute_adds_up_to_the_raw_score_of_the_plain_pool():
    model = hw.Anomaly(hidden=UNITS, neighbours=NEIGHBOURS, dtype="float64", seed=3)
    drawn: dict[Any, np.ndarray] = {}
    plain = PlainAnomaly(lambda name: drawn.get(name, np.zeros(UNITS)), UNITS, NEIGHBOURS)
    for x in mixed(300):
        model.learn_one(x)
        for name, first in weights_by_name(model).items():
            if name not in drawn:
                drawn[name] = plain.W[name] = first
        plain.learn_one(x)
    for x in ({"a": 9.0, "b": 2.0, "colour": "r"}, {"a": 0.1, "b": 2.0, "colour": "violet"}, {"new": 1.0}, {}):
        why = model.explain_one(x)
        assert (
            why.prediction == np.float64(plain.judge(x)[0][-1]).item()
            or abs(why.prediction - plain.judge(x)[0][-1]) < 1e-9
        )
        assert abs(why.rest) < 1e-9
    assert next(iter(model.explain_one({"a": 9.0, "b": 2.0, "colour": "r"}).contributions)) == "a"
    assert next(iter(model.explain_one({"a": 0.1, "b": 2.0, "colour": "violet"}).contributions)) == "colour"
