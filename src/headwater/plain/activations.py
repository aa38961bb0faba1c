"""Activation functions with their derivatives and exports.

An activation is y = f(x), applied elementwise. Backpropagation multiplies by its derivative, dx = dy · f'(x).

Each activation takes a few lines: the value f(x, a), the derivative f'(x, y, a), and one row that declares the rest.
``x``, ``y`` and the result have the same shape, whatever it is. ``a`` is the activation's constant; most have none.
``y`` = f(x) is passed to the derivative because some derivatives are simpler in it.

Everything else that headwater knows about an activation is read from its row: its name in layers, files and commands, the
initializer of the weights before it, the exporters, the diagnosis, the tests. To add one, add its row here and its two
lines in the core.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.plain.network.exchange import OnnxNode, TorchModule

Array: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class ActivationRow:
    """Declaration of one activation.

    Parameters
    ----------
    name : str
        Its name in layers, files and commands.
    formula, source : str
        The definition, and where it was published.
    value : callable
        f(x, a).
    derivative : callable
        f'(x, y, a) with y = f(x, a).
    initializer : str
        Default initializer of the weights before it: "he", "lecun" or "glorot".
    torch : TorchModule
        Equivalent in PyTorch.
    onnx : OnnxNode or None
        Equivalent in ONNX; None for the identity.
    default : float
        Default of the constant a.
    saturated : callable or None
        saturated(x): whether the derivative is below 5 % of its maximum, for activations that flatten on both sides.
        None for an activation that passes gradients on at least one side.

    Examples
    --------
    >>> ACTIVATIONS["tanh"].value(np.array([0.0, 1.0]), 0.0).round(4).tolist()
    [0.0, 0.7616]
    """

    name: str
    formula: str
    source: str
    value: Callable[[Array, float], Array]
    derivative: Callable[[Array, Array, float], Array]
    initializer: str
    torch: TorchModule
    onnx: OnnxNode | None
    default: float = 0.0
    saturated: Callable[[Array], NDArray[np.bool_]] | None = None


# ---- identity -------------------------------------------------------------------------------------------------------


def identity(x: Array, a: float = 0.0) -> Array:
    """Apply the identity f(x) = x."""
    return x


def identity_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = 1."""
    return np.ones_like(x)


IDENTITY = ActivationRow("identity", "f(x) = x", "linear unit", identity, identity_derivative,
                         initializer="glorot", torch=TorchModule("Identity"), onnx=None)  # fmt: skip

# ---- the ReLU family ------------------------------------------------------------------------------------------------


def relu(x: Array, a: float = 0.0) -> Array:
    """Apply the rectified linear unit f(x) = max(0, x).

    Examples
    --------
    >>> relu(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]
    """
    return np.maximum(x, 0)


def relu_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = 1 if x > 0, else 0."""
    return np.where(x > 0, np.ones_like(x), 0)


RELU = ActivationRow("relu", "f(x) = max(0, x)", "Nair & Hinton 2010", relu, relu_derivative,
                     initializer="he", torch=TorchModule("ReLU"), onnx=OnnxNode("Relu"))  # fmt: skip


def leaky_relu(x: Array, a: float = 0.01) -> Array:
    """Apply the leaky rectified linear unit f(x) = x if x > 0, else a·x.

    Examples
    --------
    >>> leaky_relu(np.array([-2.0, 3.0]), 0.1).tolist()
    [-0.2, 3.0]
    """
    return np.where(x > 0, x, a * x)


def leaky_relu_derivative(x: Array, y: Array, a: float = 0.01) -> Array:
    """f'(x) = 1 if x > 0, else a."""
    return np.where(x > 0, np.ones_like(x), a)


LEAKY_RELU = ActivationRow(
    "leaky_relu", "f(x) = x if x > 0 else a·x", "Maas, Hannun & Ng 2013", leaky_relu, leaky_relu_derivative,
    initializer="he", torch=TorchModule("LeakyReLU", constant="negative_slope"),
    onnx=OnnxNode("LeakyRelu", attributes={"alpha": "a"}), default=0.01,
)  # fmt: skip


def elu(x: Array, a: float = 1.0) -> Array:
    """Apply the exponential linear unit f(x) = x if x > 0, else a·(eˣ − 1).

    Examples
    --------
    >>> elu(np.array([-1.0, 3.0])).round(4).tolist()
    [-0.6321, 3.0]
    """
    return np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))


