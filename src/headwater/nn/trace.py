"""A second look at a program, for understanding it: every layer's values and deltas, in NumPy and in float64.

The machine keeps only what the next step needs. Explaining a prediction or judging a layer's health needs all of it,
for a few samples at a time, so here the same program tables are walked again over arrays (samples, units); nothing is
changed and nothing is drawn. What this gives is checked against the kernels and against finite differences.

The letters are those of ``kernels/_op.py``: a value is what an operation reads or gives, a delta the derivative by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.kernels import _op as col
from headwater.kernels._op import OPS
from headwater.kernels.history import FOLLOWERS, LAST, STAY, TRUST
from headwater.kernels.loss import LIMIT
from headwater.kernels.norm import EPS
from headwater.kernels.rows import BOUND, CLIP, FORGET, FREAK, HUGE, NOTHING, SETTLED

from .program import Block, Program, bias, weights

__all__ = [
    "Entries",
    "absence",
    "backward",
    "entries",
    "forward",
    "link",
    "link_backward",
    "logits",
    "loss_delta",
    "mix",
    "mix_backward",
    "predict",
    "read",
    "recalled",
    "shares",
]

Array = NDArray[Any]
_LAMBDA, _ALPHA = 1.0507009873554805, 1.6732632423543772
_NAMES = {row.code: row.name for row in OPS.values()}


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of some samples that take part, as the machine reads them without learning.

    Parameters
    ----------
    rows : ndarray (n,)
        Row of the input table of each entry.
    values : ndarray (n,)
        What it is multiplied by: a standardised number, or 1 for a category.
    owner : ndarray (n,)
        Which sample it belongs to.
    count : int
        How many samples.
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float64]
    owner: NDArray[np.int64]
    count: int


def entries(program: Program, block: Block, *, baseline: bool = False) -> Entries:
    """Return the entries of a block that take part: present, standardised, their row learned at least once.

    A number has up to three: its own row, and the two hats under which it lies. ``baseline``: every number at its
    running mean (at 0 where numbers aren't standardised), and no category.
    """
    sizes = np.diff(block.ends)
    owner = np.repeat(np.arange(len(block)), sizes)
    slots = np.tile(block.slots, len(block)) if block.dense else block.slots[: block.ends[-1]]
    x = block.x[: block.ends[-1]].astype(np.float64)
    keep = np.isfinite(x) & ((slots >= 0) | (not baseline))
    slots, owner, x = slots[keep], owner[keep], np.clip(x[keep], -HUGE, HUGE)
    numeric = slots >= 0
    stats = program.stats[slots[numeric]]
    raw = (stats[:, col.MEAN] if program.head[col.STANDARD] else np.zeros(len(stats))) if baseline else x[numeric]
    rows = np.where(numeric, 0, -slots - 1)
    rows[numeric] = stats[:, col.ROW].astype(np.int64)
    if program.head[col.STANDARD]:
        raw = _plausible(stats, raw)
        x[numeric] = _standardise(stats, raw) + np.where(np.abs(x[numeric]) > NOTHING, absence(program, stats), 0.0)
    else:
        x[numeric] = raw
    if program.head[col.HATS]:
        hat_rows, hat_values, hat_owner = _bend(program, slots[numeric], raw, owner[numeric])
        rows, x = np.concatenate([rows, hat_rows]), np.concatenate([x, hat_values])
        owner = np.concatenate([owner, hat_owner])
    if program.head[col.GROWING]:
        seen = program.touched[rows] > 0
        rows, x, owner = rows[seen], x[seen], owner[seen]
    return Entries(rows, x, owner, len(block))


def _bend(program: Program, slots: Array, x: Array, owner: Array) -> tuple[Array, Array, Array]:
    """Return the hats under which numbers x (n,) lie, as ``kernels.rows.bend`` does: rows, how much of each, owners."""
    rows, values, owners = [np.zeros(0, np.int64)], [np.zeros(0)], [np.zeros(0, np.int64)]
    for slot in np.unique(slots).tolist():
        count, first = int(program.stats[slot, col.KNOT_COUNT]), int(program.stats[slot, col.HAT])
        if count < 3:
            continue
        own, knots = slots == slot, program.knots[slot, :count]
        k = np.clip(np.searchsorted(knots[:-1], x[own], side="right") - 1, 0, count - 2)
        u = np.clip((x[own] - knots[k]) / (knots[k + 1] - knots[k]), 0.0, 1.0)
        for row, share in ((first + k, 1 - u), (first + k + 1, u)):
            rows.append(row[share > 0])
            values.append(share[share > 0])
            owners.append(owner[own][share > 0])
    return np.concatenate(rows), np.concatenate(values), np.concatenate(owners)


def absence(program: Program, stats: Array) -> Array:
    """Return what ``kernels.rows.presence`` adds to the numbers other than 0 of columns with those statistics (n, 6), shape (n,)."""
    if not program.head[col.GROWING] or not program.prog[0, col.BIAS]:
        return np.zeros(len(stats))
    return np.asarray(1 - np.minimum((stats[:, col.COUNT] + 1) / (program.touched[0] + 1), 1.0))


def _plausible(stats: Array, x: Array) -> Array:
    """Return x (n,) with the mean where ``kernels.rows.freak`` takes it for an error."""
    mean, var = stats[:, col.MEAN], stats[:, col.VAR]
    known = (stats[:, col.COUNT] + 1 > SETTLED) & (var > 0)
    return np.where(known & (np.square(x - mean) > FREAK * FREAK * var), mean, x)


def _standardise(stats: Array, x: Array) -> Array:
    """Return what ``kernels.rows.standardise`` gives without learning; stats (n, 4), x (n,)."""
    mean, var, t = stats[:, col.MEAN], stats[:, col.VAR], stats[:, col.COUNT] + 1
    a = np.maximum(1 / t, FORGET)
    d = x - mean
    bound = np.where((t > SETTLED) & (var > 0), BOUND * np.sqrt(np.maximum(var, 0)), np.inf)
    d = np.clip(d, -bound, bound)
    mean = mean + a * d
    var = (1 - a) * (var + a * d * d)
    still = (var <= 1e-20 * mean * mean) | (var <= 1e-300)
    return np.where(still, 0.0, np.clip((x - mean) / np.sqrt(np.where(still, 1.0, var)), -CLIP, CLIP))


def read(program: Program, e: int, taken: Entries) -> Array:
    """Return the first layer of expert e before its activation, z = b + Σ value·W[row], shape (samples, units)."""
    place = next(place for place in program.places if place.expert == e and place.table)
    b = bias(program, place)
    z = np.zeros((taken.count, place.m))
    if b is not None:
        z += b
    table = weights(program, place)
    terms = taken.values[:, None] * table[taken.rows - 1].astype(np.float64)
    owner = taken.owner
    if (owner[1:] < owner[:-1]).any():
        order = np.argsort(owner, kind="stable")
        owner, terms = owner[order], terms[order]
    first = np.flatnonzero(np.diff(owner, prepend=-1))  # where each sample's entries begin
    z[owner[first]] += np.add.reduceat(terms, first) if len(first) else 0.0
    return z


def forward(program: Program, e: int, z: Array) -> list[Array]:
    """Return the values before each operation of expert e, beginning with z (samples, units), and last its logits."""
    values = [z]
    for o in _operations(program, e):
        values.append(_forward(program, o, values[-1]))
    return values


def backward(program: Program, e: int, values: list[Array], delta: Array) -> list[Array]:
    """Return the derivative by each of those values, given the one by the logits, delta (samples, outputs)."""
    deltas = [delta]
    steps = list(_operations(program, e))
    for i in range(len(steps) - 1, -1, -1):
        deltas.append(_backward(program, steps[i], values[i], values[i + 1], deltas[-1]))
    return deltas[::-1]


def logits(program: Program, e: int, taken: Entries) -> Array:
    """Return the logits of expert e, shape (samples, outputs)."""
    return forward(program, e, read(program, e, taken))[-1]


def shares(program: Program) -> Array:
    """Return the weight of each expert in the mixture, shape (experts,)."""
    return np.asarray(program.run[col.WEIGHT :: col.RUNNING_WIDTH].copy())


def predict(program: Program, taken: Entries) -> Array:
    """Return what the experts predict together, shape (samples, outputs), in the units they learn in."""
    return mix(program, [logits(program, e, taken) for e in range(len(program.experts))])


def mix(program: Program, z: list[Array]) -> Array:
    """Return the mixture of the experts' logits, each (samples, outputs): link(Σ wₑ·zₑ) if stacked, else Σ wₑ·link(zₑ)."""
    stacked = bool(program.head[col.MIXTURE])
    outs = [
        w * (own if stacked else link(program, e, own))
        for e, (w, own) in enumerate(zip(shares(program), z, strict=True))
    ]
    total = np.asarray(sum(outs) + recalled(program))
    return link(program, 0, total) if stacked else total


def mix_backward(program: Program, z: list[Array], p: Array, delta: Array) -> list[Array]:
    """Return the derivative by each expert's logits, given the mixture p of logits z and the derivative by it, delta."""
    if program.head[col.MIXTURE]:
        common = link_backward(program, 0, p, delta)
        return [w * common for w in shares(program)]
    return [link_backward(program, e, link(program, e, own), shares(program)[e] * delta) for e, own in enumerate(z)]


def recalled(program: Program) -> Array:
    """Return what the label history adds to the mixture now, shape (outputs,): ``kernels.history.recall``."""
    past, k = program.history, program.outputs
    z = np.zeros(k)
    if not len(past) or past[LAST] < 0:
        return z
    if program.head[col.TARGETS]:
        mean, var = program.ys[0, col.MEAN], program.ys[0, col.VAR]
        z[0] = np.clip((past[STAY] - mean) / np.sqrt(var), -10, 10) if var > 1e-300 else 0.0
    else:
        last = int(past[LAST])
        counts = past[FOLLOWERS:].reshape(k, k)[last] if len(past) > FOLLOWERS else z
        prior = np.full(k, (1 - past[STAY]) / max(k - 1, 1))
        prior[last] = past[STAY]
        z = np.log((TRUST * prior + counts) / (TRUST + counts.sum()))
    return np.asarray(program.running[-col.RUNNING_WIDTH + col.WEIGHT] * z)


def _operations(program: Program, e: int) -> range:
    return range(int(program.ex[e, col.FIRST]), int(program.ex[e, col.LAST]))


def _dense(program: Program, op: Array) -> tuple[Array, Array]:
    """Weights (n, m) and bias (m,) of a dense operation."""
    n, m, par = int(op[col.N]), int(op[col.M]), int(op[col.PAR])
    block = program.p[par : par + (n + 1) * m].reshape(n + 1, m).astype(np.float64)
    return block[:n], block[n] * op[col.BIAS]


def _forward(program: Program, o: int, x: Array) -> Array:
    op, constant = program.prog[o], float(program.opc[o])
    name = _NAMES[int(op[col.OP])]
    if name == "dense":
        w, b = _dense(program, op)
        return x @ w + b
    if name in ("layer_norm", "batch_norm"):
        centre, scale, gain, shift = _norm(program, op, name, constant, x)
        return np.asarray((x - centre) * scale * gain + shift)
    return x if name == "dropout" else ACTIVATIONS[name][0](x, constant)


def _backward(program: Program, o: int, x: Array, y: Array, dy: Array) -> Array:
    op, constant = program.prog[o], float(program.opc[o])
    name = _NAMES[int(op[col.OP])]
    if name == "dense":
        return dy @ _dense(program, op)[0].T
    if name == "dropout":
        return dy
    if name in ("layer_norm", "batch_norm"):
        centre, scale, gain, _ = _norm(program, op, name, constant, x)
        u = dy * gain
        if name == "layer_norm":
            hat = (x - centre) * scale
            u = u - u.mean(1, keepdims=True) - hat * (u * hat).mean(1, keepdims=True)
        return np.asarray(u * scale)
    return np.asarray(dy * ACTIVATIONS[name][1](x, y, constant))


def _norm(program: Program, op: Array, name: str, constant: float, x: Array) -> tuple[Array, Array, Array, Array]:
    """Centre, scale, gain and shift of a normalisation."""
    m, par, at = int(op[col.M]), int(op[col.PAR]), int(op[col.BUFFER])
    gain = program.p[par : par + m].astype(np.float64) if par >= 0 else np.ones(m)
    shift = program.p[par + m : par + 2 * m].astype(np.float64) if par >= 0 else np.zeros(m)
    if name == "layer_norm":
        centre = x.mean(1, keepdims=True)
        return centre, 1 / np.sqrt(x.var(1, keepdims=True) + constant), gain, shift
    running = program.buf[at : at + 2 * m].astype(np.float64)
    return running[:m], 1 / np.sqrt(running[m:] + EPS), gain, shift


def _logistic(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -x)))


