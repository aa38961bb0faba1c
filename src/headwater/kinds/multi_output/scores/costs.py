"""Costs of rows with several labels for drift detection, as one number per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.kinds.multi_output.scores.sums import is_number
from headwater.types import ScoredRows

__all__ = ["OutputCosts"]


class OutputCosts:
    """Mean cost over the outputs of a row, 1 for a wrong class and e / (e + s) for a number with error e.

    s is the mean absolute deviation of that output's labels.

    Examples
    --------
    >>> costs = OutputCosts()
    >>> [costs.of_row({"a": "x", "b": y}, {"a": "x", "b": 2.0}) for y in (2.0, 4.0, 5.0)]
    [0.0, 0.5, 0.4]
    """

    def __init__(self) -> None:
        self._spread: dict[Any, tuple[int, float, float]] = {}

    rose = "Predictions became dearer"

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row."""
        return [self.of_row(y, said) for y, said in zip(rows.y, rows.y_pred, strict=True)]

    def of_row(self, y: Mapping[Any, Any], said: Mapping[Any, Any]) -> float:
        """Return the cost of a row from 0 to 1, or 0 if nothing was predicted."""
        costs = []
        for name, value in y.items():
            if name not in said or value is None or value != value:
                continue
            guess = said[name]
            number = type(guess) is float and is_number(value)
            costs.append(self._of_number(name, value, guess) if number else float(value != guess))
        return sum(costs) / len(costs) if costs else 0.0

    def _of_number(self, name: Any, value: float, guess: float) -> float:
        n, mean, spread = self._spread.get(name, (0, 0.0, 0.0))
        e = abs(value - guess)
        n += 1
        new = mean + (value - mean) / n
        self._spread[name] = n, new, spread + (abs(value - new) - spread) / n
        return e / (e + spread) if e else 0.0
