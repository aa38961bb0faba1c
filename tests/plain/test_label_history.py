"""The label history: what the last answer says of the next one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.plain.inputs.answers import AnswerHistory, weigh_repetition
from headwater.plain.mixture import ClassHistory
from support.slopes import check


def test_before_the_first_answer_it_says_nothing():
    assert ClassHistory(3).opinion().tolist() == [0, 0, 0]


def test_an_opinion_is_the_logarithm_of_probabilities_from_counts_and_the_share_of_repeats():
    history = ClassHistory(3)
    history.record(2)
    check(np.exp(history.opinion()), [0.25, 0.25, 0.5], 1e-14)  # half for a repeat, the rest evenly
    history.record(0)
    # no repeat in one move: ½ + (0 − ½)/2; nothing is known yet of what follows 0
    check(np.exp(history.opinion()), [0.25, 0.375, 0.375], 1e-14)
    history.record(2)
    share = 0.25 + (0 - 0.25) / 3
    q = np.array([(1 - share) / 2, (1 - share) / 2, share])
    check(np.exp(history.opinion()), (5 * q + [1, 0, 0]) / 6, 1e-14)  # once, 0 followed 2


def test_counts_fade_by_a_hundredth_where_something_follows():
    history = ClassHistory(2)
    for y in (0, 1, 0, 1):
        history.record(y)
    assert history.followers.tolist() == [[0, 1 * 0.99 + 1], [1, 0]]


def test_it_learns_a_cycle_and_a_class_that_stays():
    cycle, same = ClassHistory(3), ClassHistory(3)
    for t in range(3000):
        cycle.record(t % 3)
        same.record(1)
    assert np.exp(cycle.opinion()).argmax() == 0  # 2 was last
    assert np.exp(cycle.opinion()).max() > 0.9
    assert np.exp(same.opinion())[1] > 0.99
    assert np.isfinite(same.opinion()).all()
    check(np.exp(cycle.opinion()).sum(), 1.0, 1e-12)


def test_many_classes_are_not_counted_one_by_one():
    history = ClassHistory(2000)
    for _ in range(20):
        history.record(7)
    assert history.followers.size == 0
    assert np.exp(history.opinion()).argmax() == 7


def test_one_class_alone_has_an_opinion_too():
    history = ClassHistory(1)
    history.record(0)
    history.record(0)
    assert np.isfinite(history.opinion()).all()


# ---- of numbers: answers before as inputs, and a repetition of the last -------------------------------------------------


def test_nothing_is_known_before_the_first_answer_and_each_column_as_soon_as_it_can_be():
    history = AnswerHistory()
    assert all(math.isnan(value) for value in history.inputs())
    assert history.base() == 0
    history.record(12.0)
    assert [value for value in history.inputs() if value == value] == [12.0, 12.0]
    assert history.miss == 0  # nothing stood before the first
    history.record(14.0)
    assert history.inputs()[:2] == [14.0, 12.0]
    assert math.isnan(history.inputs()[2])


def test_the_base_is_the_last_answer_on_a_random_walk_and_the_mean_where_answers_have_nothing_to_do_with_each_other():
    rng = np.random.default_rng(1)
    walk, noise = AnswerHistory(), AnswerHistory()
    for step in rng.normal(size=3000):
        walk.record(walk.last[0] + step)
        noise.record(5 + step)
    assert walk.rho() > 0.97
    assert noise.rho() < 0.06
    assert noise.base() == pytest.approx(5, abs=0.2)


def test_an_absurd_answer_moves_mean_and_base_no_farther_than_ten_deviations():
    history = AnswerHistory()
    for i in range(500):
        history.record(float(i % 7))
    before, deviation = history.mean, math.sqrt(history.spread)
    history.record(1e12)
    assert history.mean - before < 0.01 * 10 * deviation
    assert history.repetition() - history.mean <= 10 * math.sqrt(history.spread) * 1.001


def test_repetition_gains_weight_while_it_is_nearer_and_never_all_of_it():
    share = 0.5
    for _ in range(200):
        share = weigh_repetition(share, mixed=1.0, again=0.1, y=0.0, unit=1.0)
    assert 0.99 < share < 1 - 0.003 / 2
    for _ in range(200):
        share = weigh_repetition(share, mixed=0.0, again=1e9, y=0.0, unit=1.0)
    assert 0.003 / 2 <= share < 0.01