def _phi(x: Array) -> Array:
    return np.asarray(0.5 * (1 + np.vectorize(math.erf, otypes=[float])(x * math.sqrt(0.5))))


def _exp_below(x: Array) -> Array:
    return np.asarray(np.expm1(np.minimum(x, 0)))


_Forward = Callable[[Array, float], Array]
_Slope = Callable[[Array, Array, float], Array]
ACTIVATIONS: dict[str, tuple[_Forward, _Slope]] = {
    "identity": (lambda x, a: x, lambda x, y, a: np.ones_like(x)),
    "relu": (lambda x, a: np.maximum(x, 0), lambda x, y, a: (x > 0).astype(float)),
    "leaky_relu": (lambda x, a: np.where(x > 0, x, a * x), lambda x, y, a: np.where(x > 0, 1.0, a)),
    "sigmoid": (lambda x, a: _logistic(x), lambda x, y, a: y * (1 - y)),
    "tanh": (lambda x, a: np.tanh(x), lambda x, y, a: 1 - y * y),
    "elu": (lambda x, a: np.where(x > 0, x, a * _exp_below(x)), lambda x, y, a: np.where(x > 0, 1.0, y + a)),
    "selu": (
        lambda x, a: _LAMBDA * np.where(x > 0, x, _ALPHA * _exp_below(x)),
        lambda x, y, a: np.where(x > 0, _LAMBDA, y + _LAMBDA * _ALPHA),
    ),
    "gelu": (
        lambda x, a: x * _phi(x),
        lambda x, y, a: _phi(x) + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    ),
    "silu": (lambda x, a: x * _logistic(x), lambda x, y, a: _logistic(x) * (1 + x * (1 - _logistic(x)))),
    "softplus": (lambda x, a: np.logaddexp(0, x), lambda x, y, a: _logistic(x)),
    "hard_tanh": (lambda x, a: np.clip(x, -1, 1), lambda x, y, a: (np.abs(x) < 1).astype(float)),
}
"""f(x, a) and its slope f'(x, y, a) by name."""


