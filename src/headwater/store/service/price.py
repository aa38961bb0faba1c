"""Estimate the cost of a model from its declaration (memory before allocation, time before a row is read)."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from headwater.learner.base import Learner
from headwater.learner.engine import Engine
from headwater.learner.expiring import Expiring

__all__ = ["Price", "Rates", "bytes_declared", "bytes_held", "price_of"]

# Measured on one core of an EPYC, and rounded up. Learning a row reads and writes its parameters and the optimizer's state.
# A prediction only reads the parameters.
_ROW_S, _CELL_S = 2e-5, 3e-7
_LEARNED_S, _READ_S = 8e-9, 2e-9
_KEPT_TWICE = 2
"""Copies of the parameters. Learning keeps a second one so that a step can be undone."""
_GROWN_BYTES = 36  # per float64 parameter with two optimizer values, plus half as much spare capacity
_MEMBER_BYTES, _NAME_BYTES = 5000, 500
_ELSE_BYTES = 1_000_000  # names, statistics, stored samples


class Rates(NamedTuple):
    """Estimated seconds of processor time for a row, and for each of its values."""

    row_s: float
    cell_s: float


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
    learned: Rates = field(init=False, repr=False)
    """Cost of what is learned."""
    read: Rates = field(init=False, repr=False)
    """Cost of what is only predicted."""
    name_bytes: int = field(init=False, repr=False)
    """Maximum bytes that a new name adds, a table row plus half as much spare capacity."""

    def __post_init__(self) -> None:
        for name, used_s in (("learned", _LEARNED_S), ("read", _READ_S)):
            object.__setattr__(self, name, Rates(_ROW_S + self.dense * used_s, _CELL_S + self.stride * used_s))
        object.__setattr__(self, "name_bytes", int(_GROWN_BYTES * self.stride + 200))

    def learning(self, rows: int, cells: int) -> float:
        """Return the estimated time to learn rows with this many values in total."""
        return rows * self.learned.row_s + cells * self.learned.cell_s

    def predicting(self, rows: int, cells: int) -> float:
        """Return the estimated time to predict rows with this many values in total."""
        return rows * self.read.row_s + cells * self.read.cell_s


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
