"""Measure the cost of merging, by sometimes letting one worker learn the rows of two rounds alone.

The sample starts from the merged state, so it measures the loss within two rounds, not what has accumulated before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from headwater.cluster.worker import Block, Update
from headwater.learner.kind import Kind
from headwater.route.drift.costs import costs_of
from headwater.types import ScoredRows

__all__ = ["SerialSample", "cost"]

ROUNDS = 2
SHARE = 0.04
"""Share of the time. A sample takes as long as two rounds of each worker."""


class SerialSample:
    """Collect the rows of two rounds, and compare the losses of the cluster and of one worker.

    Parameters
    ----------
    kind : Kind
        Of the learner: the error rate of one of classes, the mean error of one of numbers, the mean of its costs of any other.
    every : int
        Rounds between samples; 0 for none.
    """

    def __init__(self, kind: Kind, every: int) -> None:
        self._kind, self._every = kind, every
        self._begun: Update | None = None
        self._rounds: list[tuple[Any, list[Any], list[int]]] = []
        self._cluster = self._serial = 0.0
        self._of_now = 0.0
        self.rows = 0
        """Number of rows compared."""

    def due(self, number: int) -> bool:
        """Return whether a sample starts with this round."""
        return bool(self._every) and number % self._every == self._every // 2 and self._begun is None

    def begin(self, whole: Update) -> None:
        """Start a sample from this state."""
        self._begun, self._rounds, self._of_now = whole, [], 0.0

    def add(self, X: list[Any], y: list[Any], rows: list[int], y_pred: Sequence[Any]) -> tuple[Update, Block] | None:
        """Add a round, and return the work for a single worker when the sample is complete."""
        if self._begun is None:
            return None
        self._rounds.append((X, y, rows))
        self._of_now += cost(self._kind, y, y_pred)
        if len(self._rounds) < ROUNDS:
            return None
        X, y, rows = ([one for part in parts for one in part] for parts in zip(*self._rounds, strict=True))
        return self._begun, Block(0, X, y, rows)

    def compare(self, block: Block, y_pred: Sequence[Any]) -> None:
        """Add the single worker's predictions."""
        self._cluster += self._of_now
        self._serial += cost(self._kind, block.y, y_pred)
        self.rows += len(block)
        self._begun = None

    @property
    def sums(self) -> tuple[float, float, int]:
        """Losses of the cluster and of the single workers, and the rows compared."""
        return self._cluster, self._serial, self.rows

    def go_on(self, sums: tuple[float, float, int]) -> None:
        """Continue from the sums of a run before its coordinator was restarted."""
        self._cluster, self._serial, self.rows = sums

    @property
    def loss(self) -> float:
        """Cost of merging in points, or as relative increase of the mean error, and NaN before a sample."""
        if not self.rows:
            return math.nan
        apart = self._cluster - self._serial
        return apart / max(self._serial, 1e-300) if self.loss_of == "error" else 100 * apart / self.rows

    @property
    def loss_of(self) -> str:
        """What the loss is of: "accuracy" or "cost", in points of at most 100 a row, or the mean "error", as relative increase."""
        return "cost" if self._kind.answer.compound else "accuracy" if "classes" in self._kind.can else "error"


def every(workers: int) -> int:
    """Return the rounds between samples for which they take 4 % of the time.

    Examples
    --------
    >>> every(4)
    200
    """
    return round(ROUNDS * workers / SHARE)


def cost(kind: Kind, y: Sequence[Any], y_pred: Sequence[Any]) -> float:
    """Return the number of wrong predictions, the sum of absolute errors, or of labels with several parts that of their costs.

    Examples
    --------
    >>> import headwater as hw
    >>> cost(hw.Classifier.kind, ["a", "b"], ["a", None]), cost(hw.Regressor.kind, [1.0, 2.0], [1.5, 2.0])
    (1.0, 0.5)
    >>> cost(hw.MultiOutput.kind, [{"a": "x", "b": "y"}, {"a": "x"}], [{"a": "x", "b": "z"}, {"a": "x"}])
    0.5
    """
    if kind.answer.compound:
        n = len(y)
        return math.fsum(costs_of(kind).of(ScoredRows(1, [{}] * n, y, y_pred, [math.nan] * n, kind.task)))
    pairs = zip(y, y_pred, strict=True)
    if "classes" in kind.can:
        return float(sum(label != predicted for label, predicted in pairs))
    return math.fsum(abs(label - predicted) for label, predicted in pairs)
