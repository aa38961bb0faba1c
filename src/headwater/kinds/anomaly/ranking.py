"""ROC AUC and average precision of scores with known labels.

There are P rows labeled 1 and N labeled 0, grouped by equal scores from the highest to the lowest. TP and FP count the rows of
both labels up to a group::

    auc                 Σ over groups of pos·(neg below + neg/2) / (P·N), how often a row with label 1 scores above one with 0
    average_precision   Σ over groups of pos/P · TP/(TP + FP)

References
----------
Hanley & McNeil 1982 (the area as a probability); T. Fawcett 2006 (ties); scikit-learn's roc_auc_score and
average_precision_score, which give the same.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "auc", "average_precision", "ranked"]

_SHIFT = 45  # keep 7 of a float's 52 mantissa bits, for 128 bins per octave
_NEAREST = 2.0**-40  # scores closer to 1 count as 1
_FARTHEST = 2.0**40


def ranked(scores: Sequence[float], labels: Sequence[int]) -> NDArray[np.int64]:
    """Return the counts of label 0 and label 1 per distinct score, shape (groups, 2), highest score first.

    Examples
    --------
    >>> ranked([0.1, 0.9, 0.9], [0, 0, 1]).tolist()
    [[1, 1], [1, 0]]
    """
    values, group = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    counts = np.zeros((len(values), 2), np.int64)
    np.add.at(counts, (group, np.asarray(labels, np.int64)), 1)
    return counts[::-1]


def auc(counts: NDArray[np.int64]) -> float:
    """Return the area under the ROC curve of ranked counts, NaN unless both labels occur.

    Examples
    --------
    >>> auc(ranked([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]))
    0.75
    """
    negative, positive = counts.sum(0).tolist() if len(counts) else (0, 0)
    if not negative or not positive:
        return math.nan
    below = negative - np.cumsum(counts[:, 0])
    return float((counts[:, 1] * (below + 0.5 * counts[:, 0])).sum() / (positive * negative))


def average_precision(counts: NDArray[np.int64]) -> float:
    """Return the average precision of ranked counts, NaN unless both labels occur.

    Examples
    --------
    >>> round(average_precision(ranked([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])), 4)
    0.8333
    """
    negative, positive = counts.sum(0).tolist() if len(counts) else (0, 0)
    if not negative or not positive:
        return math.nan
    hits, rows = np.cumsum(counts[:, 1]), np.cumsum(counts.sum(1))
    return float((counts[:, 1] * hits / rows).sum() / positive)


class Ranking:
    """A histogram of scores by label, for AUC and average precision of a stream in bounded memory.

    A bin holds the scores whose distance from 1 agrees in 7 bits, so the resolution is best near 1, where anomalies are. Scores of
    one bin count as equal, so the error of the AUC is at most half the share of pairs within a bin.

    Examples
    --------
    >>> ranking = Ranking()
    >>> for score, label in zip([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]):
    ...     ranking.add(score, label)
    >>> auc(ranking.counts())
    0.75
    """

    def __init__(self, bins: Sequence[tuple[int, list[int]]] = ()) -> None:
        self._bins: dict[int, list[int]] = {key: list(counts) for key, counts in bins}

    def bins(self) -> list[tuple[int, list[int]]]:
        """Return the bins, which can be passed to a new `Ranking`."""
        return list(self._bins.items())

    def add(self, score: float, label: int) -> None:
        """Add a row."""
        self._bins.setdefault(_bin(score), [0, 0])[label] += 1

    def counts(self) -> NDArray[np.int64]:
        """Return the counts of both labels by bin, shape (bins, 2), highest scores first."""
        return np.array([self._bins[key] for key in sorted(self._bins, reverse=True)], np.int64).reshape(-1, 2)


def _bin(score: float) -> int:
    """Return the bin number of a score, increasing with the score."""
    far = score - 1.0
    size = min(max(abs(far), _NEAREST), _FARTHEST)
    bits: int = struct.unpack("<q", struct.pack("<d", size))[0] >> _SHIFT
    return bits if far > 0 else -bits
