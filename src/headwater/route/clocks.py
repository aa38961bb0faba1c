"""Columns that only tell when a row came: clocks, counters, and what follows them.

They differ between any two times, so they explain no drift.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from headwater.types import as_mapping

__all__ = ["ClockColumns"]

_EVERY = 8  # of so many pairs of neighbouring rows one is compared
_CHANGES = 20  # changes before a column is judged
_ENOUGH = 100  # changes after which a column is compared no more
_ONE_WAY = 0.9  # share of the changes that go the same way
_FOLLOWS = 0.6  # |correlation| with a clock from which a column follows it
_PART = re.compile(
    r"year|quarter|month|week|weekday|day|dayofweek|dow|hour|minute|second|date|datetime|timestamp", re.IGNORECASE
)


class ClockColumns:
    """Find the columns that tell the time, from the rows in their order.

    A column is a clock or a counter if nine of ten of its changes go the same way, or if its name is a part of a date
    such as ``month`` or ``start_hour``: a month may change only once.

    Examples
    --------
    >>> clocks = ClockColumns()
    >>> rows = [{"id": i, "month": 1, "size": i % 3} for i in range(400)]
    >>> for before, row in zip(rows, rows[1:]):
    ...     clocks.update(before, row)
    >>> sorted(clocks.among(rows))
    ['id', 'month']
    """

    def __init__(self) -> None:
        self._n = 0
        self._moves: dict[Any, list[int]] = {}  # by column: changes upwards, changes downwards
        self._settled: set[Any] = set()

    def update(self, before: Any, row: Any) -> None:
        """Compare a row with the one before it; both are mappings, or arrays of shape (features,)."""
        self._n += 1
        if self._n % _EVERY:
            return
        old, new = as_mapping(before), as_mapping(row)
        for name in new.keys() - self._settled:
            value, earlier = new[name], old.get(name)
            if not (isinstance(value, Real) and isinstance(earlier, Real)):
                continue
            up, down = value > earlier, value < earlier
            if not (up or down):  # the same, or a value is missing
                continue
            moves = self._moves.setdefault(name, [0, 0])
            moves[down] += 1
            if sum(moves) == _ENOUGH:
                self._settled.add(name)

    def among(self, X: Sequence[Any]) -> set[Any]:
        """Return the clocks, the counters, and the numbers of these rows that follow one of them."""
        rows = [as_mapping(x) for x in X]
        names = {name for row in rows for name in row}
        clocks = {name for name in names if self._goes_one_way(name) or _names_a_part_of_a_date(name)}
        return clocks | _followers(rows, names - clocks, clocks)

    def _goes_one_way(self, name: Any) -> bool:
        moves = self._moves.get(name, (0, 0))
        return sum(moves) >= _CHANGES and max(moves) >= _ONE_WAY * sum(moves)


def _names_a_part_of_a_date(name: Any) -> bool:
    return isinstance(name, str) and any(_PART.fullmatch(part) for part in re.split(r"[\W_]+", name))


def _followers(rows: Sequence[Mapping[Any, Any]], names: set[Any], clocks: set[Any]) -> set[Any]:
    """Return the names whose numbers are correlated with those of a clock."""
    times = [column for clock in clocks if (column := _column(rows, clock)) is not None]
    found = set()
    for name in names:
        column = _column(rows, name)
        if column is not None and any(abs(np.corrcoef(column, time)[0, 1]) >= _FOLLOWS for time in times):
            found.add(name)
    return found


def _column(rows: Sequence[Mapping[Any, Any]], name: Any) -> Any:
    """Return a column of numbers, or None where a value is missing, is no number, or all are the same."""
    values = [row.get(name) for row in rows]
    if not all(isinstance(value, Real) and math.isfinite(value) for value in values):
        return None
    column = np.array(values, np.float64)
    return column if len(column) > 1 and np.ptp(column) > 0 else None
