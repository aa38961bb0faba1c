"""Random numbers by counting, and the stated distributions of the first weights."""

from __future__ import annotations

import numpy as np
import pytest

from headwater.plain.network.random import (
    INITIALIZERS,
    Draws,
    bits,
    derive_key,
    draw,
    draw_row,
    normal,
    orthonormal,
    uniform,
)

N, M = 400, 300
STD = {
    "zeros": 0.0,
    "uniform": 0.05 / np.sqrt(3),
    "glorot": np.sqrt(2 / (N + M)),
    "he": np.sqrt(2 / N),
    "lecun": np.sqrt(1 / N),
    "orthogonal": np.sqrt(1 / N),
    "sparse": np.sqrt(0.1 / 3 / N),
}


def split_mix_64(seed: int, count: int) -> list[int]:
    """The generator as its authors wrote it, with Python's own numbers."""
    mask, out = 2**64 - 1, []
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        x = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        out.append(x ^ (x >> 31))
    return out


@pytest.mark.parametrize("key", [0, 1, 2**63, 2**64 - 1])
def test_the_numbers_of_a_key_are_those_of_splitmix64(key):
    wanted = split_mix_64(key, 5)
    assert bits(key, np.arange(5)).tolist() == wanted
    assert [int(bits(key, i)) for i in range(5)] == wanted
    assert uniform(key, np.arange(5)).tolist() == [(x >> 11) / 2**53 for x in wanted]


def test_draws_go_on_where_their_count_says():
    whole, part = Draws(9), Draws(9)
    numbers = whole.uniform(10)
    assert np.array_equal(np.concatenate([part.uniform(3), part.uniform(0), Draws(9, 3).uniform(7)]), numbers)
    assert part.drawn == 3


def test_keys_of_different_things_differ():
    keys = {derive_key(seed, what, which) for seed in range(10) for what in range(10) for which in range(10)}
    assert len(keys) == 1000
    assert all(0 <= key < 2**64 for key in keys)
    assert derive_key(-1, 0, 0) == derive_key(2**64 - 1, 0, 0)


def test_every_initializer_is_measured_here():
    assert list(STD) == list(INITIALIZERS)


@pytest.mark.parametrize("kind", INITIALIZERS)
def test_mean_and_deviation_are_those_of_the_formula(kind):
    w = draw(kind, 5, N, M)
    assert w.shape == (N, M)
    # 120,000 draws: the mean lies within 5/√120,000 deviations, the deviation within 2 %
    assert abs(w.mean()) <= 5 * STD[kind] / np.sqrt(w.size)
    assert abs(w.std() - STD[kind]) <= 0.02 * STD[kind]


def test_normal_numbers_have_the_tails_of_a_normal_distribution():
    u = uniform(1, np.arange(240_000)).reshape(2, -1)
    z = normal(*u)
    assert abs((np.abs(z) > 2).mean() - 0.0455) < 0.002
    assert abs((z**4).mean() - 3) < 0.1
    assert np.isfinite(normal(np.array([0.0, 1 - 2.0**-53]), np.array([0.0, 0.25]))).all()


def test_uniform_numbers_fill_their_range_and_nine_in_ten_sparse_ones_are_zero():
    assert 0.0499 < np.abs(draw("uniform", 3, N, M)).max() <= 0.05
    assert np.abs(draw("uniform", 3, 50, 50, scale=2.0)).max() <= 2.0
    w = draw("sparse", 3, N, M)
    assert abs((w == 0).mean() - 0.9) < 0.005
    assert np.abs(w).max() <= 1 / np.sqrt(N)


@pytest.mark.parametrize(("n", "m"), [(30, 20), (20, 30), (25, 25), (1, 1)])
def test_orthogonal_columns_or_rows_are_orthonormal(n, m):
    w = draw("orthogonal", 4, n, m)
    product = w.T @ w if n >= m else w @ w.T
    assert np.abs(product - np.eye(min(n, m))).max() <= 1e-13
    assert np.array_equal(draw("orthogonal", 4, n, m, scale=2.0), 2 * w)


def test_making_columns_orthonormal_keeps_the_spaces_that_the_first_ones_span():
    w = np.random.default_rng(0).normal(size=(6, 4))
    q, r = np.linalg.qr(w)
    assert np.allclose(orthonormal(w), q * np.sign(np.diag(r)), atol=1e-13)


def test_a_row_depends_on_its_key_alone_and_differs_from_every_other():
    rows = np.array([draw_row("he", key, 10, 8) for key in range(500)])
    assert np.array_equal(draw_row("he", 7, 10, 8), rows[7])
    assert len(np.unique(rows, axis=0)) == 500
    assert abs(np.corrcoef(rows[:-1].ravel(), rows[1:].ravel())[0, 1]) < 0.07