def elu_derivative(x: Array, y: Array, a: float = 1.0) -> Array:
    """f'(x) = 1 if x > 0, else a·eˣ = y + a."""
    return np.where(x > 0, np.ones_like(x), y + a)


ELU = ActivationRow(
    "elu", "f(x) = x if x > 0 else a·(eˣ − 1)", "Clevert, Unterthiner & Hochreiter 2016", elu, elu_derivative,
    initializer="he", torch=TorchModule("ELU", constant="alpha"),
    onnx=OnnxNode("Elu", attributes={"alpha": "a"}), default=1.0,
)  # fmt: skip

SELU_LAMBDA = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""With these two constants, inputs of mean 0 and variance 1 give outputs of mean 0 and variance 1."""


def selu(x: Array, a: float = 0.0) -> Array:
    """Apply the scaled exponential linear unit f(x) = λ·x if x > 0, else λ·α·(eˣ − 1).

    Examples
    --------
    >>> selu(np.array([-1.0, 1.0])).round(4).tolist()
    [-1.1113, 1.0507]
    """
    return SELU_LAMBDA * elu(x, SELU_ALPHA)


def selu_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = λ if x > 0, else λ·α·eˣ = y + λ·α."""
    return np.where(x > 0, np.full_like(x, SELU_LAMBDA), y + SELU_LAMBDA * SELU_ALPHA)


SELU = ActivationRow(
    "selu", "f(x) = λ·(x if x > 0 else α·(eˣ − 1))", "Klambauer et al. 2017", selu, selu_derivative,
    initializer="lecun", torch=TorchModule("SELU"),
    onnx=OnnxNode("Selu", attributes={"alpha": SELU_ALPHA, "gamma": SELU_LAMBDA}),
)  # fmt: skip

# ---- sigmoid and tanh: bounded, so they saturate --------------------------------------------------------------------

NEARLY_FLAT = 0.05
"""A unit is saturated where the derivative is below this share of its maximum."""


def sigmoid(x: Array, a: float = 0.0) -> Array:
    """Apply the sigmoid f(x) = 1 / (1 + e⁻ˣ), without overflow.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 2.0])).round(4).tolist()
    [0.0, 0.5, 0.8808]
    """
    e = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, np.ones_like(x), e) / (1 + e)
    return y


def sigmoid_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = y·(1 − y), at most ¼."""
    return y * (1 - y)


def sigmoid_saturated(x: Array) -> NDArray[np.bool_]:
    """Return whether f'(x) is below 5 % of its maximum ¼."""
    return sigmoid(x) * (1 - sigmoid(x)) < NEARLY_FLAT / 4


SIGMOID = ActivationRow(
    "sigmoid", "f(x) = 1 / (1 + e⁻ˣ)", "Rumelhart, Hinton & Williams 1986", sigmoid, sigmoid_derivative,
    initializer="glorot", torch=TorchModule("Sigmoid"), onnx=OnnxNode("Sigmoid"), saturated=sigmoid_saturated,
)  # fmt: skip


def tanh(x: Array, a: float = 0.0) -> Array:
    """Apply the hyperbolic tangent f(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ).

    Examples
    --------
    >>> tanh(np.array([-1.0, 0.0, 20.0])).round(4).tolist()
    [-0.7616, 0.0, 1.0]
    """
    return np.tanh(x)


def tanh_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = 1 − y², at most 1."""
    return 1 - y * y


def tanh_saturated(x: Array) -> NDArray[np.bool_]:
    """Return whether f'(x) is below 5 % of its maximum 1."""
    return 1 - np.tanh(x) ** 2 < NEARLY_FLAT


TANH = ActivationRow(
    "tanh", "f(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", "LeCun et al. 1998", tanh, tanh_derivative,
    initializer="glorot", torch=TorchModule("Tanh"), onnx=OnnxNode("Tanh"), saturated=tanh_saturated,
)  # fmt: skip


def hard_tanh(x: Array, a: float = 0.0) -> Array:
    """Apply the hard tanh f(x) = min(1, max(−1, x)).

    Examples
    --------
    >>> hard_tanh(np.array([-7.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    return np.clip(x, -1, 1)


def hard_tanh_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = 1 if −1 < x < 1, else 0."""
    return np.where(np.abs(x) < 1, np.ones_like(x), 0)


