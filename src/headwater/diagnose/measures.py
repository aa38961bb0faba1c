"""What a diagnosis is made from: numbers, measured on the few rows that a session kept. Nothing is judged here."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.engine import Engine
from headwater.kernels import _op as col
from headwater.kernels._op import OPS
from headwater.nn import trace
from headwater.nn.program import Program
from headwater.types import Record
from headwater.watch.changes import as_mapping
from headwater.watch.health import RECENT, Health
from headwater.watch.probe import Kept, best_hidden, losses_again, rank, rows_kept, weight_size
from headwater.watch.tally import tally

__all__ = ["LayerState", "Measures", "measure"]

_SLOPES = {"sigmoid": 0.25, "tanh": 1.0, "hard_tanh": 1.0}  # the largest slope of each that can saturate
_NOTHING = 0.05  # of the largest slope
_BENDS = {"relu", "gelu", "silu", "elu", "selu", "leaky_relu", "softplus"}
_NAMES = {row.code: row.name for row in OPS.values()}


@dataclass(frozen=True, slots=True)
class LayerState:
    """How the units of one activation stand.

    ``flat``: the share of (row, unit) whose slope is below 5 % of the largest; ``dead``: the share of units whose slope
    is nothing on every row.
    """

    name: str
    kind: str
    units: int
    flat: float
    dead: float


@dataclass(frozen=True, slots=True)
class Measures:
    """The numbers that findings are made from; losses as `watch.health` has them.

    Parameters
    ----------
    task, rows, record
        What is learned, rows seen, and the last record if one was made.
    loss, loss_before
        Mean over the last rows, and over as many before them (NaN when there were not as many).
    base
        What the best constant prediction would have cost: the labels' entropy, or the mean |y − median(y)|.
    before, after, worse
        Over the last rows learned, at each measurement: their loss when predicted and just after they were learned, and
        the share of rows whose loss rose.
    then, now, error
        Rows of the second half of the stream: their loss when predicted, their loss now, and the standard error of the
        difference.
    steps, undone
        Steps taken, and those taken back by the guard.
    layers
        Activations of each expert.
    gradients
        By expert: (layer, root mean square of the delta), from the first layer to the last.
    sizes
        (row, root mean square weight, effective rank) at the first measurement, at 1,024-fold rows, and now.
    units
        Units of the layer whose rank that is.
    scaled
        Whether numbers are standardised.
    numbers
        By numeric feature: mean and deviation.
    constant, leaks
        Features that never changed; features that tell the answer by themselves, and how well (0 to 1).
    labels
        Rows by class.
    sure, right, ece, judged
        Of the later rows looked at (``judged`` of them): the mean probability of the class that was predicted, the share
        that was right, and the expected calibration error.
    """

    task: str
    rows: int
    record: Record | None = None
    loss: float = math.nan
    loss_before: float = math.nan
    base: float = math.nan
    before: float = math.nan
    after: float = math.nan
    worse: float = math.nan
    then: float = math.nan
    now: float = math.nan
    error: float = math.nan
    steps: int = 0
    undone: int = 0
    layers: tuple[LayerState, ...] = ()
    gradients: tuple[tuple[tuple[str, float], ...], ...] = ()
    sizes: tuple[tuple[int, float, float], ...] = ()
    units: int = 0
    scaled: bool = True
    numbers: dict[Any, tuple[float, float]] = field(default_factory=dict)
    constant: tuple[Any, ...] = ()
    leaks: dict[Any, float] = field(default_factory=dict)
    labels: dict[Any, int] = field(default_factory=dict)
    sure: float = math.nan
    right: float = math.nan
    ece: float = math.nan
    judged: int = 0


def measure(model: Any, health: Health) -> Measures:
    """Return the numbers as they stand now; the model is only asked.

    Notes
    -----
    Cost: some 30 ms, once, whenever somebody asks.
    """
    engine: Engine = model._engine
    program = engine.program
    run = program.run.reshape(-1, col.RUNNING_WIDTH)
    block = engine.encode(rows_kept(health.sample), np.zeros(len(health.sample), bool))
    taken = trace.entries(program, block)
    values = [trace.forward(program, e, trace.read(program, e, taken)) for e in range(len(program.experts))]
    e = best_hidden(program)
    rows = [as_mapping(kept.x) for kept in health.sample]
    half = [kept for kept in health.sample if health.n // 2 < kept.row <= health.n - 64]
    then, now, error = _again(model, half)
    return Measures(
        task=model.task,
        rows=health.n,
        record=_record(model.task, health),
        loss=float(health.recent.mean()),
        loss_before=_earlier(health),
        base=_base(model.task, health),
        before=health.before,
        after=health.after,
        worse=health.worse,
        then=then,
        now=now,
        error=error,
        steps=int(run[:, col.T].max()),
        undone=int(run[:, col.DIVERGED].max()),
        layers=tuple(state for e, own in enumerate(values) for state in _layers(program, e, own)),
        gradients=tuple(_gradients(model, program, e, own, health.sample) for e, own in enumerate(values)),
        sizes=(*health.sizes, (health.n, weight_size(program), rank(model, health.sample))),
        units=0 if e is None else values[e][-2].shape[1],
        scaled=bool(program.head[col.STANDARD]),
        numbers=_numbers(rows),
        constant=_constant(rows),
        leaks=_leaks(model.task, rows, [kept.y for kept in health.sample]),
        labels=dict(health.labels),
        **_calibration(health),
    )


def _again(model: Any, rows: list[Kept]) -> tuple[float, float, float]:
    """Loss when predicted, loss now, and the standard error of the difference."""
    if len(rows) < 30:
        return math.nan, math.nan, math.nan
    then, now = np.array([kept.loss for kept in rows]), losses_again(model.task, model, rows)
    return float(then.mean()), float(now.mean()), float((then - now).std() / math.sqrt(len(rows)))


def _earlier(health: Health) -> float:
    """Return the mean loss of as many rows before the recent ones; NaN while there are fewer."""
    losses = [loss for *_, loss, _ in health.log[-2 * RECENT : -RECENT]]
    return float(np.mean(losses)) if len(losses) == RECENT else math.nan


def _record(task: str, health: Health) -> Record | None:
    """Return the scores of the last session, or where the model has gone on without one, those of the rows looked at."""
    if health.record is not None and health.n <= 1.1 * health.recorded + 100:
        return health.record
    return tally(task, health.n, health.log, health.labels, (health.total, health.looks))


def _calibration(health: Health) -> dict[str, Any]:
    """Return how sure predictions were and how often right, without the first eighth of the stream, when all is new.

    ece = Σ share·|right − sure| over five bins of as many rows each (Naeini, Cooper & Hauskrecht 2015).
    """
    sure = np.array(sorted((sure for row, *_, sure in health.log if sure == sure and row > health.n // 8), key=abs))
    if len(sure) < 5:
        return {}
    bins = np.array_split(sure, 5)
    ece = sum(len(one) * abs(float((one > 0).mean() - np.abs(one).mean())) for one in bins) / len(sure)
    return {
        "sure": float(np.abs(sure).mean()),
        "right": float((sure > 0).mean()),
        "ece": ece,
        "judged": len(sure),
    }


def _base(task: str, health: Health) -> float:
    if task == "regress":
        y = np.array([kept.y for kept in health.sample], np.float64)
        return float(np.abs(y - np.median(y)).mean())
    counts = np.array(list(health.labels.values()), np.float64)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _layers(program: Program, e: int, values: list[NDArray[Any]]) -> list[LayerState]:
    out: list[LayerState] = []
    first = int(program.ex[e, col.FIRST])
    for i in range(len(values) - 1):
        kind = _NAMES[int(program.prog[first + i, col.OP])]
        if kind not in _SLOPES and kind not in _BENDS:
            continue
        slope = np.abs(trace.ACTIVATIONS[kind][1](values[i], values[i + 1], float(program.opc[first + i])))
        flat = slope < _NOTHING * _SLOPES.get(kind, 1.0)
        whose = f"expert {e + 1}, " if len(program.experts) > 1 else ""
        name = f"{whose}hidden layer {len(out) + 1} ({kind})"
        out.append(LayerState(name, kind, slope.shape[1], float(flat.mean()), float((slope < 1e-6).all(0).mean())))
    return out


def _gradients(
    model: Any, program: Program, e: int, values: list[NDArray[Any]], sample: list[Kept]
) -> tuple[tuple[str, float], ...]:
    """Size of the loss's delta behind each dense layer, the input table first."""
    if model.task == "classify":
        y = np.array([model._index.get(kept.y, 0) for kept in sample], np.float64)
    else:
        y = np.array([kept.y for kept in sample], np.float64)
        if program.head[col.TARGETS]:
            y = (y - program.ys[0, col.MEAN]) / math.sqrt(max(float(program.ys[0, col.VAR]), 1e-300))
    deltas = trace.backward(program, e, values, trace.loss_delta(program, e, values[-1], y))
    first = int(program.ex[e, col.FIRST])
    dense = [i + 1 for i in range(len(values) - 1) if _NAMES[int(program.prog[first + i, col.OP])] == "dense"]
    return tuple((f"layer {n + 1}", float(np.sqrt(np.square(deltas[i]).mean()))) for n, i in enumerate([0, *dense]))


