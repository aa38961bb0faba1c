"""The durable service of one store file, which journals first, then learns, then replies.

One commit serves the requests of many clients (group commit). Their examples are written and synced together, learned in journal
order, and only then acknowledged. A start loads the newest sound snapshot and replays the journal after it. The core is
deterministic, so the recovered learner equals one that never stopped, bit for bit.
"""

from __future__ import annotations

import sqlite3
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from itertools import chain, filterfalse, islice, repeat
from operator import attrgetter, itemgetter
from os import getpid
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from headwater.errors import ConfigError, HeadwaterError, StoreError
from headwater.learner.kind import check_can
from headwater.store.forget.expiry import ExpiringParts, Expiry
from headwater.store.forget.forget_list import ForgetList, list_path
from headwater.store.forget.forgetter import Forgetter, Parts
from headwater.store.forget.ledger import Export, is_noted, note_export, read_ledger
from headwater.store.forget.record import Forgetting, Forgotten
from headwater.store.forget.retention import Retention
from headwater.store.forget.selection import Selection
from headwater.store.journal import database
from headwater.store.journal.backup import write_backup
from headwater.store.journal.entries import Journal
from headwater.store.journal.events import UNPACKABLE, JournalEvent, encode, packed_size, unpackable
from headwater.store.journal.requests import (
    Ids,
    LabelRequest,
    LearnRequest,
    PendingRequest,
    SourceRequest,
    StepRequest,
    TurnRequest,
)
from headwater.store.journal.snapshots import Snapshots
from headwater.store.journal.source_tables import SourceTables
from headwater.store.journal.store_file import PAGE, StoreFile
from headwater.store.model_file import LearnerFormat
from headwater.store.service.maintenance.background import Background
from headwater.store.service.maintenance.policy import RetentionPolicy
from headwater.store.service.maintenance.retention import RetentionJob
from headwater.streams import PIECE, Uninterrupted

from .in_order import InOrder, Turn, bare_row, series_of
from .labeling import Labeling
from .limits import Limits
from .model import Model
from .models import Models, verify_copy

Request = LearnRequest | PendingRequest | LabelRequest | StepRequest | SourceRequest | TurnRequest

Journaled = tuple[Request, Model, list[JournalEvent], int]
"""A journaled request with its model, its events, and the number of the first event."""


