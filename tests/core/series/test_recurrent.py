"""A recurrence in the core: gradients equal ``plain``'s, finite differences' and PyTorch's through the whole past."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.nn.core import weights
from headwater.plain.network.recurrent import Memory

UNITS, DIRECT, INPUTS, ROWS = 5, 3, 3, 40


def network(outputs: int = 1, loss: str = "mse", **settings: Any) -> nn.Network:
    layers = [nn.Recurrent(UNITS, direct=DIRECT, r_min=0.5), nn.Dense(6, "tanh"), nn.Dense(outputs)]
    return nn.Network(layers, loss=loss, dtype="float64", seed=3, inputs=INPUTS, **settings)


def sequence(outputs: int = 1, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, INPUTS)), rng.normal(size=(rows, outputs))


def by_layer(net: nn.Network, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    return [np.array(a) for part in net.layer_gradients(X, y) for a in (part.weights, part.bias)]


def numbers(net: nn.Network) -> list[np.ndarray]:
    return [np.array(a) for part in net.layers for a in (part.weights, part.bias)]


def through_time(net: nn.Network, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Gradients by PyTorch's autograd through the unrolled recurrence, in complex numbers."""
    torch = pytest.importorskip("torch")
    parts = [torch.tensor(a, requires_grad=True) for a in numbers(net)]
    W, b, nu, theta, W1, b1, W2, b2 = parts
    turn = torch.exp(torch.complex(-torch.exp(nu), torch.exp(theta)))
    gamma, h, loss = torch.sqrt(1 - torch.exp(-2 * torch.exp(nu))), torch.zeros(UNITS, dtype=torch.complex128), 0
    for x, target in zip(torch.tensor(X), torch.tensor(y), strict=True):
        z = x @ W + b
        h = turn * h + gamma * torch.complex(z[:UNITS], z[UNITS : 2 * UNITS])
        out = torch.tanh(torch.cat([h.real, h.imag, z[2 * UNITS :]]) @ W1 + b1) @ W2 + b2
        loss = loss + ((out - target) ** 2).mean() / len(X)
    loss.backward()
    return [part.grad.numpy() for part in parts]


@pytest.mark.parametrize("outputs", [1, 2])
def test_gradients_equal_backpropagation_through_time(outputs: int) -> None:
    X, y = sequence(outputs)
    net = network(outputs)
    for own, torchs in zip(by_layer(net, X, y), through_time(net, X, y), strict=True):
        assert np.abs(own - torchs).max() <= 1e-12 + 1e-10 * np.abs(torchs).max()


def test_gradients_equal_finite_differences() -> None:
    X, y = sequence()
    net = network()
    g, p = net.gradients(X, y), net.parameters
    rng, here = np.random.default_rng(1), p.copy()
    for _ in range(5):
        way = rng.normal(size=len(p)) * (here != 0)
        p[:] = here + 1e-6 * way
        above = net.loss(X, y)
        p[:] = here - 1e-6 * way
        below = net.loss(X, y)
        p[:] = here
        assert (above - below) / 2e-6 == pytest.approx(float(g @ way), rel=1e-7)


def test_gradients_equal_plain() -> None:
    X, y = sequence()
    net = network()
    W, b, nu, theta, W1, b1, W2, b2 = numbers(net)
    both = np.vstack([b, W])  # the bias is the row of an input that is always 1
    memory = Memory(both[:, :UNITS], both[:, UNITS : 2 * UNITS], nu, theta)
    sums = [np.zeros_like(a) for a in (memory.U, memory.V, nu, theta)]
    for x, target in zip(X, y, strict=True):
        row = np.concatenate([[1.0], x])
        f = np.concatenate([memory.read(row), row @ both[:, 2 * UNITS :]])
        hidden = np.tanh(f @ W1 + b1)
        delta = W1 @ ((1 - hidden**2) * (W2 @ (2 * (hidden @ W2 + b2 - target)))) / len(X)
        for total, part in zip(sums, memory.gradients(delta[: 2 * UNITS]), strict=True):
            total += part
    own = by_layer(net, X, y)
    read = np.vstack([own[1], own[0]])
    for total, part in zip(sums, (read[:, :UNITS], read[:, UNITS : 2 * UNITS], own[2], own[3]), strict=True):
        assert np.abs(total - part).max() < 1e-14


def test_learning_row_by_row_follows_these_gradients() -> None:
    X, y = sequence()
    net, lr = network(optimizer=nn.SGD(1e-9)), 1e-9
    before = numbers(net)
    g = by_layer(net, X, y * 0.1)
    net.learn_many(X, y * 0.1)
    for i, (old, new, slope) in enumerate(zip(before, numbers(net), g, strict=True)):
        step = (old - new) / (lr * len(X)) * (2 if i in (2, 3) else 1)  # nu and theta take half the step
        assert np.abs(step - slope).max() <= 1e-6 * max(1, np.abs(slope).max())


def test_predicting_reads_rows_as_a_sequence_and_leaves_the_state() -> None:
    X, y = sequence()
    net = network()
    net.learn_many(X[:20], y[:20], np.full(20, 1e-12))
    at = net.core.digest()
    whole = net.predict(X[20:])
    assert net.core.digest() == at
    in_turn = []
    for i in range(20, ROWS):
        in_turn.append(net.learn_many(X[i : i + 1], y[i : i + 1], [1e-12])[0])
    assert np.allclose(whole, in_turn, atol=1e-9)
    net.reset()
    fresh = network()
    assert np.allclose(net.predict(X), fresh.predict(X), atol=1e-8)


def test_a_network_with_a_state_is_saved_and_goes_on_to_the_bit(tmp_path: Any) -> None:
    X, y = sequence(rows=200)
    net = network(optimizer="adam")
    net.learn_many(X[:100], y[:100])
    net.save(tmp_path / "net.hw")
    other = hw.load(tmp_path / "net.hw")
    assert np.array_equal(net.learn_many(X[100:], y[100:]), other.learn_many(X[100:], y[100:]))
    assert net.core.digest() == other.core.digest()


def test_angles_and_decays_stay_in_bounds() -> None:
    X, y = sequence(rows=300)
    net = network(optimizer=nn.SGD(5.0), loss="huber")
    net.learn_many(X, 100 * y)
    place = next(place for place in net.core.places() if not place.table and place.n == 0)
    nu = weights(net.core, place)
    assert np.all((np.exp(nu) >= 0.99e-4) & (np.exp(nu) <= 3.01))
