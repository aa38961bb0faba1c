"""Progress of a cluster run, and timing of its rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headwater.cluster.worker import Outcome

__all__ = ["Clock", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a cluster run.

    Parameters
    ----------
    round, rows
        Merged rounds and learned rows of the run, with those before its coordinator was restarted. So are all sums below.
    workers, live, nodes
        Blocks per round, current workers, and their machines.
    block
        Rows per block.
    rows_per_s
        Rows per second.
    sync
        Share of the time in which no worker learned.
    seconds_a_row
        Seconds per row of one worker.
    sent, received
        Bytes of arrays sent to workers and received from them.
    rewound
        Rows of stragglers, and of blocks that found new outputs beside another block, learned in a later round.
    lost, left
        Workers that died with a block, and workers stopped because their node was draining.
    merge_loss
        Cost of merging against one worker that learns the same rows alone, in points of accuracy (of several outputs, of the
        mean cost) or as relative increase of the mean error; NaN before the first sample.
    at
        Time of the last merge, in seconds since 1970.
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
    """Timing of full rounds, as exponential means over about ten rounds."""

    FADES = 0.9

    def __init__(self, before: Progress | None = None) -> None:
        self._weight = self._seconds = self._learning = self._row = 0.0
        self.total = before.rows / before.rows_per_s if before is not None and before.rows else 0.0
        """Seconds of all rounds."""

    def add(self, seconds: float, outcomes: Sequence[Outcome], learned: int, *, at_once: int) -> None:
        """Add a round's duration, learning time with ``at_once`` blocks in parallel, and time per row.

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
        """Whether five rounds were measured."""
        return self._weight > 4

    @property
    def sync_seconds(self) -> float:
        """Seconds per round in which no worker learned."""
        return max(self._seconds - self._learning, 0.0)

    @property
    def share(self) -> float:
        """Share of a round in which no worker learned."""
        return self.sync_seconds / self._seconds if self._seconds else 0.0

    @property
    def seconds_a_row(self) -> float:
        """Seconds that a worker takes per row."""
        return self._row
