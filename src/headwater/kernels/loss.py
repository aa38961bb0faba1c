"""Losses: what a wrong prediction costs, and which way is downhill.

Each loss states value, gradient and link on one screen. The link turns the last layer's numbers ``z`` (logits) into the
prediction ``p``; where link and loss together are simpler and safer than apart (softmax with cross-entropy, sigmoid with
binary cross-entropy, exp with Poisson) the gradient is that of both, ``p − y``.

Shapes: ``z``, ``y``, ``p`` and the gradient ``d`` are (k,). Losses over k outputs are means over them, except cross-entropy,
which is one sum over classes. ``a`` is the loss's own constant.
"""

from __future__ import annotations

import math

from ._jit import Array, fast, number
from ._op import loss
from .activations import logistic

MSE = loss("mse", "identity", "a·mean (p − y)²", "Legendre 1805, Gauss 1809", 1.0)
MAE = loss("mae", "identity", "mean |p − y|", "Laplace 1774")
HUBER = loss("huber", "identity", "mean of ½r² if |r| ≤ a, else a·(|r| − ½a); r = p − y", "Huber 1964", 1.0)
BINARY_CROSS_ENTROPY = loss("binary_cross_entropy", "sigmoid", "mean −y·ln p − (1 − y)·ln(1 − p)", "Cox 1958")
CROSS_ENTROPY = loss("cross_entropy", "softmax", "−Σ yⱼ·ln pⱼ", "Bridle 1990")
HINGE = loss("hinge", "identity", "mean max(0, 1 − s·z), s = ±1", "Cortes & Vapnik 1995")
POISSON = loss("poisson", "exp", "mean p − y·ln p", "Nelder & Wedderburn 1972")
QUANTILE = loss(
    "quantile", "identity", "mean of a·(y − p) if y > p, else (1 − a)·(p − y)", "Koenker & Bassett 1978", 0.5
)

FAINT = 1e-20
"""A probability above this has a logarithm as good as the logits' own."""
LIMIT = 30.0
"""Logits beyond ±30 are read as ±30: e³⁰ is a probability of 1 − 10⁻¹³, and its exponent is far from overflow."""


@fast
def softmax(z: Array, p: Array) -> None:
    """z, p (k,): pⱼ = e^zⱼ / Σ e^z, from the largest downward so that nothing overflows."""
    top = z[0]
    for j in range(len(z)):
        top = max(top, z[j])
    total = z[0] * 0
    for j in range(len(z)):
        p[j] = math.exp(max(z[j] - top, -2 * LIMIT))
        total += p[j]
    for j in range(len(z)):
        p[j] /= total


@fast
def predict(code: int, z: Array, p: Array) -> None:
    """z, p (k,): the link of the loss."""
    if code == _CROSS_ENTROPY:
        softmax(z, p)
    elif code == _BINARY:
        for j in range(len(z)):
            p[j] = logistic(min(max(z[j], number(z, -LIMIT)), number(z, LIMIT)))
    elif code == _POISSON:
        for j in range(len(z)):
            p[j] = math.exp(min(max(z[j], -LIMIT), LIMIT))
    else:
        for j in range(len(z)):
            p[j] = z[j]


@fast
def mse(p: Array, y: Array, a: float, d: Array) -> float:
    """p, y, d (k,): d = 2a·(p − y)/k."""
    k = len(p)
    total = 0.0
    for j in range(k):
        r = p[j] - y[j]
        total += r * r
        d[j] = 2 * a * r / k
    return a * total / k


@fast
def mae(p: Array, y: Array, d: Array) -> float:
    """p, y, d (k,): d = sign(p − y)/k."""
    k = len(p)
    total = 0.0
    for j in range(k):
        r = p[j] - y[j]
        total += abs(r)
        d[j] = (1.0 if r > 0 else (-1.0 if r < 0 else 0.0)) / k
    return total / k


@fast
def huber(p: Array, y: Array, a: float, d: Array) -> float:
    """p, y, d (k,): d = max(−a, min(a, p − y))/k."""
    k = len(p)
    total = 0.0
    for j in range(k):
        r = p[j] - y[j]
        c = min(max(r, -a), a)
        total += c * (r - 0.5 * c)
        d[j] = c / k
    return total / k


