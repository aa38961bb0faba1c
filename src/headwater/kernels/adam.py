"""Adam and its family: a step measured by fading means of the gradient and of its square.

The arguments are those of ``optim``. A row that a sample doesn't touch stands still, weights and moments, and so does its
clock: ``counts`` says how often each row was touched, and where ``own`` is set the bias corrections follow that count.
"""

from __future__ import annotations

import math

from ._jit import Array, exact, number, view
from ._op import rule

FROZEN = "weights and moments of an untouched row stand still; its clock (bias correction) stands too"

ADAM = rule("adam", 2, "m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·m̂/(√v̂ + ε)", FROZEN, "Kingma & Ba 2015")
ADAMW = rule("adamw", 2, "w ← (1 − lr·λ)·w, then Adam", FROZEN, "Loshchilov & Hutter 2019")
AMSGRAD = rule("amsgrad", 3, "Adam with v̂ = the largest v so far", FROZEN, "Reddi, Kale & Kumar 2018")
NADAM = rule(
    "nadam", 2, "Adam with Nesterov's look-ahead: m̂ = μₜ₊₁m/(1 − Πμ·μₜ₊₁) + (1 − μₜ)g/(1 − Πμ)", FROZEN, "Dozat 2016"
)


@exact
def adam(
    p: Array,
    s: Array,
    cap: int,
    base: int,
    stride: int,
    rows: Array,
    v: Array,
    n: int,
    d: Array,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
    decay: float,
    exempt: int,
    counts: Array,
    own: bool,
    t: int,
) -> None:
    """rows, v (n,), d (m,); s (2, cap): moments. ``decay`` is AdamW's, ``own`` lets a row's own count correct its bias."""
    m = len(d)
    f1 = number(p, b1)
    g1 = number(p, 1 - b1)
    f2 = number(p, b2)
    g2 = number(p, 1 - b2)
    e = number(p, eps)
    last = -1
    c = number(p, lr)
    r = c
    for i in range(n):
        k = counts[rows[i]] if own else t
        if k != last:
            c = number(p, lr / (1 - b1**k))
            r = number(p, 1 / math.sqrt(1 - b2**k))
            last = k
        o = base + rows[i] * stride
        w = view(p, o, m)
        mo = view(s, o, m)
        q = view(s, cap + o, m)
        x = v[i]
        shrink = number(p, 1 if rows[i] == exempt else 1 - lr * decay)
        for j in range(m):
            g = x * d[j]
            mo[j] = f1 * mo[j] + g1 * g
            q[j] = f2 * q[j] + g2 * g * g
            w[j] = shrink * w[j] - c * mo[j] / (math.sqrt(q[j]) * r + e)


@exact
def amsgrad(
    p: Array,
    s: Array,
    cap: int,
    base: int,
    stride: int,
    rows: Array,
    v: Array,
    n: int,
    d: Array,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
    counts: Array,
    own: bool,
    t: int,
) -> None:
    """rows, v (n,), d (m,); s (3, cap): moments and the largest second moment."""
    m = len(d)
    f1 = number(p, b1)
    g1 = number(p, 1 - b1)
    f2 = number(p, b2)
    g2 = number(p, 1 - b2)
    e = number(p, eps)
    for i in range(n):
        k = counts[rows[i]] if own else t
        c = number(p, lr / (1 - b1**k))
        r = number(p, 1 / math.sqrt(1 - b2**k))
        o = base + rows[i] * stride
        w = view(p, o, m)
        mo = view(s, o, m)
        q = view(s, cap + o, m)
        top = view(s, 2 * cap + o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            mo[j] = f1 * mo[j] + g1 * g
            q[j] = f2 * q[j] + g2 * g * g
            top[j] = max(top[j], q[j])
            w[j] -= c * mo[j] / (math.sqrt(top[j]) * r + e)


@exact
def nadam(
    p: Array,
    s: Array,
    cap: int,
    base: int,
    stride: int,
    rows: Array,
    v: Array,
    n: int,
    d: Array,
    lr: float,
    b1: float,
    b2: float,
    eps: float,
    mu: float,
    ahead: float,
    product: float,
    counts: Array,
    own: bool,
    t: int,
) -> None:
    """rows, v (n,), d (m,); s (2, cap): moments. ``mu``, ``ahead``: μₜ, μₜ₊₁; ``product``: Πμ of the whole net's steps."""
    m = len(d)
    f1 = number(p, b1)
    g1 = number(p, 1 - b1)
    f2 = number(p, b2)
    g2 = number(p, 1 - b2)
    e = number(p, eps)
    cm = number(p, lr * ahead / (1 - product * ahead))
    cg = number(p, lr * (1 - mu) / (1 - product))
    for i in range(n):
        k = counts[rows[i]] if own else t
        r = number(p, 1 / math.sqrt(1 - b2**k))
        o = base + rows[i] * stride
        w = view(p, o, m)
        mo = view(s, o, m)
        q = view(s, cap + o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            mo[j] = f1 * mo[j] + g1 * g
            q[j] = f2 * q[j] + g2 * g * g
            w[j] -= (cm * mo[j] + cg * g) / (math.sqrt(q[j]) * r + e)
