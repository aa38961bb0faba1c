"""Activations: each derivative is the slope of its value, and each entry of the table holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

import headwater._core as _core
from headwater.plain.activations import ACTIVATIONS, NEARLY_FLAT
from headwater.plain.network.exchange import OnnxNode
from support.slopes import check, slope_of

EVERY = pytest.mark.parametrize("row", ACTIVATIONS.values(), ids=lambda row: row.name)
X = np.linspace(-6, 6, 240)  # misses the kinks, which lie at whole numbers


@EVERY
@pytest.mark.parametrize("a", [None, 0.3])
def test_a_derivative_is_the_slope_of_the_value(row, a):
    a = row.default if a is None else a
    y = row.value(X, a)
    check(row.derivative(X, y, a), slope_of(lambda x: row.value(x, a), X), what=row.name)


VALUES = {  # at −2, 0 and 1, by hand
    "identity": [-2, 0, 1],
    "relu": [0, 0, 1],
    "leaky_relu": [-0.02, 0, 1],
    "sigmoid": [0.11920292, 0.5, 0.73105858],
    "tanh": [-0.96402758, 0, 0.76159416],
    "elu": [-0.86466472, 0, 1],
    "selu": [-1.52016647, 0, 1.05070099],
    "gelu": [-0.04550026, 0, 0.84134475],
    "silu": [-0.23840584, 0, 0.73105858],
    "softplus": [0.12692801, 0.69314718, 1.31326169],
    "hard_tanh": [-1, 0, 1],
}


def test_every_activation_has_the_values_of_its_formula():
    assert set(VALUES) == set(ACTIVATIONS)
    for name, wanted in VALUES.items():
        row = ACTIVATIONS[name]
        check(row.value(np.array([-2.0, 0.0, 1.0]), row.default), wanted, 1e-8, name)


@EVERY
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_overflows_far_out_and_the_number_type_stays(row, dtype):
    x = np.array([[-1e30, -1e4, -100.0], [100.0, 1e4, 1e30]], dtype)
    y = row.value(x, row.default)
    slope = row.derivative(x, y, row.default)
    assert y.shape == slope.shape == x.shape
    assert y.dtype == slope.dtype == x.dtype
    assert np.isfinite(y).all()
    assert np.isfinite(slope).all()


@EVERY
def test_saturated_is_where_hardly_any_gradient_passes(row):
    slope = row.derivative(X, row.value(X, row.default), row.default)
    if row.saturated is None:
        assert slope[-1] > NEARLY_FLAT * slope.max()  # it always passes gradients above
    else:
        assert np.array_equal(row.saturated(X), slope < NEARLY_FLAT * slope.max())


def test_names_formulas_and_sources_are_given_and_the_order_is_the_cores():
    assert tuple(ACTIVATIONS) == tuple(_core.ACTIVATIONS)
    assert all(row.name == name and row.formula and row.source for name, row in ACTIVATIONS.items())


def test_weights_in_front_are_drawn_as_usual():
    for name, row in ACTIVATIONS.items():
        ends = np.array([-6.0, 6.0])
        below, above = row.derivative(ends, row.value(ends, row.default), row.default)
        halves = below < 0.1 and above > 0.9  # as ReLU does: what is negative hardly passes
        assert row.initializer == ("lecun" if name == "selu" else "he" if halves else "glorot"), name
    assert {row.initializer for row in ACTIVATIONS.values()} == {"he", "lecun", "glorot"}


def run_onnx(node: OnnxNode | float | str, x: np.ndarray, a: float) -> np.ndarray | float:
    """What an ONNX graph computes, by the definitions of its operators."""
    if not isinstance(node, OnnxNode):
        return {"x": x, "a": a}.get(node, node)
    inputs = [run_onnx(source, x, a) for source in node.inputs]
    numbers = {name: a if value == "a" else value for name, value in node.attributes.items()}
    x = inputs[0]
    alpha = numbers.get("alpha", 0.0)
    below = np.expm1(np.minimum(x, 0))
    operators = {
        "Add": lambda: inputs[0] + inputs[1],
        "Mul": lambda: inputs[0] * inputs[1],
        "Clip": lambda: np.clip(*inputs),
        "Elu": lambda: np.where(x > 0, x, alpha * below),
        "Erf": lambda: np.vectorize(math.erf)(x),
        "LeakyRelu": lambda: np.where(x > 0, x, alpha * x),
        "Relu": lambda: np.maximum(x, 0),
        "Selu": lambda: numbers["gamma"] * np.where(x > 0, x, alpha * below),
        "Sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "Softplus": lambda: np.log1p(np.exp(x)),
        "Tanh": lambda: np.tanh(x),
    }
    return operators[node.operator]()


@EVERY
def test_the_onnx_nodes_compute_the_same(row):
    for a in (row.default, 0.3):
        got = X if row.onnx is None else run_onnx(row.onnx, X, a)
        check(got, row.value(X, a), 1e-12, row.name)