def _numbers(rows: list[Any]) -> dict[Any, tuple[float, float]]:
    found: dict[Any, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, Real) and math.isfinite(value):
                found.setdefault(name, []).append(float(value))
    return {name: (float(np.mean(v)), float(np.std(v))) for name, v in found.items()}


def _constant(rows: list[Any]) -> tuple[Any, ...]:
    """Features that are in every row with one and the same value."""
    if len(rows) < 100:
        return ()
    return tuple(name for name in rows[0] if len({str(row.get(name)) for row in rows}) == 1)


def _leaks(task: str, rows: list[Any], y: list[Any]) -> dict[Any, float]:
    """Return how well each feature alone tells the answer, by the nearest other row in it: 1 is perfectly.

    For classes: the share told right, between 0 for the majority and 1. For numbers: the share of the variance.
    """
    if len(rows) < 100:
        return {}
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _told(task, [row.get(name) for row in rows], y) for name in names}


def _told(task: str, x: list[Any], y: list[Any]) -> float:
    known = [i for i, value in enumerate(x) if value is not None and value == value]
    if len(known) < 100:
        return 0.0
    if all(isinstance(x[i], Real) for i in known):
        order = sorted(known, key=lambda i: float(x[i]))
        pairs = [(y[i], y[j]) for i, j in zip(order[1:], order[:-1], strict=True)]
    else:
        pairs = _others(known, [str(value) for value in x], y, task)
    if task == "regress":
        answers, told = (np.array(side, np.float64) for side in zip(*pairs, strict=True))
        spread = float(np.var(answers))
        return max(0.0, 1 - float(np.mean(np.square(answers - told))) / spread) if spread > 0 else 0.0
    most = max(Counter(y[i] for i in known).values()) / len(known)
    right = sum(a == b for a, b in pairs) / len(known)
    return max(0.0, (right - most) / (1 - most)) if most < 1 else 0.0


def _others(known: list[int], x: list[str], y: list[Any], task: str) -> list[tuple[Any, Any]]:
    """Pairs of an answer and what the other rows of the same category say; a category seen once says nothing."""
    groups: dict[str, list[Any]] = {}
    for i in known:
        groups.setdefault(x[i], []).append(y[i])
    pairs: list[tuple[Any, Any]] = []
    mean = float(np.mean([y[i] for i in known])) if task == "regress" else 0.0
    for group in groups.values():
        if task == "regress":
            total = float(sum(group))
            pairs += [(a, (total - a) / (len(group) - 1) if len(group) > 1 else mean) for a in group]
        else:
            counts = Counter(group)
            pairs += [(a, (counts - Counter([a])).most_common(1)[0][0] if len(group) > 1 else None) for a in group]
    return pairs
