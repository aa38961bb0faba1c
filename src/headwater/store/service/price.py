"""What a model costs, as its declaration lets expect: memory before anything is allocated, time before a row is touched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

import headwater._core as _core
from headwater.learner.base import Learner
from headwater.learner.engine import Engine

from .limits import OverLimit

__all__ = ["Memory", "Price", "bytes_declared", "bytes_held", "price_of"]

# Measured on one core of an EPYC, and rounded up. A row that is learned reads and writes its parameters and the numbers of the
# update rule; a prediction reads the parameters alone.
_ROW_S, _CELL_S = 2e-5, 3e-7
_LEARNED_S, _READ_S = 8e-9, 2e-9
_KEPT_TWICE = 2
"""Parameters are kept once more while a row is learned, so that a step can be taken back."""
_GROWN_BYTES = 36  # of a parameter in double precision with two numbers of the rule, and half as much as room
_MEMBER_BYTES, _NAME_BYTES = 5000, 500
_ELSE_BYTES = 1_000_000  # names, statistics, samples that are kept


@dataclass(slots=True)
class Memory:
    """What the learners of a store may hold together.

    Parameters
    ----------
    most : int, optional
        Bytes; None for any number. What other learners of this process hold counts as well.
    """

    most: int | None = None

    def left(self, learners: Iterable[Any]) -> float:
        """Return how many bytes are left beside what there is and what is declared."""
        if self.most is None:
            return math.inf
        return self.most - _core.held() - sum(map(bytes_declared, learners))

    def check(self, needed: int, learners: Iterable[Any]) -> None:
        """Refuse what needs more than is left.

        Raises
        ------
        OverLimit
            With the limit's name.
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
    """What rows cost the learners of a model, in seconds of processor time.

    Parameters
    ----------
    dense : int
        Parameters that every row passes.
    stride : int
        Parameters that every value of a row passes: those of a row of the input table.

    Examples
    --------
    >>> small, large = Price(dense=1000, stride=100), Price(dense=10_000_000, stride=4096)
    >>> small.learning(rows=1, cells=10) < 0.001 < 0.05 < large.learning(rows=1, cells=10)
    True
    """

    dense: int
    stride: int

    def learning(self, rows: int, cells: int) -> float:
        """Return about how long it takes to learn rows with so many values in all."""
        return rows * (_ROW_S + self.dense * _LEARNED_S) + cells * (_CELL_S + self.stride * _LEARNED_S)

    def growing(self, names: int) -> int:
        """Return at most how many bytes so many new names add: each a row of the table, with room for half as many again."""
        return names * int(_GROWN_BYTES * self.stride + 200)

    def predicting(self, rows: int, cells: int) -> float:
        """Return about how long it takes to predict rows with so many values in all."""
        return rows * (_ROW_S + self.dense * _READ_S) + cells * (_CELL_S + self.stride * _READ_S)


def price_of(learners: Iterable[Any]) -> Price:
    """Return what rows cost some learners together."""
    sizes = [size for learner in learners for size in _sizes(learner)]
    return Price(sum(dense for dense, *_ in sizes), sum(stride for _, stride, *_ in sizes))


def bytes_declared(learner: Any) -> int:
    """Return the memory that a learner's declaration takes before it knows any name; 0 where it holds its numbers already."""
    if not isinstance(learner, Learner) or learner.engine is not None:
        return 0
    kept = sum((dense + stride) * (1 + states) for dense, stride, states in _sizes(learner))
    size = _ELSE_BYTES + _KEPT_TWICE * kept * np.dtype(learner.dtype).itemsize
    if learner.setup is not None and learner.setup.forecast:
        horizon, season, lags, _ = learner.setup.forecast
        size += int(
            horizon * (48 * horizon + 40 * lags + 3 * season)
        )  # measured: errors of each time ahead, with each other
    return size


def bytes_held(learner: Any) -> int:
    """Return about how many bytes a learner's numbers and names take; of a fleet, as if each key had a small net."""
    if not isinstance(learner, Learner):
        return _MEMBER_BYTES * len(learner) if isinstance(learner, Sized) else 0
    engines = [one.engine for one in (learner, *learner.members.values())]
    size = 0
    for about in [engine.core.sizes() for engine in engines if isinstance(engine, Engine)]:
        numbers = (about["dense"] + about["stride"] * about["rows"]) * (1 + about["states"])
        size += numbers * np.dtype(learner.dtype).itemsize + _NAME_BYTES * about["rows"]
    return size


def _sizes(learner: Any) -> list[tuple[int, int, int]]:
    """Return of each net, or each engine: parameters behind the input table, in a row of it, and numbers of the rule for each."""
    if not isinstance(learner, Learner):
        return []
    engines = [one.engine for one in (learner, *learner.members.values())]
    found = [engine.core.sizes() for engine in engines if isinstance(engine, Engine)]
    if found:
        return [(size["dense"], size["stride"], size["states"]) for size in found]
    nets = () if learner.setup is None else learner.setup.experts
    return [(*net.parameters, net.optimizer.rule.states) for net in nets]
