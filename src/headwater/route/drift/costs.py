"""Per-row prediction costs in [0, 1], the input of drift detectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

from headwater.learner.kind import Kind
from headwater.route.scores.mean_score import MeanScore
from headwater.types import ScoredRows

__all__ = ["ClassCosts", "Costs", "MeanCosts", "NumberCosts", "RunningSpread", "costs_of"]


class Costs(Protocol):
    """Computes the cost of predictions. Each kind declares its own as ``Kind.costs``."""

    rose: str
    """Text of the event when costs rise."""

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row's prediction, from 0 to 1."""


class RunningSpread:
    """Running mean and mean absolute deviation."""

    def __init__(self) -> None:
        self.n, self.mean, self.spread = 0, 0.0, 0.0

    def share(self, e: float) -> float:
        """Return e / (e + spread), or 0 if e is 0."""
        return e / (e + self.spread) if e else 0.0

    def add(self, y: float) -> None:
        """Add a number."""
        self.n += 1
        self.mean += (y - self.mean) / self.n
        self.spread += (abs(y - self.mean) - self.spread) / self.n


class ClassCosts:
    """Cost 1 − p, where p is the predicted probability of the label."""

    rose = "Predictions became dearer"

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row's prediction."""
        return [0.0 if math.isnan(p) else 1.0 - p for p in rows.proba]


class NumberCosts:
    """Cost |e| / (|e| + s), with the error e and the mean absolute deviation s of the labels."""

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


class MeanCosts:
    """Cost c / (c + m), with the cost c of a prediction by the kind's score and the mean m of those before."""

    rose = "Predictions became dearer"

    def __init__(self, kind: Kind) -> None:
        self._read, self._cost = kind.answer.read, kind.score.value.cost
        self._before = RunningSpread()

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row's prediction."""
        pairs = zip(rows.y, rows.y_pred, strict=True)
        return [0.0 if y_pred is None else self._one(self._read(y, None), y_pred) for y, y_pred in pairs]

    def _one(self, label: Any, predicted: Any) -> float:
        cost, usual = float(self._cost(label, predicted)), self._before.mean
        self._before.add(cost)
        return cost / (cost + usual) if cost else 0.0


def costs_of(kind: Kind) -> Costs:
    """Return the costs that a kind declares, else those of its score, if that is a `MeanScore`, else those of numbers."""
    if kind.costs is not None:
        declared: Costs = kind.costs()
        return declared
    return MeanCosts(kind) if issubclass(kind.score.value, MeanScore) else NumberCosts()


class RewardCosts:
    """Cost of a reward below the running mean, as a share like `NumberCosts`.

    A subclass extracts the reward from the rows.
    """

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
