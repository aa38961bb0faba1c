"""What a prediction cost, between 0 and 1: what drift detectors are fed with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from headwater.types import ScoredRows

__all__ = ["ClassCosts", "Costs", "NumberCosts", "RunningSpread"]


class Costs(Protocol):
    """Says what predictions of a kind cost; a kind names its own (``Kind.costs``)."""

    rose: str
    """What an event says when costs rise."""

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row's prediction, from 0 to 1."""


class RunningSpread:
    """The mean of numbers so far, and their mean distance from it."""

    def __init__(self) -> None:
        self.n, self.mean, self.spread = 0, 0.0, 0.0

    def share(self, e: float) -> float:
        """Return e / (e + spread), 0 where nothing is off."""
        return e / (e + self.spread) if e else 0.0

    def add(self, y: float) -> None:
        """Take a number in."""
        self.n += 1
        self.mean += (y - self.mean) / self.n
        self.spread += (abs(y - self.mean) - self.spread) / self.n


class ClassCosts:
    """1 − p of the label, p the probability that was given to it."""

    rose = "Predictions became dearer"

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row's prediction."""
        return [0.0 if math.isnan(p) else 1.0 - p for p in rows.proba]


class NumberCosts:
    """|e| / (|e| + s): e how far a prediction was off, s the mean distance of the labels from their mean."""

    rose = "Predictions became dearer"

    def __init__(self) -> None:
        self._spread = RunningSpread()

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row's prediction."""
        return [self._one(y, y_pred) for y, y_pred in zip(rows.y, rows.y_pred, strict=True)]

    def _one(self, y: Any, y_pred: Any) -> float:
        cost = self._spread.share(abs(y - y_pred))
        self._spread.add(y)
        return cost


class RewardCosts:
    """How far a reward lies below the mean of those before, as a share like `NumberCosts`; a kind says where the reward stands."""

    rose = "Rewards fell"

    def __init__(self) -> None:
        self._spread = RunningSpread()

    def of_rewards(self, rewards: Sequence[float]) -> list[float]:
        """Return the cost of each step."""
        costs = []
        for reward in rewards:
            costs.append(self._spread.share(max(self._spread.mean - reward, 0.0)))
            self._spread.add(reward)
        return costs
