"""Measure how much a learner's output moves with each column, one at a time around the mean row.

Every number is at its running mean, and no category is present. A number then moves by one running deviation σ to either side, a
category takes each of its values, and a date-time goes through the hours of four weeks::

    number       (|f(mean + σ) − f(mean)| + |f(mean − σ) − f(mean)|) / 2
    category     mean over its values v of |f(v) − f(none)|
    date-time    mean over times t of |f(t) − mean f|

f is the vector of all outputs (the value of each action, the probability of each class), and |·| the mean over them. No rows have
to be kept for it. Interactions of columns do not show.

References
----------
Morris 1991, *Factorial sampling plans for preliminary computational experiments* (one factor at a time).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.seen import Column
from headwater.encode.vocabulary import CATEGORY, COSINE, NUMBER, RAW, TIME
from headwater.errors import ConfigError, DataError
from headwater.learner.base import at_one_moment
from headwater.types import Predictions

__all__ = ["check_method", "embedding_sizes", "outputs_of", "sensitivity"]

METHOD = "sensitivity"
_CATEGORIES = 50
"""Values of a category that are tried, the first to appear."""
_DIRECTIONS = 16
"""Random directions of an embedding that are tried."""
_TIMES = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=29 * i) for i in range(24)]  # noqa: DTZ001 - each hour once, in four weeks

Outputs = Callable[[Sequence[dict[Any, Any]]], NDArray[np.float64]]
"""Outputs (n, k) of n rows."""


@at_one_moment
def sensitivity(learner: Any, method: str | None = None, *, outputs: Outputs | None = None) -> dict[Hashable, float]:
    """Return how much the outputs move with each column, the largest first.

    Parameters
    ----------
    learner
        A learner that has learned.
    method
        None or ``"sensitivity"``.
    outputs
        The outputs of rows, by default those of ``predict_batch``.

    Returns
    -------
    dict
        By column, in units of the outputs.

    Raises
    ------
    ConfigError
        For another method.
    DataError
        If nothing has been learned.

    Examples
    --------
    >>> from headwater import Bandit
    >>> model = Bandit(seed=1)
    >>> for i in range(600):
    ...     x = {"hour": float(i % 24), "other": float(i % 5)}
    ...     action, p = model.act(x, ["wait", "go"])
    ...     model.learn(x, action, float((action == "go") == (i % 24 > 11)), p)
    >>> list(sensitivity(model))
    ['hour', 'other']
    """
    check_method(method, learner)
    engine = learner.engine
    if engine is None or not engine.learned:
        raise DataError(
            expected="a learner that has learned",
            got="one that has seen no row",
            at=f"importance of {type(learner).__name__}",
            help="Let it learn some rows first.",
            code="not_learned",
        )
    says = outputs or (lambda rows: outputs_of(learner.predict_batch(rows)))
    own, seen = learner.kind.own_inputs, engine.core.statistics
    columns = {name: column for name, column in engine.columns.items() if not (own and str(name).startswith(own))}
    means = {name: float(seen.mean[column.slot]) for name, column in columns.items() if column.kind == NUMBER}
    sizes = embedding_sizes(engine)
    found = {
        name: _moved(says, means, name, column, _values(column, means.get(name), seen.variance, sizes.get(name, 0)))
        for name, column in columns.items()
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def outputs_of(said: Predictions) -> NDArray[np.float64]:
    """Return predictions as numbers (n, k), one column for each class, action or number."""
    for values in (said.rewards, said.proba, said.y_pred):
        if values is not None:
            return np.asarray(values, np.float64).reshape(len(said), -1)
    return np.zeros((0, 1))


def check_method(method: str | None, learner: Any) -> None:
    """Raise ConfigError unless the method is the one that this kind has.

    Raises
    ------
    ConfigError
        For another one.
    """
    if method not in (None, METHOD):
        raise ConfigError(
            expected=f"None or '{METHOD}'",
            got=repr(method),
            at=f"method of importance of {type(learner).__name__}",
            help="Leave it out: the other methods need the loss of a row.",
        )


def embedding_sizes(engine: Any) -> dict[Any, int]:
    """Return how many numbers the embeddings of each such column have, 0 before the first."""
    columns = engine.columns
    sizes = engine.core.array("text_columns").tolist() if engine.setup.text else [0] * len(columns)
    return {name: size for (name, own), size in zip(columns.items(), sizes, strict=True) if own.kind in (COSINE, RAW)}


def _moved(says: Outputs, means: dict[Any, Any], name: Any, column: Column, values: list[Any]) -> float:
    """Return how much the outputs move with one column, between these values of it."""
    if not values:
        return 0.0
    base = {other: mean for other, mean in means.items() if other != name}
    said = says([means if column.kind == NUMBER else base, *({**base, name: value} for value in values)])
    centre = said[1:].mean(0) if column.kind == TIME else said[0]
    moved = np.abs(said[1:] - centre)
    return float(moved[np.isfinite(moved)].mean()) if np.isfinite(moved).any() else 0.0


def _values(column: Column, mean: Any, variance: NDArray[Any], size: int) -> list[Any]:
    """Return the values that a column takes, for an embedding of this size some random directions."""
    if column.kind in (COSINE, RAW):
        return list(np.random.default_rng(0).normal(size=(_DIRECTIONS, size))) if size else []
    if column.kind == NUMBER:
        deviation = float(np.sqrt(max(variance[column.slot], 0.0)))
        return [mean - deviation, mean + deviation] if deviation > 0 else []
    if column.kind == CATEGORY:
        return list(column.values)[:_CATEGORIES]
    return list(_TIMES) if column.kind == TIME else []
