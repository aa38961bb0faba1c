"""Relevance of columns, so that many columns of noise cost little.

Fifty columns that say nothing of the label fit noise with fifty times as many weights. Each column of numbers is therefore judged
by itself. Its standardized values fall into eight bins, which normal values fall into equally often, and each bin b keeps its rows
n_b and the sum S_b of what its labels lie above the mean label, both over about the last 5,000 rows. Of a column that says nothing,

    χ² = Σ_b (S_b − n_b·S/n)² / (n_b·σ²)     has mean f and variance 2f,  with S = Σ S_b, n = Σ n_b and f = bins − 1

where σ² is the variance of the labels. A class counts as four labels, the binary digits of its number, whose sums are added up. With
a = (χ² − f)/√(2f), a column that has had 200 rows is relevant by

    r = min(max((a − 2)/5, 0), 1),  and m = Σ (1 − r) is about the number of columns of noise

Three of them do no harm. If there are more, a column's values are multiplied by a factor that moves a tenth of the way to

    1 − (1 − r)·max r·(1 − 3/m)

after every sixteenth row. Where no column is relevant by itself, as in a checkerboard, max r is 0 and nothing is shrunk. Cell tables
whose tests ask columns with a factor below ½ draw other tests, one table after the other, from columns by their factors.

References
----------
Pearson 1900 (χ²); Guyon & Elisseeff 2003 (filters of features).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

BINS, CODES, EVERY = 8, 4, 16
FIRST, REMEMBERED = 200, 5000
EDGES = (0.319, 0.674, 1.150)
"""Bounds between bins in deviations, above and below the mean."""


def bin_of(z: float) -> int:
    """Return the bin of a standardized value.

    Examples
    --------
    >>> [bin_of(z) for z in (-3.0, -0.1, 0.1, 0.5, 3.0)]
    [0, 3, 4, 5, 7]
    """
    beyond = sum(abs(z) > edge for edge in EDGES)
    return 4 + beyond if z > 0 else 3 - beyond


def codes_of(label: int) -> list[int]:
    """Return the four digits of a class.

    Examples
    --------
    >>> codes_of(5)
    [1, 0, 1, 0]
    """
    folded = label ^ label >> 4 ^ label >> 8
    return [folded >> q & 1 for q in range(CODES)]


def above_chance(rows: Array, sums: Array, variances: Array) -> float:
    """Return how far χ² lies above its mean by chance, in deviations.

    Parameters
    ----------
    rows : ndarray (bins,)
        Rows of each bin.
    sums : ndarray (bins, codes)
        Sums of what labels lie above their means.
    variances : ndarray (codes,)
        Variances of the labels.

    Examples
    --------
    >>> round(above_chance(np.full(8, 100.0), np.zeros((8, 1)), np.ones(1)), 3)
    -1.871
    >>> round(above_chance(np.full(8, 100.0), np.array([[-30.0]] * 4 + [[30.0]] * 4), np.ones(1)), 3)
    17.372
    """
    here, known = rows > 0, variances > 0
    n, own = rows[here, None], sums[here][:, known]
    freedom = (int(here.sum()) - 1) * int(known.sum())
    if freedom < 1:
        return 0.0
    apart = own - own.sum(0) * n / n.sum()
    chi = float((apart**2 / (n * variances[known])).sum())
    return (chi - freedom) / math.sqrt(2 * freedom)


def factors(above: Array, judged: NDArray[np.bool_]) -> Array:
    """Return what each column's factor moves to.

    Examples
    --------
    >>> factors(np.array([20.0] + [0.0] * 6), np.full(7, True))
    array([1. , 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    >>> factors(np.zeros(7), np.full(7, True))
    array([1., 1., 1., 1., 1., 1., 1.])
    """
    relevance = np.where(judged, np.clip((above - 2) / 5, 0, 1), 1.0)
    noise, best = (1 - relevance).sum(), relevance[judged].max(initial=0.0)
    shrunk = best * (1 - 3 / noise) if noise > 3 else 0.0
    return 1 - shrunk * (1 - relevance)


class Relevance:
    """Factors of columns, learned row by row.

    Parameters
    ----------
    columns : int
        Number of columns.
    codes : int
        1 for numbers and two classes, 4 for more classes.

    Examples
    --------
    >>> rng, relevance = np.random.default_rng(0), Relevance(11, 1)
    >>> for z in rng.normal(size=(2000, 11)):
    ...     relevance.learn(z, [float(z[0] > 0)])
    >>> relevance.factor.round(1)[:4]
    array([1. , 0.3, 0.3, 0.3])
    """

    def __init__(self, columns: int, codes: int) -> None:
        self.factor = np.ones(columns)
        self.rows = np.zeros((columns, BINS))
        self.sums = np.zeros((columns, BINS, codes))
        self.means, self.variances = np.zeros(codes), np.zeros(codes)
        self.learned = 0

    def learn(self, z: Array, codes: list[float]) -> None:
        """Count a row of standardized values, NaN where missing, with the codes of its label."""
        self.learned += 1
        rate = 1 / min(self.learned, REMEMBERED)
        apart = np.asarray(codes) - self.means
        self.means += rate * apart
        self.variances = (1 - rate) * (self.variances + rate * apart**2)
        for j, value in enumerate(z):
            if np.isnan(value):
                continue
            self.rows[j, bin_of(value)] += 1
            self.sums[j, bin_of(value)] += apart
        if self.learned % EVERY == 0:
            self._judge()

    def _judge(self) -> None:
        above = np.array([above_chance(*own, self.variances) for own in zip(self.rows, self.sums, strict=True)])
        self.factor += 0.1 * (factors(above, self.rows.sum(1) > FIRST) - self.factor)
        self.rows *= 1 - EVERY / REMEMBERED
        self.sums *= 1 - EVERY / REMEMBERED