def hard_tanh_saturated(x: Array) -> NDArray[np.bool_]:
    """Return whether f'(x) is 0."""
    return np.abs(x) >= 1


HARD_TANH = ActivationRow(
    "hard_tanh", "f(x) = min(1, max(−1, x))", "Collobert 2004", hard_tanh, hard_tanh_derivative,
    initializer="glorot", torch=TorchModule("Hardtanh", required={"min_val": -1.0, "max_val": 1.0}),
    onnx=OnnxNode("Clip", ("x", -1.0, 1.0)), saturated=hard_tanh_saturated,
)  # fmt: skip

# ---- smooth relatives of ReLU ---------------------------------------------------------------------------------------


def normal_cdf(x: Array) -> Array:
    """Return Φ(x) = ½·(1 + erf(x/√2)), the standard normal distribution function."""
    erf = np.vectorize(math.erf, otypes=[x.dtype])  # NumPy has none
    share: Array = 0.5 * (1 + erf(x * math.sqrt(0.5)))
    return share


def normal_density(x: Array) -> Array:
    """Return φ(x) = e^(−x²/2) / √(2π), the standard normal density."""
    near = np.clip(x, -40, 40)  # beyond 40 the density is 0, and x² might overflow
    return np.exp(-0.5 * near * near) / math.sqrt(2 * math.pi)


def gelu(x: Array, a: float = 0.0) -> Array:
    """Apply the Gaussian error linear unit f(x) = x·Φ(x) in its exact form, not the approximation by tanh.

    Examples
    --------
    >>> gelu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [-0.1587, 0.0, 0.8413]
    """
    return x * normal_cdf(x)


def gelu_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = Φ(x) + x·φ(x)."""
    return normal_cdf(x) + x * normal_density(x)


_ERF = OnnxNode("Erf", (OnnxNode("Mul", ("x", math.sqrt(0.5))),))
GELU = ActivationRow(
    "gelu", "f(x) = x·Φ(x), Φ the normal distribution", "Hendrycks & Gimpel 2016", gelu, gelu_derivative,
    initializer="he", torch=TorchModule("GELU", required={"approximate": "none"}),
    # ONNX has a Gelu operator only since operator set 20
    onnx=OnnxNode("Mul", (OnnxNode("Mul", ("x", 0.5)), OnnxNode("Add", (1.0, _ERF)))),
)  # fmt: skip


def silu(x: Array, a: float = 0.0) -> Array:
    """Apply the sigmoid linear unit f(x) = x·sigmoid(x), also called swish.

    Examples
    --------
    >>> silu(np.array([-1.0, 0.0, 1.0])).round(4).tolist()
    [-0.2689, 0.0, 0.7311]
    """
    return x * sigmoid(x)


def silu_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = s·(1 + x·(1 − s)) with s = sigmoid(x)."""
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


SILU = ActivationRow(
    "silu", "f(x) = x·sigmoid(x)", "Elfwing, Uchibe & Doya 2018", silu, silu_derivative,
    initializer="he", torch=TorchModule("SiLU"), onnx=OnnxNode("Mul", ("x", OnnxNode("Sigmoid"))),
)  # fmt: skip


def softplus(x: Array, a: float = 0.0) -> Array:
    """Apply softplus f(x) = ln(1 + eˣ), computed as max(x, 0) + ln(1 + e^(−|x|)), which cannot overflow.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softplus_derivative(x: Array, y: Array, a: float = 0.0) -> Array:
    """f'(x) = sigmoid(x)."""
    return sigmoid(x)


SOFTPLUS = ActivationRow(
    "softplus", "f(x) = ln(1 + eˣ)", "Dugas et al. 2001", softplus, softplus_derivative, initializer="he",
    # beyond 50 ln(1 + eˣ) is x to the last bit; PyTorch's own threshold of 20 would cost 2·10⁻⁹
    torch=TorchModule("Softplus", required={"beta": 1.0}, written={"threshold": 50.0}), onnx=OnnxNode("Softplus"),
)  # fmt: skip

ACTIVATIONS: dict[str, ActivationRow] = {
    row.name: row for row in (IDENTITY, RELU, LEAKY_RELU, SIGMOID, TANH, ELU, SELU, GELU, SILU, SOFTPLUS, HARD_TANH)
}
"""Every activation by name, in the order of the core's list."""
