"""The mixture of experts: their opinions weighed by how well each has done of late, and replay of the last samples.

Names as in ``machine``; an expert's weight stands in its running numbers.
"""

from __future__ import annotations

import math

from ._jit import Array, call, gather, ints, nums, order, reals, routine, view
from ._op import (
    ANSWERS,
    ASK,
    COLUMN,
    COSTS,
    DST,
    EX,
    EXPERT_WIDTH,
    EXPERTS,
    FADING,
    HEAD,
    HISTORY,
    IW,
    JUDGE,
    LEARN_ROW,
    LOSS,
    MEAN,
    MIXTURE,
    OPINE,
    OUTPUTS,
    OVERFLOW,
    PAIRS,
    PROG,
    REPLAYS,
    RING,
    RING_N,
    RING_ROWS,
    RING_V,
    RING_W,
    RING_WIDTH,
    RING_Y,
    RNG,
    RUN,
    RUNNING_WIDTH,
    SCRATCH,
    SICK,
    SPREAD,
    SPREADS,
    STATISTIC_WIDTH,
    STRIDE,
    TABLE,
    TARGETS,
    TOLD,
    TWO_PASS,
    VAR,
    VW,
    WEIGHT,
    WIDTH,
    YS,
    A,
)
from .dropout import uniform
from .history import recall, record
from .loss import CROSS_ENTROPY
from .spread import score
from .stack import blend, opinion, restack
from .step import take_step

_CROSS_ENTROPY = CROSS_ENTROPY.code

SHARE = 0.003
"""Share of the mixture that is spread evenly after each row, so that no expert is ever out of the running."""
HARDEST = 9.0
"""The largest loss, and gain (a Poisson loss may be negative), that the mixture's weights see."""
PATIENCE = 500.0
"""Rows in succession that an expert may know less than nothing before it begins anew."""
ENDLESS = 1 << 40
"""Length of a strip whose end nobody asks for."""


@routine(OPINE, "n p p")
def opine(c: Array, p: Array, out: Array) -> float:
    """All experts on what the rows gave, and their mixture (``blend``) into out (k,), in the answer's own units.

    COSTS keeps which of them have logits that are not finite: ∞ for these, 0 for the others.
    """
    head = ints(c, HEAD)
    k = len(out)
    for e in range(head[EXPERTS]):
        sound = call(c, ASK, p, (c, p, e, False)) > 0
        reals(c, COSTS)[e] = 0.0 if sound else math.inf
    if head[HISTORY] == 1:
        recall(c, p, opinion(c, p, head[EXPERTS], k))
    blend(c, p, out)
    if head[TARGETS] == 1:
        ys = reals(c, YS)
        for j in range(k):
            q = j * STATISTIC_WIDTH
            out[j] = ys[q + MEAN] + math.sqrt(ys[q + VAR]) * out[j]
    return 0.0


@order
def weigh(c: Array, p: Array, losses: Array, weight: float) -> None:
    """Fixed-share Hedge: w ← w·exp(−weight·loss/2), normalised, then a small share spread evenly; losses (experts,).

    For numbers the loss is in units of the mixture's own fading error, and bounded, so that one freak decides nothing. A row
    that weighs less than one spreads less. Herbster & Warmuth 1998.
    """
    head, run = ints(c, HEAD), reals(c, RUN)
    experts = head[EXPERTS]
    spread = 1.0
    part = min(weight, 1.0)
    if head[TARGETS] == 1:
        mixed = 0.0
        for e in range(experts):
            mixed += run[e * RUNNING_WIDTH + WEIGHT] * losses[e]
        spread = max(run[SPREAD], 1e-6)
        run[SPREAD] = mixed if run[SPREAD] == 0 else run[SPREAD] + (mixed - run[SPREAD]) * 0.001 * part
    least = HARDEST
    for e in range(experts):
        least = min(least, max(losses[e] / spread, -HARDEST))
    total = 0.0
    for e in range(experts):
        more = min(max(losses[e] / spread, -HARDEST), HARDEST) - least  # the best keeps its weight: no sum underflows
        w = run[e * RUNNING_WIDTH + WEIGHT] * math.exp(-0.5 * weight * more)
        run[e * RUNNING_WIDTH + WEIGHT] = w
        total += w
    for e in range(experts):
        q = e * RUNNING_WIDTH + WEIGHT
        run[q] = (1 - SHARE * part) * run[q] / total + SHARE * part / experts


