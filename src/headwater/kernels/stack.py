"""Stacking: the mixture's weights as a linear model of their own, learned row by row.

Classes: p = softmax(Σ wₑ·zₑ) over the experts' logits zₑ, which is also how far their mixture may be trusted: weights that
add up to less than 1 make it more careful. Numbers: ŷ = Σ wₑ·ŷₑ. Both start as the mean of all and follow their own loss.
An expert whose logits aren't finite says 0, and so has no say. Names as in ``machine``.
"""

from __future__ import annotations

from ._jit import Array, ints, number, nums, order, reals, view
from ._op import (
    EX,
    EXPERT_WIDTH,
    EXPERTS,
    GIVEN,
    HEAD,
    HISTORY,
    LOGITS,
    MIXED,
    MIXTURE,
    RUN,
    RUNNING_WIDTH,
    SCRATCH,
    SPREAD,
    TOLD,
    WEIGHT,
    A,
)
from .loss import softmax

HEDGED, CLASSES, NUMBERS = range(3)
"""How experts are mixed: probabilities by fixed-share Hedge, logits, numbers."""
FIRST_RATE, LAST_RATE, COOLING = 0.02, 0.002, 1000.0
"""Step size of the weights: 0.02/(1 + t/1000), but at least 0.002."""
LEAP = 0.1
"""No row moves a weight by more than this."""
STEADY, PART, SMALLEST = 0.005, 0.5, 0.01
"""Where answers come late: the least step size, which is then in proportion to the weight; the largest part of it that a row
moves; and the least that it is taken for, and falls to."""


@order
def opinion(c: Array, p: Array, m: int, k: int) -> Array:
    """Return what expert m, or the label history behind the last, puts into the mixture, (k,), or put when it was asked."""
    head = ints(c, HEAD)
    if head[TOLD] > 0:
        return view(nums(c, GIVEN, p), ((head[TOLD] - 1) * (head[EXPERTS] + head[HISTORY]) + m) * k, k)
    if m == head[EXPERTS]:
        return view(nums(c, SCRATCH, p), (m + 2) * k, k)
    if head[MIXTURE] == CLASSES:
        return view(nums(c, A, p), ints(c, EX)[m * EXPERT_WIDTH + LOGITS], k)
    return view(nums(c, SCRATCH, p), m * k, k)


@order
def place(c: Array, m: int) -> int:
    """Return where the weight of opinion m stands among the running numbers."""
    behind = 1 if m == ints(c, HEAD)[EXPERTS] else 0
    return (m + behind) * RUNNING_WIDTH + WEIGHT


@order
def blend(c: Array, p: Array, out: Array) -> None:
    """Mix the opinions into out (k,)."""
    head, run = ints(c, HEAD), reals(c, RUN)
    k = len(out)
    opinions = head[EXPERTS] + head[HISTORY]
    if opinions == 1:  # its weight is 1
        own = view(nums(c, SCRATCH, p), 0, k)
        for j in range(k):
            out[j] = own[j]
        return
    for j in range(k):
        out[j] = 0
    for m in range(opinions):
        own = opinion(c, p, m, k)
        w = number(p, run[place(c, m)])
        for j in range(k):
            out[j] += w * own[j]
    if head[MIXTURE] == CLASSES:
        softmax(out, out)


@order
def restack(c: Array, p: Array, mixed: Array, y: Array, weight: float) -> None:
    """Move the weights along the gradient of the mixture's loss; mixed (k,) as ``blend`` gave it, y (1,).

    For classes that of −ln p(y): Σⱼ pⱼ·zₑⱼ − zₑ(y). For numbers that of Huber's loss, linear beyond the fading mean error,
    so that an outlier weighs no more than a common miss; its step is bounded by 1/Σ ŷₑ², beyond which it would overshoot.

    Opinions that were given out earlier move each weight in proportion to itself (Kivinen & Warmuth 1997, exponentiated
    gradient, to first order): what is learned from them is late, and steps that are as large for weak experts as for strong
    ones then swing. None falls below the smallest: after a drift all were wrong for as long as answers take, and an expert that
    has learned better since must not be believed to lie.
    """
    head, run = ints(c, HEAD), reals(c, RUN)
    k = len(mixed)
    opinions = head[EXPERTS] + head[HISTORY]
    late = head[TOLD] > 0
    rate = weight * max(FIRST_RATE / (1 + run[MIXED] / COOLING), STEADY if late else LAST_RATE)
    run[MIXED] += 1
    miss = 0.0
    if head[MIXTURE] == NUMBERS:
        miss = mixed[0] - y[0]
        share = 0.003 * min(weight, 1.0)
        run[SPREAD] = abs(miss) if run[MIXED] == 1 else run[SPREAD] + (abs(miss) - run[SPREAD]) * share
        miss = min(max(miss, -run[SPREAD]), run[SPREAD])
        square = 0.0
        for m in range(opinions):
            square += opinion(c, p, m, k)[0] ** 2
        rate = min(rate, 1 / max(square, 1e-30))
    for m in range(opinions):
        own = opinion(c, p, m, k)
        slope = miss * own[0]
        if head[MIXTURE] == CLASSES:
            slope = -float(own[int(y[0])])
            for j in range(k):
                slope += mixed[j] * own[j]
        w = run[place(c, m)]
        if late:
            moved = w - max(abs(w), SMALLEST) * min(max(rate * slope, -PART), PART)
            run[place(c, m)] = max(moved, min(w, SMALLEST))
        else:
            run[place(c, m)] -= min(max(rate * slope, -LEAP), LEAP)
