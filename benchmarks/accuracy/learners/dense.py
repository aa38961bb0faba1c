"""Rows as dense standardised vectors, for libraries whose networks need them: what their users have to write themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.streams import Stream

MOST = 64  # columns for the names of one column; more names share them


class Dense:
    """Numbers standardised by running mean and variance, names one-hot, gaps 0."""

    def __init__(self, stream: Stream) -> None:
        """Lay out the vector."""
        d = stream.X.shape[1]
        self._X = stream.X
        self._numbers = [j for j in range(d) if j not in stream.levels]
        self._starts: list[tuple[int, int, int]] = []
        self.size = len(self._numbers)
        for j, names in stream.levels.items():
            width = min(len(names), MOST)
            self._starts.append((j, self.size, width))
            self.size += width
        self._n = np.zeros(len(self._numbers))
        self._mean, self._m2 = np.zeros(len(self._numbers)), np.zeros(len(self._numbers))

    def see(self, i: int) -> None:
        """Let the running mean and variance of each column see the row (Welford)."""
        x = self._X[i, self._numbers]
        there = np.isfinite(x)
        self._n += there
        delta = np.where(there, x - self._mean, 0.0)
        self._mean += delta / np.maximum(self._n, 1.0)
        self._m2 += np.where(there, delta * (x - self._mean), 0.0)

    def __call__(self, i: int) -> Any:
        """Return the vector of row i, float32 (size,)."""
        row = np.zeros(self.size, np.float32)
        x = self._X[i, self._numbers]
        deviation = np.sqrt(self._m2 / np.maximum(self._n, 1.0))
        row[: len(x)] = np.where(np.isfinite(x), x - self._mean, 0.0) / np.where(deviation > 0, deviation, 1.0)
        for j, start, width in self._starts:
            code = self._X[i, j]
            if code == code:  # NaN: a gap
                row[start + int(code) % width] = 1.0
        return row


class Target:
    """Answers of a regression, standardised by their running mean and variance."""

    def __init__(self) -> None:
        """Know no answer yet."""
        self._n, self._mean, self._m2 = 0, 0.0, 0.0

    def see(self, y: float) -> float:
        """Let mean and variance see an answer, and return it standardised."""
        self._n += 1
        delta = y - self._mean
        self._mean += delta / self._n
        self._m2 += delta * (y - self._mean)
        return (y - self._mean) / self._deviation()

    def back(self, value: float) -> float:
        """Return a prediction in the unit of the answers."""
        return self._mean + value * self._deviation()

    def _deviation(self) -> float:
        return (self._m2 / self._n) ** 0.5 or 1.0 if self._n else 1.0
