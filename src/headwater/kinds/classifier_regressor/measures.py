"""Measurements for the diagnosis, taken on a few sampled rows and left to the rules to judge."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_time, missing
from headwater.kinds.classifier_regressor.scores.tally import tally
from headwater.learner.sampling.measure import as_rows, best_hidden, rank, weight_size
from headwater.learner.sampling.sample import RECENT, DiagnosisSample, SampledRow
from headwater.learner.supervised import SupervisedLearner
from headwater.nn import inspect
from headwater.nn.core import STEPS, UNDONE, Core
from headwater.plain import ACTIVATIONS
from headwater.route.changes import Change, ChangePoint, change_point, changes, is_block
from headwater.types import Metrics, as_mapping

__all__ = ["Drift", "LayerState", "Measures", "drift_of", "measure"]

_NOTHING = 0.05  # share of the largest slope that counts as flat


@dataclass(frozen=True, slots=True)
class LayerState:
    """State of the units of one activation.

    ``flat`` is the share of (row, unit) pairs with a slope below 5 % of the largest. ``dead`` is the share of units with zero
    slope on every row.
    """

    name: str
    saturates: bool
    units: int
    flat: float
    dead: float


@dataclass(frozen=True, slots=True)
class Drift:
    """Where the sampled rows changed, and in what.

    ``row`` is the number of the first row after the change, ``date`` what its first column of dates says, ``changes`` are the columns
    that changed, and ``point`` has the rest.
    """

    row: int
    date: str
    changes: tuple[Change, ...]
    point: ChangePoint


@dataclass(frozen=True, slots=True)
class Measures:
    """Measurements that the rules read, with losses as in `learner.sampling`.

    Parameters
    ----------
    task, rows, record
        Task, rows seen, and the last record, if any.
    loss, loss_before
        Mean loss of the last rows, and of as many before them (NaN if there are fewer).
    base
        Loss of the best constant prediction, which is the labels' entropy, or the mean |y − median(y)|.
    before, after, worse
        Loss of the last rows when predicted and right after they were learned, and the share of rows whose loss rose.
    then, now, error
        Loss of rows of the stream's second half when predicted, their current loss, and the standard error of the difference.
    steps, undone
        Steps taken, and steps undone.
    layers
        Activations of each expert.
    gradients
        Root mean square of the delta at each layer by expert, first layer first.
    sizes
        (row, root mean square weight, effective rank) at the first measurement, whenever rows grow 1,024-fold, and now.
    units
        Units of the layer whose rank is measured.
    pool
        Whether the model is the default pool, which needs other advice.
    scaled
        Whether numbers are standardized.
    numbers
        Mean and deviation by numeric feature.
    constant, leaks
        Constant features, and how well each feature alone determines the label (0 to 1).
    labels
        Rows by class.
    drift
        Where the sampled rows changed, as `Drift`, or None.
    sure, right, ece, judged
        Mean probability of the predicted class, accuracy, and expected calibration error of the ``judged`` later probed rows.
    """

    task: str
    rows: int
    record: Metrics | None = None
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
    pool: bool = False
    scaled: bool = True
    numbers: dict[Any, tuple[float, float]] = field(default_factory=dict)
    constant: tuple[Any, ...] = ()
    leaks: dict[Any, float] = field(default_factory=dict)
    labels: dict[Any, int] = field(default_factory=dict)
    drift: Drift | None = None
    sure: float = math.nan
    right: float = math.nan
    ece: float = math.nan
    judged: int = 0


def measure(model: SupervisedLearner, sample: DiagnosisSample) -> Measures:
    """Return the current measurements without changing the model.

    Notes
    -----
    Takes some 30 ms per call.
    """
    engine = model.learned_engine
    core, run = engine.core, engine.core.running
    samples = [kept.x for kept in sample.rows]
    taken = inspect.entries(core, engine.rows(as_rows(samples)), len(samples))
    values = [inspect.forward(core, e, inspect.read(core, e, taken), taken.carried) for e in range(len(core.experts))]
    answers = model.answers_now(sample.rows)
    e = best_hidden(core)
    rows = [as_mapping(x) for x in samples]
    half = [kept for kept in sample.rows if sample.n // 2 < kept.row <= sample.n - 64]
    then, now, error = _again(model, half)
    return Measures(
        task=model.task,
        rows=sample.n,
        record=_record(sample),
        loss=float(sample.recent.mean()),
        loss_before=_earlier(sample),
        base=_base(sample),
        before=sample.before,
        after=sample.after,
        worse=sample.worse,
        then=then,
        now=now,
        error=error,
        steps=int(run[:, STEPS].max()),
        undone=int(run[:, UNDONE].max()),
        layers=tuple(state for e, own in enumerate(values) for state in _layers(core, e, own)),
        gradients=tuple(_gradients(core, e, own, answers) for e, own in enumerate(values)),
        sizes=(*sample.sizes, (sample.n, weight_size(core), rank(engine, samples))),
        units=0 if e is None else values[e][-2].shape[1],
        pool=len(core.experts) > 1 and model.experts is None,
        scaled=bool(core.about["standard"]),
        numbers=_numbers(rows),
        constant=_constant(rows),
        leaks=_leaks(model.task, rows, [kept.y for kept in sample.rows]),
        labels=dict(sample.labels),
        drift=drift_of(sample.rows),
        **_calibration(sample),
    )


def _again(model: SupervisedLearner, rows: list[SampledRow]) -> tuple[float, float, float]:
    """Return the loss when predicted, the current loss, and the standard error of the difference."""
    if len(rows) < 30:
        return math.nan, math.nan, math.nan
    then, now = np.array([kept.loss for kept in rows]), model.losses_now(rows)
    return float(then.mean()), float(now.mean()), float((then - now).std() / math.sqrt(len(rows)))


def _earlier(sample: DiagnosisSample) -> float:
    """Return the mean loss of as many rows before the recent ones, NaN if there are fewer."""
    losses = [loss for *_, loss, _ in sample.log[-2 * RECENT : -RECENT]]
    return float(np.mean(losses)) if len(losses) == RECENT else math.nan


def _record(sample: DiagnosisSample) -> Metrics | None:
    """Return the metrics of the last session, or of the probed rows if the model has learned on without one."""
    if sample.record is not None and sample.n <= 1.1 * sample.recorded + 100:
        return sample.record
    return tally(sample.task, sample.n, sample.log, sample.labels, (sample.total, sample.probed))


def _calibration(sample: DiagnosisSample) -> dict[str, Any]:
    """Return confidence, accuracy and calibration error, without the first eighth of the stream.

    ece = Σ share·|right − sure| over five bins of equal size (Naeini, Cooper & Hauskrecht 2015).
    """
    sure = np.array(sorted((sure for row, *_, sure in sample.log if sure == sure and row > sample.n // 8), key=abs))
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


def _base(sample: DiagnosisSample) -> float:
    if sample.task == "regress":
        y = np.array([kept.y for kept in sample.rows], np.float64)
        return float(np.abs(y - np.median(y)).mean())
    counts = np.array(list(sample.labels.values()), np.float64)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def _layers(core: Core, e: int, values: list[NDArray[Any]]) -> list[LayerState]:
    out: list[LayerState] = []
    for i, operation in enumerate(core.operations(e)):
        row = ACTIVATIONS.get(operation.name)
        if row is None or row.name == "identity":
            continue
        slope = np.abs(row.derivative(values[i], values[i + 1], operation.constant))
        flat = slope < _NOTHING if row.saturated is None else row.saturated(values[i])
        whose = f"expert {e + 1}, " if len(core.experts) > 1 else ""
        name = f"{whose}hidden layer {len(out) + 1} ({row.name})"
        dead = float((slope < 1e-6).all(0).mean())
        out.append(LayerState(name, row.saturated is not None, slope.shape[1], float(flat.mean()), dead))
    return out


def _gradients(core: Core, e: int, values: list[NDArray[Any]], y: NDArray[np.float64]) -> tuple[tuple[str, float], ...]:
    """Return the size of the loss's delta after each dense layer, the input table first."""
    deltas = inspect.backward(core, e, values, inspect.loss_delta(core, e, values[-1], y))
    dense = [i + 1 for i, operation in enumerate(core.operations(e)) if operation.name == "dense"]
    return tuple((f"layer {n + 1}", float(np.sqrt(np.square(deltas[i]).mean()))) for n, i in enumerate([0, *dense]))


