"""Lengths of time written as text, such as "36 hours" or "30d"."""

from __future__ import annotations

import re

__all__ = ["SECONDS", "read_duration"]

SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
"""Seconds of a unit, by its first letter."""
_TEXT = re.compile(r"(\d[\d,]*(?:\.\d+)?|\.\d+) *(s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?|rows?)", re.ASCII)


def read_duration(text: str) -> tuple[float, str]:
    """Return the seconds that a text names with "", or its number of rows with "row"; 0 and "" of anything else.

    Examples
    --------
    >>> read_duration("36 hours"), read_duration("30d"), read_duration("1,000 rows"), read_duration("soon")
    ((129600.0, ''), (2592000.0, ''), (1000.0, 'row'), (0.0, ''))
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        return 0.0, ""
    number, unit = float(found[1].replace(",", "")), found[2]
    return (number, "row") if unit.startswith("row") else (number * SECONDS[unit[0]], "")
