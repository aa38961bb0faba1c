"""Detectors of drift: that they find what River's find, value by value."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest

from headwater.route.drift.adwin import Adwin
from headwater.route.drift.kswin import ALPHA, NEWEST, Kswin, p_value
from headwater.route.drift.page_hinkley import PageHinkley


def jumps(seed, rows=3000):
    """Numbers in [0, 1] whose mean and spread jump now and then."""
    draw, values = random.Random(seed), []
    while len(values) < rows:
        mean, spread, coin = draw.random(), draw.choice([0.02, 0.1, 0.3, 1]), draw.random() < 0.3
        for _ in range(draw.randrange(50, 1200)):
            noisy = min(max(mean + spread * (draw.random() - 0.5), 0.0), 1.0)
            values.append(float(draw.random() < mean) if coin else noisy)
    return values[:rows]


def found(detector, values):
    return [i for i, value in enumerate(values) if detector.update(value) or detector.drift_detected]


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        (Adwin, lambda river: river.ADWIN()),
        (PageHinkley, lambda river: river.PageHinkley()),
        (lambda: PageHinkley(rise_only=True), lambda river: river.PageHinkley(mode="up")),
        (lambda: Kswin(7), lambda river: river.KSWIN(alpha=ALPHA, seed=7)),
    ],
    ids=["adwin", "page_hinkley", "page_hinkley of a rise", "kswin"],
)
def test_a_detector_finds_what_rivers_finds_at_the_same_values(own, theirs):
    river = pytest.importorskip("river.drift", reason="no River: pip install 'headwater[river]' brings it")
    alarms = 0
    for seed in range(2 if isinstance(own(), Kswin) else 12):
        values = jumps(seed, 1200 if isinstance(own(), Kswin) else 3000)
        said = found(own(), values)
        assert said == found(theirs(river), values)
        alarms += len(said)
    assert alarms > 1


def test_the_probability_of_a_distance_is_that_of_all_orders_counted():
    for steps in range(1, 20):
        near = [1] + [
            0
        ] * NEWEST  # orders of the two samples whose distribution functions stay closer, by rows of the grid
        for i in range(NEWEST + 1):
            for j in range(NEWEST + 1):
                left = near[j - 1] if j else 0
                near[j] = 0 if abs(i - j) >= steps else (near[j] if i else int(j == 0)) + left
        total = math.comb(2 * NEWEST, NEWEST)
        assert p_value(steps, NEWEST) == pytest.approx(float(Fraction(total - near[NEWEST], total)), rel=1e-9)


def test_what_does_not_change_is_hardly_ever_called_a_change():
    draw = random.Random(1)
    values = [draw.random() for _ in range(20_000)]
    assert len(found(Adwin(), values)) <= 2
    assert found(PageHinkley(), values) == []
