"""Losses and links: each gradient is the slope of the value, each backward that of its link."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headwater.plain.losses import LIMIT, LINKS, LOSSES
from support.slopes import check, gradient_of

EVERY = pytest.mark.parametrize("row", LOSSES.values(), ids=lambda row: row.name)
NUMBERS = {"mse": 0.7, "huber": 0.4, "quantile": 0.3}
"""The losses' own constants, away from their defaults."""


def answers(name: str, n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Answers of the kind that the loss takes, (n, k)."""
    if name == "cross_entropy":
        return rng.dirichlet(np.ones(k), n)
    if name in ("hinge", "binary_cross_entropy"):
        return rng.integers(0, 2, (n, k)).astype(float)
    return rng.poisson(2.0, (n, k)).astype(float) if name == "poisson" else rng.normal(size=(n, k))


@EVERY
@pytest.mark.parametrize("k", [1, 3])
def test_a_gradient_is_the_slope_of_the_value(row, k):
    rng = np.random.default_rng(k)
    z, y = 2 * rng.normal(size=(20, k)), answers(row.name, 20, k, rng)
    a = NUMBERS.get(row.name, row.default)
    measured = gradient_of(lambda: float(row.value(z, y, a).sum()), z)
    check(row.gradient(z, y, a), measured, what=row.name)


@pytest.mark.parametrize("link", LINKS.values(), ids=lambda link: link.name)
def test_the_backward_of_a_link_is_its_slope(link):
    rng = np.random.default_rng(0)
    z, dp = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    measured = gradient_of(lambda: float((link.value(z) * dp).sum()), z)
    check(link.backward(link.value(z), dp), measured, what=link.name)


VALUES = {  # z, y, the value by hand
    "mse": ([1.0, 3.0], [0.0, 1.0], 2.5),
    "mae": ([1.0, 3.0], [0.0, 1.0], 1.5),
    "huber": ([0.5, 3.0], [0.0, 1.0], (0.125 + 1.5) / 2),
    "binary_cross_entropy": ([0.0, 2.0], [1.0, 0.0], (math.log(2) + math.log1p(math.e**2)) / 2),
    "cross_entropy": ([0.0, math.log(3)], [0.25, 0.75], 0.25 * math.log(4) + 0.75 * math.log(4 / 3)),
    "hinge": ([0.5, 3.0], [1.0, 0.0], (0.5 + 4) / 2),
    "poisson": ([0.0, math.log(2)], [3.0, 1.0], (1 + 2 - math.log(2)) / 2),
    "quantile": ([0.0, 3.0], [1.0, 1.0], (0.5 + 1.0) / 2),
}


def test_every_loss_has_the_value_of_its_formula():
    assert set(VALUES) == set(LOSSES)
    for name, (z, y, wanted) in VALUES.items():
        check(LOSSES[name].value(np.array(z), np.array(y), LOSSES[name].default), wanted, 1e-12, name)


@pytest.mark.parametrize("name", [name for name, row in LOSSES.items() if row.classes])
def test_the_number_of_a_class_stands_for_a_one_at_its_place(name):
    row, z = LOSSES[name], np.random.default_rng(1).normal(size=(4, 3))
    y = np.array([[2.0], [0.0], [1.0], [2.0]])
    assert np.array_equal(row.value(z, y, 0.0), row.value(z, np.eye(3)[[2, 0, 1, 2]], 0.0))
    assert np.array_equal(row.gradient(z, y, 0.0), row.gradient(z, np.eye(3)[[2, 0, 1, 2]], 0.0))


@EVERY
def test_one_sample_alone_costs_what_it_costs_among_others(row):
    rng = np.random.default_rng(2)
    z, y = rng.normal(size=(6, 3)), answers(row.name, 6, 3, rng)
    a = row.default
    check([row.value(*pair, a) for pair in zip(z, y, strict=True)], row.value(z, y, a), 1e-15)
    check([row.gradient(*pair, a) for pair in zip(z, y, strict=True)], row.gradient(z, y, a), 1e-15)


@EVERY
@pytest.mark.parametrize("far", [-1e4, -31.0, 31.0, 1e4])
def test_value_and_gradient_stay_finite_far_out(row, far):
    z, y = np.array([far, -far]), np.array([1.0, 0.0])
    a = row.default
    assert np.isfinite(row.value(z, y, a))
    assert np.isfinite(row.gradient(z, y, a)).all()
    assert np.isfinite(LINKS[row.link].value(z)).all()


def test_sigmoid_and_exp_read_logits_beyond_the_limit_as_the_limit():
    assert LINKS["sigmoid"].value(np.array([1e9])) == 1 / (1 + math.exp(-LIMIT))
    assert LINKS["exp"].value(np.array([1e9])) == np.exp(LIMIT)
    assert LINKS["exp"].value(np.array([-1e9])) == np.exp(-LIMIT)
    check(LINKS["softmax"].value(np.array([0.0, -1e9])), [1.0, math.exp(-2 * LIMIT)], 1e-15)


@EVERY
def test_the_number_type_stays(row):
    z, y = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
    assert row.value(z, y, row.default).dtype == np.float32
    assert row.gradient(z, y, row.default).dtype == np.float32
    assert LINKS[row.link].value(z).dtype == np.float32


def test_names_formulas_and_links_are_given_and_the_order_is_the_cores():
    assert list(LOSSES) == [
        *("mse", "mae", "huber", "binary_cross_entropy", "cross_entropy", "hinge", "poisson", "quantile")
    ]
    assert all(row.name == name and row.formula and row.source and row.link in LINKS for name, row in LOSSES.items())
