"""Coordinator of the rounds, in which each worker predicts and learns a block of consecutive rows before a merge.

::

    take K·H rows → deal them in blocks → each worker: predict and learn its block → merge → score → publish → save

A round is a pure function of its initial state, its rows and their numbers. A lost block can therefore be repeated by any
worker, and a coordinator that died resumes from its last manifest with the same bits. ``core/learners/merge.c`` implements
the merge; docs/how-to/cluster.md has its cost against learning row by row.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Protocol

from headwater.cluster.published.manifest import NOTE, ManifestWriter, Position, Totals, read_manifest, totals_of
from headwater.errors import ConfigError
from headwater.learner.base import Learner
from headwater.learner.kind import check_can, has_classes, is_fleet, named_able
from headwater.learner.settings import settings_of, written_settings
from headwater.route.score import Score
from headwater.store.model_file import SavedModel
from headwater.store.model_file.settings import as_json
from headwater.streams import Stream
from headwater.streams.readers.rows import opened
from headwater.types import Metrics, ScoredRows

from .delta import difference, size_of
from .local import LocalWorkers
from .merge import in_tree, merge
from .plan import LONGEST_LEAD, SMALLEST, block_size, by_key, check_partition, in_blocks, lead_of, ramp
from .progress import Clock, Progress
from .progress.sampling import SerialSample
from .progress.sampling import every as every_round
from .sources.labels import columns_of
from .sources.partitions import Partitions, check_same
from .sources.rows import Rows
from .worker import Block, Outcome, Update, after_block, merge_group, pack, together, unpack

__all__ = ["Cluster", "Workers", "learn"]

WARM_UP = 1000
"""Rows that one worker learns alone first, so that running statistics are reliable when several start."""


class Workers(Protocol):
    """Executor of blocks, implemented by `LocalWorkers` and `ray.RayWorkers`."""

    sent: int
    """Bytes of arrays sent to workers so far."""
    lost: int
    """Number of workers that died with a block."""
    left: int
    """Number of workers stopped because their node was draining."""

    @property
    def live(self) -> int:
        """Current number of workers."""

    @property
    def at_once(self) -> int:
        """Number of blocks learned at the same time."""

    @property
    def nodes(self) -> list[str]:
        """Node of each current worker."""

    def learn(
        self, updates: tuple[Update | None, Callable[[], Update]], blocks: Sequence[Block], deadline: float | None
    ) -> list[Outcome]:
        """Learn blocks from a state, and leave out those not done at the deadline."""

    def close(self) -> None:
        """Stop the workers."""


class Cluster:
    """Train one model with several workers.

    Parameters
    ----------
    learner : Classifier, Regressor or MultiOutput
        The model, which has the state after the last round. An existing manifest replaces it.
    workers : int
        Blocks per round. They determine the result, which does not depend on the number of processes.
    block : int or "auto"
        Rows per block. "auto" limits syncing to the share `sync` of the time.
    engine : "local", "ray" or Workers
        Run blocks in this process, one after the other, or in Ray actors.
    key : str, optional
        Column whose rows of one value all go to one worker, which keeps their order.
    partition : str
        "blocks", or "sources" for a list of sources: in each round each worker reads and learns the next rows of one source,
        and no sample passes the coordinator. Then `workers` is the number of processes, blocks per round are the sources that
        have not ended, and neither the diagnosis nor the serial sample gets rows. "round-robin" is rejected, since it costs
        far more accuracy.
    manifest : str or Path, optional
        File that stores state and position after each round, to resume from.
    deadline : float, optional
        Seconds after which a round ends without its unfinished blocks, whose rows come next. Results then depend on
        timing. Without it, a slow block is repeated by an idle worker and the first result counts, with the same bits.
    lead : int, optional
        Rows before a block that its worker learns first as a warm-up, without counting them. By default 40, and up to 100
        before blocks of less than 250 rows. The first block of a round has none after a straggler's rows, and where
        the learner has ``rolling``.
    sync : float
        Maximum share of the time for syncing, with ``block="auto"``.
    warm_up : int
        Rows that one worker learns alone at first.
    window : int
        Rows of the window scores.
    every : int, optional
        Make `Metrics` every ``every`` rows, after the round that reaches them.
    serial_sample : bool
        Let one worker sometimes learn rows alone to measure the cost of merging, which takes 4 % of the time.
    on_round : callable, optional
        Called with the `Progress` after each round.
    on_record : callable or sequence of them
        Called with each record.
    address : str, optional
        Address of a running Ray cluster; "auto" finds one.

    Raises
    ------
    ConfigError
        For invalid settings.

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
        lead: int | None = None,
        sync: float = 0.2,
        warm_up: int = WARM_UP,
        window: int = 1000,
        every: int | None = None,
        serial_sample: bool = True,
        on_round: Callable[[Progress], object] | None = None,
        on_record: Callable[[Metrics], object] | Sequence[Callable[[Metrics], object]] = (),
        address: str | None = None,
    ) -> None:
        check_partition(partition)
        _check(learner, workers, block, sync, lead)
        _check_deadline(learner, deadline)
        _check_sources(learner, partition, key, lead)
        self.learner: Any = learner
        self._auto, self._share, self._by_source = block == "auto", sync, partition == "sources"
        self._key, self._deadline, self._warm_up, self._lead = key, deadline, warm_up, lead
        self.position = Position(workers=workers, block=SMALLEST if isinstance(block, str) else block)
        before = None if manifest is None else self._go_on(manifest)
        self._window, self._every, self.on_round = window, every, on_round
        self._on_record = (on_record,) if callable(on_record) else tuple(on_record)
        self._workers = _workers(engine, workers, address)
        self._manifest_writer = None if manifest is None else ManifestWriter(manifest)
        self._serial = SerialSample(
            self.learner.kind, every_round(workers) if serial_sample and not self._by_source else 0
        )
        self._state = pack(self.learner)
        self._update: Update | None = None
        self._begin(before)

    def _begin(self, before: Totals | None) -> None:
        """Continue the metrics of the run, or start them."""
        own, position = self.learner, self.position
        saved = b"" if before is None else before.score
        self._watch: Score = own.kind.score(window=self._window, learner=own, saved=saved)
        self.progress = Progress(workers=position.workers, block=position.block)
        self._rejected_before = Counter(own.rejected)
        if before is not None:
            known: dict[str, Any] = {k: math.nan if value is None else value for k, value in before.progress.items()}
            self.progress = Progress(**known | {"workers": position.workers, "block": position.block})
            self._rejected_before = Counter(before.rejected)
            self._serial.go_on(before.merging)
        self._before = self.progress
        self._clock = Clock(self.progress)

    def _go_on(self, manifest: str | Path) -> Totals | None:
        """Resume from a manifest, if there is one, and return the totals of its run."""
        found = read_manifest(manifest)
        if found is None:
            return None
        self.learner, position = found
        block = position.block if self._auto else self.position.block
        self.position = replace(position, workers=self.position.workers, block=block)
        totals = totals_of(self.learner)
        self.learner.notes = {
            name: note for name, note in self.learner.notes.items() if name != NOTE
        }  # not for workers
        return totals

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers, and finish writing the manifest."""
        self._workers.close()
        if self._manifest_writer is not None:
            self._manifest_writer.close()

    # ---- the rounds --------------------------------------------------------------------------------------------------

    def run(self, stream: Any, target: str | Sequence[str] | None = None) -> Metrics:
        """Learn a whole stream, resuming from the manifest's position.

        Parameters
        ----------
        stream, target
            As in ``Session.run``; with ``partition="sources"`` a list of files or addresses. Of a learner of several outputs
            the target of files is a list of columns.

        Returns
        -------
        Metrics
            Metrics at the end, over all rows of the run, also those before the coordinator was restarted.
        """
        if self._by_source:
            return self._finish(self._parts(stream, target), None)
        check_same((), self.position.sources)
        rows, given = self._rows(stream, target)
        try:
            return self._finish(rows, given)
        finally:
            if given is not None and given is not stream:
                given.close()

    def _rows(self, stream: Any, target: Any) -> tuple[Rows, Stream | None]:
        """Return the rows from the position on, and the stream of files that they are read from, if any."""
        labels = columns_of(self.learner.kind, target, stream)
        source = opened(stream, target=target if labels is None else None, task=None if labels else self.learner.task)
        given = source if isinstance(source, Stream) else None
        if labels is not None:
            if given is not None and labels is not target:  # else the caller has begun
                labels.begin(given)
            source, target = labels.blocks(source), None
        problem, front = type(self._watch).problem, LONGEST_LEAD if self._lead is None else self._lead
        return Rows(source, target, wants=self.position.wants, problem=problem, front=front), given

    def _parts(self, stream: Any, target: Any) -> Partitions:
        """Return the sources that the workers read, each at its place."""
        parts = stream if isinstance(stream, Partitions) else Partitions(stream, target)
        if self.position.round and not self.position.sources:
            raise ConfigError(
                expected="a manifest of several sources",
                got="one of a single stream",
                at="the manifest",
                help='Leave partition="sources" out, or begin a new model with another path for the manifest.',
            )
        labels = columns_of(self.learner.kind, parts.target, parts.sources)
        parts.begin(self.learner.task, self.position.sources, type(self._watch).problem, labels)
        return parts

    def _finish(self, rows: Rows | Partitions, given: Stream | None) -> Metrics:
        """Run rounds to the end, save the state, and return the record."""
        while self._round(rows):
            pass
        record = self._record(rows, given)
        self._keep(wait=True)
        for call in self._on_record:
            call(record)
        return record

    def _round(self, rows: Rows | Partitions) -> bool:
        """Run one round of dealing, learning and merging, or return False at the end of the stream."""
        started = time.perf_counter()
        blocks = self._deal(rows)
        if not blocks:
            return False
        if self._serial.due(self.position.round) and len(blocks) == self.position.workers:
            self._serial.begin(self._whole())
        outcomes = together(self._workers.learn((self._update, self._whole), blocks, self._deadline))
        done = rows.settle(blocks, outcomes)
        learned = [outcome for outcome, block in zip(outcomes, done, strict=True) if len(block.y)]
        if learned:
            self._merge(learned)
        size, before = self.position.block, self.progress
        self._advance(done, rows)
        self._score(done, outcomes)
        unfinished = {block.index for block in blocks} - {block.index for block in done}
        rewound = sum(len(block) for block in blocks if block.index in unfinished)
        self._count(done, outcomes, time.perf_counter() - started, rewound)
        self._keep(wait=self.position.block != size)  # a size chosen by time must be on disk before it is used
        self._tell(before)
        return True

    def _shape(self, workers: int) -> tuple[int, int]:
        """Return the number of blocks in the next round and the rows of each, with a single worker during warm-up."""
        learned = self.learner.n_learned
        if learned < self._warm_up or not self._may_fan_out():
            return 1, max(self._warm_up - learned, SMALLEST)
        if self._by_source and workers == 1:  # the last source, whose worker misses no rows of others
            return 1, self.position.block
        return ramp(learned, workers, self.position.block)

    def _may_fan_out(self) -> bool:
        """Return whether several workers may start from this learner. With one output, both classes must be known."""
        if not self.learner.n_learned:
            return False
        return not has_classes(self.learner) or not self.learner.one_output or len(self.learner.known_classes) > 1

    def _deal(self, rows: Rows | Partitions) -> list[Block]:
        if isinstance(rows, Partitions):
            return rows.deal(*self._shape(rows.live)) if rows.live else []
        blocks, size = self._shape(self.position.workers)
        X, y, numbers = rows.take(blocks * size)
        X = self.learner.observed(X)  # aggregates count rows in the order of the stream, whoever learns them
        if self._key is not None and blocks > 1:
            return by_key(X, y, numbers, self._key, blocks)
        lead = lead_of(size) if self._lead is None else self._lead
        return in_blocks(X, y, numbers, size, lead, *([rows.front] if self._has_front else []))

    @property
    def _has_front(self) -> bool:
        """Return whether the rows before the first block of the next round are known, also to a restarted coordinator.

        They are not after a straggler's rows, which come again, nor where each has aggregates of its moment.
        """
        return not self.position.waiting and not self.learner.has_rolling

    def _whole(self) -> Update:
        return Update(self.position.round, None, self._state.header, self._state.arrays)

    def _merge(self, outcomes: Sequence[Outcome]) -> None:
        """Merge the workers' results into one learner, and record the difference."""
        states = [(done.index, done) for done in outcomes if done.header]  # workers have merged the others into these
        tops = in_tree(states, lambda group: merge_group(self._state, group))
        merged = merge(self.learner, [after_block(self._state, done) for _, done in tops])
        before, self._state = self._state, pack(merged)
        number = self.position.round
        delta = difference(before.arrays, self._state.arrays)
        self._update = Update(number + 1, number, self._state.header, delta)
        samples = {name: member.sample for name, member in merged.members.items()}
        self.learner.resume(
            engine=self._engine_of(merged),
            classes=merged.known_classes,
            refused=merged.refused,
            notes=self.learner.notes,
            sample=self.learner.sample,
        )
        for name, sample in samples.items():
            if sample is not None:
                self.learner.members[name].resume_sample(sample)

    def _engine_of(self, merged: Any) -> Any:
        """Return the engine of a merged learner, with the aggregates of the coordinator's."""
        engine = merged.engine
        if engine.rolling is not None or not self.learner.has_rolling:
            return engine
        rolled = self.learner.new_engine(engine.state() | self.learner.observed_state())  # the first round's
        rolled.resume_counts(engine.counts())
        return rolled

    def _advance(self, blocks: Sequence[Block], rows: Rows | Partitions) -> None:
        """Advance the position in the stream, or in each source."""
        now = self.position
        ahead: dict[str, Any]
        if isinstance(rows, Partitions):
            ahead = {"row": now.row + sum(len(block.y) for block in blocks), "sources": rows.places}
        else:
            last = max([now.row, *rows.waiting, *(max(block.rows) for block in blocks)])
            ahead = {"row": last, "waiting": _stretches(rows.waiting)}
        self.position = replace(now, round=now.round + 1, block=self._next_size(), **ahead)

    def _keep(self, *, wait: bool) -> None:
        """Save state, position and metrics after a round."""
        if self._manifest_writer is None:
            return
        progress = {name: None if value != value else value for name, value in asdict(self.progress).items()}
        totals = Totals(self._watch.to_bytes(), progress, self._serial.sums, dict(self._rejected_before))
        self._manifest_writer.put(self._kept(), self.position, totals, wait=wait)

    def _kept(self) -> Any:
        """Return a copy of the current learner, with all its settings, its aggregates and its diagnosis sample."""
        own = self.learner
        settings = {name: as_json(value) for name, value in written_settings(own).items()}
        rolling = None if own.engine is None else own.engine.rolling
        windows = {} if rolling is None else rolling.state()
        header = self._state.header | {"settings": self._state.header["settings"] | settings}
        kept = unpack(SavedModel(header, self._state.arrays | windows))
        if own.sample is not None:
            kept.resume_sample(own.sample.frozen())
        return kept

    # ---- metrics -----------------------------------------------------------------------------------------------------

    def _next_size(self) -> int:
        """Return the next block size, which changes only if the measured one is far off."""
        now = self.position.block
        if not self._auto or not self._clock.ready:
            return now
        wanted = block_size(self._clock.sync_seconds, self._clock.seconds_a_row, self._share)
        return wanted if wanted > 1.5 * now or wanted < now / 3 else now

    def _score(self, blocks: Sequence[Block], outcomes: Sequence[Outcome]) -> None:
        """Score the rows in stream order, with the predictions made before they were learned."""
        if self._by_source:
            for block, done in zip(blocks, outcomes, strict=True):
                self._watch.update(block.y, done.y_pred, done.proba)
            return
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

    def _count(self, done: Sequence[Block], outcomes: Sequence[Outcome], seconds: float, rewound: int) -> None:
        now, learned = self.progress, sum(map(len, done))
        sources = sum(not place.ended for place in self.position.sources)
        if learned and len(outcomes) >= (sources if self._by_source else self.position.workers):
            self._clock.add(seconds, outcomes, learned, at_once=self._workers.at_once)
        self._clock.total += seconds
        before = self._before
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
            sent=before.sent + self._workers.sent,
            received=now.received + sum(size_of(outcome.delta) for outcome in outcomes),
            rewound=now.rewound + rewound,
            lost=before.lost + self._workers.lost,
            left=before.left + self._workers.left,
            merge_loss=self._serial.loss,
            at=time.time(),
        )

    def _tell(self, before: Progress) -> None:
        """Report a finished round."""
        if self.on_round is not None:
            self.on_round(self.progress)
        if self._every and self.progress.rows // self._every > before.rows // self._every:
            for call in self._on_record:
                call(self._record(None, None))

    def standing(self) -> dict[str, Any]:
        """Return the scores over the last rows, and what the verdict compares."""
        report = self._watch.report()
        scores = {"scores": report["window"]["model"], "comparisons": report["comparisons"]}
        return scores | {"loss": self._serial.loss_of}

    def _record(self, rows: Rows | Partitions | None, stream: Stream | None) -> Metrics:
        watch = self._watch
        scores, window = watch.scores(), watch.scores(window=True)
        rejected = Counter(rows.left_out if rows else {}) + Counter(stream.rejects.counts if stream else {})
        return Metrics(
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
            comparisons=watch.comparisons(),
        )


