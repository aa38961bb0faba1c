"""The ADWIN detector, an adaptive window that is cut where the means of its two parts differ."""

from __future__ import annotations

import math

__all__ = ["Adwin"]

DELTA = 0.002  # false alarm probability per window
EVERY = 32  # values between two checks for a cut
BUCKETS = 5  # maximum buckets of one size, beyond which the two oldest merge
SHORTEST = 5  # minimum values of a part
WARM_UP = 10  # values before the first check

Bucket = tuple[float, float]
"""Sum of consecutive values, and their squared deviations from their mean."""


class Adwin:
    """Detect that the mean of a stream of numbers in [0, 1] has changed.

    The window keeps buckets of 1, 2, 4, … values: about 5·log₂(n) sums for n values. Two parts of n₀ and n₁ values whose means
    differ by more than √(2σ²·d/m) + 2d/(3m) are a change, with 1/m = 1/(n₀ − 4) + 1/(n₁ − 4) and d = ln(2·ln(n)/0.002);
    the older values are dropped until no two parts do.

    Examples
    --------
    >>> window = Adwin()
    >>> found = []
    >>> for t in range(1000):
    ...     window.update((t % 2) * 0.2 + 0.7 * (t >= 500))
    ...     if window.drift_detected:
    ...         found.append(t)
    >>> found
    [543]

    References
    ----------
    Bifet & Gavaldà 2007. Constants and results are those of ``river.drift.ADWIN``.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.drift_detected = False
        self._ticks = self._width = 0
        self._total = self._squares = 0.0
        self._rows: list[list[Bucket]] = [[]]  # row i holds buckets of 2^i values, the oldest first

    def update(self, value: float) -> None:
        """Feed a value and set ``drift_detected``."""
        if self.drift_detected:
            self._begin()
        self._width += 1
        if self._width > 1:
            others = self._width - 1
            self._squares += others * (value - self._total / others) ** 2 / self._width
        self._total += value
        self._rows[0].append((value, 0.0))
        self._merge()
        self._ticks += 1
        if self._ticks % EVERY == 0 and self._width > WARM_UP:
            while self._cut():
                self.drift_detected = True
                self._drop()

    def _merge(self) -> None:
        """Merge the two oldest buckets of each size with too many."""
        size = 1
        for i, row in enumerate(self._rows):
            if len(row) <= BUCKETS:
                return
            if i + 1 == len(self._rows):
                self._rows.append([])
            (first, spread), (second, other) = row[:2]
            del row[:2]
            apart = size * size * (first / size - second / size) ** 2 / (size + size)
            self._rows[i + 1].append((first + second, spread + other + apart))
            size *= 2

    def _cut(self) -> bool:
        """Return whether the window has two parts with different means."""
        width, old, sum_old, sum_new = self._width, 0, 0.0, self._total
        d = math.log(2 * math.log(width) / DELTA)
        variance = self._squares / width
        for i in reversed(range(len(self._rows))):
            for total, _ in self._rows[i]:
                old += 1 << i
                sum_old += total
                sum_new -= total
                new = width - old
                if new < SHORTEST:
                    return False
                if old < SHORTEST:
                    continue
                share = 1 / (old - SHORTEST + 1) + 1 / (new - SHORTEST + 1)
                bound = math.sqrt(2 * share * variance * d) + 2 / 3 * d * share
                if abs(sum_old / old - sum_new / new) > bound:
                    return True
        return False

    def _drop(self) -> None:
        """Drop the oldest bucket."""
        size = 1 << (len(self._rows) - 1)
        total, spread = self._rows[-1].pop(0)
        self._width -= size
        self._total -= total
        apart = size * self._width * (total / size - self._total / self._width) ** 2 / (size + self._width)
        self._squares -= spread + apart
        if not self._rows[-1]:
            self._rows.pop()
