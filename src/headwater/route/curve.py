"""The curve of a score in service, of a bounded number of points, and the rows at which drift was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["MARKS", "POINTS", "WINDOW", "add_point", "detector", "mean"]

WINDOW = 1000
"""Rows of the window."""
POINTS = 400
MARKS = 50


def add_point(curve: list[list[float]], point: list[float], every: int) -> tuple[list[list[float]], int]:
    """Return the curve with one more point, and rows between two; a full curve loses every second point.

    Examples
    --------
    >>> add_point([[1, 0.5]], [2, 0.6], 1)
    ([[1, 0.5], [2, 0.6]], 1)
    """
    curve.append(point)
    if len(curve) > POINTS:
        every *= 2
        curve = [one for one in curve if one[0] % every == 0]
    return curve, every


def detector() -> Any:
    """Return a detector of a rise: Page–Hinkley's."""
    from river.drift import PageHinkley  # Page 1954; only a rise of the cost is drift

    return PageHinkley(mode="up")


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of some values; None of none."""
    return math.fsum(values) / len(values) if values else None
