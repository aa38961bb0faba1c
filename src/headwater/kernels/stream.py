"""Rows in, predictions out: the loops over the samples of a block, and what Python calls.

Names as in ``machine``; the block stands in the context.
"""

from __future__ import annotations

import numpy as np

from ._jit import (
    Array,
    call,
    context_at,
    entry,
    event,
    flush_tiny,
    ints,
    nums,
    order,
    reals,
    restore,
    routine,
    strip,
    view,
)
from ._op import (
    ANSWERS,
    ASKED_ENDS,
    ASKED_SLOTS,
    ASKED_X,
    BIAS,
    COUNTED,
    DENSE_ROWS,
    ENDS,
    EX,
    EXPERTS,
    FAR_TARGET,
    GIVEN_KEYS,
    GROWING,
    HATS,
    HEAD,
    INFINITE,
    IW,
    KNOTS,
    LENGTH,
    MIXTURE,
    OPINE,
    OUT,
    OUTPUTS,
    PAIRS,
    PROG,
    READ_SAMPLE,
    RESERVOIR,
    RING,
    RNG,
    RUN,
    SLOTS,
    SPREADS,
    STANDARD,
    STATISTIC_WIDTH,
    STATS,
    TARGETS,
    TOP,
    TOUCHED,
    UNHEARD,
    VW,
    YS,
    P,
    W,
    X,
    Y,
)
from .given import give, told
from .machine import read_rows
from .mix import ENDLESS, keep, learn_sample, replay
from .rows import encode, encode_plain, late_last, standardise
from .spread import width

TARGET_CLIP = 10.0
"""A standardised target lies within ±10: an absurd answer counts as a very large one."""


@routine(READ_SAMPLE, "n p n n r i b")
def read_sample(c: Array, p: Array, slots: Array, ends: Array, x: Array, i: int, learn: bool) -> float:
    """Pairs of sample i of a block into the lists at PAIRS, and from them the first layer.

    Returns how many pairs there are in all; iw[0] keeps how many take part.
    """
    head, iw, vw = ints(c, HEAD), ints(c, IW), nums(c, VW, p)
    half = (head[LENGTH] - head[PAIRS]) // 2
    rows, v = view(iw, head[PAIRS], half), view(vw, head[PAIRS], half)
    first = ends[i]
    shift = first if head[DENSE_ROWS] > 0 else 0
    bias = ints(c, PROG)[BIAS] == 1
    refused = view(reals(c, RUN), INFINITE, 3)
    last = ends[i + 1]
    seen = float(ints(c, TOUCHED)[0] + 1) if bias and head[GROWING] == 1 else 0.0
    n = 0
    size = last - first
    if head[DENSE_ROWS] == 3:
        encode_plain(view(slots, 0, size), view(nums(c, X, p), first, size), ints(c, PROG)[BIAS], rows, v)
        n = size + ints(c, PROG)[BIAS]
    elif head[DENSE_ROWS] == 2 and encode_plain(
        view(slots, 0, size), view(x, first, size), ints(c, PROG)[BIAS], rows, v
    ):
        n = size + ints(c, PROG)[BIAS]
    if n == 0:
        n = encode(
            slots, x, first, last, shift, reals(c, STATS), reals(c, KNOTS), reals(c, RESERVOIR), head[HATS], bias,
            head[STANDARD] == 1, learn, seen, refused, ints(c, RNG), rows, v,
        )  # fmt: skip
    part = n
    if head[GROWING] == 1:
        spare = head[PAIRS] + half
        part = late_last(ints(c, TOUCHED), rows, v, n, view(iw, spare, half), view(vw, spare, half))
    iw[0] = part
    read_rows(c, p, 0, rows, v, part)
    return float(n)


@order
def _ask(c: Array, p: Array, i: int, shown: Array) -> None:
    """Predict asked sample i into shown (k,), and keep what a mixture's experts said until its answer comes."""
    slots, ends, x = ints(c, ASKED_SLOTS), ints(c, ASKED_ENDS), reals(c, ASKED_X)
    head = ints(c, HEAD)
    call(c, READ_SAMPLE, p, (c, p, slots, ends, x, i, False))
    call(c, OPINE, p, (c, p, shown))
    if head[MIXTURE] > 0:
        give(c, p, slots, ends, x, i)


