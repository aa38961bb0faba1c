"""What a kind that is written in Python has without writing it: rows, labels, scores, costs, explanations and findings."""

from __future__ import annotations

import copy
import math
import threading
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import headwater as hw
from headwater.diagnose.refused_rows import RowCounts, diagnose_rows
from headwater.errors import DataError, HeadwaterError, RefusedRow, TargetError
from headwater.learner.kind import Kind, kind_of
from headwater.learner.row_learner import RowEngine, RowLearner
from headwater.learner.schema import Field
from headwater.learner.schema.answer import Answer
from headwater.route.drift.costs import MeanCosts, NumberCosts, costs_of
from headwater.route.score import score_of
from headwater.route.scores.mean_score import MeanScore
from headwater.store.learner_file import fingerprint, from_bytes, to_bytes
from headwater.types import Lazy, Predictions, ScoredRows
from kinds.recipe import imported

Count = imported("theirs").learner.Count
ROWS = [{"site": "ab"[i % 2]} for i in range(60)]
LABELS = [[float(i % 5), 0.5 + i % 3] for i in range(60)]


class LastScore(MeanScore):
    """The share of wrong texts, next to that of the last one said again."""

    names, baselines = ("wrong",), ("last",)

    @staticmethod
    def cost(label: Any, predicted: Any) -> float:
        return float(label != predicted)

    def guesses(self) -> tuple[Any, ...]:
        return (self.state.get("last"),)

    def learn(self, label: Any) -> None:
        self.state["last"] = label


@dataclass(eq=False, repr=False)
class Parrot(RowLearner):
    """Say what was said last of a thing, and nothing of one that is new."""

    kind: ClassVar[Kind] = Kind(
        name="Parrot",
        task="parrot",
        noun="parrot",
        learner=Lazy(f"{__name__}:Parrot"),
        can=frozenset(("answers", "late", "delay")),
        answer=Answer.of(Field("word", "text", "What is said of it.")),
        score=Lazy(f"{__name__}:LastScore"),
    )

    def _first_state(self) -> Any:
        return [{}, 0]

    def _predict(self, state: Any, x: Any) -> Any:
        return state[0].get(x.get("thing"))

    def _learn(self, state: Any, x: Any, y: Any) -> None:
        state[0][x.get("thing")] = y
        state[1] += 1


def taught(rows=ROWS, labels=LABELS, **settings):
    model = Count(**settings)
    model.step_many(rows, labels)
    return model


# ---- rows -----------------------------------------------------------------------------------------------------------------


def test_each_row_is_predicted_before_it_is_learned_one_by_one_or_many_at_once():
    alone, many = Count(), Count()
    one_by_one = []
    for x, y in zip(ROWS, LABELS, strict=True):
        one_by_one.append(alone.predict_one(x))
        alone.learn_one(x, y)
    assert many.learn_many(ROWS, LABELS).tolist() == one_by_one
    assert fingerprint(alone) == fingerprint(many)
    assert many.predict_many(ROWS[:2]).tolist() == [many.predict_one(x) for x in ROWS[:2]]


def test_rows_of_a_frame_and_labels_with_names_are_learned_like_lists():
    other = Count()
    other.learn_many(pd.DataFrame(ROWS), [{"exposure": hours, "count": int(n)} for n, hours in LABELS])
    assert fingerprint(other) == fingerprint(taught())


@pytest.mark.parametrize(
    "bad", ["three", None, math.nan, [1.0], [1.0, 0.0], [-1.0, 1.0], [math.inf, 1.0], [1.0, None], {"count": 1}]
)
def test_a_row_whose_label_is_another_is_counted_and_not_learned(bad):
    model = taught()
    before = fingerprint(model), model.n_learned
    with pytest.warns(RefusedRow, match="a row was not learned"):
        model.learn_one(ROWS[0], bad)
    assert model.rejected == {"target": 1}
    assert (before[1], model.n_learned) == (60, 60)
    model.learn_many(ROWS[:3], [[1.0, 1.0], bad, [2.0, 1.0]])
    assert (model.n_learned, model.rejected) == (62, {"target": 2})
    assert model.predict_one(ROWS[0]) == taught(
        [*ROWS, ROWS[0], ROWS[2]], [*LABELS, [1.0, 1.0], [2.0, 1.0]]
    ).predict_one(ROWS[0])


