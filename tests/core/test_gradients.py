"""Second proof: every gradient is the slope of its loss, measured by central differences along a random direction.

(f(p + h·v) − f(p − h·v)) / 2h differs from ∇f·v by h²/6 times the third derivative and by rounding/h; with h = 1e-5 in
float64 both are near 1e-11 where numbers are near 1.
"""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.nn.core import weights
from headwater.nn.network.engines import built
from headwater.plain import LOSSES
from support.nets import OUTPUTS, answers, gradient, loss_of, unsettle
from support.slopes import assert_is_slope


def body(kind: str, f: str) -> list[nn.layers.Layer]:
    """A stack that passes through activation f and one kind of layer."""
    return {
        "Dense": [nn.Dense(5, f), nn.Dense(4, f)],
        "LayerNorm": [nn.Dense(5), nn.LayerNorm(), nn.Activation(f), nn.LayerNorm(affine=False)],
        "BatchNorm": [nn.Dense(5), nn.BatchNorm(), nn.Activation(f), nn.Dense(4), nn.BatchNorm()],
        "Dropout": [nn.Dense(5, f), nn.Dropout(0.4), nn.Dense(4, f), nn.Dropout(0.2)],
        "Embedding": [nn.Embedding(7, 5), nn.Activation(f), nn.Dense(4, f)],
    }[kind]


def make(
    kind: str, f: str, loss: str, n: int, l1: float = 0.02, l2: float = 0.1
) -> tuple[nn.Network, np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng([nn.ACTIVATIONS.index(f), list(LOSSES).index(loss), len(kind)])
    layers = [*body(kind, f), nn.Dense(OUTPUTS[loss])]
    net = nn.Network(
        layers, loss=loss_of(loss), optimizer=nn.SGD(1e-3), l1=l1, l2=l2, dtype="float64", seed=1, inputs=3
    )
    X = rng.normal(size=(n, 3))
    if kind == "Embedding":
        X = np.stack([rng.integers(0, 3, n), rng.integers(3, 5, n), rng.integers(5, 7, n)], axis=1).astype(float)
    return unsettle(net, rng), X, answers(loss, n, rng), rng


@pytest.mark.parametrize("kind", ["Dense", "LayerNorm", "BatchNorm", "Dropout", "Embedding"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("f", nn.ACTIVATIONS)
def test_a_gradient_is_the_slope_of_its_loss_on_both_paths(f, loss, kind):
    net, X, y, rng = make(kind, f, loss, 8)
    w = 0.5 + rng.random(8)

    # As it stands, penalty included: what gradients() says of loss().
    assert_is_slope(net, lambda: net.loss(X, y, w), net.gradients(X, y, w), rng)

    # While learning from a batch: dropout with the mask of one state, batch norm with the moments of the batch.
    _, g = gradient(net, X, y, w, learn=True)
    assert_is_slope(net, lambda: gradient(net, X, y, w, learn=True)[0], g, rng)

    # Row by row: the change of the parameters is −lr times the slope of that row's loss.
    one, target = X[:1], y[:1]
    before, random = net.parameters.copy(), net.core.array("random").copy()
    net.learn_many(one, target)
    g = (before - net.parameters) / 1e-3
    net.parameters[:], net.core.array("random")[:] = before, random
    learning = kind == "Dropout"  # batch norm: the running statistics stay where the row moved them, as constants
    unpaid = np.zeros_like(g)
    if kind == "Embedding":  # lazy: only the rows that the sample touches pay the penalty
        touched = np.setdiff1d(np.arange(7), one.astype(int))
        rows = weights(net.core, net.core.places()[0], unpaid)
        rows[touched] = 0.1 * net.layers[0].weights[touched] + 0.02 * np.sign(net.layers[0].weights[touched])

    def row_loss() -> float:
        return gradient(net, one, target, learn=learning)[0] + built(net._net).penalty()

    assert_is_slope(net, row_loss, g + unpaid, rng)


@pytest.mark.parametrize("kind", ["Dense", "LayerNorm", "Dropout", "Embedding"])
@pytest.mark.parametrize("loss", LOSSES)
def test_both_paths_take_the_same_step_from_the_same_row(loss, kind):
    # One row by fit (the mini-batch's loops) and by learn_many (the stream's). Batch norm differs by design: see
    # nn.BatchNorm.
    net, X, y, _ = make(kind, "tanh", loss, 1, l1=0.0, l2=0.0)
    before, random = net.parameters.copy(), net.core.array("random").copy()
    net.fit(X, y)
    by_batch = net.parameters.copy()
    net.parameters[:], net.core.array("random")[:] = before, random

    net.learn_many(X, y)

    assert np.abs(net.parameters - by_batch).max() <= 1e-15
    assert np.abs(net.parameters - before).max() > 0
