"""One expert learns one sample: the loss, the descent, and the descent taken back where it did harm.

Names as in ``machine``.
"""

from __future__ import annotations

import math

from ._jit import Array, call, exact, ints, number, nums, order, reals, routine, view
from ._op import (
    ASK,
    BACKWARD,
    CAPACITY,
    CLIP_NORM,
    CONSTANT_WIDTH,
    COPY,
    DIVERGED,
    EX,
    EXACT_LAZY,
    EXPERT_WIDTH,
    EXPERTS,
    FADING,
    HEAD,
    HYPER,
    JUDGE,
    L1,
    L2,
    LEARN_ROW,
    LOGITS,
    LOSS,
    LOSS_A,
    LR,
    OUTPUTS,
    PRODUCT,
    READ_ROWS,
    RULE,
    RUN,
    RUNNING_WIDTH,
    SCALE,
    SCHED,
    SCHEDULE,
    SCRATCH,
    STATES,
    STRIDE,
    TABLE,
    TWO_PASS,
    UNDO,
    XC,
    A,
    D,
    S,
    T,
)
from .adam import NADAM
from .loss import evaluate, predict
from .machine import MEASURE, backward, forward
from .schedule import rate

_NADAM = NADAM.code

PROBATION = 10
"""Steps that are all checked, because there is no fading mean yet to judge by."""
SUSPICIOUS = 4.0
"""A loss this many times its fading mean has its step checked."""
EXPLOSION = 4.0
"""In the first steps, one after which the same sample costs this many times as much (and 1 more) is taken back; later on,
where the loss already stands high, any step after which it stands higher: that is how a run grows that never comes back."""
RECOVERY = 1.001
"""After a divergence the step size grows back by this factor a row: twofold in about 700."""
KEEP, TAKE_BACK, REDO = range(3)
"""What ``copy`` does."""


@order
def take_step(c: Array, p: Array, e: int, rows: Array, v: Array, n: int, weight: float, whole: bool) -> None:
    """One descent of expert e: the loss's gradient stands in D at the logits, the sample's activations in A.

    ``whole``: compile the descent into the caller.
    """
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    xc = view(reals(c, XC), e * CONSTANT_WIDTH, CONSTANT_WIDTH)
    run = view(reals(c, RUN), e * RUNNING_WIDTH, RUNNING_WIDTH)
    t = int(run[T]) + 1
    lr = rate(ex[SCHEDULE], xc[LR], xc[SCHED], xc[SCHED + 1], t) * run[SCALE]
    if ex[RULE] == _NADAM:
        run[PRODUCT] *= xc[HYPER] * (1 - 0.5 * 0.96 ** (t * xc[HYPER + 3]))
    delta = view(nums(c, D, p), ex[LOGITS], ex[OUTPUTS])
    scale = weight
    for j in range(len(delta)):
        delta[j] *= number(p, scale)
    if xc[CLIP_NORM] > 0:
        size = math.sqrt(call(c, BACKWARD, p, (c, p, p, e, 0, rows, v, n, MEASURE, False, lr, t, run[PRODUCT])))
        if size > xc[CLIP_NORM]:  # gradients are linear in the logits' delta: scale it and all of them are scaled
            for j in range(len(delta)):
                delta[j] *= number(p, xc[CLIP_NORM] / size)
    lazy = ex[EXACT_LAZY] == 1 and xc[L1] == 0 and xc[L2] == 0
    if whole:
        backward(c, p, p, e, 0, rows, v, n, ex[RULE], lazy, lr, t, run[PRODUCT])
    else:
        call(c, BACKWARD, p, (c, p, p, e, 0, rows, v, n, ex[RULE], lazy, lr, t, run[PRODUCT]))
    run[T] = t


@routine(COPY, "n p n i i")
def copy(c: Array, p: Array, rows: Array, n: int, mode: int) -> float:
    """KEEP in UNDO all that a step on these n rows can change, or exchange the two: TAKE_BACK a step, REDO it.

    That is the dense part, and the rows, of P and of each state; from the last row to the first when redoing, since a row
    may be listed twice.
    """
    head = ints(c, HEAD)
    s = nums(c, S, p)
    undo = nums(c, UNDO, p)
    cap, table, stride = head[CAPACITY], head[TABLE], head[STRIDE]
    for k in range(-1, head[STATES]):
        source = p if k < 0 else view(s, k * cap, cap)
        start = (k + 1) * (table + n * stride)
        for q in range(-1, n):
            i = n - 2 - q if mode == REDO else q
            length = table if i < 0 else stride
            here = view(source, 0 if i < 0 else table + rows[i] * stride, length)
            there = view(undo, start if i < 0 else start + table + i * stride, length)
            for j in range(length):
                x = here[j]
                if mode != KEEP:
                    here[j] = there[j]
                there[j] = x
    return 0.0


