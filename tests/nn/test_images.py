"""Images: convolutions, pools and flatten equal ``headwater.plain``, and their gradients are the slopes of the loss."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from headwater import nn
from headwater.nn import inspect
from support.nets import TOLERANCE, arrays_of, check, check_learned, standing_loss, twin, unsettle
from support.slopes import assert_is_slope

IMAGE = (2, 7, 6)
STACKS = {
    "LeNet": [nn.Conv(5, 3, "relu", padding=1), nn.Pool(2), nn.Conv(4, 2, "relu"), nn.Flatten(), nn.Dense(6, "relu")],
    "means": [nn.Conv(5, 3, "tanh"), nn.Pool(2, kind="mean"), nn.Flatten(), nn.Dense(6, "tanh")],
    "steps": [nn.Conv(20, 3, "relu", stride=2, padding=2), nn.Conv(3, 2, stride=2), nn.Flatten()],
    "overlapping": [nn.Conv(16, 2, "tanh"), nn.Pool(3, 1, 1), nn.Pool(3, 2, 1, kind="mean"), nn.Flatten()],
    "no bias": [nn.Conv(8, 1, bias=False), nn.Activation("gelu"), nn.Conv(1, 4, padding=3, bias=False), nn.Flatten()],
    "layer norm": [nn.Conv(5, 3), nn.LayerNorm(), nn.Activation("tanh"), nn.LayerNorm(affine=False), nn.Flatten()],
    "batch norm": [nn.Conv(5, 3), nn.BatchNorm(), nn.Activation("tanh"), nn.Pool(2), nn.Flatten(), nn.BatchNorm(0.2)],
    "dropout": [nn.Conv(5, 3, "relu"), nn.Dropout(0.3), nn.Conv(4, 2, "tanh"), nn.Flatten(), nn.Dropout(0.5)],
    "pool first": [nn.Pool(2, 1), nn.Conv(3, 3, "silu"), nn.Flatten()],
    "flat": [nn.Flatten(), nn.Dense(5, "relu")],
}
EACH = pytest.mark.parametrize("name", STACKS)
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def network(name, dtype="float64", **settings):
    rng = np.random.default_rng(len(name))
    net = nn.Network([*STACKS[name], nn.Dense(3)], loss="cross_entropy", dtype=dtype, inputs=IMAGE, seed=2, **settings)
    X = rng.normal(size=(40, *IMAGE))
    X[rng.random(X.shape) < 0.3] = 0
    return unsettle(net, rng), X, rng.integers(0, 3, 40), rng


def paired(net):
    return twin(net, net._inputs)


@DTYPES
@EACH
def test_predictions_loss_and_gradient_equal_the_formulas(name, dtype):
    net, X, y, _ = network(name, dtype, l1=0.01, l2=0.1)
    other, flat = paired(net), X.reshape(40, -1)

    check(net.forward(X), other.forward(flat), TOLERANCE[dtype], "prediction")
    check(net.loss(X, y), standing_loss(other, flat, y), TOLERANCE[dtype], "loss")
    wanted = [g + p for g, p in zip(other.gradient(flat, y, learn=False)[1], other.penalty_gradients(), strict=True)]
    check(arrays_of(net, net.gradients(X, y)), wanted, 3 * TOLERANCE[dtype], "gradient")


@DTYPES
@EACH
def test_learning_row_by_row_equals_the_formulas(name, dtype):
    for rule in (nn.SGD(0.05), nn.Adam(0.01), nn.FTRL(0.1)):
        net, X, y, _ = network(name, dtype, optimizer=rule, l2=0.01, clip_norm=2.0)
        other = paired(net)
        shown = net.learn_many(X, y)
        check(shown, other.learn_many(X.reshape(40, -1), y), 100 * TOLERANCE[dtype], "predictions")
        check_learned(net, other, 300 * TOLERANCE[dtype], f"after learning by {rule}")


@EACH
def test_learning_in_batches_equals_the_formulas(name):
    net, X, y, _ = network(name, optimizer=nn.Momentum(0.05), clip_value=0.5)
    other = paired(net)
    net.fit(X, y, batch_size=20, shuffle=False)
    for part in (slice(0, 20), slice(20, 40)):
        loss, g = other.gradient(X.reshape(40, -1)[part], y[part])
        other.step(g)
        assert np.isfinite(loss)
    check(arrays_of(net), [a for part in other.parameters for a in (part.weights, part.bias) if a is not None], 1e-11)


@EACH
def test_a_gradient_is_the_slope_of_its_loss(name):
    net, X, y, rng = network(name, l2=0.1)
    assert_is_slope(net, lambda: net.loss(X, y), net.gradients(X, y), rng)


@EACH
def test_the_derivative_by_the_image_is_the_slope_of_the_loss(name):
    net, _, y, rng = network(name)
    flat, one = rng.normal(size=(1, 84)), y[:1]  # no two pixels are equal: a largest one has a slope
    values = inspect.forward(net.core, 0, inspect.read(net.core, 0, inspect.entries_of_array(flat)))
    check(inspect.link(net.core, 0, values[-1]), net.forward(flat), 1e-12, "a second look")
    by_image = inspect.backward(net.core, 0, values, inspect.loss_delta(net.core, 0, values[-1], one))[0]
    direction = rng.normal(size=flat.shape)
    slope = (net.loss(flat + 1e-6 * direction, one) - net.loss(flat - 1e-6 * direction, one)) / 2e-6
    assert abs(slope - (by_image * direction).sum()) < 1e-7 * max(1, abs(slope))


@EACH
def test_a_row_and_a_batch_of_one_take_the_same_step(name):
    if name in ("batch norm", "dropout"):  # by design: see nn.BatchNorm; dropout draws anew
        return
    net, X, y, _ = network(name)
    before = net.parameters.copy()
    net.fit(X[:1], y[:1])
    by_batch = net.parameters.copy()
    net.parameters[:] = before
    net.learn_many(X[:1], y[:1])
    assert np.abs(net.parameters - by_batch).max() <= 1e-15
    assert np.abs(net.parameters - before).max() > 0


def test_a_missing_pixel_is_read_as_0_and_a_huge_one_is_bounded():
    net, X, y, _ = network("LeNet")
    zero, gap, infinite = X.copy(), X.copy(), X.copy()
    zero[:, 1, 3, 2], gap[:, 1, 3, 2], infinite[:, 1, 3, 2] = 0, np.nan, np.inf
    assert np.array_equal(net.forward(gap), net.forward(zero))
    assert np.array_equal(net.forward(infinite), net.forward(zero))
    net.learn_many(np.where(np.isnan(gap), 1e300, gap), y)
    assert np.isfinite(net.parameters).all()


def test_images_of_one_channel_need_no_axis_for_it_and_lines_of_numbers_are_images_too():
    net = nn.Network([nn.Conv(2, 3), nn.Flatten(), nn.Dense(1)])
    X = np.random.default_rng(0).normal(size=(5, 8, 8))
    first = net.forward(X)
    assert np.array_equal(net.forward(X[:, None]), first)
    assert np.array_equal(net.forward(X.reshape(5, 64)), first)


def test_the_weights_of_a_convolution_are_a_view_by_kernel():
    net = nn.Network([nn.Conv(3, 2), nn.Flatten(), nn.Dense(1)], inputs=(2, 3, 3), dtype="float64")
    kernels = net.layers[0].weights
    assert kernels.shape == (3, 2, 2, 2)
    kernels[:] = 0
    kernels[1, 0, 1, 0] = 1  # the pixel below left of the window, of channel 0
    net.layers[1].weights[:] = 0
    net.layers[1].weights[4, 0] = 1  # channel 1, the first of its four windows
    X = np.arange(18.0).reshape(1, 2, 3, 3)
    assert net.forward(X)[0, 0] == X[0, 0, 1, 0]


def test_every_width_of_a_pixel_and_of_a_window_gives_what_the_formula_does():
    rng = np.random.default_rng(3)
    for inside, outside, size in itertools.product((1, 3, 4, 9, 17), (1, 4, 6, 8, 16, 33), (1, 3)):
        shape = (inside, 4, 5)
        layers = [nn.Conv(outside, size, padding=size // 2), nn.Pool(2), nn.Conv(2, 2), nn.Flatten(), nn.Dense(2)]
        net = unsettle(nn.Network(layers, inputs=shape, dtype="float64"), rng)
        X, y = rng.normal(size=(3, *shape)), rng.normal(size=(3, 2))
        other = paired(net)
        check(net.forward(X), other.forward(X.reshape(3, -1)), 1e-12, f"{inside} {outside} {size}")
        got = arrays_of(net, net.gradients(X, y))
        check(got, other.gradient(X.reshape(3, -1), y, learn=False)[1], 1e-11, f"{inside} {outside} {size}")
