"""Decisions of a log, read from the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .decision import Decision, as_decision

__all__ = ["DecisionColumns", "fault"]


class DecisionColumns:
    """Take the action, its reward and its probability out of rows. A subclass may call what is chosen and what came of it otherwise.

    Parameters
    ----------
    columns : mapping
        The column of each: "action", "reward" and perhaps "p". Without p each of the actions among the first rows counts as
        equally probable.

    Examples
    --------
    >>> table = DecisionColumns({"action": "shown", "reward": "clicked"})
    >>> rows = [{"hour": 8, "shown": "news", "clicked": 1.0}, {"hour": 9, "shown": "music", "clicked": 0.0}]
    >>> table.settings(rows, task="bandit", at="log.csv"), table.pairs(rows)[0]
    ({}, ({'hour': 8}, Decision(action='news', reward=1.0, p=0.5, actions=None)))
    """

    parts: ClassVar[tuple[str, str]] = ("action", "reward")

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self.names: tuple[str, ...] = tuple(columns.values())
        self._even = 1.0

    def settings(self, rows: Sequence[Mapping[Any, Any]], *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        """Return no settings for a new learner, and find here how many actions the log chose evenly from."""
        self._even = 1 / max(len({row.get(self._columns[self.parts[0]]) for row in rows}), 1)
        return {}

    def pairs(self, rows: Sequence[dict[Any, Any]]) -> list[tuple[dict[Any, Any], Decision | None]]:
        """Return rows without their decisions, each with its own, None of a row with a fault."""
        return [self._pair(row) for row in rows]

    def _pair(self, row: dict[Any, Any]) -> tuple[dict[Any, Any], Decision | None]:
        action, reward = (row.pop(self._columns[name], None) for name in self.parts)
        p = row.pop(self._columns["p"], None) if "p" in self._columns else self._even
        return row, as_decision((action, reward, p))

    def rest(self) -> list[tuple[dict[Any, Any], Decision | None]]:
        """Return no pairs, since none are held back."""
        return []


def fault(
    row: Mapping[Any, Any],
    columns: Mapping[str, str],
    learner: Any = None,
    *,
    parts: tuple[str, str] = DecisionColumns.parts,
) -> str:
    """Return why a row is no decision, empty if it is one.

    Examples
    --------
    >>> fault({"shown": "news", "clicked": "often"}, {"action": "shown", "reward": "clicked"})
    'clicked is no number'
    """
    (action, reward), p = (row.get(columns[name]) for name in parts), columns.get("p")
    if as_decision((action, reward, row.get(p) if p else 1.0)) is not None:
        return ""
    if as_decision((action, 0.0)) is None:
        return f"{columns[parts[0]]} is missing"
    return (
        f"{columns[parts[1]]} is no number"
        if as_decision((action, reward)) is None
        else f"{p} is not above 0 and at most 1"
    )
