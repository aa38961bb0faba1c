"""Dropout: while learning, silence each unit with probability ``rate`` and scale the others by 1/(1 − rate).

The random numbers come from an explicit state that is saved with the model: Marsaglia's multiply-with-carry, whose state
and output fit a signed 64-bit integer, so that the compiled and the plain run draw the same ones.
"""

from __future__ import annotations

from ._jit import Array, exact
from ._op import op

DROPOUT = op(
    "dropout",
    "regularisation",
    "y = x·k/(1 − p), k = 0 with probability p (while learning)",
    "Srivastava et al. 2014",
    0.5,
)

MULTIPLIER = 698769069
"""Marsaglia's: the period is about 2⁶⁰."""


@exact
def uniform(rng: Array) -> float:
    """Return the next number in [0, 1) of the state rng (1,) int64."""
    rng[0] = MULTIPLIER * (rng[0] & 0xFFFFFFFF) + (rng[0] >> 32)
    return float((rng[0] & 0xFFFFFFFF) / 4294967296.0)


@exact
def dropout_forward(x: Array, rate: float, rng: Array, mask: Array, y: Array) -> None:
    """x, mask, y (m,): y = x·mask, mask is 0 or 1/(1 − rate)."""
    keep = mask[0] * 0 + 1 / (1 - rate)
    for j in range(len(x)):
        mask[j] = keep if uniform(rng) >= rate else 0
        y[j] = x[j] * mask[j]


@exact
def dropout_off(x: Array, mask: Array, y: Array) -> None:
    """x, mask, y (m,): nothing is silent, and a gradient taken now passes whole."""
    for j in range(len(x)):
        mask[j] = 1
        y[j] = x[j]


@exact
def dropout_backward(dy: Array, mask: Array, dx: Array) -> None:
    """dy, mask, dx (m,)."""
    for j in range(len(dy)):
        dx[j] = dy[j] * mask[j]
