"""What merging costs: now and then one worker learns the rows of two rounds alone, from the same state, and is compared.

Only such a sample can tell, since nobody learns the whole stream alone. It begins from the merged state, so it tells what is
lost within two rounds, and not what has added up before them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from headwater.cluster.worker import Block, Update

__all__ = ["SerialSample", "cost"]

ROUNDS = 2
SHARE = 0.04
"""Of the time: a sample of two rounds takes as long as two rounds of each worker."""


class SerialSample:
    """Collects the rows of two rounds, and compares what the cluster and one worker alone lost on them.

    Parameters
    ----------
    task : str
        "classify": the share of wrong predictions; "regress": the mean error.
    every : int
        Rounds between two samples; 0 for none.
    """

    def __init__(self, task: str, every: int) -> None:
        self._task, self._every = task, every
        self._begun: Update | None = None
        self._rounds: list[tuple[Any, list[Any], list[int]]] = []
        self._cluster = self._serial = 0.0
        self._of_now = 0.0
        self.rows = 0
        """Rows that were compared."""

    def due(self, number: int) -> bool:
        """Whether a sample begins with this round."""
        return bool(self._every) and number % self._every == self._every // 2 and self._begun is None

    def begin(self, whole: Update) -> None:
        """Begin from this state."""
        self._begun, self._rounds, self._of_now = whole, [], 0.0

    def add(self, X: list[Any], y: list[Any], rows: list[int], y_pred: Sequence[Any]) -> tuple[Update, Block] | None:
        """Note a round; when there are enough, return what one worker is to learn alone."""
        if self._begun is None:
            return None
        self._rounds.append((X, y, rows))
        self._of_now += cost(self._task, y, y_pred)
        if len(self._rounds) < ROUNDS:
            return None
        X, y, rows = ([one for part in parts for one in part] for parts in zip(*self._rounds, strict=True))
        return self._begun, Block(0, X, y, rows)

    def compare(self, block: Block, y_pred: Sequence[Any]) -> None:
        """Take what the one worker predicted."""
        self._cluster += self._of_now
        self._serial += cost(self._task, block.y, y_pred)
        self.rows += len(block)
        self._begun = None

    @property
    def loss(self) -> float:
        """Points of accuracy that merging has cost, or the share by which it has raised the mean error; NaN before a sample."""
        if not self.rows:
            return math.nan
        apart = self._cluster - self._serial
        return 100 * apart / self.rows if self._task == "classify" else apart / max(self._serial, 1e-300)


def every(workers: int) -> int:
    """Return after how many rounds a sample costs a twenty-fifth of the time.

    Examples
    --------
    >>> every(4)
    200
    """
    return round(ROUNDS * workers / SHARE)


def cost(task: str, y: Sequence[Any], y_pred: Sequence[Any]) -> float:
    """Return how many predictions were wrong, or the sum of errors.

    Examples
    --------
    >>> cost("classify", ["a", "b"], ["a", None]), cost("regress", [1.0, 2.0], [1.5, 2.0])
    (1.0, 0.5)
    """
    pairs = zip(y, y_pred, strict=True)
    if task == "classify":
        return float(sum(answer != said for answer, said in pairs))
    return math.fsum(abs(answer - said) for answer, said in pairs)
