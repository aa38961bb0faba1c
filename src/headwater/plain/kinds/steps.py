"""Overshooting-bounded gradient descent (ObGD) along an eligibility trace.

The trace z is a decaying sum of gradients of the net's outputs, so an error δ also corrects earlier predictions:

    z ← γλ z + ∇

A step of size η along δ z changes the output for this state by about η δ ‖z‖². ObGD bounds it by ‖z‖₁, the sum of |z| over all
weights of the net:

    M = α κ max(|δ|, 1) ‖z‖₁,   η = α / max(1, M),   w ← w + η δ z

A transition of weight w counts its squared error w times: in place of the share s = min(M, 1)/κ of the error, which a step takes
away at most, it is w·s/(1 − s + w·s), so η becomes η·w/(1 − s + w·s). No weight lets it go beyond the error.

With κ ≥ 1 a step hardly ever overshoots the error itself, so α = 1 needs no tuning. The adaptive variant replaces z by z/√v̂,
where v is an exponential mean of (δ z)², as in Adam.

References
----------
Elsayed, Vasan & Mahmood 2024, "Streaming Deep Reinforcement Learning Finally Works"; Sutton 1988 and Watkins 1989 for traces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["adaptive_direction", "bounded_step", "fade"]

SQUARES, EPSILON = 0.999, 1e-8
Array = NDArray[np.float64]


def fade(trace: Array, gradient: Array, gamma: float, lamda: float) -> Array:
    """Return γλ z + ∇.

    Examples
    --------
    >>> fade(np.array([1.0, 0.0]), np.array([0.0, 2.0]), gamma=0.99, lamda=0.8).round(3).tolist()
    [0.792, 2.0]
    """
    return gamma * lamda * trace + gradient


def bounded_step(delta: float, size: float, alpha: float, kappa: float, w: float = 1.0) -> float:
    """Return the step size η of weight w for an error δ and a trace of size ‖z‖₁.

    Examples
    --------
    >>> bounded_step(0.5, 0.1, alpha=1.0, kappa=2.0), bounded_step(10.0, 5.0, alpha=1.0, kappa=2.0)
    (1.0, 0.01)
    >>> round(bounded_step(10.0, 5.0, alpha=1.0, kappa=2.0, w=3.0), 6)
    0.015
    """
    m = alpha * kappa * max(abs(delta), 1.0) * size
    share = min(min(m, 1.0) / kappa, 1.0)
    return alpha / max(1.0, m) * w / (1 - share + w * share)


def adaptive_direction(trace: Array, squares: Array, delta: float, step: int) -> tuple[Array, Array]:
    """Return the direction z/√(v̂ + ε) and the updated v at step ``step``.

    Examples
    --------
    >>> direction, v = adaptive_direction(np.array([3.0, -0.3]), np.zeros(2), delta=2.0, step=1)
    >>> direction.round(3).tolist(), v.round(5).tolist()
    ([0.5, -0.5], [0.036, 0.00036])
    """
    squares = SQUARES * squares + (1 - SQUARES) * (delta * trace) ** 2
    return trace / np.sqrt(squares / (1 - SQUARES**step) + EPSILON), squares
