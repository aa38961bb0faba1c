"""Bounded history of the windowed metric of a learner in service, with the rows of detected drift."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["MARKS", "POINTS", "History", "mean"]

POINTS = 400
MARKS = 50


class History:
    """Store the points of a learning curve, and the rows where costs rose (Page–Hinkley test, Page 1954).

    Examples
    --------
    >>> history = History()
    >>> for n in range(1, 900):
    ...     if history.see(0.1, n):
    ...         history.add([n, 0.9])
    >>> history.every, len(history.points), history.drift
    (4, 224, [])
    """

    def __init__(self) -> None:
        self.every = 1
        """Rows between two points, doubled whenever the curve is full."""
        self.points: list[list[float]] = []
        self.drift: list[int] = []
        self._detector = detector()

    def see(self, cost: float, n: int) -> bool:
        """Feed the cost of row n's prediction, in [0, 1], to the drift detector, and return whether a point is due."""
        self._detector.update(cost)
        if self._detector.drift_detected:
            self.drift = [*self.drift[1 - MARKS :], n]
        return n % self.every == 0

    def due(self, n: int) -> bool:
        """Return whether a point is due after row n."""
        return n % self.every == 0

    def add(self, point: Sequence[float]) -> None:
        """Add a point that starts with the row number, dropping every second point when full."""
        own = [point[0]]
        for value in point[1:]:
            own.append(0.0 if value != value else round(value, 6))
        self.points.append(own)
        if len(self.points) > POINTS:
            self.every *= 2
            self.points = [one for one in self.points if one[0] % self.every == 0]

    def as_dict(self) -> dict[str, Any]:
        """Return the state as lists and numbers."""
        return {"every": self.every, "points": self.points, "drift": self.drift}

    def go_on(self, saved: Mapping[str, Any]) -> None:
        """Restore the state from ``as_dict`` or from version 0.2."""
        self.every = saved["every"]
        self.points = saved["points"] if "points" in saved else saved["curve"]
        self.drift = saved["drift"] if "drift" in saved else saved.get("marks", [])


def detector() -> Any:
    """Return a Page–Hinkley detector of increases."""
    from headwater.route.drift.page_hinkley import PageHinkley  # imported here because only stores need it

    return PageHinkley(rise_only=True)  # a fall of the cost is learning


def mean(values: Sequence[float]) -> float:
    """Return the mean of values, or NaN if empty."""
    return math.fsum(values) / len(values) if values else math.nan
