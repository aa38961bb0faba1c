"""Mini-batches: the same operations over many samples at once, and the gradient written down.

Here the four steps of the principle stand apart: ``forward_batch``, the loss and ``gradient_batch`` (backward, summed over the
samples into G), ``apply_batch`` (the update). Operation by operation over the samples, so that a layer's weights are read
from the nearest cache for the whole batch, and so that batch norm can see it.

Names as in ``machine``; sample i's activations begin at i·LENGTH; x (count, inputs); MO holds batch norm's moments of this
batch, four numbers for each of a buffer's.
"""

from __future__ import annotations

import math

from . import machine as _machine  # noqa: F401  its routines are called by address
from . import norm
from ._jit import Array, call, dot, entry, flush_tiny, ints, number, nums, order, reals, restore, strip, view
from ._op import (
    BACKWARD_OP,
    BIAS,
    BUF,
    BUFFER,
    CLIP_NORM,
    DST,
    EX,
    FIRST,
    FORWARD_OP,
    HEAD,
    HYPER,
    IOTA,
    IW,
    L1,
    L2,
    LAST,
    LENGTH,
    LOGITS,
    LOSS,
    LOSS_A,
    LR,
    MO,
    OP,
    OPC,
    OUT,
    OUTPUTS,
    PAIRS,
    PAR,
    PRODUCT,
    PROG,
    PROGRAM_WIDTH,
    READ_ROWS,
    RULE,
    RUN,
    SCALE,
    SCHED,
    SCHEDULE,
    SCRATCH,
    SRC,
    STRIDE,
    TABLE,
    VW,
    XC,
    A,
    D,
    M,
    N,
    T,
)
from .adam import NADAM
from .descend import descend
from .loss import evaluate, predict
from .optim import GRADIENT
from .rows import DENSE, EMBEDDING
from .schedule import rate

_BATCH_NORM, _LAYER_NORM = norm.BATCH_NORM.code, norm.LAYER_NORM.code
_DENSE, _EMBEDDING, _NADAM = DENSE.code, EMBEDDING.code, NADAM.code


@order
def list_inputs(c: Array, p: Array, x: Array, i: int, count: int) -> int:
    """Pairs of sample i of x (count·inputs,), kept at its PAIRS, their number one before."""
    prog = ints(c, PROG)
    head = ints(c, HEAD)
    inputs = len(x) // count
    at = i * head[LENGTH] + head[PAIRS]
    rows = view(ints(c, IW), at, inputs + 1)
    v = view(nums(c, VW, p), at, inputs + 1)
    n = 0
    if prog[BIAS] == 1:
        rows[0] = 0
        v[0] = 1
        n = 1
    for j in range(inputs):
        q = x[i * inputs + j]
        if prog[OP] == _EMBEDDING:
            rows[n] = int(q) + 1
            v[n] = 1
            n += 1
        elif q != 0 and not math.isnan(q):  # missing: no pair
            rows[n] = j + 1
            v[n] = q
            n += 1
    view(ints(c, IW), at - 1, 1)[0] = n
    return n


@order
def forward_all(c: Array, p: Array, x: Array, count: int, learn: bool) -> None:
    """All samples of x (count·inputs,) through the program."""
    head = ints(c, HEAD)
    ex = ints(c, EX)
    length = head[LENGTH]
    for i in range(count):
        n = list_inputs(c, p, x, i, count)
        at = i * length + head[PAIRS]
        pairs = (c, p, i * length, view(ints(c, IW), at, n), view(nums(c, VW, p), at, n), n)
        call(c, READ_ROWS, p, pairs)
    for o in range(ex[FIRST], ex[LAST]):
        if learn and ints(c, PROG)[o * PROGRAM_WIDTH + OP] == _BATCH_NORM:
            normalise_batch(c, p, o, count)
            continue
        for i in range(count):
            call(c, FORWARD_OP, p, (c, p, o, i * length, learn))


