"""From a delta to the rule: a layer's rows are handed over as they are, or one by one after clipping and penalties.

Names as in ``machine``.
"""

from __future__ import annotations

from ._jit import Array, call, ints, nums, order, routine, view
from ._op import (
    CAPACITY,
    CLIP_VALUE,
    HEAD,
    L1,
    L2,
    PENALISED,
    SCRATCH,
    STEP,
    TOUCHED,
    S,
)
from .optim import GRADIENT, SGD, sgd

_SGD = SGD.code


@order
def descend(
    c: Array,
    p: Array,
    w: Array,
    code: int,
    base: int,
    stride: int,
    rows: Array,
    v: Array,
    n: int,
    d: Array,
    lr: float,
    xc: Array,
    own: bool,
    t: int,
    product: float,
    exempt: int,
) -> None:
    """Hand n rank-one rows to the rule: as they are, or one by one where they are clipped or penalised first."""
    if code == GRADIENT or (xc[L1] == 0 and xc[L2] == 0 and xc[CLIP_VALUE] == 0):
        if code == _SGD:  # as short as the call
            sgd(w, base, stride, rows, v, n, d, lr)
            return
        s = nums(c, S, p)
        cap = ints(c, HEAD)[CAPACITY]
        args = (code, w, s, cap, base, stride, rows, v, n, d, lr, xc, ints(c, TOUCHED), own, t, product, exempt)
        call(c, STEP, p, args)
    else:
        call(c, PENALISED, p, (c, p, w, code, base, stride, rows, v, n, d, lr, xc, own, t, product, exempt))


@routine(PENALISED, "n p p i i i n p i p f r b i f i")
def penalised(
    c: Array,
    p: Array,
    w: Array,
    code: int,
    base: int,
    stride: int,
    rows: Array,
    v: Array,
    n: int,
    d: Array,
    lr: float,
    xc: Array,
    own: bool,
    t: int,
    product: float,
    exempt: int,
) -> float:
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