def _numbers(rows: list[Any]) -> dict[Any, tuple[float, float]]:
    found: dict[Any, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, Real) and math.isfinite(value):
                found.setdefault(name, []).append(float(value))
    return {name: (float(np.mean(v)), float(np.std(v))) for name, v in found.items()}


def _constant(rows: list[Any]) -> tuple[Any, ...]:
    """Return the features with the same value in every row."""
    if len(rows) < 100:
        return ()
    return tuple(name for name in rows[0] if len({str(row.get(name)) for row in rows}) == 1)


def _leaks(task: str, rows: list[Any], y: list[Any]) -> dict[Any, float]:
    """Return how well each feature alone determines the label, by its nearest other row, with 1 for perfectly.

    For classes this is the accuracy, rescaled from 0 for the majority to 1. For numbers it is the explained share of the variance.
    """
    if len(rows) < 100:
        return {}
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _told(task, [row.get(name) for row in rows], y) for name in names}


def drift_of(rows: list[SampledRow]) -> Drift | None:
    """Return where the sampled rows, in order of time, changed, or None."""
    rows = sorted(rows, key=lambda kept: kept.row)
    x, y = [as_mapping(kept.x) for kept in rows], [kept.y for kept in rows]
    point = change_point(x, y)
    if point is None:
        return None
    before, now = (
        [{name: row.get(name) for name in point.columns} for row in part] for part in (x[: point.at], x[point.at :])
    )
    by_name = {change.name: change for change in changes(before, now)}
    found = tuple(by_name[name] for name in point.columns)
    return Drift(rows[point.at].row, _date(x[point.at]), found, point)


def _date(row: Mapping[Any, Any]) -> str:
    """Return the first date of a row, or an empty text."""
    dates = (time for value in row.values() if (time := as_time(value)) is not None)
    found = next(dates, None)
    return "" if found is None else found.isoformat(" ", "minutes").removesuffix(" 00:00")


def _told(task: str, x: list[Any], y: list[Any]) -> float:
    known = [i for i, value in enumerate(x) if not (missing(value) or is_block(value))]
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
    """Return pairs of a label and its prediction from the other rows of the same category."""
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
