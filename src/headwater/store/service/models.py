"""The models of a store, with their changes and their recovery from snapshot and journal."""

from __future__ import annotations

import gc
import math
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

import headwater._core as _core
from headwater.errors import ConfigError, StoreError, did_you_mean
from headwater.learner.expiring import Expiring
from headwater.learner.kind import check_can
from headwater.route.score import Score, score_of
from headwater.store.forget.publishing import Publishing
from headwater.store.forget.record import digest_of
from headwater.store.journal.backup import check_pages
from headwater.store.journal.database import DAMAGED, check_tables, read_only, refuse_unfit, sound
from headwater.store.journal.entries import Entry, Journal
from headwater.store.journal.events import JournalEvent, is_tombstone
from headwater.store.journal.snapshots import Snapshots
from headwater.store.model_file import LearnerFormat

from .limits import Limits, OverLimit
from .model import LearnerState, Model, labels_of, learn_events
from .price import bytes_declared

FARTHEST_STEP = 1000.0
_BLOCK = 1024  # events per block of a replay, which affects only speed
_VERIFIED = 64  # events per block of a verification, between which other threads run
_KEPT = 1000  # samples in a learner's replay buffer
_SMALL = 4096
"""Bytes of a request too small to contain enough names to need much memory."""
_LEAST_NAME = 3
"""Minimum bytes of a journaled name with its value."""
_NUMBER = attrgetter("id")
_AT = attrgetter("at")
_LEARNER = attrgetter("learner")
_LABEL = attrgetter("y")
_ROW = attrgetter("x")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(slots=True)
class Memory:
    """Memory limit of all learners of a store together.

    Parameters
    ----------
    most : int, optional
        Bytes, or None for no limit. Memory of other learners in this process counts too.
    waiting : list
        Learners that have learned nothing yet, whose declared memory is not allocated.
    """

    most: int | None = None
    waiting: list[Any] = field(default_factory=list)

    def left(self) -> float:
        """Return the bytes left after what is allocated and declared."""
        if self.most is None:
            return math.inf
        left = self.most - _core.held()
        if self.waiting:
            self.waiting = [learner for learner in self.waiting if learner.engine is None]
            left -= sum(map(bytes_declared, self.waiting))
        return left

    def check(self, needed: int) -> None:
        """Raise OverLimit if ``needed`` bytes exceed what is left.

        Raises
        ------
        OverLimit
            Names the limit.
        """
        left = self.left()
        if self.most is not None and needed > left:
            raise OverLimit(
                expected=f"models that take at most {self.most:,} bytes together (limit memory)",
                got=f"about {self.most - int(left) + needed:,}",
                at="memory",
                help="Make the model smaller, drop a challenger, or raise the limit.",
            )


