"""Compute how much noise a promise takes, by the Gaussian mechanism and with noise that is correlated over time.

A learner releases every state, so what it releases are all running sums of its steps. One Gaussian mechanism covers them: with a
lower triangular Toeplitz matrix C the steps g become g + C⁻¹z, a function of C·g + z. Each row is in one step, so one row moves C·g
by its gradient times a column of C, whose norm is `sensitivity`. C is a buffered linear Toeplitz matrix with coefficients
c_0 = 1, c_k = Σ_j ω_j θ_j^(k−1), whose inverse is computed in a stream with three numbers a weight.
"""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["HORIZON", "OMEGA", "THETA", "coefficients", "delta_of", "epsilon_of", "noise_multiplier", "sensitivity"]

HORIZON = 10_000
"""Steps that one sequence of noise covers. After them another, independent one begins, and no row is in both."""
THETA = (0.9998486825, 0.9947171537, 0.864304165)
OMEGA = (0.0180544642, 0.0755402678, 0.3321564318)
"""Parameters of C, within 1 % of the best for 10,000 steps (McMahan, Xiao & Mehta 2024; Dvijotham et al. 2024)."""


def coefficients(steps: int) -> list[float]:
    """Return the first coefficients c_0, c_1, … of C."""
    later = [sum(o * t**k for o, t in zip(OMEGA, THETA, strict=True)) for k in range(steps - 1)]
    return [1.0, *later][:steps]


@lru_cache(maxsize=16)
def sensitivity(steps: int = HORIZON) -> float:
    """Return the norm of the first column of C, the greatest of all columns.

    Examples
    --------
    >>> round(sensitivity(1), 3), round(sensitivity(), 3)
    (1.0, 1.988)
    """
    squares = 1.0
    for a, one in zip(THETA, OMEGA, strict=True):
        for b, other in zip(THETA, OMEGA, strict=True):
            squares += one * other * (1 - (a * b) ** (steps - 1)) / (1 - a * b)
    return math.sqrt(squares)


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def delta_of(epsilon: float, sigma: float) -> float:
    """Return δ for an ε of the Gaussian mechanism with standard deviation σ and sensitivity 1.

    δ(ε) = Φ(1/(2σ) − εσ) − e^ε Φ(−1/(2σ) − εσ).

    Examples
    --------
    >>> f"{delta_of(3.0, 1.5439):.1e}"
    '1.0e-06'

    References
    ----------
    Balle & Wang 2018, theorem 8.
    """
    half = 0.5 / sigma
    return _normal(half - epsilon * sigma) - math.exp(epsilon) * _normal(-half - epsilon * sigma)


@lru_cache(maxsize=1024)
def noise_multiplier(epsilon: float, delta: float) -> float:
    """Return the least σ with which the Gaussian mechanism of sensitivity 1 is (ε, δ)-private.

    Examples
    --------
    >>> [round(noise_multiplier(epsilon, 1e-6), 3) for epsilon in (0.5, 1.0, 3.0, 8.0)]
    [8.058, 4.225, 1.544, 0.653]
    """
    low, high = 1e-3, 1e6
    for _ in range(100):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if delta_of(epsilon, middle) > delta else (low, middle)
    return high


def epsilon_of(sigma: float, delta: float) -> float:
    """Return the ε that noise of standard deviation σ keeps at δ.

    Examples
    --------
    >>> round(epsilon_of(noise_multiplier(3.0, 1e-6), 1e-6), 4)
    3.0
    """
    low, high = 0.0, 1e4
    if delta_of(low, sigma) <= delta:
        return 0.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (
            (middle, high) if sigma * middle < 700 and delta_of(min(middle, 700.0), sigma) > delta else (low, middle)
        )
    return high
