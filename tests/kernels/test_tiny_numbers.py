"""Numbers too small to be normal: a moment that decays for ever must not make the processor crawl."""

from __future__ import annotations

import os

import numpy as np
import pytest

from headwater import nn

JIT = os.environ.get("HEADWATER_JIT", "1") != "0"


@pytest.mark.skipif(not JIT, reason="a plain run leaves NumPy's rounding as it is")
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
    for numbers in (net.program.p, net.program.s):
        assert np.isfinite(numbers).all()
        assert not np.any((numbers != 0) & (np.abs(numbers) < tiny))


@pytest.mark.skipif(not JIT, reason="a plain run leaves NumPy's rounding as it is")
def test_the_mode_is_put_back() -> None:
    net = nn.Network([nn.Dense(1)], seed=1)
    net.learn_many(np.ones((3, 2)), np.ones(3))
    net.fit(np.ones((3, 2)), np.ones(3), epochs=2)
    assert np.float32(1e-38) / np.float32(1e3) != 0
