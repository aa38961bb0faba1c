"""The machine: one sample through the program, forward, backward and into the weights.

The program is a table with one row an operation (columns in ``_op``). ``forward_op`` and ``backward_op`` are the one opcode
switch; what is above them is order, in ``step``, ``mix`` and ``stream``: when to
learn, which expert, which sample. ``c`` is the context (``_jit``), ``p`` the
parameters, ``base`` where a sample's activations begin.

Every layer is a table of rows, its bias the row of an input that is always 1: row 0 of the input table, the last row of a
dense layer. Behind each vector of activations two numbers stay free: the first holds that 1, and in the lists of non-zero
inputs, laid out like the activations, the second holds their length.
"""

from __future__ import annotations

import math

from . import activations as act
from . import norm
from ._jit import Array, call, dot, gather, ints, number, nums, order, reals, routine, turn, view
from ._op import (
    ACTIVATE,
    BACKWARD,
    BACKWARD_NORM,
    BACKWARD_OP,
    BIAS,
    BUF,
    BUFFER,
    CLIP_VALUE,
    COLUMN,
    CONSTANT_WIDTH,
    DIFFERENTIATE,
    DST,
    EX,
    EXPERT_WIDTH,
    FIRST,
    FORWARD_OP,
    GROWS,
    HEAD,
    IOTA,
    IW,
    L1,
    L2,
    LAST,
    LOGITS,
    NORMALISE,
    OP,
    OPC,
    OUTPUTS,
    PAR,
    PROG,
    PROGRAM_WIDTH,
    READ_ROWS,
    RNG,
    SCRATCH,
    SPARSE,
    SRC,
    STRIDE,
    TABLE,
    VW,
    WIDTH,
    XC,
    A,
    D,
    M,
    N,
)
from .adam import ADAMW
from .descend import descend
from .dropout import DROPOUT, dropout_backward, dropout_forward, dropout_off
from .optim import SGD
from .rows import DENSE, active, scatter

_DENSE, _DROPOUT = DENSE.code, DROPOUT.code
_LAYER_NORM, _BATCH_NORM = norm.LAYER_NORM.code, norm.BATCH_NORM.code
_RELU, _LEAKY, _SIGMOID, _TANH = act.RELU.code, act.LEAKY_RELU.code, act.SIGMOID.code, act.TANH.code
_ELU, _SELU, _GELU, _SILU = act.ELU.code, act.SELU.code, act.GELU.code, act.SILU.code
_SOFTPLUS, _HARD_TANH = act.SOFTPLUS.code, act.HARD_TANH.code
_ADAMW, _SGD = ADAMW.code, SGD.code

MEASURE = -2
"""In place of a rule's code: only measure the gradient."""


@routine(ACTIVATE, "i p t p")
def activate(code: int, x: Array, c: float, y: Array) -> float:
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
def differentiate(code: int, x: Array, y: Array, dy: Array, c: float, dx: Array) -> float:
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
def normalise(c: Array, p: Array, op: Array, base: int, x: Array, y: Array, eps: float, learn: bool) -> float:
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
def forward_op(c: Array, p: Array, o: int, base: int, learn: bool) -> float:
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
        if m == 1 and op[GROWS] == 0:  # one column lies contiguous: a dot product
            y[0] = dot(x, view(p, op[PAR], n))
        else:
            v = view(nums(c, VW, p), src, n)
            k = active(x, rows, v)
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


@order
def backward_dense(
    c: Array,
    p: Array,
    w: Array,
    op: Array,
    base: int,
    code: int,
    lazy: bool,
    lr: float,
    xc: Array,
    t: int,
    product: float,
) -> float:
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
    if m == 1 and code == _SGD and xc[L1] == 0 and xc[L2] == 0 and xc[CLIP_VALUE] == 0:
        q, step = dy[0], number(p, lr)
        turn(view(p, par, n), x, q, step, dx)
        if op[BIAS] == 1:
            p[par + n] -= step * q
        return 0.0
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
        return float(dot(x, x) * dot(dy, dy))
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
def backward_norm(
    c: Array, p: Array, w: Array, op: Array, base: int, code: int, lr: float, xc: Array, t: int, product: float
) -> float:
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
        return float(dot(gain, gain) + dot(dy, dy))
    iota = ints(c, IOTA)
    one = nums(c, VW, p)
    descend(c, p, w, code, par, m, iota, one, 1, gain, lr, xc, False, t, product, 0)
    descend(c, p, w, code, par + m, m, iota, one, 1, dy, lr, xc, False, t, product, 0)
    return 0.0


@routine(BACKWARD_OP, "n p p i i i b f r i f")
def backward_op(
    c: Array, p: Array, w: Array, o: int, base: int, code: int, lazy: bool, lr: float, xc: Array, t: int, product: float
) -> float:
    """Backward half of the opcode switch: the delta of operation o's input, then (into ``w``, by rule ``code``) its step.

    With the code GRADIENT the gradient is added to ``w``; with MEASURE nothing is written and the squared norm of the
    parameters' gradient is returned.
    """
    op = view(ints(c, PROG), o * PROGRAM_WIDTH, PROGRAM_WIDTH)
    kind = op[OP]
    if kind == _DENSE:
        return backward_dense(c, p, w, op, base, code, lazy, lr, xc, t, product)
    if kind == _LAYER_NORM or kind == _BATCH_NORM:
        return float(call(c, BACKWARD_NORM, p, (c, p, w, op, base, code, lr, xc, t, product)))
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
def read_rows(c: Array, p: Array, base: int, rows: Array, v: Array, n: int) -> float:
    """First layer of all experts at once, from the n pairs that take part."""
    head = ints(c, HEAD)
    z = view(nums(c, A, p), base + ints(c, PROG)[DST], head[STRIDE])
    gather(p, head[TABLE], head[STRIDE], rows, v, n, z)
    return 0.0


@order
def forward(c: Array, p: Array, e: int, base: int, learn: bool) -> float:
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
def backward(
    c: Array,
    p: Array,
    w: Array,
    e: int,
    base: int,
    rows: Array,
    v: Array,
    n: int,
    code: int,
    lazy: bool,
    lr: float,
    t: int,
    product: float,
) -> float:
    """Deltas of expert e from its logits down, and each layer's step as soon as its delta has passed."""
    ex = view(ints(c, EX), e * EXPERT_WIDTH, EXPERT_WIDTH)
    xc = view(reals(c, XC), e * CONSTANT_WIDTH, CONSTANT_WIDTH)
    square = 0.0
    for o in range(ex[LAST] - 1, ex[FIRST] - 1, -1):
        square += backward_op(c, p, w, o, base, code, lazy, lr, xc, t, product)
    head = ints(c, HEAD)
    dz = view(nums(c, D, p), base + ints(c, PROG)[DST] + ex[COLUMN], ex[WIDTH])
    if code == MEASURE:
        return float(square + dot(view(v, 0, n), view(v, 0, n)) * dot(dz, dz))
    table = head[TABLE] + ex[COLUMN]
    descend(c, p, w, code, table, head[STRIDE], rows, v, n, dz, lr, xc, code >= 0, t, product, 0)
    return 0.0
