"""Explain one prediction by the contribution of each feature.

Both methods use the gradient with respect to the network's inputs, which are standardized numbers, spline basis values
and the 1 of a category. With v these inputs of the sample and u those of the baseline::

    gradient × input        (vᵢ − uᵢ) · ∂F/∂vᵢ                            the slope at the sample itself
    integrated gradients    (vᵢ − uᵢ) · ∫₀¹ ∂F/∂vᵢ (u + α·(v − u)) dα      the slopes along the path to it

F is the prediction: the probability of a class, or a regressor's output in its own units. The baseline is the sample with its
numbers at their running means, without any category, and without the recurrent state left by earlier rows (``memory``).
Integrated gradients are *complete*: the contributions add up to F(v) − F(u).

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

from headwater.errors import ConfigError, TargetError
from headwater.explain.explanation import METHODS, Explanation
from headwater.learner.base import at_one_moment
from headwater.learner.engine import Engine
from headwater.learner.kind import check_can, has_classes
from headwater.learner.supervised import SupervisedLearner
from headwater.learner.validation import check_sample
from headwater.nn import inspect
from headwater.nn.core import Core
from headwater.plain.inputs.answers import COLUMNS
from headwater.streams.readers.dtypes.cells import Text, is_of_texts

__all__ = ["explain_one"]

MEMORY = "memory"
"""Feature name for the contribution of the recurrent state."""
_FIRST, _LAST = 32, 4096  # points on the path, doubled until the rest is small
_REST = 1e-3  # share of the distance from the baseline
_SURE = 1e-13  # the loss clips logits to ±30, which bounds every probability


@at_one_moment
def explain_one(
    model: SupervisedLearner,
    x: Mapping[Any, Any],
    *,
    target: Any = None,
    method: str = METHODS[0],
    of: str = "proba",
) -> Explanation:
    """Return the contribution of each feature to the prediction for one sample.

    Parameters
    ----------
    model
        A fitted classifier or regressor.
    x
        The sample. It is not learned.
    target
        The class whose probability is explained; the predicted class by default. Not for a regressor.
    method
        ``"integrated_gradients"``, or ``"gradient_x_input"``, which is cheaper and not complete.
    of
        F for a classifier: the class's ``"proba"``, or its ``"log_odds"`` ln p/(1 − p), which still separate features
        where p is nearly 0 or 1. Ignored for a regressor.

    Returns
    -------
    Explanation

    Raises
    ------
    DataError
        When the model has learned nothing yet.
    ConfigError
        For an unknown ``method`` or ``of``.
    TargetError
        For a class that the model has not seen.

    Notes
    -----
    Two passes over the net at each of 32 points of the path (more where the gradient changes fast) take about 1 ms.

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
    check_can(model, "layers", at="explain_one")
    check_sample(x)
    engine = model.learned_engine
    before = {name: value for name, value in inspect.answers_before(engine.core).items() if value == value}
    x = {**before, **model.as_read(x)}
    path = _path(engine, x)
    output = _output(model, target, engine, path.end)
    output = replace(output, odds=of == "log_odds" and has_classes(model))
    totals: dict[Hashable, float] = dict.fromkeys(x, 0.0)
    for name, part in zip(path.names, _parts(engine.core, path, output, method).tolist(), strict=True):
        totals[name] = totals.get(name, 0.0) + part
    texts = {word.column for word in path.words}  # words are listed in place of their column
    totals = {name: part for name, part in totals.items() if part or name not in texts}
    if output.direct:
        totals[COLUMNS[0]] = totals.get(COLUMNS[0], 0.0) + output.direct
    return Explanation(
        prediction=float(output.value(inspect.predict(engine.core, path.end))[0]),
        baseline=float(output.value(inspect.predict(engine.core, path.start))[0]) - output.direct,
        contributions=dict(sorted(totals.items(), key=lambda item: -abs(item[1]))),
        values=_values_of(model, x, path),
        target=output.label,
        method=method,
        of=of,
    )


def _values_of(model: SupervisedLearner, x: Mapping[Any, Any], path: _Path) -> dict[Hashable, Any]:
    """Return the values shown beside the contributions, including each word's count and the state's key."""
    values = {**x, **{word.name: word.times for word in path.words if word.times}}
    if path.end.carried is not None:
        values[MEMORY] = None if model.by is None else x.get(model.by)
    return values


@dataclass(frozen=True, slots=True)
class _Output:
    """The number to explain, q = offset + sign·scale·output[column], or the log-odds of q.

    With lag features the offset depends on the last label. ``direct`` is the contribution of that dependence.
    """

    label: Any
    column: int
    sign: float
    offset: float
    scale: float
    odds: bool = False
    direct: float = 0.0

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


