"""Numbers too small to be normal: a moment that decays for ever must not slow the processor down."""

from __future__ import annotations

import numpy as np
import pytest

import headwater as hw
from headwater import nn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments_that_decay_become_zero_not_subnormal(dtype: str) -> None:
    net = nn.Network([nn.Dense(8, "relu"), nn.Dense(1)], optimizer=nn.Adam(0.01), dtype=dtype, seed=1)
    rng = np.random.default_rng(0)
    net.learn_many(rng.normal(size=(50, 4)), rng.normal(size=50))
    steps = 2_000 if dtype == "float32" else 12_000
    x = np.zeros((steps, 4))
    x[:, 0] = 1.0  # the other columns' rows are never touched, hidden units that are off get no gradient
    net.learn_many(x, np.full(steps, net.predict(x[:1])[0]))
    tiny = np.finfo(dtype).tiny
    for numbers in (net.parameters, net.core.array("state_0"), net.core.array("state_1")):
        assert np.isfinite(numbers).all()
        assert not np.any((numbers != 0) & (np.abs(numbers) < tiny))


def test_weights_that_a_penalty_alone_moves_and_their_moments_stay_normal_numbers() -> None:
    """Units that are off get no gradient but that of the penalty, which the rule divides by the root of its own square."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(14_000, 64))
    learner = hw.Classifier(hidden=(64,), l2=1e-3, seed=1)
    learner.learn_many(X, (X[:, 0] > 0).tolist())
    assert learner.engine is not None
    state, tiny = learner.engine.state(), np.finfo(np.float32).tiny
    assert np.quantile(np.abs(state["weights"]), 0.2) < 1e-6
    for name in ("weights", "state_0"):
        assert not np.any((state[name] != 0) & (np.abs(state[name]) < tiny)), name


def test_the_processor_is_left_in_the_mode_that_others_expect() -> None:
    net = nn.Network([nn.Dense(1)], seed=1)
    net.learn_many(np.ones((3, 2)), np.ones(3))
    net.fit(np.ones((3, 2)), np.ones(3), epochs=2)
    assert np.float32(1e-38) / np.float32(1e3) != 0
