"""The label history: what the last answer says of the next one, an opinion that takes part in the mixture.

It sees no input. Right for a live stream whose answers come at once and in order; wrong when a model is asked about other
rows, so a learner has it only on request. Names as in ``machine``.
"""

from __future__ import annotations

import math

from ._jit import Array, ints, order, reals
from ._op import HEAD, MEAN, PAST_ANSWERS, TARGETS, VAR, YS

LAST, STAY, MOVES, FOLLOWERS = range(4)
"""Places in the array: the last class (−1: none yet), how often an answer repeats the one before it, answers that had one
before them, and, class by class, how often each came next. For numbers: 0, or −1 before the first, and the last answer."""
FORGETS = 0.99
"""Factor on the counts of what followed a class, each time that something follows it."""
TRUST = 5.0
"""As how many answers the share of repeats counts beside those counts."""
SLOWEST = 0.002
"""The share of repeats forgets at least so fast."""


@order
def recall(c: Array, p: Array, z: Array) -> None:
    """Write the history's opinion into z (k,): the logarithm of how often each class follows the last one, or the last answer.

    p(j) = (n(last, j) + 5·q(j)) / (Σ n(last, ·) + 5), where q gives the share of repeats to the last class and the rest
    evenly to the others, and the counts n fade. A number is its own forecast, standardised.
    """
    past = reals(c, PAST_ANSWERS)
    k = len(z)
    for j in range(k):
        z[j] = 0
    if past[LAST] < 0:
        return
    if ints(c, HEAD)[TARGETS] == 1:
        ys = reals(c, YS)
        if ys[VAR] > 1e-300:
            z[0] = min(max((past[STAY] - ys[MEAN]) / math.sqrt(ys[VAR]), -10.0), 10.0)
        return
    last = int(past[LAST])
    counted = len(past) > FOLLOWERS
    at = FOLLOWERS + last * k
    total = TRUST
    for j in range(k if counted else 0):
        total += past[at + j]
    rest = (1 - past[STAY]) / max(k - 1, 1)
    for j in range(k):
        share = TRUST * (past[STAY] if j == last else rest)
        z[j] = math.log((share + (past[at + j] if counted else 0.0)) / total)


@order
def record(c: Array, p: Array, y: Array, k: int) -> None:
    """Let the history remember the answer y (1,); k classes."""
    past = reals(c, PAST_ANSWERS)
    if ints(c, HEAD)[TARGETS] == 1:
        ys = reals(c, YS)
        past[LAST], past[STAY] = 0.0, ys[MEAN] + math.sqrt(ys[VAR]) * y[0]
        return
    now, last = int(y[0]), int(past[LAST])
    past[LAST] = now
    if last < 0:
        past[STAY] = 0.5
        return
    past[MOVES] += 1
    rate = max(1 / (past[MOVES] + 1), SLOWEST)
    stay = past[STAY] + ((1.0 if now == last else 0.0) - past[STAY]) * rate
    past[STAY] = min(max(stay, 1e-4), 1 - 1e-4)
    if len(past) > FOLLOWERS:
        at = FOLLOWERS + last * k
        for j in range(k):
            past[at + j] *= FORGETS
        past[at + now] += 1
