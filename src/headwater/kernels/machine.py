"""The machine: one sample through the program, forward, backward and into the weights.

The program is a table with one row an operation (columns in ``_op``). ``forward_op`` and ``backward_op`` are the one opcode
switch; everything above them is order: which sample, which expert, when to learn. ``c`` is the context (``_jit``), ``p`` the
parameters, ``base`` where a sample's activations begin.

Every layer is a table of rows, its bias the row of an input that is always 1: row 0 of the input table, the last row of a
dense layer. Behind each vector of activations two numbers stay free: the first holds that 1, and in the lists of non-zero
inputs, laid out like the activations, the second holds their length.
"""

from __future__ import annotations

import math

import numpy as np

from . import activations as act
from . import norm
from ._jit import call, context_at, entry, event, exact, ints, number, nums, order, reals, routine, strip, view
from ._op import (
    BACKWARD,
    FORWARD,
    A,
    ACTIVATE,
    ANSWERS,
    ASKED_ENDS,
    ASKED_SLOTS,
    ASKED_X,
    BACKWARD_NORM,
    BACKWARD_OP,
    BIAS,
    BUF,
    BUFFER,
    CAPACITY,
    CLIP_NORM,
    CLIP_VALUE,
    COLUMN,
    CONSTANT_WIDTH,
    COPY,
    COUNTED,
    D,
    DENSE_ROWS,
    DIFFERENTIATE,
    DIVERGED,
    DST,
    ENDS,
    EX,
    EXACT_LAZY,
    EXPERTS,
    EXPERT_WIDTH,
    FADING,
    FIRST,
    FORWARD_OP,
    GROWING,
    HATS,
    HEAD,
    HYPER,
    INFINITE,
    IOTA,
    IW,
    JUDGE,
    KNOTS,
    L1,
    L2,
    LAST,
    LENGTH,
    LINK,
    LOGITS,
    LOSS,
    COSTS,
    LOSS_A,
    LR,
    M,
    MEAN,
    N,
    NORMALISE,
    OP,
    OPC,
    OPINE,
    OUT,
    OUTPUTS,
    OVERFLOW,
    P,
    PAIRS,
    PAR,
    PENALISED,
    PRODUCT,
    PROG,
    PROGRAM_WIDTH,
    READ_ROWS,
    READ_SAMPLE,
    REPLAYS,
    RESERVOIR,
    RING,
    RING_N,
    RING_ROWS,
    RING_V,
    RING_WIDTH,
    RING_Y,
    RNG,
    RULE,
    RUN,
    RUNNING_WIDTH,
    S,
    SCALE,
    SCHED,
    SCHEDULE,
    SCRATCH,
    SLOTS,
    SPARSE,
    SPREAD,
    SRC,
    STANDARD,
    STATES,
    STATISTIC_WIDTH,
    STATS,
    STEP,
    STRIDE,
    T,
    TABLE,
    TARGETS,
    TOUCHED,
    TWO_PASS,
    UNDO,
    VAR,
    VW,
    W,
    WEIGHT,
    WIDTH,
    X,
    XC,
    Y,
    YS,
)
from ._vector import gather
from .dropout import DROPOUT, dropout_backward, dropout_forward, dropout_off, uniform
from .loss import evaluate, predict
from .optim import ADAMW, GRADIENT, NADAM
from .rows import DENSE, active, dot, encode, encode_plain, late_last, scatter, standardise
from .schedule import rate

_DENSE, _DROPOUT = DENSE.code, DROPOUT.code
_LAYER_NORM, _BATCH_NORM = norm.LAYER_NORM.code, norm.BATCH_NORM.code
_RELU, _LEAKY, _SIGMOID, _TANH = act.RELU.code, act.LEAKY_RELU.code, act.SIGMOID.code, act.TANH.code
_ELU, _SELU, _GELU, _SILU = act.ELU.code, act.SELU.code, act.GELU.code, act.SILU.code
_SOFTPLUS, _HARD_TANH = act.SOFTPLUS.code, act.HARD_TANH.code
_NADAM, _ADAMW = NADAM.code, ADAMW.code

