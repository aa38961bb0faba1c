"""Prediction intervals by split conformal prediction over a sliding window.

A score is (y − ŷ)/s(x), where the scale s(x) is the expected size of the error for that row. The interval of a row is
[ŷ + s(x)·q₋, ŷ + s(x)·q₊], with q₋ and q₊ two quantiles of the last thousand scores.
"""

from __future__ import annotations

import math
from collections import deque

# ---- three kinds of scale -------------------------------------------------------------------------------------------

NARROWEST = 1e-3
"""Minimum learned scale, in standard deviations of the label."""


def plain_scale() -> float:
    """Return 1, one standard deviation of the label, for every row."""
    return 1.0


def learned_scale(expected_error: float) -> float:
    """Return the prediction of a separate linear net that learns |y − ŷ| by the Poisson loss.

    Examples
    --------
    >>> learned_scale(0.4), learned_scale(1e-9)
    (0.4, 0.001)
    """
    return max(expected_error, NARROWEST)


def count_scale(prediction: float) -> float:
    """Return √ŷ, the standard deviation of a count with expectation ŷ (Pearson 1900).

    Examples
    --------
    >>> count_scale(9.0)
    3.0
    """
    return math.sqrt(max(prediction, 1e-12))


# ---- the last scores ------------------------------------------------------------------------------------------------

WINDOW = 1000
"""Number of scores kept."""


class Scores:
    """Last thousand scores, and the interval derived from them.

    References
    ----------
    Vovk, Gammerman & Shafer 2005; Xu & Xie 2021.

    Examples
    --------
    >>> scores = Scores()
    >>> for y in range(-50, 50):
    ...     scores.record(y, prediction=0.0, scale=10.0)
    >>> scores.interval(prediction=100.0, scale=10.0, coverage=0.9)
    (54.0, 145.0)
    """

    def __init__(self) -> None:
        self.scores: deque[float] = deque(maxlen=WINDOW)

    def record(self, y: float, prediction: float, scale: float) -> None:
        """Record the score of a label, and drop the oldest one."""
        self.scores.append((y - prediction) / scale)

    def quantiles(self, coverage: float) -> tuple[float, float]:
        """Return the quantiles that bound the given share of the next scores, or ±∞ while there are too few.

        Of n scores these have rank ⌊(n + 1)·(1 − coverage)/2⌋ from below and from above.
        """
        n = len(self.scores)
        rank = math.floor(round((n + 1) * (1 - coverage) / 2, 9))  # rounded, so that (19 + 1)·0.05 is 1
        if rank < 1:
            return -math.inf, math.inf
        ranked = sorted(self.scores)
        return ranked[rank - 1], ranked[n - rank]

    def interval(self, prediction: float, scale: float, coverage: float) -> tuple[float, float]:
        """Return the interval of a row, with its scale in units of the label."""
        low, high = self.quantiles(coverage)
        return prediction + scale * low, prediction + scale * high
