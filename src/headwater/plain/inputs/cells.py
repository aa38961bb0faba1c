"""Tile coding by random partitions, each with a row of weights per cell.

A table asks a sample a few tests, value > threshold. The results, read as the bits of a number, select a cell, and the cell
has a row of weights C[t, cell]. An expert adds to its first layer

    √(20/T) · Σₜ C[t, cellₜ(x)]        over T tables

This lets a linear expert learn what happens in one corner of the input space. Tests are sampled from the stream: rows offer
values, of which a reservoir keeps a uniform sample. After 4, 8, 16, … learned rows each table takes one of them as its next
test. Each cell then splits into two with equal weights, so no prediction changes.

References
----------
Albus 1975 (CMAC: tile coding); Özuysal, Calonder, Lepetit & Fua 2010 (random ferns: tests read as bits); Rahimi & Recht 2007
(random binning); Vitter 1985, algorithm R.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from headwater.plain.network.random import Draws

FIRST_ROWS = 4
"""Learned rows before the first test of each table. The number doubles for every further test."""
OFFERED = 8
"""Maximum number of nonzero values that a row offers."""
TOWARDS_MEAN = 0.25
"""Shift of a threshold from the sampled value towards its column's mean (for a category from 1 towards 0). Both sides of the
test then contain data, even in a column with only two values."""


class CellTables:
    """Tests of some tables. A code is a number's feature index (≥ 0) or −row − 1 for a category, whose value is 1.

    Parameters
    ----------
    tables, tests : int
        Number of tables, and maximum tests per table.
    draws : Draws
        Source of random numbers.

    Examples
    --------
    >>> cells = CellTables(4, 2, Draws(key=7))
    >>> for i in range(8):
    ...     cells.learn([(0, float(i % 3)), (1, -float(i % 2))], learned=i + 1, means={0: 1.0, 1: -0.5})
    >>> len(cells.tests), cells.find({0: 2.0, 1: 0.0}).tolist()
    (2, [3, 3, 3, 3])
    """

    def __init__(self, tables: int, tests: int, draws: Draws) -> None:
        self.tables, self.most = tables, tests
        self.draws = draws
        self.tests: list[list[tuple[int, float]]] = []  # per test, code and threshold of each table
        self.candidates: list[tuple[int, float]] = []
        self.offered = 0

    def find(self, values: Mapping[int, float]) -> NDArray[np.int64]:
        """Return the cell of each table (tables,) for a sample's values by code. Tests of missing values fail.

        Outliers are replaced by their column's mean, as in ``plain.input``.
        """
        cells = np.zeros(self.tables, np.int64)
        for bit, tests in enumerate(self.tests):
            cells |= np.array([values.get(code, -np.inf) > threshold for code, threshold in tests], np.int64) << bit
        return cells

    def learn(self, entries: list[tuple[int, float]], learned: int, means: Mapping[int, float]) -> None:
        """Offer values of the row just learned, the ``learned``-th, and add a test to each table when it is time."""
        if len(self.tests) == self.most:
            return
        entries = [(code, x) for code, x in entries if x != 0]  # so that a new column of zeros changes nothing
        room = (self.most - len(self.tests)) * self.tables
        for _ in range(min(len(entries), OFFERED)):
            entry = entries[int(self.draws.uniform(1)[0] * len(entries))]
            self.offered += 1
            if len(self.candidates) < room:
                self.candidates.append(entry)
            else:
                place = int(self.draws.uniform(1)[0] * self.offered)
                if place < room:
                    self.candidates[place] = entry
        if learned >= FIRST_ROWS << len(self.tests) and len(self.candidates) >= self.tables:
            taken, self.candidates = self.candidates[: self.tables], self.candidates[self.tables :]
            self.tests.append([(code, x + TOWARDS_MEAN * (means.get(code, 0.0) - x)) for code, x in taken])


def split_cells(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights (T, 2c, m) after one more test, from weights (T, c, m). Both halves of a cell start equal.

    Examples
    --------
    >>> split_cells(np.array([[[1.0], [2.0]]])).ravel().tolist()
    [1.0, 2.0, 1.0, 2.0]
    """
    return np.concatenate([weights, weights], axis=1)


def added(weights: NDArray[np.float64], cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the sum (m,) that weights (T, c, m) add to the first layer for a sample in the given cells (T,).

    Examples
    --------
    >>> added(np.ones((20, 2, 3)), np.zeros(20, np.int64)).tolist()
    [20.0, 20.0, 20.0]
    """
    tables = len(weights)
    return np.asarray(np.sqrt(20 / tables) * weights[np.arange(tables), cells].sum(0))
