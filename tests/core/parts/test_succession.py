"""Succession: a new learner beside one that a sudden change of the stream has made worse."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.plain.outputs.succession import AGE, BORN, BYTES, COUNT, KEPT, NUMBERS, SPEAKS, Follower, Rivals
from headwater.types import Event
from support.programs import PROGRAMS, SANITIZED, SANITIZER_OPTIONS, build

ROWS, CHANGE = 3400, 1200
NAMES = ["a", "b", "c", "d", "e", "f"]


def stream(change: int = CHANGE) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of six numbers and their four classes; from `change` on columns have exchanged their meaning."""
    rng = np.random.default_rng(5)
    X = rng.normal(0, 1, (ROWS, 6))
    y = 2 * (X[:, 0] * X[:, 1] + X[:, 2] > 0) + (X[:, 3] + 0.5 * X[:, 0] > 0)
    X[change:] = X[change:, [3, 2, 0, 5, 1, 4]]
    return [dict(zip(NAMES, row, strict=True)) for row in X.tolist()], [f"class {label}" for label in y]


def numbers() -> tuple[list[dict[str, Any]], list[float]]:
    rng = np.random.default_rng(6)
    X = rng.normal(0, 1, (ROWS, 6))
    y = 10 + 3 * X[:, 0] * X[:, 1] + 2 * X[:, 2]
    y[CHANGE:] = 20 - y[CHANGE:]
    return [dict(zip(NAMES, row, strict=True)) for row in X.tolist()], y.tolist()


def right(model: Any, rows: list[Any], labels: list[Any], first: int = 0) -> float:
    """Share of the rows from `first` on that were predicted right before they were learned."""
    found = []
    for row, label in zip(rows, labels, strict=True):
        found.append(model.predict_one(row) == label)
        model.learn_one(row, label)
    return float(np.mean(found[first:]))


def following(model: Any) -> Any:
    return model.engine.core.array("succession")


def test_after_a_sudden_change_it_is_as_good_as_a_new_learner() -> None:
    rows, y = stream()
    new = right(hw.Classifier(seed=1), rows[CHANGE:], y[CHANGE:])
    model = hw.Classifier(seed=1)
    assert right(model, rows, y, CHANGE) > new - 0.01
    assert [(s.row, s.number) for s in model.successions_] == [(pytest.approx(CHANGE, abs=10), 1)]


def test_numbers_to_predict_are_followed_as_well() -> None:
    rows, y = numbers()

    def error(model: Any, first: int, begin: int = 0) -> float:
        missed = []
        for row, value in zip(rows[begin:], y[begin:], strict=True):
            missed.append(abs(model.predict_one(row) - value))
            model.learn_one(row, value)
        return float(np.mean(missed[first:]))

    model = hw.Regressor(seed=1)
    assert error(model, CHANGE) < 1.05 * error(hw.Regressor(seed=1), 0, CHANGE)
    assert model.successions_[0].number == 1


def test_nothing_happens_where_nothing_changes() -> None:
    model = hw.Classifier(seed=1)
    model.learn_many(*stream(ROWS))
    assert model.successions_ == []
    assert following(model)[AGE] == following(model)[BORN] == 0


@pytest.mark.parametrize("later", [2, 6, 12, 60, 400, 1520, 2000])
def test_a_learner_saved_at_any_time_goes_on_with_the_same_bits(later: int, tmp_path: Path) -> None:
    rows, y = stream()
    cut = CHANGE + later
    whole, part = hw.Classifier(seed=1), hw.Classifier(seed=1)
    for row, label in zip(rows, y, strict=True):
        whole.learn_one(row, label)
    part.learn_many(rows[:cut], y[:cut])
    part.save(tmp_path / "part.hw")
    again = hw.load(tmp_path / "part.hw")
    assert again.predict_proba_many(rows[:50]).tolist() == part.predict_proba_many(rows[:50]).tolist()
    again.learn_many(rows[cut:], y[cut:])
    assert again.engine.core.learner.digest() == whole.engine.core.learner.digest()
    assert again.successions_ == whole.successions_ != []


def test_experts_without_curves_are_saved_while_two_compete(tmp_path: Path) -> None:
    rows, y = stream()
    experts = [
        hw.nn.Expert([hw.nn.Dense(8)], optimizer=hw.nn.AdaGrad(0.1)),
        hw.nn.Expert([], optimizer=hw.nn.AdaGrad(0.1)),
    ]
    whole, part = hw.Classifier(experts=experts, seed=1), hw.Classifier(experts=experts, seed=1)
    cut = next(i for i, row in enumerate(rows) if not whole.learn_one(row, y[i]) and following(whole)[AGE] > 5)
    part.learn_many(rows[: cut + 1], y[: cut + 1])
    part.save(tmp_path / "part.hw")
    again = hw.load(tmp_path / "part.hw")
    for model in (whole, again):
        model.learn_many(rows[cut + 1 :], y[cut + 1 :])
    assert again.engine.core.learner.digest() == whole.engine.core.learner.digest()


