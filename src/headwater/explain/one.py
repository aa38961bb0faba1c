"""Why one prediction came out as it did: how much each feature, by its name, moved it.

Two methods, both from the derivative by what the net reads: a standardised number, how much of the hats it lies under,
the 1 of a category. With v these numbers of the sample and u those of the baseline::

    gradient × input        (vᵢ − uᵢ) · ∂F/∂vᵢ                            the slope at the sample itself
    integrated gradients    (vᵢ − uᵢ) · ∫₀¹ ∂F/∂vᵢ (u + α·(v − u)) dα      the slopes on the way to it

F is the prediction: the probability of a class, or the answer in its own units. The baseline is the sample with its
numbers at their running means and without any category. Integrated gradients are *complete*: the contributions add up
to F(v) − F(u), so "how far from the baseline, and whose doing" has no rest.

References
----------
Sundararajan, Taly & Yan 2017 (integrated gradients); Shrikumar, Greenside & Kundaje 2017 (gradient × input).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.engine import Engine
from headwater.errors import ConfigError, DataError, TargetError
from headwater.explain.explanation import METHODS, Explanation
from headwater.kernels import _op as col
from headwater.nn import trace
from headwater.nn.program import Program, weights
from headwater.regressor import Regressor

__all__ = ["engine_of", "explain_one"]

_FIRST, _LAST = 32, 4096  # points on the path: doubled until the rest is small
_REST = 1e-3  # of the distance from the baseline
_SURE = 1e-13  # the loss reads logits beyond ±30 as ±30: no probability is surer


def explain_one(
    model: Classifier | Regressor,
    x: Mapping[Any, Any],
    *,
    target: Any = None,
    method: str = METHODS[0],
    of: str = "proba",
) -> Explanation:
    """Say how much each feature moved the prediction for one sample.

    Parameters
    ----------
    model
        A classifier or regressor that has learned something.
    x
        The sample; it is not learned.
    target
        The class whose probability is explained; the predicted one without it. Not for a regressor.
    method
        ``"integrated_gradients"``, or ``"gradient_x_input"``, which is cheaper and not complete.
    of
        What F is for a classifier: the class's ``"proba"``, or its ``"log_odds"`` ln p/(1 − p), which still tell
        features apart where p is nearly 0 or 1. Regressors have one kind of answer.

    Returns
    -------
    Explanation

    Raises
    ------
    DataError
        When the model has learned nothing yet.
    ConfigError
        For an unknown method or kind of answer.
    TargetError
        For a class the model doesn't know.

    Notes
    -----
    Cost: two passes over the net at each of 32 points of the path (more where the net bends sharply): about 1 ms.

    Examples
    --------
    >>> from headwater import Regressor
    >>> model = Regressor((), seed=1)
    >>> for i in range(500):
    ...     model.learn_one({"a": i % 7, "b": i % 3}, 2.0 * (i % 7))
    >>> why = explain_one(model, {"a": 6, "b": 0})
    >>> next(iter(why.contributions))
    'a'
    """
    if method not in METHODS:
        raise ConfigError(
            expected=f"one of {', '.join(METHODS)}", got=repr(method), at="method", help="Choose one of these names."
        )
    if of not in ("proba", "log_odds"):
        raise ConfigError(expected="proba or log_odds", got=repr(of), at="of", help="Choose one of the two.")
    engine = engine_of(model)
    path = _path(engine, x)
    output = _output(model, target, engine, path.end)
    output = replace(output, odds=of == "log_odds" and isinstance(model, Classifier))
    totals: dict[Hashable, float] = dict.fromkeys(x, 0.0)
    for name, part in zip(path.names, _parts(engine.program, path, output, method).tolist(), strict=True):
        totals[name] += part
    return Explanation(
        prediction=float(output.value(trace.predict(engine.program, path.end))[0]),
        baseline=float(output.value(trace.predict(engine.program, path.start))[0]),
        contributions=dict(sorted(totals.items(), key=lambda item: -abs(item[1]))),
        values=dict(x),
        target=output.label,
        method=method,
        of=of,
    )


def engine_of(model: Classifier | Regressor) -> Engine:
    """Return the engine of a learner that has learned something.

    Raises
    ------
    DataError
        When it has not.
    """
    engine = model._engine
    if engine is None or not engine.learned:
        raise DataError(
            expected="a model that has learned",
            got="one that has seen no answer",
            at=type(model).__name__,
            help="Call learn_one or learn_many first.",
        )
    return engine


@dataclass(frozen=True, slots=True)
class _Output:
    """Which number is explained: q = offset + sign·scale·output[column], or the log-odds of q."""

    label: Any
    column: int
    sign: float
    offset: float
    scale: float
    odds: bool = False

    def value(self, out: NDArray[Any]) -> NDArray[Any]:
        q = self.offset + self.sign * self.scale * out[:, self.column]
        if not self.odds:
            return np.asarray(q)
        q = np.clip(q, _SURE, 1 - _SURE)
        return np.asarray(np.log(q) - np.log1p(-q))

    def delta(self, out: NDArray[Any]) -> NDArray[Any]:
        delta = np.zeros_like(out)
        delta[:, self.column] = self.sign * self.scale
        if self.odds:
            q = np.clip(self.offset + delta[:, self.column] * out[:, self.column], _SURE, 1 - _SURE)
            delta[:, self.column] /= q * (1 - q)
        return delta


def _output(model: Classifier | Regressor, target: Any, engine: Engine, taken: trace.Entries) -> _Output:
    """Choose the number to explain."""
    if isinstance(model, Regressor):
        if target is not None:
            raise ConfigError(expected="no target", got=repr(target), at="target", help="A regressor has one answer.")
        program = engine.program
        mean, var = (program.ys[0, col.MEAN], program.ys[0, col.VAR]) if program.head[col.TARGETS] else (0.0, 1.0)
        return _Output(None, 0, 1.0, float(mean), float(np.sqrt(var)))
    two_in_one = model._binary
    if target is None:
        out = trace.predict(engine.program, taken)[0]
        index = (int(out[0] > 0.5) if two_in_one else int(out.argmax())) if len(model.classes) > 1 else 0
    elif target in model.classes:
        index = model.classes.index(target)
    else:
        raise TargetError(
            expected=f"one of the classes {model.classes[:12]!r}", got=repr(target), at="target", help="Name a class."
        )
    label = model.classes[index]
    if two_in_one:
        return _Output(label, 0, 1.0, 0.0, 1.0) if index else _Output(label, 0, -1.0, 1.0, 1.0)
    return _Output(label, index, 1.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Path:
    """The straight way from the baseline's entries, `start`, to the sample's, `end`.

    ``rows`` (n,), ``way`` (n,) how far each entry goes, ``names`` the feature it belongs to.
    """

    start: trace.Entries
    end: trace.Entries
    rows: NDArray[np.int64]
    way: NDArray[np.float64]
    names: list[Hashable]


def _path(engine: Engine, x: Mapping[Any, Any]) -> _Path:
    """Encode the features one by one, so that each entry has a name: those of the sample, and those of the baseline."""
    block = engine.encoder.samples([{name: value} for name, value in x.items()], [False] * len(x))
    names = list(x)
    end, start = trace.entries(engine.program, block), trace.entries(engine.program, block, baseline=True)
    owner = np.concatenate([end.owner, start.owner])
    return _Path(
        trace.Entries(start.rows, start.values, np.zeros_like(start.owner), 1),
        trace.Entries(end.rows, end.values, np.zeros_like(end.owner), 1),
        np.concatenate([end.rows, start.rows]),
        np.concatenate([end.values, -start.values]),
        [names[i] for i in owner],
    )


def _parts(program: Program, path: _Path, output: _Output, method: str) -> NDArray[Any]:
    """Return the contribution of each entry, experts together."""
    if method == "gradient_x_input":
        return _along(program, path, output, np.ones(1))
    ends = [output.value(trace.predict(program, taken))[0] for taken in (path.end, path.start)]
    far = float(ends[0] - ends[1])
    points = _FIRST
    while True:
        parts = _along(program, path, output, (np.arange(points) + 0.5) / points)
        if points >= _LAST or abs(parts.sum() - far) <= _REST * max(abs(far), 1e-6 * output.scale):
            return parts
        points *= 2


def _along(program: Program, path: _Path, output: _Output, at: NDArray[Any]) -> NDArray[Any]:
    """Return way·(mean of ∂F/∂v over the points α of the path): the midpoint rule of integrated gradients."""
    values = []
    for e in range(len(program.experts)):
        start = trace.read(program, e, path.start)
        values.append(trace.forward(program, e, start + at[:, None] * (trace.read(program, e, path.end) - start)))
    z = [own[-1] for own in values]
    mixed = trace.mix(program, z)
    parts = np.zeros(len(path.rows))
    for e, delta in enumerate(trace.mix_backward(program, z, mixed, output.delta(mixed))):
        slope = trace.backward(program, e, values[e], delta)[0].mean(0)
        place = next(place for place in program.places if place.expert == e and place.table)
        parts += path.way * (weights(program, place)[path.rows - 1].astype(np.float64) @ slope)
    return parts
