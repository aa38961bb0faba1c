"""ONNX nodes for the seven numbers of a date-time, with the calendar in integer arithmetic.

Equivalent to ``encode.values.time_parts``. The day of the year follows Hinnant, "chrono-compatible low-level date algorithms"
(2013), where years begin in March so that the leap day comes last.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .graph import Graph

FIRST, LAST = -62135596800.0, 253402300799.0
"""Years 1 to 9999, in seconds since 1970."""
DAY = 86400.0
SHIFT, ERA = 719468, 146097
"""Days from March 1st of the year 0 to 1970, and days in 400 years."""


def time_parts(g: Graph, seconds: str, offset: str) -> list[str]:
    """Return the seconds since 1970, and hour, weekday and day of the year as points on a circle.

    Each has shape (N, 1), with NaN where missing.

    Parameters
    ----------
    g : Graph
        Where to add the nodes.
    seconds : str
        Seconds since 1970 in local time of the value (N, 1), NaN where missing.
    offset : str
        UTC offset of the local time in seconds, (N, 1) or (1, 1).

    Returns
    -------
    list of str
        In the order of ``encode.vocabulary.PARTS``.
    """

    def real(value: float) -> str:
        return g.constant(value, np.float64)

    missing = g.add("IsNaN", seconds)
    clock = g.add("Clip", g.add("Where", missing, real(0.0), seconds), real(FIRST), real(LAST))
    days = g.add("Floor", g.add("Div", clock, real(DAY)))
    hour = g.add("Div", g.add("Sub", clock, g.add("Mul", days, real(DAY))), real(DAY))
    day = g.cast(days, np.int64)
    weekday = _whole(g, "Mod", g.add("Add", day, _int(g, SHIFT + 2)), 7)  # 1970 began on a Thursday
    yearday = _day_of_year(g, g.add("Add", day, _int(g, SHIFT)))
    turns = [
        hour,
        g.add("Div", g.add("Add", g.cast(weekday, np.float64), hour), real(7.0)),
        g.add("Div", g.add("Add", g.cast(yearday, np.float64), hour), real(365.25)),
    ]
    parts = [g.add("Sub", clock, offset)]
    for turn in turns:
        angle = g.add("Mul", turn, real(2 * math.pi))
        parts += [g.add("Sin", angle), g.add("Cos", angle)]
    return [g.add("Where", missing, real(math.nan), part) for part in parts]


def _day_of_year(g: Graph, day: str) -> str:
    """Return the days since January 1st, given the days since March 1st of the year 0."""
    of_era = _whole(g, "Mod", day, ERA)
    leaps = g.add("Sub", _whole(g, "Div", of_era, 1460), _whole(g, "Div", of_era, 36524))
    leaps = g.add("Add", leaps, _whole(g, "Div", of_era, 146096))
    year = _whole(g, "Div", g.add("Sub", of_era, leaps), 365)  # of the era, counted from March
    start = g.add("Mul", year, _int(g, 365))
    start = g.add("Add", start, _whole(g, "Div", year, 4))
    start = g.add("Sub", start, _whole(g, "Div", year, 100))
    since_march = g.add("Sub", of_era, start)
    fourth = g.add("Equal", _whole(g, "Mod", year, 4), _int(g, 0))
    century = g.add("Equal", _whole(g, "Mod", year, 100), _int(g, 0))
    leap = g.add("And", fourth, g.add("Or", g.add("Not", century), g.add("Equal", year, _int(g, 0))))
    from_march = g.add("Add", g.add("Add", since_march, _int(g, 59)), g.cast(leap, np.int64))
    from_january = g.add("Sub", since_march, _int(g, 306))
    return g.add("Where", g.add("Less", from_january, _int(g, 0)), from_march, from_january)


def _int(g: Graph, value: int) -> str:
    return g.constant(value, np.int64)


def _whole(g: Graph, op: str, x: str, by: int, **attributes: Any) -> str:
    """Return the quotient or remainder of non-negative integers."""
    return g.add(op, x, _int(g, by), **attributes)
