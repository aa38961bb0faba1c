"""A metric written as a function of Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from headwater.errors import ConfigError
from headwater.types import Event, ScoredRows

__all__ = ["FunctionMetric"]


class FunctionMetric:
    """Compute a metric with a function of all labels and predictions, as a watcher of a session.

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
    >>> _ = metric.see(ScoredRows(1, [{}, {}], ["a", "b"], ["a", "a"], [0.9, 0.2], "classify"), None)
    >>> metric.get()
    0.5
    """

    due: int | None = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)
        self._wants_proba = _needed(function, self.name) == 3
        self._y, self._said = list[Any](), list[Any]()
        self._proba: list[dict[Any, float]] = []

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Keep the labels and predictions of some rows."""
        if self._wants_proba:
            kept = zip(rows.y, rows.y_pred, self._shares(rows), strict=True)
            self._proba += [share for _, said, share in kept if said is not None]
        both = [(y, said) for y, said in zip(rows.y, rows.y_pred, strict=True) if said is not None]
        self._y += [y for y, _ in both]
        self._said += [said for _, said in both]
        return ()

    def get(self) -> Any:
        """Return what the function says of all rows so far."""
        return self.function(self._y, self._said, *([self._proba] if self._wants_proba else []))

    def __repr__(self) -> str:
        return f"{self.name}: {self.get():g}" if self._y else f"{self.name}: no rows yet"

    def _shares(self, rows: ScoredRows) -> list[dict[Any, float]]:
        if rows.forecast is None or rows.forecast.proba is None:
            raise ConfigError(
                expected="probabilities of all classes",
                got="none, as of numbers, delayed labels and some models",
                at=f"metric {self.name}",
                help="Take two parameters, y_true and y_pred, or use delay=0 and a classifier.",
            )
        return [dict(zip(rows.forecast.classes, p, strict=True)) for p in rows.forecast.proba.tolist()]


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
