"""Read transitions from the columns of a log, where the next row holds the next state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["TransitionColumns"]

_ENDS = ("terminated", "truncated")


class TransitionColumns:
    """Take the action, its reward and the end of an episode out of rows, which stand in the order of time.

    Parameters
    ----------
    columns : mapping
        The column of each: "action", "reward", and perhaps "terminated" and "truncated".

    Examples
    --------
    >>> table = TransitionColumns({"action": "a", "reward": "r"})
    >>> table.pairs([{"x": 1, "a": 0.0, "r": 0.5}, {"x": 2, "a": 1.0, "r": 0.0}])
    [({'x': 1}, {'action': 0, 'reward': 0.5, 'next': {'x': 2}, 'terminated': False, 'truncated': False})]

    The last row is held back until the next one comes; at the end of the file the episode counts as cut off there:

    >>> table.rest()
    []
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self.names: tuple[str, ...] = tuple(columns.values())
        self._held: tuple[dict[Any, Any], dict[str, Any]] | None = None

    def settings(self, rows: Sequence[Mapping[Any, Any]], *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        """Return a new learner's settings, with the actions found in the first rows."""
        if known is not None:
            return {}
        found = {_plain(row.get(self._columns["action"])) for row in rows} - {None}
        whole = all(type(one) is int for one in found)
        if whole and found and min(found) >= 0:
            return {"actions": max(found) + 1}
        return {"actions": tuple(sorted(map(str, found)))} if found else {}

    def pairs(self, rows: Sequence[dict[Any, Any]]) -> list[tuple[dict[Any, Any], dict[str, Any]]]:
        """Return states with their transitions, and hold back the last one."""
        found = []
        for row in rows:
            transition = self._taken(row)
            if self._held is not None:
                found.append(self._followed_by(row))
            self._held = (row, transition)
        return found

    def rest(self) -> list[tuple[dict[Any, Any], dict[str, Any]]]:
        """Return the held-back transition if its episode has ended, since only then its outcome is known."""
        held, self._held = self._held, None
        return [held] if held is not None and held[1]["terminated"] else []

    def _followed_by(self, row: dict[Any, Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
        state, transition = self._held or ({}, {})
        # The row behind a cut is another episode's: the best that is known of what followed is the state itself.
        following = None if transition["terminated"] else state if transition["truncated"] else row
        return state, transition | {"next": following}

    def _taken(self, row: dict[Any, Any]) -> dict[str, Any]:
        part = {name: row.pop(column, None) for name, column in self._columns.items()}
        ends = {name: part.get(name) in (True, 1, "true", "True", "yes") for name in _ENDS}
        return {"action": _plain(part["action"]), "reward": part["reward"], "next": None, **ends}


def _plain(action: Any) -> Any:
    """Convert a whole float to an int, since a file holds 1.0 for the action 1."""
    return int(action) if isinstance(action, float) and action.is_integer() else action
