"""Opinions that were given out and wait for their answers: what the mixture's weights learn from when answers come late.

Right before a row is learned, its neighbours have just been, and whoever follows them fastest looks best. But what was asked
lay a delay away. So where rows are predicted in lock-step with others that are learned, each expert's opinion on a row is
kept, and once the row's answer comes the weights move by what was said then. Names as in ``machine``.
"""

from __future__ import annotations

import math

from ._jit import Array, ints, nums, order, reals, view
from ._op import (
    DENSE_ROWS,
    ENDS,
    EX,
    EXPERTS,
    GIVEN,
    GIVEN_KEYS,
    HEAD,
    HISTORY,
    MEAN,
    MIXTURE,
    OUTPUTS,
    ROW,
    SLOTS,
    STATISTIC_WIDTH,
    STATS,
    TOP,
    VAR,
    YS,
    X,
)
from .stack import NUMBERS, opinion

PLACES = 2048
"""Rows that may wait at once; the oldest make room."""
NOBODY = 0.0
"""Key of a place that is empty, and of a row that can't be told from others."""


@order
def key(c: Array, slots: Array, ends: Array, x: Array, i: int, top: int) -> float:
    """Return a number that stands for sample i of a block: Σ x·(½ + f) + f, f the fraction of its row times the golden ratio.

    Only rows up to ``top`` count: those that could take part when the sample was asked.
    """
    first = ends[i]
    shift = first if ints(c, HEAD)[DENSE_ROWS] > 0 else 0
    total = 1.0
    for q in range(first, ends[i + 1]):
        s = slots[q - shift]
        row = int(reals(c, STATS)[s * STATISTIC_WIDTH + ROW]) if s >= 0 else -s - 1
        if row <= top and not math.isnan(x[q]):
            part = row * 0.6180339887498949
            part -= math.floor(part)
            total += x[q] * (0.5 + part) + part
    return total if math.isfinite(total) else NOBODY


@order
def give(c: Array, p: Array, slots: Array, ends: Array, x: Array, i: int) -> None:
    """Keep the opinions at hand, on sample i of a block, in the oldest place; numbers in the answer's own units."""
    head, log, ys = ints(c, HEAD), reals(c, GIVEN_KEYS), reals(c, YS)
    k, opinions = ints(c, EX)[OUTPUTS], head[EXPERTS] + head[HISTORY]
    place = int(log[0]) % PLACES
    log[0] += 1
    log[1] = max(log[1], log[0] - PLACES)
    log[2 + place] = key(c, slots, ends, x, i, head[TOP])
    log[2 + PLACES + place] = head[TOP]
    for m in range(opinions):
        own = opinion(c, p, m, k)
        kept = view(nums(c, GIVEN, p), (place * opinions + m) * k, k)
        for j in range(k):
            kept[j] = own[j]
        if head[MIXTURE] == NUMBERS:
            kept[0] = ys[MEAN] + math.sqrt(ys[VAR]) * kept[0]


@order
def told(c: Array, p: Array, i: int) -> int:
    """Return 1 + the place of the oldest opinions on sample i of the block, −1 without any; the place is free from then on.

    Numbers are standardised there as answers are now.
    """
    head, log, ys = ints(c, HEAD), reals(c, GIVEN_KEYS), reals(c, YS)
    while log[1] < log[0] and log[2 + int(log[1]) % PLACES] == NOBODY:
        log[1] += 1
    top, wanted = -1, NOBODY
    for q in range(int(log[1]), int(log[0])):
        place = q % PLACES
        if int(log[2 + PLACES + place]) != top:
            top = int(log[2 + PLACES + place])
            wanted = key(c, ints(c, SLOTS), ints(c, ENDS), reals(c, X), i, top)
        if log[2 + place] == wanted and wanted != NOBODY:
            log[2 + place] = NOBODY
            if head[MIXTURE] == NUMBERS:
                opinions = head[EXPERTS] + head[HISTORY]
                unit = math.sqrt(ys[VAR]) if ys[VAR] > 1e-300 else 1.0
                kept = view(nums(c, GIVEN, p), place * opinions, opinions)
                for m in range(opinions):
                    kept[m] = min(max((kept[m] - ys[MEAN]) / unit, -10.0), 10.0)
            return place + 1
    return -1
