"""Rolling aggregates: what happened before a row, by key.

A row of key k at time t with window w sees the rows e of k with::

    t − w ≤ e.time ≤ t,   e learned before, and the row itself

count = Σ 1, sum = Σ x, mean = sum/count and distinct = |{x}| over the values that are not missing. since is t minus the time of the
key's last row within the longest window, or of its last row with the same name. These are the rows of SQL's ``RANGE BETWEEN w
PRECEDING AND CURRENT ROW``, so a row that comes late changes exactly the windows that its time lies in.

References
----------
ISO/IEC 9075-2 (window functions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PlainRolling"]


@dataclass(slots=True)
class PlainRolling:
    """Rows by key, of which none is ever dropped.

    Parameters
    ----------
    over : sequence of float
        Lengths of the windows in seconds.

    Examples
    --------
    >>> rows = PlainRolling(over=(3600, 7200))
    >>> rows.learn("a", 0, {"amount": 5.0})
    >>> rows.learn("a", 6000, {"amount": 1.0})
    >>> rows.total("a", 7200, "amount", 7.0), rows.since("a", 7200)
    ([8.0, 13.0], 1200)
    """

    over: Sequence[float]
    rows: dict[Any, list[tuple[float, Mapping[str, Any]]]] = field(default_factory=dict)

    def learn(self, key: Any, time: float, x: Mapping[str, Any]) -> None:
        """Add a row, whenever it comes."""
        self.rows.setdefault(key, []).append((time, x))

    def seen(self, key: Any, time: float, window: float) -> list[tuple[float, Mapping[str, Any]]]:
        """Return the earlier rows of a window that ends at a time."""
        return [row for row in self.rows.get(key, ()) if time - window <= row[0] <= time]

    def values(self, key: Any, time: float, column: str, own: Any) -> list[list[Any]]:
        """Return the values of a column by window, with the row's own, without missing ones."""
        seen = [[own, *(x.get(column) for _, x in self.seen(key, time, window))] for window in self.over]
        return [[value for value in values if value is not None] for values in seen]

    def count(self, key: Any, time: float) -> list[int]:
        """Return the number of rows by window."""
        return [1 + len(self.seen(key, time, window)) for window in self.over]

    def total(self, key: Any, time: float, column: str, own: float | None) -> list[float | None]:
        """Return the sum of a column by window, None where all values are missing."""
        return [sum(values) if values else None for values in self.values(key, time, column, own)]

    def mean(self, key: Any, time: float, column: str, own: float | None) -> list[float | None]:
        """Return the mean of a column by window, None where all values are missing."""
        return [sum(values) / len(values) if values else None for values in self.values(key, time, column, own)]

    def distinct(self, key: Any, time: float, column: str, own: Any) -> list[int]:
        """Return the number of different names of a column by window."""
        return [len(set(values)) for values in self.values(key, time, column, own)]

    def since(self, key: Any, time: float, column: str | None = None, own: Any = None) -> float | None:
        """Return the time since the key's last row, or since its last one with the row's own name of a column."""
        seen = self.seen(key, time, max(self.over))
        times = [at for at, x in seen if column is None or (own is not None and x.get(column) == own)]
        return time - max(times) if times else None
