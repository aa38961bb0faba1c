"""What stands behind the input table, as ONNX nodes: layers and links, each with the formula of its kernel.

``LAYERS`` has an entry for every operation and ``LINKS`` one for every link of a loss; a test checks it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from headwater.kernels import activations as act
from headwater.kernels import loss as _loss
from headwater.kernels import norm
from headwater.nn.lower import Expert
from headwater.nn.program import Program
from headwater.nn.steps import Step, steps

from .onnx_graph import Graph

Emit: TypeAlias = Callable[[Graph, str, Step], str]
FLOAT_ONLY = ("Elu", "Erf", "Selu", "Softplus")
"""Operators that onnxruntime has for float32 alone: a float64 net passes through float32 there."""


def expert_logits(g: Graph, z: str, program: Program, e: int) -> str:
    """Run expert e's layers on its columns z (N, m) of the table; returns its logits (N, k).

    Logits that are not finite become 0: no opinion rather than no number, as in the machine.
    """
    for step in steps(program, e):
        z = LAYERS[step.name](g, z, step)
    largest = g.number(np.finfo(program.dtype).max)
    wild = g.add("Not", g.add("LessOrEqual", g.add("Abs", z), largest))  # NaN is in no order
    count = g.sum(g.cast(wild, program.dtype), 1, keep=True)
    return g.add("Where", g.add("Greater", count, g.number(0.0)), g.number(0.0), z)


def expert_prediction(g: Graph, z: str, expert: Expert) -> str:
    """Put logits z (N, k) through the link of the expert's loss."""
    return LINKS[expert.loss.row.link](g, z)


# ---- layers ---------------------------------------------------------------------------------------------------------


def _dense(g: Graph, x: str, step: Step) -> str:
    z = g.add("MatMul", x, g.number(step.weights))
    return z if step.bias is None else g.add("Add", z, g.number(step.bias))


def _affine(g: Graph, x: str, step: Step) -> str:
    """gain·x + shift, where the normalisation has them."""
    if step.weights is None:
        return x
    return g.add("Add", g.add("Mul", x, g.number(step.weights)), g.number(step.bias))


def _layer_norm(g: Graph, x: str, step: Step) -> str:
    # not LayerNormalization: it takes mean and variance of float64 in float32
    m = g.number(float(step.m))
    centred = g.add("Sub", x, g.add("Div", g.sum(x, 1, keep=True), m))
    variance = g.add("Div", g.sum(g.add("Mul", centred, centred), 1, keep=True), m)
    deviation = g.add("Sqrt", g.add("Add", variance, g.number(step.constant)))
    return _affine(g, g.add("Div", centred, deviation), step)


def _batch_norm(g: Graph, x: str, step: Step) -> str:
    mean, variance = np.asarray(step.running, np.float64)[: 2 * step.m].reshape(2, step.m)
    deviation = g.number(np.sqrt(variance + norm.EPS))
    return _affine(g, g.add("Div", g.add("Sub", x, g.number(mean)), deviation), step)


def _through(g: Graph, x: str, step: Step) -> str:
    """Identity, and dropout, which is silent when predicting."""
    return x


def _one(op: str, **fixed: Any) -> Emit:
    """One operator; ``fixed`` are its attributes."""

    def emit(g: Graph, x: str, step: Step) -> str:
        return _narrow(g, op, x, **fixed)

    return emit


def _leaky_relu(g: Graph, x: str, step: Step) -> str:
    return g.add("LeakyRelu", x, alpha=step.constant)


def _elu(g: Graph, x: str, step: Step) -> str:
    return _narrow(g, "Elu", x, alpha=step.constant)


def _gelu(g: Graph, x: str, step: Step) -> str:
    # Gelu itself is new in operator set 20
    erf = _narrow(g, "Erf", g.add("Mul", x, g.number(np.sqrt(0.5))))
    return g.add("Mul", g.add("Mul", x, g.number(0.5)), g.add("Add", g.number(1.0), erf))


def _silu(g: Graph, x: str, step: Step) -> str:
    return g.add("Mul", x, g.add("Sigmoid", x))


def _hard_tanh(g: Graph, x: str, step: Step) -> str:
    return g.add("Clip", x, g.number(-1.0), g.number(1.0))


def _narrow(g: Graph, op: str, x: str, **attributes: Any) -> str:
    """One operator, in float32 where runtimes have no other."""
    if op not in FLOAT_ONLY or g.dtype == np.float32:
        return g.add(op, x, **attributes)
    return g.cast(g.add(op, g.cast(x, np.float32), **attributes), g.dtype)


LAYERS: dict[str, Emit] = {
    "dense": _dense,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "dropout": _through,
    act.IDENTITY.name: _through,
    act.RELU.name: _one("Relu"),
    act.LEAKY_RELU.name: _leaky_relu,
    act.SIGMOID.name: _one("Sigmoid"),
    act.TANH.name: _one("Tanh"),
    act.ELU.name: _elu,
    act.SELU.name: _one("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    act.GELU.name: _gelu,
    act.SILU.name: _silu,
    act.SOFTPLUS.name: _one("Softplus"),
    act.HARD_TANH.name: _hard_tanh,
}
"""What writes each operation behind the input table; "rows" and "embedding" are the table itself."""


# ---- links ----------------------------------------------------------------------------------------------------------


def _limited(op: str) -> Callable[[Graph, str], str]:
    """Make a link that reads logits beyond ±30 as ±30."""

    def emit(g: Graph, z: str) -> str:
        return g.add(op, g.add("Clip", z, g.number(-_loss.LIMIT), g.number(_loss.LIMIT)))

    return emit


LINKS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda g, z: z,
    "sigmoid": _limited("Sigmoid"),
    "exp": _limited("Exp"),
    "softmax": lambda g, z: g.add("Softmax", z, axis=1),
}
"""What writes each link."""
