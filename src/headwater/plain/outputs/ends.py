"""Prediction bounds of a forecast, as quantiles of past errors whose levels track the observed coverage.

A bound of tail p has a target share p of labels beyond it: p = 0.05 on either side for a coverage of 0.9. It is the quantile
of the last 500 errors e = y − ŷ of that horizon at a level

    q = p·exp(−v),   v ← v + η·([y beyond the bound] − p),   η = 0.1,

so v grows, and the bound moves outwards, with each label beyond it. Summed over T labels, η·Σ([beyond] − p) is v: the share
beyond equals p to within |v|/(η·T), whatever the series does. The label of time t is compared with the bound issued at time
t − h, and only then v is updated. Of n errors the bound is the one of rank ⌊(n + 1)·min(q, ½)⌋ from outside; where that is 0,
the bound is ½·width·ln(1/((n + 1)·q)) beyond the extreme error, where width is the range of the errors.

A pool's forecaster tracks the levels of evened errors (``plain/outputs/widths.py``) in the same way. Its bound is the quantile of the
normal distribution at level q, or of Student's t while there are few errors, and every error counts from the fourth on.

A label of weight w moves v by w·η/(1 − η + w·η) in place of η, one of weight 0 not at all. Its error is one of the window's.

The levels of five tails are tracked; between two of them ln q is interpolated linearly in ln p. A wider tail's level is no
smaller.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

__all__ = ["TAILS", "Ends", "quantile", "student"]

TAILS = np.array([0.005, 0.025, 0.05, 0.1, 0.25])
"""Tails whose levels are tracked, those of a coverage of 0.99, 0.95, 0.9, 0.8 and 0.5."""
RATE = 0.1
"""η."""
WINDOW = 500


def quantile(errors: NDArray[np.float64], p: float, log_level: float) -> float:
    """Return the lower bound of tail p at level q, or −∞ while there are too few errors.

    Parameters
    ----------
    errors : ndarray (n,)
        Past errors, sorted.
    p : float
        The tail.
    log_level : float
        ln q.

    Examples
    --------
    >>> errors = np.arange(1.0, 100.0)
    >>> quantile(errors, 0.05, math.log(0.05)), quantile(errors, 0.05, math.log(0.001)) < 1
    (5.0, True)
    """
    n = len(errors)
    if (n + 1) * p < 1 - 1e-9:
        return -math.inf
    rank = math.floor((n + 1) * min(math.exp(log_level), 0.5) + 1e-9)
    if rank:
        return float(errors[rank - 1])
    width = errors[-1] - errors[0]
    return float(errors[0] + 0.5 * width * (math.log(n + 1) + log_level))


def student(p: float, n: float) -> float:
    """Return the quantile of Student's t with n degrees of freedom beyond which a share p lies.

    Examples
    --------
    >>> [round(student(0.05, n), 2) for n in (4, 10, 1e9)]  # exactly 2.13, 1.81, 1.64
    [2.12, 1.81, 1.65]
    """
    u = math.sqrt(-2 * math.log(min(p, 0.5)))
    z = u - (2.515517 + u * (0.802853 + u * 0.010328)) / (1 + u * (1.432788 + u * (0.189269 + u * 0.001308)))
    return z + z * (z**2 + 1) / (4 * n) + z * (3 + 16 * z**2 + 5 * z**4) / (96 * n * n)


class Ends:
    """Prediction bounds of one horizon.

    Parameters
    ----------
    horizon : int
        Number of steps until the label arrives.

    Examples
    --------
    >>> ends, rng = Ends(horizon=1), np.random.default_rng(0)
    >>> held = []
    >>> for _ in range(2_000):
    ...     (low, high), error = ends.give(0.9), rng.normal()
    ...     held.append(low <= error <= high)
    ...     ends.learn(error)
    >>> abs(float(np.mean(held[100:])) - 0.9) < 0.01
    True

    References
    ----------
    Gibbs & Candès 2021, *Adaptive conformal inference under distribution shift*; there q itself is moved.
    """

    def __init__(self, horizon: int) -> None:
        self.v = np.zeros((2, len(TAILS)))
        self.errors: deque[float] = deque(maxlen=WINDOW)
        self.given: deque[NDArray[np.float64]] = deque(maxlen=horizon)
        self._keep()

    def _keep(self) -> None:
        """Store the bounds of each tail (2, 5) issued now, to compare with the label later."""
        self.given.append(np.array([self.give(1 - 2 * p) for p in TAILS]).T)

    def give(self, coverage: float) -> tuple[float, float]:
        """Return the bounds of the error below and above the forecast."""
        p, errors = (1 - coverage) / 2, np.sort(self.errors)
        below = quantile(errors, p, self.log_level(0, p))
        above = -quantile(-errors[::-1], p, self.log_level(1, p))
        return below, above

    def log_level(self, side: int, p: float) -> float:
        """Return ln q of tail p, below (0) or above (1)."""
        known = np.maximum.accumulate(np.log(TAILS) - self.v[side])
        nearest = float(np.clip(p, TAILS[0], TAILS[-1]))
        return float(np.interp(math.log(nearest), np.log(TAILS), known)) + math.log(p / nearest)

    def learn(self, error: float, w: float = 1.0) -> None:
        """Update by the error of the label of weight w that arrived, or NaN if it is missing or its weight is 0."""
        low, high = self.given[0]
        rate = RATE if w == 1 else w * RATE / (1 - RATE + w * RATE)
        issued = np.isfinite(low) & (error == error)
        self.v[0] += issued * rate * ((error < low) - TAILS)
        self.v[1] += issued * rate * ((error > high) - TAILS)
        if error == error:
            self.errors.append(error)
        self._keep()