def link(program: Program, e: int, z: Array) -> Array:
    """Return the predictions (samples, outputs) of logits z."""
    kind = program.experts[e].loss.row.link
    if kind == "softmax":
        u = np.exp(np.maximum(z - z.max(1, keepdims=True), -2 * LIMIT))
        return np.asarray(u / u.sum(1, keepdims=True))
    if kind == "sigmoid":
        return _logistic(np.clip(z, -LIMIT, LIMIT))
    return np.exp(np.clip(z, -LIMIT, LIMIT)) if kind == "exp" else z


def link_backward(program: Program, e: int, p: Array, delta: Array) -> Array:
    """Return the derivative by the logits, given the one by the predictions p; all (samples, outputs)."""
    kind = program.experts[e].loss.row.link
    if kind == "softmax":
        return np.asarray(p * (delta - (p * delta).sum(1, keepdims=True)))
    if kind == "sigmoid":
        return np.asarray(delta * p * (1 - p))
    return np.asarray(delta * p) if kind == "exp" else delta


def loss_delta(program: Program, e: int, z: Array, y: Array) -> Array:
    """Return the derivative of expert e's loss by its logits z (samples, k).

    ``y`` (samples,) holds class numbers for cross_entropy and hinge, 0 or 1 for binary_cross_entropy, else answers in
    the units the expert learns in.
    """
    loss = program.experts[e].loss
    p, k, a = link(program, e, z), z.shape[1], loss.number
    if loss.name in ("cross_entropy", "hinge"):
        own = np.arange(k)[None, :] == y[:, None]
        if loss.name == "cross_entropy":
            return np.asarray(p - own)
        side = np.where(own, 1.0, -1.0)
        return np.where(side * z < 1, -side / k, 0.0)
    r = p - y[:, None]
    rules: dict[str, Callable[[], Array]] = {
        "mse": lambda: 2 * a * r / k,
        "mae": lambda: np.sign(r) / k,
        "huber": lambda: np.clip(r, -a, a) / k,
        "quantile": lambda: np.where(r < 0, -a, 1 - a) / k,
    }
    return rules[loss.name]() if loss.name in rules else np.asarray(r / k)
