"""Changes of units: columns and labels that come in another unit from some row on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.learner.engine import Engine
from headwater.learner.monitoring.unit_changes import UnitChange
from headwater.plain.inputs.units import BLOCK, SCALE, SHIFT, Moments, how_far, rescaling
from headwater.types import Event

ROWS, CHANGE = 3000, 1504  # at the begin of a block
NAMES = ["a", "b", "c", "d"]


def stream(scale: Any = 1.0, shift: Any = 0.0) -> tuple[list[dict[str, float]], list[str]]:
    """Rows of four numbers and their classes; from CHANGE on the numbers are told in another unit."""
    rng = np.random.default_rng(3)
    X = rng.normal([5, -2, 30, 0.5], [2, 1, 4, 0.1], (ROWS, 4))
    z = (X - [5, -2, 30, 0.5]) / [2, 1, 4, 0.1]
    y = np.where(z[:, 0] * z[:, 1] + z[:, 2] + 0.5 * z[:, 3] > 0, "yes", "no")
    X[CHANGE:] = X[CHANGE:] * scale + shift
    return [dict(zip(NAMES, row, strict=True)) for row in X.tolist()], y.tolist()


def numbers(scale: float = 1.0) -> tuple[list[dict[str, float]], list[float]]:
    rows, _ = stream()
    y = [3 * row["a"] + 2 * row["b"] * row["a"] + row["c"] for row in rows]
    return rows, [scale * value if i >= CHANGE else value for i, value in enumerate(y)]


def right(model: Any, rows: list[Any], labels: list[Any], first: int = CHANGE) -> float:
    """Share of the rows from `first` on that were predicted right before they were learned."""
    found = []
    for row, label in zip(rows, labels, strict=True):
        found.append(model.predict_one(row) == label)
        model.learn_one(row, label)
    return float(np.mean(found[first:]))


@pytest.mark.parametrize(
    ("scale", "shift"),
    [(0.1, 0.0), (10.0, 0.0), (1.0, [6.0, 3.0, 12.0, 0.3]), ([1, 1, 60, 1], 0.0), (1.8, 32.0)],
    ids=["a tenth", "ten times", "three deviations", "minutes in place of hours", "Fahrenheit"],
)
def test_what_was_learned_is_kept_when_numbers_come_in_another_unit(scale: Any, shift: Any) -> None:
    undisturbed = right(hw.Classifier(seed=1), *stream())
    model = hw.Classifier(seed=1)
    assert right(model, *stream(scale, shift)) > undisturbed - 0.025
    assert model.unit_changes_


def test_nothing_happens_where_nothing_changes() -> None:
    model = hw.Classifier(seed=1)
    right(model, *stream())
    assert model.unit_changes_ == []


def test_a_change_says_which_column_since_when_and_by_how_much() -> None:
    model = hw.Classifier(seed=1)
    right(model, *stream([1, 1, 60, 1]))
    assert model.unit_changes_ == [UnitChange("c", CHANGE, 1 / 60, 0.0)]


@pytest.mark.parametrize("factor", [0.01, 100.0, 60.0])
def test_an_answer_in_another_unit_is_followed(factor: float) -> None:
    errors = {}
    for times in (1.0, factor):
        model = hw.Regressor(seed=1)
        rows, y = numbers(times)
        missed = []
        for row, value in zip(rows, y, strict=True):
            missed.append(abs(model.predict_one(row) - value))
            model.learn_one(row, value)
        errors[times] = float(np.mean(missed[CHANGE + 200 :])) / times
        assert [(change.name, change.scale) for change in model.unit_changes_] == (
            [] if times == 1 else [("y_pred", pytest.approx(1 / times))]
        )
    assert errors[factor] < 1.25 * errors[1.0]


@pytest.mark.parametrize("cut", [CHANGE + 3, CHANGE + 9, CHANGE + 30, CHANGE + 105, CHANGE + 300])
def test_a_learner_saved_while_readings_compete_goes_on_with_the_same_bits(cut: int, tmp_path: Path) -> None:
    rows, y = stream(0.1)
    whole, part = hw.Classifier(seed=1), hw.Classifier(seed=1)
    whole.learn_many(rows, y)
    part.learn_many(rows[:cut], y[:cut])
    part.save(tmp_path / "part.hw")
    again = hw.load(tmp_path / "part.hw")
    again.learn_many(rows[cut:], y[cut:])
    assert again.engine.core.learner.digest() == whole.engine.core.learner.digest()


def test_a_column_that_appears_while_readings_compete_is_read_as_it_comes(tmp_path: Path) -> None:
    rows, y = stream(0.1)
    rows = [row | {"late": float(i % 5)} if i > CHANGE + 9 else row for i, row in enumerate(rows)]
    model = hw.Classifier(seed=1)
    model.learn_many(rows[: CHANGE + 11], y[: CHANGE + 11])
    assert model.engine.core.array("units")[1] == 1
    model.save(tmp_path / "a.hw")
    again = hw.load(tmp_path / "a.hw")
    for one in (model, again):
        one.learn_many(rows[CHANGE + 11 :], y[CHANGE + 11 :])
    assert again.engine.core.learner.digest() == model.engine.core.learner.digest()
    assert [change.name for change in model.unit_changes_] == NAMES


def test_a_prediction_between_changes_no_bit() -> None:
    rows, y = stream(10.0)
    alone, asked = hw.Classifier(seed=1), hw.Classifier(seed=1)
    for i, (row, label) in enumerate(zip(rows, y, strict=True)):
        if i % 3 == 0:
            asked.predict_proba_one(row)
            asked.predict_proba_one(rows[i // 2])
        if i % 100 == 7 and i > CHANGE - 50:
            asked.explain_one(row)
        asked.learn_one(row, label)
        alone.learn_one(row, label)
    assert asked.engine.core.learner.digest() == alone.engine.core.learner.digest()


def test_units_are_not_followed_where_labels_come_late() -> None:
    rows, y = stream(0.1)
    model = hw.Classifier(seed=1)
    session = hw.Session(model, delay=5, every=500)
    session.run(zip(rows, y, strict=True))
    assert not model.unit_changes_


def test_a_session_tells_it() -> None:
    rows, y = stream([1, 1, 60, 1])
    events: list[Event] = []
    session = hw.Session(hw.Classifier(seed=1), every=500, on_record=lambda record: events.extend(record.events))
    session.run(zip(rows, y, strict=True))
    assert [(event.row, event.kind) for event in events] == [(CHANGE + 1, "unit_change_detected")]
    assert events[0].text == (
        "c comes in another unit since row 1,505 (about 60 times as large). What was learned goes on in the new unit."
    )


def test_readings_are_those_that_the_plain_rule_gives() -> None:
    rows, y = stream([10, 1, 60, 1], [0, 3, 0, 0])
    model, since = hw.Classifier(seed=1), None
    for i, (row, label) in enumerate(zip(rows[: CHANGE + 90], y, strict=False)):
        model.learn_one(row, label)
        of = model.engine.core.array("unit_slots")[1:]
        competing, n = model.engine.core.array("units")[1], model.engine.core.array("units")[0]
        if competing and since is None:
            since = i + 1
        if not competing or n < BLOCK:
            continue
        X = np.array([list(row.values()) for row in rows[since : i + 1]])
        for j in range(4):
            now = Moments(n, float(X[:, j].mean()), float(X[:, j].std()))
            expected = rescaling(now, Moments(1000, of[j, 5], float(np.sqrt(of[j, 6]))))
            assert (of[j, SCALE], of[j, SHIFT]) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert since is not None
    assert i > since + 60


def test_how_far_a_block_lies_off_is_what_the_plain_rule_says() -> None:
    rows, y = stream()
    model, far = hw.Classifier(seed=1), []
    for i, (row, label) in enumerate(zip(rows, y, strict=True)):
        before = model.engine.core.array("unit_slots")[1].copy() if i >= 600 else None
        model.learn_one(row, label)
        if before is None or (i + 1) % BLOCK:
            continue
        block = np.array([row["a"] for row in rows[i + 1 - BLOCK : i + 1]])
        now = Moments(BLOCK, float(block.mean()), float(block.std()))
        far.append(how_far(now, Moments(1000, before[5], float(np.sqrt(before[6])))))
        usual = model.engine.core.array("unit_slots")[1, 7]
        if not model.engine.core.array("units")[1] and far[-1] <= 1:
            assert usual == pytest.approx(max(before[7] * 0.999, far[-1]))
    assert len(far) == (ROWS - 600) // BLOCK


def test_members_of_a_fleet_do_without() -> None:
    fleet = hw.Fleet(hw.Classifier(seed=1), key="k")
    rows, y = stream(0.1)
    for row, label in zip(rows, y, strict=True):
        fleet.learn_one({"k": 1, **row}, label)
    alone = hw.Classifier(seed=1)
    alone.learn_many(rows[:CHANGE], y[:CHANGE])
    assert alone.unit_changes_ == []


def test_columns_are_not_named_where_no_unit_has_changed(monkeypatch):
    """A server asks at each scrape, and the names of a wide model take a second."""
    model = hw.Classifier(seed=1)
    model.learn_many([{f"n{i}": float(j) for i in range(9)} for j in range(40)], ["a", "b"] * 20)
    monkeypatch.setattr(Engine, "columns", property(lambda engine: pytest.fail("columns were named")))
    assert model.unit_changes_ == []