MEASURE = -2
"""In place of a rule's code: only measure the gradient."""
PROBATION = 10
"""Steps that are all checked, because there is no fading mean yet to judge by."""
SUSPICIOUS = 16.0
"""A loss this many times its fading mean has its step checked."""
EXPLOSION = 4.0
"""A step after which the same sample costs this many times as much (and 1 more) is taken back."""
RECOVERY = 1.001
"""After a divergence the step size grows back by this factor a row: twofold in about 700."""
KEEP, TAKE_BACK, REDO = range(3)
"""What ``copy`` does."""
SHARE = 0.003
"""Share of the mixture that is spread evenly after each row, so that no expert is ever out of the running."""
HARDEST = 9.0
"""The largest loss that the mixture's weights see."""
ENDLESS = 1 << 40
TARGET_CLIP = 10.0
"""A standardised target lies within ±10: an absurd answer counts as a very large one."""


@routine(ACTIVATE, "i p t p")
def activate(code, x, c, y):
    """x, y (m,): the forward switch of the activations."""
    if code == _LEAKY:
        act.leaky_relu_forward(x, c, y)
    elif code == _SIGMOID:
        act.sigmoid_forward(x, c, y)
    elif code == _TANH:
        act.tanh_forward(x, c, y)
    elif code == _ELU:
        act.elu_forward(x, c, y)
    elif code == _SELU:
        act.selu_forward(x, c, y)
    elif code == _GELU:
        act.gelu_forward(x, c, y)
    elif code == _SILU:
        act.silu_forward(x, c, y)
    elif code == _SOFTPLUS:
        act.softplus_forward(x, c, y)
    elif code == _HARD_TANH:
        act.hard_tanh_forward(x, c, y)
    else:
        act.identity_forward(x, c, y)
    return 0.0


@routine(DIFFERENTIATE, "i p p p t p")
def differentiate(code, x, y, dy, c, dx):
    """x, y, dy, dx (m,): the backward switch of the activations."""
    if code == _LEAKY:
        act.leaky_relu_backward(x, y, dy, c, dx)
    elif code == _SIGMOID:
        act.sigmoid_backward(x, y, dy, c, dx)
    elif code == _TANH:
        act.tanh_backward(x, y, dy, c, dx)
    elif code == _ELU:
        act.elu_backward(x, y, dy, c, dx)
    elif code == _SELU:
        act.selu_backward(x, y, dy, c, dx)
    elif code == _GELU:
        act.gelu_backward(x, y, dy, c, dx)
    elif code == _SILU:
        act.silu_backward(x, y, dy, c, dx)
    elif code == _SOFTPLUS:
        act.softplus_backward(x, y, dy, c, dx)
    elif code == _HARD_TANH:
        act.hard_tanh_backward(x, y, dy, c, dx)
    else:
        act.identity_backward(x, y, dy, c, dx)
    return 0.0


@routine(NORMALISE, "n p n i p p f b")
def normalise(c, p, op, base, x, y, eps, learn):
    """x, y (m,): layer norm or batch norm, one sample at a time."""
    m = op[M]
    par = op[PAR]
    gain = view(p, par, m)
    shift = view(p, par + m, m)
    if op[OP] == _LAYER_NORM:
        kept = view(nums(c, A, p), base + op[DST] + m + 2, 2)
        norm.layer_norm_forward(x, gain, shift, par >= 0, eps, kept, y)
    else:
        running = view(nums(c, BUF, p), op[BUFFER], 2 * m + 1)
        norm.batch_norm_row(x, gain, shift, eps, running, learn, y)
    return 0.0


