"""Fourth proof, continued: the reference vectors of the ONNX standard (its backend node tests) through the core.

The vectors are float32, and ONNX itself asks backends for a relative 1e-3 and an absolute 1e-7; here it is 2e-6 of the
largest number, what float32 allows.

Where the standards differ, a test says so and how: Adam's ε stands beside √v before bias correction there and
after it here (and at T = 0 ONNX corrects nothing, as we don't where t is large); batch norm keeps the
population's variance there and the unbiased one here.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

from headwater import nn
from headwater.nn import inspect
from headwater.nn.core import STEPS, weights
from headwater.nn.shapes import shapes
from support.packages.imports import when_used

onnx, helper = when_used("onnx"), when_used("onnx.helper")
loader, reference = when_used("onnx.backend.test.loader"), when_used("onnx.reference")

TOLERANCE = 2e-6


@functools.cache
def cases() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the generators of other operators' vectors divide by zero on purpose
        return {case.name: case for case in loader.load_model_tests(kind="node")}


def case_of(name: str) -> tuple[dict, list[np.ndarray], list[np.ndarray]]:
    """Attributes of the one node, its inputs and its outputs."""
    case = cases()[name]
    attributes = {a.name: helper.get_attribute_value(a) for a in case.model.graph.node[0].attribute}
    inputs, outputs = case.data_sets[0]
    return attributes, inputs, outputs


def check(ours: np.ndarray, theirs: np.ndarray) -> None:
    theirs = np.asarray(theirs, np.float64)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= TOLERANCE * max(1.0, np.abs(theirs).max())


def through(layer: nn.layers.Layer | None, x: np.ndarray, loss: str = "mse", dtype: str = "float32") -> nn.Network:
    """A net that hands x (n, m) unchanged to that layer."""
    m = x.shape[1]
    net = nn.Network(
        [nn.Dense(m, bias=False), *([layer] if layer else [])], loss=loss, dtype=dtype, inputs=m, optimizer=nn.SGD(1.0)
    )
    net.layers[0].weights[:] = np.eye(m)
    return net


VECTORS = {
    "relu": ["test_relu"],
    "leaky_relu": ["test_leakyrelu", "test_leakyrelu_example", "test_leakyrelu_default"],
    "sigmoid": ["test_sigmoid", "test_sigmoid_example"],
    "tanh": ["test_tanh", "test_tanh_example"],
    "elu": ["test_elu", "test_elu_example", "test_elu_default"],
    "selu": ["test_selu_default"],
    "gelu": ["test_gelu_default_1", "test_gelu_default_2"],
    "silu": ["test_swish"],
    "softplus": ["test_softplus", "test_softplus_example"],
    "hard_tanh": ["test_clip_example", "test_clip"],
    "identity": ["test_identity"],
}


def test_every_activation_has_a_reference_vector():
    assert set(VECTORS) == set(nn.ACTIVATIONS)


@pytest.mark.parametrize(("f", "name"), [(f, name) for f, names in VECTORS.items() for name in names])
def test_an_activation_gives_the_reference_vector(f, name):
    attributes, (x, *bounds), (y,) = case_of(name)
    assert [float(b) for b in bounds] in ([], [-1.0, 1.0])
    a = attributes.get("alpha") if f in ("leaky_relu", "elu") else None
    columns = x.shape[-1] if x.shape[-1] <= 100 else 1  # a net as wide as a long vector has weights for its square
    flat = np.asarray(x, np.float32).reshape(-1, columns)

    net = through(nn.Activation(f, a), flat)

    check(net.forward(flat).reshape(x.shape), y)


@pytest.mark.parametrize(
    "name",
    [
        "test_layer_normalization_default_axis",
        "test_layer_normalization_2d_axis1",
        "test_layer_normalization_2d_axis_negative_1",
        "test_layer_normalization_4d_axis3",
        "test_layer_normalization_3d_axis2_epsilon",
        "test_layer_normalization_3d_axis1_epsilon",
        "test_layer_normalization_4d_axis1",
    ],
)
def test_layer_norm_gives_the_reference_vector(name):
    attributes, (x, gain, shift), outputs = case_of(name)
    axis = attributes.get("axis", -1) % x.ndim
    flat = x.reshape(int(np.prod(x.shape[:axis])), -1)  # all axes from there on are one sample's units
    net = through(nn.LayerNorm(eps=attributes.get("epsilon", 1e-5)), flat)
    net.layers[1].weights[:], net.layers[1].bias[:] = gain.ravel(), shift.ravel()

    check(net.forward(flat).reshape(x.shape), outputs[0])


def test_batch_norm_gives_the_reference_vector_and_keeps_the_unbiased_variance():
    def made(x, gain, shift, mean, var):
        flat = np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])  # one sample a pixel, one unit a channel
        net = through(nn.BatchNorm(), flat)
        net.layers[1].weights[:], net.layers[1].bias[:] = gain, shift
        running = next(own.running for own in net.core.operations(0) if own.running is not None)
        running[:-1] = np.concatenate([mean, var])
        return net, flat, running

    _, inputs, (y,) = case_of("test_batchnorm_example")
    net, flat, _ = made(*inputs)
    check(net.forward(flat), np.moveaxis(y, 1, -1).reshape(flat.shape))

    _, inputs, (y, mean, var) = case_of("test_batchnorm_example_training_mode")
    net, flat, running = made(*inputs)
    target, n, m = np.zeros_like(flat), *flat.shape
    g = np.zeros_like(net.parameters)
    value = net.core.gradient(flat, target, np.ones(n, np.float32), float(n), True, g)
    check(np.array(value), np.mean(np.moveaxis(y, 1, -1) ** 2))  # the loss of the normalised batch against zeros
    check(running[:m], mean)
    biased = 0.1 * flat.var(axis=0) + 0.9 * inputs[4]
    check(biased, var)  # ONNX
    check(running[m : 2 * m], biased + 0.1 * flat.var(axis=0) / (n - 1))  # here, as in PyTorch and Keras


@pytest.mark.parametrize("name", ["test_softmax_example", "test_softmax_large_number", "test_softmax_default_axis"])
def test_softmax_gives_the_reference_vector(name):
    _, (x,), (y,) = case_of(name)
    flat = x.reshape(-1, x.shape[-1])
    check(through(None, flat, "cross_entropy").forward(flat).reshape(x.shape), y)


@pytest.mark.parametrize("name", ["test_sce_mean", "test_sce_sum", "test_sce_none"])
def test_cross_entropy_gives_the_reference_vector(name):
    _, (x, labels), (y,) = case_of(name)
    net = through(None, x, "cross_entropy")
    if name == "test_sce_none":
        check(np.array([net.loss(x[i : i + 1], labels[i : i + 1]) for i in range(len(x))]), y)
    else:
        check(np.array(net.loss(x, labels)) * (len(x) if name == "test_sce_sum" else 1), y)


# ---- optimizers: inputs R (step size), T (updates so far), then X…, G…, states…; outputs X_new…, states…
# ---------------


def step(optimizer: nn.Optimizer, l2: float, t: int, x, g, states) -> tuple[np.ndarray, list[np.ndarray]]:
    """One update of the numbers x along g from those states, as of a mini-batch; t updates were made before."""
    net = nn.Network([nn.Dense(1, bias=False)], optimizer=optimizer, l2=l2, dtype="float64", inputs=len(x))
    core = net.core
    place, vectors = core.places()[0], [core.parameters]
    vectors += [core.array(f"state_{k}") for k in range(core.about["states"])]
    for vector, numbers in zip(vectors, [x, *states], strict=True):
        weights(core, place, vector)[:, 0] = numbers
    full = np.zeros_like(core.parameters)
    weights(core, place, full)[:, 0] = g
    core.running[0, STEPS] = t
    core.apply(full, penalise=True)
    return weights(core, place)[:, 0], [weights(core, place, v)[:, 0] for v in vectors[1:]]


def tensors(name: str, states: int) -> tuple[dict, float, int, list[np.ndarray], list[np.ndarray]]:
    """Attributes, R, T, inputs and outputs; several tensors of one kind laid end to end."""
    attributes, (r, t, *rest), outputs = case_of(name)
    n = len(rest) // (2 + states)
    joined = [np.concatenate([np.ravel(a) for a in rest[k : k + n]]) for k in range(0, len(rest), n)]
    wanted = [np.concatenate([np.ravel(a) for a in outputs[k : k + n]]) for k in range(0, len(outputs), n)]
    return attributes, float(r), int(t), joined, wanted


@pytest.mark.parametrize("name", ["test_adagrad", "test_adagrad_multiple"])
def test_adagrad_gives_the_reference_vector(name):
    a, r, t, (x, g, h), (x_new, h_new) = tensors(name, 1)
    lr = r / (1 + t * a.get("decay_factor", 0.0))
    x1, (h1,) = step(nn.AdaGrad(lr, eps=a["epsilon"]), a.get("norm_coefficient", 0.0), t, x, g, [h])
    check(x1, x_new)
    check(h1, h_new)


@pytest.mark.parametrize("name", ["test_momentum", "test_momentum_multiple", "test_nesterov_momentum"])
def test_momentum_and_nesterov_give_the_reference_vector(name):
    a, r, t, (x, g, v), (x_new, v_new) = tensors(name, 1)
    assert t == 0  # from the second update on ONNX scales the gradient by beta; here beta is 1
    rule = nn.Nesterov if a["mode"] == b"nesterov" else nn.Momentum
    x1, (v1,) = step(rule(r, momentum=a["alpha"]), a["norm_coefficient"], t, x, g, [v])
    check(x1, x_new)
    check(v1, v_new)


@pytest.mark.parametrize("name", ["test_adam", "test_adam_multiple"])
def test_adam_gives_the_reference_vector(name):
    a, r, t, (x, g, v, h), (x_new, v_new, h_new) = tensors(name, 2)
    assert t == 0  # where ONNX corrects no bias; here there is none left after a billion steps
    rule = nn.Adam(r, beta1=a["alpha"], beta2=a["beta"], eps=a["epsilon"])
    x1, (v1, h1) = step(rule, a.get("norm_coefficient", 0.0), 10**9, x, g, [v, h])
    check(x1, x_new)
    check(v1, v_new)
    check(h1, h_new)


@pytest.mark.parametrize("t", [1, 2, 7, 100])
def test_adam_with_bias_correction_equals_onnx_once_eps_is_moved(t):
    # ONNX: R·√(1 − β₂ᵀ)/(1 − β₁ᵀ)·V/(√H + ε). Here: R/(1 − β₁ᵗ)·V/(√H/√(1 − β₂ᵗ) + ε): the same for ε/√(1 − β₂ᵗ).
    rng = np.random.default_rng(t)
    x, g, v = rng.normal(size=(3, 5))
    h, eps, r = rng.random(5), 1e-2, 0.1
    names = ["R", "T", "X", "G", "V", "H", "X_new", "V_new", "H_new"]
    domain = "ai.onnx.preview.training"
    attributes = {"alpha": 0.9, "beta": 0.99, "epsilon": eps}
    node = helper.make_node("Adam", names[:6], names[6:], domain=domain, **attributes)
    kinds = [onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64, *[onnx.TensorProto.DOUBLE] * 7]
    shapes = [[], [], *[[5]] * 7]
    infos = [helper.make_tensor_value_info(*three) for three in zip(names, kinds, shapes, strict=True)]
    graph = helper.make_graph([node], "adam", infos[:6], infos[6:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 1)])
    given = dict(zip(names, [np.float64(r), np.int64(t), x, g, v, h], strict=False))
    given |= {"R": np.array(r), "T": np.array(t)}
    x_new, v_new, h_new = reference.ReferenceEvaluator(model).run(None, given)

    moved = nn.Adam(r, beta1=0.9, beta2=0.99, eps=eps / np.sqrt(1 - 0.99**t))
    x1, (v1, h1) = step(moved, 0.0, t - 1, x, g, [v, h])

    check(x1, x_new)
    check(v1, v_new)
    check(h1, h_new)
    unmoved, _ = step(nn.Adam(r, beta1=0.9, beta2=0.99, eps=eps), 0.0, t - 1, x, g, [v, h])
    assert np.abs(unmoved - x_new).max() > 1e-6  # the difference is real


OF_IMAGES = {
    "test_basic_conv_with_padding": "conv",
    "test_basic_conv_without_padding": "conv",
    "test_conv_with_strides_padding": "conv",
    "test_conv_with_strides_no_padding": "conv",
    "test_maxpool_2d_default": "max",
    "test_maxpool_2d_pads": "max",
    "test_maxpool_2d_strides": "max",
    "test_averagepool_2d_default": "mean",
    "test_averagepool_2d_strides": "mean",
}


@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_layer_of_images_gives_the_reference_vector(name):
    attributes, (x, *kernel), (y,) = case_of(name)
    size, stride = attributes["kernel_shape"][0], attributes.get("strides", [1])[0]
    pads = attributes.get("pads", [0])
    assert len(set(pads)) == 1
    if OF_IMAGES[name] == "conv":
        layer = nn.Conv(kernel[0].shape[0], size, stride=stride, padding=pads[0], bias=False)
    elif name == "test_maxpool_2d_pads":
        layer = nn.Pool(size, stride, min(pads[0], size // 2))
    else:
        layer = nn.Pool(size, stride, pads[0], OF_IMAGES[name])
    net = nn.Network([layer, nn.Flatten(), nn.Dense(1)], inputs=x.shape[1:])
    if kernel:
        net.layers[0].weights[:] = kernel[0]
    seen = inspect.forward(net.core, 0, inspect.read(net.core, 0, inspect.entries_of_array(x.reshape(len(x), -1))))[1]
    shown = seen.reshape(len(x), *shapes([layer], x.shape[1:])[1])
    if shown.shape != y.shape:  # ONNX's frame is wider than half of the window
        y = y[:, :, 1:-1, 1:-1]
    assert np.abs(shown - y).max() < 1e-5
    net.layers[-1].weights[:] = np.random.default_rng(0).normal(size=net.layers[-1].weights.shape)
    wanted = shown.reshape(len(x), -1) @ net.layers[-1].weights + net.layers[-1].bias
    assert np.abs(net.forward(x) - wanted).max() < 1e-4 * max(1, np.abs(wanted).max())
