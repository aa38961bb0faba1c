"""Values of rows as a reader sees them, for the tables of pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.learner.schema import Column

from .numbers import figure

__all__ = ["cell_of", "readable"]

NAMES = 8
"""Entries of a mapping or a list that are shown."""
LETTERS = 80


def cell_of(column: Column, said: Any, answer: Any) -> Any:
    """Return what a column shows of a row: a number, a text, or None where it is missing.

    Examples
    --------
    >>> cell_of(Column("reward", "answer", "reward"), 0.5, {"action": "a", "reward": 1.0})
    1.0
    >>> cell_of(Column("terminated", "answer", "terminated", mark=True), 0.5, {"action": "a", "terminated": True})
    '✓'
    """
    value = _part(said if column.of == "said" else answer, column.part)
    return ("✓" if value else "") if column.mark else readable(value)


def readable(value: Any) -> Any:
    """Return a value as a reader sees it: a number, a text, or None where it is missing.

    Examples
    --------
    >>> readable({"late": True, "at": {"hour": 8}}), readable([1, "a"]), readable(2.5), readable(float("nan"))
    ('late true · at (hour 8)', '1, a', 2.5, None)
    """
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return " · ".join([f"{_short(name)} {_inner(one)}" for name, one in list(value.items())[:NAMES]] + _more(value))
    if isinstance(value, list | tuple):
        return ", ".join([_inner(one) for one in value[:NAMES]] + _more(value))
    return _short(value)


def _part(value: Any, part: str | int | None) -> Any:
    if part is None:
        return value
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(part, int) and isinstance(value, list | tuple):
        return value[part] if part < len(value) else None
    return None


def _inner(value: Any) -> str:
    shown = readable(value)
    if shown is None:
        return "–"
    if isinstance(value, Mapping | list | tuple):
        return f"({shown})"
    return figure(shown) if isinstance(shown, int | float) else str(shown)


def _more(value: Any) -> list[str]:
    return ["…"] if len(value) > NAMES else []


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
