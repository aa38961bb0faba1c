"""Teach a fleet over a cluster a whole stream, and bring its members together in a fleet of one process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from headwater.cluster.sources.rows import Rows
from headwater.encode.values import as_key
from headwater.errors import ConfigError, HeadwaterError, StoreError
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import has_classes
from headwater.route.score import Score
from headwater.store.model_file.settings import as_json
from headwater.streams import Block, Stream, as_blocks
from headwater.streams.readers.rows import opened
from headwater.types import Metrics

from .folder import Folder, Standing

__all__ = ["FleetRun", "check_whole", "noted_in"]

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
    began : mapping, optional
        What the fleet had counted whose members the shards took.
    """

    def __init__(
        self, sharded: Any, *, block: int, window: int, began: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        check_whole(block=block, window=window)
        self._sharded, self._block, self._window = sharded, block, window
        self._noted = noted_in(sharded)
        first = Standing(
            size=block, rejected=sharded.rejected, began={n: dict(own) for n, own in (began or {}).items()}
        )
        self._before = self._now = self._noted or first
        self._score = self._scored()
        self._seconds = 0.0
        self.keys: dict[Hashable, None] = {}
        """Keys in the order of the stream, also of the rows that an earlier run learned."""
        self.labels: dict[Any, None] = {}
        """Labels likewise."""

    @property
    def began(self) -> Mapping[str, Mapping[str, int]]:
        """What the fleet had counted that began the run."""
        return self._before.began

    def _scored(self) -> Score:
        """Return the metrics so far."""
        empty = self._sharded.template
        try:
            score: Score = empty.kind.score(window=self._window, learner=empty, saved=self._before.score)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise StoreError(
                expected="the metrics of a run",
                got=str(error),
                at=str(self._sharded.folder.path),
                help="Restore a copy of the folder, or use a new one.",
            ) from error
        return score

    def learn(
        self, stream: Any, target: str | None, every: int | None, on_record: Sequence[Callable[[Metrics], object]]
    ) -> Metrics:
        """Learn the rows of a stream that were not learned before, and return the metrics of the whole run."""
        check_whole(every=1 if every is None else every)
        source = opened(stream, target=target, task=self._sharded.task)
        given = source if isinstance(source, Stream) else None
        try:
            if self._noted is None:
                self._note()  # before shards learn: the first block, dealt again, is then the same and meets the same members
            blocks = self._seen(as_blocks(source, target=target))
            rows = Rows(blocks, None, wants=lambda row: row > self._before.row, problem=self._problem)
            told = self._now.rows
            while self._step(rows):
                if every and self._now.rows // every > told // every:
                    self._tell(rows, given, on_record)
                told = self._now.rows
            return self._tell(rows, given, on_record)
        finally:
            if given is not None and source is not stream:
                given.close()

    def _tell(self, rows: Rows, stream: Stream | None, on_record: Sequence[Callable[[Metrics], object]]) -> Metrics:
        record = self._record(rows, stream)
        for call in on_record:
            call(record)
        return record

    def _seen(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Note keys in the order of the stream."""
        for block in blocks:
            self.keys |= dict.fromkeys(as_key(x.get(self._sharded.key)) for x in as_list(block.X))
            yield block

    def _problem(self, label: Any) -> str:
        """Return why a label can't be learned or can't be kept in the folder, or "", and note a class in its order."""
        reason: str = type(self._score).problem(label)
        if reason or not has_classes(self._sharded.task):
            return reason
        try:
            if label not in self.labels:
                msgspec.msgpack.encode(as_json(label))
                self.labels[label] = None
        except (HeadwaterError, TypeError, ValueError, OverflowError):  # unhashable, or not to be written
            return "answer can't be a class"
        return ""

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
            score=self._score.to_bytes(),
            rejected=before.rejected,
            began=before.began,
        )
        self._note()
        self._seconds += time.perf_counter() - started
        return True

    def _note(self) -> None:
        if self._sharded.folder is not None:
            self._sharded.folder.note_run(self._now)

    def _record(self, rows: Rows, stream: Stream | None) -> Metrics:
        score = self._score
        scores, window = score.scores(), score.scores(window=True)
        rejected = Counter(rows.left_out) + Counter(stream.rejects.counts if stream else {})
        new = self._now.rows - self._before.rows
        return Metrics(
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


def check_whole(**values: Any) -> None:
    """Raise ConfigError unless each value is a whole number of 1 or more."""
    for name, value in values.items():
        if type(value) is not int or value < 1:
            raise ConfigError(expected="a whole number of 1 or more", got=repr(value), at=name, help="Try 4 or 1000.")


def noted_in(sharded: Any) -> Standing | None:
    """Return how far the run is that writes into a fleet's folder, if there is one."""
    folder: Folder | None = sharded.folder
    return None if folder is None else folder.run()
