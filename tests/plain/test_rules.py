"""Update rules: steps computed by hand, and what every rule promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.plain.optimizers.rules import RULES, SMALLEST, StepInfo
from support.slopes import check

EVERY = pytest.mark.parametrize("row", RULES.values(), ids=lambda row: row.name)


def info(row, t: int = 1, product: float = 1.0, **more) -> StepInfo:
    return StepInfo(row.lr, tuple(row.numbers.values()), t, t, product, **more)


def learn(row, w: np.ndarray, gradients: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Take a step along each gradient; return the weights and the rule's states."""
    s, product = np.zeros((row.states, *w.shape), w.dtype), 1.0
    for t, g in enumerate(gradients, 1):
        product *= row.momentum(t, tuple(row.numbers.values())) if row.momentum else 1.0
        w = row.step(w, g, s, info(row, t, product))
    return w, s


def hand(name: str, w: float, g: list[float]) -> float:
    """Two steps from w along two gradients, from the formula of the paper, with the usual numbers."""
    a, b = g
    moments = lambda beta: ((1 - beta) * a, beta * (1 - beta) * a + (1 - beta) * b)  # noqa: E731
    squares = lambda beta: ((1 - beta) * a * a, beta * (1 - beta) * a * a + (1 - beta) * b * b)  # noqa: E731
    (m1, m2), (v1, v2) = moments(0.9), squares(0.999)
    first = (m1 / 0.1) / (math.sqrt(v1 / 0.001) + 1e-8)
    second = (m2 / (1 - 0.9**2)) / (math.sqrt(v2 / (1 - 0.999**2)) + 1e-8)
    r1, r2 = squares(0.9)
    d1, d2 = squares(0.95)
    delta = a * math.sqrt(1e-6) / math.sqrt(d1 + 1e-6)
    delta2 = b * math.sqrt(0.05 * delta**2 + 1e-6) / math.sqrt(d2 + 1e-6)
    mu = [0.9 * (1 - 0.5 * 0.96 ** (t * 0.004)) for t in (1, 2, 3)]
    ahead1 = mu[1] * m1 / (1 - mu[0] * mu[1]) + (1 - mu[0]) * a / (1 - mu[0])
    ahead2 = mu[2] * m2 / (1 - mu[0] * mu[1] * mu[2]) + (1 - mu[1]) * b / (1 - mu[0] * mu[1])
    nadam = ahead1 / (math.sqrt(v1 / 0.001) + 1e-8) + ahead2 / (math.sqrt(v2 / (1 - 0.999**2)) + 1e-8)
    decayed = (w * (1 - 1e-5) - 0.001 * first) * (1 - 1e-5) - 0.001 * second
    largest = (m2 / (1 - 0.9**2)) / (math.sqrt(max(v1, v2) / (1 - 0.999**2)) + 1e-8)
    n = abs(a)
    w1 = -(-w * 10 + a - n / 0.1 * w) / ((1 + n) / 0.1)  # FTRL: z starts at −w·β/α
    z = -w * 10 + a - n / 0.1 * w + b - (math.hypot(a, b) - n) / 0.1 * w1
    bet1 = w - a / (abs(a) * max(2 * abs(a), 100 * abs(a))) * abs(a)
    big, total = max(abs(a), abs(b)), abs(a) + abs(b)
    reward = max(-(bet1 - w) * b, 0)
    bet2 = w - (a + b) / (big * max(total + big, 100 * big)) * (big + reward)
    return {
        "sgd": w - 0.01 * a - 0.01 * b,
        "momentum": w - 0.01 * a - 0.01 * (0.9 * a + b),
        "nesterov": w - 0.01 * (a + 0.9 * a) - 0.01 * (b + 0.9 * (0.9 * a + b)),
        "adagrad": w - 0.01 * a / (abs(a) + 1e-10) - 0.01 * b / (math.hypot(a, b) + 1e-10),
        "rmsprop": w - 0.001 * a / (math.sqrt(r1) + 1e-8) - 0.001 * b / (math.sqrt(r2) + 1e-8),
        "adadelta": w - delta - delta2,
        "adam": w - 0.001 * first - 0.001 * second,
        "adamw": decayed,
        "amsgrad": w - 0.001 * first - 0.001 * largest,
        "nadam": w - 0.002 * nadam,
        "ftrl": -z / ((1 + math.hypot(a, b)) / 0.1),
        "cocob": bet2,
    }[name]


