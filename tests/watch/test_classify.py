"""Scores of a classifier: equal to River's and scikit-learn's, row-exact, next to simple baselines."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import metrics
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, log_loss

from headwater.kinds.classifier_regressor.scores.classify import ClassScore
from headwater.types import Predictions

LABELS = st.sampled_from(["a", "b", "c"])
ROWS = st.lists(st.tuples(LABELS, st.one_of(st.none(), LABELS), st.floats(0, 1)), min_size=1, max_size=60)


def watched(rows, cuts=(), **options):
    """Return a watch that has seen rows of (y, y_pred, proba), in blocks cut at these places."""
    watch = ClassScore(**options)
    edges = [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]
    for i, j in pairwise(edges):
        y, y_pred, proba = zip(*rows[i:j], strict=True) if j > i else ([], [], [])
        watch.update(list(y), list(y_pred), list(proba))
    return watch


def same(a, b):
    return {k: {n: repr(v) for n, v in s.items()} for k, s in a.items()} == {
        k: {n: repr(v) for n, v in s.items()} for k, s in b.items()
    }


@given(ROWS, st.lists(st.integers(0, 60), max_size=5), st.integers(1, 70), st.integers(0, 5))
def test_how_rows_are_cut_into_blocks_changes_no_bit(rows, cuts, window, delay):
    whole = watched(rows, window=window, delay=delay)
    cut = watched(rows, cuts, window=window, delay=delay)
    assert same(cut.scores(), whole.scores())
    assert same(cut.scores(window=True), whole.scores(window=True))


@given(ROWS, st.integers(1, 70))
def test_the_window_scores_are_those_of_its_rows_alone(rows, window):
    recent = watched(rows, window=window).scores(window=True)["model"]
    scored = [row for row in rows if row[1] is not None]
    alone = watched(scored[-window:]).scores()["model"]
    for name in ("accuracy", "kappa", "balanced_accuracy", "log_loss"):
        assert recent[name] == pytest.approx(alone[name], abs=1e-12, nan_ok=True)


@given(ROWS)
def test_scores_equal_rivers(rows):
    rows = [row for row in rows if row[1] is not None] or [("a", "b", 0.5)]
    scores = watched(rows).scores()["model"]
    river = {
        "accuracy": metrics.Accuracy(),
        "kappa": metrics.CohenKappa(),
        "balanced_accuracy": metrics.BalancedAccuracy(),
    }
    for y, y_pred, _ in rows:
        for metric in river.values():
            metric.update(y, y_pred)
    for name, metric in river.items():
        assert scores[name] == pytest.approx(metric.get(), abs=1e-12)


def test_scores_equal_scikit_learns():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 500)
    proba = rng.dirichlet(np.ones(3), 500)
    y_pred = proba.argmax(axis=1)
    forecast = Predictions(y_pred, proba, (0, 1, 2))
    watch = ClassScore()
    watch.update(y.tolist(), y_pred.tolist(), forecast.proba_of(y.tolist()))
    scores = watch.scores()["model"]
    assert scores["kappa"] == pytest.approx(cohen_kappa_score(y, y_pred))
    assert scores["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, y_pred))
    assert scores["log_loss"] == pytest.approx(log_loss(y, proba))


def naive_baselines(labels, delay):
    """Return what no-change and majority say for each row, from the labels that had arrived before it."""
    no_change, majority, leader = [], [], None
    for t in range(len(labels)):
        known = labels[: max(0, t - delay)]
        no_change.append(known[-1] if known else None)
        if known and (leader is None or known.count(known[-1]) > known.count(leader)):
            leader = known[-1]
        majority.append(leader)
    return no_change, majority


@given(st.lists(LABELS, min_size=1, max_size=40), st.integers(0, 6))
def test_the_baselines_know_only_labels_that_have_arrived(labels, delay):
    scores = watched([(y, "a", 0.5) for y in labels], delay=delay).scores()
    for name, said in zip(("no-change", "majority"), naive_baselines(labels, delay), strict=True):
        right = sum(y == y_pred for y, y_pred in zip(labels, said, strict=True))
        assert scores[name]["accuracy"] == pytest.approx(right / len(labels))


def test_kappa_temporal_and_kappa_m_measure_against_the_baselines():
    labels = ["a", "a", "b", "b", "b", "a", "b", "b"]
    scores = watched([(y, "b", 0.5) for y in labels]).scores()
    accuracy, no_change, majority = (scores[name]["accuracy"] for name in ("model", "no-change", "majority"))
    assert (accuracy, no_change, majority) == (5 / 8, 4 / 8, 3 / 8)
    assert scores["model"]["kappa_temporal"] == pytest.approx((5 / 8 - 4 / 8) / (1 - 4 / 8))
    assert scores["model"]["kappa_m"] == pytest.approx((5 / 8 - 3 / 8) / (1 - 3 / 8))
    assert scores["no-change"]["kappa_temporal"] == 0
    assert scores["majority"]["kappa_m"] == 0


def test_the_log_loss_of_the_majority_is_that_of_the_shares_so_far():
    scores = watched([(y, "a", 0.5) for y in "aab"]).scores()
    assert scores["majority"]["log_loss"] == pytest.approx((-math.log(1e-15) - math.log(1) - math.log(1e-15)) / 3)
    assert math.isnan(scores["no-change"]["log_loss"])
    assert scores["model"]["log_loss"] == pytest.approx(math.log(2))


def test_a_prediction_before_any_class_was_known_is_not_scored_but_its_label_arrives():
    watch = watched([("a", None, math.nan), ("a", None, math.nan), ("b", "a", 0.5)])
    assert (watch.n, watch.unscored) == (1, 2)
    scores = watch.scores()
    assert [scores[name]["accuracy"] for name in ("model", "no-change", "majority")] == [0.0, 0.0, 0.0]
    assert scores["model"]["log_loss"] == pytest.approx(math.log(2))
    watch.update(["a"], ["a"], [1.0])
    assert watch.scores()["majority"]["accuracy"] == 0.5


def test_a_class_that_was_not_known_yet_costs_the_floor():
    forecast = Predictions(["a"], np.array([[1.0]]), ("a",))
    watch = ClassScore()
    watch.update(["new"], ["a"], forecast.proba_of(["new"]))
    assert watch.scores()["model"]["log_loss"] == pytest.approx(-math.log(1e-15))


def test_a_learner_without_probabilities_has_no_log_loss():
    watch = ClassScore()
    watch.update(["a"], ["a"], Predictions(["a"]).proba_of(["a"]))
    assert math.isnan(watch.scores()["model"]["log_loss"])
    assert watch.scores()["model"]["accuracy"] == 1


def test_before_the_first_row_no_score_is_defined():
    for scores in (ClassScore().scores(), ClassScore().scores(window=True)):
        assert all(math.isnan(value) for of in scores.values() for value in of.values())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("a", ""),
        (0, ""),
        (False, ""),
        (("t", 1), ""),
        (None, "answer unknown"),
        (math.nan, "answer unknown"),
        ([1], "answer can't be a class"),
    ],
)
def test_an_answer_is_a_class_or_it_is_said_why_not(answer, problem):
    assert ClassScore.problem(answer) == problem


def test_a_point_of_the_curve_holds_shares_and_the_log_loss_of_the_window_whatever_was_saved_between():
    rows = [("ab"[i % 2], "ab"[i * i % 3 % 2], 0.25 + i % 3 / 4) for i in range(40)]
    score = ClassScore(window=7, history=True)
    for i, (label, predicted, p) in enumerate(rows):
        score.update([label], [predicted], [p], [p])
        if i == 20:
            score = ClassScore(window=7, saved=score.to_bytes())
    n, model, same, majority, loss = score.history()["points"][-1]
    last = score.scores(window=True)
    assert (n, model) == (40, round(last["model"]["accuracy"], 6))
    assert (same, majority) == (round(last["no-change"]["accuracy"], 6), round(last["majority"]["accuracy"], 6))
    assert loss == round(last["model"]["log_loss"], 6)
