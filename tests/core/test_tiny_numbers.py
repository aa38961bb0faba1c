"""Numbers too small to be normal: a moment that decays for ever must not slow the processor down."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_the_processor_is_left_in_the_mode_that_others_expect() -> None:
    net = nn.Network([nn.Dense(1)], seed=1)
    net.learn_many(np.ones((3, 2)), np.ones(3))
    net.fit(np.ones((3, 2)), np.ones(3), epochs=2)
    assert np.float32(1e-38) / np.float32(1e3) != 0
