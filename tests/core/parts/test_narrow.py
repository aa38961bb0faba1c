"""A lone net of one hidden layer takes a route of its own, to the bits of the general one."""

import numpy as np
import pytest

from headwater import nn

UNDEFINED, INFINITE, ROWS = 5, 77, 3000


def learned(X, y, w, width, dtype, lr, **general):
    net = nn.Network(
        [nn.Dense(width, "relu"), nn.Dense(1)],
        loss="binary_cross_entropy", optimizer=nn.SGD(lr), seed=1, dtype=dtype, **general,
    )  # fmt: skip
    said = net.learn_many(X, y, w)
    return said, net.predict(X[UNDEFINED + 1 : INFINITE])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [16, 48, 64])
@pytest.mark.parametrize("lr", [0.01, 0.5])
@pytest.mark.filterwarnings("ignore")
def test_a_lone_narrow_net_has_the_bits_of_the_general_route(dtype, width, lr):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(ROWS, 7)).astype(dtype)
    X[rng.integers(0, ROWS, 20)] *= 1e4  # steps that are suspicious, heavy or undone go the general way
    X[UNDEFINED, 2], X[INFINITE, 2] = np.nan, np.inf
    y = (np.nan_to_num(X, posinf=0).sum(1) + rng.normal(size=ROWS) > 0).astype(float)
    w = np.ones(ROWS)
    w[rng.integers(0, ROWS, 100)] = rng.choice([0, 0.5, 2], 100)
    narrow = learned(X, y, w, width, dtype, lr)
    general = learned(X, y, w, width, dtype, lr, clip_norm=1e30)  # clips nothing, and is no matter of two sweeps
    assert all((one == other).all() for one, other in zip(narrow, general, strict=True))
    assert np.isfinite(narrow[0]).all()
