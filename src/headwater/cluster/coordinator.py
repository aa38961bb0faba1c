"""The coordinator: rounds in which each worker predicts and then learns its block of consecutive rows, and a merge.

::

    take K·H rows → deal them in blocks → each worker: predict and learn its block → merge → score → publish → keep

A round is a pure function of the state that it begins from, its rows, and their numbers. So a worker that died is asked again,
or another one is, and the coordinator itself can die at any time: what it has written last, it goes on from, and comes to the
same bits. The merge is ``core/learners/merge.c``'s; what it costs against learning row by row stands in docs/how-to/cluster.md.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from headwater.errors import ConfigError
from headwater.learner.kind import check_can
from headwater.learner.supervised import SupervisedLearner
from headwater.route.score import Score
from headwater.store.model_file import SavedModel
from headwater.streams import Stream
from headwater.streams.rows import opened
from headwater.types import Record, ScoredRows

from .delta import apply, difference, size_of
from .local import LocalWorkers
from .manifest import Keeper, Position, read_manifest
from .merge import merge
from .plan import SMALLEST, block_size, by_key, check_partition, in_blocks, ramp
from .progress import Clock, Progress
from .progress.sampling import SerialSample
from .progress.sampling import every as every_round
from .rows import Rows
from .worker import Block, Outcome, Update, pack, unpack

__all__ = ["Cluster", "Workers", "learn"]

WARM_UP = 1000
"""Rows that one worker learns alone before there are several: what they begin from must have found its scales."""


class Workers(Protocol):
    """Where blocks are learned: `LocalWorkers`, or `ray.RayWorkers`."""

    sent: int
    """Bytes of arrays that were sent to workers so far."""
    lost: int
    """How often a worker died with a block in hand."""
    left: int
    """How often a worker was let go because its node was to leave."""

    @property
    def live(self) -> int:
        """How many workers there are now."""

    @property
    def at_once(self) -> int:
        """How many blocks are learned at the same time."""

    @property
    def nodes(self) -> list[str]:
        """The node of each worker that is there."""

    def learn(
        self, updates: tuple[Update | None, Callable[[], Update]], blocks: Sequence[Block], deadline: float | None
    ) -> list[Outcome]:
        """Learn blocks from a state; what is not done at the deadline is left out."""

    def close(self) -> None:
        """End the workers."""


class Cluster:
    """Let several workers learn one model.

    Parameters
    ----------
    learner : Classifier or Regressor
        The model; it is always the state behind the last round. A manifest that is there already replaces it.
    workers : int
        Blocks of a round. They decide the result; how many processes share them out does not.
    block : int or "auto"
        Rows of a block; "auto" chooses it so that syncing takes at most `sync` of the time.
    engine : "local", "ray" or Workers
        Where blocks are learned: in this process, one after the other, or by Ray actors.
    key : str, optional
        A column whose values keep their order: all rows of one value go to one worker.
    partition : str
        "blocks"; "round-robin" is refused, since it costs more accuracy than anything else.
    manifest : str or Path, optional
        A file to keep state and position in after each round, and to go on from.
    deadline : float, optional
        Seconds after which a round goes on without the blocks that are not done; their rows come next. The result then depends
        on time. Without it a slow block is given to an idle worker as well, and the first to answer counts: the same bits.
    lead : int
        Rows in front of a block that its worker learns first, for itself: what fades within some tens of rows would be missing.
    sync : float
        The share of the time that syncing may take where the block is chosen.
    warm_up : int
        Rows that one worker learns alone at first.
    window : int
        Rows that window scores are over.
    every : int, optional
        Make a `Record` after the round in which each so many rows were passed.
    serial_sample : bool
        Let one worker learn some rows alone now and then, to tell what merging costs: a twenty-fifth of the time.
    on_round : callable, optional
        What is called with the `Progress` behind each round.
    on_record : callable or sequence of them
        What is called with each record.
    address : str, optional
        Of a Ray cluster that runs already; "auto" finds one.

    Raises
    ------
    ConfigError
        For settings that can't be.

    Examples
    --------
    >>> import headwater as hw
    >>> from headwater.cluster import Cluster
    >>> rows = [({"hour": i % 24}, "late" if i % 24 > 18 else "on time") for i in range(3000)]
    >>> with Cluster(hw.Classifier(), workers=4, block=100, engine="local") as cluster:
    ...     record = cluster.run(rows)
    >>> record.rows, record.scores["accuracy"] > 0.95, cluster.learner.n_learned
    (3000, True, 3000)
    """

    def __init__(
        self,
        learner: Any,
        *,
        workers: int = 2,
        block: int | str = "auto",
        engine: str | Workers = "ray",
        key: str | None = None,
        partition: str = "blocks",
        manifest: str | Path | None = None,
        deadline: float | None = None,
        lead: int = 40,
        sync: float = 0.2,
        warm_up: int = WARM_UP,
        window: int = 1000,
        every: int | None = None,
        serial_sample: bool = True,
        on_round: Callable[[Progress], object] | None = None,
        on_record: Callable[[Record], object] | Sequence[Callable[[Record], object]] = (),
        address: str | None = None,
    ) -> None:
        check_partition(partition)
        _check(learner, workers, block, sync)
        self.learner: SupervisedLearner = learner
        self._auto, self._share = block == "auto", sync
        self._key, self._deadline, self._warm_up, self._lead = key, deadline, warm_up, lead
        self.position = Position(workers=workers, block=SMALLEST if isinstance(block, str) else block)
        if manifest is not None:
            self._go_on(manifest)
        self._watch: Score = self.learner.kind.score(window=window, learner=self.learner)
        self._window, self._every, self.on_round = window, every, on_round
        self._on_record = (on_record,) if callable(on_record) else tuple(on_record)
        self.progress = Progress(workers=workers, block=self.position.block)
        self._workers = _workers(engine, workers, address)
        self._keeper = None if manifest is None else Keeper(manifest)
        self._serial = SerialSample(self.learner.task, every_round(workers) if serial_sample else 0)
        self._begin()

    def _begin(self) -> None:
        """Note what the first round begins from."""
        self._state = pack(self.learner)
        self._update: Update | None = None
        self._clock = Clock()
        self._rejected_before = Counter(self.learner.rejected)

    def _go_on(self, manifest: str | Path) -> None:
        """Begin where a manifest says that learning stood, if there is one."""
        found = read_manifest(manifest)
        if found is not None:
            self.learner, position = found
            block = position.block if self._auto else self.position.block
            self.position = replace(position, workers=self.position.workers, block=block)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, and write what is left of the manifest."""
        self._workers.close()
        if self._keeper is not None:
            self._keeper.close()

    # ---- the rounds --------------------------------------------------------------------------------------------------

    def run(self, stream: Any, target: str | None = None) -> Record:
        """Learn a whole stream, from where the manifest says that learning stood.

        Parameters
        ----------
        stream, target
            As in ``Session.run``.

        Returns
        -------
        Record
            How learning stands at the end. Scores are over the rows of this run.
        """
        source = opened(stream, target=target, task=self.learner.task)
        given = source if isinstance(source, Stream) else None
        position = self.position
        rows = Rows(source, target, wants=position.wants, behind=position.behind, problem=type(self._watch).problem)
        try:
            while self._round(rows):
                pass
        finally:
            if given is not None and source is not stream:
                given.close()
        record = self._record(rows, given)
        if self._keeper is not None:
            self._keeper.put(self._kept(), self.position, wait=True)
        for call in self._on_record:
            call(record)
        return record

    def _round(self, rows: Rows) -> bool:
        """Take rows, let them be learned, merge; False at the end of the stream."""
        started = time.perf_counter()
        blocks = self._deal(rows)
        if not blocks:
            return False
        if self._serial.due(self.position.round) and len(blocks) == self.position.workers:
            self._serial.begin(self._whole())
        outcomes = self._workers.learn((self._update, self._whole), blocks, self._deadline)
        missing = {block.index for block in blocks} - {outcome.index for outcome in outcomes}
        for block in blocks:
            if block.index in missing:
                rows.give_back(block.X, block.y, block.rows)
        done = [block for block in blocks if block.index not in missing]
        outcomes.sort(key=lambda outcome: outcome.index)
        if outcomes:
            self._merge(outcomes)
        self._advance(blocks, rows)
        self._score(done, outcomes)
        self._count(done, outcomes, time.perf_counter() - started, sum(len(block) for block in blocks))
        return True

    def _shape(self) -> tuple[int, int]:
        """Return blocks of the next round, and rows of each: one worker alone at first, and no more rows than are due."""
        learned = self.learner.n_learned
        if learned < self._warm_up or not self._may_fan_out():
            return 1, max(self._warm_up - learned, SMALLEST)
        return ramp(learned, self.position.workers, self.position.block)

    def _may_fan_out(self) -> bool:
        """Whether several workers may begin from this learner: two classes that one number tells must both be known."""
        if self.learner.engine is None:
            return False
        return self.learner.task == "regress" or not self.learner.one_output or len(self.learner.known_classes) > 1

    def _deal(self, rows: Rows) -> list[Block]:
        blocks, size = self._shape()
        X, y, numbers = rows.take(blocks * size)
        if self._key is not None and blocks > 1:
            return by_key(X, y, numbers, self._key, blocks)
        return in_blocks(X, y, numbers, size, self._lead)

    def _whole(self) -> Update:
        return Update(self.position.round, None, self._state.header, self._state.arrays)

    def _merge(self, outcomes: Sequence[Outcome]) -> None:
        """Put what the workers have learned into one learner, and note what that has changed."""
        learners = [unpack(SavedModel(done.header, apply(self._state.arrays, done.delta))) for done in outcomes]
        merged = merge(self.learner, learners)
        before, self._state = self._state, pack(merged)
        number = self.position.round
        delta = difference(before.arrays, self._state.arrays)
        self._update = Update(number + 1, number, self._state.header, delta)
        self.learner.resume(
            engine=merged.engine,
            classes=merged.known_classes,
            refused=merged.refused,
            notes=self.learner.notes,
            sample=self.learner.sample,
        )

    def _advance(self, blocks: Sequence[Block], rows: Rows) -> None:
        """Note how far the stream was learned, and keep that with the state."""
        last = max(self.position.row, *(max(block.rows) for block in blocks))
        size = self._next_size()
        changed = size != self.position.block
        self.position = replace(
            self.position,
            round=self.position.round + 1,
            row=last,
            waiting=_stretches(rows.waiting),
            block=size,
        )
        if self._keeper is not None:  # how rows are dealt may not depend on a clock behind what is on disk
            self._keeper.put(self._kept(), self.position, wait=changed)

    def _kept(self) -> SupervisedLearner:
        """Return the learner as it is now, in an object of its own."""
        return unpack(self._state)

    # ---- how it stands -----------------------------------------------------------------------------------------------

    def _next_size(self) -> int:
        """Return how many rows a block has next: another number only where what was measured asks for one half as large again."""
        now = self.position.block
        if not self._auto or not self._clock.ready:
            return now
        wanted = block_size(self._clock.sync_seconds, self._clock.seconds_a_row, self._share)
        return wanted if wanted > 1.5 * now or wanted < now / 3 else now

    def _score(self, blocks: Sequence[Block], outcomes: Sequence[Outcome]) -> None:
        """Score the rows, in their order, with what their workers predicted before learning them."""
        scored = [
            row
            for block, done in zip(blocks, outcomes, strict=True)
            for row in zip(block.rows, block.X, block.y, done.y_pred, done.proba, strict=True)
        ]
        scored.sort(key=lambda row: row[0])
        if not scored:
            return
        rows, X, y, y_pred, proba = (list(part) for part in zip(*scored, strict=True))
        self._watch.update(y, y_pred, proba)
        asked = self._serial.add(X, y, rows, y_pred)
        if asked is not None:
            whole, block = asked
            (alone,) = self._workers.learn((None, lambda: whole), [block], None)
            self._serial.compare(block, alone.y_pred)
        if self.learner.sample_due is not None:
            self.learner.take_scored(ScoredRows(self._watch.n - len(y) + 1, X, y, y_pred, proba, self.learner.task))

    def _count(self, done: Sequence[Block], outcomes: Sequence[Outcome], seconds: float, asked: int) -> None:
        now, learned = self.progress, sum(map(len, done))
        if outcomes and len(outcomes) == self.position.workers:
            self._clock.add(seconds, outcomes, learned, at_once=self._workers.at_once)
        self._clock.total += seconds
        self.progress = Progress(
            round=now.round + 1,
            rows=now.rows + learned,
            workers=self.position.workers,
            live=self._workers.live,
            nodes=len(set(self._workers.nodes)),
            block=self.position.block,
            rows_per_s=(now.rows + learned) / self._clock.total,
            sync=self._clock.share,
            seconds_a_row=self._clock.seconds_a_row,
            sent=self._workers.sent,
            received=now.received + sum(size_of(outcome.delta) for outcome in outcomes),
            rewound=now.rewound + asked - learned,
            lost=self._workers.lost,
            left=self._workers.left,
            merge_loss=self._serial.loss,
            at=time.time(),
        )
        if self.on_round is not None:
            self.on_round(self.progress)
        if self._every and self.progress.rows // self._every > now.rows // self._every:
            for call in self._on_record:
                call(self._record(None, None))

    def window_scores(self) -> dict[str, float]:
        """Return the scores over the last rows."""
        return self._watch.scores(window=True)["model"]

    def _record(self, rows: Rows | None, stream: Stream | None) -> Record:
        watch = self._watch
        scores, window = watch.scores(), watch.scores(window=True)
        rejected = Counter(rows.left_out if rows else {}) + Counter(stream.rejects.counts if stream else {})
        return Record(
            rows=self.progress.rows,
            scored=watch.n,
            window=min(self._window, watch.n),
            names=watch.names,
            scores=scores.pop("model"),
            window_scores=window.pop("model"),
            baselines=scores,
            window_baselines=window,
            rows_per_s=self.progress.rows_per_s,
            rejected=dict(rejected + (Counter(self.learner.rejected) - self._rejected_before)),
            unscored=watch.unscored,
        )


