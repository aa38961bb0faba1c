"""Changes of units, which are noticed by moments and decided by losses.

From some row on a column comes in another unit: a hundred times as large, minutes in place of hours, another scale of degrees.
What was learned is still right, but is read wrongly. In blocks of `BLOCK` rows a column has mean m and deviation s. Two blocks
earlier it had m₀ and s₀. The block is off where

    |m − m₀| / s₀ > 0.5 + 4/√n     or     max(s/s₀, s₀/s) > 1.5 + 8/√n

and if this is 1.3 times what is usual for the column, and the block's loss lies a deviation above the usual loss, there are two
readings of each further row: x, and a·x + b. A factor between known units (10, 100, …, 60, 3600 and their inverses) that
explains both moments gives a and b = 0, else a = s₀/s where the deviation changed, and b = m₀ − a·m. Both readings predict,
and the reading that saves loss speaks and is learned from. If it still does after 100 rows, the column's statistics, knots and
tests move to the new unit (m ← (m₀ − b)/a, s ← s₀/a), and nothing is rescaled any more. If it costs 5 nats more, or 200 rows
have passed, all goes on as before.

The reading must save more where it explains less. There is none where labels come late, whose losses go up and down together.

========================================================  ==================  ============================
changed                                                   to speak            to be taken
========================================================  ==================  ============================
most columns at once, or half of them by known factors    2, 1.15 times       10, 1.15 times
other columns                                             6, 1.4 times        15, 1.4 times
the label, by a known factor, for 16 rows                 6, 1.15 times       40, 2 times
the label, from then on                                   6, 1.8 times        40, 2 times
========================================================  ==================  ============================

The first number is the sum of losses saved, each within ±2, the second the ratio of the sums of losses. Labels in another unit are
soon predicted as well as before. Labels that are nearly 0 for a day, of a road that is closed, look like another unit for a few
rows, but are predicted badly in it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

CHANGED, CHANGED_BY, CHANGED_SHIFT = 10, 11, 12
"""Places in a row of the core's array ``unit_slots``."""
SCALE, SHIFT = 8, 9
BLOCK = 8
FACTORS = (10.0, 100.0, 1e3, 1e4, 1e6, 1e9, 60.0, 3600.0)


class Moments(NamedTuple):
    """Mean and deviation of n values."""

    n: float
    mean: float
    deviation: float


def how_far(now: Moments, before: Moments) -> float:
    """Return how far a block lies off, where 1 gives an alarm.

    Examples
    --------
    >>> round(how_far(Moments(16, 30.0, 1.0), Moments(1000, 0.0, 10.0)), 3)
    2.857
    """
    chance = 1 / math.sqrt(now.n)
    away = abs(now.mean - before.mean) / before.deviation
    return max(away / (0.5 + 4 * chance), _ratio(now, before) / (1.5 + 8 * chance))


def rescaling(now: Moments, before: Moments) -> tuple[float, float]:
    """Return a and b with which values of now are read as values of before.

    Examples
    --------
    >>> rescaling(Moments(100, 600.0, 60.0), Moments(1000, 10.0, 1.0))
    (0.016666666666666666, 0.0)
    >>> rescaling(Moments(100, 13.0, 1.0), Moments(1000, 10.0, 1.0))
    (1.0, -3.0)
    >>> rescaling(Moments(100, 10.1, 1.0), Moments(1000, 10.0, 1.0))
    (1.0, 0.0)
    """
    chance = 1 / math.sqrt(now.n)
    wider = _ratio(now, before) > max(1.35, 1 + 4 * chance)
    if not wider and not abs(now.mean - before.mean) / before.deviation > max(0.35, 3 * chance):
        return 1.0, 0.0
    if factor := known_factor(now, before):
        return factor, 0.0
    a = before.deviation / now.deviation if wider else 1.0
    return a, before.mean - a * now.mean


def known_factor(now: Moments, before: Moments) -> float:
    """Return the known factor that explains mean and deviation best, 0 if none does."""
    chance, found, nearest = 3 / math.sqrt(now.n), 0.0, 2.0
    for factor in (f for known in FACTORS for f in (known, 1 / known)):
        times = factor * now.deviation / before.deviation
        away = abs(factor * now.mean - before.mean) / before.deviation / chance
        if away < 1 and 1 / (1 + chance) < times < 1 + chance:
            far = away + (max(times, 1 / times) - 1) / chance
            found, nearest = (factor, far) if far < nearest else (found, nearest)
    return found


def _ratio(now: Moments, before: Moments) -> float:
    if not now.deviation > 0:
        return 0.0
    return max(now.deviation / before.deviation, before.deviation / now.deviation)