@order
def normalise_batch(c: Array, p: Array, o: int, count: int) -> None:
    """Batch norm of the samples by their own moments."""
    op = view(ints(c, PROG), o * PROGRAM_WIDTH, PROGRAM_WIDTH)
    length = ints(c, HEAD)[LENGTH]
    m, at = op[M], op[BUFFER]
    a = nums(c, A, p)
    mo = view(nums(c, MO, p), 4 * at, 2 * m)
    mean, rstd = view(mo, 0, m), view(mo, m, m)
    running = view(nums(c, BUF, p), at, 2 * m + 1)
    norm.batch_norm_moments(a, op[SRC], length, count, m, reals(c, OPC)[o], running, mean, rstd)
    gain, shift = view(p, op[PAR], m), view(p, op[PAR] + m, m)
    for i in range(count):
        x = view(a, i * length + op[SRC], m)
        y = view(a, i * length + op[DST], m)
        for j in range(m):
            y[j] = gain[j] * (x[j] - mean[j]) * rstd[j] + shift[j]


@order
def backward_batch_norm(c: Array, p: Array, g: Array, o: int, count: int) -> None:
    """Deltas of batch norm's inputs for all samples, its gradients into g."""
    op = view(ints(c, PROG), o * PROGRAM_WIDTH, PROGRAM_WIDTH)
    length = ints(c, HEAD)[LENGTH]
    m = op[M]
    a, d = nums(c, A, p), nums(c, D, p)
    mo = view(nums(c, MO, p), 4 * op[BUFFER], 4 * m)
    mean, rstd, dshift, dgain = view(mo, 0, m), view(mo, m, m), view(mo, 2 * m, m), view(mo, 3 * m, m)
    norm.batch_norm_sums(a, d, op[SRC], op[DST], length, count, m, mean, rstd, dshift, dgain)
    for j in range(m):
        g[op[PAR] + j] += dgain[j]
        g[op[PAR] + m + j] += dshift[j]
    gain = view(p, op[PAR], m)
    for i in range(count):
        x, dx = view(a, i * length + op[SRC], m), view(d, i * length + op[SRC], m)
        dy = view(d, i * length + op[DST], m)
        norm.batch_norm_sample_backward(x, gain, mean, rstd, dy, dshift, dgain, count, dx)


@order
def settle(z: Array) -> None:
    """Z (k,): zeros if one of them is not finite: no opinion rather than no number, as in ``machine.give``."""
    sound = True
    for j in range(len(z)):
        sound = sound and math.isfinite(z[j])
    for j in range(len(z)):
        z[j] = z[j] if sound else 0


@entry
def forward_batch(context: Array, parameters: Array, x: Array, count: int) -> None:
    """Predictions OUT (count, k) for x (count·inputs,), through the link; nothing is learned."""
    mode = flush_tiny()
    c, p = strip(context), strip(parameters)
    forward_all(c, p, strip(x), count, False)
    ex = ints(c, EX)
    k = ex[OUTPUTS]
    for i in range(count):
        z = view(nums(c, A, p), i * ints(c, HEAD)[LENGTH] + ex[LOGITS], k)
        settle(z)
        predict(ex[LOSS], z, view(nums(c, OUT, p), i * k, k))
    restore(mode)