@routine(FORWARD_OP, "n p i i b")
def forward_op(c, p, o, base, learn):
    """Run operation o on the sample whose activations begin at ``base``; the forward half of the opcode switch."""
    op = view(ints(c, PROG), o * PROGRAM_WIDTH, PROGRAM_WIDTH)
    code = op[OP]
    n = op[N]
    m = op[M]
    a = nums(c, A, p)
    src = base + op[SRC]
    dst = base + op[DST]
    x = view(a, src, n)
    y = view(a, dst, m)
    if code == _DENSE:
        n += op[BIAS]
        x = view(a, src, n)
        rows = view(ints(c, IW), src, n + 1)
        if m == 1:  # one column lies contiguous: a dot product
            y[0] = dot(x, view(p, op[PAR], n))
        else:
            v = view(nums(c, VW, p), src, n)
            k = active(x, rows, v)
            for j in range(m):
                y[j] = 0
            gather(p, op[PAR], m, rows, v, k, y)
            view(ints(c, IW), src + op[N] + 1, 1)[0] = k
    elif code == _RELU:
        act.relu_forward(x, x[0], y)
    elif code == _LAYER_NORM or code == _BATCH_NORM:
        call(c, NORMALISE, p, (c, p, op, base, x, y, reals(c, OPC)[o], learn))
    elif code == _DROPOUT and learn:
        dropout_forward(x, reals(c, OPC)[o], ints(c, RNG), view(a, dst + m + 2, m), y)
    elif code == _DROPOUT:
        dropout_off(x, view(a, dst + m + 2, m), y)
    else:
        call(c, ACTIVATE, p, (code, x, number(p, reals(c, OPC)[o]), y))
    return 0.0


@routine(PENALISED, "n p p i i i n p i p f r b i f i")
def penalised(c, p, w, code, base, stride, rows, v, n, d, lr, xc, own, t, product, exempt):
    """Hand rows to the rule one by one, after clipping each number and adding the penalty; row ``exempt`` is a bias."""
    l1, l2, bound = xc[L1], xc[L2], xc[CLIP_VALUE]
    s = nums(c, S, p)
    cap = ints(c, HEAD)[CAPACITY]
    touched = ints(c, TOUCHED)
    m = len(d)
    scratch = nums(c, SCRATCH, p)
    g = view(scratch, 1, m)
    scratch[0] = 1
    for i in range(n):
        q = view(w, base + rows[i] * stride, m)
        weights = rows[i] != exempt
        for j in range(m):
            x = v[i] * d[j]
            if bound > 0:
                x = min(max(x, -bound), bound)
            if weights:
                x += l2 * q[j] + (l1 if q[j] > 0 else (-l1 if q[j] < 0 else 0.0))
            g[j] = x
        one = view(scratch, 0, 1)
        args = (code, w, s, cap, base, stride, view(rows, i, 1), one, 1, g, lr, xc, touched, own, t, product, exempt)
        call(c, STEP, p, args)
    return 0.0


@order
def descend(c, p, w, code, base, stride, rows, v, n, d, lr, xc, own, t, product, exempt):
    """Hand n rank-one rows to the rule: as they are, or one by one where they are clipped or penalised first."""
    if code == GRADIENT or (xc[L1] == 0 and xc[L2] == 0 and xc[CLIP_VALUE] == 0):
        s = nums(c, S, p)
        cap = ints(c, HEAD)[CAPACITY]
        args = (code, w, s, cap, base, stride, rows, v, n, d, lr, xc, ints(c, TOUCHED), own, t, product, exempt)
        call(c, STEP, p, args)
    else:
        call(c, PENALISED, p, (c, p, w, code, base, stride, rows, v, n, d, lr, xc, own, t, product, exempt))