def _output(model: SupervisedLearner, target: Any, engine: Engine, taken: inspect.Entries) -> _Output:
    """Select the number to explain."""
    if not has_classes(model):
        if target is not None:
            raise ConfigError(expected="no target", got=repr(target), at="target", help="A regressor has one answer.")
        offset, scale = inspect.answer_units(engine.core)
        return _Output(None, 0, 1.0, offset, scale, direct=offset - inspect.answer_units(engine.core, at_mean=True)[0])
    two_in_one, classes = model.one_output, model.known_classes
    if target is None:
        out = inspect.predict(engine.core, taken)[0]
        index = (int(out[0] > 0.5) if two_in_one else int(out.argmax())) if len(classes) > 1 else 0
    elif target in classes:
        index = classes.index(target)
    else:
        raise TargetError(
            expected=f"one of the classes {classes[:12]!r}", got=repr(target), at="target", help="Name a class."
        )
    label = classes[index]
    if two_in_one:
        return _Output(label, 0, 1.0, 0.0, 1.0) if index else _Output(label, 0, -1.0, 1.0, 1.0)
    return _Output(label, index, 1.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Path:
    """Straight path from the baseline's entries `start` to the sample's `end`.

    ``rows`` (n,) are the embedding rows of the entries and ``way`` (n,) the change of each. ``table`` and ``share`` (c,)
    describe the tile-coding tests whose result differs between the two ends; a table's contribution is shared evenly among
    its tests. ``names`` (n + c,) are the features of both. ``words`` are those of text columns, and embeddings, and ``added`` (words,
    outputs) is what each adds to the mixture. With a recurrent state, its output grows from 0 along the path and its name
    comes last.
    """

    start: inspect.Entries
    end: inspect.Entries
    rows: NDArray[np.int64]
    way: NDArray[np.float64]
    table: NDArray[np.int64]
    share: NDArray[np.float64]
    names: list[Hashable]
    words: list[inspect.Word]
    added: NDArray[np.float64]


def _path(engine: Engine, x: Mapping[Any, Any]) -> _Path:
    """Encode the features one by one for the sample and for the baseline, so that each entry has a feature name."""
    # A row of one text is read as a row of a file, unless the text is said to be one, as in the whole row.
    alone = x if is_of_texts(x) else {name: Text(v) if type(v) is str else v for name, v in x.items()}
    rows = engine.rows([{name: value} for name, value in alone.items()])
    names = list(x)
    end = inspect.entries(engine.core, rows, len(x))
    start = inspect.entries(engine.core, rows, len(x), baseline=True)
    owner = np.concatenate([end.owner, start.owner])
    taken = np.concatenate([end.rows, start.rows])
    whole = engine.rows([dict(x)])
    here = inspect.cells_of(engine.core, whole, 1)
    there = inspect.cells_of(engine.core, whole, 1, baseline=True)
    table, share, tested = _changed_tests(
        engine.core, here, there, dict(zip(taken.tolist(), owner.tolist(), strict=True))
    )
    words, added = inspect.texts(engine.core, x)
    carried = inspect.carried_of(engine.core, whole, 1)
    return _Path(
        inspect.Entries(start.rows, start.values, np.zeros_like(start.owner), 1, there),
        inspect.Entries(end.rows, end.values, np.zeros_like(end.owner), 1, here, added.sum(0)[None], carried),
        taken,
        np.concatenate([end.values, -start.values]),
        table,
        share,
        [
            *(names[i] for i in [*owner, *tested]),
            *(word.name for word in words),
            *([] if carried is None else [MEMORY]),
        ],
        words,
        added,
    )


def _changed_tests(
    core: Core, here: NDArray[np.int64] | None, there: NDArray[np.int64] | None, owner: dict[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[int]]:
    """Return table, share and feature of each tile-coding test that differs, where ``owner`` maps rows to features."""
    if here is None or there is None:
        return np.zeros(0, np.int64), np.zeros(0), []
    tests = core.sizes()["tests"]
    changed = (here ^ there)[0][None, :] >> np.arange(tests)[:, None] & 1
    codes = core.array("cell_code").reshape(-1, len(here[0]))
    test, table = np.nonzero(changed)
    code = codes[test, table]
    rows, numbers = -code - 1, code >= 0
    rows[numbers] = core.statistics.row[code[numbers]]  # there are none where all columns are categories
    return table, 1 / changed.sum(0)[table], [owner[row] for row in rows.tolist()]


def _parts(core: Core, path: _Path, output: _Output, method: str) -> NDArray[Any]:
    """Return the contribution of each entry, summed over experts."""
    if method == "gradient_x_input":
        return _along(core, path, output, np.ones(1))
    ends = [output.value(inspect.predict(core, taken))[0] for taken in (path.end, path.start)]
    far = float(ends[0] - ends[1])
    points = _FIRST
    while True:
        parts = _along(core, path, output, (np.arange(points) + 0.5) / points)
        if points >= _LAST or abs(parts.sum() - far) <= _REST * max(abs(far), 1e-6 * output.scale):
            return parts
        points *= 2


def _along(core: Core, path: _Path, output: _Output, at: NDArray[Any]) -> NDArray[Any]:
    """Return way·(mean of ∂F/∂v over the points α of the path), which is the midpoint rule for integrated gradients."""
    values, carried, of_state = [], path.end.carried, 0.0
    for e in range(len(core.experts)):
        start = inspect.read(core, e, path.start)
        on_the_way = start + at[:, None] * (inspect.read(core, e, path.end) - start)
        values.append(inspect.forward(core, e, on_the_way, None if carried is None else at[:, None] * carried))
    z = [own[-1] for own in values]
    mixed = inspect.mix(core, z, at[:, None] * path.added.sum(0))
    parts, tests = np.zeros(len(path.rows)), np.zeros(len(path.table))
    for e, delta in enumerate(inspect.mix_backward(core, z, mixed, output.delta(mixed))):
        deltas = inspect.backward(core, e, values[e], delta)
        slope = deltas[0].mean(0)
        if carried is not None and core.experts[e].recurrent:
            of_state += float(deltas[1].mean(0)[: carried.shape[1]] @ carried[0])
        table, _ = core.table(e)
        parts += path.way * (table[path.rows - 1].astype(np.float64) @ slope)
        if len(path.table) and core.experts[e].cells:
            here, there = (inspect.added_by_cells(core, e, taken.cells)[0] for taken in (path.end, path.start))
            tests += path.share * ((here - there) @ slope)[path.table]
    by_text = inspect.mix_slope(core, mixed, output.delta(mixed)).mean(0)
    return np.concatenate([parts, tests, path.added @ by_text, [] if carried is None else [of_state]])
