"""Predictive intervals: how far answers lie from what was predicted.

A score is (y − ŷ)/s(x), where the scale s(x) is the size of error expected for that row. The interval of a row is
[ŷ + s(x)·q₋, ŷ + s(x)·q₊], with q₋ and q₊ two quantiles of the last thousand scores: split conformal prediction on a
window that moves.
"""

from __future__ import annotations

import math
from collections import deque

# ---- three kinds of scale -------------------------------------------------------------------------------------------

NARROWEST = 1e-3
"""The least scale that is learned, in deviations of the answer."""


def plain_scale() -> float:
    """Return 1, one deviation of the answer: the same for all rows."""
    return 1.0


def learned_scale(expected_error: float) -> float:
    """Return what an expert of its own predicts: a linear net over the same inputs that learns |y − ŷ| by Poisson's loss.

    Examples
    --------
    >>> learned_scale(0.4), learned_scale(1e-9)
    (0.4, 0.001)
    """
    return max(expected_error, NARROWEST)


def count_scale(prediction: float) -> float:
    """Return √ŷ, the deviation of a count whose expectation is ŷ (Pearson 1900).

    Examples
    --------
    >>> count_scale(9.0)
    3.0
    """
    return math.sqrt(max(prediction, 1e-12))


# ---- the last scores ------------------------------------------------------------------------------------------------

WINDOW = 1000
"""How many scores are kept."""


class Scores:
    """The last thousand scores, and the interval that follows from them.

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
        """Keep the score of an answer; the oldest one makes room."""
        self.scores.append((y - prediction) / scale)

    def quantiles(self, coverage: float) -> tuple[float, float]:
        """Return the scores between which that share of the next ones lies; ±∞ while there are too few to tell.

        Of n scores these are the ones of rank ⌊(n + 1)·(1 − coverage)/2⌋ from below and from above.
        """
        n = len(self.scores)
        rank = math.floor(round((n + 1) * (1 - coverage) / 2, 9))  # rounded, so that (19 + 1)·0.05 is 1
        if rank < 1:
            return -math.inf, math.inf
        ranked = sorted(self.scores)
        return ranked[rank - 1], ranked[n - rank]

    def interval(self, prediction: float, scale: float, coverage: float) -> tuple[float, float]:
        """Return the interval of a row; scale is that of the row, in the answer's own units."""
        low, high = self.quantiles(coverage)
        return prediction + scale * low, prediction + scale * high
