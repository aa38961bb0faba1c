"""Mixing experts: each update is a step downhill, bounded as it says, and failing is noticed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.plain.losses import softmax
from headwater.plain.mixture import (
    LEAST,
    PATIENCE,
    SHARE,
    StackedWeights,
    count_failures,
    hedge_unit,
    hedge_update,
    log_link,
    log_link_gradient,
    loss_of_ignorance,
    mix,
    mix_logits,
    mixture_rate,
    stack_logits,
    stack_numbers,
)
from support.slopes import check, gradient_of


def test_hedge_multiplies_by_the_exponential_of_the_loss_and_spreads_a_share():
    w, losses = np.array([0.2, 0.3, 0.5]), np.array([0.1, 2.0, 0.7])
    kept = w * np.exp(-0.5 * losses)
    wanted = (1 - SHARE) * kept / kept.sum() + SHARE / 3
    check(hedge_update(w, losses), wanted, 1e-14)
    check(hedge_update(w, losses + 3), wanted, 1e-14)  # what all lose alike moves nothing
    kept = w * np.exp(-0.5 * 0.4 * losses)
    check(hedge_update(w, losses, weight=0.4), (1 - 0.4 * SHARE) * kept / kept.sum() + 0.4 * SHARE / 3, 1e-14)


@pytest.mark.parametrize(("mean", "deviation"), [(4.0, 2.0), (1.0, 4.0), (1e6, 3.0)])
def test_a_log_link_multiplies_the_mean_and_learns_by_poissons_loss(mean, deviation):
    z, m = np.array([-1.5, 0.0, 0.7]), mean / deviation
    s = max(m / 2, 1.0)
    predicted = mean + deviation * log_link(z, m)  # in the answer's own units
    check(predicted, mean * np.exp(z / s), 1e-9)
    times = np.array([1.2, 0.8, 0.0])

    def loss() -> float:
        return float((s * s * (np.exp(z / s) - times * z / s)).sum())

    if m < 10:  # beyond, a slope is above the bound
        check(log_link_gradient(z, (times - 1) * m, m), gradient_of(loss, z), 1e-7)


def test_far_from_0_a_log_link_is_a_mean_squared_error():
    z, y = np.array([-1.5, 0.0, 0.7]), np.array([1.0, -2.0, 0.5])
    check(log_link(z, 1e6), 2 * z, 1e-5)
    check(log_link_gradient(z, y, 1e6), (2 * z - y) / 2, 1e-5)


def test_a_log_link_is_bounded_and_without_a_mean_it_says_nothing():
    assert log_link(np.array([100.0, -100.0]), 2.0).tolist() == [10.0, pytest.approx(-2.0)]
    assert log_link_gradient(np.array([100.0, 0.0]), np.array([0.0, 1e9]), 2.0).tolist() == [10.0, -10.0]
    assert log_link_gradient(np.zeros(1), np.array([-50.0]), 0.5).tolist() == [
        1.0
    ]  # less than nothing counts as nothing
    assert log_link(np.array([3.0]), 0.0).tolist() == [0.0]
    assert log_link_gradient(np.zeros(1), np.array([5.0]), 0.0).tolist() == [0.0]


def test_hedge_bounds_losses_and_keeps_every_expert_in_the_running():
    w = np.full(2, 0.5)
    assert np.array_equal(hedge_update(w, np.array([0.0, 9.0])), hedge_update(w, np.array([0.0, math.inf])))
    for _ in range(1000):
        w = hedge_update(w, np.array([0.0, 9.0]))
    assert w[1] >= SHARE / 2
    assert w.sum() == pytest.approx(1, abs=1e-12)


def test_hedge_measures_the_losses_of_numbers_by_the_fading_loss_of_the_mixture():
    w, losses = np.array([0.25, 0.75]), np.array([2.0, 6.0])
    assert hedge_unit(0.0, w, losses) == 5
    check(hedge_unit(1.0, w, losses, weight=0.5), 1 + 4 * 0.0005, 1e-15)
    assert np.array_equal(hedge_update(w, losses, unit=2.0), hedge_update(w, losses / 2))


def test_stacking_steps_along_the_gradient_of_the_mixtures_own_loss():
    rng = np.random.default_rng(0)
    w, z = rng.normal(size=3), rng.normal(size=(3, 4))
    for y in range(4):
        mixture = StackedWeights(w.copy(), rows=5)
        slope = gradient_of(lambda y=y: -math.log(softmax(w @ z)[y]), w)
        stack_logits(mixture, z, y, weight=0.5)
        check(w - mixture.w, 0.5 * mixture_rate(5, late=False) * slope, 1e-9)
        assert mixture.rows == 6


def test_stacking_numbers_steps_along_hubers_loss():
    rng = np.random.default_rng(1)
    w, predictions = rng.normal(size=3), rng.normal(size=3)
    error = float(w @ predictions) - 0.3
    mixture = StackedWeights(w.copy())
    stack_numbers(mixture, predictions, 0.3)
    check(w - mixture.w, 0.02 * error * predictions, 1e-14)  # the first error is its own bound
    assert mixture.error == abs(error)

    later = StackedWeights(w.copy(), rows=10, error=0.01)
    stack_numbers(later, predictions, 1e6)
    check(later.error, 0.01 + (abs(w @ predictions - 1e6) - 0.01) * 0.003, 1e-12)


def test_stacking_numbers_steps_along_the_differences_besides():
    rng = np.random.default_rng(1)
    w, predictions = rng.normal(size=3), rng.normal(size=3)
    error = float(w @ predictions) - 0.3
    mixture = StackedWeights(w.copy())
    stack_numbers(mixture, predictions, 0.3, factor=5.0)
    differences = predictions - predictions.mean()
    besides = 5 * differences / (differences @ differences + 0.1)
    check(w - mixture.w, 0.02 * error * (predictions + besides), 1e-14)
    late, alone = StackedWeights(w.copy()), StackedWeights(w.copy())
    stack_numbers(
        late, predictions, 0.3, late=True, factor=5.0
    )  # what was said then says little of how they differ now
    stack_numbers(alone, predictions, 0.3, late=True)
    assert late.w.tolist() == alone.w.tolist()


def test_what_differs_little_is_weighed_soon():
    mixtures = [StackedWeights(np.array([0.5, 0.5]), rows=10, error=1.0) for _ in range(2)]
    for mixture, factor in zip(mixtures, (0.0, 5.0), strict=True):
        for _ in range(200):
            stack_numbers(mixture, np.array([1.0, 1.1]), 1.0, factor=factor)  # the first is always right
    alone, besides = (float(mixture.w[0] - mixture.w[1]) for mixture in mixtures)
    assert besides > 2 * alone > 0


def test_a_row_on_which_experts_agree_weighs_no_more_and_one_on_which_they_part_says_whose_the_error_is():
    def moved(spread: float, predictions: list[float], y: float) -> float:
        mixture = StackedWeights(np.array([0.5, 0.5]), rows=10, error=0.1, spread=spread)
        w = mixture.w.copy()
        stack_numbers(mixture, np.array(predictions), y, factor=5.0)
        return float((mixture.w - w)[0] - (mixture.w - w)[1])

    assert 0 < moved(10.0, [1.0, 1.1], 0.9) < moved(0.0, [1.0, 1.1], 0.9) / 20
    near = moved(0.0, [1.0, 3.0], 1.5), moved(0.0, [1.0, 3.0], 1.0)
    assert near[1] > 1.5 * near[0] > 0  # both errors are beyond the mean error


def test_no_row_moves_a_weight_far_and_large_predictions_do_not_overshoot():
    mixture = StackedWeights(np.array([0.5, 0.5]))
    stack_logits(mixture, np.array([[1e3, -1e3], [0.0, 0.0]]), y=1, weight=100.0)
    check(mixture.w, [0.4, 0.5], 1e-12)
    mixture = StackedWeights(np.array([0.5, 0.5]))
    stack_numbers(mixture, np.array([10.0, -10.0]), y=5.0, weight=100.0)
    assert abs(mix(mixture.w, np.array([10.0, -10.0])) - 5) <= 5


def test_late_answers_move_weights_in_proportion_to_themselves_and_none_below_the_least():
    w = np.array([0.8, 0.05, -0.2])
    z = np.array([[1.0, 0.0], [2.0, 0.0], [0.5, 0.0]])
    slopes = z @ softmax(w @ z) - z[:, 1]
    mixture = StackedWeights(w.copy(), rows=0)
    stack_logits(mixture, z, 1, late=True)
    moved = w - np.maximum(np.abs(w), LEAST) * 0.01 * slopes
    check(mixture.w, np.maximum(moved, np.minimum(w, LEAST)), 1e-14)
    for _ in range(3000):
        stack_logits(mixture, z, 1, late=True)
    assert mixture.w[1] == LEAST
    assert mixture.w[2] >= -0.2


def test_the_step_size_cools_down_and_never_ends():
    assert mixture_rate(0, late=False) == 0.01
    assert mixture_rate(1000, late=False) == 0.005
    assert mixture_rate(10**9, late=False) == 0.002
    assert mixture_rate(10**9, late=True) == 0.005


def test_a_mixture_follows_the_expert_that_predicts_better():
    rng = np.random.default_rng(2)
    mixture = StackedWeights(np.full(2, 0.5))
    for _ in range(3000):
        y = int(rng.integers(0, 2))
        good = np.eye(2)[y] * 2 + rng.normal(size=2)
        stack_logits(mixture, np.array([good, rng.normal(size=2)]), y)
    assert mixture.w[0] > 1
    assert abs(mixture.w[1]) < 0.2
    assert mix_logits(mixture.w, np.array([[3.0, 0.0], [0.0, 1.0]]))[0] > 0.9


def test_an_expert_that_knows_less_than_nothing_for_500_rows_begins_anew():
    nothing, failures = loss_of_ignorance("cross_entropy", 3, numbers=False), 0.0
    assert nothing == math.log(3)
    for _ in range(499):
        failures = count_failures(failures, 5.0, nothing + 1.1, nothing)
    assert failures == PATIENCE - 1
    assert count_failures(failures, 5.0, nothing + 1.1, nothing) == PATIENCE
    assert count_failures(failures, 5.0, nothing + 0.9, nothing) == 0


def test_ten_rows_without_finite_logits_are_as_bad():
    failures = 0.0
    for _ in range(10):
        failures = count_failures(failures, math.inf, 0.0, 1.0)
    assert failures == PATIENCE


def test_ignorance_costs_at_most_one_where_answers_are_standardised_and_is_unknown_elsewhere():
    assert loss_of_ignorance("mse", 1, numbers=True) == 1
    assert loss_of_ignorance("hinge", 3, numbers=False) == math.inf
