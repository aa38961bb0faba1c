"""Update rules: from a gradient to a step.

The gradient of one sample by one layer has rank one, ``gᵢⱼ = vᵢ·dⱼ`` (input times delta), so a rule takes the rows an input
touched, their values ``v`` and the deltas ``d``, and never needs the gradient written down. A whole gradient (mini-batch) is
the case of one row, v = 1, d = g.

Every rule is one function over ``n`` rows of width ``m``: weights in ``p``, its states in ``s`` (state k of number q at
``k·cap + q``), row i at ``base + rows[i]·stride``. ``lr`` is the step of this moment, after the schedule. ``counts`` says how
often each row was touched: a row that a sample doesn't touch is not visited at all (what that means is said rule by rule),
and the bias corrections of Adam's family follow the row's own count.
"""

from __future__ import annotations

import math

from ._jit import Array, exact, number, rank_one, routine, view
from ._op import HYPER, STEP, rule
from .adam import ADAM, ADAMW, AMSGRAD, FROZEN, NADAM, adam, amsgrad, nadam

_EXACT = "exact: a zero gradient changes nothing"

SGD = rule("sgd", 0, "w ← w − lr·g", _EXACT, "Robbins & Monro 1951", exact_lazy=True)
MOMENTUM = rule("momentum", 1, "u ← μ·u + g; w ← w − lr·u", FROZEN, "Polyak 1964")
NESTEROV = rule("nesterov", 1, "u ← μ·u + g; w ← w − lr·(g + μ·u)", FROZEN, "Nesterov 1983; Sutskever et al. 2013")
ADAGRAD = rule("adagrad", 1, "G ← G + g²; w ← w − lr·g/(√G + ε)", _EXACT, "Duchi, Hazan & Singer 2011", exact_lazy=True)
RMSPROP = rule("rmsprop", 1, "v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε)", FROZEN, "Tieleman & Hinton 2012")
ADADELTA = rule(
    "adadelta",
    2,
    "v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ",
    FROZEN,
    "Zeiler 2012",
)
FTRL = rule(
    "ftrl", 2, "σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w = −(z − sign(z)λ₁)/((β + √n)/α + λ₂), 0 if |z| ≤ λ₁",
    _EXACT, "McMahan et al. 2013", exact_lazy=True,
)  # fmt: skip
COCOB = rule(
    "cocob", 5, "L ← max(L, |g|); A ← A + |g|; R ← max(R − (w − w₀)g, 0); θ ← θ − g; w = w₀ + θ·(L + R)/(L·max(A + L, αL))",
    _EXACT, "Orabona & Tommasi 2017", exact_lazy=True,
)  # fmt: skip


@exact
def sgd(p: Array, base: int, stride: int, rows: Array, v: Array, n: int, d: Array, lr: float) -> None:
    """rows, v (n,), d (m,)."""
    rank_one(p, base, stride, rows, v, n, d, number(p, lr))


@exact
def momentum(
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
    mu: float,
    ahead: bool,
) -> None:
    """rows, v (n,), d (m,); s (1, cap): velocity. ``ahead`` is Nesterov's."""
    m = len(d)
    c = number(p, lr)
    k = number(p, mu)
    for i in range(n):
        o = base + rows[i] * stride
        w = view(p, o, m)
        u = view(s, o, m)
        x = v[i]
        if ahead:
            for j in range(m):
                g = x * d[j]
                u[j] = k * u[j] + g
                w[j] -= c * (g + k * u[j])
        else:
            for j in range(m):
                u[j] = k * u[j] + x * d[j]
                w[j] -= c * u[j]