@order
def _learn_rows(c: Array, p: Array, start: int, count: int, same: bool) -> int:
    """Predict row i of the asked block, then learn row i of the block, for every i in turn: the route's inner loop.

    The block stands in the context: SLOTS, X (entries,), ENDS (count + 1,) where each sample's entries end, Y (count,
    ANSWERS) which is overwritten, W (count,) weights (0 teaches nothing), OUT (count, k) predictions, each made before its
    row was learned; ASKED_… the samples to predict, unless they are the ``same``. Begins with row ``start`` and returns how
    many rows are done, below 0 if it stopped there because an expert is hopeless.
    """
    mode = flush_tiny()
    head = ints(c, HEAD)
    k = ints(c, EX)[OUTPUTS]
    answers = head[ANSWERS]
    touched, log = ints(c, TOUCHED), reals(c, GIVEN_KEYS)
    rows = view(ints(c, IW), head[PAIRS], ENDLESS)
    for i in range(start, count):
        shown = view(nums(c, OUT, p), i * k, k)
        teaches = reals(c, W)[i] > 0
        said = 0 if same and head[UNHEARD] == 0 else -1
        if not same:
            _ask(c, p, i, shown)
        n = int(call(c, READ_SAMPLE, p, (c, p, ints(c, SLOTS), ints(c, ENDS), reals(c, X), i, teaches)))
        part = ints(c, IW)[0]
        if same:
            call(c, OPINE, p, (c, p, shown))
        if not teaches:
            continue
        y = view(reals(c, Y), i * answers, answers)
        if head[TARGETS] == 1:
            for j in range(answers):
                stat = view(reals(c, YS), j * STATISTIC_WIDTH, STATISTIC_WIDTH)
                y[j] = standardise(stat, y[j], TARGET_CLIP, True, view(reals(c, RUN), FAR_TARGET, 1))
        if head[COUNTED] == 1:
            for j in range(n):
                touched[rows[j]] += 1
                head[TOP] = max(head[TOP], rows[j])
        if head[MIXTURE] > 0 and log[1] < log[0]:
            said = max(said, told(c, p, i))
        due = learn_sample(c, p, part, n, y, reals(c, W)[i], same, said)
        if head[RING] > 0:
            for e in range(head[EXPERTS]):
                if ints(c, RNG)[1] > 0:
                    replay(c, p, e)
            keep(c, p, n, y, reals(c, W)[i])
        if due:
            restore(mode)
            return -(i + 1)
    restore(mode)
    return count


@order
def _ask_rows(c: Array, p: Array, count: int) -> None:
    """Predict ``count`` asked samples (ASKED_…) into OUT (count, k), whose answers will come."""
    mode = flush_tiny()
    k = ints(c, EX)[OUTPUTS]
    for i in range(count):
        _ask(c, p, i, view(nums(c, OUT, p), i * k, k))
    restore(mode)


@order
def _predict_rows(c: Array, p: Array, count: int) -> None:
    """Predict ``count`` samples (SLOTS, ENDS, X) into OUT (count, k) and change nothing but scratch.

    Where answers are scored, each row's scale stands behind all predictions.
    """
    mode = flush_tiny()
    head = ints(c, HEAD)
    k = ints(c, EX)[OUTPUTS]
    for i in range(count):
        call(c, READ_SAMPLE, p, (c, p, ints(c, SLOTS), ints(c, ENDS), reals(c, X), i, False))
        shown = view(nums(c, OUT, p), i * k, k)
        call(c, OPINE, p, (c, p, shown))
        if head[SPREADS] > 0:
            nums(c, OUT, p)[count * k + i] = width(c, p, shown[0])
    restore(mode)


@entry
def learn_rows(context: Array, parameters: Array, start: int, count: int, same: bool) -> int:
    """Learn a block; see ``_learn_rows``."""
    return _learn_rows(strip(context), strip(parameters), start, count, same)


@entry
def ask_rows(context: Array, parameters: Array, count: int) -> None:
    """Predict a block whose answers will come; see ``_ask_rows``."""
    _ask_rows(strip(context), strip(parameters), count)


@entry
def predict_rows(context: Array, parameters: Array, count: int) -> None:
    """Predict a block; see ``_predict_rows``."""
    _predict_rows(strip(context), strip(parameters), count)


_FLOAT32, _FLOAT64 = np.zeros(1, np.float32), np.zeros(1, np.float64)


@event
def predict_event32(context: Array) -> None:
    """Predict the one sample in the context at that address; float32."""
    c = context_at(context)
    _predict_rows(c, nums(c, P, strip(_FLOAT32)), 1)


@event
def learn_event32(context: Array, y: Array, w: Array) -> int:
    """Learn the one sample in the context at that address, with that answer and weight; float32."""
    c = context_at(context)
    reals(c, Y)[0] = y
    reals(c, W)[0] = w
    return _learn_rows(c, nums(c, P, strip(_FLOAT32)), 0, 1, True)


@event
def predict_event64(context: Array) -> None:
    """Predict the one sample in the context at that address; float64."""
    c = context_at(context)
    _predict_rows(c, nums(c, P, strip(_FLOAT64)), 1)


@event
def learn_event64(context: Array, y: Array, w: Array) -> int:
    """Learn the one sample in the context at that address, with that answer and weight; float64."""
    c = context_at(context)
    reals(c, Y)[0] = y
    reals(c, W)[0] = w
    return _learn_rows(c, nums(c, P, strip(_FLOAT64)), 0, 1, True)
