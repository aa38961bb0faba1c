"""Schedules: the step sizes that their formulas say, at the first rows and after many."""

from __future__ import annotations

import math

import pytest

from headwater.plain.optimizers.schedules import SCHEDULES

STEPS = {  # numbers, and the step size of 0.1 at some steps
    "constant": ((), {1: 0.1, 10**6: 0.1}),
    "inverse_scaling": ((0.5,), {1: 0.1, 4: 0.05, 100: 0.01}),
    "cosine": ((100, 0.02), {1: 0.1, 26: 0.06 + 0.04 * math.sqrt(0.5), 51: 0.06, 101: 0.02, 10**6: 0.02}),
    "step": ((10, 0.5), {1: 0.1, 10: 0.1, 11: 0.05, 21: 0.025}),
    "warm_up": ((4,), {1: 0.025, 2: 0.05, 4: 0.1, 10**6: 0.1}),
}


def test_every_schedule_gives_the_step_sizes_of_its_formula():
    assert list(SCHEDULES) == list(STEPS)
    for name, (numbers, steps) in STEPS.items():
        row = SCHEDULES[name]
        assert len(row.numbers) == len(numbers)
        for t, lr in steps.items():
            assert row.rate(0.1, t, *numbers) == pytest.approx(lr, rel=1e-12), (name, t)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_step_size_is_in_proportion_to_the_declared_one_and_never_grows_beyond_it(name):
    numbers = tuple(
        0 if number == "floor" else value for number, value in zip(SCHEDULES[name].numbers, STEPS[name][0], strict=True)
    )
    for t in (1, 7, 99, 1000):
        one, two = (SCHEDULES[name].rate(lr, t, *numbers) for lr in (0.1, 0.2))
        assert two == pytest.approx(2 * one, rel=1e-12)
        assert 0 <= one <= 0.1