class Models:
    """All models of an open store, by name.

    Every method that writes runs inside the caller's transaction.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    at : str
        Path of the file, for errors.
    journal, snapshots
        Its tables.
    """

    def __init__(self, base: sqlite3.Connection, at: str, journal: Journal, snapshots: Snapshots) -> None:
        self._base, self._at, self._journal, self._snapshots = base, at, journal, snapshots
        self.by_name = _ByName()
        self.by_id = _ById()
        """The same models by their ids."""
        self.memory = Memory()
        """Memory limit of all learners together, unlimited by default."""
        self.publish_every: int | str | None = None
        """How rarely models show what they have learned, None for at once."""

    def named(self, name: str) -> Model:
        """Return a model.

        Raises
        ------
        UnknownModel
            If no model has that name.
        """
        return self.by_name[name]

    # ---- changes -----------------------------------------------------------------------------------------------------

    def create(self, name: str, learner: Any) -> None:
        """Add a model with its champion."""
        _check_name(name, self.by_name, "model")
        cursor = self._base.execute("INSERT INTO models (name) VALUES (?)", (name,))
        self._insert(int(cursor.lastrowid or 0), "champion", True, learner, score_of(learner, history=True))

    def add(self, model: Model, name: str, learner: Any) -> None:
        """Add a challenger, which learns and is scored from here on."""
        _check_name(name, [state.name for state in model.live], "challenger")
        check_can(model.champion.learner, "challenge", at=model.name)
        if learner.task != model.task:
            raise ConfigError(
                expected=f"a challenger that can {model.task}", got=learner.task, at="task", help="Choose its task."
            )
        self._insert(model.id, name, False, learner, score_of(learner, history=True))

    def promote(self, model: Model, name: str) -> None:
        """Make a challenger the champion. The old champion becomes a challenger."""
        self._member(model, name)
        self._base.execute("UPDATE learners SET champion = (name = ?) WHERE model = ?", (name, model.id))

    def remove(self, model: Model, name: str) -> None:
        """Drop a challenger."""
        state = self._member(model, name)
        if state.champion:
            raise ConfigError(
                expected="a challenger",
                got="the champion",
                at=name,
                help="Promote another one first.",
                code="is_champion",
            )
        self._base.execute("DELETE FROM learners WHERE id = ?", (state.id,))
        self._snapshots.remove(state.id)
        self._base.execute("DELETE FROM meta WHERE key IN (?, ?)", (f"begun {state.id}", f"began {state.id}"))

    def pause(self, model: Model, paused: bool) -> None:
        """Pause learning, or resume it."""
        self._base.execute("UPDATE models SET paused = ? WHERE id = ?", (paused, model.id))

    def _insert(self, model: int, name: str, champion: bool, learner: Any, scores: Score) -> None:
        cursor = self._base.execute(
            "INSERT INTO learners (model, name, champion) VALUES (?, ?, ?)", (model, name, champion)
        )
        seq, number = self._journal.seq, int(cursor.lastrowid or 0)
        saved = self._snapshots.learners.pack(learner)
        self._snapshots.write(number, seq, self._journal.t, saved, scores.to_bytes())
        self._note_birth(number, seq, int(time.time() * 1000))

    def _note_birth(self, number: int, after: int, since: int) -> None:
        """Note the event after which a learner sees rows, and the time (ms since 1970)."""
        rows = [(f"begun {number}", after), (f"began {number}", since)]
        self._base.executemany("REPLACE INTO meta VALUES (?, ?)", rows)

    def _member(self, model: Model, name: str | None) -> LearnerState:
        for state in model.live:
            if name is None or state.name == name:
                return state
        names = [state.name for state in model.live]
        raise UnknownModel(
            expected=f"a learner of model {model.name}",
            got=repr(name),
            at="name",
            help=did_you_mean(str(name), names),
            code="unknown_learner",
        )

    # ---- state -------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Reload the models from the tables after a change, keeping the learners in memory."""
        known: dict[int, LearnerState] = {}
        for before in self.by_name.values():
            known.update(zip(map(_NUMBER, before.live), before.live, strict=True))
        models = _ByName()
        learning: list[Any] = []
        for number, name, paused in self._base.execute("SELECT id, name, paused FROM models ORDER BY id").fetchall():
            learners = [self._loaded(row, known) for row in self._rows(number)]
            model = self.by_name.get(name)
            if model is None:
                late = None if self.publish_every is None else Publishing(self.publish_every, self._copied)
                model = Model(number, name, learners[0].learner.task, at=learners[0].at, late=late)
            with model.lock:
                model.take(learners)
                model.paused = bool(paused)
            models[name] = model
            learning += map(_LEARNER, model.live)
        self.by_name = models
        self.by_id = _ById(zip(map(_NUMBER, models.values()), models.values(), strict=True))
        self.memory.waiting = learning

    def _copied(self, state: LearnerState) -> LearnerState:
        """Return a copy of a learner and its metrics, which answers until the next is published."""
        learners = self._snapshots.learners
        learner = learners.unpack(learners.pack(state.learner), self._at)
        scores = score_of(learner, saved=state.scores.to_bytes(), history=True)
        return LearnerState(state.id, state.name, state.champion, learner, scores, state.at)

    def publish_due(self) -> None:
        """Publish the models that are published late and whose time has come."""
        for model in self.by_name.values():
            with model.lock:
                model.publish_if_due()

    def recover(self, block: int = _BLOCK) -> None:
        """Load every learner from its newest sound snapshot and replay the journal after it."""
        self.refresh()
        for model in self.by_name.values():
            for state in model.live:
                self.replay(model, state, None, block)
            model.reach(max(map(_AT, model.live)))
            if model.late is not None:
                model.publish()

    def as_of(self, model: Model, seq: int, name: str | None) -> Any:
        """Return a learner as it was after event ``seq``, from the newest earlier snapshot and the journal."""
        state = self._member(model, name)
        return self.reached(model, state.id, state.name, seq).learner

    def reached(
        self, model: Model, number: int, name: str, seq: int, known: LearnerState | None = None
    ) -> LearnerState:
        """Return a learner by number as it was after event ``seq``, continuing from ``known`` if possible."""
        if known is None or known.at > seq or any(known.at < at <= seq for at in self._snapshots.sequences(number)):
            known = self.restored(number, name, seq)
        self.replay(model, known, seq)
        return known

    def restored(self, number: int, name: str, seq: int) -> LearnerState:
        """Return a learner from its newest snapshot at or before a sequence.

        Raises
        ------
        ConfigError
            If there is none.
        """
        snapshot = self._snapshots.newest(number, seq)
        if snapshot is None:
            oldest = min(self._snapshots.sequences(number), default=0)
            raise ConfigError(
                expected=f"a sequence from {oldest} on", got=str(seq), at="as of", help="Older states are pruned."
            )
        scores = score_of(snapshot.learner, saved=snapshot.scores, history=True)
        return LearnerState(number, name, True, snapshot.learner, scores, snapshot.seq)

    # ---- what forgetting needs ---------------------------------------------------------------------------------------

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection on which the tables are read."""
        return self._base

    def journal_entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the entries of the journal with events after a sequence."""
        return self._journal.read(max(self._journal.first() - 1, after, 0))

    def entries_that(self, may_hold: Callable[[int, int, bytes], bool], after: int = 0) -> Iterator[Entry]:
        """Yield the entries after a sequence that may hold what is looked for, as ``Journal.read_where`` does."""
        return self._journal.read_where(may_hold, after)

    def last_event(self) -> int:
        """Return the number of the last event."""
        return self._journal.seq

    def first_kept(self) -> int:
        """Return the number of the oldest event in the journal, or of the next one if there is none."""
        return self._journal.first() or self._journal.seq + 1

    def snapshots_of(self, number: int) -> list[int]:
        """Return the sequences of a learner's snapshots, oldest first."""
        return self._snapshots.sequences(number)

    def begun_at(self, number: int) -> int:
        """Return the event after which a learner was added. It has seen nothing of this store from before."""
        row = self._base.execute("SELECT value FROM meta WHERE key = ?", (f"begun {number}",)).fetchone()
        if row is not None:
            return int(row[0])
        oldest = min(self._snapshots.sequences(number), default=0)
        first = self._snapshots.newest(number, oldest)  # a store of an earlier version
        return oldest if first is not None and not first.learner.n_learned else 0

    def began(self, number: int) -> int:
        """Return the time from which on a learner has seen rows (ms since 1970), 0 if nobody knows."""
        row = self._base.execute("SELECT value FROM meta WHERE key = ?", (f"began {number}",)).fetchone()
        return int(row[0]) if row is not None else 0

    @property
    def format(self) -> LearnerFormat:
        """How learners are serialized and rebuilt."""
        return self._snapshots.learners

    def new_state(self, learner: Any, after: int) -> LearnerState:
        """Return a learner that has seen nothing up to an event, to be trained from there on."""
        return LearnerState(0, f"since-{after + 1}", False, learner, score_of(learner, history=True), after)

    def begin(self, model: Model, fresh: LearnerState, after: int, since: int) -> None:
        """Add a learner that takes turns with the champion, with the event and the time since when it sees rows."""
        known = {state.name: state.id for state in model.live}
        name = f"{fresh.name}.{max(known.values())}" if fresh.name in known else fresh.name
        cursor = self._base.execute("INSERT INTO learners (model, name, champion) VALUES (?, ?, 0)", (model.id, name))
        number, saved = int(cursor.lastrowid or 0), self._snapshots.learners.pack(fresh.learner)
        self._snapshots.write(number, self._journal.seq, self._journal.t, saved, fresh.scores.to_bytes())
        self._note_birth(number, after, since)

    def digest(self, state: LearnerState) -> str:
        """Return a hash of a learner's state and metrics."""
        return digest_of(self._snapshots.learners.pack(state.learner), state.scores.repeatable())

    def events(self, model: Model) -> Iterator[JournalEvent]:
        """Yield the events of a model that are still in the journal, in order."""
        for numbered in self._blocks(model, max(self._journal.first() - 1, 0), None, _BLOCK):
            yield from (event for _, event in numbered)

    def check(self, model: Model, events: list[JournalEvent], limits: Limits, added: set[Any], size: int = 0) -> None:
        """Raise for what a learner can't take (too many classes, a wrong embedding, too much memory), before journaling.

        Parameters
        ----------
        model
            The model.
        events
            The events to learn.
        limits
            Limits of the number of classes.
        added
            New classes of other requests in the same commit. Those of these events are added.
        size
            Bytes of the events in the journal, 0 where memory is looked at elsewhere.
        """
        champion = model.champion.learner
        names_in, answer = champion.kind.names_in, champion.kind.answer
        for state in model.live:
            state.learner.check_values(list(map(_ROW, events)))
        plain, met = not answer.compound, set[Any]()
        live = model.live if names_in is not None else []
        labels = list(map(_LABEL, events)) if answer.given_out is None or not live else labels_of(champion, events)
        for state in live:
            if plain and state.classes.issuperset(labels):
                continue
            known = state.known_classes()
            one = getattr(state.learner, "first", state.learner)  # of a fleet what its members begin as
            found = names_in(one, labels, known | added)
            if new := (found | added) - known:
                limits.check_classes(known, new)
            met |= found
        added |= met
        if size > _SMALL or (size and size // _LEAST_NAME * model.price.name_bytes > self.memory.left()):
            self._check_memory(model, events, limits)

    def _check_memory(self, model: Model, events: list[JournalEvent], limits: Limits) -> None:
        """Raise OverLimit for examples that would grow the learners too much."""
        needed = self.memory_for(model, events, limits.request_memory)
        limits.check_memory(needed)
        if needed > self.memory.left() and self.adds_names(model, events):
            self.memory.check(needed)

    def check_rows(self, model: Model, rows: list[Any]) -> None:
        """Raise for rows that a learner can't take, before they are written.

        Raises
        ------
        DataError
            If a value is wrong, such as an embedding of another length, or no time where a learner expires by it.
        """
        for state in model.live:
            state.learner.check_values(rows)

    def memory_for(self, model: Model, events: list[JournalEvent], enough: int) -> int:
        """Estimate the memory that learning examples adds over all learners of a model.

        A learner's estimate includes temporary memory for each row. Only the last thousand rows keep it, so beyond ``enough``
        it is counted for those only.
        """
        X, y = [event.x for event in events], labels_of(model.champion.learner, events)
        once = self._growth(model, X, y)
        if once <= enough or len(X) <= _KEPT:
            return once
        reading = self._growth(model, X + X, y + y) - once  # in the second copy nothing is new
        return once - reading + reading * _KEPT // len(X)

    def adds_names(self, model: Model, events: list[JournalEvent]) -> bool:
        """Return whether examples contain new names or classes, since only those need permanent memory."""
        X, y = [event.x for event in events], labels_of(model.champion.learner, events)
        grown = [state.learner.check_limits(X, y) for state in model.live]
        return any(growth.names or growth.classes for growth in grown)

    def _growth(self, model: Model, X: list[Any], y: list[Any]) -> int:
        return sum(state.learner.check_limits(X, y).bytes for state in model.live)

    def step_event(self, model: Model, name: str | None, factor: float) -> JournalEvent:
        """Return the event that changes a learner's step size.

        Raises
        ------
        ConfigError
            If there is no step size to change yet, or the factor is invalid.
        """
        state = self._member(model, name)
        check_can(state.learner, "step", at=state.name)
        if isinstance(state.learner, Expiring):
            raise ConfigError(
                expected="a learner whose step size can be changed for good",
                got=repr(state.learner),
                at=state.name,
                help="The next learner would begin with the declared one: make it with another lr in a new store.",
                code="kind",
            )
        if not 0 < factor <= FARTHEST_STEP:
            raise ConfigError(
                expected=f"a factor above 0 and of at most {FARTHEST_STEP:g}",
                got=repr(factor),
                at="factor",
                help="A factor of 1 is the declared step size.",
                code="step_range",
            )
        if state.learner.engine is None:
            raise ConfigError(
                expected="a learner that has learned",
                got="a new one",
                at=state.name,
                help="Let it learn first, or create it with another lr.",
                code="not_learned",
            )
        return JournalEvent({}, None, step=(state.id, factor))

    def _rows(self, model: int) -> list[tuple[int, str, int]]:
        query = "SELECT id, name, champion FROM learners WHERE model = ? ORDER BY champion DESC, id"
        return self._base.execute(query, (model,)).fetchall()

    def _loaded(self, row: tuple[int, str, int], known: dict[int, LearnerState]) -> LearnerState:
        number, name, champion = row
        if number in known:
            state = known[number]
            state.champion = bool(champion)
            return state
        snapshot = self._snapshots.newest(number)
        if snapshot is None:
            raise StoreError(expected=f"a sound snapshot of learner {name}", got="none", at=self._at, help=DAMAGED)
        scores = score_of(snapshot.learner, saved=snapshot.scores, history=True)
        return LearnerState(number, name, bool(champion), snapshot.learner, scores, snapshot.seq)

    def replay(
        self,
        model: Model,
        state: LearnerState,
        until: int | None,
        block: int = _BLOCK,
        left_out: frozenset[int] = frozenset(),
    ) -> None:
        """Replay the journal from a learner's position in blocks, whose size affects only speed.

        A learner that is there already reads nothing.

        Parameters
        ----------
        model, state
            The learner.
        until
            Last event, the journal's by default.
        block
            Events per block.
        left_out
            Events that are not learned.

        Raises
        ------
        UnlearnableEvent
            If an event can't be learned.
        """
        start, end = state.at, self._journal.seq if until is None else until
        if start >= end:
            return
        collects = gc.isenabled()
        gc.disable()  # collections take a fifth of a replay and find nothing, as rows hold no cycles
        try:
            self._replay(model, state, start, until, block, left_out)
        finally:
            if collects:
                gc.enable()
        state.at = max(state.at, end)

    def _replay(
        self,
        model: Model,
        state: LearnerState,
        start: int,
        until: int | None,
        block: int,
        left_out: frozenset[int],
    ) -> None:
        for numbered in self._blocks(model, start, until, block, left_out):
            try:
                learn_events(state, [event for _, event in numbered])
            except Exception as error:
                first, last = numbered[0][0], numbered[-1][0]
                if first < last:  # replay one by one to find the event, which works because replay is deterministic
                    self.replay(model, self._again(model, state, start, first - 1), last, block=1)
                raise self._unlearnable(model, state, last, error) from error
            state.at = numbered[-1][0]

    def _blocks(
        self, model: Model, behind: int, until: int | None, block: int, left_out: frozenset[int] = frozenset()
    ) -> Iterator[list[tuple[int, JournalEvent]]]:
        """Yield the model's numbered events after a sequence in blocks, leaving out skipped and forgotten ones."""
        skipped, waiting = self._journal.skipped() | left_out, list[tuple[int, JournalEvent]]()
        for entry in self._journal.read(behind, until):
            if entry.model != model.id:
                continue
            waiting += [
                (seq, event) for seq, event in entry.numbered() if seq not in skipped and not is_tombstone(event)
            ]
            while len(waiting) >= block:
                yield waiting[:block]
                waiting = waiting[block:]
        if waiting:
            yield waiting

    def _again(self, model: Model, state: LearnerState, start: int, until: int) -> LearnerState:
        """Return a learner as it was at a sequence, because the current one failed halfway."""
        snapshot = self._snapshots.newest(state.id, start)
        if snapshot is None:
            raise StoreError(
                expected=f"a sound snapshot of learner {state.name}", got="none", at=self._at, help=DAMAGED
            )
        scores = score_of(snapshot.learner, saved=snapshot.scores, history=True)
        again = LearnerState(state.id, state.name, state.champion, snapshot.learner, scores, snapshot.seq)
        self.replay(model, again, until)
        return again

    def _unlearnable(self, model: Model, state: LearnerState, seq: int, error: Exception) -> UnlearnableEvent:
        if isinstance(error, UnlearnableEvent):
            return error
        found = UnlearnableEvent(
            expected=f"an event that {model.name}/{state.name} can learn",
            got=f"{type(error).__name__}: {error}",
            at=f"event {seq:,} of {self._at}",
            help=f"`headwater store skip FILE {seq}` leaves it out of every replay. It stays in the journal.",
        )
        found.seq = seq
        return found


def verify_copy(path: Path, learners: LearnerFormat) -> None:
    """Raise StoreError unless the pages, the seal and a recovery of a copy are sound.

    Raises
    ------
    StoreError
        Names the problem.
    """
    check_pages(path)
    at = str(path)
    with closing(read_only(path)) as base, sound(at):
        check_tables(base, path)
        refuse_unfit(base, path)
        journal = Journal(base, at)
        journal.find_end()
        Models(base, at, journal, Snapshots(base, at, learners)).recover(_VERIFIED)


class UnlearnableEvent(StoreError):
    """Raised for the event at which a replay stops because a learner can't learn it."""

    seq = 0


class UnknownModel(ConfigError):
    """Raised for a name that no model, or no learner of a model, has."""

    code = "unknown_model"


class _ByName(dict[str, Model]):
    """Models by name, which raise UnknownModel for a name that no model has."""

    def __missing__(self, name: str) -> Model:
        raise UnknownModel(
            expected="a model of this store",
            got=repr(name),
            at="model",
            help=did_you_mean(name, self) or "Create one first.",
        )


class _ById(dict[int, Model]):
    """Models by id, which raise UnknownModel for one that was removed."""

    def __missing__(self, number: int) -> Model:
        raise UnknownModel(expected="a model of this store", got=f"number {number}", at="model", help="It was removed.")


def _check_name(name: str, taken: Any, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            expected="a name of up to 64 letters, digits, dots, dashes and underscores",
            got=repr(name),
            at=what,
            help="Choose such a name.",
            code="name",
        )
    if name in taken:
        raise NameTaken(expected="a new name", got=repr(name), at=what, help="That name is already in use.")


class NameTaken(ConfigError):
    """Raised for a name that is already in use."""

    code = "name_taken"


__all__ = ["Models", "NameTaken", "UnknownModel", "UnlearnableEvent", "verify_copy"]
