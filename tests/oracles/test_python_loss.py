"""A loss written in Python trains a network as the same loss of the core does."""

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3]


def squares(y_true, y_pred):
    """Squared error of each output."""
    return (y_true - y_pred) ** 2


def net(loss, *, outputs=1, dtype="float64", **options):
    """A small network with a loss."""
    layers = [nn.Dense(8, "tanh"), nn.Dense(outputs)]
    return nn.Network(layers, loss=loss, optimizer=nn.Adam(0.01), seed=1, dtype=dtype, **options)


@pytest.mark.parametrize("gradient", [None, lambda y_true, y_pred: 2 * (y_pred - y_true)])
def test_the_same_loss_learns_what_that_of_the_core_does(gradient):
    core, own = net("mse"), net(nn.PythonLoss(squares, gradient))
    assert np.allclose(core.learn_many(X, Y), own.learn_many(X, Y), atol=1e-7)
    assert np.allclose(
        core.fit(X, Y, epochs=3, batch_size=16).loss, own.fit(X, Y, epochs=3, batch_size=16).loss, rtol=1e-6
    )
    assert np.allclose(core.predict(X), own.predict(X), atol=1e-6)
    for a, b in zip(core.layers, own.layers, strict=True):
        assert np.allclose(a.weights, b.weights, atol=1e-6)


def test_a_function_alone_is_a_loss_whose_outputs_are_averaged():
    both = np.hstack([Y, -Y])
    core, own = net("mse", outputs=2), net(squares, outputs=2)
    assert np.allclose(core.learn_many(X, both), own.learn_many(X, both), atol=1e-7)
    sums = net(lambda y_true, y_pred: ((y_true - y_pred) ** 2).mean(1), outputs=2)
    assert np.allclose(sums.learn_many(X, both), net(squares, outputs=2).learn_many(X, both), atol=1e-12)


@pytest.mark.parametrize("given", [True, False])
def test_losses_of_probabilities_have_their_link(given):
    slope = (lambda y, p: (p - y) / (p * (1 - p))) if given else None
    own = nn.PythonLoss(lambda y, p: -y * np.log(p) - (1 - y) * np.log(1 - p), slope, link="sigmoid")
    yes = (Y > 0).astype(float)
    assert np.allclose(net("binary_cross_entropy").learn_many(X, yes), net(own).learn_many(X, yes), atol=1e-7)


def test_softmax_takes_class_indices_and_predicts_classes():
    classes = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    own = nn.PythonLoss(lambda y, p: -(y * np.log(p)).sum(1), lambda y, p: -y / p, link="softmax")
    one, other = net("cross_entropy", outputs=3), net(own, outputs=3)
    one.fit(X, classes, epochs=20, batch_size=20)
    other.fit(X, classes, epochs=20, batch_size=20)
    assert one.predict(X).tolist() == other.predict(X).tolist()
    assert np.allclose(one.learn_many(X, classes), other.learn_many(X, classes), atol=1e-6)


def test_gradients_are_those_of_finite_differences_with_a_loss_that_the_core_lacks():
    own = net(lambda y, p: np.log(np.cosh(p - y)), dtype="float64")
    g = own.gradients(X[:20], Y[:20])
    for i in range(0, len(g), 7):
        ends = []
        for step in (1e-5, -1e-5):
            own.parameters[i] += step
            ends.append(own.loss(X[:20], Y[:20]))
            own.parameters[i] -= step
        assert g[i] == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_dropout_and_batch_norm_train_with_it():
    layers = [nn.Dense(8), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.2), nn.Dense(1)]
    own = nn.Network(layers, loss=squares, optimizer=nn.Adam(0.01), seed=1)
    losses = own.fit(X, Y, epochs=30, batch_size=20).loss
    assert losses[-1] < 0.7 * losses[0]


def test_weights_are_copied_into_a_network_that_is_saved(tmp_path):
    own = net(squares)
    own.fit(X, Y, epochs=2)
    for refused in (
        lambda: own.save(tmp_path / "net.hw"),
        lambda: own.export_onnx(tmp_path / "net.onnx"),
        lambda: own.core,
    ):
        with pytest.raises(ConfigError, match="a network with a loss by name, got squares, a function of Python"):
            refused()
    other = net("mse", inputs=4)
    for a, b in zip(other.layers, own.layers, strict=True):
        a.weights[:], a.bias[:] = b.weights, b.bias
    other.save(tmp_path / "net.hw")
    assert np.allclose(hw.load(tmp_path / "net.hw").predict(X), own.predict(X), atol=1e-12)


def test_what_is_no_loss_is_refused_in_a_sentence():
    for wrong, sentence in (
        (lambda: nn.PythonLoss(3), "a function of y_true and y_pred, got 3 — at value of PythonLoss"),
        (lambda: nn.PythonLoss(squares, 3), "at gradient of PythonLoss"),
        (lambda: nn.PythonLoss(squares, link="tanh"), "one of identity, sigmoid, softmax, exp, got 'tanh'"),
        (lambda: hw.Regressor(loss=squares), "A loss in Python is for nn.Network"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            wrong()
    for loss in (lambda y, p: 0.0, nn.PythonLoss(squares, lambda y, p: p[:, 0])):
        with pytest.raises(DataError, match="y_true and y_pred are arrays of samples and outputs"):
            net(loss).fit(X, Y)
