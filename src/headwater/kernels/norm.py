"""Normalisation: units in their own measure.

Layer norm measures the units of one sample against each other, so it is exact one sample at a time and keeps no state.
Batch norm measures a unit against its own past. On a mini-batch it is the textbook's (mean and variance of the batch, with
their gradient). One sample at a time there is no batch: the sample moves the running mean and variance first and is then
normalised by them, and the gradient takes both as constants, as in Online Normalization (Chiley et al. 2019) without its
control terms.

Shapes: ``x, y, dy, dx, gain, shift`` (m,); ``kept`` (2,) holds mean and 1/deviation between forward and backward;
``running`` (2m + 1,) holds means, variances and the count.
"""

from __future__ import annotations

import math

from ._jit import Array, fast
from ._op import op

LAYER_NORM = op("layer_norm", "norm", "y = g·(x − mean x)/√(var x + ε) + b", "Ba, Kiros & Hinton 2016", 1e-5)
BATCH_NORM = op("batch_norm", "norm", "y = g·(x − μ)/√(σ² + ε) + b, μ and σ² of each unit", "Ioffe & Szegedy 2015", 0.1)

EPS = 1e-5
ROW_RATE = 0.01
"""One sample at a time the statistics move by at most momentum·0.01: a thousandth with the usual momentum of 0.1."""


@fast
def layer_norm_forward(x: Array, gain: Array, shift: Array, affine: bool, eps: float, kept: Array, y: Array) -> None:
    """x, gain, shift, y (m,), kept (2,)."""
    m = len(x)
    mean = x[0] * 0
    for j in range(m):
        mean += x[j]
    mean /= m
    var = x[0] * 0
    for j in range(m):
        var += (x[j] - mean) * (x[j] - mean)
    r = 1 / math.sqrt(var / m + eps)
    kept[0] = mean
    kept[1] = r
    scale = kept[1]
    if affine:
        for j in range(m):
            y[j] = (x[j] - mean) * scale * gain[j] + shift[j]
    else:
        for j in range(m):
            y[j] = (x[j] - mean) * scale


@fast
def layer_norm_backward(x: Array, gain: Array, affine: bool, kept: Array, dy: Array, dgain: Array, dx: Array) -> None:
    """x, gain, dy, dgain, dx (m,): dx = r·(u − mean u − x̂·mean(u·x̂)), u = dy·gain; dgain = dy·x̂."""
    m = len(x)
    mean = kept[0]
    r = kept[1]
    total = x[0] * 0
    along = x[0] * 0
    for j in range(m):
        xhat = (x[j] - mean) * r
        dgain[j] = dy[j] * xhat
        u = dy[j] * gain[j] if affine else dy[j]
        total += u
        along += u * xhat
    total /= m
    along /= m
    for j in range(m):
        u = dy[j] * gain[j] if affine else dy[j]
        dx[j] = r * (u - total - (x[j] - mean) * r * along)


@fast
def batch_norm_row(x: Array, gain: Array, shift: Array, momentum: float, running: Array, learn: bool, y: Array) -> None:
    """x, gain, shift, y (m,), running (2m + 1,): normalise by the running statistics, which x moves first if ``learn``."""
    m = len(x)
    if learn:
        running[2 * m] += 1
        a = running[0] * 0 + max(1 / (running[2 * m] + 9), momentum * ROW_RATE)
        for j in range(m):
            d = x[j] - running[j]
            running[j] += a * d
            running[m + j] = (1 - a) * (running[m + j] + a * d * d)
    for j in range(m):
        y[j] = gain[j] * (x[j] - running[j]) / math.sqrt(running[m + j] + EPS) + shift[j]


@fast
def batch_norm_row_backward(x: Array, gain: Array, running: Array, dy: Array, dgain: Array, dx: Array) -> None:
    """x, gain, dy, dgain, dx (m,): the running statistics are constants."""
    m = len(x)
    for j in range(m):
        r = 1 / math.sqrt(running[m + j] + EPS)
        dgain[j] = dy[j] * (x[j] - running[j]) * r
        dx[j] = dy[j] * gain[j] * r


@fast
def batch_norm_moments(
    a: Array, start: int, step: int, n: int, m: int, momentum: float, running: Array, mean: Array, rstd: Array
) -> None:
    """Mean and 1/deviation (m,) of n samples whose units lie at start + s·step; running statistics move by momentum."""
    for j in range(m):
        total = 0.0
        for s in range(n):
            total += a[start + s * step + j]
        mu = total / n
        square = 0.0
        for s in range(n):
            square += (a[start + s * step + j] - mu) ** 2
        mean[j] = mu
        rstd[j] = 1 / math.sqrt(square / n + EPS)
        running[j] += momentum * (mu - running[j])
        if n > 1:  # the running variance is the unbiased one, as everywhere
            running[m + j] += momentum * (square / (n - 1) - running[m + j])
    running[2 * m] += 1


@fast
def batch_norm_sums(
    a: Array,
    d: Array,
    src: int,
    dst: int,
    step: int,
    n: int,
    m: int,
    mean: Array,
    rstd: Array,
    dshift: Array,
    dgain: Array,
) -> None:
    """Gradients of shift and gain (m,): Σ dy and Σ dy·x̂ over the n samples of a batch."""
    for j in range(m):
        total = 0.0
        along = 0.0
        for s in range(n):
            dy = d[dst + s * step + j]
            total += dy
            along += dy * (a[src + s * step + j] - mean[j]) * rstd[j]
        dshift[j] = total
        dgain[j] = along


@fast
def batch_norm_sample_backward(
    x: Array, gain: Array, mean: Array, rstd: Array, dy: Array, dshift: Array, dgain: Array, n: int, dx: Array
) -> None:
    """x, dy, dx (m,) of one of n samples: dx = g·r·(dy − Σdy/n − x̂·Σ(dy·x̂)/n)."""
    for j in range(len(x)):
        xhat = (x[j] - mean[j]) * rstd[j]
        dx[j] = gain[j] * rstd[j] * (dy[j] - dshift[j] / n - xhat * dgain[j] / n)
