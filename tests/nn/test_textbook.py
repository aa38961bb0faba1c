"""The textbook example of the course, to the digit, and the sigmoid neuron that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn

X, Y = np.arange(6.0), np.array([0, 0, 0, 1, 1, 1.0])


def test_one_weight_on_half_the_mean_squared_error_ends_at_12_55ths():
    # Normal equation: w = Σxy / Σx² = 12/55; 1,000 steps of 0.01 come there to the last bit or its neighbour.
    net = nn.Network(
        [nn.Dense(1, bias=False, initializer="zeros")],
        loss=nn.Loss("mse", 0.5),
        optimizer=nn.SGD(0.01),
        dtype="float64",
    )

    history = net.fit(X, Y, epochs=1000)

    assert abs(net.layers[0].weights[0, 0] - 12 / 55) <= 1e-15
    assert np.abs(net.predict(np.arange(6.0, 11)) - np.arange(6, 11) * 12 / 55).max() <= 1e-14
    assert len(history.loss) == 1000
    assert abs(history.loss[0] - 0.25) <= 1e-15  # ½·mean y² at w = 0
    assert abs(history.loss[-1] - 0.5 * np.mean((X * 12 / 55 - Y) ** 2)) <= 1e-15


def test_the_first_steps_are_those_done_by_hand():
    net = nn.Network(
        [nn.Dense(1, bias=False, initializer="zeros")],
        loss=nn.Loss("mse", 0.5),
        optimizer=nn.SGD(0.01),
        dtype="float64",
    )
    w = 0.0
    for _ in range(5):
        net.fit(X, Y)
        w -= 0.01 * np.mean(X * (X * w - Y))
        assert abs(net.layers[0].weights[0, 0] - w) <= 1e-16


def test_the_four_steps_one_by_one_are_fit():
    by_hand, fitted = (
        nn.Network([nn.Dense(3, "tanh"), nn.Dense(1)], optimizer=nn.Adam(0.01), l2=0.1, dtype="float64", seed=1)
        for _ in range(2)
    )
    losses = []
    for _ in range(20):
        assert by_hand.forward(X).shape == (6, 1)
        losses.append(by_hand.loss(X, Y))
        by_hand.update(by_hand.gradients(X, Y))

    history = fitted.fit(X, Y, epochs=20)

    # The penalty is added by the core in fit and by NumPy in gradients(): equal but for rounding.
    assert np.abs(by_hand.parameters - fitted.parameters).max() <= 1e-14
    assert np.abs(np.array(losses) - history.loss).max() <= 1e-14


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_sigmoid_neuron_classifies_all_it_saw_and_what_lies_beyond(dtype):
    net = nn.Network([nn.Dense(1)], loss="binary_cross_entropy", optimizer=nn.SGD(0.5), dtype=dtype, seed=1)

    net.fit(X, Y, epochs=2000)

    assert (net.predict(X) > 0.5).astype(int).tolist() == [0, 0, 0, 1, 1, 1]
    assert (net.predict(np.arange(6.0, 11)) > 0.5).all()
    threshold = -net.layers[0].bias[0] / net.layers[0].weights[0, 0]
    assert 2 < threshold < 3


def test_a_hidden_layer_learns_xor_and_a_line_cannot():
    square, xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([0, 1, 1, 0.0])
    options = {"loss": "binary_cross_entropy", "optimizer": nn.Adam(0.05), "seed": 2}
    line = nn.Network([nn.Dense(1)], **options)
    net = nn.Network([nn.Dense(8, "tanh"), nn.Dense(1)], **options)

    for model in (line, net):
        model.fit(square, xor, epochs=400)

    assert net.predict(square).round().tolist() == [0, 1, 1, 0]
    assert np.abs(net.predict(square) - xor).max() < 0.05
    assert line.predict(square).round().tolist() != [0, 1, 1, 0]


def test_xor_is_learned_row_by_row_too():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (4000, 2))
    xor = (bits[:, 0] ^ bits[:, 1]).astype(float)
    net = nn.Network([nn.Dense(8, "relu"), nn.Dense(1)], loss="binary_cross_entropy", optimizer=nn.SGD(0.1), seed=1)

    shown = net.learn_many(bits, xor)

    assert ((shown[-500:] > 0.5) == xor[-500:]).all()
    assert ((shown[:50] > 0.5) == xor[:50]).mean() < 0.9  # predictions are those made before learning