_ID, _STEP = attrgetter("id"), attrgetter("step")
_ID_PAGES = 2
"""Maximum pages that a commit writes per id (one of the table and one of its index)."""
COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of the histogram of commit times, in seconds."""


class Service:
    """An open store with its models, through which all changes go.

    Parameters
    ----------
    path : str or Path
        The file.
    learners : LearnerFormat
        How learners are serialized and rebuilt.
    policy : RetentionPolicy, optional
        The retention policy.
    limits : Limits, optional
        Limits of one request.
    create : bool
        Whether to create a missing file.
    retention : Retention, optional
        How old anything may be that the store holds or serves, by default as at the last opening.
    publish_every : int or str, optional
        Rows, or a time such as ``"10 minutes"``, after which models show what they have learned, by default at once.

    Raises
    ------
    StoreError
        If the file is in use, damaged before its tail, or not a store.
    """

    def __init__(
        self,
        path: str | Path,
        learners: LearnerFormat,
        policy: RetentionPolicy | None = None,
        *,
        limits: Limits | None = None,
        create: bool = True,
        retention: Retention | None = None,
        publish_every: int | str | None = None,
    ) -> None:
        self.policy, self.limits = policy or RetentionPolicy(), limits or Limits()
        self._harmless = min(self.limits.row_bytes, self.limits.row_entries, self.limits.request_names)
        self._file = StoreFile(path, create=create)
        self.path, self._mutex, at, keep = Path(path), self._file.mutex, self._file.at, self.policy
        self.journal, self.snapshots = Journal(self._file.base, at), Snapshots(self._file.base, at, learners)
        self.ids = Ids(self._file.base, keep.late_s, keep.keep_pending, keep.keep_pending_bytes)
        self.models = Models(self._file.base, at, self.journal, self.snapshots)
        self.models.publish_every = publish_every
        self.id = self._file.id
        """Unique id of the store."""
        self.sources = SourceTables(self._file.base, self._mutex, at)
        """The tables of followed sources."""
        self.failure: StoreError | None = None
        """Error that prevents commits, None if there is none."""
        self.memory = self.models.memory
        self.cut: list[int] = []
        """Sequence numbers of damaged tail entries set aside at this start."""
        self.closed, self.commits, self.commit_s = False, 0, 0.0  # commits and their total seconds, with learning
        self.commit_counts = [0] * (len(COMMIT_BUCKETS) + 1)  # by bucket, the last for longer ones
        self._labelings, self._new_classes = dict[int, Labeling](), dict[int, set[Any]]()  # of a commit, by model
        try:
            with database.sound(at):
                self._recover()
            self._learn_to_expire(retention)
        except BaseException:
            self._file.close()
            self.closed = True
            raise
        self._background = Background(self._retention_job)

    def _recover(self) -> None:
        self.cut = self.journal.cut_tail(self._file.transaction)
        self.journal.find_end()
        self.ids.find_end()
        self.models.recover()
        self.in_order = InOrder(self.ids, self.models)
        """The rows that wait in models that learn answers in order."""
        self.ids.in_order = self.in_order.numbers
        self._retention_job = RetentionJob(self._file, self.models, self.journal, self.snapshots, self.ids, self.policy)
        self.failure = self._file.acknowledge(self.journal.seq, self.ids.last)
        self._learn_to_forget()

    def _learn_to_forget(self) -> None:
        """Carry out what the forget list names, before anything is served."""
        opened = self._file, self.models, self.journal, self.snapshots, self.ids, self._retention_job
        self.forgotten = ForgetList(list_path(self._file.path))
        """What must stay forgotten."""
        self._forgetter = Forgetter(Parts(*opened, self._reading, self._writing, self.id), self.forgotten)
        self.ids.forgotten = self.forgotten.hidden
        self._forgetter.catch_up()

    def _learn_to_expire(self, retention: Retention | None) -> None:
        """Let learners that are too old go, before anything is served."""
        opened = self._file, self.models, self.journal, self.ids, self._retention_job
        self.expiry = Expiry(ExpiringParts(*opened, self._change, self._writing))
        """Lets learners take turns, if the store has a retention."""
        if retention is not None:
            self.expiry.set(retention)
        if self.expiry.retention is not None:
            self.expiry.look()
        self._retention_job.look, self._retention_job.lapse = self._look, self._lapse

    def _look(self) -> None:
        """Do what falls due by the clock."""
        self.expiry.look()
        self.models.publish_due()

    # ---- requests ----------------------------------------------------------------------------------------------------

    def commit(self, requests: Sequence[Request]) -> list[HeadwaterError | None]:
        """Commit requests together, learn their examples, and fill in their ``answers``.

        In the main thread call it ``Uninterrupted``, so that Ctrl-C waits until what is journaled is also learned.

        Returns
        -------
        list
            For each request None, or the error for which it was rejected without a trace.

        Raises
        ------
        StoreError
            If writing failed. None of the requests was learned, and none may be acknowledged. If only the checkpoint mark could not
            be written, the requests are durable and learned, and `failure` says so: the next commit tries again where a disk was full,
            and raises otherwise.
        """
        file, now, began = self._file, int(time.time() * 1000), time.perf_counter()
        if file.pid != getpid():
            file.check_process()
        with self._mutex:
            if self.failure is not None:
                self._usable()
            end = self.journal.seq, self.journal.t, self.ids.last, self.ids.bytes
            journaled: list[Journaled] = []
            self._new_classes = {}
            try:
                with file.base:  # rolls back at an error
                    file.begin()
                    outcomes = list(map(self._outcome, requests, repeat(journaled), repeat(now)))
                    self.failure = file.commit(appended=(self.journal.seq, self.ids.last))
            except BaseException as error:
                self.journal.seq, self.journal.t, self.ids.last, self.ids.bytes = end
                self.in_order.reset()
                if isinstance(error, sqlite3.Error):
                    self.failure = database.meaning(error, file.at)
                    raise self.failure from error
                self.failure = error if isinstance(error, StoreError) else self.failure
                raise
            self.commits += 1
            self._teach(journaled)
            if self.expiry.by_rows and self.expiry.is_due():
                self.expiry.turn()
                self._background.wake()
            if self.journal.seq >= self._retention_job.due or file.wal_pages >= file.checkpoint_at:
                if file.needs_checkpoint:
                    self._retention_job.checkpoint()
                self._background.wake()
            took = time.perf_counter() - began
            self.commit_counts[bisect_left(COMMIT_BUCKETS, took)] += 1
            self.commit_s += took
            return outcomes

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Take the write lock, or raise if the store can't be written, as ``commit`` does by itself."""
        self._file.check_process()
        with Uninterrupted(), self._mutex:
            self._usable()
            yield

    def check(self, model: Model, events: Sequence[JournalEvent]) -> None:
        """Raise for invalid examples before any piece of them is committed.

        Raises
        ------
        HeadwaterError
            If a row exceeds a limit, or a label is invalid.
        """
        with self._mutex:
            for at in range(0, len(events), PIECE):
                part = list(events[at : at + PIECE])
                self.limits.check_rows(part, packed_size(part))
            self.models.check(model, list(events), self.limits, set())

    def _usable(self) -> None:
        # After a failed write or fsync the contents of the disk are unknown, and continuing could acknowledge lost data
        # (see the PostgreSQL wiki on fsync errors, 2018). A full disk is detected before anything is written.
        if self.failure is not None and self.failure.help != database.FULL:
            raise self.failure

    def _outcome(self, request: Request, journaled: list[Journaled], now: int) -> HeadwaterError | None:
        try:
            if isinstance(request, LearnRequest):
                self._take_examples(request, journaled, now)
            elif isinstance(request, PendingRequest):
                self._take_question(request, journaled, now)
            elif isinstance(request, TurnRequest):
                how = {"older_than": request.older_than, "without_rows": request.without_rows}
                self._take_due(self.models.by_id[request.model], journaled, now, **how)
            elif isinstance(request, SourceRequest):
                self._take_examples(request, journaled, now)
                repeated = sum("repeated" in answer for answer in request.answers)
                learned = sum(event.step is None for event in request.events) - repeated
                self.sources.write(request, learned=learned, repeated=repeated)
            elif isinstance(request, StepRequest):
                self._take_step(request, journaled, now)
            else:
                self._take_answer(request, journaled, now)
        except StoreError:
            raise
        except HeadwaterError as error:
            return error
        return None

    def _take_examples(self, request: LearnRequest | SourceRequest, journaled: list[Journaled], now: int) -> None:
        model = self.models.by_id[request.model]
        if isinstance(request, SourceRequest):
            self._leave_out_forgotten(request)
        events = request.events
        named = set(map(_ID, events)) != {None}
        if named:
            events = self.ids.new_events(request)
        if not events:
            return
        if model.in_order:
            self.in_order.check_none_waits(model, events)
        packed = request.body if isinstance(request, LearnRequest) and events is request.events else b""
        first = self._append(model, events, now, packed)
        if named:
            self._file.wal_pages += _ID_PAGES * self.ids.remember(request, events, first)
        if isinstance(request, SourceRequest):
            self.ids.remember_aliases(request, first)
        journaled.append((request, model, events, first))

    def _take_question(self, request: PendingRequest, journaled: list[Journaled], now: int) -> None:
        """Keep predictions until their labels arrive, which in models that learn them in order are made here."""
        model, asked = self.models.by_id[request.model], request.predictions
        size = packed_size(asked)
        self.limits.check_rows(asked, size)
        self.models.check_rows(model, [one.x for one in asked])
        if model.in_order:
            self._ask_next(request, model, journaled)
        self.ids.keep(request, now)
        self._file.wal_pages += size // PAGE
        if model.in_order:
            self.in_order.add(
                model, ((int(answer["id"][1:]), one.x) for answer, one in zip(request.answers, asked, strict=True))
            )
        if self.ids.lapsed:
            for other in self.in_order.models():
                self._take_due(other, journaled, now, until=self.ids.lapsed)
        self._take_observed(request, journaled, now)

    def _ask_next(self, request: PendingRequest, model: Model, journaled: list[Journaled]) -> None:
        """Predict the rows of a question, which come after those that wait and those of this commit, series by series."""
        places: dict[Any, list[int]] = {}
        for i, one in enumerate(request.predictions):
            places.setdefault(series_of(model, one.x), []).append(i)
        request.said = [{} for _ in request.predictions]
        for key, own in places.items():
            before = [
                event.x
                for _, other, events, _ in journaled
                for event in events
                if other is model and event.step is None and series_of(model, event.x) == key
            ]
            before += self.in_order.rows(model, key)
            said = model.issue_next(before, [request.predictions[i] for i in own], request.question)
            for i, row in zip(own, said, strict=True):
                request.said[i] = row

    def _take_due(self, model: Model, journaled: list[Journaled], now: int, **lapse: Any) -> None:
        """Journal the waiting rows of all series of a model whose turn it is."""
        for key in self.in_order.series(model):
            self._take_turns(model, key, self.in_order.due(model, key, **lapse), journaled, now)

    def _take_turns(self, model: Model, key: Any, turns: list[Turn], journaled: list[Journaled], now: int) -> None:
        """Journal waiting rows whose turn it is, with the answers that were held or as gaps."""
        if not turns or model.paused:
            return
        events = [turn.event for turn in turns]
        try:
            first = self._append(model, events, now)
        except StoreError:
            raise
        except HeadwaterError:  # as where a challenger was added since: the series goes on, without what it can't take
            for event in events:
                event.x = bare_row(model, key)
            first = self._append(model, events, now)
        for seq, turn in enumerate(turns, first):
            if turn.lapsed:
                self.ids.unanswered(model.id, turn.number, seq)
            else:
                self.ids.answered(model.id, turn.number, turn.event, seq)
        self.in_order.took(model, key, [turn.number for turn in turns])
        self._file.wal_pages += _ID_PAGES * len(turns)
        journaled.append((TurnRequest(model.id), model, events, first))

    def _take_observed(self, request: PendingRequest, journaled: list[Journaled], now: int) -> None:
        """Journal rows whose labels come later, where they count at once."""
        model = self.models.by_id[request.model]
        if not model.observes or not request.predictions:
            return
        events = model.observations(request.predictions)
        first = self._append(model, events, now)
        self.ids.observed(request, first)
        self._file.wal_pages += _ID_PAGES * len(events)
        journaled.append((request, model, events, first))

    def _leave_out_forgotten(self, request: SourceRequest) -> None:
        """Drop pairs of a row and its late label that are on the forget list."""
        if self.forgotten.entries and request.events:
            kept = [i for i, event in enumerate(request.events) if not self.forgotten.names(event)]
            request.aliases = {new: request.aliases[i] for new, i in enumerate(kept) if i in request.aliases}
            request.events = [request.events[i] for i in kept]

    def _take_step(self, request: StepRequest, journaled: list[Journaled], now: int) -> None:
        model = self.models.by_id[request.model]
        event = self.models.step_event(model, request.learner, request.factor)
        first = self._append(model, [event], now)
        request.answers.append({})
        journaled.append((request, model, [event], first))

    def _take_answer(self, request: LabelRequest, journaled: list[Journaled], now: int) -> None:
        model = self.models.by_id[request.model]
        event, number = self.ids.waiting(request, now)
        if event is None:
            return
        key = series_of(model, event.x) if model.in_order else None
        if model.in_order and not self._is_its_turn(request, model, key, event, number):
            return
        first = self._append(model, [event], now)
        self.ids.answered(model.id, number, event, first)
        journaled.append((request, model, [event], first))
        if model.in_order:
            self.in_order.took(model, key, [number])
            if due := self.in_order.due(model, key):
                request.answers[-1]["released"] = len(due)
                self._take_turns(model, key, due, journaled, now)

    def _is_its_turn(self, request: LabelRequest, model: Model, key: Any, event: JournalEvent, number: int) -> bool:
        """Return whether an answer can be learned now, or hold it."""
        if request.w is not None and request.w != 1.0:
            check_can(model.live[0].learner, "weights", at="w")
        if self.in_order.is_next(model, key, number):
            return True
        self.models.check(model, [event], self.limits, set())
        self.ids.hold(request, number)
        request.answers[-1] |= {"held": True, "waits_for": self.in_order.unanswered_before(model, key, number)}
        return False

    def _lapse(self, older_than: int, without_rows: bool = False) -> None:
        """Learn in their order what need not wait any more, as gaps what was asked before a time (ms since 1970)."""
        with self._mutex:
            waiting = [model for model in self.in_order.models() if not model.paused]
            due = [model.id for model in waiting if self.in_order.is_due(model, older_than)]
            if due:
                self.commit([TurnRequest(number, older_than, without_rows) for number in due])

    def _append(self, model: Model, events: list[JournalEvent], now: int, packed: bytes = b"") -> int:
        """Journal events within the limits that all learners can learn, and return the number of the first."""
        try:
            body = packed or encode(events)
        except UNPACKABLE as error:
            raise unpackable(error) from error
        size = len(body)
        if size > self._harmless:
            self.limits.check_rows(events, size)
        if learned := list(filterfalse(_STEP, events)):
            self.models.check(model, learned, self.limits, self._new_classes.setdefault(model.id, set()), size)
        self._file.wal_pages += size // PAGE
        return self.journal.append(model.id, body, len(events), now)

    def _teach(self, journaled: list[Journaled]) -> None:
        """Learn committed events, joining neighbors of one model into a block, which gives the same result."""
        at = 0
        while at < len(journaled):
            model, first = journaled[at][1], journaled[at][3]
            stop = at
            while stop < len(journaled) and journaled[stop][1] is model:
                stop += 1
            group = journaled[at:stop]
            events = group[0][2] if len(group) == 1 else list(chain.from_iterable(map(itemgetter(2), group)))
            try:
                predictions = iter(model.learn(events, first))
            except Exception as error:
                # The example is on disk and the learner halfway through it, so only a replay gives a valid state.
                self._retention_job.learners_sound = False
                self.failure = self._halfway(model, first, len(events), error)
                raise self.failure from error
            for request, _, own, number in group:
                if isinstance(request, PendingRequest | TurnRequest):
                    next(islice(predictions, len(own), len(own)), None)
                    continue
                _reply(request, model, own, number, predictions)
            at = stop

    def _halfway(self, model: Model, first: int, n: int, error: Exception) -> StoreError:
        return StoreError(
            expected=f"learners of model {model.name} that learn events {first:,} to {first + n - 1:,}",
            got=f"{type(error).__name__}: {error}",
            at=str(self.path),
            help="Restart. The start replays them and names the event that can't be learned and the way past it.",
        )

    @property
    def is_lost(self) -> bool:
        """Whether the file was removed or replaced, so that the next commit will fail."""
        return self._file.is_lost()

    # ---- maintenance -------------------------------------------------------------------------------------------------

    def snapshot(self) -> int:
        """Write a snapshot of every learner, prune by the policy, and return the sequence included.

        Learning continues meanwhile. ``snapshot_failure`` holds an error. Nothing is lost then, because the journal has everything.
        """
        return self._retention_job.snapshot()

    @property
    def snapshot_failure(self) -> StoreError | None:
        """Error of the last snapshot or maintenance, None if there is none."""
        return self._retention_job.failure

    @property
    def snapshot_at(self) -> float:
        """Time of the last snapshot in seconds since 1970, 0 if none."""
        return self._retention_job.snapshot_at

    @property
    def replayed(self) -> int:
        """Events behind the newest snapshots, which a start after a crash would replay."""
        return max(self.journal.seq - self._retention_job.snapshot_seq, 0)

    def change(self, what: Any, *arguments: Any) -> Any:
        """Run a change of the models (``Models.create``, ``add``, ``promote``, ``remove``, ``pause``) transactionally."""
        with self._writing():
            return self._change(what, *arguments)

    def _change(self, what: Any, *arguments: Any) -> Any:
        with self._file.transaction():
            done = what(*arguments)
        self.models.refresh()
        return done

    def create(self, name: str, learner: Any) -> None:
        """Add a model. With a retention the learner must be new, since what it learned before has no known age."""
        self.expiry.check_new(learner)
        self.change(self.models.create, name, learner)
        if self.expiry.retention is not None:
            with self._writing():
                self.expiry.keep_template(self.models.named(name))

    # ---- forgetting --------------------------------------------------------------------------------------------------

    def forget(
        self, names: Sequence[str] | None, selection: Selection, reason: str = "", *, dry_run: bool = False
    ) -> Forgetting:
        """Forget rows of some models, by default of all, as ``DurableLearner.forget`` does.

        Raises
        ------
        ConfigError
            If a row can't be forgotten exactly. Nothing is changed then.
        StoreError
            If writing failed.
        """
        chosen = [self.models.named(name) for name in (names if names is not None else self.models.by_name)]
        self._check_rows(selection.rows)
        if dry_run:
            return self._forgetter.look(chosen, selection)
        done = self._forgetter.forget(chosen, selection, reason)
        with self._mutex:
            self.in_order.reset()
            self._lapse(0)  # others may have waited for rows that are gone
        return done

    def _check_rows(self, rows: frozenset[int]) -> None:
        if max(rows, default=0) > self.journal.seq:
            raise ConfigError(
                expected=f"numbers of events up to {self.journal.seq:,}",
                got=f"{max(rows):,}",
                at="rows",
                help="learn_one returns an event's number.",
            )

    def reading_lock(self) -> AbstractContextManager[Any]:
        """Return a context in which tables are read while nothing is written."""
        return self._mutex

    def labeling(self, model: Model) -> Labeling:
        """Return the rows of a model that wait for a person's label."""
        with self._mutex:
            if model.id not in self._labelings:
                self._labelings[model.id] = Labeling(model, self.ids, self._mutex)
            return self._labelings[model.id]

    def forgettings(self) -> list[Forgotten]:
        """Return what was forgotten, oldest first, without any content."""
        return self._forgetter.records()

    def exports(self) -> list[Export]:
        """Return where copies of the models' states went, oldest first."""
        return read_ledger(self._file.path)

    def has_noted(self, model: str, seq: int, what: str, place: str) -> bool:
        """Return whether it is written down already that this copy of a model's state went to this place.

        Raises
        ------
        StoreError
            If the store can't be written.
        """
        with self._writing():
            return is_noted(self._file.base, model, seq, what, place)

    def note_export(self, model: str, seq: int, what: str, place: str, sha: str = "") -> None:
        """Write down that a copy of a model's state leaves the store.

        Raises
        ------
        StoreError
            If writing failed. The copy must not be handed out then.
        """
        with self._writing():
            if not is_noted(self._file.base, model, seq, what, place):
                with self._file.transaction():
                    note_export(self._file.base, model, seq, what, place, sha)

    def make_source_tables(self) -> None:
        """Create the tables of followed sources if missing."""
        with self._writing(), self._file.transaction():
            self.sources.make()

    def store_history(self, histories: dict[int, bytes]) -> None:
        """Replace the stored histories of models, by id. Learning never reads them.

        Raises
        ------
        StoreError
            If writing failed.
        """
        with self._mutex:
            if self.failure is not None:
                return
            try:
                with self._file.transaction():
                    self._file.base.executemany("REPLACE INTO history VALUES (?, ?)", histories.items())
            except StoreError as error:
                self.failure = None if error.help == database.FULL else error
                raise

    def history(self, model: int) -> bytes:
        """Return the stored history of a model, or b"" if there is none.

        Raises
        ------
        StoreError
            If reading failed.
        """
        with self._mutex, database.sound(str(self.path)):
            row = self._file.base.execute("SELECT body FROM history WHERE model = ?", (model,)).fetchone()
            return msgspec.convert(row[0], bytes, builtin_types=(bytes,)) if row else b""

    def backup(self, to: str | Path) -> int:
        """Write a verified copy of the store to a new path while learning continues, and return its size in bytes.

        The copy includes everything acknowledged before. If the file or its log was removed or replaced, so that nothing more can be
        acknowledged, it saves what this process still has.

        Raises
        ------
        StoreError
            If the copy can't be written, or is damaged. Nothing is left of it then.
        """
        self._file.check_process()
        verify = partial(verify_copy, learners=self.snapshots.learners)
        if self._file.is_lost():
            with self._mutex:
                return write_backup(self._file.base, Path(to), verify)
        self.note_export("", self.journal.seq, "backup", str(Path(to).resolve()))
        with closing(database.read_only(self._file.path)) as source:
            return write_backup(source, Path(to), verify)

    def vacuum(self) -> None:
        """Return unused space to the file system."""
        with self._mutex, database.sound(str(self.path)):
            self._file.vacuum()

    def close(self) -> None:
        """Write a last snapshot and close the file. Does nothing in a forked process."""
        if self._file.is_forked:
            self.closed = True
            return
        with self._mutex:
            if self.closed:
                return
            self.closed = True
        self._background.end()
        if self.failure is None and self.journal.seq > self._retention_job.snapshot_seq:
            self._retention_job.snapshot()
        self._let_go(clean=self.failure is None)

    def _shut(self) -> None:
        """Close the file without a snapshot."""
        self.closed = True
        self._background.end()
        self._let_go(clean=False)

    def _let_go(self, *, clean: bool) -> None:
        with self._mutex:
            self._file.close(clean=clean)
            self.failure = StoreError(
                expected="an open store", got="one that was closed", at=str(self.path), help="Open it again."
            )

    def __enter__(self) -> Service:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def as_of(self, name: str, seq: int, learner: str | None = None) -> Any:
        """Return a learner as it was after event ``seq``.

        Raises
        ------
        ConfigError
            If the journal no longer has, or doesn't have yet, that event.
        """
        self.check_sequence(seq)
        model = self.models.named(name)
        with self._reading() as models:
            return models.as_of(model, seq, learner)

    def check_sequence(self, seq: int) -> None:
        """Raise ConfigError for a sequence outside the journal.

        Raises
        ------
        ConfigError
            If ``seq`` is not in the journal.
        """
        if not 0 <= seq <= self.journal.seq:
            raise ConfigError(
                expected=f"a sequence from 0 to {self.journal.seq}",
                got=str(seq),
                at="as of",
                help="Choose another.",
            )

    def events(self, name: str) -> list[JournalEvent]:
        """Return the events of a model that are still in the journal, in order."""
        model = self.models.named(name)
        with self._reading() as models:
            return list(models.events(model))

    @contextmanager
    def _reading(self) -> Iterator[Models]:
        """Open a second, read-only connection, to read while requests continue."""
        at = str(self.path)
        self._file.check()
        # No transaction, which would block WAL restarts for the whole replay. Pruning is suspended instead.
        with self._retention_job.reading(), closing(database.read_only(self._file.path)) as base, database.sound(at):
            journal = Journal(base, at)
            journal.find_end()
            yield Models(base, at, journal, Snapshots(base, at, self.snapshots.learners))


def _reply(request: Any, model: Model, events: list[JournalEvent], first: int, predictions: Iterator[Any]) -> None:
    """Reply with each event's number, and its prediction that is scored, for a delayed label the one the champion issued."""
    begun = [answer for answer in request.answers if "repeated" not in answer] if request.answers else None
    for seq, event in enumerate(events, first):
        reply, guess = {"seq": seq}, next(predictions)
        if event.step is None:
            given = event.predicted
            reply["y_pred"] = (
                guess if given is None else given.get(model.champion.name, next(iter(given.values()), (None, None)))[0]
            )
        if begun is None:
            request.answers.append(reply)
        else:
            begun[seq - first] |= reply


__all__ = ["COMMIT_BUCKETS", "Request", "Service"]
