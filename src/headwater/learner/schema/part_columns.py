"""Labels of several fields, read from the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["PartColumns"]


class PartColumns:
    """Take the parts of a label out of rows, each from its column.

    Parameters
    ----------
    columns : mapping
        The column of each field.

    Examples
    --------
    >>> PartColumns({"count": "n", "exposure": "hours"}).pairs([{"site": "a", "n": 3, "hours": 0.5}])
    [({'site': 'a'}, {'count': 3, 'exposure': 0.5})]
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self.names: tuple[str, ...] = tuple(columns.values())

    def settings(self, rows: Any, *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        """Return no settings, since they don't depend on the rows."""
        return {}

    def pairs(self, rows: Sequence[dict[Any, Any]]) -> list[tuple[dict[Any, Any], dict[str, Any]]]:
        """Return rows without their labels, each with its own."""
        return [(row, {name: row.pop(column, None) for name, column in self._columns.items()}) for row in rows]

    def rest(self) -> list[tuple[dict[Any, Any], dict[str, Any]]]:
        """Return no pairs, since none are held back."""
        return []