@order
def backward_dense(c, p, w, op, base, code, lazy, lr, xc, t, product):
    """Delta of a dense layer's input, then its rows; returns the squared norm of its gradient if only measuring."""
    n, m, par = op[N], op[M], op[PAR]
    src = base + op[SRC]
    dy = view(nums(c, D, p), base + op[DST], m)
    dx = view(nums(c, D, p), src, n)
    every = n + op[BIAS]
    x = view(nums(c, A, p), src, every)
    rows = view(ints(c, IW), src, every)
    v = view(nums(c, VW, p), src, every)
    iota = ints(c, IOTA)
    k = ints(c, IW)[src + n + 1]
    if m == 1:
        q = dy[0]
        column = view(p, par, n)
        for i in range(n):
            dx[i] = q * column[i]
    elif op[SPARSE] == 1:  # behind a ReLU the delta of a silent unit would be multiplied by 0
        for i in range(n):
            dx[i] = 0
        scatter(p, par, m, rows, k - op[BIAS], dy, dx)
    else:
        scatter(p, par, m, iota, n, dy, dx)
    if code == MEASURE:
        return dot(x, x) * dot(dy, dy)
    exempt = n if op[BIAS] == 1 else -1
    if m == 1:  # rank one is symmetric: one column is one row, the input takes the place of the deltas
        plain = xc[L1] == 0 and xc[L2] == 0 and code != _ADAMW
        descend(c, p, w, code, par, n, iota, dy, 1, x if plain else view(x, 0, n), lr, xc, False, t, product, -1)
        if not plain and op[BIAS] == 1:
            descend(c, p, w, code, par + n, n, iota, dy, 1, view(x, n, 1), lr, xc, False, t, product, 0)
    elif lazy:
        descend(c, p, w, code, par, m, rows, v, k, dy, lr, xc, False, t, product, exempt)
    else:
        descend(c, p, w, code, par, m, iota, x, every, dy, lr, xc, False, t, product, exempt)
    return 0.0


@routine(BACKWARD_NORM, "n p p n i i f r i f")
def backward_norm(c, p, w, op, base, code, lr, xc, t, product):
    """Delta of a normalisation's input, then its gains and shifts; returns the squared norm if only measuring."""
    m, par = op[M], op[PAR]
    x = view(nums(c, A, p), base + op[SRC], m)
    dy = view(nums(c, D, p), base + op[DST], m)
    dx = view(nums(c, D, p), base + op[SRC], m)
    gain = view(nums(c, SCRATCH, p), 1 + m, m)
    if op[OP] == _LAYER_NORM:
        kept = view(nums(c, A, p), base + op[DST] + m + 2, 2)
        norm.layer_norm_backward(x, view(p, par, m), par >= 0, kept, dy, gain, dx)
    else:
        running = view(nums(c, BUF, p), op[BUFFER], 2 * m + 1)
        norm.batch_norm_row_backward(x, view(p, par, m), running, dy, gain, dx)
    if par < 0:
        return 0.0
    if code == MEASURE:
        return dot(gain, gain) + dot(dy, dy)
    iota = ints(c, IOTA)
    one = nums(c, VW, p)
    descend(c, p, w, code, par, m, iota, one, 1, gain, lr, xc, False, t, product, 0)
    descend(c, p, w, code, par + m, m, iota, one, 1, dy, lr, xc, False, t, product, 0)
    return 0.0


@routine(BACKWARD_OP, "n p p i i i b f r i f")
def backward_op(c, p, w, o, base, code, lazy, lr, xc, t, product):
    """Backward half of the opcode switch: the delta of operation o's input, then (into ``w``, by rule ``code``) its step.

    With the code GRADIENT the gradient is added to ``w``; with MEASURE nothing is written and the squared norm of the
    parameters' gradient is returned.
    """
    op = view(ints(c, PROG), o * PROGRAM_WIDTH, PROGRAM_WIDTH)
    kind = op[OP]
    if kind == _DENSE:
        return backward_dense(c, p, w, op, base, code, lazy, lr, xc, t, product)
    if kind == _LAYER_NORM or kind == _BATCH_NORM:
        return call(c, BACKWARD_NORM, p, (c, p, w, op, base, code, lr, xc, t, product))
    n = op[N]
    a = nums(c, A, p)
    d = nums(c, D, p)
    x = view(a, base + op[SRC], n)
    y = view(a, base + op[DST], n)
    dy = view(d, base + op[DST], n)
    dx = view(d, base + op[SRC], n)
    if kind == _RELU:
        act.relu_backward(x, y, dy, x[0], dx)
    elif kind == _DROPOUT:
        dropout_backward(dy, view(a, base + op[DST] + n + 2, n), dx)
    else:
        call(c, DIFFERENTIATE, p, (kind, x, y, dy, number(p, reals(c, OPC)[o]), dx))
    return 0.0


