"""Off-policy estimates of a policy's value, from the log of another policy.

A row of the log has a context x, the action a that was taken, its reward r and the probability p with which it was taken. The
policy π to evaluate would have taken that action with probability π(a|x). With w = π(a|x)/p:

    IPS      (1/n) Σ w r                           unbiased; high variance where p is small
    SNIPS    Σ w r / Σ w                           slightly biased, far lower variance
    DR       (1/n) Σ [Σ_b π(b|x) f_b(x) + w (r − f_a(x))]

DR (doubly robust) is unbiased for correct p, whatever the values f are, as long as f was not fitted on the row. The better f,
the lower its variance. Each estimate has an interval of ±1.96 standard errors: those of the mean, or for SNIPS the delta
method √(Σ w²(r − v)²)/Σ w.

Sources: Horvitz & Thompson 1952; Swaminathan & Joachims 2015 (SNIPS); Dudík, Langford & Li 2011 (DR).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["doubly_robust", "ips", "snips"]

Vector = NDArray[np.float64]
WIDTH = 1.96
"""Half-width of a 95 % interval, in standard errors."""


def _mean(terms: Vector) -> tuple[float, float, float]:
    n = len(terms)
    value = float(terms.mean()) if n else float("nan")
    error = WIDTH * float(terms.std(ddof=1)) / n**0.5 if n > 1 else float("inf")
    return value, value - error, value + error


def ips(w: Vector, r: Vector) -> tuple[float, float, float]:
    """Return the inverse propensity estimate and the bounds of its interval.

    Parameters
    ----------
    w : ndarray (n,)
        Importance π(a|x)/p of each row.
    r : ndarray (n,)
        Rewards.

    Examples
    --------
    >>> ips(np.array([2.0, 0.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))[0]
    0.5
    """
    return _mean(w * r)


def snips(w: Vector, r: Vector) -> tuple[float, float, float]:
    """Return the self-normalized estimate and the bounds of its interval, NaN if all weights are 0.

    Examples
    --------
    >>> snips(np.array([4.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0]))[0]
    0.8
    """
    mass = float(w.sum())
    if not mass > 0:
        return float("nan"), float("-inf"), float("inf")
    value = float(w @ r) / mass
    error = WIDTH * float(np.sqrt(((w * (r - value)) ** 2).sum())) / mass
    return value, value - error, value + error


def doubly_robust(w: Vector, r: Vector, expected: Vector, of_taken: Vector) -> tuple[float, float, float]:
    """Return the doubly robust estimate and the bounds of its interval.

    Parameters
    ----------
    w, r
        As in ``ips``.
    expected : ndarray (n,)
        Σ_b π(b|x) f_b(x).
    of_taken : ndarray (n,)
        f_a(x) of the action taken.

    Examples
    --------
    >>> doubly_robust(np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))[0]
    1.0
    """
    return _mean(expected + w * (r - of_taken))