def test_labels_that_come_late_are_learned_after_the_rows_asked_before():
    model, rows = Count(), ROWS[:10]
    model.step_many([], [], ask=rows[:2])
    assert model.n_learned == 0
    said = model.step_many(rows[:8], LABELS[:8], ask=rows[2:])
    other, expected = Count(), []
    for i in range(8):
        expected.append(other.predict_one(rows[i + 2]))
        other.learn_one(rows[i], LABELS[i])
    assert list(said.y_pred) == expected
    assert fingerprint(model) == fingerprint(other)


def test_threads_lose_no_row_and_copies_go_their_own_way():
    model = Parrot()
    work = [threading.Thread(target=model.step_many, args=([{"thing": i}] * 50, ["a"] * 50)) for i in range(4)]
    for one in work:
        one.start()
    for one in work:
        one.join(60)
    other = copy.deepcopy(model)
    other.learn_one({"thing": 0}, "b")
    assert (model.n_learned, other.n_learned) == (200, 201)
    assert (model.predict_one({"thing": 0}), other.predict_one({"thing": 0})) == ("a", "b")


def test_a_state_of_any_shape_comes_back_to_the_bit_from_a_file():
    model = Parrot()
    model.learn_many([{"thing": 3}, {"thing": "three"}], ["drei", "三"])
    other = from_bytes(to_bytes(model), "a file")
    assert (fingerprint(other), other.n_learned) == (fingerprint(model), 2)
    assert [other.predict_one({"thing": thing}) for thing in (3, "three", 4)] == ["drei", "三", None]
    assert math.copysign(1, RowEngine.of(RowEngine([0.1 + 0.2, -0.0]).state()).own[1]) == -1


def test_bytes_that_are_no_state_are_refused():
    for state in ({}, {"own": np.array([0xC1], np.uint8)}):
        with pytest.raises(ValueError, match="own"):
            RowEngine.of(state)


def test_a_sample_beyond_the_limits_is_refused_before_it_is_learned():
    model = Count()
    model.limits = hw.Limits(entries=2)
    model.check_limits([{"a": 1, "b": 2}])
    with pytest.raises(HeadwaterError, match="at most 2"):
        model.check_limits([{"a": 1, "b": 2, "c": 3}])


def test_a_store_predicts_rows_as_the_learner_in_it_does(tmp_path):
    with hw.open(tmp_path / "p.db", Parrot()) as store:
        store.teach([{"thing": 1}, {"thing": 2}], ["one", "two"])
        assert (store.predict_one({"thing": 2}), store.predict_many([{"thing": 1}, {"thing": 3}])) == (
            "two",
            ["one", None],
        )
        with pytest.raises(DataError, match="a text, got 5"):
            store.learn_one({"thing": 1}, 5)


# ---- labels ---------------------------------------------------------------------------------------------------------------


def test_a_label_of_several_fields_is_read_by_its_fields():
    hours, at = Field("hours", "number", "Hours.", 1.0), Field("at", "text", "Where.", None)
    answer = Answer.of(Field("n", "whole", "A count.", least=0), hours, at)
    assert (answer.compound, answer.table.value.__name__) == (True, "PartColumns")
    assert answer.read({"n": 2}, None) == answer.read([2, None, None], None) == [2, 1.0, None]
    assert answer.read_all([(3, 2, "a"), None], None) == [[3, 2.0, "a"], None]
    assert answer.problem([3, 2, "a"]) == ""
    assert answer.problem([3, 2]) == "answer is not [n, hours, at]"
    assert answer.problem([-1, 2, "a"]) == "answer is not a whole number of at least 0"
    assert answer.problem(None) == "answer unknown"
    with pytest.raises(TargetError, match=r"expected \[n, hours, at\], got 5"):
        answer.read(5, None)


def test_kinds_that_read_their_labels_themselves_go_on_as_before():
    number, classes = (hw.Regressor.kind.answer, hw.Classifier.kind.answer)
    assert (number.compound, number.table, number.read(3, None)) == (False, None, 3.0)
    assert (classes.compound, classes.read("late", None)) == (False, "late")


# ---- scores ---------------------------------------------------------------------------------------------------------------


