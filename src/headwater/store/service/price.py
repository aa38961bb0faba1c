"""Estimate the cost of a model from its declaration (memory before allocation, time before a row is read)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

import headwater._core as _core
from headwater.learner.base import Learner
from headwater.learner.engine import Engine
from headwater.learner.expiring import Expiring

from .limits import OverLimit

__all__ = ["Memory", "Price", "bytes_declared", "bytes_held", "price_of"]

# Measured on one core of an EPYC, and rounded up. Learning a row reads and writes its parameters and the optimizer's state.
# A prediction only reads the parameters.
_ROW_S, _CELL_S = 2e-5, 3e-7
_LEARNED_S, _READ_S = 8e-9, 2e-9
_KEPT_TWICE = 2
"""Copies of the parameters. Learning keeps a second one so that a step can be undone."""
_GROWN_BYTES = 36  # per float64 parameter with two optimizer values, plus half as much spare capacity
_MEMBER_BYTES, _NAME_BYTES = 5000, 500
_ELSE_BYTES = 1_000_000  # names, statistics, stored samples


@dataclass(slots=True)
class Memory:
    """Memory limit of all learners of a store together.

    Parameters
    ----------
    most : int, optional
        Bytes, or None for no limit. Memory of other learners in this process counts too.
    """

    most: int | None = None

    def left(self, learners: Iterable[Any]) -> float:
        """Return the bytes left after what is allocated and declared."""
        if self.most is None:
            return math.inf
        return self.most - _core.held() - sum(map(bytes_declared, learners))

    def check(self, needed: int, learners: Iterable[Any]) -> None:
        """Raise OverLimit if ``needed`` bytes exceed what is left.

        Raises
        ------
        OverLimit
            Names the limit.
        """
        left = self.left(learners)
        if self.most is not None and needed > left:
            raise OverLimit(
                expected=f"models that take at most {self.most:,} bytes together (limit memory)",
                got=f"about {self.most - int(left) + needed:,}",
                at="memory",
                help="Make the model smaller, drop a challenger, or raise the limit.",
            )


@dataclass(frozen=True, slots=True)
class Price:
    """Cost of rows for the learners of a model, in seconds of processor time.

    Parameters
    ----------
    dense : int
        Parameters used once per row.
    stride : int
        Parameters used once per value of a row (the width of the input table).

    Examples
    --------
    >>> small, large = Price(dense=1000, stride=100), Price(dense=10_000_000, stride=4096)
    >>> small.learning(rows=1, cells=10) < 0.001 < 0.05 < large.learning(rows=1, cells=10)
    True
    """

    dense: int
    stride: int

    def learning(self, rows: int, cells: int) -> float:
        """Return the estimated time to learn rows with this many values in total."""
        return rows * (_ROW_S + self.dense * _LEARNED_S) + cells * (_CELL_S + self.stride * _LEARNED_S)

    def of_rows(self, rows: int, cells: int, widest: int, *, learning: bool) -> tuple[float, float]:
        """Return the estimated time of rows, and that of the widest alone without the model's fixed cost per row."""
        used = _LEARNED_S if learning else _READ_S
        cell_s = _CELL_S + self.stride * used
        return rows * (_ROW_S + self.dense * used) + cells * cell_s, widest * cell_s

    def growing(self, names: int) -> int:
        """Return the maximum bytes added by new names, each a table row plus half as much spare capacity."""
        return names * int(_GROWN_BYTES * self.stride + 200)

    def predicting(self, rows: int, cells: int) -> float:
        """Return the estimated time to predict rows with this many values in total."""
        return rows * (_ROW_S + self.dense * _READ_S) + cells * (_CELL_S + self.stride * _READ_S)


def price_of(learners: Iterable[Any]) -> Price:
    """Return the combined row cost of learners."""
    sizes = [size for learner in learners for one in _in_turn(learner) for size in _sizes(one)]
    return Price(sum(dense for dense, *_ in sizes), sum(stride for _, stride, *_ in sizes))


def bytes_declared(learner: Any) -> int:
    """Return the memory of a learner's declaration before it has seen any name, 0 once it is allocated."""
    if isinstance(learner, Expiring):
        return sum(map(bytes_declared, _in_turn(learner)))
    if not isinstance(learner, Learner) or learner.engine is not None:
        return 0
    kept = sum((dense + stride) * (1 + states) for dense, stride, states in _sizes(learner))
    size = _ELSE_BYTES + _KEPT_TWICE * kept * np.dtype(learner.dtype).itemsize
    if learner.setup is not None and learner.setup.forecast:
        horizon, season, lags, *_ = learner.setup.forecast
        size += int(
            horizon * (48 * horizon + 40 * lags + 3 * season)
        )  # measured for the error covariance of the horizons
    return size


def bytes_held(learner: Any) -> int:
    """Return the approximate memory of a learner, assuming a small net per key for a fleet."""
    if isinstance(learner, Expiring):
        return sum(map(bytes_held, _in_turn(learner)))
    if not isinstance(learner, Learner):
        return _MEMBER_BYTES * len(learner) if isinstance(learner, Sized) else 0
    engines = [one.engine for one in (learner, *learner.members.values())]
    size = 0
    for about in [engine.core.sizes() for engine in engines if isinstance(engine, Engine)]:
        numbers = (about["dense"] + about["stride"] * about["rows"]) * (1 + about["states"])
        size += numbers * np.dtype(learner.dtype).itemsize + _NAME_BYTES * about["rows"]
    return size


def _in_turn(learner: Any) -> list[Any]:
    """Return the learners of one that expires, each of which learns every row, or the learner itself."""
    return learner.turns()[0][:-1] if isinstance(learner, Expiring) else [learner]


def _sizes(learner: Any) -> list[tuple[int, int, int]]:
    """Return per net the parameters after the input table, per table row, and optimizer values per parameter."""
    if not isinstance(learner, Learner):
        return []
    engines = [one.engine for one in (learner, *learner.members.values())]
    found = [engine.core.sizes() for engine in engines if isinstance(engine, Engine)]
    if found:
        return [(size["dense"], size["stride"], size["states"]) for size in found]
    nets = () if learner.setup is None else learner.setup.experts
    return [(*net.parameters, net.optimizer.rule.states) for net in nets]
