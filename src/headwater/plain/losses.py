"""Loss functions, link functions and their gradients.

The last layer gives k numbers z, the logits. The loss's link maps them to the prediction p. A loss has a value, the cost of p
for the label y, and a gradient by z, where backpropagation starts. Where link and loss are simpler and more stable together
(softmax with cross-entropy, sigmoid with binary cross-entropy, exp with Poisson), the gradient is that of both, p − y.

Shapes: ``z``, ``p`` and the gradient (…, k); ``y`` (…, k), or (…, 1) with class indices, where a loss takes them; the value
(…,). Dots are any number of leading axes. Losses over k outputs are means over them; cross-entropy is one sum over classes.
``a`` is the loss's constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.plain.network.exchange import OnnxNode, TorchModule

from .activations import sigmoid as logistic

Array: TypeAlias = NDArray[np.floating[Any]]

LIMIT = 30.0
"""Sigmoid and exp clip logits to ±30, a probability of 1 − 10⁻¹³ and far from overflow."""

# ---- links: from logits to a prediction -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkRow:
    """Declaration of one link function.

    Parameters
    ----------
    name, formula : str
        Name and definition.
    value : callable
        p = value(z).
    backward : callable
        backward(p, dp): the derivative by z, given p and the derivative by p.
    torch : TorchModule or None
        Equivalent in PyTorch, if any.
    onnx : OnnxNode or None
        Equivalent in ONNX; None for the identity.

    Examples
    --------
    >>> LINKS["softmax"].value(np.array([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """

    name: str
    formula: str
    value: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]
    torch: TorchModule | None
    onnx: OnnxNode | None


def identity(z: Array) -> Array:
    """Apply the identity link p = z."""
    return z


def identity_backward(p: Array, dp: Array) -> Array:
    """Return dz = dp, the derivative through the identity link."""
    return dp


def sigmoid(z: Array) -> Array:
    """Apply the sigmoid link p = 1 / (1 + e⁻ᶻ), with z clipped to ±30.

    Examples
    --------
    >>> sigmoid(np.array([0.0, 2.0])).round(4).tolist()
    [0.5, 0.8808]
    """
    return logistic(np.clip(z, -LIMIT, LIMIT))


def sigmoid_backward(p: Array, dp: Array) -> Array:
    """Return dz = dp · p·(1 − p), the derivative through the sigmoid link."""
    return dp * p * (1 - p)


def exp(z: Array) -> Array:
    """Apply the exponential link p = eᶻ, with z clipped to ±30, for expected counts.

    Examples
    --------
    >>> exp(np.array([0.0, 1.0])).round(4).tolist()
    [1.0, 2.7183]
    """
    return np.exp(np.clip(z, -LIMIT, LIMIT))


def exp_backward(p: Array, dp: Array) -> Array:
    """Return dz = dp · p, the derivative through the exponential link."""
    return dp * p


def softmax(z: Array) -> Array:
    """Apply the softmax link pⱼ = e^zⱼ / Σ e^z, which gives class probabilities.

    The largest logit is subtracted first, so that nothing overflows.

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0, 999.0])).round(4).tolist()
    [0.4223, 0.4223, 0.1554]
    """
    below = z - z.max(axis=-1, keepdims=True)
    e = np.exp(np.maximum(below, -2 * LIMIT))
    p: Array = e / e.sum(axis=-1, keepdims=True)
    return p


def softmax_backward(p: Array, dp: Array) -> Array:
    """Return dzⱼ = pⱼ·(dpⱼ − Σ p·dp), the derivative through the softmax link."""
    common = (p * dp).sum(axis=-1, keepdims=True)
    return np.asarray(p * (dp - common))


_WITHIN_LIMIT = OnnxNode("Clip", ("x", -LIMIT, LIMIT))
_LINK_ROWS = (
    LinkRow("identity", "p = z", identity, identity_backward, None, None),
    LinkRow("sigmoid", "p = 1 / (1 + e⁻ᶻ), z within ±30", sigmoid, sigmoid_backward,
            TorchModule("Sigmoid"), OnnxNode("Sigmoid", (_WITHIN_LIMIT,))),
    LinkRow("softmax", "pⱼ = e^zⱼ / Σ e^z", softmax, softmax_backward,
            TorchModule("Softmax", required={"dim": 1}), OnnxNode("Softmax", attributes={"axis": 1})),
    LinkRow("exp", "p = eᶻ, z within ±30", exp, exp_backward, None, OnnxNode("Exp", (_WITHIN_LIMIT,))),
)  # fmt: skip

LINKS: dict[str, LinkRow] = {row.name: row for row in _LINK_ROWS}
"""Every link by name."""

# ---- losses ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LossRow:
    """Declaration of one loss.

    Parameters
    ----------
    name : str
        Name in nets, files and commands.
    link : str
        Name of its link in ``LINKS``.
    formula, source : str
        Definition and publication.
    value : callable
        value(z, y, a), shape (…,).
    gradient : callable
        gradient(z, y, a), the derivative of the value by z, shape (…, k).
    default : float
        Default of the constant a; 0 for a loss without one.
    below : float
        Exclusive upper bound of the constant.
    answers : tuple of float
        Range of valid labels. Outside it, the loss has no minimum.
    classes : bool
        Whether there is one output per class, and a label may be a class index.

    Examples
    --------
    >>> LOSSES["mse"].value(np.array([3.0, 1.0]), np.array([1.0, 1.0]), 1.0).item()
    2.0
    """

    name: str
    link: str
    formula: str
    source: str
    value: Callable[[Array, Array, float], Array]
    gradient: Callable[[Array, Array, float], Array]
    default: float = 0.0
    below: float = math.inf
    answers: tuple[float, float] = (-math.inf, math.inf)
    classes: bool = False


def mean_over_outputs(cost: Array) -> Array:
    """Return the mean of the costs over the last axis."""
    return np.asarray(cost.mean(axis=-1))


def per_output(slope: Array) -> Array:
    """Return slope / k, the gradient's share of each of k outputs."""
    k: int = slope.shape[-1]
    return slope / k


