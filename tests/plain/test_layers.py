"""Layers: backward is the slope of forward, by the input and by the layer's own numbers, in every mode."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest

from headwater.plain.activations import ACTIVATIONS
from headwater.plain.layers import (
    ActivationLayer,
    BatchNormalisation,
    DenseLayer,
    DropoutLayer,
    EmbeddingLayer,
    Layer,
    LayerNormalisation,
)
from headwater.plain.network.random import Draws
from support.slopes import check, gradient_of

RNG = np.random.default_rng(0)
LAYERS: dict[str, Callable[[], Layer]] = {
    "dense": lambda: DenseLayer(RNG.normal(size=(4, 3)), RNG.normal(size=3)),
    "dense without bias": lambda: DenseLayer(RNG.normal(size=(4, 3))),
    "activation": lambda: ActivationLayer(ACTIVATIONS["gelu"]),
    "activation with a constant": lambda: ActivationLayer(ACTIVATIONS["elu"], 0.4),
    "dropout": lambda: DropoutLayer(0.4, Draws(3)),
    "layer norm": lambda: LayerNormalisation(RNG.normal(size=4), RNG.normal(size=4), 1e-3),
    "layer norm without gains": LayerNormalisation,
    "batch norm": lambda: settled(BatchNormalisation(RNG.normal(size=4), RNG.normal(size=4))),
}


def settled(layer: BatchNormalisation) -> BatchNormalisation:
    """A batch norm that has seen something."""
    layer.mean, layer.variance, layer.count = RNG.normal(size=4), 0.5 + RNG.random(4), 50
    return layer


@pytest.mark.parametrize("mode", ["predict", "batch"])
@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_slope_of_forward(name, mode):
    layer, X = LAYERS[name](), RNG.normal(size=(7, 4))
    dY = RNG.normal(size=layer.forward(X).shape)
    start = copy.deepcopy(layer)  # each measurement begins with the same draws and statistics

    def loss() -> float:
        fresh = copy.deepcopy(start)
        fresh.weights, fresh.bias = layer.weights, layer.bias
        return float((fresh.forward(X, mode) * dY).sum())

    layer.forward(X, mode)
    dX = layer.backward(dY)

    check(dX, gradient_of(loss, X), what=f"{name}: dX")
    for array, gradient in ((layer.weights, layer.weights_gradient), (layer.bias, layer.bias_gradient)):
        assert (array is None) == (gradient is None)
        if array is not None:
            check(gradient, gradient_of(loss, array), what=name)


@pytest.mark.parametrize("name", ["layer norm", "layer norm without gains", "dense", "activation"])
def test_a_row_alone_is_what_it_is_among_others(name):
    layer, X = LAYERS[name](), RNG.normal(size=(5, 4))
    together = layer.forward(X, "batch")
    check(np.concatenate([layer.forward(x[None], "row") for x in X]), together, 1e-15)


def test_an_embedding_adds_up_the_rows_of_a_samples_ids_and_an_id_listed_twice_counts_twice():
    layer = EmbeddingLayer(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]))
    assert layer.forward(np.array([[0, 2], [1, 1]])).tolist() == [[4, 40], [4, 40]]
    layer.backward(np.array([[1.0, 2.0], [0.5, 0.0]]))
    assert layer.weights_gradient.tolist() == [[1, 2], [1, 0], [1, 2]]


def test_an_embedding_is_a_dense_layer_on_ones():
    W, ids = RNG.normal(size=(5, 3)), np.array([[0, 3], [4, 1]])
    ones = np.zeros((2, 5))
    ones[[0, 0, 1, 1], ids.ravel()] = 1
    embedding, dense, dY = EmbeddingLayer(W), DenseLayer(W), RNG.normal(size=(2, 3))
    check(embedding.forward(ids), dense.forward(ones), 1e-15)
    embedding.backward(dY)
    dense.backward(dY)
    check(embedding.weights_gradient, dense.weights_gradient, 1e-15)


def test_dropout_silences_the_stated_share_and_keeps_the_mean_and_is_silent_itself_when_predicting():
    layer, X = DropoutLayer(0.25, Draws(1)), np.ones((200, 100))
    Y = layer.forward(X, "batch")
    # 20,000 draws: the share lies within four standard errors
    assert abs((Y == 0).mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / Y.size)
    assert set(np.unique(Y)) == {0.0, 1 / 0.75}
    assert layer.draws.drawn == Y.size
    assert np.array_equal(layer.forward(X), X)
    assert layer.draws.drawn == Y.size
    assert np.array_equal(layer.backward(X), X)


def test_dropout_draws_row_after_row_so_a_batch_is_its_rows():
    batch, rows = DropoutLayer(0.5, Draws(2)), DropoutLayer(0.5, Draws(2))
    X = RNG.normal(size=(6, 4))
    assert np.array_equal(batch.forward(X, "batch"), np.concatenate([rows.forward(x[None], "row") for x in X]))


def test_batch_norm_on_a_batch_uses_its_moments_and_moves_the_running_ones_by_momentum():
    layer, X = BatchNormalisation(np.ones(2), np.zeros(2), momentum=0.2), 3 + 2 * RNG.normal(size=(50, 2))
    Y = layer.forward(X, "batch")
    check(Y.mean(axis=0), np.zeros(2), 1e-12)
    check(Y.std(axis=0), np.ones(2), 1e-5)
    check(layer.mean, 0.2 * X.mean(axis=0), 1e-14)
    check(layer.variance, 0.8 + 0.2 * X.var(axis=0, ddof=1), 1e-14)
    check(layer.forward(X), (X - layer.mean) / np.sqrt(layer.variance + 1e-5), 1e-14)


def test_batch_norm_one_sample_at_a_time_ends_near_the_mean_and_the_variance_of_the_stream():
    layer = BatchNormalisation(np.ones(1), np.zeros(1))
    stream = 5 + 3 * RNG.normal(size=(20_000, 1))
    for x in stream:
        layer.forward(x[None], "row")
    # the last thousand rows or so count: four standard errors of their mean
    assert abs(layer.mean[0] - 5) < 4 * 3 / np.sqrt(2000)
    assert abs(layer.variance[0] / 9 - 1) < 4 * np.sqrt(2 / 2000)
    assert layer.count == 20_000


def test_batch_norm_one_sample_at_a_time_takes_its_statistics_as_constants_backward():
    layer = settled(BatchNormalisation(np.array([2.0, 1.0, 1.0, 1.0]), np.zeros(4)))
    layer.forward(RNG.normal(size=(1, 4)), "row")
    dY = np.ones((1, 4))
    check(layer.backward(dY), layer.weights / np.sqrt(layer.variance + 1e-5)[None], 1e-15)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("mode", ["predict", "batch"])
def test_the_number_type_stays(name, mode):
    layer = LAYERS[name]()
    layer.weights, layer.bias = (None if a is None else a.astype(np.float32) for a in (layer.weights, layer.bias))
    if isinstance(layer, BatchNormalisation):
        layer.mean, layer.variance = layer.mean.astype(np.float32), layer.variance.astype(np.float32)
    Y = layer.forward(RNG.normal(size=(7, 4)).astype(np.float32), mode)
    dX = layer.backward(Y)
    assert Y.dtype == dX.dtype == np.float32
    if layer.weights_gradient is not None:
        assert layer.weights_gradient.dtype == np.float32
