"""Teach a fleet over a cluster a whole stream, and bring its members together in a fleet of one process."""

from __future__ import annotations

import base64
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.cluster.sources.rows import Rows
from headwater.encode.values import as_key
from headwater.errors import ConfigError
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import has_classes
from headwater.route.score import Score
from headwater.streams import Block, Stream, as_blocks
from headwater.streams.readers.rows import opened
from headwater.types import Record

if TYPE_CHECKING:
    from .sharded import ShardedFleet

__all__ = ["BLOCK", "FleetRun", "Standing", "learn_fleet"]

BLOCK = 10_000
"""Rows that are dealt to the shards at once."""
SOURCE = "stream"
"""Source of the blocks of a run."""


class Standing(msgspec.Struct, frozen=True):
    """How far a run is, as its folder has it."""

    number: int = -1
    """Number of the last block learned."""
    size: int = BLOCK
    """Rows of the next block, which the shards may have learned already."""
    row: int = 0
    """Last row of the stream that was dealt."""
    rows: int = 0
    score: str = ""
    rejected: dict[str, int] = {}
    """What the shards had rejected before the run, by reason."""


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

    def __init__(self, sharded: ShardedFleet, *, block: int, window: int) -> None:
        self._sharded, self._block, self._window = sharded, block, window
        self._before = sharded.noted_run() or Standing(size=block, rejected=sharded.rejected)
        self._now = self._before
        empty = sharded.empty()
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
            while self._step(rows):
                if every and self._now.rows // every > (self._now.rows - self._stepped) // every:
                    for call in on_record:
                        call(self._record(rows, given))
            record = self._record(rows, given)
        finally:
            if given is not None and source is not stream:
                given.close()
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
        self._stepped = len(y)
        self._now = Standing(
            number=before.number + 1,
            size=self._block,
            row=numbers[-1],
            rows=before.rows + len(y),
            score=base64.b64encode(self._score.to_bytes()).decode(),
            rejected=before.rejected,
        )
        self._sharded.note_run(self._now)
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


def learn_fleet(
    fleet: Any,
    stream: Any,
    target: str | None = None,
    *,
    workers: int = 2,
    block: int | str = "auto",
    engine: str = "ray",
    address: str | None = None,
    manifest: str | Path | None = None,
    window: int = 1000,
    every: int | None = None,
    on_record: Callable[[Record], object] | Sequence[Callable[[Record], object]] = (),
    **more: Any,
) -> Record:
    """Teach a fleet with its keys spread over workers, each of which has the members of its keys.

    No member is merged, so that each is to the bit what one process learns. Options are those of `cluster.Cluster`, without those
    on merging.

    Parameters
    ----------
    fleet : Fleet
        A fleet whose members the core holds. It has all members in the end.
    manifest : path, optional
        Folder of the run, which all nodes reach, to go on from after a crash, also with another number of workers. Without it
        a folder of this machine is used, and removed in the end.

    Returns
    -------
    Record
        Metrics at the end.

    Raises
    ------
    ConfigError
        If an option has no meaning for a fleet, or the core can't hold its members.
    """
    _check(more, workers, block, engine, address, manifest)
    from .sharded import ShardedFleet

    with ExitStack() as opened_here:
        folder = manifest if manifest is not None else opened_here.enter_context(tempfile.TemporaryDirectory())
        where: Any = False if engine == "local" else address
        sharded = ShardedFleet(fleet.first, fleet.key, folder, shards=workers, address=where, max_keys=fleet.max_keys)
        opened_here.callback(sharded.close)
        if len(sharded.names) != workers:
            sharded.resize(workers)
        if sharded.noted_run() is None:
            sharded.take_members(fleet)
        run = FleetRun(sharded, block=BLOCK if isinstance(block, str) else block, window=window)
        calls = (on_record,) if callable(on_record) else tuple(on_record)
        record = run.learn(stream, target, every, calls)
        sharded.fill(fleet, [*fleet.keys(), *run.keys], run.labels)
    return record


def _check(more: Any, workers: Any, block: Any, engine: Any, address: Any, manifest: Any) -> None:
    """Validate the options of a run."""
    for name, value in more.items():
        raise ConfigError(
            expected="options of a fleet's run: workers, block, engine, address, manifest, window, every or on_record",
            got=f"{name}={value!r}",
            at=f"{name} of cluster.learn",
            help="Leave it out: a key belongs to one worker, and nothing is merged.",
        )
    for name, value in (("workers", workers), ("block", 1 if block == "auto" else block)):
        if type(value) is not int or value < 1:
            raise ConfigError(expected="a whole number of 1 or more", got=repr(value), at=name, help="Try 4 or 1000.")
    if engine not in ("local", "ray"):
        raise ConfigError(expected='"ray" or "local"', got=repr(engine), at="engine", help="Choose one of these.")
    if address is not None and manifest is None and engine == "ray":
        raise ConfigError(
            expected="a folder that all nodes reach, where a worker that dies is started again from",
            got="none",
            at="manifest",
            help="Give manifest=FOLDER.",
        )
