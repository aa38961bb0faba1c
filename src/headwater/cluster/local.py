"""Workers in this process, with the same code and the same bits as on a cluster, for tests and simulations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .worker import Block, Outcome, Update, Worker

__all__ = ["LocalWorkers"]


class LocalWorkers:
    """Learn the blocks of a round in this process.

    Parameters
    ----------
    left_out : callable, optional
        left_out(round, block): whether to treat its worker as a straggler.
    """

    def __init__(self, left_out: Callable[[int, Block], bool] | None = None) -> None:
        self._worker = Worker()
        self._left_out = left_out
        self.sent = self.lost = self.left = 0
        self.live = self.at_once = 1
        self.nodes = ["here"]

    def learn(
        self,
        updates: tuple[Update | None, Callable[[], Update]],
        blocks: Sequence[Block],
        deadline: float | None,
    ) -> list[Outcome]:
        """Learn blocks from a state, as `ray.RayWorkers.learn` does."""
        delta, whole = updates
        outcomes = []
        for block in blocks:
            if deadline is not None and self._left_out is not None and self._left_out(whole().version, block):
                continue
            outcome = None if delta is None else self._worker.learn(delta, block)
            outcomes.append(outcome or self._worker.learn(whole(), block))
        return [outcome for outcome in outcomes if outcome is not None]

    def close(self) -> None:
        """Close the sources, as there are no processes to stop."""
        self._worker.close()
