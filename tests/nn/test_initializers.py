"""Where weights start: the stated distribution, for matrices and for rows drawn one by one."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.nn.core import Core
from headwater.nn.expert import Expert
from headwater.nn.initializers import for_activation

N, M = 400, 300


def draws(kind: str) -> dict[str, np.ndarray]:
    """The weights of a matrix, and of a table whose rows are drawn as names appear."""
    found = {"matrix": nn.Initializer(kind).matrix(0, N, M)}
    if kind != "orthogonal":
        found["rows"] = table([{f"name {i}": 1.0 for i in range(N)}], kind)
    return found


def table(samples: list[dict[str, float]], kind: str, m: int = M, seed: int = 1) -> np.ndarray:
    """Rows of the input table as they were drawn, in the order in which their names appeared."""
    layers = (nn.Dense(m, initializer=kind), nn.Dense(1, initializer="zeros"))  # the table's rows have no gradient
    core = Core([Expert(layers)], dtype="float64", seed=seed, outputs=1)
    for sample in samples:
        core.learner.learn_one(sample, 0.0, 1.0)
    return core.table(0)[0].copy()


STD = {
    "zeros": 0.0,
    "uniform": 0.05 / np.sqrt(3),
    "glorot": np.sqrt(2 / (N + M)),
    "he": np.sqrt(2 / N),
    "lecun": np.sqrt(1 / N),
    "orthogonal": np.sqrt(1 / N),
    "sparse": np.sqrt(0.1 / 3 / N),
}


def test_every_initializer_is_measured_here():
    assert set(STD) == set(nn.INITIALIZERS)


@pytest.mark.parametrize("kind", nn.INITIALIZERS)
def test_mean_and_deviation_are_those_of_the_formula(kind):
    for how, w in draws(kind).items():
        assert w.shape == (N, M), how
        # 120,000 draws: the mean lies within 5/√120,000 deviations, the deviation within 2 %.
        assert abs(w.mean()) <= 5 * STD[kind] / np.sqrt(w.size), how
        assert abs(w.std() - STD[kind]) <= 0.02 * STD[kind], how


@pytest.mark.parametrize("kind", ["glorot", "he", "lecun"])
def test_normal_draws_have_the_tails_of_a_normal_distribution(kind):
    for how, w in draws(kind).items():
        z = w / STD[kind]
        assert abs((np.abs(z) > 2).mean() - 0.0455) < 0.004, how
        assert abs((z**4).mean() - 3) < 0.15, how


def test_uniform_draws_fill_their_range_and_sparse_ones_are_nine_in_ten_zero():
    for how, w in draws("uniform").items():
        assert 0.0499 < np.abs(w).max() <= 0.05, how
        assert np.abs(nn.Initializer("uniform", 2.0).matrix(0, 50, 50)).max() <= 2.0
    for how, w in draws("sparse").items():
        assert abs((w == 0).mean() - 0.9) < 0.005, how
        assert np.abs(w).max() <= 1 / np.sqrt(N), how


@pytest.mark.parametrize(("n", "m"), [(30, 20), (20, 30), (25, 25)])
def test_orthogonal_columns_or_rows_are_orthonormal(n, m):
    w = nn.Initializer("orthogonal").matrix(0, n, m)
    product = w.T @ w if n >= m else w @ w.T
    assert np.abs(product - np.eye(min(n, m))).max() <= 1e-12
    assert np.allclose(nn.Initializer("orthogonal", 2.0).matrix(0, n, m), 2 * w)


def test_a_row_depends_on_its_name_alone_and_differs_from_every_other():
    names = [f"name {i}" for i in range(1_000)]
    first = dict.fromkeys(names[:10], 1.0)
    rows = table([first, *({name: 1.0} for name in names[10:])], "he", 8)
    turned = table([first, *({name: 1.0} for name in reversed(names[10:]))], "he", 8)
    assert np.array_equal(turned[:10], rows[:10])
    assert np.array_equal(turned[10:][::-1], rows[10:])
    assert len(np.unique(rows, axis=0)) == 1_000
    assert not np.any(rows == table([first, *({name: 1.0} for name in names[10:])], "he", 8, seed=2))
    # rows are not shifted copies of each other, and neighbouring names don't correlate
    assert abs(np.corrcoef(rows[:-1].ravel(), rows[1:].ravel())[0, 1]) < 0.05


def test_each_activation_gets_the_usual_initializer_and_the_user_may_choose():
    relus = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
    assert {f: for_activation(f).kind for f in nn.ACTIVATIONS} == {
        f: "he" if f in relus else "lecun" if f == "selu" else "glorot" for f in nn.ACTIVATIONS
    }
    for kind in nn.INITIALIZERS:
        net = nn.Network([nn.Dense(40, "relu", initializer=kind), nn.Dense(40, initializer=kind)], inputs=40, seed=1)
        wanted = {"zeros": 0.0, "uniform": STD["uniform"]}.get(kind, STD[kind] * np.sqrt(N / 40))
        wanted = np.sqrt(2 / 80) if kind == "glorot" else wanted
        for part in net.layers:
            assert abs(part.weights.std() - wanted) <= 0.15 * wanted
            assert (part.bias == 0).all()
