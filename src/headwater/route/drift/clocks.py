"""Find columns that only encode time (clocks, counters and columns correlated with them).

They differ between any two periods, so they can't explain drift.
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

_EVERY = 8  # compare one in this many pairs of consecutive rows
_CHANGES = 20  # minimum changes of a clock
_ENOUGH = 100  # changes after which a column is no longer compared
_ONE_WAY = 0.9  # share of changes in the same direction
_FOLLOWS = 0.6  # minimum |correlation| of a column that follows a clock
_PART = re.compile(
    r"year|quarter|month|week|weekday|day|dayofweek|dow|hour|minute|second|date|datetime|timestamp", re.IGNORECASE
)


class ClockColumns:
    """Find the columns that encode time, from consecutive rows.

    A column is a clock or a counter if nine of ten of its changes have the same direction, or if its name contains a part of a
    date, such as ``month`` or ``start_hour``. The name counts because a month may change only once in the data.

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
        self._moves: dict[Any, list[int]] = {}  # by column, the number of increases and of decreases
        self._settled: set[Any] = set()

    def update(self, before: Any, row: Any) -> None:
        """Compare a row with the previous one, both as mappings or arrays of shape (features,)."""
        self._n += 1
        if self._n % _EVERY:
            return
        old, new = as_mapping(before), as_mapping(row)
        for name in new.keys() - self._settled:
            value, earlier = new[name], old.get(name)
            if not (isinstance(value, Real) and isinstance(earlier, Real)):
                continue
            up, down = value > earlier, value < earlier
            if not (up or down):  # equal, or a value is missing
                continue
            moves = self._moves.setdefault(name, [0, 0])
            moves[down] += 1
            if sum(moves) == _ENOUGH:
                self._settled.add(name)

    def among(self, X: Sequence[Any]) -> set[Any]:
        """Return the clocks and counters among these rows' columns, and the columns that follow one."""
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
    """Return the names whose numbers correlate with those of a clock."""
    times = [column for clock in clocks if (column := _column(rows, clock)) is not None]
    found = set()
    for name in names:
        column = _column(rows, name)
        if column is not None and any(abs(np.corrcoef(column, time)[0, 1]) >= _FOLLOWS for time in times):
            found.add(name)
    return found


def _column(rows: Sequence[Mapping[Any, Any]], name: Any) -> Any:
    """Return a column of numbers, or None if it has missing or non-numeric values or is constant."""
    values = [row.get(name) for row in rows]
    if not all(isinstance(value, Real) and math.isfinite(value) for value in values):
        return None
    column = np.array(values, np.float64)
    return column if len(column) > 1 and np.ptp(column) > 0 else None
