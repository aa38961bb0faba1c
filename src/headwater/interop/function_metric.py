"""A metric written as a function of Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from headwater.errors import ConfigError

__all__ = ["FunctionMetric"]


class FunctionMetric:
    """Compute a metric with a function of all labels and predictions, in the shape of River's metrics.

    Labels and predictions are kept in lists, and the function is called whenever ``get`` is, so memory and time grow with the rows.
    Metrics of River and headwater's own take one row at a time.

    Parameters
    ----------
    function : callable
        ``function(y_true, y_pred)``, or ``function(y_true, y_pred, y_proba)`` with the probability of each class by row, as dicts.
        Rows predicted before any class was known are left out.

    Raises
    ------
    ConfigError
        If the function has other parameters.

    Examples
    --------
    >>> metric = FunctionMetric(lambda y_true, y_pred: sum(map(str.__eq__, y_true, y_pred)) / len(y_true))
    >>> metric.update("a", "a")
    >>> metric.update("b", "a")
    >>> metric.get()
    0.5
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)
        self.requires_labels = _needed(function, self.name) == 2
        """Whether ``update`` takes predictions, and not probabilities by class."""
        self._y, self._said = list[Any](), list[Any]()
        self._proba: list[Mapping[Any, float]] = []

    def update(self, y_true: Any, said: Any) -> None:
        """Keep a label and its prediction, or the probabilities of the classes."""
        if not self.requires_labels:
            if not isinstance(said, Mapping):
                raise ConfigError(
                    expected="probabilities of all classes",
                    got="numbers",
                    at=f"metric {self.name}",
                    help="Take two parameters, y_true and y_pred.",
                )
            self._proba.append(said)
            said = max(said, key=said.__getitem__)  # ties go to the class seen first, as in predictions
        self._y.append(y_true)
        self._said.append(said)

    def get(self) -> Any:
        """Return what the function says of all rows so far."""
        return self.function(self._y, self._said, *([] if self.requires_labels else [self._proba]))

    def __repr__(self) -> str:
        return f"{self.name}: {self.get():g}" if self._y else f"{self.name}: no rows yet"


def _needed(function: Callable[..., Any], name: str) -> int:
    """Return how many positional parameters without a default a function has, 2 or 3."""
    try:
        own = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    n = sum(one.kind in places and one.default is inspect.Parameter.empty for one in own)
    if n in (2, 3):
        return n
    raise ConfigError(
        expected="a function of y_true and y_pred, or of y_true, y_pred and y_proba",
        got=f"one of {n}",
        at=f"metric {name}",
        help="Write e.g. def metric(y_true, y_pred): ….",
    )
