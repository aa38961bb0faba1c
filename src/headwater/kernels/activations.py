"""Activations: what makes a stack of layers more than one matrix.

Each is a pair of loops over the ``m`` units of a layer: ``y = f(x)`` forward, and backward ``dx = dy · f'(x)``. ``a`` is
the activation's own constant. Shapes: every array is ``(m,)``; ``dx`` comes last and is overwritten.
"""

from __future__ import annotations

import math

from ._jit import Array, exact, mask, rectify
from ._op import op

IDENTITY = op("identity", "activation", "f(x) = x", "linear unit")
RELU = op("relu", "activation", "f(x) = max(0, x)", "Nair & Hinton 2010")
LEAKY_RELU = op("leaky_relu", "activation", "f(x) = x if x > 0 else a·x", "Maas, Hannun & Ng 2013", 0.01)
SIGMOID = op("sigmoid", "activation", "f(x) = 1 / (1 + e⁻ˣ)", "Rumelhart, Hinton & Williams 1986")
TANH = op("tanh", "activation", "f(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", "LeCun et al. 1998")
ELU = op("elu", "activation", "f(x) = x if x > 0 else a·(eˣ − 1)", "Clevert, Unterthiner & Hochreiter 2016", 1.0)
SELU = op("selu", "activation", "f(x) = λ·(x if x > 0 else α·(eˣ − 1))", "Klambauer et al. 2017")
GELU = op("gelu", "activation", "f(x) = x·Φ(x), Φ the normal distribution", "Hendrycks & Gimpel 2016")
SILU = op("silu", "activation", "f(x) = x·sigmoid(x)", "Elfwing, Uchibe & Doya 2018")
SOFTPLUS = op("softplus", "activation", "f(x) = ln(1 + eˣ)", "Dugas et al. 2001")
HARD_TANH = op("hard_tanh", "activation", "f(x) = min(1, max(−1, x))", "Collobert 2004")

_LAMBDA = 1.0507009873554805
_ALPHA = 1.6732632423543772
_SQRT_HALF = 0.7071067811865476
_DENSITY = 0.3989422804014327  # 1 / sqrt(2π)


@exact
def logistic(x: float) -> float:
    """Return 1 / (1 + e⁻ˣ), from the side on which e cannot overflow; without a branch, which nobody could predict."""
    e = math.exp(-abs(x))
    return (1 if x >= 0 else e) / (1 + e)


@exact
def identity_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = x[j]


@exact
def identity_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,)."""
    for j in range(len(dx)):
        dx[j] = dy[j]


@exact
def relu_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    rectify(x, y)


@exact
def relu_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,)."""
    mask(x, dy, dx)


@exact
def leaky_relu_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = x[j] if x[j] > 0 else a * x[j]


@exact
def leaky_relu_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,)."""
    for j in range(len(dx)):
        dx[j] = dy[j] if x[j] > 0 else a * dy[j]


@exact
def sigmoid_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = logistic(x[j])


@exact
def sigmoid_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = y (1 − y)."""
    for j in range(len(dx)):
        dx[j] = dy[j] * y[j] * (1 - y[j])


@exact
def tanh_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = math.tanh(x[j])


@exact
def tanh_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = 1 − y²."""
    for j in range(len(dx)):
        dx[j] = dy[j] * (1 - y[j] * y[j])


@exact
def elu_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = x[j] if x[j] > 0 else a * math.expm1(x[j])


@exact
def elu_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = y + a below zero."""
    for j in range(len(dx)):
        dx[j] = dy[j] if x[j] > 0 else dy[j] * (y[j] + a)


@exact
def selu_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = _LAMBDA * (x[j] if x[j] > 0 else _ALPHA * math.expm1(x[j]))


@exact
def selu_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = y + λα below zero."""
    for j in range(len(dx)):
        dx[j] = dy[j] * (_LAMBDA if x[j] > 0 else y[j] + _LAMBDA * _ALPHA)


@exact
def gelu_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,): the exact form with erf, not the tanh approximation."""
    for j in range(len(y)):
        y[j] = x[j] * 0.5 * (1 + math.erf(x[j] * _SQRT_HALF))


@exact
def gelu_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = Φ(x) + x·φ(x)."""
    for j in range(len(dx)):
        phi = 0.5 * (1 + math.erf(x[j] * _SQRT_HALF))
        dx[j] = dy[j] * (phi + x[j] * _DENSITY * math.exp(-0.5 * x[j] * x[j]))


@exact
def silu_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = x[j] * logistic(x[j])


@exact
def silu_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = s·(1 + x·(1 − s)), s = sigmoid(x)."""
    for j in range(len(dx)):
        s = logistic(x[j])
        dx[j] = dy[j] * s * (1 + x[j] * (1 - s))


@exact
def softplus_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,): written so that e cannot overflow."""
    for j in range(len(y)):
        y[j] = max(x[j], 0) + math.log1p(math.exp(-abs(x[j])))


@exact
def softplus_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = sigmoid(x)."""
    for j in range(len(dx)):
        dx[j] = dy[j] * logistic(x[j])


@exact
def hard_tanh_forward(x: Array, a: float, y: Array) -> None:
    """x, y (m,)."""
    for j in range(len(y)):
        y[j] = min(max(x[j], -1), 1)


@exact
def hard_tanh_backward(x: Array, y: Array, dy: Array, a: float, dx: Array) -> None:
    """x, y, dy, dx (m,): f' = 1 strictly between −1 and 1."""
    for j in range(len(dx)):
        dx[j] = dy[j] if -1 < x[j] < 1 else 0
