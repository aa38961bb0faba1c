"""Actions with features of their own, such as offers that are new in every row.

A row and the features of one action are read as one row: the row's columns, ``action.NAME`` for each feature, and their products.
One output says what such a row earns, so an action that was never seen has a value at once, and names of actions mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from headwater.errors import ConfigError, DataError, shown
from headwater.learner.validation import can_be_class

__all__ = ["INPUTS", "as_offer", "check_offer", "joined", "no_features"]

INPUTS = 256
"""Rows of the input table that least squares read where actions have features. Products beyond are left out."""


def joined(x: Mapping[Any, Any], features: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a row and an action's features as one row, with the products of columns and features.

    Examples
    --------
    >>> joined({"age": 40.0, "city": "Bern"}, {"price": 2.0})
    {'age': 40.0, 'city': 'Bern', 'action.price': 2.0, 'age × action.price': 80.0, 'city=Bern × action.price': 2.0}
    """
    row = {**x, **{f"action.{name}": value for name, value in features.items()}}
    room = max(INPUTS - 1 - len(row), 0) // max(len(features), 1)
    for column in islice(x.items(), room):
        row.update(_products(column, features))
    return row


def _products(column: tuple[Any, Any], features: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what a column and each feature are together, for numbers their product and for texts both."""
    name, value = column
    for feature, own in features.items():
        by_text = f"{name}={value}" if isinstance(value, str) else f"{name}"
        of_text = f"action.{feature}={own}" if isinstance(own, str) else f"action.{feature}"
        if isinstance(value, str) and isinstance(own, str):
            yield f"{name} × action.{feature}", f"{value} × {own}"
        elif math.isfinite(product := _number(value) * _number(own)):
            yield f"{by_text} × {of_text}", product


def _number(value: Any) -> float:
    """Return a number as itself, a text as 1, and anything else as NaN."""
    if isinstance(value, str):
        return 1.0
    try:
        return float(value) if isinstance(value, int | float | np.number | np.bool_) else math.nan
    except OverflowError:
        return math.nan


def as_offer(actions: Mapping[Any, Any]) -> dict[Any, dict[Any, Any]]:
    """Return the features of each action on offer.

    Raises
    ------
    DataError
        If there are no actions, or one has no features.
    """
    for action, features in actions.items():
        if not can_be_class(action) or not isinstance(features, Mapping):
            raise DataError(
                expected="the features of each action by its name",
                got=f"{shown(action)}: {shown(features)}",
                at="actions",
                help='Give e.g. {"a": {"price": 2.0}, "b": {"price": 3.0}}.',
            )
    if not actions:
        raise DataError(expected="actions with their features", got="none", at="actions", help="Offer at least one.")
    return {action: dict(features) for action, features in actions.items()}


def check_offer(actions: Any, learned: bool | None, *, at: str = "actions") -> None:
    """Raise DataError for actions with features where some were learned without, and the other way round.

    ``learned`` says whether those learned had features, None before any was.
    """
    given = isinstance(actions, Mapping)
    if learned is None or given == learned:
        return
    raise DataError(
        expected="actions with their features" if learned else "actions without features",
        got="names alone" if actions is not None and not given else shown(actions),
        at=at,
        help='This bandit learned actions by their features: give e.g. {"a": {"price": 2.0}}.'
        if learned
        else "This bandit learned actions by their names. Make another one for actions with features.",
    )


def no_features(model: Any, what: str) -> None:
    """Raise ConfigError if a bandit learned actions by their features, for what asks about named ones."""
    if model.with_features:
        raise ConfigError(
            expected="a bandit that learned actions by their names",
            got="one that learned them by their features",
            at=what,
            help="Ask expected_rewards(x, actions), with the features of each action.",
        )