def mse(z: Array, y: Array, a: float = 1.0) -> Array:
    """Mean squared error, a · mean (p − y)²."""
    return mean_over_outputs(a * np.square(z - y))


def mse_gradient(z: Array, y: Array, a: float = 1.0) -> Array:
    """Gradient of ``mse``, 2a·(p − y) / k."""
    return per_output(2 * a * (z - y))


def mae(z: Array, y: Array, a: float = 0.0) -> Array:
    """Mean absolute error, mean |p − y|."""
    return mean_over_outputs(np.abs(z - y))


def mae_gradient(z: Array, y: Array, a: float = 0.0) -> Array:
    """Gradient of ``mae``, sign(p − y) / k."""
    return per_output(np.sign(z - y))


def huber(z: Array, y: Array, a: float = 1.0) -> Array:
    """Huber loss, mean of ½r² where |r| ≤ a, else a·(|r| − ½a), with r = p − y.

    Examples
    --------
    >>> huber(np.array([[0.5], [3.0]]), np.array([[0.0], [0.0]])).tolist()
    [0.125, 2.5]
    """
    r = z - y
    bounded = np.clip(r, -a, a)
    return mean_over_outputs(bounded * (r - 0.5 * bounded))


def huber_gradient(z: Array, y: Array, a: float = 1.0) -> Array:
    """Gradient of ``huber``, max(−a, min(a, p − y)) / k."""
    return per_output(np.clip(z - y, -a, a))


def quantile(z: Array, y: Array, a: float = 0.5) -> Array:
    """Quantile loss, mean of a·(y − p) where y > p, else (1 − a)·(p − y).

    Its minimum is the a-quantile of the labels.
    """
    r = y - z
    return mean_over_outputs(np.where(r > 0, a * r, (a - 1) * r))


def quantile_gradient(z: Array, y: Array, a: float = 0.5) -> Array:
    """Gradient of ``quantile``, −a/k where y > p, else (1 − a)/k."""
    return per_output(np.where(y > z, np.full_like(z, -a), np.full_like(z, 1 - a)))


def binary_cross_entropy(z: Array, y: Array, a: float = 0.0) -> Array:
    """Binary cross-entropy, mean −y·ln p − (1 − y)·ln(1 − p).

    Computed as max(z, 0) − z·y − ln max(p, 1 − p), which avoids cancellation.

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.0]), np.array([1.0])).round(4).item()
    0.6931
    """
    p = sigmoid(z)
    return mean_over_outputs(np.maximum(z, 0) - z * y - np.log(np.maximum(p, 1 - p)))


def binary_cross_entropy_gradient(z: Array, y: Array, a: float = 0.0) -> Array:
    """Gradient of ``binary_cross_entropy``, (p − y) / k."""
    return per_output(sigmoid(z) - y)


