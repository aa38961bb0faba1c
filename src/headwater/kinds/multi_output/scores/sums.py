"""Running counts for the metrics of several outputs, as defined by River's ``metrics.multioutput``.

Exact match counts rows whose classes all are right. Micro averages pool the outputs, macro averages are means over outputs. F1 and
Jaccard cover outputs whose classes are True and False, or 1 and 0. MAE and RMSE pool all numbers, whatever their units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["BASELINES", "NAMES", "OutputSums", "Usual", "is_number", "names_of"]

NAMES = ("exact_match", "accuracy", "micro_f1", "macro_f1", "micro_jaccard", "mae", "rmse")
"""Metrics of classes, of binary labels, and of numbers, in display order."""
BASELINES = ("no-change", "majority")
"""Repeat each output's last label, or predict its most frequent class or mean."""


class OfOutput(msgspec.Struct, array_like=True):
    """Counts of one output (classes, binary labels, and numbers with their errors)."""

    n: int = 0
    right: int = 0
    labels: int = 0
    tp: int = 0
    fp: int = 0
    fn: int = 0
    numbers: int = 0
    absolute: float = 0.0
    squared: float = 0.0


class OutputSums(msgspec.Struct):
    """Counts over rows.

    Examples
    --------
    >>> sums = OutputSums()
    >>> sums.add({"a": True, "b": True, "z": 1.0}, {"a": True, "b": False, "z": 3.0})
    >>> {name: round(value, 3) for name, value in sums.scores().items() if name in ("exact_match", "micro_f1", "mae")}
    {'exact_match': 0.0, 'micro_f1': 0.667, 'mae': 2.0}
    """

    n: int = 0
    rows: int = 0
    """Rows with classes."""
    exact: int = 0
    outputs: dict[Any, OfOutput] = {}

    def add(self, y: Mapping[Any, Any], said: Mapping[Any, Any]) -> None:
        """Add a row of labels and predictions, skipping labels without a prediction."""
        self.n += 1
        right, classes = True, 0
        for name, value in y.items():
            if name not in said or value is None or value != value:
                continue
            own, guess = self.outputs.setdefault(name, OfOutput()), said[name]
            if is_number(guess) and is_number(value) and (type(guess) is float):
                own.numbers += 1
                own.absolute += abs(value - guess)
                own.squared += (value - guess) ** 2
                continue
            classes += 1
            own.n += 1
            own.right += value == guess
            right = right and value == guess
            if value in (0, 1) and guess in (0, 1):
                own.labels += 1
                own.tp += bool(value) and bool(guess)
                own.fp += bool(guess) and not value
                own.fn += bool(value) and not guess
        self.rows += classes > 0
        self.exact += classes > 0 and right

    def scores(self) -> dict[str, float]:
        """Return the metrics, NaN if undefined."""
        own = list(self.outputs.values())
        tp, fp, fn, n, numbers = (sum(getattr(one, key) for one in own) for key in ("tp", "fp", "fn", "n", "numbers"))
        f1 = [_share(2 * one.tp, 2 * one.tp + one.fp + one.fn, 0.0) for one in own if one.labels]
        labels = bool(f1)
        return {
            "exact_match": _share(self.exact, self.rows),
            "accuracy": _share(sum(one.right for one in own), n),
            "micro_f1": _share(2 * tp, 2 * tp + fp + fn, 0.0) if labels else math.nan,
            "macro_f1": sum(f1) / len(f1) if labels else math.nan,
            "micro_jaccard": _share(tp, tp + fp + fn, 0.0) if labels else math.nan,
            "mae": _share(sum(one.absolute for one in own), numbers),
            "rmse": math.sqrt(_share(sum(one.squared for one in own), numbers)),
        }


class Usual(msgspec.Struct):
    """State of the simple baselines (last label, class counts and means of each output)."""

    last: dict[Any, Any] = {}
    counts: dict[Any, dict[Any, int]] = {}
    means: dict[Any, list[float]] = {}

    def say(self) -> dict[str, dict[Any, Any]]:
        """Return each baseline's predictions."""
        usual: dict[Any, Any] = {name: max(own, key=own.__getitem__) for name, own in self.counts.items()}
        usual |= {name: mean for name, (_, mean) in self.means.items()}
        return {"no-change": dict(self.last), "majority": usual}

    def add(self, y: Mapping[Any, Any], said: Mapping[Any, Any]) -> None:
        """Add the labels of a row, using the prediction to tell a number from a class."""
        for name, value in y.items():
            if name not in said or value is None or value != value:
                continue
            if type(said[name]) is float and is_number(value):
                self.last[name] = float(value)
                own = self.means.setdefault(name, [0.0, 0.0])
                own[0] += 1
                own[1] += (value - own[1]) / own[0]
            else:
                self.last[name] = value
                counts = self.counts.setdefault(name, {})
                counts[value] = counts.get(value, 0) + 1


def names_of(scores: Mapping[str, float]) -> tuple[str, ...]:
    """Return the names of the defined metrics, the primary one first."""
    return tuple(name for name in NAMES if scores[name] == scores[name])


def is_number(value: Any) -> bool:
    """Return whether a value is a number other than a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(part: float, whole: float, none: float = math.nan) -> float:
    return part / whole if whole else none
