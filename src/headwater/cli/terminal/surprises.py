"""The most surprising rows of ``headwater learn --anomalies``, and the columns that made them surprising."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table

from headwater.types import Event, ScoredRows, as_mapping

__all__ = ["Surprises"]

_SHOWN = 10
_PARTS = 3  # maximum columns named per row
_LEAST = 0.99  # rows with a lower score are not listed


class _Surprise(NamedTuple):
    """One surprising row. Of two with the same score the earlier one comes first."""

    score: float
    before: int  # minus its number
    x: Mapping[Any, Any]
    parts: dict[Any, float]


class Surprises:
    """Collect the rows with the highest scores, and the columns that raised them.

    Examples
    --------
    >>> class Detector:
    ...     def explain_one(self, x):
    ...         return {"a": 9.0, "b": 0.5}
    >>> surprises = Surprises()
    >>> _ = surprises.see(ScoredRows(1, [{"a": 1, "b": 2}], [None], [0.9999], [0.0], "anomaly"), Detector())
    >>> surprises.as_dicts()
    [{'row': 1, 'score': 0.9999, 'parts': {'a': 9.0, 'b': 0.5}}]
    """

    due: int | None = None

    def __init__(self) -> None:
        self._highest: list[_Surprise] = []

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Update with some rows."""
        for i, score in enumerate(rows.y_pred):
            before = -(rows.first + i)
            full = len(self._highest) == _SHOWN
            if score < _LEAST or (full and (score, before) <= self._highest[0][:2]):
                continue
            x = dict(as_mapping(rows.X[i]))
            why = learner.explain_one(x)
            parts = why if isinstance(why, Mapping) else why.contributions
            largest = sorted(parts.items(), key=lambda part: -abs(part[1]))[:_PARTS]
            push = heapq.heappushpop if full else heapq.heappush
            push(self._highest, _Surprise(float(score), before, x, dict(largest)))
        return ()

    def as_dicts(self) -> list[dict[str, Any]]:
        """Return the number, score and parts of each row, highest score first."""
        return [
            {"row": -one.before, "score": one.score, "parts": {str(name): part for name, part in one.parts.items()}}
            for one in sorted(self._highest, reverse=True)
        ]

    def table(self) -> Table:
        """Return the rows as a table for rich."""
        table = Table(box=None, pad_edge=False, header_style="bold", title="Most surprising rows", title_justify="left")
        table.add_column("row", justify="right")
        table.add_column("score", justify="right")
        table.add_column("columns that contributed most, with their values")
        for one in sorted(self._highest, reverse=True):
            named = ", ".join(f"{name} = {one.x.get(name)} ({part:.3g})" for name, part in one.parts.items())
            table.add_row(f"{-one.before:,}", f"{one.score:.5f}", named)
        return table