def one_hot(y: Array, z: Array) -> Array:
    """Return labels y as (…, k), with class indices (…, 1) one-hot encoded.

    Examples
    --------
    >>> one_hot(np.array([[2.0], [0.0]]), np.zeros((2, 3))).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    k = z.shape[-1]
    return y if y.shape[-1] == k else np.eye(k, dtype=z.dtype)[y[..., 0].astype(int)]


def cross_entropy(z: Array, y: Array, a: float = 0.0) -> Array:
    """Cross-entropy −Σ yⱼ·ln pⱼ for y (…, k) of probabilities or (…, 1) of class indices.

    ln pⱼ = zⱼ − max z − ln Σ e^(z − max z), which cannot overflow.

    Examples
    --------
    >>> cross_entropy(np.zeros(4), np.array([2.0])).round(4).item()
    1.3863
    """
    below = z - z.max(axis=-1, keepdims=True)
    log_p = below - np.log(np.exp(below).sum(axis=-1, keepdims=True))
    return np.asarray(-(one_hot(y, z) * log_p).sum(axis=-1))


def cross_entropy_gradient(z: Array, y: Array, a: float = 0.0) -> Array:
    """Gradient of ``cross_entropy``, p·Σy − y, where Σy is 1 for a class."""
    y = one_hot(y, z)
    return np.asarray(softmax(z) * y.sum(axis=-1, keepdims=True) - y)


def hinge(z: Array, y: Array, a: float = 0.0) -> Array:
    """Hinge loss, mean max(0, 1 − s·z), where s is 1 at the class and −1 elsewhere.

    ``y`` is (…, k) of 0 and 1, or (…, 1) of class indices.

    Examples
    --------
    >>> hinge(np.array([2.0, 0.0]), np.array([0.0])).item()
    0.5
    """
    s = np.where(one_hot(y, z) > 0.5, np.ones_like(z), -1)
    return mean_over_outputs(np.maximum(0, 1 - s * z))


def hinge_gradient(z: Array, y: Array, a: float = 0.0) -> Array:
    """Gradient of ``hinge``, −s/k where 1 − s·z > 0, else 0."""
    s = np.where(one_hot(y, z) > 0.5, np.ones_like(z), -1)
    return per_output(np.where(s * z < 1, -s, 0))


def poisson(z: Array, y: Array, a: float = 0.0) -> Array:
    """Poisson loss, mean p − y·ln p, with ln p = z."""
    return mean_over_outputs(exp(z) - y * z)


def poisson_gradient(z: Array, y: Array, a: float = 0.0) -> Array:
    """Gradient of ``poisson``, (p − y) / k."""
    return per_output(exp(z) - y)


_ROWS = (
    LossRow("mse", "identity", "a·mean (p − y)²", "Legendre 1805, Gauss 1809", mse, mse_gradient, default=1.0),
    LossRow("mae", "identity", "mean |p − y|", "Laplace 1774", mae, mae_gradient),
    LossRow("huber", "identity", "mean of ½r² if |r| ≤ a, else a·(|r| − ½a); r = p − y", "Huber 1964",
            huber, huber_gradient, default=1.0),
    LossRow("binary_cross_entropy", "sigmoid", "mean −y·ln p − (1 − y)·ln(1 − p)", "Cox 1958",
            binary_cross_entropy, binary_cross_entropy_gradient, answers=(0.0, 1.0)),
    LossRow("cross_entropy", "softmax", "−Σ yⱼ·ln pⱼ", "Bridle 1990",
            cross_entropy, cross_entropy_gradient, answers=(0.0, math.inf), classes=True),
    LossRow("hinge", "identity", "mean max(0, 1 − s·z), s = ±1", "Cortes & Vapnik 1995",
            hinge, hinge_gradient, answers=(0.0, 1.0), classes=True),
    LossRow("poisson", "exp", "mean p − y·ln p", "Nelder & Wedderburn 1972",
            poisson, poisson_gradient, answers=(0.0, math.inf)),
    LossRow("quantile", "identity", "mean of a·(y − p) if y > p, else (1 − a)·(p − y)", "Koenker & Bassett 1978",
            quantile, quantile_gradient, default=0.5, below=1.0),
)  # fmt: skip

LOSSES: dict[str, LossRow] = {row.name: row for row in _ROWS}
"""Every loss by name, in the order of the core's list."""
