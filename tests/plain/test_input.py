"""Inputs as they stream: what a number, a category and a gap become."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from headwater.plain.inputs.input import (
    ANSWER_CLIP,
    CLIP,
    HUGE,
    NumericInput,
    Reservoir,
    Statistics,
    knots_of,
    lies_beyond,
    presence_offset,
    read_sample,
    spline_basis,
    standardise,
    unseen_last,
)
from headwater.plain.network.random import Draws
from support.slopes import check


def column(values: np.ndarray) -> Statistics:
    known = Statistics()
    for x in values:
        _, known = standardise(float(x), known)
    return known


def test_the_first_thousand_rows_have_the_mean_and_variance_of_all_so_far():
    values = np.random.default_rng(0).normal(3, 2, 1000)
    for n in (1, 2, 10, 1000):
        known = column(values[:n])
        check([known.mean, known.variance, known.count], [values[:n].mean(), values[:n].var(), n], 1e-12)


def test_later_on_the_statistics_follow_drift():
    rng = np.random.default_rng(1)
    known = column(np.concatenate([rng.normal(0, 1, 5000), rng.normal(50, 3, 8000)]))
    assert abs(known.mean - 50) < 1
    assert abs(math.sqrt(known.variance) - 3) < 1


def test_a_value_is_measured_by_statistics_that_include_it():
    z, known = standardise(4.0, Statistics(1.0, 2.0, 3))  # a = ¼, d = 3
    assert known == Statistics(1.75, 0.75 * (2 + 9 / 4), 4)
    assert z == (4 - 1.75) / math.sqrt(known.variance)
    first, _ = standardise(7.0, Statistics())
    assert first == 0  # the first value is its own mean


@pytest.mark.parametrize("value", [7.0, 1e20, 0.0])
def test_a_column_that_never_moved_says_nothing(value):
    known = column(np.full(50, value))
    assert standardise(value, known)[0] == 0


def test_a_standardised_value_is_clipped_and_an_answer_less_so():
    known = column(np.random.default_rng(2).normal(size=100))
    assert standardise(100.0, known)[0] == CLIP
    assert standardise(-100.0, known)[0] == -CLIP
    assert standardise(100.0, known, ANSWER_CLIP)[0] > CLIP


@pytest.mark.parametrize(("far", "deviations"), [(500.0, 10), (1e9, 5)], ids=["far", "an outlier"])
def test_a_value_far_off_moves_the_statistics_as_if_it_lay_ten_deviations_off_and_an_outlier_five(far, deviations):
    known = column(np.random.default_rng(3).normal(size=60))
    bound = known.mean + deviations * math.sqrt(known.variance)
    _, after_far = standardise(far, known)
    _, after_bound = standardise(bound, known)
    check([after_far.mean, after_far.variance], [after_bound.mean, after_bound.variance], 1e-12)


def test_bounds_apply_only_once_the_deviation_is_known():
    early, settled = column(np.arange(9.0)), column(np.arange(10.0))
    assert not lies_beyond(1e9, early, 10)
    assert lies_beyond(1e9, settled, 10)
    assert not lies_beyond(1e9, column(np.full(50, 3.0)), 10)  # a constant column has no deviation


def test_the_presence_offset_is_the_share_of_rows_that_lacked_the_column():
    assert presence_offset(25, 100) == 0.75
    assert presence_offset(100, 100) == 0
    assert presence_offset(300, 100) == 0  # a column listed twice in a row


KNOTS = [-1.0, 0.0, 0.5, 3.0]


def test_a_number_lies_under_the_splines_of_its_neighbouring_knots():
    for x in (*np.linspace(-4, 4, 81), *KNOTS):
        heights = np.zeros(4)
        for k, height in spline_basis(float(x), KNOTS):
            assert height > 0
            heights[k] = height
        check(heights, [np.interp(x, KNOTS, np.eye(4)[k]) for k in range(4)], 1e-14)
        check(heights.sum(), 1.0, 1e-14)


def test_fewer_than_three_knots_are_no_basis():
    assert spline_basis(0.3, []) == spline_basis(0.3, [0.0, 1.0]) == []


@pytest.mark.parametrize("kind", ["numbers", "two values", "five values", "constant"])
def test_knots_are_the_quantiles_of_the_past_at_16_32_64_values(kind):
    rng = np.random.default_rng(4)
    values = {
        "numbers": rng.normal(size=256),
        "two values": rng.integers(0, 2, 256),
        "five values": rng.integers(0, 5, 256),
        "constant": np.ones(256),
    }[kind].astype(float)
    reservoir = Reservoir(8, Draws(0))
    for n, x in enumerate(values.tolist(), 1):
        reservoir.add(x)
        if n < 16:
            assert reservoir.knots == []
        if n in (32, 63, 64, 255, 256):  # until 256 the kept past is the whole past
            ranked = np.sort(values[: 2 ** int(np.log2(n))])
            assert reservoir.knots == np.unique(ranked[[k * (len(ranked) - 1) // 7 for k in range(8)]]).tolist()
            assert reservoir.knots == knots_of(ranked.tolist(), 8)


def test_the_kept_past_is_a_fair_sample_of_a_long_one():
    reservoir = Reservoir(8, Draws(1))
    for i in range(8_192):
        reservoir.add(float(i))
    assert len(set(reservoir.values)) == 256
    # the mean of 256 of 8,192 lies within four standard errors of the whole's
    assert abs(np.mean(reservoir.values) - 4095.5) < 4 * 8192 / np.sqrt(12 * 256)
    assert np.abs(np.array(reservoir.knots) - np.linspace(0, 8191, 8)).max() < 8192 * 0.13


def taught(values: np.ndarray, **options) -> NumericInput:
    made = NumericInput(1, **options)
    for x in values.tolist():
        made.pairs(x, learn=True)
    return made


def test_a_number_is_its_standardised_value_and_its_splines():
    values = np.random.default_rng(5).normal(size=64)
    made = taught(values, basis_row=10, reservoir=Reservoir(4, Draws(0)))
    z, _ = standardise(0.3, made.statistics)
    basis = [(10 + k, height) for k, height in spline_basis(0.3, made.reservoir.knots)]
    assert made.pairs(0.3, learn=False) == [(1, z), *basis]


def test_predicting_changes_nothing():
    made = taught(np.random.default_rng(6).normal(size=64), basis_row=10, reservoir=Reservoir(4, Draws(0)))
    before = made.statistics, list(made.reservoir.values), made.reservoir.draws.drawn
    assert made.pairs(0.3, learn=False) == made.pairs(0.3, learn=False)
    assert before == (made.statistics, made.reservoir.values, made.reservoir.draws.drawn)


def test_an_outlier_is_read_as_the_mean_in_every_way():
    made = taught(np.random.default_rng(7).normal(1000, 1, 40), basis_row=10, reservoir=Reservoir(8, Draws(0)))
    mean, knots = made.statistics.mean, made.reservoir.knots
    pairs = made.pairs(1e9, learn=True)
    assert pairs == [(1, 0.0), *((10 + k, height) for k, height in spline_basis(mean, knots))]
    assert made.reservoir.values[-1] == mean  # so that no error ever becomes a knot
    assert made.statistics.count == made.reservoir.seen == 41


def test_the_offset_reaches_numbers_other_than_zero_and_only_standardised_ones():
    made = taught(np.tile([0.0, 1.0], 20))
    without, with_offset = (made.pairs(1.0, learn=False, rows=rows)[0][1] for rows in (0, 82))
    assert with_offset == without + 0.5
    assert made.pairs(0.0, learn=False, rows=82) == made.pairs(0.0, learn=False)
    raw = taught(np.tile([0.0, 1.0], 20), standard=False)
    assert raw.pairs(1.0, learn=False, rows=82) == [(1, 1.0)]


def test_a_sample_is_the_bias_and_what_is_there():
    raw = NumericInput(1, standard=False)
    assert read_sample([], learn=True) == [(0, 1.0)]
    assert read_sample([(raw, 2.5), (7, 1.0), (3, 1.0), (7, 1.0)], learn=False) == [
        *((0, 1.0), (1, 2.5), (7, 1.0), (3, 1.0), (7, 1.0))
    ]


def test_what_is_missing_or_infinite_has_no_pair_and_what_is_huge_is_cut_and_counted():
    raw, rejected = NumericInput(1, standard=False), Counter()
    for x, pairs in ((math.nan, []), (math.inf, []), (-math.inf, []), (1e300, [(1, HUGE)]), (-1e300, [(1, -HUGE)])):
        assert read_sample([(raw, x)], learn=True, rejected=rejected) == [(0, 1.0), *pairs]
    assert rejected == {"infinite": 2, "huge": 2}
    assert raw.statistics.count == 2
    read_sample([(raw, math.inf)], learn=False, rejected=rejected)
    assert rejected == {"infinite": 2, "huge": 2}  # a prediction counts nothing


def test_a_value_ten_deviations_off_is_counted():
    made, rejected = taught(np.random.default_rng(8).normal(size=50)), Counter()
    for x in (30.0, 1e9, 0.5):
        read_sample([(made, x)], learn=True, rejected=rejected)
    assert rejected == {"far": 2}


def test_a_date_is_counted_only_beyond_two_years_and_never_on_its_circles():
    day = 86_400.0
    for part, values, far in ((0, (day, 2 * day, 900 * day), 1), (2, (1.0, -1.0, 0.5), 0)):
        made, rejected = NumericInput(row=1, part=part), Counter()
        for x in [0.0] * 50 + [1e-3] + list(values):
            read_sample([(made, x)], learn=True, rejected=rejected)
        assert +rejected == ({"far": far} if far else {})


def test_a_name_counts_from_its_second_sight():
    pairs = [(0, 1.0), (3, 1.0), (1, 2.0), (4, 1.0)]
    assert unseen_last(pairs, [5, 1, 0, 0, 2]) == ([(0, 1.0), (1, 2.0), (4, 1.0), (3, 1.0)], 3)
    assert unseen_last(pairs, [0] * 5) == (pairs, 0)
