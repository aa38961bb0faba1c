"""The z-norm, the simplest anomaly model, used as the baseline.

score = mean over the numeric columns of clip((x − mean)/deviation, ±10)², with running mean and deviation (B. P. Welford 1962)
that already include the row. Columns without variance so far, texts and missing values don't count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from headwater.types import as_mapping

__all__ = ["ZNorm"]

_CLIP = 10.0
_HUGE = 1e30
_MANY = 10_000  # maximum columns, to bound memory


class ZNorm:
    """Score rows by their deviations, learning each row before scoring it.

    Examples
    --------
    >>> z = ZNorm()
    >>> scores = [z.score({"a": value, "b": "red"}) for value in (1.0, 2.0, 1.0, 2.0, 9.0)]
    >>> scores[0], scores[-1] > 3
    (0.0, True)
    """

    def __init__(self, columns: Sequence[tuple[Any, list[float]]] = ()) -> None:
        self._columns: dict[Any, list[float]] = {  # rows, mean, sum of squared deviations
            tuple(name) if isinstance(name, list) else name: list(sums) for name, sums in columns
        }

    def columns(self) -> list[tuple[Any, list[float]]]:
        """Return the column statistics, which can be passed to a new `ZNorm`."""
        return list(self._columns.items())

    def score(self, x: Any) -> float:
        """Learn a row (a mapping or an array (features,)) and return its score."""
        total, n = 0.0, 0
        for name, value in as_mapping(x).items():
            number = _number(value)
            if number is None:
                continue
            seen = self._columns.get(name)
            if seen is None:
                if len(self._columns) >= _MANY:
                    continue
                seen = self._columns[name] = [0.0, 0.0, 0.0]
            seen[0] += 1.0
            away = number - seen[1]
            seen[1] += away / seen[0]
            seen[2] += away * (number - seen[1])
            n += 1
            if seen[2] > 0.0:
                z = (number - seen[1]) / math.sqrt(seen[2] / seen[0])
                total += min(z * z, _CLIP * _CLIP)
        return total / n if n else 0.0


def _number(value: Any) -> float | None:
    """Return a value clipped to ±10³⁰, or None if it is not a number."""
    if type(value) is not float:
        if not isinstance(value, Real):
            return None
        try:
            value = float(value)
        except OverflowError:  # an int too large for a float
            return None
    return min(max(value, -_HUGE), _HUGE) if math.isfinite(value) else None