@EVERY
@pytest.mark.parametrize("g", [[0.5, -2.0], [3.0, 0.1], [-0.2, -0.2]])
def test_two_steps_end_where_the_formula_says(row, g):
    w, _ = learn(row, np.array([0.7]), [np.array([one]) for one in g])
    check(w, [hand(row.name, 0.7, g)], 1e-14, row.name)


@EVERY
def test_states_start_at_zero_and_there_are_as_many_as_the_row_says(row):
    w, s = learn(row, np.array([0.7, -0.2]), [np.array([0.5, 2.0])])
    assert s.shape == (row.states, 2)
    assert not np.array_equal(w, [0.7, -0.2])


@EVERY
def test_a_gradient_of_zero_changes_nothing_where_the_rule_says_so(row):
    w, s = learn(row, np.array([0.7, -0.2]), [np.array([0.5, 2.0])] * 3)
    before = s.copy()
    after = row.step(w, np.zeros(2), s, info(row, 4, 0.1))
    assert (np.array_equal(after, w) and np.array_equal(s, before)) == row.exact_lazy
    assert row.untouched.startswith("exact") == row.exact_lazy


@EVERY
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_number_is_stepped_by_itself_whatever_the_shape(row, dtype):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 4)).astype(dtype)
    gradients = [rng.normal(size=(3, 4)).astype(dtype) for _ in range(5)]
    got, s = learn(row, w, gradients)
    assert got.dtype == s.dtype == w.dtype
    rows = [learn(row, w[i], [g[i] for g in gradients])[0] for i in range(3)]
    assert np.array_equal(got, rows)


DECAYING = {"momentum": 1, "nesterov": 1, "rmsprop": 1, "adadelta": 1, "adam": 2, "adamw": 2, "amsgrad": 2, "nadam": 2}
"""The rules whose first states decay where gradients are zero: how many."""


@pytest.mark.parametrize("name", DECAYING)
def test_moments_that_decay_end_at_zero_and_not_at_numbers_that_slow_a_machine(name):
    row = RULES[name]
    w, s = learn(row, np.array([0.7], np.float32), [np.array([1.0], np.float32)])
    for t in range(2, 100_000):
        w = row.step(w, np.zeros(1, np.float32), s, info(row, t, 0.1))
        moments = s[: DECAYING[name]]
        assert ((moments == 0) | (np.abs(moments) >= np.float32(SMALLEST))).all()
        if not moments.any():
            break
    assert not moments.any()


def test_only_rules_that_are_said_to_decay_have_decaying_moments():
    assert {row.name for row in RULES.values() if not row.exact_lazy} == set(DECAYING)


def test_weight_decay_reaches_weights_and_no_biases():
    row, g = RULES["adamw"], np.zeros(1)
    s = np.zeros((2, 1))
    assert row.step(np.array([2.0]), g, s, info(row)).tolist() == [2.0 * (1 - 0.001 * 0.01)]
    assert row.step(np.array([2.0]), g, s, info(row, is_weight=False)).tolist() == [2.0]


def test_ftrl_gives_weights_of_exactly_zero_and_starts_from_the_first_weight():
    row = RULES["ftrl"]
    s, now = np.zeros((2, 1)), StepInfo(0.1, (1.0, 2.0, 0.0))
    assert row.step(np.array([0.0]), np.array([1.5]), s, now).tolist() == [0.0]  # |z| = 1.5 is below λ₁
    w = row.step(np.array([0.3]), np.array([1e-9]), np.zeros((2, 1)), now)
    check(w, [0.3], 1e-8)


def test_ftrl_stands_still_once_its_schedule_has_come_to_zero():
    row, s = RULES["ftrl"], np.zeros((2, 1))
    w = row.step(np.array([0.3]), np.array([1.0]), s, info(row))
    kept = s.copy()
    assert np.array_equal(row.step(w, np.array([1.0]), s, StepInfo(0.0, tuple(row.numbers.values()))), w)
    assert np.array_equal(s, kept)


STATES = {
    "sgd": 0,
    "momentum": 1,
    "nesterov": 1,
    "adagrad": 1,
    "rmsprop": 1,
    "adadelta": 2,
    "adam": 2,
    "adamw": 2,
    "amsgrad": 3,
    "nadam": 2,
    "ftrl": 2,
    "cocob": 5,
}


def test_names_formulas_and_sources_are_given_and_the_order_is_the_cores():
    assert {row.name: row.states for row in RULES.values()} == STATES
    assert list(RULES) == list(STATES)
    assert all(row.name == name and row.formula and row.source for name, row in RULES.items())