@exact
def adagrad(
    p: Array, s: Array, cap: int, base: int, stride: int, rows: Array, v: Array, n: int, d: Array, lr: float, eps: float
) -> None:
    """rows, v (n,), d (m,); s (1, cap): sum of squares."""
    m = len(d)
    c = number(p, lr)
    e = number(p, eps)
    for i in range(n):
        o = base + rows[i] * stride
        w = view(p, o, m)
        q = view(s, o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            q[j] += g * g
            w[j] -= c * g / (math.sqrt(q[j]) + e)


@exact
def rmsprop(
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
    rho: float,
    eps: float,
) -> None:
    """rows, v (n,), d (m,); s (1, cap): fading mean of squares."""
    m = len(d)
    c = number(p, lr)
    r = number(p, rho)
    r1 = number(p, 1 - rho)
    e = number(p, eps)
    for i in range(n):
        o = base + rows[i] * stride
        w = view(p, o, m)
        q = view(s, o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            q[j] = r * q[j] + r1 * g * g
            w[j] -= c * g / (math.sqrt(q[j]) + e)


@exact
def adadelta(
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
    rho: float,
    eps: float,
) -> None:
    """rows, v (n,), d (m,); s (2, cap): fading means of squared gradients and of squared steps."""
    m = len(d)
    c = number(p, lr)
    r = number(p, rho)
    r1 = number(p, 1 - rho)
    e = number(p, eps)
    for i in range(n):
        o = base + rows[i] * stride
        w = view(p, o, m)
        q = view(s, o, m)
        u = view(s, cap + o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            q[j] = r * q[j] + r1 * g * g
            step = g * math.sqrt(u[j] + e) / math.sqrt(q[j] + e)
            u[j] = r * u[j] + r1 * step * step
            w[j] -= c * step


@exact
def ftrl(
    p: Array,
    s: Array,
    cap: int,
    base: int,
    stride: int,
    rows: Array,
    v: Array,
    n: int,
    d: Array,
    alpha: float,
    beta: float,
    l1: float,
    l2: float,
) -> None:
    """rows, v (n,), d (m,); s (2, cap): z and n. Departs from the paper: z starts where w is the initial weight, not 0."""
    m = len(d)
    for i in range(n):
        o = base + rows[i] * stride
        w = view(p, o, m)
        z = view(s, o, m)
        q = view(s, cap + o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            if g == 0:  # the closed form would give the same weight back only up to rounding
                continue
            if q[j] == 0:
                z[j] = -w[j] * (beta / alpha + l2) - l1 * (1.0 if w[j] > 0 else (-1.0 if w[j] < 0 else 0.0))
            before = math.sqrt(q[j])
            q[j] += g * g
            after = math.sqrt(q[j])
            z[j] += g - (after - before) / alpha * w[j]
            if abs(z[j]) <= l1:
                w[j] = 0
            else:
                w[j] = -(z[j] - (l1 if z[j] > 0 else -l1)) / ((beta + after) / alpha + l2)


@exact
def cocob(
    p: Array, s: Array, cap: int, base: int, stride: int, rows: Array, v: Array, n: int, d: Array, alpha: float
) -> None:
    """rows, v (n,), d (m,); s (5, cap): L, A, R, θ, w₀. Has no step size."""
    m = len(d)
    for i in range(n):
        o = base + rows[i] * stride
        w = view(p, o, m)
        big = view(s, o, m)
        total = view(s, cap + o, m)
        reward = view(s, 2 * cap + o, m)
        theta = view(s, 3 * cap + o, m)
        start = view(s, 4 * cap + o, m)
        x = v[i]
        for j in range(m):
            g = x * d[j]
            if g == 0:
                continue
            if big[j] == 0:  # first touch: bets start from the initial weight
                start[j] = w[j]
                big[j] = 1e-8
            big[j] = max(big[j], abs(g))
            total[j] += abs(g)
            reward[j] = max(reward[j] - (w[j] - start[j]) * g, 0)
            theta[j] -= g
            w[j] = start[j] + theta[j] / (big[j] * max(total[j] + big[j], alpha * big[j])) * (big[j] + reward[j])


@exact
def accumulate(g: Array, base: int, stride: int, rows: Array, v: Array, n: int, d: Array) -> None:
    """rows, v (n,), d (m,): add the rank-one gradient v·d to g. The rule that keeps instead of stepping."""
    rank_one(g, base, stride, rows, v, n, d, number(g, -1))


@routine(STEP, "i p p i i i n p i p f r n b i f i")
def step(
    code: int,
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
    const: Array,
    counts: Array,
    own: bool,
    t: int,
    product: float,
    exempt: int,
) -> float:
    """Apply rule ``code`` to n rows; ``const`` holds the rule's numbers from HYPER on; row ``exempt`` (a bias) does not decay."""
    a = const[HYPER]
    b = const[HYPER + 1]
    c = const[HYPER + 2]
    e = const[HYPER + 3]
    if code == _SGD:
        sgd(p, base, stride, rows, v, n, d, lr)
    elif code == _MOMENTUM or code == _NESTEROV:
        momentum(p, s, cap, base, stride, rows, v, n, d, lr, a, code == _NESTEROV)
    elif code == _ADAGRAD:
        adagrad(p, s, cap, base, stride, rows, v, n, d, lr, a)
    elif code == _RMSPROP:
        rmsprop(p, s, cap, base, stride, rows, v, n, d, lr, a, b)
    elif code == _ADADELTA:
        adadelta(p, s, cap, base, stride, rows, v, n, d, lr, a, b)
    elif code == _ADAM or code == _ADAMW:
        adam(p, s, cap, base, stride, rows, v, n, d, lr, a, b, c, e if code == _ADAMW else 0.0, exempt, counts, own, t)
    elif code == _AMSGRAD:
        amsgrad(p, s, cap, base, stride, rows, v, n, d, lr, a, b, c, counts, own, t)
    elif code == _NADAM:
        mu = a * (1 - 0.5 * 0.96 ** (t * e))
        ahead = a * (1 - 0.5 * 0.96 ** ((t + 1) * e))
        nadam(p, s, cap, base, stride, rows, v, n, d, lr, a, b, c, mu, ahead, product, counts, own, t)
    elif code == _FTRL:
        ftrl(p, s, cap, base, stride, rows, v, n, d, lr, a, b, c)
    elif code == _COCOB:
        cocob(p, s, cap, base, stride, rows, v, n, d, a)
    else:
        accumulate(p, base, stride, rows, v, n, d)
    return 0.0


GRADIENT = -1
"""The code under which ``step`` only accumulates, for mini-batches and for looking at a gradient."""
_SGD, _MOMENTUM, _NESTEROV, _ADAGRAD, _RMSPROP = SGD.code, MOMENTUM.code, NESTEROV.code, ADAGRAD.code, RMSPROP.code
_ADADELTA, _ADAM, _ADAMW, _AMSGRAD, _NADAM = ADADELTA.code, ADAM.code, ADAMW.code, AMSGRAD.code, NADAM.code
_FTRL, _COCOB = FTRL.code, COCOB.code
