"""What a policy would have earned, from a log of what another one did: off-policy estimates.

A row of the log has a context x, the action a that was taken, its reward r and the probability p with which it was taken. Another
policy π would have taken that action with probability π(a|x). With w = π(a|x)/p:

    IPS      (1/n) Σ w r                           unbiased; wild where p is small
    SNIPS    Σ w r / Σ w                           a little biased, far steadier
    DR       (1/n) Σ [Σ_b π(b|x) f_b(x) + w (r − f_a(x))]

DR, doubly robust, is unbiased if p is right, whatever the values f are, and steadier the better f is, as long as f has not seen
the row. Each has an interval of ±1.96 standard errors: of the mean, or for SNIPS by the delta method √(Σ w²(r − v)²)/Σ w.

Sources: Horvitz & Thompson 1952; Swaminathan & Joachims 2015 (SNIPS); Dudík, Langford & Li 2011 (DR).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["doubly_robust", "ips", "snips"]

Vector = NDArray[np.float64]
WIDTH = 1.96
"""Standard errors on each side: 95 %."""


def _mean(terms: Vector) -> tuple[float, float, float]:
    n = len(terms)
    value = float(terms.mean()) if n else float("nan")
    error = WIDTH * float(terms.std(ddof=1)) / n**0.5 if n > 1 else float("inf")
    return value, value - error, value + error


def ips(w: Vector, r: Vector) -> tuple[float, float, float]:
    """Return the estimate by inverse propensities and the ends of its interval.

    Parameters
    ----------
    w : ndarray (n,)
        π(a|x)/p of each row.
    r : ndarray (n,)
        Rewards.

    Examples
    --------
    >>> ips(np.array([2.0, 0.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0, 0.0]))[0]
    0.5
    """
    return _mean(w * r)


def snips(w: Vector, r: Vector) -> tuple[float, float, float]:
    """Return the self-normalised estimate and the ends of its interval; NaN where the policy takes none of the log's actions.

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
    """Return the doubly robust estimate and the ends of its interval.

    Parameters
    ----------
    w, r
        As in ``ips``.
    expected : ndarray (n,)
        Σ_b π(b|x) f_b(x).
    of_taken : ndarray (n,)
        f_a(x) of the action that was taken.

    Examples
    --------
    >>> doubly_robust(np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))[0]
    1.0
    """
    return _mean(expected + w * (r - of_taken))
