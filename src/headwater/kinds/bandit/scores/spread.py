"""How far the mean reward of a policy may lie from its estimate on the log of another policy, and by how much it is better.

Of the last rows, importance weight and reward are known one by one. Over all rows they are kept in cells, two to each doubling of the
weight and sixteen over the range of rewards, of which each has its count and its means. Empirical likelihood asks for nothing but how
often which pair came, so that the error is that of a cell's width: at most 0.002 of an interval's ends in the tests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from headwater.kinds.bandit.scores.sums import HEAVIEST, ScoredDecision
from headwater.plain.kinds.policy_value import FARTHEST, SHARE, WIDTH, enough, plausible, plausible_gain
from headwater.route.verdict.leads import Lead, Spread

__all__ = ["OffPolicySums", "PolicySpread"]

FEWEST = 25.0
"""Rows on which the two policies differ, counted as if each told as much, from which on standard errors hold."""
PER_DOUBLING, DOUBLINGS, LEVELS = 2, 10, 16
"""Cells a doubling of the weight, from 2⁻¹⁰ to 2¹⁰, and over the range of rewards."""


class OffPolicySums(msgspec.Struct):
    """Sums over the rows of a log, from which intervals follow.

    Examples
    --------
    >>> sums = OffPolicySums()
    >>> for i in range(400):
    ...     sums.add(ScoredDecision("ab"[i % 2], float(i % 2), 0.5, 0.9 if i % 2 else 0.1, 0.5, {"a": 0.5, "b": 0.5}))
    >>> [round(end, 2) for end in PolicySpread(sums).interval()]
    [0.85, 0.95]
    """

    n: int = 0
    least: float = 1.0
    """Smallest probability of an action taken."""
    mass: float = 0.0
    squares: float = 0.0
    fourth: float = 0.0
    """Σ w and Σ w² of the importance weights, and Σ (w − 1)⁴."""
    told: float = 0.0
    """Sum of the estimates whose mean is said, with bounded weights (``RewardSums``)."""
    value: float = 0.0
    value2: float = 0.0
    """Sums of the doubly robust estimates and their squares."""
    gain: float = 0.0
    gain2: float = 0.0
    """Sums of the same, each less the reward of the action taken."""
    low: float = math.inf
    high: float = -math.inf
    """Lowest and highest reward."""
    cells: dict[Any, list[float]] = {}
    """Count, Σ w and Σ r of rows with about the same weight and reward, or exactly the same."""

    def add(self, row: ScoredDecision, ends: tuple[float, float] = (0.0, 1.0), *, exact: bool = False) -> None:
        """Add a row, with the declared ends of rewards for its cell."""
        w, r = min(row.share / row.p, FARTHEST), row.reward
        miss = r - row.rewards.get(row.action, r)
        value = row.expected + w * miss
        self.n += 1
        self.least = min(self.least, row.p)
        self.mass += w
        self.squares += w * w
        self.fourth += (w - 1) ** 4
        self.told += row.expected + min(w, HEAVIEST) * miss
        self.value += value
        self.value2 += value * value
        self.gain += value - r
        self.gain2 += (value - r) * (value - r)
        self.low, self.high = min(self.low, r), max(self.high, r)
        cell = self.cells.setdefault((w, r) if exact else _cell(w, r, ends), [0.0, 0.0, 0.0])
        cell[0] += 1
        cell[1] += w
        cell[2] += r

    def copied(self) -> OffPolicySums:
        """Return the same sums, which don't change with these."""
        own = {name: list(cell) for name, cell in self.cells.items()}
        return msgspec.structs.replace(self, cells=own)


def _cell(w: float, r: float, ends: tuple[float, float]) -> int:
    """Return the number of the cell of a weight and a reward. Rewards outside of their range have one at each end."""
    most, place = PER_DOUBLING * DOUBLINGS, (r - ends[0]) / ((ends[1] - ends[0]) or 1.0)
    level = LEVELS - 1 if r == ends[1] else math.floor(max(-1.0, min(LEVELS, LEVELS * place)))
    heft = 0 if w <= 0 else most + 1 + math.floor(max(-most, min(most, PER_DOUBLING * math.log2(w))))
    return heft * (LEVELS + 2) + 1 + level