def learn(learner: Any, stream: Any, target: str | None = None, **options: Any) -> Record:
    """Let several workers learn a stream: `Cluster` with these options, run once and closed.

    Parameters
    ----------
    learner : Classifier or Regressor
        It has learned the stream when this returns.
    stream, target
        As in ``Session.run``.
    **options
        As in `Cluster`.

    Returns
    -------
    Record
        How learning stands at the end.

    Examples
    --------
    >>> import headwater as hw
    >>> model = hw.Regressor()
    >>> record = hw.cluster.learn(
    ...     model, [({"x": i % 7}, 2.0 * (i % 7)) for i in range(2000)], workers=2, engine="local"
    ... )
    >>> record.rows, record.scores["mae"] < 0.5, model.n_learned
    (2000, True, 2000)
    """
    with Cluster(learner, **options) as cluster:
        record = cluster.run(stream, target)
        if cluster.learner is not learner:  # it went on from a manifest
            found = cluster.learner
            learner.resume(
                engine=found.engine,
                classes=found.known_classes,
                refused=found.refused,
                notes=found.notes,
                sample=found.sample,
            )
        return record


def _check(learner: Any, workers: int, block: int | str, share: float) -> None:
    check_can(learner, "cluster", at="learner")
    if not isinstance(learner, SupervisedLearner):
        raise ConfigError(
            expected="a Classifier or a Regressor",
            got=type(learner).__name__,
            at="learner",
            help="Give one of headwater's.",
        )
    for name, value in (("workers", workers), ("block", 1 if block == "auto" else block)):
        if not isinstance(value, int) or value < 1:
            raise ConfigError(expected="a whole number of 1 or more", got=repr(value), at=name, help="Try 4 or 100.")
    if not 0 < share < 1:
        raise ConfigError(expected="a share between 0 and 1", got=f"{share:g}", at="sync", help="Try 0.2.")


def _workers(engine: str | Workers, workers: int, address: str | None) -> Workers:
    if engine == "local":
        return LocalWorkers()
    if engine == "ray":
        from .ray import RayWorkers

        return RayWorkers(workers, address=address)
    if isinstance(engine, str):
        raise ConfigError(expected='"ray" or "local"', got=repr(engine), at="engine", help="Choose one of these.")
    return engine


def _stretches(rows: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return first and last of each run of consecutive numbers.

    Examples
    --------
    >>> _stretches([3, 4, 5, 9])
    ((3, 5), (9, 9))
    """
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return tuple(runs)