def test_a_new_learner_that_is_far_behind_is_given_up_soon() -> None:
    rivals = Rivals(usual=0.3, deviation=0.5, loss=0.6)
    assert [rivals.compare(0.35, 1.2) for _ in range(24)] == [None] * 23 + ["old"]
    rivals = Rivals(usual=0.3, deviation=0.5, loss=2.0)  # the old one has become worse: the new one has time
    assert [rivals.compare(1.5, 1.9) for _ in range(1499)] == [None] * 1499


def test_the_state_holds_a_second_learner_only_while_two_compete() -> None:
    rows, y = stream()
    model, sizes = hw.Classifier(seed=1), []
    for first in range(0, ROWS, 100):
        model.learn_many(rows[first : first + 100], y[first : first + 100])
        state = model.engine.core.state()
        sizes.append(
            (len(state["successor"]) > 0, following(model)[AGE] > 0, state["successor"].size == following(model)[BYTES])
        )
    assert {held == competes and same for held, competes, same in sizes} == {True}
    assert [held for held, _, _ in sizes].count(True) == 15


def test_names_and_classes_that_appear_while_two_compete_are_known_to_both(tmp_path: Path) -> None:
    rows, y = stream()
    for i in range(CHANGE + 100, ROWS):
        rows[i] |= {"late": float(i % 7), "colour": ["red", "green", f"name {i // 50}"][i % 3]}
        y[i] = f"class {i // 600 + 4}" if i % 9 == 0 else y[i]
    model = hw.Classifier(seed=1)
    for first in range(0, ROWS, 173):
        model.learn_many(rows[first : first + 173], y[first : first + 173])
        model.save(tmp_path / "a.hw")
        model = hw.load(tmp_path / "a.hw")
    whole = hw.Classifier(seed=1)
    whole.learn_many(rows, y)
    assert model.engine.core.learner.digest() == whole.engine.core.learner.digest()
    assert len(model.classes) == 8
    assert model.successions_[0].number == 1
    assert model.predict_one({"colour": "green"}) in model.classes