class PolicySpread(Spread):
    """Intervals of a policy's mean reward and of how much better it is than the policy that wrote the log.

    Where the log explored, they are ±1.96 standard errors of doubly robust estimates, of the difference row by row. Elsewhere they are
    those of empirical likelihood, which count with weights that might have come and didn't. Both hold the estimate that is said.
    A log explored if ``plain.kinds.policy_value.enough`` says so and at least 25 rows tell the policies apart: from fewer than 20,
    standard errors held 57 to 87 % of differences, and empirical likelihood 95 to 100 %.

    Better or worse is told by the interval of the difference, not by whether the interval of the mean lies above the mean of the log:
    the difference has the noise of rewards once. It found 56 % of the better policies over 300 rows of which 60 % explored, and 97 %
    over 1,000, where the other way found 43 and 93 %. Neither took a worse policy for a better one in more than 0.7 % of the runs.

    Parameters
    ----------
    rows
        Sums, or rows of which each counts by itself.
    ends
        Declared ends of rewards.
    """

    def __init__(self, rows: OffPolicySums | Sequence[ScoredDecision], ends: tuple[float, float] = (0.0, 1.0)) -> None:
        self._rows, self._ends = rows, ends

    @cached_property
    def sums(self) -> OffPolicySums:
        """The sums of all rows."""
        if isinstance(self._rows, OffPolicySums):
            return self._rows
        sums = OffPolicySums()
        for row in self._rows:
            sums.add(row, exact=True)
        return sums

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest reward that can be, declared or seen."""
        return min(self._ends[0], self.sums.low), max(self._ends[1], self.sums.high)

    @property
    def known(self) -> bool:
        """Whether anything can be said, which takes two rows and rewards whose squares are numbers."""
        sums = self.sums
        return sums.n > 1 and math.isfinite(sums.value2 + sums.gain2 + (self.ends[1] - self.ends[0]))

    @property
    def differing(self) -> float:
        """Effective number of rows on which the policies differ, (Σ (w − 1)²)²/Σ (w − 1)⁴."""
        sums = self.sums
        apart = max(sums.squares - 2 * sums.mass + sums.n, 0.0)
        return apart * apart / sums.fourth if sums.fourth > 0 else math.inf

    @property
    def explored(self) -> bool:
        """Whether the log explored enough for this policy."""
        sums = self.sums
        return enough(sums.n, sums.least, sums.mass, sums.squares) and self.differing >= FEWEST

    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the mean reward, or None while nothing can be said."""
        sums = self.sums
        if not self.known:
            return None
        ends = (
            _errors(sums.value, sums.value2, sums.n)
            if self.explored
            else plausible(*self._pairs(), *self.ends, self._counts())
        )
        return _holding(ends, self.ends, sums.told / sums.n)

    def lead(self) -> Lead | None:
        """Return by how much the policy is better than the one that wrote the log, or None while nothing can be said."""
        sums, explored = self.sums, self.explored
        if not self.known:
            return None
        said = (sums.told - (sums.value - sums.gain)) / sums.n
        ends = (
            _errors(sums.gain, sums.gain2, sums.n)
            if explored
            else plausible_gain(*self._pairs(), *self.ends, self._counts())
        )
        wanted = min(max(1 / SHARE / sums.least, sums.n * FEWEST / max(self.differing, 1e-9)), 1e15)
        wait = None if explored or wanted <= sums.n else math.ceil(wanted) - sums.n
        width = self.ends[1] - self.ends[0]
        return Lead(sums.n, said, *_holding(ends, (-width, width), said), explored, wait)

    def _pairs(self) -> tuple[Any, Any]:
        cells = np.array(list(self.sums.cells.values()))
        return cells[:, 1] / cells[:, 0], cells[:, 2] / cells[:, 0]

    def _counts(self) -> Any:
        return np.array([cell[0] for cell in self.sums.cells.values()])


def _errors(total: float, squares: float, n: int) -> tuple[float, float]:
    mean = total / n
    error = WIDTH * (max(squares / n - mean * mean, 0.0) / (n - 1)) ** 0.5
    return mean - error, mean + error


def _holding(ends: tuple[float, float], possible: tuple[float, float], value: float) -> tuple[float, float]:
    """Return an interval within what is possible that holds the value that is said."""
    return min(max(ends[0], possible[0]), value), max(min(ends[1], possible[1]), value)