@fast
def binary_cross_entropy(z: Array, p: Array, y: Array, d: Array) -> float:
    """z, p, y, d (k,): d = (p − y)/k; the value is max(z, 0) − z·y − ln max(p, 1 − p), in which nothing cancels."""
    k = len(p)
    total = 0.0
    for j in range(k):
        sure = p[j] if p[j] > 0.5 else 1 - p[j]
        total += max(z[j], 0) - z[j] * y[j] - math.log(sure)
        d[j] = p[j] - y[j]
    if k > 1:  # a division takes as long as all the rest
        total /= k
        for j in range(k):
            d[j] /= k
    return total


@fast
def cross_entropy(z: Array, p: Array, y: Array, d: Array) -> float:
    """z, p, d (k,); y (k,) probabilities, or (1,) the number of the class: d = p·Σy − y."""
    k = len(z)
    if len(y) == 1 and p[int(y[0])] > FAINT:
        for j in range(k):
            d[j] = p[j]
        d[int(y[0])] -= 1
        return -math.log(p[int(y[0])])
    top = z[0]
    for j in range(k):
        top = max(top, z[j])
    total = 0.0
    for j in range(k):
        total += math.exp(z[j] - top)
    norm = top + math.log(total)
    if len(y) == 1:
        c = int(y[0])
        for j in range(k):
            d[j] = p[j]
        d[c] -= 1
        return float(norm - z[c])
    mass = 0.0
    value = 0.0
    for j in range(k):
        mass += y[j]
        value += y[j] * (norm - z[j])
    for j in range(k):
        d[j] = p[j] * mass - y[j]
    return value


@fast
def hinge(z: Array, y: Array, d: Array) -> float:
    """z, d (k,); y (k,) of 0 and 1, or (1,) the number of the class: every output against its own side, d = −s/k."""
    k = len(z)
    total = 0.0
    for j in range(k):
        own = y[j] > 0.5 if len(y) == k else int(y[0]) == j
        s = 1.0 if own else -1.0
        gap = 1 - s * z[j]
        total += max(gap, 0.0)
        d[j] = -s / k if gap > 0 else 0.0
    return total / k


@fast
def poisson(z: Array, p: Array, y: Array, d: Array) -> float:
    """z, p, y, d (k,): z = ln p; d = (p − y)/k."""
    k = len(p)
    total = 0.0
    for j in range(k):
        total += p[j] - y[j] * z[j]
        d[j] = (p[j] - y[j]) / k
    return total / k


@fast
def quantile(p: Array, y: Array, a: float, d: Array) -> float:
    """p, y, d (k,): d = (1 − a)/k above the answer, −a/k below it."""
    k = len(p)
    total = 0.0
    for j in range(k):
        r = y[j] - p[j]
        total += a * r if r > 0 else (a - 1) * r
        d[j] = (-a if r > 0 else 1 - a) / k
    return total / k


@fast
def evaluate(code: int, a: float, z: Array, y: Array, p: Array, d: Array) -> float:
    """z, p, d (k,), y (k,) or (1,): writes the gradient by z into d and returns the value of the loss."""
    if code == _CROSS_ENTROPY:
        return cross_entropy(z, p, y, d)
    if code == _BINARY:
        return binary_cross_entropy(z, p, y, d)
    if code == _MSE:
        return mse(p, y, a, d)
    if code == _HUBER:
        return huber(p, y, a, d)
    if code == _MAE:
        return mae(p, y, d)
    if code == _HINGE:
        return hinge(z, y, d)
    if code == _POISSON:
        return poisson(z, p, y, d)
    return quantile(p, y, a, d)


_MSE, _MAE, _HUBER, _HINGE = MSE.code, MAE.code, HUBER.code, HINGE.code
_BINARY, _CROSS_ENTROPY, _POISSON = BINARY_CROSS_ENTROPY.code, CROSS_ENTROPY.code, POISSON.code
