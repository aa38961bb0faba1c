"""The curve of a score in service, of a bounded number of points, and the rows at which drift was found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["MARKS", "POINTS", "History", "mean"]

POINTS = 400
MARKS = 50


class History:
    """Keep the points of a curve, and the rows at which predictions became dearer (Page–Hinkley's test, Page 1954).

    Examples
    --------
    >>> history = History()
    >>> for n in range(1, 900):
    ...     history.see(0.1, n)
    ...     if history.due(n):
    ...         history.add([n, 0.9])
    >>> history.every, len(history.points), history.drift
    (4, 224, [])
    """

    def __init__(self) -> None:
        self.every = 1
        """Rows between two points; it doubles when the curve is full."""
        self.points: list[list[float]] = []
        self.drift: list[int] = []
        self._detector = detector()

    def see(self, cost: float, n: int) -> None:
        """Show the detector what the prediction of row n cost, between 0 and 1."""
        self._detector.update(cost)
        if self._detector.drift_detected:
            self.drift = [*self.drift[1 - MARKS :], n]

    def due(self, n: int) -> bool:
        """Say whether a point is due after so many rows."""
        return n % self.every == 0

    def add(self, point: Sequence[float]) -> None:
        """Add a point, its first number the row; a full curve loses every second one."""
        self.points.append([point[0], *(0.0 if value != value else round(value, 6) for value in point[1:])])
        if len(self.points) > POINTS:
            self.every *= 2
            self.points = [one for one in self.points if one[0] % self.every == 0]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as lists and numbers."""
        return {"every": self.every, "points": self.points, "drift": self.drift}

    def go_on(self, saved: Mapping[str, Any]) -> None:
        """Go on from what ``as_dict`` gave, or version 0.2 saved."""
        self.every = saved["every"]
        self.points = saved["points"] if "points" in saved else saved["curve"]
        self.drift = saved["drift"] if "drift" in saved else saved.get("marks", [])


def detector() -> Any:
    """Return a detector of a rise: Page–Hinkley's."""
    from headwater.route.drift.page_hinkley import PageHinkley  # a session without a store has no curve

    return PageHinkley(rise_only=True)  # a fall of the cost is learning


def mean(values: Sequence[float]) -> float:
    """Return the mean of some values; NaN of none."""
    return math.fsum(values) / len(values) if values else math.nan