@routine(READ_ROWS, "n p i n p i")
def read_rows(c, p, base, rows, v, n):
    """First layer of all experts at once, from the n pairs that take part."""
    head = ints(c, HEAD)
    z = view(nums(c, A, p), base + ints(c, PROG)[DST], head[STRIDE])
    for j in range(len(z)):
        z[j] = 0
    gather(p, head[TABLE], head[STRIDE], rows, v, n, z)
    return 0.0


@routine(FORWARD, "n p i i b")
def forward(c, p, e, base, learn):
    """Run expert e on what the rows gave. Returns 1 if its logits are finite, else 0."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    for o in range(ex[FIRST], ex[LAST]):
        forward_op(c, p, o, base, learn)
    z = view(nums(c, A, p), base + ex[LOGITS], ex[OUTPUTS])
    for j in range(len(z)):
        if not math.isfinite(z[j]):
            return 0.0
    return 1.0


@routine(BACKWARD, "n p p i i n p i i b f i f")
def backward(c, p, w, e, base, rows, v, n, code, lazy, lr, t, product):
    """Deltas of expert e from its logits down, and each layer's step as soon as its delta has passed."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    xc = view(reals(c, XC), e * CONSTANT_WIDTH, CONSTANT_WIDTH)
    square = 0.0
    for o in range(ex[LAST] - 1, ex[FIRST] - 1, -1):
        square += backward_op(c, p, w, o, base, code, lazy, lr, xc, t, product)
    head = ints(c, HEAD)
    dz = view(nums(c, D, p), base + ints(c, PROG)[DST] + ex[COLUMN], ex[WIDTH])
    if code == MEASURE:
        return square + dot(view(v, 0, n), view(v, 0, n)) * dot(dz, dz)
    table = head[TABLE] + ex[COLUMN]
    descend(c, p, w, code, table, head[STRIDE], rows, v, n, dz, lr, xc, code >= 0, t, product, 0)
    return 0.0


@order
def take_step(c, p, e, rows, v, n, weight):
    """One descent of expert e: the loss's gradient stands in D at the logits, the sample's activations in A."""
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
    call(c, BACKWARD, p, (c, p, p, e, 0, rows, v, n, ex[RULE], lazy, lr, t, run[PRODUCT]))
    run[T] = t


@routine(COPY, "n p n i i")
def copy(c, p, rows, n, mode):
    """KEEP in UNDO all that a step on these n rows can change (dense part, and rows, of P and of each state), or exchange
    the two: TAKE_BACK a step, REDO it (from the last row to the first: a row may be listed twice)."""
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


@routine(LINK, "n p i b")
def link(c, p, e, sound):
    """Put expert e's own prediction, its logits through the link, at e·k of the scratch."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    k = ex[OUTPUTS]
    z = view(nums(c, A, p), ex[LOGITS], k)
    if not sound:  # no opinion rather than no number
        for j in range(k):
            z[j] = 0
    predict(ex[LOSS], z, view(nums(c, SCRATCH, p), e * k, k))
    return 0.0


@routine(JUDGE, "n p i r")
def judge(c, p, e, y):
    """Loss of expert e for the answer y (targets,), from its linked prediction; the gradient goes into D at the logits."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    k = ex[OUTPUTS]
    z = view(nums(c, A, p), ex[LOGITS], k)
    scratch = nums(c, SCRATCH, p)
    target = view(scratch, ints(c, HEAD)[EXPERTS] * k, len(y))
    for j in range(len(y)):
        target[j] = y[j]
    constant = reals(c, XC)[e * CONSTANT_WIDTH + LOSS_A]
    return evaluate(ex[LOSS], constant, z, target, view(scratch, e * k, k), view(nums(c, D, p), ex[LOGITS], k))


