"""Predictive intervals: quantiles of the last scores, in the scale of a row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.plain.outputs.intervals import WINDOW, Scores, count_scale, learned_scale, plain_scale


def test_scales_are_one_what_was_learned_or_the_root_of_a_count():
    assert plain_scale() == 1
    assert [learned_scale(x) for x in (2.0, 0.0, -1.0)] == [2.0, 0.001, 0.001]
    assert [count_scale(x) for x in (16.0, 0.0)] == [4.0, 1e-6]


def test_too_few_scores_tell_nothing():
    scores = Scores()
    for i in range(18):
        scores.record(float(i), 0.0, 1.0)
    assert scores.quantiles(0.9) == (-math.inf, math.inf)
    scores.record(18.0, 0.0, 1.0)
    assert scores.quantiles(0.9) == (0, 18)  # 19 scores: the first and the last


def test_an_interval_lies_where_the_scores_were_and_is_as_wide_as_the_rows_scale():
    scores = Scores()
    for y in range(99):
        scores.record(y, prediction=10.0, scale=2.0)
    low, high = scores.quantiles(0.9)
    assert (low, high) == ((4 - 10) / 2, (94 - 10) / 2)
    assert scores.interval(prediction=50.0, scale=3.0, coverage=0.9) == (50 + 3 * low, 50 + 3 * high)


def test_only_the_last_thousand_scores_count():
    scores = Scores()
    for y in [1e9] * 500 + [1.0] * WINDOW:
        scores.record(y, 0.0, 1.0)
    assert len(scores.scores) == WINDOW
    assert scores.quantiles(0.5) == (1.0, 1.0)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_the_stated_share_of_answers_lies_inside(coverage):
    rng, scores, inside = np.random.default_rng(0), Scores(), 0
    for t in range(6000):
        scale = 1 + t % 3
        y = scale * rng.standard_t(4)
        low, high = scores.interval(0.0, scale, coverage)
        inside += t >= 1000 and low <= y <= high
        scores.record(y, 0.0, scale)
    # 5,000 rows: four standard errors, and a bit for the window that moves along
    assert abs(inside / 5000 - coverage) < 4 * math.sqrt(coverage * (1 - coverage) / 5000) + 0.01
