"""Bounded history of the windowed metric of a learner in service, with the rows of detected drift."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.types import Comparison, Metrics

__all__ = ["MARKS", "NOTE", "POINTS", "History", "ScoreNote", "mean", "score_note"]

NOTE = "score"
"""The entry of a learner's notes that says how it scored, for pages that are made of its file."""

POINTS = 400
MARKS = 50
NOTED = 120
"""Points of the curve in a file's notes."""


class History:
    """Store the points of a learning curve, and the rows where costs rose (Page–Hinkley test, Page 1954).

    Examples
    --------
    >>> history = History()
    >>> for n in range(1, 900):
    ...     if history.rises(0.1):
    ...         history.mark(n)
    ...     if n % history.every == 0:
    ...         history.add([n, 0.9])
    >>> history.every, len(history.points), history.drift
    (4, 224, [])
    """

    def __init__(self) -> None:
        self.every = 1
        """Rows between two points, doubled whenever the curve is full."""
        self.points: list[list[float]] = []
        self.drift: list[int] = []
        self.rises: Callable[[float], bool] = detector().update
        """Takes the cost of the next row's prediction, in [0, 1], and returns whether costs have risen."""

    def mark(self, n: int) -> None:
        """Note that costs have risen at row n."""
        self.drift = [*self.drift[1 - MARKS :], n]

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


class ScoreNote:
    """Collect the recent scores of a session, for the notes in the file that it keeps.

    Examples
    --------
    >>> note = ScoreNote()
    >>> note.points
    []
    """

    def __init__(self) -> None:
        self.points: list[list[float | None]] = []
        """Rows scored, then the recent score of the model and of each baseline."""

    def add(self, scored: int, comparisons: Sequence[Comparison]) -> None:
        """Add the recent scores after so many scored rows, dropping every second point when there are too many."""
        if not scored or not comparisons or (self.points and self.points[-1][0] == scored):
            return
        recent = comparisons[0].recent
        self.points.append([scored, *map(_rounded, (recent.model, *recent.guesses.values()))])
        if len(self.points) > POINTS:
            self.points = self.points[1::2]

    def of(self, record: Metrics, learned: int) -> dict[str, Any]:
        """Return the note after a learner has learned so many rows."""
        names = ["model", *record.comparisons[0].recent.guesses] if record.comparisons else []
        points = [point for point in self.points if len(point) == len(names) + 1]  # the first may lack a baseline
        return score_note(learned, record.comparisons, names, points)


def score_note(
    learned: int, comparisons: Sequence[Comparison], names: Sequence[str], points: Sequence[Sequence[float | None]]
) -> dict[str, Any]:
    """Return how a learner scored as values for JSON: what the verdict compares, and the curve of its first comparison."""
    every = -(-len(points) // NOTED) or 1
    curve = [list(point) for point in points[::-1][::every]][::-1]
    return {
        "learned": learned,
        "comparisons": [one.as_dict() for one in comparisons],
        "curve": {"names": list(names), "points": curve},
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def detector() -> Any:
    """Return a Page–Hinkley detector of increases."""
    from headwater.route.drift.page_hinkley import PageHinkley  # imported here because only stores need it

    return PageHinkley(rise_only=True)  # a fall of the cost is learning


def mean(values: Sequence[float]) -> float:
    """Return the mean of values, or NaN if empty."""
    return math.fsum(values) / len(values) if values else math.nan
