"""The sweeps that are written as vector instructions: they say what their plain twins say, at every width."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.kernels import _plain
from headwater.kernels._jit import dot, gather, mask, order, pairs, rectify, strip, turn
from headwater.nn.arrays import block_of
from headwater.nn.lower import Expert
from headwater.nn.program import Program

WIDTHS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 20, 31, 33, 64, 65, 100, 145]
KINDS = ["float32", "float64"]


@order
def compiled_rectify(x, y):
    rectify(strip(x), strip(y))


@order
def compiled_mask(x, dy, dx):
    mask(strip(x), strip(dy), strip(dx))


@order
def compiled_turn(w, x, q, lr, dx):
    turn(strip(w), strip(x), q, lr, strip(dx))


@order
def compiled_dot(a, b):
    return dot(strip(a), strip(b))


@order
def compiled_pairs(slots, x, most, rows, v):
    return pairs(strip(slots), strip(x), most, strip(rows), strip(v))


@order
def compiled_gather(p, base, stride, rows, v, n, z):
    gather(strip(p), base, stride, strip(rows), strip(v), n, strip(z))


def numbers(width: int, kind: str, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=width).astype(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_relu_and_its_mask_equal_their_plain_twins_to_the_bit(width, kind):
    x, dy = numbers(width, kind, 1), numbers(width, kind, 2)
    x[::5] = 0
    y, dx, plain_y, plain_dx = (np.full(width, 7, kind) for _ in range(4))

    compiled_rectify(x, y)
    compiled_mask(x, dy, dx)
    _plain.rectify(x, plain_y)
    _plain.mask(x, dy, plain_dx)

    assert y.tobytes() == plain_y.tobytes()
    assert dx.tobytes() == plain_dx.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_relu_lets_pass_what_is_no_number(kind):
    y = np.zeros(20, kind)
    compiled_rectify(np.full(20, np.nan, kind), y)
    assert np.isnan(y).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_turn_gives_the_delta_by_the_weights_before_their_step(width, kind):
    w, x = numbers(width + 1, kind, 1), numbers(width + 1, kind, 2)
    q, lr = np.dtype(kind).type(0.3), np.dtype(kind).type(0.1)
    before, dx = w.copy(), np.zeros(width, kind)

    compiled_turn(w, x, q, lr, dx)

    assert dx.tobytes() == (q * before[:width]).tobytes()
    assert np.allclose(w[:width], before[:width] - lr * q * x[:width], rtol=1e-6)
    assert w[width] == before[width]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_dot_product_is_summed_in_float64(width, kind):
    a, b = numbers(width, kind, 1), numbers(width, kind, 2)
    assert compiled_dot(a, b) == pytest.approx((a * b).astype(np.float64).sum(), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize(("given", "kind"), [("float64", "float64"), ("float64", "float32"), ("float32", "float32")])
@pytest.mark.parametrize("width", WIDTHS)
def test_pairs_name_their_rows_and_notice_what_is_out_of_the_ordinary(width, given, kind):
    x, slots = numbers(width, given, 1), -np.arange(width) - 2
    rows, v = np.zeros(width, np.int64), np.zeros(width, kind)

    assert compiled_pairs(slots, x, 1e30, rows, v)
    assert rows.tolist() == list(range(1, width + 1))
    assert v.tobytes() == x.astype(kind).tobytes()
    for odd in (np.nan, np.inf, -np.inf, 2e30, -2e30):
        for place in range(width):
            bad = x.copy()
            bad[place] = odd
            assert not compiled_pairs(slots, bad, 1e30, rows, v)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_gather_begins_at_zero(width, kind):
    p, rows, v = numbers(6 * max(width, 1), kind, 1), np.array([4, 0, 2]), numbers(3, kind, 2)
    z = np.full(width, 7, kind)

    compiled_gather(p, 0, width, rows, v, 3, z)

    wanted = sum(v[i] * p[rows[i] * width :][:width] for i in range(3))
    assert np.allclose(z, wanted, rtol=1e-5, atol=1e-6)


def rows_and_answers(n: int) -> tuple[np.ndarray, np.ndarray]:
    r = np.random.default_rng(3)
    X = r.normal(size=(n, 5)).astype(np.float32)
    return X, (X[:, 0] > X[:, 1]).astype(np.float32)


def a_net() -> nn.Network:
    layers = [nn.Dense(9, "relu"), nn.Dense(1)]
    return nn.Network(layers, loss="binary_cross_entropy", optimizer=nn.SGD(0.1), seed=1)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_an_odd_number_in_a_later_row_changes_no_bit_of_earlier_predictions(odd):
    X, y = rows_and_answers(300)
    harmed = X.copy()
    harmed[-1, 2] = odd

    clean, other = a_net().learn_many(X, y), a_net().learn_many(harmed, y)

    assert clean[:-1].tobytes() == other[:-1].tobytes()
    assert np.isfinite(other).all()


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_an_expert_asked_apart_learns_to_the_bit_as_one_asked_on_the_way(loss):
    X, y = rows_and_answers(300)
    expert = Expert((nn.Dense(9, "relu"), nn.Dense(1)), nn.Loss(loss), nn.SGD(0.1))

    def learned(apart: bool) -> Program:
        made = Program([expert], rows=6, dtype="float32", seed=1, growing=False, standard=False, targets=False)
        made.p[:] = np.random.default_rng(4).normal(size=len(made.p)) * 0.1
        block, asked = block_of(X, expert), block_of(X.copy(), expert)
        made.learn(block, y[:, None].astype(float), np.ones(300), asked if apart else None)
        return made

    together, apart = learned(apart=False), learned(apart=True)

    assert together.p.tobytes() == apart.p.tobytes()
    assert together.running.tobytes() == apart.running.tobytes()
    assert together.run[0] == 300


def test_what_is_asked_apart_is_answered_from_its_own_rows():
    X, y = rows_and_answers(50)
    expert = Expert((nn.Dense(1),), nn.Loss("mse"), nn.SGD(0.1))
    made = Program([expert], rows=6, dtype="float32", seed=1, growing=False, standard=False, targets=False)
    made.p[:] = 1

    shown = made.learn(block_of(X, expert), y[:, None].astype(float), np.zeros(50), block_of(-X, expert))

    assert np.allclose(shown[:, 0], 1 - X.sum(1), atol=1e-5)
