"""Choose the class whose mistakes are expected to cost least."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError, choose, shown

__all__ = ["cheapest", "cheapest_of"]


def cheapest(p: NDArray[Any], classes: Sequence[Any], costs: Mapping[Any, Any]) -> list[Any]:
    """Return, for each row of probabilities (n, k), the class of the least expected cost, None without classes.

    argmin over c of Σₖ p(k)·cost(k, c). Ties go to the class seen first.

    Parameters
    ----------
    p : array (n, k)
        Probabilities of the classes.
    classes : sequence (k,)
        The classes.
    costs : mapping
        By true class, what it costs to predict any other, or a mapping of predicted class to cost. What is not named costs 1 where
        the classes differ, else 0.

    Raises
    ------
    DataError
        If a cost is not a finite number of at least 0, or no class of this name is known.

    Examples
    --------
    >>> p = np.array([[0.99, 0.01], [0.9999, 0.0001]])
    >>> cheapest(p, ["ok", "fraud"], {"fraud": 500})
    ['fraud', 'ok']

    References
    ----------
    Elkan 2001.
    """
    if not classes:
        return [None] * len(p)
    expected = np.asarray(p, np.float64) @ _table(classes, costs)
    return [classes[i] for i in expected.argmin(1).tolist()]


def cheapest_of(learner: Any, p: Any, classes: Sequence[Any], costs: Mapping[Any, Any]) -> list[Any]:
    """Return what ``cheapest`` does for a classifier.

    Raises
    ------
    ConfigError
        If its loss gives scores, which are no probabilities.
    """
    if learner.setup is not None and learner.setup.experts[0].loss.name == "hinge":
        raise ConfigError(
            expected="a classifier with probabilities",
            got="loss='hinge', which gives scores",
            at="costs",
            help="Make it with loss='cross_entropy'.",
        )
    return cheapest(p, classes, costs)


def _table(classes: Sequence[Any], costs: Any) -> NDArray[np.float64]:
    """Return what it costs to predict class c where class k is true, shape (k, c)."""
    if not isinstance(costs, Mapping):
        raise _refused("costs by true class", shown(costs), "costs")
    named = _known(classes, costs, "costs")
    table: NDArray[np.float64] = 1 - np.eye(len(classes))
    for i, given in named.items():
        if isinstance(given, Mapping):
            at = f"costs[{classes[i]!r}]"
            for j, cost in _known(classes, given, at).items():
                table[i, j] = _cost(cost, f"{at}[{classes[j]!r}]")
        else:
            table[i] *= _cost(given, f"costs[{classes[i]!r}]")
    return table


def _known(classes: Sequence[Any], costs: Mapping[Any, Any], at: str) -> dict[int, Any]:
    """Return costs by index of their class. Classes that are still to come are left out, unless all of them are."""
    places = {_text(label): i for i, label in enumerate(classes)}
    found = {places[_text(label)]: cost for label, cost in costs.items() if _text(label) in places}
    if costs and not found and len(classes) > 1:
        names = list(places)
        raise DataError(
            expected=f"costs of classes that the model knows: {', '.join(names[:20])}",
            got=", ".join(map(shown, costs)),
            at=at,
            help=choose(_text(next(iter(costs))), names[:20]),
        )
    return found


def _text(label: Any) -> str:
    """Return a class as JSON and a command line write it."""
    return str(label).lower() if isinstance(label, bool | np.bool_) else str(label)


def _cost(value: Any, at: str) -> float:
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not good or not 0 <= value < math.inf:
        raise _refused("a cost of at least 0", shown(value), at)
    return float(value)


def _refused(expected: str, got: str, at: str) -> DataError:
    return DataError(expected=expected, got=got, at=at, help="Give e.g. {'fraud': 500, 'ok': 5}.")