@exact
def within(value, measure, times, more):
    """Return whether value is at most ``times`` the measure and ``more``; a loss (Poisson's) may be negative."""
    return value <= measure + (times - 1) * abs(measure) + more


@order
def cost(c, p, e, rows, v, part, y):
    """Loss of the sample as the weights now stand, infinite if its logits are."""
    call(c, READ_ROWS, p, (c, p, 0, rows, v, part))
    sound = call(c, FORWARD, p, (c, p, e, 0, False)) > 0
    call(c, LINK, p, (c, p, e, sound))
    value = call(c, JUDGE, p, (c, p, e, y))
    return value if sound else math.inf


@order
def learn_row(c, p, e, rows, v, part, n, y, weight, before):
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
    take_step(c, p, e, rows, v, n, weight)
    run[SCALE] = min(run[SCALE] * RECOVERY, 1.0)
    if not suspicious:
        return
    after = cost(c, p, e, rows, v, part, y)
    if not within(after, before, EXPLOSION, 1):
        call(c, COPY, p, (c, p, rows, n, TAKE_BACK))
        if two_pass and within(after, cost(c, p, e, rows, v, part, y), EXPLOSION, 1):
            call(c, COPY, p, (c, p, rows, n, REDO))
            return
        run[PRODUCT] = product
        run[SCALE] *= 0.5
        run[DIVERGED] += 1


@routine(READ_SAMPLE, "n p n n r i b")
def read_sample(c, p, slots, ends, x, i, learn):
    """Pairs of sample i of a block into the lists at PAIRS; returns how many in all, iw[0] keeps how many take part."""
    head, iw, vw = ints(c, HEAD), ints(c, IW), nums(c, VW, p)
    half = (head[LENGTH] - head[PAIRS]) // 2
    rows, v = view(iw, head[PAIRS], half), view(vw, head[PAIRS], half)
    first = ends[i]
    shift = first if head[DENSE_ROWS] > 0 else 0
    bias = ints(c, PROG)[BIAS] == 1
    refused = view(reals(c, RUN), INFINITE, 2)
    last = ends[i + 1]
    n = 0
    if head[DENSE_ROWS] == 2:
        n = encode_plain(view(slots, 0, last - first), view(x, first, last - first), ints(c, PROG)[BIAS], rows, v)
    if n == 0:
        n = encode(
            slots, x, first, last, shift, reals(c, STATS), reals(c, KNOTS), reals(c, RESERVOIR), head[HATS], bias,
            head[STANDARD] == 1, learn, refused, ints(c, RNG), rows, v,
        )  # fmt: skip
    part = n
    if head[GROWING] == 1:
        spare = head[PAIRS] + half
        part = late_last(ints(c, TOUCHED), rows, v, n, view(iw, spare, half), view(vw, spare, half))
    iw[0] = part
    return float(n)


@routine(OPINE, "n p p")
def opine(c, p, out):
    """All experts on what the rows gave, and their mixture Σ wₑ·pₑ into out (k,), in the answer's own units.

    COSTS keeps which of them have logits that are not finite: ∞ for these, 0 for the others.
    """
    head = ints(c, HEAD)
    k = len(out)
    run = reals(c, RUN)
    for j in range(k):
        out[j] = 0
    for e in range(head[EXPERTS]):
        sound = call(c, FORWARD, p, (c, p, e, 0, False)) > 0
        call(c, LINK, p, (c, p, e, sound))
        own = view(nums(c, SCRATCH, p), e * k, k)
        w = number(p, run[e * RUNNING_WIDTH + WEIGHT])
        for j in range(k):
            out[j] += w * own[j]
        reals(c, COSTS)[e] = 0.0 if sound else math.inf
    if head[TARGETS] == 1:
        ys = reals(c, YS)
        for j in range(k):
            q = j * STATISTIC_WIDTH
            out[j] = ys[q + MEAN] + math.sqrt(ys[q + VAR]) * out[j]
    return 0.0


