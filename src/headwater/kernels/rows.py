"""Rows: the one shape of every linear layer, and of the input.

A layer is a table of rows, one for each input, as wide as the layer has units: ``z = b + Σᵢ vᵢ · W[rᵢ]`` over the *active*
pairs ``(rᵢ, vᵢ)``. A numeric feature scales its row, a category picks its row, a missing value has no pair, and in a dense
layer behind a ReLU the silent units have none either. So cost follows what is active, an appended row changes nothing for
samples without it, and the sum over pairs has one order whatever the width: bits survive growth.

Shapes: ``rows`` (n,) int64, ``v`` (n,), ``b`` and ``z`` (m,); the table lies in ``p`` at ``base``, ``stride`` numbers a row.
"""

from __future__ import annotations

import math

from ._jit import exact, fast, view
from ._op import COUNT, MEAN, ROW, STATISTIC_WIDTH, VAR, op

ROWS = op(
    "rows", "layer", "z = Σ value·W[row] over the active pairs; row 0 is the bias", "sparse linear layer; embedding bag"
)
DENSE = op("dense", "layer", "z = b + Wᵀx, over the inputs that are not zero", "Rosenblatt 1958")

EMBEDDING = op("embedding", "layer", "z = Σ W[id]: each id picks its row", "Bengio et al. 2003; Joulin et al. 2017")

CLIP = 5.0
"""A standardised input lies within ±5: what lies farther carries little more than its sign."""
FORGET = 1e-3
"""The statistics of an input never forget slower than one part in a thousand a row, so they follow drift."""
BOUND = 10.0
"""A value farther than this many deviations moves the statistics as if it lay there: one freak can't wreck a column."""
HUGE = 1e30
"""Larger numbers are read as this one, so that no square of it overflows."""
SETTLED = 10
"""Rows before the bound applies; before that the deviation is not known."""


@fast
def dot(a, b):
    """Return Σ a·b, a and b (n,)."""
    s = a[0] * 0
    for j in range(len(a)):
        s += a[j] * b[j]
    return s


@exact
def scatter(p, base, stride, rows, n, d, dx):
    """Set dx[rows[i]] = W[rows[i]]·d for the n listed inputs of a dense layer; d (m,), dx (all inputs,)."""
    m = len(d)
    for i in range(n):
        dx[rows[i]] = dot(view(p, base + rows[i] * stride, m), d)


@exact
def active(x, rows, v):
    """List the inputs that are not zero: rows, v (n,) get position and value. Returns how many."""
    n = 0
    for i in range(len(x)):
        rows[n] = i
        v[n] = x[i]
        n += 1 if x[i] != 0 else 0
    return n


@exact
def standardise(stat, x, clip, learn):
    """Return x in units of its running deviation, within ±clip; stat (4,) moves if ``learn``.

    mean ← mean + a·(x − mean), var ← (1 − a)·(var + a·(x − mean)²), a = max(1/t, 0.001), and z = (x − mean)/√var with the
    statistics that include x: x is known before its answer, and the first rows are then bounded by √(t − 1).
    """
    t = stat[COUNT] + 1
    a = FORGET if t * FORGET > 1 else 1 / t
    mean = stat[MEAN]
    var = stat[VAR]
    d = x - mean
    if t > SETTLED and var > 0 and d * d > BOUND * BOUND * var:
        bound = BOUND * math.sqrt(var)
        d = min(max(d, -bound), bound)
    mean += a * d
    var = (1 - a) * (var + a * d * d)
    if learn:
        stat[MEAN] = mean
        stat[VAR] = var
        stat[COUNT] = t
    # a column that never moved, or only by rounding, says nothing
    if var <= 1e-20 * mean * mean or var <= 1e-300:
        return 0.0
    return min(max((x - mean) / math.sqrt(var), -clip), clip)


@exact
def encode(slots, x, first, last, shift, stats, touched, bias, growing, standard, learn, refused, rows, v):
    """Turn one sample's entries into pairs; returns (pairs that take part, pairs in all).

    ``slots``, ``x`` hold the entries of a block; the sample's lie at first..last, its slots at first − shift. A slot s ≥ 0
    is numeric (its row stands in ``stats``), s < 0 is the category with row −s − 1 and value x. Missing (NaN) gives no
    pair, nor does ±∞; what is beyond 10³⁰ is read as 10³⁰; both are counted in ``refused`` (2,). Row 0 is the bias, an input that is always 1. Rows that no step has touched yet come last and don't take part: a
    name counts from its second sight.
    """
    n = 0
    if bias:
        rows[0] = 0
        v[0] = 1
        n = 1
    late = len(rows)
    for q in range(first, last):
        value = x[q]
        if math.isnan(value):
            continue
        if abs(value) > HUGE:
            if learn:
                refused[0 if math.isinf(value) else 1] += 1
            if math.isinf(value):
                continue
            value = math.copysign(HUGE, value)
        s = slots[q - shift]
        if s >= 0:
            stat = view(stats, s * STATISTIC_WIDTH, STATISTIC_WIDTH)
            row = int(stat[ROW])
            if standard:
                value = standardise(stat, value, CLIP, learn)
        else:
            row = -s - 1
        if growing and touched[row] == 0:
            late -= 1
            rows[late] = row
            v[late] = value
        else:
            rows[n] = row
            v[n] = value
            n += 1
    taking_part = n
    for q in range(len(rows) - 1, late - 1, -1):
        rows[n] = rows[q]
        v[n] = v[q]
        n += 1
    return taking_part, n
