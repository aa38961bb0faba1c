"""``nn.Autoencoder``: a network that learns to give back its input."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.errors import ConfigError, DataError


def plane(n: int = 400, seed: int = 0) -> np.ndarray:
    """Rows of five numbers that lie on a plane."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ np.array([[1.0, -1.0, 0.5, 0.0, 2.0], [0.0, 1.0, 1.0, -1.0, 0.5]])


def test_the_layers_stand_there_and_back():
    model = nn.Autoencoder([8, 4, 2], inputs=5, activation="tanh")
    shapes = [layer.weights.shape for layer in model.network.layers]
    assert shapes == [(5, 8), (8, 4), (4, 2), (2, 4), (4, 8), (8, 5)]
    assert [layer.activation for layer in model.network.expert.layers] == ["tanh", "tanh", "identity"] * 2


@pytest.mark.parametrize("tied", [False, True])
def test_a_plane_is_given_back_through_two_units(tied):
    model = nn.Autoencoder([16, 2], inputs=5, activation="tanh", tied=tied, optimizer=nn.Adam(0.01), seed=1)
    X = plane()
    before = model.error(X).mean()
    history = model.fit(X, epochs=60, batch_size=20)
    assert len(history.loss) == 60
    assert history.loss[-1] < 0.05 * history.loss[0]
    assert model.error(plane(seed=1)).mean() < 0.1 * before


@pytest.mark.parametrize("tied", [False, True])
def test_decoding_the_code_is_reconstructing(tied):
    model = nn.Autoencoder([6, 3], inputs=5, tied=tied, seed=2, dtype="float64")
    X = plane()
    model.fit(X, epochs=2)
    np.testing.assert_allclose(model.decode(model.encode(X)), model.reconstruct(X), rtol=1e-12)
    np.testing.assert_allclose(model.error(X), ((model.reconstruct(X) - X) ** 2).sum(1))
    assert model.encode(X).shape == (400, 3)


def test_tied_weights_stay_tied_to_the_bit_whatever_the_rule():
    for rule in (nn.Adam(0.01), nn.Momentum(0.01), nn.AdaGrad(0.1), nn.RMSProp(0.01)):
        model = nn.Autoencoder([7, 3], inputs=5, tied=True, optimizer=rule, seed=3)
        model.fit(plane(), epochs=3, batch_size=32)
        model.learn_many(plane(30, seed=4))
        layers = model.network.layers
        for first, last in zip(layers[:2], layers[:1:-1], strict=True):
            np.testing.assert_array_equal(first.weights, last.weights.T)


def test_the_gradient_of_a_tied_weight_is_that_of_both_its_places():
    model = nn.Autoencoder(
        [4, 2], inputs=5, activation="tanh", tied=True, optimizer=nn.SGD(1.0), seed=5, dtype="float64"
    )
    X = plane(8)

    def nudged(step: float) -> float:
        other = nn.Autoencoder([4, 2], inputs=5, activation="tanh", tied=True, seed=5, dtype="float64")
        first, last = other.network.layers[0].weights, other.network.layers[3].weights
        first[2, 1] += step
        last[1, 2] += step
        return other.network.loss(X, X)

    before = model.network.layers[0].weights[2, 1]
    slope = (nudged(1e-6) - nudged(-1e-6)) / 2e-6
    model.fit(X, batch_size=8)
    assert before - model.network.layers[0].weights[2, 1] == pytest.approx(slope, rel=1e-6)


def test_online_each_row_is_given_back_before_it_is_learned():
    X = plane(200)
    for tied in (False, True):
        model = nn.Autoencoder([6, 2], inputs=5, activation="tanh", tied=tied, optimizer=nn.SGD(0.02), seed=1)
        first = model.reconstruct(X[:1])
        said = model.learn_many(X)
        np.testing.assert_allclose(said[:1], first, rtol=1e-6)
        errors = ((said - X) ** 2).sum(1)
        assert errors[100:].mean() < 0.7 * errors[:50].mean()


def test_grey_levels_are_learned_with_their_own_loss():
    X = (plane() > 0).astype(float)
    model = nn.Autoencoder([16, 4], inputs=5, loss="binary_cross_entropy", optimizer=nn.Adam(0.01), seed=1)
    model.fit(X, epochs=40, batch_size=20)
    assert model.error(X).mean() < 0.1
    assert ((model.reconstruct(X) >= 0) & (model.reconstruct(X) <= 1)).all()


def test_what_can_not_be_is_refused():
    with pytest.raises(ConfigError, match="expected the width of the code"):
        nn.Autoencoder([], inputs=3)
    with pytest.raises(ConfigError, match="loss of Autoencoder"):
        nn.Autoencoder([2], inputs=3, loss="cross_entropy")
    with pytest.raises(DataError):
        nn.Autoencoder([2], inputs=3).fit([[1.0, 2.0]])
    with pytest.raises(DataError, match="a loss that stays finite"):
        nn.Autoencoder([20, 2], inputs=5, tied=True, optimizer=nn.SGD(1e6)).fit(plane(), epochs=20, batch_size=10)