@order
def weigh(c, p, y, losses):
    """Fixed-share Hedge: w ← w·exp(−loss/2), normalised, then a small share spread evenly; y (targets,), losses (experts,).

    For cross-entropy the factor is √p of the right class. For numbers the loss is in units of the mixture's own fading
    error, and bounded, so that one freak decides nothing. Herbster & Warmuth 1998.
    """
    head, run = ints(c, HEAD), reals(c, RUN)
    experts = head[EXPERTS]
    spread = 1.0
    if head[TARGETS] == 1:
        mixed = 0.0
        for e in range(experts):
            mixed += run[e * RUNNING_WIDTH + WEIGHT] * losses[e]
        spread = max(run[SPREAD], 1e-6)
        run[SPREAD] = mixed if run[SPREAD] == 0 else run[SPREAD] + (mixed - run[SPREAD]) * 0.001
    total = 0.0
    for e in range(experts):
        w = run[e * RUNNING_WIDTH + WEIGHT] * math.exp(-0.5 * min(losses[e] / spread, HARDEST))
        run[e * RUNNING_WIDTH + WEIGHT] = w
        total += w
    for e in range(experts):
        q = e * RUNNING_WIDTH + WEIGHT
        run[q] = (1 - SHARE) * run[q] / total + SHARE / experts


@order
def replay(c, p, e):
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
        for j in range(len(z)):
            z[j] = 0
        gather(table, 0, head[STRIDE], rows, v, n, z)
        if call(c, FORWARD, p, (c, p, e, 0, True)) > 0:
            call(c, LINK, p, (c, p, e, True))
            call(c, JUDGE, p, (c, p, e, view(reals(c, RING_Y), i * answers, answers)))
            take_step(c, p, e, rows, v, n, 1.0)


@order
def keep(c, p, n, y):
    """Put the sample's pairs and answer into the ring of the last ones."""
    head, rng = ints(c, HEAD), ints(c, RNG)
    width = head[RING_WIDTH]
    i = rng[1] % head[RING]
    rows, v = ints(c, IW), nums(c, VW, p)
    kept_rows, kept_v = ints(c, RING_ROWS), nums(c, RING_V, p)
    for j in range(n):
        kept_rows[i * width + j] = rows[head[PAIRS] + j]
        kept_v[i * width + j] = v[head[PAIRS] + j]
    ints(c, RING_N)[i] = n
    for j in range(len(y)):
        reals(c, RING_Y)[i * len(y) + j] = y[j]
    rng[1] += 1


@order
def learn_sample(c, p, part, n, y, weight, fresh):
    """Every expert learns the sample whose pairs are at hand; ``fresh``: all of them have just predicted it."""
    head = ints(c, HEAD)
    rows, v = view(ints(c, IW), head[PAIRS], n), view(nums(c, VW, p), head[PAIRS], n)
    experts = head[EXPERTS]
    losses = reals(c, COSTS)
    for e in range(experts):
        sound = losses[e] == 0
        if not fresh or ints(c, EX)[e * EXPERT_WIDTH + TWO_PASS] == 1:
            sound = call(c, FORWARD, p, (c, p, e, 0, True)) > 0
            call(c, LINK, p, (c, p, e, sound))
        losses[e] = call(c, JUDGE, p, (c, p, e, y)) if sound else math.inf
    if experts > 1:
        weigh(c, p, y, losses)
    for e in range(experts):
        if math.isfinite(losses[e]):
            learn_row(c, p, e, rows, v, part, n, y, weight, losses[e])
        else:
            reals(c, RUN)[e * RUNNING_WIDTH + OVERFLOW] += 1


