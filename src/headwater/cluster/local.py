"""Workers in this process, one after the other: the same code and the same bits as on a cluster, for tests and simulations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .worker import Block, Outcome, Update, Worker

__all__ = ["LocalWorkers"]


class LocalWorkers:
    """Learn the blocks of a round in this process.

    Parameters
    ----------
    left_out : callable, optional
        Of a round's number and a block: whether its worker counts as a straggler.
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
        """Learn blocks from a state; see `ray.RayWorkers.learn`."""
        delta, whole = updates
        outcomes = []
        for block in blocks:
            if deadline is not None and self._left_out is not None and self._left_out(whole().version, block):
                continue
            outcome = None if delta is None else self._worker.learn(delta, block)
            outcomes.append(outcome or self._worker.learn(whole(), block))
        return [outcome for outcome in outcomes if outcome is not None]

    def close(self) -> None:
        """There is nothing to end."""