@entry
def gradient_batch(
    context: Array,
    parameters: Array,
    x: Array,
    count: int,
    answers_: Array,
    weights: Array,
    total: float,
    learn: bool,
    gradient: Array,
) -> float:
    """Loss of x (count·inputs,), answers_ (count·targets,) over ``total``; its gradient is added to gradient (parameters,)."""
    mode = flush_tiny()
    c, p, y, g = strip(context), strip(parameters), strip(answers_), strip(gradient)
    forward_all(c, p, strip(x), count, learn)
    head, ex, xc = ints(c, HEAD), ints(c, EX), reals(c, XC)
    length = head[LENGTH]
    k = ex[OUTPUTS]
    answers = len(y) // count
    link = view(nums(c, SCRATCH, p), 0, k)
    value = 0.0
    for i in range(count):
        z = view(nums(c, A, p), i * length + ex[LOGITS], k)
        delta = view(nums(c, D, p), i * length + ex[LOGITS], k)
        predict(ex[LOSS], z, link)
        value += weights[i] * evaluate(ex[LOSS], xc[LOSS_A], z, view(y, i * answers, answers), link, delta)
        for j in range(k):
            delta[j] *= number(p, weights[i] / total)
    for o in range(ex[LAST] - 1, ex[FIRST] - 1, -1):
        if learn and ints(c, PROG)[o * PROGRAM_WIDTH + OP] == _BATCH_NORM:
            backward_batch_norm(c, p, g, o, count)
            continue
        for i in range(count):
            call(c, BACKWARD_OP, p, (c, p, g, o, i * length, GRADIENT, True, 0.0, xc, 1, 1.0))
    for i in range(count):
        at = i * length + head[PAIRS]
        n = ints(c, IW)[at - 1]
        rows, v = view(ints(c, IW), at, n), view(nums(c, VW, p), at, n)
        dz = view(nums(c, D, p), i * length + ints(c, PROG)[DST], head[STRIDE])
        descend(c, p, g, GRADIENT, head[TABLE], head[STRIDE], rows, v, n, dz, 0.0, xc, False, 1, 1.0, 0)
    restore(mode)
    return value / total


@order
def apply_segment(
    c: Array, p: Array, g: Array, at: int, n: int, lr: float, t: int, product: float, weights: bool
) -> None:
    """One update of the n numbers at ``at``: a row of rank one with v = 1 and the gradient itself as delta."""
    xc = reals(c, XC)
    exempt = -1 if weights else 0
    one = nums(c, VW, p)
    descend(c, p, p, ints(c, EX)[RULE], at, n, ints(c, IOTA), one, 1, view(g, at, n), lr, xc, False, t, product, exempt)


@entry
def apply_batch(context: Array, parameters: Array, gradient: Array, penalise: bool) -> None:
    """Update: one step of the rule from the gradient (all parameters), clipped first and penalised if asked."""
    mode = flush_tiny()
    c, p, g = strip(context), strip(parameters), strip(gradient)
    head, ex, xc, run, prog = ints(c, HEAD), ints(c, EX), reals(c, XC), reals(c, RUN), ints(c, PROG)
    t = int(run[T]) + 1
    lr = rate(ex[SCHEDULE], xc[LR], xc[SCHED], xc[SCHED + 1], t) * run[SCALE]
    if ex[RULE] == _NADAM:
        run[PRODUCT] *= xc[HYPER] * (1 - 0.5 * 0.96 ** (t * xc[HYPER + 3]))
    if xc[CLIP_NORM] > 0:
        size = math.sqrt(dot(g, g))
        if size > xc[CLIP_NORM]:
            for j in range(len(g)):
                g[j] *= number(p, xc[CLIP_NORM] / size)
    keep1, keep2 = xc[L1], xc[L2]
    if not penalise:
        xc[L1] = 0
        xc[L2] = 0
    product = run[PRODUCT]
    for o in range(ex[FIRST], ex[LAST]):
        op = view(prog, o * PROGRAM_WIDTH, PROGRAM_WIDTH)
        n, m, par = op[N], op[M], op[PAR]
        if op[OP] == _DENSE:
            apply_segment(c, p, g, par, n * m, lr, t, product, True)
            if op[BIAS] == 1:
                apply_segment(c, p, g, par + n * m, m, lr, t, product, False)
        elif (op[OP] == _BATCH_NORM or op[OP] == _LAYER_NORM) and par >= 0:
            apply_segment(c, p, g, par, 2 * m, lr, t, product, False)
    stride = head[STRIDE]
    if prog[BIAS] == 1:
        apply_segment(c, p, g, head[TABLE], stride, lr, t, product, False)
    apply_segment(c, p, g, head[TABLE] + stride, (prog[N] - 1) * stride, lr, t, product, True)
    xc[L1] = keep1
    xc[L2] = keep2
    run[T] = t
    restore(mode)