def learn(learner: Any, stream: Any, target: Any = None, **options: Any) -> Metrics:
    """Train with several workers on a stream, as `Cluster` with these options.

    Parameters
    ----------
    learner : Classifier, Regressor or MultiOutput
        The learner, which is updated in place.
    stream, target
        As in ``Session.run``.
    **options
        As in `Cluster`.

    Returns
    -------
    Metrics
        Metrics at the end.

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
    if is_fleet(learner):
        from .fleet.learn import learn_fleet

        return learn_fleet(learner, stream, target, **options)
    with Cluster(learner, **options) as cluster:
        _check_alike(learner, cluster.learner)
        record = cluster.run(stream, target)
        if cluster.learner is not learner:  # resumed from a manifest
            found = cluster.learner
            learner.resume(
                engine=found.engine,
                classes=found.known_classes,
                refused=found.refused,
                notes=found.notes,
                sample=found.sample,
            )
        return record


def _check(learner: Any, workers: int, block: int | str, share: float, lead: Any) -> None:
    check_can(learner, "cluster", at="learner")
    if not isinstance(learner, Learner):
        raise ConfigError(
            expected=named_able("cluster"),
            got=type(learner).__name__,
            at="learner",
            help="Give one of headwater's.",
        )
    for name, value in (("workers", workers), ("block", 1 if block == "auto" else block)):
        if not isinstance(value, int) or value < 1:
            raise ConfigError(expected="a whole number of 1 or more", got=repr(value), at=name, help="Try 4 or 100.")
    if lead is not None and (not isinstance(lead, int) or lead < 0):
        raise ConfigError(
            expected="a whole number of 0 or more, or None", got=repr(lead), at="lead", help="Leave it out, or try 40."
        )
    if not 0 < share < 1:
        raise ConfigError(expected="a share between 0 and 1", got=f"{share:g}", at="sync", help="Try 0.2.")


def _check_alike(learner: Any, found: Learner) -> None:
    """Raise ConfigError if the learner that is given can't continue as the manifest's."""
    own, other = ({n: as_json(value) for n, value in settings_of(one).items()} for one in (learner, found))
    apart = [name for name in other if name != "diagnosis" and own.get(name) != other[name]]
    if type(learner) is not type(found) or apart:
        raise ConfigError(
            expected=f"a {type(found).__name__} like the manifest's",
            got=f"another {apart[0]}" if apart and type(learner) is type(found) else f"a {type(learner).__name__}",
            at="learner",
            help="Give hw.load(manifest), or begin a new model with another path for the manifest.",
        )


def _check_deadline(learner: Any, deadline: float | None) -> None:
    if deadline is not None and learner.has_rolling:
        raise ConfigError(
            expected="no deadline for a learner with rolling",
            got=f"deadline={deadline!r}",
            at="deadline of Cluster",
            help="Leave it out: a row of an unfinished block would count among the earlier rows before it is learned.",
        )


def _check_sources(learner: Any, partition: str, key: str | None, lead: int | None) -> None:
    if partition != "sources":
        return
    given = {"key": key, "lead": lead, "a learner with rolling": True if learner.has_rolling else None}
    for name, value in given.items():
        if value is not None:
            raise ConfigError(
                expected='neither key, lead nor rolling with partition="sources", where no worker sees the rows of others',
                got=name if value is True else f"{name}={value!r}",
                at="Cluster",
                help='Leave it out, or use partition="blocks", whose rows the coordinator reads in their order.',
            )


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