def by_hand(delay: int, rows: int) -> list[float]:
    """The error of the mean rate of each row, by the labels that had come."""
    found = []
    for i in range(rows):
        known = LABELS[: max(i - delay, 0)]
        rate = sum(n for n, _ in known) / sum(hours for _, hours in known) if known else 0.0
        found.append(abs(rate * LABELS[i][1] - LABELS[i][0]))
    return found


@pytest.mark.parametrize("delay", [0, 7])
def test_a_mean_score_is_the_mean_of_its_costs_over_all_rows_and_over_the_window(delay):
    score = score_of(Count(), window=20, delay=delay)
    score.update(LABELS, [1.0] * 60)
    own, usual = [abs(hours - n) for n, hours in LABELS], by_hand(delay, 60)
    for window, rows in ((False, 60), (True, 20)):
        found = score.scores(window=window)
        assert found["model"]["count_error"] == pytest.approx(math.fsum(own[-rows:]) / rows)
        assert found["mean rate"]["count_error"] == pytest.approx(math.fsum(usual[-rows:]) / rows)
    margins = score.margins(3)["mean rate"]
    assert margins == pytest.approx(
        [(b - a) / (a + b) if a + b else 0.0 for a, b in zip(own[-3:], usual[-3:], strict=True)]
    )


def test_a_mean_score_goes_on_from_its_bytes_and_keeps_its_curve():
    whole = score_of(Count(), delay=3, history=True, window=10)
    whole.update(LABELS, [1.0] * 60)
    first = score_of(Count(), delay=3, history=True, window=10)
    first.update(LABELS[:31], [1.0] * 31)
    again = score_of(Count(), delay=3, history=True, window=10, saved=first.to_bytes())
    again.update(LABELS[31:], [1.0] * 29)
    assert again.to_bytes() == whole.to_bytes()
    assert again.report() == whole.report()


def test_what_was_not_predicted_or_has_no_label_is_counted_and_not_scored():
    score = score_of(Parrot())
    assert score.guess("last") is None
    score.score(["a", "a", 5, "b"], Predictions([None, "a", "a", "a"]))
    assert (score.n, score.unscored) == (2, 2)
    assert score.scores() == {"model": {"wrong": 0.5}, "last": {"wrong": 1.0}}
    assert (score.guess("last"), score.guess("other")) == ("b", None)


def test_scores_of_a_version_that_had_no_such_kind_are_refused():
    import msgspec

    with pytest.raises(ValueError, match="scores"):
        score_of(Parrot(), saved=msgspec.msgpack.encode({"n": 3}))


def test_drift_detectors_watch_the_cost_of_the_score_unless_a_kind_says_otherwise():
    costs = costs_of(kind_of(Count()))
    assert isinstance(costs, MeanCosts)
    rows = ScoredRows(
        1,
        ROWS[:3],
        [[1.0, 1.0], {"count": 4, "exposure": 2.0}, [3.0, 1.0]],
        [1.0, 1.0, None],
        [math.nan] * 3,
        "count_events",
    )
    assert costs.of(rows) == [0.0, 1.0, 0.0]  # off by 0, by 2 with a mean of 0 before, and unknown
    assert costs.of(rows) == pytest.approx([0.0, 0.75, 0.0])  # off by 2 with a mean of 2/3 before, of 0, 2 and 0
    assert isinstance(costs_of(kind_of(hw.Regressor())), NumberCosts)
    assert not isinstance(costs_of(kind_of(hw.Classifier())), NumberCosts | MeanCosts)


# ---- explanations and findings -----------------------------------------------------------------------------------------------


def test_a_prediction_is_explained_by_what_it_would_be_without_each_column():
    model = taught()
    why = model.explain_one({"other": 1, "site": "b"})
    usual = model.predict_one({})
    assert (why.prediction, why.baseline, why.method) == (model.predict_one({"site": "b"}), usual, "occlusion")
    assert why.contributions == {"site": why.prediction - usual, "other": 0.0}
    with pytest.raises(DataError, match="a learner that has learned, got one that has seen no row"):
        Count().explain_one({"site": "b"})


def test_many_rejected_rows_are_found_with_the_reason():
    model = taught()
    assert diagnose_rows(model) == (RowCounts(60), [])
    model.step_many(ROWS[:20], ["three"] * 20)
    (finding,) = model.diagnose()
    assert (finding.name, finding.severity, finding.evidence) == ("rejected_rows", "warning", {"share": 0.25})
    assert finding.text.startswith("20 of 80 rows were not learned, most because the answer is missing")
