"""The outputs of a row, read from the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.streams.target import decide_target

__all__ = ["OutputColumns"]


class OutputColumns:
    """Take the labels of several outputs out of rows.

    Parameters
    ----------
    columns : mapping
        ``{"y": names of the columns}``.

    Examples
    --------
    >>> OutputColumns({"y": ["b"]}).pairs([{"a": 1, "b": 2}])
    [({'a': 1}, {'b': 2})]
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.names: tuple[str, ...] = tuple(columns["y"])

    def settings(self, rows: Sequence[Mapping[Any, Any]], *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        """Return a new learner's settings, with each output's task from the first rows."""
        if known is not None:
            return {}
        asked = task if task in ("classify", "regress") else "auto"
        labels = {name: [row.get(name) for row in rows] for name in self.names}
        return {"outputs": {name: decide_target(y, task=asked, name=name, at=at).task for name, y in labels.items()}}

    def pairs(self, rows: Sequence[dict[Any, Any]]) -> list[tuple[dict[Any, Any], dict[Any, Any]]]:
        """Return rows without their labels, each with these."""
        return [(row, {name: row.pop(name, None) for name in self.names}) for row in rows]

    def rest(self) -> list[tuple[dict[Any, Any], dict[Any, Any]]]:
        """Return no pairs, since none are held back."""
        return []
