"""The KSWIN detector, a Kolmogorov–Smirnov test of the newest values against a sample of older ones."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import deque
from math import comb

__all__ = ["Kswin"]

WINDOW = 100
NEWEST = 30
ALPHA = 1e-4  # River's 0.005, tested at every value, gives a false alarm every 500 values
LEAST = 0.1  # minimum distance of a change, whatever its significance


class Kswin:
    """Detect that the distribution of a stream of numbers has changed.

    At each value the newest 30 of the last 100 are compared with 30 drawn from the others. A change is a distance D with a p-value
    of at most 10⁻⁴.

    Parameters
    ----------
    seed
        Seed of the draws.

    Examples
    --------
    >>> window = Kswin()
    >>> found = []
    >>> for t in range(400):
    ...     window.update(t % 7 + 5 * (t >= 200))
    ...     if window.drift_detected:
    ...         found.append(t)
    >>> found[0] in range(200, 230)
    True

    References
    ----------
    Raab, Heusinger & Schleif 2020; the exact distribution of D: Gnedenko & Korolyuk 1951. Results are those of ``river.drift.KSWIN``.
    """

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._seed = seed
        self._values: deque[float] = deque(maxlen=WINDOW)
        self.drift_detected = False

    def update(self, value: float) -> None:
        """Feed a value and set ``drift_detected``."""
        if self.drift_detected:
            self._rng = random.Random(self._seed)
            self._values.clear()
        self.drift_detected = False
        self._values.append(value)
        if len(self._values) < WINDOW:
            return
        values = list(self._values)
        older = sorted(values[i] for i in self._rng.sample(range(WINDOW - NEWEST), NEWEST))
        steps = distance(older, sorted(values[-NEWEST:]))
        self.drift_detected = steps > LEAST * NEWEST and p_value(steps, NEWEST) <= ALPHA


def distance(a: list[float], b: list[float]) -> int:
    """Return the largest difference of the cumulative counts of two sorted samples.

    >>> distance([1, 2, 3], [1, 5, 6])
    2
    """
    return max(abs(bisect_right(a, value) - bisect_right(b, value)) for value in (*a, *b))


def p_value(steps: int, n: int) -> float:
    """Return the probability that two samples of n from one distribution are at least ``steps`` counts apart.

    >>> round(p_value(16, 30), 6)
    0.000293
    """
    if steps <= 0:
        return 1.0
    terms = (comb(2 * n, n - j * steps) * (1 if j % 2 else -1) for j in range(1, n // steps + 1))
    return min(2 * sum(terms) / comb(2 * n, n), 1.0)