def test_predictions_between_change_no_bit() -> None:
    rows, y = stream()
    alone, asked = hw.Classifier(seed=1), hw.Classifier(seed=1)
    alone.learn_many(rows, y)
    for i, (row, label) in enumerate(zip(rows, y, strict=True)):
        if i % 3 == 0:
            asked.predict_proba_one(row)
            asked.predict_proba_one(rows[i // 2])
        if i % 100 == 7 and i > CHANGE - 50:
            asked.explain_one(row)
        asked.learn_one(row, label)
    assert asked.engine.core.learner.digest() == alone.engine.core.learner.digest()


def test_what_is_predicted_alone_is_what_learning_gives_out() -> None:
    rows, y = stream()
    model = hw.Classifier(seed=1)
    model.learn_many(rows[: CHANGE - 1], y[: CHANGE - 1])
    for i in range(CHANGE - 1, CHANGE + 200):
        alone = model.predict_proba_one(rows[i])
        given = model.step_many([rows[i]], [y[i]])
        assert given.proba[0].tolist() == pytest.approx(list(alone.values()), abs=1e-6)


def test_a_learner_whose_labels_come_late_follows_neither_losses_nor_units() -> None:
    """Errors of stale predictions go up and down together: of late flights both cost three points of accuracy."""
    rows, y = stream()
    rows = [{name: 60 * x for name, x in row.items()} if i > CHANGE else row for i, row in enumerate(rows)]
    model = hw.Classifier(seed=1)
    hw.Session(model, delay=20, every=500).run(zip(rows, y, strict=True))
    assert (model.successions_, model.unit_changes_) == ([], [])


def test_a_session_tells_it() -> None:
    rows, y = stream()
    events: list[Event] = []
    session = hw.Session(hw.Classifier(seed=1), every=500, on_record=lambda record: events.extend(record.events))
    session.run(zip(rows, y, strict=True))
    assert [event.kind for event in events] == ["model_succeeded"]
    assert events[0].text == (
        f"From row {events[0].row:,} on the stream is another one, which a new learner predicts better. "
        f"It took the place of the old one at row {session.learner.successions_[0].taken:,}."
    )


def test_coverage_counts_go_on() -> None:
    rows, y = numbers()
    model = hw.Regressor(seed=1)
    model.learn_many(rows, y)
    assert model.successions_
    assert model.coverage_[0.9]["rows"] == ROWS
    assert model.n_learned == ROWS


def test_a_merged_learner_has_none() -> None:
    rows, y = stream()
    model = hw.Classifier(seed=1)
    model.learn_many(rows[: CHANGE + 300], y[: CHANGE + 300])
    assert following(model)[AGE] > 0
    merged = model.engine.core.merge([])
    assert merged.array("succession").tolist() == [0] * NUMBERS
    assert merged.state()["successor"].size == 0


def test_members_of_a_fleet_do_without() -> None:
    fleet = hw.Fleet(hw.Classifier(seed=1), key="k")
    rows, y = stream()
    fleet.learn_many([{"k": 1, **row} for row in rows], y)
    assert fleet[1].successions_ == []


def test_usual_losses_and_alarms_are_those_of_the_plain_rule() -> None:
    rows, y = stream()
    model, plain, compared = hw.Classifier(seed=1, dtype="float64"), Follower(), 0
    for row, label in zip(rows[: CHANGE + 40], y, strict=False):
        p = model.predict_proba_one(row).get(label, 0) if model.n_learned else 0
        known = label in (model.classes if model.n_learned else [])
        model.learn_one(row, label)
        if following(model)[AGE]:
            break
        if not known:  # its class was appended with a bias before it was predicted: the core knows what that cost
            plain.usual, plain.variance, plain.rows = following(model)[[6, 7, 5]]
            continue
        alarm = plain.follow(min(-np.log(max(p, 1e-9)), 9))
        assert following(model)[[5, 6, 7, 8]].tolist() == pytest.approx(
            [plain.rows, plain.usual, plain.variance, plain.excess]
        )
        assert bool(following(model)[10]) == alarm
        compared += 1
    assert compared > CHANGE - 10
    assert following(model)[AGE] == 1


def test_the_plain_rivals_change_places_when_the_other_is_better() -> None:
    rivals = Rivals(usual=0.5, deviation=0.5, loss=3.0)
    rng = np.random.default_rng(1)
    spoke, ended = [], None
    for i in range(2000):
        ended = rivals.compare(2.0 + rng.normal(0, 0.1), 3.0 * np.exp(-i / 200))
        spoke.append(rivals.new_speaks)
        if ended is not None:
            break
    assert spoke.index(True) == pytest.approx(140, abs=10)  # losses are equal at row 81, and their means fade over 50
    assert ended == "new"
    assert len(spoke) == 1500


@pytest.mark.parametrize("place", [0, 24, 33, -1])
def test_a_second_learner_that_does_not_fit_is_refused(place: int) -> None:
    rows, y = stream()
    model = hw.Classifier(seed=1)
    model.learn_many(rows[: CHANGE + 300], y[: CHANGE + 300])
    state = model.engine.core.state()
    state["successor"] = state["successor"].copy()
    state["successor"][place] ^= 0x7F if place >= 0 else 0
    if place < 0:
        state["successor"] = state["successor"][:-8]
    with pytest.raises(ValueError, match=r"success|sizes|shape"):
        model.new_engine(state)


def test_rows_are_kept_only_while_they_cost_more_than_usual() -> None:
    rows, y = stream()
    model, kept = hw.Classifier(seed=1), []
    for row, label in zip(rows[: CHANGE + 20], y, strict=False):
        model.learn_one(row, label)
        kept.append(following(model)[KEPT])
        assert kept[-1] <= 64
    assert kept[:499] == [0] * 499
    assert np.mean(np.array(kept[600:CHANGE]) == 0) > 0.3
    assert following(model)[SPEAKS] in (0, 1)
    assert following(model)[COUNT] == 0


def test_memory_that_is_refused_changes_no_bit_and_none_is_lost(tmp_path: Path) -> None:
    if SANITIZED.lacks:
        pytest.skip(f"{SANITIZED.lacks} is not installed")
    program = build(SANITIZED, PROGRAMS / "succession.c", tmp_path / "built")
    done = subprocess.run(
        [str(program)], capture_output=True, text=True, check=False, env=os.environ | SANITIZER_OPTIONS
    )
    assert done.returncode == 0, done.stderr[-4000:]
    refused, taken = map(int, done.stdout.split())
    assert (refused > 200, taken) == (True, 1)
