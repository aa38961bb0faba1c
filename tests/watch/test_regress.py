"""Scores of a regressor: equal to River's and scikit-learn's, row-exact, next to simple baselines."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from headwater.route.scores.number_score import NumberScore

NUMBERS = st.floats(-1e6, 1e6)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=60)


def watched(rows, cuts=(), **options):
    watch = NumberScore(**options)
    edges = [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]
    for i, j in pairwise(edges):
        watch.update([y for y, _ in rows[i:j]], [y_pred for _, y_pred in rows[i:j]])
    return watch


@given(ROWS, st.lists(st.integers(0, 60), max_size=5), st.integers(1, 70), st.integers(0, 5))
def test_how_rows_are_cut_into_blocks_changes_no_bit(rows, cuts, window, delay):
    whole = watched(rows, window=window, delay=delay)
    cut = watched(rows, cuts, window=window, delay=delay)
    assert repr(cut.scores()) == repr(whole.scores())
    assert repr(cut.scores(window=True)) == repr(whole.scores(window=True))


@pytest.mark.parametrize("offset", [0.0, 1e9])
@pytest.mark.parametrize("window", [False, True])
def test_scores_equal_scikit_learns_even_far_from_zero(offset, window):
    rng = np.random.default_rng(5)
    y = offset + rng.normal(size=3_000)
    y_pred = y + rng.normal(scale=0.3, size=3_000)
    scores = watched(list(zip(y, y_pred, strict=True))).scores(window=window)["model"]
    last = slice(-1_000, None) if window else slice(None)
    assert scores["mae"] == pytest.approx(mean_absolute_error(y[last], y_pred[last]), rel=1e-9)
    assert scores["rmse"] == pytest.approx(root_mean_squared_error(y[last], y_pred[last]), rel=1e-9)
    assert scores["r2"] == pytest.approx(r2_score(y[last], y_pred[last]), rel=1e-6)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=30), st.integers(0, 5))
def test_the_baselines_know_only_answers_that_have_arrived(answers, delay):
    known = [answers[: max(0, t - delay)] for t in range(len(answers))]
    scores = watched([(y, 0.0) for y in answers], delay=delay).scores()
    last = [before[-1] if before else 0 for before in known]
    mean = [sum(before) / len(before) if before else 0 for before in known]
    assert scores["no-change"]["mae"] == pytest.approx(mean_absolute_error(answers, last))
    assert scores["mean"]["rmse"] == pytest.approx(root_mean_squared_error(answers, mean))


def test_a_constant_answer_has_no_r2():
    assert math.isnan(watched([(2.0, 1.0), (2.0, 2.0)]).scores()["model"]["r2"])


def test_before_the_first_row_no_score_is_defined():
    for scores in (NumberScore().scores(), NumberScore().scores(window=True)):
        assert all(math.isnan(value) for of in scores.values() for value in of.values())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (1, ""),
        (-1e30, ""),
        (True, ""),
        (np.float32(2.5), ""),
        (None, "answer unknown"),
        (math.nan, "answer unknown"),
        (math.inf, "answer is no finite number"),
        (1e31, "answer is no finite number"),
        (10**400, "answer is no finite number"),
        ("ten", "answer is no finite number"),
    ],
)
def test_an_answer_is_a_number_or_it_is_said_why_not(answer, problem):
    assert NumberScore.problem(answer) == problem
