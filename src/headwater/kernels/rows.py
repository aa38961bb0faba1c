"""Rows: the one shape of every linear layer, and of the input.

A layer is a table of rows, one for each input, as wide as the layer has units: ``z = b + Σᵢ vᵢ · W[rᵢ]`` over the *active*
pairs ``(rᵢ, vᵢ)``. A numeric feature scales its row, a category picks its row, a missing value has no pair, and in a dense
layer behind a ReLU the silent units have none either. So cost follows what is active, an appended row changes nothing for
samples without it, and the sum over pairs has one order whatever the width: bits survive growth.

Shapes: ``rows`` (n,) int64, ``v`` (n,), ``b`` and ``z`` (m,); the table lies in ``p`` at ``base``, ``stride`` numbers a row.
"""

from __future__ import annotations

import math

from ._jit import Array, dot, exact, order, pairs, view
from ._op import COUNT, HAT, KNOT_COUNT, MEAN, ROW, STATISTIC_WIDTH, VAR, op
from .dropout import uniform

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
NOTHING = 1e-300
"""What lies nearer to 0 is 0, also where the processor keeps such numbers apart."""
FREAK = 1000.0
"""A value farther than this many deviations is taken for an error: it says nothing, as if the column's mean stood there."""
HUGE = 1e30
"""Larger numbers are read as this one, so that no square of it overflows."""
PAST = 256
"""Values of a slot's past that are kept to place the knots of its hats."""
SETTLED = 10
"""Rows before the bound applies; before that the deviation is not known."""


@exact
def scatter(p: Array, base: int, stride: int, rows: Array, n: int, d: Array, dx: Array) -> None:
    """Set dx[rows[i]] = W[rows[i]]·d for the n listed inputs of a dense layer; d (m,), dx (all inputs,)."""
    m = len(d)
    for i in range(n):
        dx[rows[i]] = dot(view(p, base + rows[i] * stride, m), d)


@exact
def active(x: Array, rows: Array, v: Array) -> int:
    """List the inputs that are not zero: rows, v (n,) get position and value. Returns how many."""
    n = 0
    for i in range(len(x)):
        rows[n] = i
        v[n] = x[i]
        n += 1 if x[i] != 0 else 0
    return n


