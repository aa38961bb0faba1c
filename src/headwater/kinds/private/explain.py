"""Explain and describe private learners by what is public: their weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.learner.base import at_one_moment
from headwater.learner.validation import check_sample

__all__ = ["curve_importance", "diagnose_private", "explain_private"]

WITHOUT_BOUNDS = "(columns without bounds)"


@at_one_moment
def explain_private(model: Any, x: Mapping[Any, Any], *, target: Any = None) -> Explanation:
    """Attribute a prediction to the row's columns, which is exact for a linear model.

    Parameters
    ----------
    model : PrivateClassifier or PrivateRegressor
        A learner.
    x : dict
        The row.
    target : hashable, optional
        The class whose log odds against the mean of all others are explained, by default the predicted one.

    Returns
    -------
    Explanation
        Contributions by column, largest first. The baseline is that of a row without columns.

    Raises
    ------
    DataError
        If no class is known, or not this one.
    """
    engine = model.engine
    if engine.of_classes and not model.known_classes:
        raise DataError(
            expected="a model that has learned",
            got="one that has seen no label",
            at="explain_one",
            help="Call learn_one or learn_many first.",
        )
    if target is None and engine.of_classes:
        target = model.predict_one(x)
    if engine.of_classes and target not in model.known_classes:
        raise DataError(
            expected=f"one of the classes {model.known_classes!r:.80}",
            got=repr(target),
            at="target of explain_one",
            help="Teach it first, or name a class that it knows.",
        )
    check_sample(x)
    weights = engine.weights @ _direction(model, target)
    low, high = model.privacy.ends
    scale, middle = (1.0, 0.0) if engine.of_classes else (0.5 * (high - low), 0.5 * (high + low))

    def adds(entries: Iterable[tuple[int, float]]) -> float:
        return scale * sum(float(weights[feature]) * value for feature, value in entries)

    found = {name: adds(own) for name, own in engine.entries.by_column(x).items()}
    said = middle + adds(engine.entries.of(x))
    ranked = dict(sorted(found.items(), key=lambda item: -abs(item[1])))
    of = "log_odds" if engine.of_classes else "answer"
    return Explanation(said, said - sum(ranked.values()), ranked, dict(x), target, "linear", of)


def _direction(model: Any, target: Any) -> Any:
    """Return the combination of outputs that is explained."""
    outputs = model.engine.outputs
    if not model.engine.of_classes:
        return np.ones(outputs)
    others = max(outputs, 1)
    of_class = np.full(outputs + 1, -1.0 / others)
    of_class[model.known_classes.index(target)] = 1.0
    return of_class[1:]


@at_one_moment
def curve_importance(model: Any, method: str | None = None) -> dict[Any, float]:
    """Return how far the curve of each column with bounds goes up and down, which is public.

    Parameters
    ----------
    model : PrivateClassifier or PrivateRegressor
        A learner.
    method : str, optional
        "curves", the only one.

    Returns
    -------
    dict
        By column, largest first. Columns without bounds share a table and are one entry.

    Raises
    ------
    ConfigError
        If there is no such method.
    """
    if method not in (None, "curves"):
        raise ConfigError(expected="'curves'", got=repr(method), at="method of importance", help="Leave it out.")
    weights, knots = model.engine.weights, model.privacy.knots
    found = {
        name: float(np.ptp(weights[1 + knots * i : 1 + knots * (i + 1)], axis=0).sum())
        for i, name in enumerate(model.privacy.bounds)
    }
    shared = weights[1 + knots * len(found) :]
    found[WITHOUT_BOUNDS] = float(np.ptp(shared, axis=0).sum())
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def diagnose_private(model: Any) -> tuple[Any, list[Any]]:
    """Return no findings, since they would be read from rows."""
    return SimpleNamespace(rows=model.n_learned), []