@order
def _learn_rows(c, p, count, same):
    """Predict row i of the asked block, then learn row i of the block, for every i in turn: the route's inner loop.

    The block stands in the context: SLOTS, X (entries,), ENDS (count + 1,) where each sample's entries end, Y (count,
    ANSWERS) which is overwritten, W (count,) weights (0 teaches nothing), OUT (count, k) predictions, each made before its
    row was learned; ASKED_… the samples to predict, unless they are the ``same``.
    """
    head = ints(c, HEAD)
    k = ints(c, EX)[OUTPUTS]
    answers = head[ANSWERS]
    touched = ints(c, TOUCHED)
    rows, v = view(ints(c, IW), head[PAIRS], ENDLESS), view(nums(c, VW, p), head[PAIRS], ENDLESS)
    for i in range(count):
        shown = view(nums(c, OUT, p), i * k, k)
        teaches = reals(c, W)[i] > 0
        if not same:
            asked = (c, p, ints(c, ASKED_SLOTS), ints(c, ASKED_ENDS), reals(c, ASKED_X), i, False)
            call(c, READ_SAMPLE, p, asked)
            call(c, READ_ROWS, p, (c, p, 0, rows, v, ints(c, IW)[0]))
            call(c, OPINE, p, (c, p, shown))
        n = int(call(c, READ_SAMPLE, p, (c, p, ints(c, SLOTS), ints(c, ENDS), reals(c, X), i, teaches)))
        part = ints(c, IW)[0]
        call(c, READ_ROWS, p, (c, p, 0, rows, v, part))
        if same:
            call(c, OPINE, p, (c, p, shown))
        if not teaches:
            continue
        y = view(reals(c, Y), i * answers, answers)
        if head[TARGETS] == 1:
            for j in range(answers):
                stat = view(reals(c, YS), j * STATISTIC_WIDTH, STATISTIC_WIDTH)
                y[j] = standardise(stat, y[j], TARGET_CLIP, True)
        if head[COUNTED] == 1:
            for j in range(n):
                touched[rows[j]] += 1
        learn_sample(c, p, part, n, y, reals(c, W)[i], same)
        if head[RING] > 0:
            for e in range(head[EXPERTS]):
                if ints(c, RNG)[1] > 0:
                    replay(c, p, e)
            keep(c, p, n, y)


@order
def _predict_rows(c, p, count):
    """Predict ``count`` samples (SLOTS, ENDS, X) into OUT (count, k) and change nothing but scratch."""
    head = ints(c, HEAD)
    rows, v = view(ints(c, IW), head[PAIRS], ENDLESS), view(nums(c, VW, p), head[PAIRS], ENDLESS)
    k = ints(c, EX)[OUTPUTS]
    for i in range(count):
        call(c, READ_SAMPLE, p, (c, p, ints(c, SLOTS), ints(c, ENDS), reals(c, X), i, False))
        call(c, READ_ROWS, p, (c, p, 0, rows, v, ints(c, IW)[0]))
        call(c, OPINE, p, (c, p, view(nums(c, OUT, p), i * k, k)))


@entry
def learn_rows(context, parameters, count, same):
    """Learn a block; see ``_learn_rows``."""
    _learn_rows(strip(context), strip(parameters), count, same)


@entry
def predict_rows(context, parameters, count):
    """Predict a block; see ``_predict_rows``."""
    _predict_rows(strip(context), strip(parameters), count)


_FLOAT32, _FLOAT64 = np.zeros(1, np.float32), np.zeros(1, np.float64)


@event
def predict_event32(context):
    """Predict the one sample in the context at that address; float32."""
    c = context_at(context)
    _predict_rows(c, nums(c, P, strip(_FLOAT32)), 1)


@event
def learn_event32(context, y, w):
    """Learn the one sample in the context at that address, with that answer and weight; float32."""
    c = context_at(context)
    reals(c, Y)[0] = y
    reals(c, W)[0] = w
    _learn_rows(c, nums(c, P, strip(_FLOAT32)), 1, True)


@event
def predict_event64(context):
    """Predict the one sample in the context at that address; float64."""
    c = context_at(context)
    _predict_rows(c, nums(c, P, strip(_FLOAT64)), 1)


@event
def learn_event64(context, y, w):
    """Learn the one sample in the context at that address, with that answer and weight; float64."""
    c = context_at(context)
    reals(c, Y)[0] = y
    reals(c, W)[0] = w
    _learn_rows(c, nums(c, P, strip(_FLOAT64)), 1, True)