@exact
def standardise(stat: Array, x: float, clip: float, learn: bool, far: Array) -> float:
    """Return x in units of its running deviation, within ±clip; stat (4,) moves if ``learn``; far (1,) counts freaks.

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
        if learn:
            far[0] += 1
    mean += a * d
    var = (1 - a) * (var + a * d * d)
    if learn:
        stat[MEAN] = mean
        stat[VAR] = var
        stat[COUNT] = t
    # a column that never moved, or only by rounding, says nothing
    if var <= 1e-20 * mean * mean or var <= 1e-300:
        return 0.0
    return float(min(max((x - mean) / math.sqrt(var), -clip), clip))


@exact
def freak(stat: Array, x: float) -> bool:
    """Return whether x is no value of this column as far as can be known: more than ``FREAK`` deviations off.

    A column whose unit changes looks so too, but not for long: each such value still moves the statistics by ``BOUND``.
    """
    d = x - stat[MEAN]
    return bool(stat[COUNT] + 1 > SETTLED and stat[VAR] > 0 and d * d > FREAK * FREAK * stat[VAR])


@exact
def presence(stat: Array, seen: float, learn: bool) -> float:
    """Return 1 − s, s the share of the ``seen`` rows, this one included, that had the column with those statistics."""
    count = stat[COUNT] if learn else stat[COUNT] + 1
    return float(1 - min(count / seen, 1.0))


@exact
def bend(stat: Array, knots: Array, x: float, rows: Array, v: Array, n: int) -> int:
    """Append the two hats under which x lies: (row of knot k, 1 − u), (row of knot k + 1, u). Returns the new n.

    A hat is 1 at its knot and falls to 0 at the neighbouring ones (linear B-spline), so a linear layer above hats is a curve
    through the knots. Beyond the outer knots the outer hat stands alone.
    """
    count = int(stat[KNOT_COUNT])
    if count < 3 or stat[HAT] == 0:  # one or two values are as well served by the number; shared rows have no hats
        return n
    k = 0
    while k < count - 2 and x >= knots[k + 1]:
        k += 1
    u = min(max((x - knots[k]) / (knots[k + 1] - knots[k]), 0.0), 1.0)
    first = int(stat[HAT]) + k
    if u < 1:
        rows[n] = first
        v[n] = 1 - u
        n += 1
    if u > 0:
        rows[n] = first + 1
        v[n] = u
        n += 1
    return n


@order
def remember(stat: Array, knots: Array, kept: Array, x: float, rng: Array) -> None:
    """Keep x in the slot's sample of its past (Vitter's algorithm R), and at 32, 64, 128, … values move the knots.

    The knots are the quantiles of the sample, equal ones once, so a hat covers as much of the data as any other.
    """
    t = int(stat[COUNT])
    size = len(kept)
    at = t - 1 if t <= size else int(uniform(rng) * t)
    if at < size:
        kept[at] = x
    if t < 32 or t & (t - 1) != 0:
        return
    n = min(t, size)
    for i in range(1, n):  # sorting the sample itself keeps it a sample
        x = kept[i]
        j = i
        while j > 0 and kept[j - 1] > x:
            kept[j] = kept[j - 1]
            j -= 1
        kept[j] = x
    count = 0
    for k in range(len(knots)):
        q = kept[k * (n - 1) // (len(knots) - 1)]
        if count == 0 or q > knots[count - 1]:
            knots[count] = q
            count += 1
    stat[KNOT_COUNT] = count


@exact
def late_last(touched: Array, rows: Array, v: Array, n: int, spare_rows: Array, spare_v: Array) -> int:
    """Move pairs whose row no step has touched behind the others; returns how many take part."""
    part = 0
    late = 0
    for i in range(n):
        if touched[rows[i]] == 0:
            spare_rows[late] = rows[i]
            spare_v[late] = v[i]
            late += 1
        else:
            rows[part] = rows[i]
            v[part] = v[i]
            part += 1
    for i in range(late):
        rows[part + i] = spare_rows[i]
        v[part + i] = spare_v[i]
    return part


@exact
def encode_plain(slots: Array, x: Array, bias: int, rows: Array, v: Array) -> bool:
    """Pairs of a sample that has an ordinary number for every row, slots, x (entries,); returns whether it has.

    The common case of arrays without scaling: one sweep without a branch.
    """
    n = len(slots)
    if bias == 1:
        rows[0] = 0
        v[0] = 1
    return bool(pairs(slots, x, HUGE, view(rows, bias, n), view(v, bias, n)))


@exact
def encode(
    slots: Array,
    x: Array,
    first: int,
    last: int,
    shift: int,
    stats: Array,
    knots: Array,
    kept: Array,
    hats: int,
    bias: bool,
    standard: bool,
    learn: bool,
    seen: float,
    refused: Array,
    rng: Array,
    rows: Array,
    v: Array,
) -> int:
    """Turn one sample's entries into pairs and return how many.

    ``slots``, ``x`` hold the entries of a block; the sample's lie at first..last, its slots at first − shift. A slot s ≥ 0
    is numeric (its row stands in ``stats``), s < 0 is the category with row −s − 1 and value x. Missing (NaN) gives no
    pair, nor does ±∞; what is beyond 10³⁰ is read as 10³⁰; both are counted in ``refused`` (3,), and so is what lies
    ten deviations off; a thousand off, the mean stands for it. Row 0 is the bias, an input that is always 1.

    What is often absent says something by being there: of a column that a share s of the ``seen`` rows had, a number other
    than 0 gives z + (1 − s). So a word counts though it is always 1 where it stands, and a column without gaps gives z. A 0
    gives z alone: to name what isn't there is no more than to leave it out. With ``seen`` = 0 none of this is done.
    """
    n = 0
    if bias:
        rows[0] = 0
        v[0] = 1
        n = 1
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
        if s < 0:
            rows[n] = -s - 1
            v[n] = value
            n += 1
            continue
        stat = view(stats, s * STATISTIC_WIDTH, STATISTIC_WIDTH)
        rows[n] = int(stat[ROW])
        odd = standard and freak(stat, value)
        mean = stat[MEAN]
        v[n] = standardise(stat, value, CLIP, learn, view(refused, 2, 1)) if standard else value
        if odd:
            v[n] = 0
            value = mean
        if standard and seen > 0 and abs(x[q]) > NOTHING:
            v[n] += presence(stat, seen, learn)
        if learn and not standard:
            stat[COUNT] += 1
        n += 1
        if hats > 0:
            curve = view(knots, s * hats, hats)
            n = bend(stat, curve, value, rows, v, n)
            if learn and not odd:
                remember(stat, curve, view(kept, s * PAST, PAST), value, rng)
    return n
