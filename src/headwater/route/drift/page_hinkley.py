"""The Page–Hinkley test, a cumulative sum of deviations from the running mean."""

from __future__ import annotations

import math

__all__ = ["PageHinkley"]

WARM_UP = 30  # values before the first alarm
TOLERANCE = 0.005  # deviations below it are ignored
THRESHOLD = 50.0
FORGETTING = 1 - 0.0001


class PageHinkley:
    """Detect that the mean of a stream of numbers has changed.

    With the running mean m, S ← 0.9999·S + (x − m) − 0.005. A rise is detected when S exceeds its minimum by more than 50 (a fall
    likewise). The test restarts after a detection.

    Parameters
    ----------
    rise_only
        Whether to ignore falls of the mean.

    Examples
    --------
    >>> test = PageHinkley()
    >>> found = []
    >>> for t in range(400):
    ...     if test.update(float(t >= 200)):
    ...         found.append(t)
    >>> found
    [257]

    References
    ----------
    Page 1954. Constants and results are those of ``river.drift.PageHinkley``.
    """

    def __init__(self, *, rise_only: bool = False) -> None:
        self.rise_only = rise_only
        self._begin()

    def _begin(self) -> None:
        self.drift_detected = False
        self._n, self._mean = 0, 0.0
        self._rise = self._fall = 0.0
        self._lowest, self._highest = math.inf, -math.inf

    def update(self, value: float) -> bool:
        """Feed a value, set ``drift_detected`` and return it."""
        if self.drift_detected:
            self._begin()
        n = self._n = self._n + 1
        mean = self._mean = self._mean + (value - self._mean) / n
        deviation = value - mean
        rise = self._rise = FORGETTING * self._rise + deviation - TOLERANCE
        fall = self._fall = FORGETTING * self._fall + deviation + TOLERANCE
        # Comparisons, since min and max are calls, and stores feed each row that they learn or replay.
        if rise < self._lowest:
            self._lowest = rise
        if fall > self._highest:
            self._highest = fall
        if n >= WARM_UP:
            fell = not self.rise_only and self._highest - self._fall > THRESHOLD
            self.drift_detected = fell or self._rise - self._lowest > THRESHOLD
        return self.drift_detected