@order
def replay(c: Array, p: Array, e: int) -> None:
    """Expert e learns some of the last samples again, drawn at random."""
    head = ints(c, HEAD)
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    rng = ints(c, RNG)
    width, answers = head[RING_WIDTH], head[ANSWERS]
    for _ in range(ex[REPLAYS]):
        i = int(uniform(rng) * min(rng[1], head[RING]))
        n = ints(c, RING_N)[i]
        rows, v = view(ints(c, RING_ROWS), i * width, n), view(nums(c, RING_V, p), i * width, n)
        table = view(p, head[TABLE] + ex[COLUMN], ENDLESS)
        z = view(nums(c, A, p), ints(c, PROG)[DST] + ex[COLUMN], ex[WIDTH])
        gather(table, 0, head[STRIDE], rows, v, n, z)
        if call(c, ASK, p, (c, p, e, True)) > 0:
            call(c, JUDGE, p, (c, p, e, view(reals(c, RING_Y), i * answers, answers)))
            take_step(c, p, e, rows, v, n, reals(c, RING_W)[i], False)


@order
def keep(c: Array, p: Array, n: int, y: Array, weight: float) -> None:
    """Put the sample's pairs, answer and weight into the ring of the last ones."""
    head, rng = ints(c, HEAD), ints(c, RNG)
    width = head[RING_WIDTH]
    i = rng[1] % head[RING]
    rows, v = ints(c, IW), nums(c, VW, p)
    kept_rows, kept_v = ints(c, RING_ROWS), nums(c, RING_V, p)
    for j in range(n):
        kept_rows[i * width + j] = rows[head[PAIRS] + j]
        kept_v[i * width + j] = v[head[PAIRS] + j]
    ints(c, RING_N)[i] = n
    reals(c, RING_W)[i] = weight
    for j in range(len(y)):
        reals(c, RING_Y)[i * len(y) + j] = y[j]
    rng[1] += 1


@order
def hopeless(c: Array, e: int, loss: float) -> bool:
    """Note that expert e lost so much on a row, and return whether it should begin anew.

    It should after 500 rows on which it fadingly cost one nat more than knowing nothing does, ln k for classes and at most 1
    for standardised numbers, or ten whose logits weren't finite; less bad rows in between start the count again.
    """
    head, ex = ints(c, HEAD), view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    run = view(reals(c, RUN), e * RUNNING_WIDTH, RUNNING_WIDTH)
    ignorant = math.inf
    if head[TARGETS] == 1:
        ignorant = 1.0
    elif ex[LOSS] == _CROSS_ENTROPY:
        ignorant = math.log(ex[OUTPUTS])
    if not math.isfinite(loss):
        run[SICK] += PATIENCE / 10
    elif run[FADING] > ignorant + 1:
        run[SICK] += 1
    else:
        run[SICK] = 0
    return bool(run[SICK] >= PATIENCE)


@order
def learn_sample(c: Array, p: Array, part: int, n: int, y: Array, weight: float, fresh: bool, said: int) -> bool:
    """Every expert learns the sample whose pairs are at hand; ``fresh``: all of them have just predicted it.

    ``said``: place of what was said when it was asked (``given``), 0 if that was just now, below 0 if nobody knows, and then
    the mixture's weights learn nothing. Returns whether one of a pool is hopeless.
    """
    head = ints(c, HEAD)
    rows, v = view(ints(c, IW), head[PAIRS], n), view(nums(c, VW, p), head[PAIRS], n)
    experts, k = head[EXPERTS], ints(c, EX)[OUTPUTS]
    losses = reals(c, COSTS)
    lone = experts + head[HISTORY] + head[SPREADS] + ints(c, EX)[TWO_PASS] == 1
    if lone and fresh and losses[0] == 0:  # nothing to mix or to score: what follows says the same of one expert
        before = call(c, JUDGE, p, (c, p, 0, y))
        if math.isfinite(before):
            call(c, LEARN_ROW, p, (c, p, 0, rows, v, part, n, y, weight, before))
            return False
    for e in range(experts):
        sound = losses[e] == 0
        if not fresh or ints(c, EX)[e * EXPERT_WIDTH + TWO_PASS] == 1:
            sound = call(c, ASK, p, (c, p, e, True)) > 0
        losses[e] = call(c, JUDGE, p, (c, p, e, y)) if sound else math.inf
    if head[HISTORY] == 1 and not fresh:
        recall(c, p, opinion(c, p, experts, k))
    mixed = view(nums(c, SCRATCH, p), (experts + 3) * k, k)
    head[TOLD] = max(said, 0)
    if head[SPREADS] > 0 or head[MIXTURE] > 0:
        blend(c, p, mixed)
    if head[MIXTURE] > 0 and said >= 0:
        restack(c, p, mixed, y, weight)
    head[TOLD] = 0
    if head[MIXTURE] == 0 and experts > 1:
        weigh(c, p, losses, weight)
    if head[SPREADS] > 0:
        score(c, p, rows, v, part, n, mixed[0], y[0], weight)
    if head[HISTORY] == 1:
        record(c, p, y, k)
    due = False
    for e in range(experts):
        if math.isfinite(losses[e]):
            call(c, LEARN_ROW, p, (c, p, e, rows, v, part, n, y, weight, losses[e]))
        else:
            reals(c, RUN)[e * RUNNING_WIDTH + OVERFLOW] += 1
        due = (experts > 1 and hopeless(c, e, losses[e])) or due
    return due
