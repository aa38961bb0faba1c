"""Errors in units in which every phase of a season has alike ones, so that intervals are narrow where errors are small.

An error e of a horizon, over S, the running mean of |e| of that horizon, has quantiles z₁ … z₁₀ at the tails of ``ends.TAILS`` below
and above, kept for each phase from its last 40 visits, up to six horizons a visit. With Φ⁻¹ of the same tails,

    u = T(e),   T(S·(z_k + 0.001·Φ⁻¹_k)) = Φ⁻¹_k,   linear between the knots, and beyond them with at least 0.1·S for each unit

so u is spread as a normal number at night and by day. Before a phase has 20 visits, its quantiles are drawn towards those of a
normal number with a mean size of 1, Φ⁻¹·√(π/2). The bound of tail p at level q is T⁻¹ of the normal quantile of q, with S and the
quantiles of the phase as they stood when it was issued.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["NORMAL", "even", "knots", "uneven"]

NORMAL = np.array([-2.5758293, -1.95996398, -1.64485363, -1.28155157, -0.67448975])
NORMAL = np.concatenate([NORMAL, -NORMAL[::-1]])
TAILS = np.array([0.005, 0.025, 0.05, 0.1, 0.25])
LEAST, BEYOND, ENOUGH = 0.001, 0.1, 20.0


def knots(errors: NDArray[np.float64], size: float, visits: float) -> NDArray[np.float64]:
    """Return the errors whose evened ones are ``NORMAL``.

    Parameters
    ----------
    errors : ndarray (n,)
        Errors of a phase over the mean error of their horizon.
    size : float
        S of the horizon.
    visits : float
        Times at which the phase was seen.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> knots(rng.normal(size=100_000), 2.0, 40)[7:9].round(1).tolist()
    [3.3, 3.9]
    """
    known, n = min(visits / ENOUGH, 1.0), len(errors)
    own = np.zeros(len(NORMAL))
    if n:
        ranks = np.maximum(((n + 1) * TAILS).astype(int), 1) - 1
        own = np.sort(errors)[np.concatenate([ranks, n - 1 - ranks[::-1]])]
    shape = (1 - known) * math.sqrt(math.pi / 2) * NORMAL + known * own
    return np.asarray(size * (shape + LEAST * NORMAL))


def even(e: float, at: NDArray[np.float64], size: float) -> float:
    """Return T(e) for the knots ``at``.

    Examples
    --------
    >>> even(4.0, 2 * NORMAL, 2.0)
    2.0
    """
    k = int(np.searchsorted(at, e))
    start = max(k - 1, 0)
    return float(NORMAL[start] + (e - at[start]) / _slope(at, k, size))


def uneven(u: float, at: NDArray[np.float64], size: float) -> float:
    """Return the error e with T(e) = u.

    Examples
    --------
    >>> uneven(2.0, 2 * NORMAL, 2.0)
    4.0
    """
    k = int(np.searchsorted(NORMAL, u))
    start = max(k - 1, 0)
    return float(at[start] + (u - NORMAL[start]) * _slope(at, k, size))


def _slope(at: NDArray[np.float64], k: int, size: float) -> float:
    """Return de/du before knot k."""
    pair = min(max(k - 1, 0), len(at) - 2)
    slope = float((at[pair + 1] - at[pair]) / (NORMAL[pair + 1] - NORMAL[pair]))
    return slope if 0 < k < len(at) else max(slope, BEYOND * size)