@order
def link(c: Array, p: Array, e: int, sound: bool) -> None:
    """Put expert e's own prediction, its logits through the link, at e·k of the scratch."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    k = ex[OUTPUTS]
    z = view(nums(c, A, p), ex[LOGITS], k)
    if not sound:  # no opinion rather than no number
        for j in range(k):
            z[j] = 0
    predict(ex[LOSS], z, view(nums(c, SCRATCH, p), e * k, k))


@routine(ASK, "n p i b")
def ask(c: Array, p: Array, e: int, learn: bool) -> float:
    """Ask expert e what it predicts from what the rows gave. Returns 1 if its logits are finite, else 0."""
    sound = forward(c, p, e, 0, learn) > 0
    link(c, p, e, sound)
    return 1.0 if sound else 0.0


@routine(JUDGE, "n p i r")
def judge(c: Array, p: Array, e: int, y: Array) -> float:
    """Loss of expert e for the answer y (targets,), from its linked prediction; the gradient goes into D at the logits."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    k = ex[OUTPUTS]
    z = view(nums(c, A, p), ex[LOGITS], k)
    scratch = nums(c, SCRATCH, p)
    target = view(scratch, (ints(c, HEAD)[EXPERTS] + 1) * k, len(y))
    for j in range(len(y)):
        target[j] = y[j]
    constant = reals(c, XC)[e * CONSTANT_WIDTH + LOSS_A]
    return evaluate(ex[LOSS], constant, z, target, view(scratch, e * k, k), view(nums(c, D, p), ex[LOGITS], k))


@exact
def within(value: float, measure: float, times: float, more: float) -> bool:
    """Return whether value is at most ``times`` the measure and ``more``; a loss (Poisson's) may be negative."""
    return value <= measure + (times - 1) * abs(measure) + more


@order
def cost(c: Array, p: Array, e: int, rows: Array, v: Array, part: int, y: Array) -> float:
    """Loss of the sample as the weights now stand, infinite if its logits are."""
    call(c, READ_ROWS, p, (c, p, 0, rows, v, part))
    sound = call(c, ASK, p, (c, p, e, False)) > 0
    value = call(c, JUDGE, p, (c, p, e, y))
    return value if sound else math.inf


@routine(LEARN_ROW, "n p i n p i i r f f")
def learn_row(
    c: Array, p: Array, e: int, rows: Array, v: Array, part: int, n: int, y: Array, weight: float, before: float
) -> float:
    """Step along the gradient of a sample that cost ``before``, and step back if the same sample then costs far more.

    The check needs a second forward pass, so it is made only where a step can be dangerous: in the first steps, and where
    the loss stands far above its fading mean. A step that is undone halves the expert's step size, which then creeps back.
    With dropout the loss before the step is one of a thinned net, so before it is undone the whole net is asked too.
    """
    two_pass = ints(c, EX)[e * EXPERT_WIDTH + TWO_PASS] == 1
    run = view(reals(c, RUN), e * RUNNING_WIDTH, RUNNING_WIDTH)
    t = run[T]
    product = run[PRODUCT]
    suspicious = t < PROBATION or not within(before, run[FADING], SUSPICIOUS, 0)
    # bounded: one freak must not lift the mean so far that nothing is suspicious any more
    seen = min(before, run[FADING] + (SUSPICIOUS - 1) * abs(run[FADING]) + 1)
    run[FADING] = before if t == 0 else run[FADING] + (seen - run[FADING]) * 0.01
    if suspicious:
        call(c, COPY, p, (c, p, rows, n, KEEP))
    take_step(c, p, e, rows, v, n, weight, True)
    run[SCALE] = min(run[SCALE] * RECOVERY, 1.0)
    if not suspicious:
        return 0.0
    after = cost(c, p, e, rows, v, part, y)
    times, more = (EXPLOSION, 1.0) if t < PROBATION else (1.0, 0.0)
    if not within(after, before, times, more):
        call(c, COPY, p, (c, p, rows, n, TAKE_BACK))
        if two_pass and within(after, cost(c, p, e, rows, v, part, y), times, more):
            call(c, COPY, p, (c, p, rows, n, REDO))
            return 0.0
        run[PRODUCT] = product
        run[SCALE] *= 0.5
        run[DIVERGED] += 1
    return 0.0
