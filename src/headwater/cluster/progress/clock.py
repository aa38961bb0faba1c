"""How a cluster stands, and what its rounds take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headwater.cluster.worker import Outcome

__all__ = ["Clock", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How a cluster stands.

    Parameters
    ----------
    round, rows
        Rounds that are merged, and rows learned in them, since the run began.
    workers, live, nodes
        Blocks of a round, workers that are there, and machines that they are on.
    block
        Rows of a block.
    rows_per_s
        Rows a second.
    sync
        Share of the time in which no worker learned.
    seconds_a_row
        What one worker takes for a row.
    sent, received
        Bytes of arrays that went to the workers and came back.
    rewound
        Rows of stragglers that were learned later.
    lost, left
        How often a worker died with a block in hand, and how often one was let go because its node was to leave.
    merge_loss
        Points of accuracy that merging costs, or the share by which it raises the mean error, against one worker that learns the
        same rows alone; NaN before the first sample.
    at
        When the last round was merged, in seconds since 1970: the age of the state.
    """

    round: int = 0
    rows: int = 0
    workers: int = 1
    live: int = 1
    nodes: int = 1
    block: int = 100
    rows_per_s: float = 0.0
    sync: float = 0.0
    seconds_a_row: float = 0.0
    sent: int = 0
    received: int = 0
    rewound: int = 0
    lost: int = 0
    left: int = 0
    merge_loss: float = math.nan
    at: float = 0.0


class Clock:
    """What rounds with all workers took: fading means over about ten of them."""

    FADES = 0.9

    def __init__(self) -> None:
        self.total = self._weight = self._seconds = self._learning = self._row = 0.0

    def add(self, seconds: float, outcomes: Sequence[Outcome], learned: int, *, at_once: int) -> None:
        """Note a round: its length, how long workers learned that take so many blocks at a time, and what a row took.

        Examples
        --------
        >>> from headwater.cluster.worker import Outcome
        >>> outcomes = [Outcome(i, {}, {}, [], [], seconds=0.2, cpu=0.0) for i in range(4)]
        >>> clock = Clock()
        >>> clock.add(0.5, outcomes, 400, at_once=2)
        >>> round(clock.sync_seconds, 3), round(clock.seconds_a_row, 4)
        (0.1, 0.002)
        """
        took = [outcome.seconds for outcome in outcomes]
        slowest = max(*took, sum(took) / at_once)
        a_row = sum(took) / learned
        self._weight = self.FADES * self._weight + 1
        for name, value in (("_seconds", seconds), ("_learning", slowest), ("_row", a_row)):
            setattr(self, name, getattr(self, name) + (value - getattr(self, name)) / self._weight)

    @property
    def ready(self) -> bool:
        """Whether enough was measured: five rounds."""
        return self._weight > 4

    @property
    def sync_seconds(self) -> float:
        """Seconds of a round in which no worker learned."""
        return max(self._seconds - self._learning, 0.0)

    @property
    def share(self) -> float:
        """Their share."""
        return self.sync_seconds / self._seconds if self._seconds else 0.0

    @property
    def seconds_a_row(self) -> float:
        """What a worker takes for a row."""
        return self._row
