"""How wide answers spread around what is predicted: a scale for each row, and what the last misses were in its units.

The scale expert, linear over the same rows, learns the size of the mixture's miss: its output is ln E|y − ŷ|, its loss
Poisson's. A score is (y − ŷ) / scale; quantiles of the last thousand scores, times the scale of a row, give its predictive
interval (split conformal prediction, on a window that moves; Vovk, Gammerman & Shafer 2005). Names as in ``machine``.
"""

from __future__ import annotations

import math

from ._jit import Array, call, ints, nums, order, reals, view
from ._op import (
    ASK,
    COSTS,
    EX,
    EXPERTS,
    HEAD,
    JUDGE,
    LEARN_ROW,
    OUTPUTS,
    SCORES,
    SCRATCH,
    SPREADS,
    TARGETS,
    VAR,
    YS,
)

UNKNOWN, PLAIN, SCALED, PEARSON = range(4)
"""No answers to score · all rows have one scale · the scale expert's · √ŷ, that of a count."""
WINDOW = 1000
"""How many scores are kept."""
NARROWEST = 1e-3
"""The scale expert's least opinion, in deviations of the answer."""


@order
def scale(c: Array, p: Array, mixed: float) -> float:
    """Scale of the row at hand, whose mixture is ``mixed``, in the units that the experts learn in."""
    head = ints(c, HEAD)
    if head[SPREADS] == PEARSON:
        return math.sqrt(max(mixed, 1e-12))
    if head[SPREADS] == PLAIN:
        return 1.0
    e = head[EXPERTS]
    call(c, ASK, p, (c, p, e, False))
    return max(float(nums(c, SCRATCH, p)[e * ints(c, EX)[OUTPUTS]]), NARROWEST)


@order
def width(c: Array, p: Array, shown: float) -> float:
    """Scale of the row at hand, whose prediction is ``shown``, in the answer's own units."""
    unit = scale(c, p, shown)
    return unit * math.sqrt(reals(c, YS)[VAR]) if ints(c, HEAD)[TARGETS] == 1 else unit


@order
def score(c: Array, p: Array, rows: Array, v: Array, part: int, n: int, mixed: float, y: float, weight: float) -> None:
    """Keep the score of the answer y, and let the scale expert learn its size; part and n as in ``learn_sample``."""
    head, scores = ints(c, HEAD), reals(c, SCORES)
    miss = y - mixed
    scores[1 + int(scores[0]) % WINDOW] = miss / scale(c, p, mixed)
    scores[0] += 1
    if head[SPREADS] == SCALED:
        e = head[EXPERTS]
        size = view(reals(c, COSTS), e, 1)
        size[0] = abs(miss)
        before = call(c, JUDGE, p, (c, p, e, size))
        call(c, LEARN_ROW, p, (c, p, e, rows, v, part, n, size, weight, before))
