"""Columns of numbers that stay the same for many rows and then go on, such as a year, which are no outliers to warn of."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from headwater.plain.inputs.input import BOUND, FORGET, Statistics, lies_beyond, standardise
from headwater.streams.readers.frame_rows import FrameRows
from headwater.types import Metrics

__all__ = ["Steps"]

SHORTEST = 30
"""Rows for which each value of such a column stays at least. In shorter stretches the column's statistics follow."""


@dataclass(slots=True)
class Stair:
    """A column that stays the same for many rows."""

    last: float
    """Its last value."""
    rows: int = 0
    """Rows for which that has stayed."""
    far: int = 0
    """Rows at the beginning of a stretch that a learner counts as far."""
    before: int = 0
    """The same without those of the last stretch."""
    known: Statistics = field(default_factory=Statistics)

    def stay(self, value: float, rows: int) -> None:
        """Follow the statistics of the column while a value stays."""
        first = True
        while rows and ((far := lies_beyond(value, self.known, BOUND)) or first):
            _, self.known = standardise(value, self.known)
            self.far, self.rows, rows, first = self.far + far, self.rows + 1, rows - 1, False
        t, off = self.known.count, value - self.known.mean
        even = min(rows, max(round(1 / FORGET) - t, 0))  # rows in which all count alike
        share = (t / (t + even) if even else 1.0) * (1 - FORGET) ** (rows - even)
        variance = share * (self.known.variance + off * off) - (share * off) ** 2
        self.known = Statistics(value - share * off, max(variance, 0.0), t + rows)
        self.rows += rows


class Steps:
    """What columns that go on by steps add to the values that count as far.

    A column is left out as soon as it changes sooner, so that hardly any is looked at for long.

    Examples
    --------
    >>> steps = Steps()
    >>> steps.see([{"year": 2024 + i // 1000, "heat": i % 7} for i in range(3000)])
    >>> steps.found()
    (['year'], 25)
    """

    def __init__(self) -> None:
        self._begun = False
        self._columns: dict[Any, Stair] = {}

    def found(self) -> tuple[list[Any], int]:
        """Return the columns with values that count as far, and how many these are together."""
        far = {name: one.far if one.rows >= SHORTEST else one.before for name, one in self._columns.items()}
        return [name for name, count in far.items() if count], sum(far.values())

    def explained(self, record: Metrics) -> Metrics:
        """Return a record that counts no value as far where going on by steps is all that it was."""
        names, count = self.found()
        if not names or record.rejected.get("far") != count:
            return record
        return replace(record, rejected={reason: n for reason, n in record.rejected.items() if reason != "far"})

    def see(self, X: Any) -> None:
        """Look at the next rows."""
        if not self._begun and len(X):
            self._begun = True
            first = X[0] if isinstance(X[0], dict) else {}
            self._columns = {name: Stair(float(value)) for name, value in first.items() if type(value) in (int, float)}
        for name in list(self._columns):
            self._follow(name, X.column(name) if isinstance(X, FrameRows) else [x.get(name) for x in X])

    def _follow(self, name: Any, column: list[Any]) -> None:
        """Follow a column, or leave it out."""
        one = self._columns[name]
        values = np.array(
            [value for value in column if type(value) in (int, float) and math.isfinite(value)], np.float64
        )
        at = np.flatnonzero(np.diff(values, prepend=one.last))  # where stretches begin
        lengths = np.diff(at, prepend=-one.rows)
        if len(at) and lengths.min() < SHORTEST:
            del self._columns[name]
            return
        one.stay(one.last, int(at[0]) if len(at) else len(values))
        for begin, end in pairwise([*at.tolist(), len(values)]):
            one.last, one.rows, one.before = float(values[begin]), 0, one.far
            one.stay(one.last, end - begin)
