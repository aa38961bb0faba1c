"""The baseline: the mean of the squares of all numbers, each in units of its running deviation, within ±10."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

PACKAGES = ("numpy",)


def make(name: str, d: int, seed: int) -> Callable[[Any], float]:
    """Return a function that scores a row and then learns it."""
    del name, seed
    mean, squares, n = np.zeros(d), np.zeros(d), 0

    def step(row: Any) -> float:
        nonlocal n
        n += 1
        before = row - mean
        mean[:] += before / n
        squares[:] += before * (row - mean)
        deviation = np.sqrt(squares / n)
        z = np.divide(row - mean, deviation, out=np.zeros(d), where=deviation > 1e-12)
        return float((np.clip(z, -10, 10) ** 2).mean())

    return step
