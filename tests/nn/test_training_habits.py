"""Training as people know it from Keras: a summary, gradients by layer, validation shares, callbacks, printed epochs."""

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
Y = X[:, 0] - 2 * X[:, 1]


def net(**more):
    layers = [nn.Dense(4, "tanh"), nn.LayerNorm(), nn.Dropout(0.1), nn.Dense(1)]
    return nn.Network(layers, optimizer=nn.SGD(0.05), dtype="float64", seed=1, inputs=3, **more)


@pytest.mark.parametrize("engine", ["core", "plain"])
def test_gradients_by_layer_are_the_flat_ones_and_equal_finite_differences(engine):
    one = net(engine=engine)
    parts = one.layer_gradients(X, Y)
    assert [part.name for part in parts] == [layer.name for layer in one.layers]
    for layer, part in zip(one.layers, parts, strict=True):
        assert part.weights.shape == layer.weights.shape
        for numbers, slopes in ((layer.weights, part.weights), (layer.bias, part.bias)):
            at = np.unravel_index(np.abs(slopes).argmax(), slopes.shape)
            before, step = numbers[at], 1e-6
            numbers[at] = before + step
            above = one.loss(X, Y)
            numbers[at] = before - step
            below = one.loss(X, Y)
            numbers[at] = before
            assert slopes[at] == pytest.approx((above - below) / (2 * step), rel=1e-5)


def test_a_summary_counts_every_parameter():
    one = net()
    summary = one.summary()
    counted = sum(p.weights.size + (0 if p.bias is None else p.bias.size) for p in one.layers)
    assert summary.parameters == counted == 16 + 8 + 5
    assert [row[1] for row in summary.rows] == ["3 × 4", "4", "", "4 × 1"]
    assert "total" in repr(summary)
    with pytest.raises(ConfigError, match="Pass inputs="):
        nn.Network([nn.Dense(1)]).summary()


def test_a_share_of_the_samples_is_kept_for_validation_and_not_learned():
    one, other = net(), net()
    split = one.fit(X, Y, epochs=3, batch_size=20, validation_split=0.25)
    given = other.fit(X[:150], Y[:150], epochs=3, batch_size=20, validation=(X[150:], Y[150:]))
    assert split == given
    assert one.parameters.tolist() == other.parameters.tolist()
    for wrong in (1.0, -0.1, 0.001):
        with pytest.raises(ConfigError, match="expected a share between 0 and 1"):
            net().fit(X, Y, validation_split=wrong)
    with pytest.raises(ConfigError, match="no validation="):
        net().fit(X, Y, validation_split=0.2, validation=(X, Y))


def test_callbacks_see_each_epoch_and_true_ends_the_training():
    seen = []
    history = net().fit(X, Y, epochs=9, callbacks=[lambda epoch, h: seen.append((epoch, len(h.loss))) or epoch == 4])
    assert seen == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert len(history.loss) == 4


def test_epochs_are_printed_on_request_only(capsys):
    net().fit(X, Y, epochs=2)
    assert capsys.readouterr().out == ""
    net().fit(X, Y, epochs=2, validation_split=0.5, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:10] for line in lines] == ["epoch 1/2 ", "epoch 2/2 "]
    assert all("validation " in line for line in lines)
    net().fit(X, Y, epochs=25, verbose=10)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_learner_draws_its_inside():
    model = hw.Classifier((4,), seed=1)
    model.learn_many(X, Y > 0)
    assert model.plot().axes[0].get_title(loc="left") == "layer 1: 3 × 4 weights"
