"""Teach a fleet over a cluster a whole stream, and bring its members together in a fleet of one process."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from headwater.cluster.sources.rows import Rows
from headwater.encode.values import as_key
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import has_classes
from headwater.route.score import Score
from headwater.streams import Block, Stream, as_blocks
from headwater.streams.readers.rows import opened
from headwater.types import Record

from .folder import Folder, Standing

__all__ = ["FleetRun", "noted_in"]

SOURCE = "stream"
"""Source of the blocks of a run."""


class FleetRun:
    """A pass over a stream whose rows go to the shards of their keys, block by block.

    After each block the folder has the position and the metrics. A block that the shards had learned when the process died is
    dealt again, and they answer as before without learning it twice.

    Parameters
    ----------
    sharded : ShardedFleet
        The fleet.
    block : int
        Rows dealt at once.
    window : int
        Rows of the window scores.
    """

    def __init__(self, sharded: Any, *, block: int, window: int) -> None:
        self._sharded, self._block, self._window = sharded, block, window
        self._before = noted_in(sharded) or Standing(size=block, rejected=sharded.rejected)
        self._now = self._before
        empty = sharded.template
        self._score: Score = empty.kind.score(
            window=window, learner=empty, saved=base64.b64decode(self._before.score.encode())
        )
        self._seconds = 0.0
        self.keys: dict[Hashable, None] = {}
        """Keys in the order of the stream, also of the rows that an earlier run learned."""
        self.labels: dict[Any, None] = {}
        """Labels likewise."""

    def learn(
        self, stream: Any, target: str | None, every: int | None, on_record: Sequence[Callable[[Record], object]]
    ) -> Record:
        """Learn the rows of a stream that were not learned before, and return the metrics of the whole run."""
        source = opened(stream, target=target, task=self._sharded.task)
        given = source if isinstance(source, Stream) else None
        blocks = self._seen(as_blocks(source, target=target))
        rows = Rows(blocks, None, wants=lambda row: row > self._before.row, problem=type(self._score).problem)
        try:
            told = self._now.rows
            while self._step(rows):
                if every and self._now.rows // every > told // every:
                    self._tell(rows, given, on_record)
                told = self._now.rows
            return self._tell(rows, given, on_record)
        finally:
            if given is not None and source is not stream:
                given.close()

    def _tell(self, rows: Rows, stream: Stream | None, on_record: Sequence[Callable[[Record], object]]) -> Record:
        record = self._record(rows, stream)
        for call in on_record:
            call(record)
        return record

    def _seen(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Note keys and labels in the order of the stream."""
        for block in blocks:
            self.keys |= dict.fromkeys(as_key(x.get(self._sharded.key)) for x in as_list(block.X))
            if has_classes(self._sharded.task):
                self.labels |= dict.fromkeys(y for y in block.y if isinstance(y, Hashable))
            yield block

    def _step(self, rows: Rows) -> bool:
        """Deal a block, or return False at the end of the stream."""
        started, before = time.perf_counter(), self._now
        X, y, numbers = rows.take(before.size)
        if not y:
            return False
        predicted = self._sharded.step_many(X, y, block=(SOURCE, before.number + 1))
        self._score.update(y, predicted.y_pred, predicted.proba_of(y))
        self._now = Standing(
            number=before.number + 1,
            size=self._block,
            row=numbers[-1],
            rows=before.rows + len(y),
            score=base64.b64encode(self._score.to_bytes()).decode(),
            rejected=before.rejected,
        )
        if self._sharded.folder is not None:
            self._sharded.folder.note_run(self._now)
        self._seconds += time.perf_counter() - started
        return True

    def _record(self, rows: Rows, stream: Stream | None) -> Record:
        score = self._score
        scores, window = score.scores(), score.scores(window=True)
        rejected = Counter(rows.left_out) + Counter(stream.rejects.counts if stream else {})
        new = self._now.rows - self._before.rows
        return Record(
            rows=self._now.rows,
            scored=score.n,
            window=min(self._window, score.n),
            names=score.names,
            scores=scores.pop("model"),
            window_scores=window.pop("model"),
            baselines=scores,
            window_baselines=window,
            rows_per_s=new / self._seconds if self._seconds else 0.0,
            rejected=dict(rejected + (Counter(self._sharded.rejected) - Counter(self._now.rejected))),
            unscored=score.unscored,
            comparisons=score.comparisons(),
        )


def noted_in(sharded: Any) -> Standing | None:
    """Return how far the run is that writes into a fleet's folder, if there is one."""
    folder: Folder | None = sharded.folder
    return None if folder is None else folder.run()
