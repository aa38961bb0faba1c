"""ONNX nodes of the layers after the input table, and of links.

Activations and links declare their nodes in their own tables (``plain/activations.py``, ``plain/losses.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.nn.core import Core
from headwater.nn.core.views import Operation
from headwater.nn.expert import Expert
from headwater.plain import ACTIVATIONS, LINKS, OnnxNode
from headwater.plain.layers import BatchNormalisation

from .graph import Graph

Emit: TypeAlias = Callable[[Graph, str, Operation], str]
FLOAT_ONLY = ("Elu", "Erf", "Selu", "Softplus")
"""Operators that onnxruntime implements only for float32. A float64 net is cast to float32 for them."""


def expert_logits(g: Graph, z: str, core: Core, e: int) -> str:
    """Apply expert e's layers to the first layer's output z (N, m), returning logits (N, k).

    Rows with non-finite logits become 0, as in the core, which gives an uninformative probability instead of NaN.
    """
    for operation in core.operations(e):
        z = LAYERS[operation.name](g, z, operation)
    largest = g.number(np.finfo(core.dtype).max)
    wild = g.add("Not", g.add("LessOrEqual", g.add("Abs", z), largest))  # NaN compares as false
    count = g.sum(g.cast(wild, core.dtype), 1, keep=True)
    return g.add("Where", g.add("Greater", count, g.number(0.0)), g.number(0.0), z)


def expert_prediction(g: Graph, z: str, expert: Expert) -> str:
    """Apply the link of the expert's loss to logits z (N, k)."""
    return written(g, LINKS[expert.loss.row.link].onnx, z)


def written(g: Graph, node: OnnxNode | None, x: str, a: float = 0.0) -> str:
    """Write a node and its inputs, where x names its input and a is the operation's constant."""
    if node is None:
        return x
    inputs = [_input(g, part, x, a) for part in node.inputs]
    attributes: dict[str, Any] = {name: a if value == "a" else value for name, value in node.attributes.items()}
    if node.operator not in FLOAT_ONLY or g.dtype == np.float32:
        return g.add(node.operator, *inputs, **attributes)
    narrow = [g.cast(name, np.float32) for name in inputs]
    return g.cast(g.add(node.operator, *narrow, **attributes), g.dtype)


def _input(g: Graph, part: OnnxNode | float | str, x: str, a: float) -> str:
    if isinstance(part, OnnxNode):
        return written(g, part, x, a)
    return x if part == "x" else g.number(a if part == "a" else part)


# ---- layers ---------------------------------------------------------------------------------------------------------


def _dense(g: Graph, x: str, dense: Operation) -> str:
    z = g.add("MatMul", x, g.number(dense.weights))
    return z if dense.bias is None else g.add("Add", z, g.number(dense.bias))


def _affine(g: Graph, x: str, norm: Operation) -> str:
    """Return gain·x + shift if the normalization has them, else x."""
    if norm.weights is None:
        return x
    return g.add("Add", g.add("Mul", x, g.number(norm.weights)), g.number(norm.bias))


def _layer_norm(g: Graph, x: str, norm: Operation) -> str:
    # not LayerNormalization, which computes mean and variance of float64 in float32
    if norm.image is not None:
        line = g.add("Flatten", x, axis=1)
        flat = replace(norm, image=None, weights=_line(norm.weights), bias=_line(norm.bias))
        return g.add("Reshape", _layer_norm(g, line, flat), g.constant(np.array([-1, *norm.image]), np.int64))
    m = g.number(float(norm.m))
    centred = g.add("Sub", x, g.add("Div", g.sum(x, 1, keep=True), m))
    variance = g.add("Div", g.sum(g.add("Mul", centred, centred), 1, keep=True), m)
    deviation = g.add("Sqrt", g.add("Add", variance, g.number(norm.constant)))
    return _affine(g, g.add("Div", centred, deviation), norm)


def _batch_norm(g: Graph, x: str, norm: Operation) -> str:
    m = len(np.asarray(norm.weights))
    unit = (m, 1, 1) if norm.image is not None else (m,)  # per channel for images
    mean, variance = np.asarray(norm.running, np.float64)[: 2 * m].reshape(2, *unit)
    deviation = g.number(np.sqrt(variance + BatchNormalisation.EPS))
    own = replace(
        norm, weights=np.reshape(np.asarray(norm.weights), unit), bias=np.reshape(np.asarray(norm.bias), unit)
    )
    return _affine(g, g.add("Div", g.add("Sub", x, g.number(mean)), deviation), own)


def _line(numbers: NDArray[Any] | None) -> NDArray[Any] | None:
    """Flatten the numbers of an image."""
    return None if numbers is None else numbers.ravel()


def _window(node: str, g: Graph, x: str, own: Operation) -> str:
    """Write a convolution or a pool, casting a float64 net to float32 because onnxruntime supports only that."""
    size, stride, padding = own.seen
    attributes: dict[str, Any] = {"kernel_shape": [size, size], "strides": [stride, stride], "pads": [padding] * 4}
    if node == "AveragePool":
        attributes["count_include_pad"] = 1
    numbers = [g.number(part) for part in (own.weights, own.bias) if part is not None]
    wide = g.dtype == np.float64
    inputs = [g.cast(name, np.float32) if wide else name for name in (x, *numbers)]
    made = g.add(node, *inputs, **attributes)
    return g.cast(made, g.dtype) if wide else made


def _flatten(g: Graph, x: str, own: Operation) -> str:
    return g.add("Flatten", x, axis=1)


def _dropout(g: Graph, x: str, dropout: Operation) -> str:
    return x  # dropout is inactive in prediction


def _activation(node: OnnxNode | None, g: Graph, x: str, operation: Operation) -> str:
    return written(g, node, x, operation.constant)


LAYERS: dict[str, Emit] = {
    "dense": _dense,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "dropout": _dropout,
    "conv": partial(_window, "Conv"),
    "max_pool": partial(_window, "MaxPool"),
    "mean_pool": partial(_window, "AveragePool"),
    "flatten": _flatten,
    **{row.name: partial(_activation, row.onnx) for row in ACTIVATIONS.values()},
}
"""Writer of each operation after the input table."""
