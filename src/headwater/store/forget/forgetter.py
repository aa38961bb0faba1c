"""Forget rows exactly, so that the state afterwards has the same bits as that of a learner that never saw them.

The learner is taken from the last snapshot before the first row, and learns the rest of the journal again without the rows.
That happens beside the running service. Then, in one transaction, tombstones take the place of the rows, the past states that
had seen them are replaced, all tables are cleared, and the rows learned meanwhile are caught up on. A process that is killed
leaves the state before or the state after, and what remains to be cleared in the file is cleared at the next start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigError, StoreError
from headwater.store.journal.entries import Journal
from headwater.store.journal.events import TOMBSTONE, JournalEvent, pack
from headwater.store.journal.requests import Ids
from headwater.store.journal.snapshots import Snapshots
from headwater.store.journal.store_file import StoreFile
from headwater.store.model_file import SavedModel

from .clearing import Selector, bury, clear_others, count_others, hide_ids, strip_classes
from .forget_list import Entry, ForgetList, Listed
from .ledger import exports_after, make_ledger
from .record import Forgetting, Forgotten, applied, digest_of, ranges_of, read_records, write_record
from .selection import Selection

if TYPE_CHECKING:
    from headwater.store.service.maintenance.retention import RetentionJob
    from headwater.store.service.model import LearnerState, Model
    from headwater.store.service.models import Models

__all__ = ["Forgetter", "Parts"]

_WARM_UP, _TRIAL = 2000, 4000
"""Events learned to say how long a replay will take, of which the first take longer than all others."""
_HELD_BYTES = 512 << 20
"""Bytes of rewritten past states held until they are committed. Older ones beyond that are dropped instead."""


@dataclass(frozen=True)
class Parts:
    """The parts of an open store that forgetting works on.

    Parameters
    ----------
    file, models, journal, snapshots, ids
        The open store.
    retention_job
        Its maintenance, which must not write a snapshot meanwhile.
    reading
        Opens a second connection, on which rows are read and learned while requests continue.
    writing
        Takes the write lock.
    id
        The store's id.
    """

    file: StoreFile
    models: Models
    journal: Journal
    snapshots: Snapshots
    ids: Ids
    retention_job: RetentionJob
    reading: Callable[[], AbstractContextManager[Models]]
    writing: Callable[[], AbstractContextManager[None]]
    id: str


@dataclass(slots=True)
class _Relearned:
    """A learner that is learned again, with the past states written on the way."""

    model: Model
    state: LearnerState
    fresh: LearnerState
    past: list[tuple[int, SavedModel, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    """Selected events by number, with the content of those that the forget list must name."""

    events: dict[int, JournalEvent | None] = field(default_factory=dict)
    searched: int = 0
    """Last event searched."""

    @property
    def rows(self) -> frozenset[int]:
        return frozenset(self.events)

    @property
    def first(self) -> int:
        return min(self.events, default=0)


class Forgetter:
    """Forgets rows of an open store.

    Parameters
    ----------
    parts : Parts
        The store.
    names : ForgetList
        Its forget list.
    """

    def __init__(self, parts: Parts, names: ForgetList) -> None:
        self._parts, self.names = parts, names

    # ---- looking beforehand ------------------------------------------------------------------------------------------

    def look(self, chosen: list[Model], selection: Selection) -> Forgetting:
        """Return what forgetting a selection would do, without changing anything."""
        with self._parts.reading() as models:
            selection = _resolved(models, chosen, selection)
            found = self._find(models, chosen, selection, 0, keep=True)
            plan = self._plan(models, chosen, selection, found)
            return replace(plan, seconds=self._trial(models, chosen, found, plan.replay)) if not plan.cannot else plan

    def _find(
        self, models: Models, chosen: list[Model], selector: Selector, after: int, *, keep: bool = False
    ) -> _Found:
        """Return the selected events after a number. Their content is kept only if the forget list has to name it."""
        numbers, found = {model.id for model in chosen}, _Found(searched=models.last_event())
        for entry in models.entries_that(selector.may_be_in, after):
            if entry.model in numbers:
                taken = [(seq, event) for seq, event in entry.numbered() if selector.takes(seq, event)]
                found.events |= {seq: event if keep else None for seq, event in taken}
        return found

    def _plan(self, models: Models, chosen: list[Model], selection: Selection, found: _Found) -> Forgetting:
        first_kept = models.first_kept()
        begins = {state.id: begin for _, state, begin in self._seen_by(models, chosen, found.rows)}
        begin = min(begins.values(), default=found.searched)
        absent = selection.absent((seq, event) for seq, event in found.events.items() if event is not None)
        pruned = [row for row in sorted(selection.rows) if row < first_kept]
        cannot = [
            f"Event {row:,} lies before the kept journal, which begins at event {first_kept:,}." for row in pruned
        ]
        where = {model.name for model in chosen}
        cleared = count_others(models.connection, {model.id for model in chosen}, selection)
        exports = exports_after(models.connection, where, found.first) if found.rows else []
        return Forgetting(
            rows=len(found.events),
            first=found.first,
            last=max(found.events, default=0),
            replay=found.searched - begin if found.rows else 0,
            snapshots=sum(seq >= found.first for number in begins for seq in models.snapshots_of(number)),
            cleared=cleared,
            exports=exports,
            absent=absent,
            unsearched=max(first_kept - 1, 0) if selection.where or selection.ids else 0,
            cannot=cannot + self._unreachable(models, chosen, found.rows),
        )

    def _seen_by(
        self, models: Models, chosen: list[Model], rows: frozenset[int]
    ) -> Iterator[tuple[Model, LearnerState, int]]:
        """Yield each learner that has seen one of the rows, with the snapshot from which it is learned again."""
        for model in chosen:
            for state in model.live:
                own = [row for row in rows if row > models.begun_at(state.id)]
                past = [seq for seq in models.snapshots_of(state.id) if own and seq < min(own)]
                if past:
                    yield model, state, past[-1]

    def _unreachable(self, models: Models, chosen: list[Model], rows: frozenset[int]) -> list[str]:
        """Say which learners have seen a row that lies before all of their kept states."""
        said = []
        for model in chosen:
            for state in model.live:
                begun, oldest = models.begun_at(state.id), min(models.snapshots_of(state.id), default=0)
                if any(begun < row <= oldest for row in rows):
                    said.append(
                        f"{model.name}/{state.name} may have seen a row before its oldest kept state, of event {oldest:,}."
                        " Remove that challenger first."
                    )
        return said

    def _trial(self, models: Models, chosen: list[Model], found: _Found, replay: int) -> float:
        """Return the seconds of a replay, by learning its first events again."""
        seconds, learned = 0.0, 0
        for model, state, begin in self._seen_by(models, chosen, found.rows):
            fresh = models.restored(state.id, state.name, begin)
            models.replay(model, fresh, min(begin + _WARM_UP, found.searched), left_out=found.rows)
            began, until = time.perf_counter(), min(begin + _WARM_UP + _TRIAL, found.searched)
            models.replay(model, fresh, until, left_out=found.rows)
            seconds, learned = seconds + time.perf_counter() - began, learned + max(until - begin - _WARM_UP, 0)
        return seconds * replay / learned if learned else seconds

    # ---- forgetting --------------------------------------------------------------------------------------------------

    def forget(self, chosen: list[Model], selection: Selection, reason: str) -> Forgetting:
        """Forget a selection.

        Raises
        ------
        ConfigError
            If a row can't be forgotten exactly. Nothing is changed then.
        """
        with self._parts.reading() as models:
            selection = _resolved(models, chosen, selection)
            found = self._find(models, chosen, selection, 0, keep=True)
            plan = self._plan(models, chosen, selection, found)
            if plan.cannot:
                raise ConfigError(
                    expected="rows that can be forgotten exactly",
                    got=plan.cannot[0].rstrip("."),
                    at="forget",
                    help="dry_run=True says all of it beforehand. Nothing was changed.",
                )
            now = int(time.time() * 1000)
            events = (event for event in found.events.values() if event is not None)
            entry = self.names.entry(self._parts.id, now, selection, events, found.first)
            began = time.perf_counter()
            relearned = self._relearn(models, chosen, found)
        record = Forgotten(t=now, reason=reason, entry=entry.id)
        self._commit(chosen, selection, found, relearned, record, partial(self.names.add, entry))
        took = time.perf_counter() - began
        return replace(plan, number=record.id, rows=record.rows, cleared=record.cleared, seconds=took)

    def catch_up(self) -> list[Forgotten]:
        """Carry out what the forget list names and this store, such as a restored backup, has not forgotten yet.

        Raises
        ------
        StoreError
            If it can't be forgotten exactly.
        """
        if not self.names.entries and not self._is_due():
            return []
        done = applied(self._parts.file.base)
        missing = [entry for entry in self.names.entries if entry.id not in done]
        records = [self._apply(entry) for entry in missing]
        if missing or self._is_due():
            self.clear_file()
        return records

    def _apply(self, entry: Entry) -> Forgotten:
        chosen = list(self._parts.models.by_name.values())
        selector = Listed(self.names.only([entry]))
        record = Forgotten(t=int(time.time() * 1000), reason="on the forget list", entry=entry.id)
        with self._parts.reading() as models:
            found = self._find(models, chosen, selector, 0)
            gone = entry.store == self._parts.id and 0 < entry.first < models.first_kept() <= self._parts.journal.seq
            cannot = self._unreachable(models, chosen, found.rows)
            if gone or cannot:
                got = cannot[0] if cannot else f"one whose journal begins at event {models.first_kept():,}"
                raise StoreError(
                    expected=f"a backup whose journal still has event {entry.first:,}, which was forgotten since",
                    got=got.rstrip("."),
                    at=str(self._parts.file.path),
                    help=f"Restore another backup. {self.names.path.name} lists what must be forgotten.",
                )
            relearned = self._relearn(models, chosen, found)
        self._commit(chosen, selector, found, relearned, record, lambda: None)
        return record

    def _relearn(self, models: Models, chosen: list[Model], found: _Found) -> list[_Relearned]:
        """Learn the journal again without the selected events, keeping the states of the snapshots on the way."""
        out, held = [], 0
        for model, state, begin in self._seen_by(models, chosen, found.rows):
            fresh = models.restored(state.id, state.name, begin)
            fresh.champion = state.champion
            one = _Relearned(model, state, fresh)
            for seq in [seq for seq in models.snapshots_of(state.id) if seq > begin and seq <= found.searched]:
                models.replay(model, fresh, seq, left_out=found.rows)
                saved = self._parts.snapshots.learners.pack(fresh.learner)
                held += sum(array.nbytes for array in saved.arrays.values())
                one.past.append((seq, saved, fresh.scores.to_bytes()))
                while held > _HELD_BYTES and one.past:
                    held -= sum(array.nbytes for array in one.past.pop(0)[1].arrays.values())
            models.replay(model, fresh, found.searched, left_out=found.rows)
            out.append(one)
        return out

    def _commit(
        self,
        chosen: list[Model],
        selector: Selector,
        found: _Found,
        relearned: list[_Relearned],
        record: Forgotten,
        announce: Callable[[], object],
    ) -> None:
        """Catch up on what came meanwhile, change the store in one transaction, and put the new learners in place."""
        parts = self._parts
        with parts.retention_job.quiet(), parts.writing():
            late = self._find(parts.models, chosen, selector, found.searched, keep=True)
            found.events |= late.events
            new = self._late_learners(chosen, late, relearned)
            for one in new:
                parts.models.replay(one.model, one.fresh, parts.journal.seq, left_out=found.rows)
            announce()
            end = parts.journal.seq, parts.journal.t
            try:
                with parts.file.overwriting(), parts.file.transaction():
                    self._write(chosen, selector, found, new, record)
            except BaseException:
                parts.journal.seq, parts.journal.t = end
                raise
            _put_in_place(chosen, new, parts.journal.seq)
            parts.ids.find_end()
            parts.file.acknowledge(parts.journal.seq, parts.ids.last)
        if not parts.file.is_lost():
            self.clear_file()

    def _late_learners(self, chosen: list[Model], late: _Found, relearned: list[_Relearned]) -> list[_Relearned]:
        """Add the learners whose only selected rows came while the others were learned again."""
        known = {one.state.id for one in relearned}
        more = [
            _Relearned(model, state, self._parts.models.restored(state.id, state.name, begin))
            for model, state, begin in self._seen_by(self._parts.models, chosen, late.rows)
            if state.id not in known
        ]
        for one in more:
            one.fresh.champion = one.state.champion
        return relearned + more

    def _write(
        self, chosen: list[Model], selector: Selector, found: _Found, new: list[_Relearned], record: Forgotten
    ) -> None:
        parts, base, rows = self._parts, self._parts.file.base, sorted(found.events)
        bury(base, rows)
        hide_ids(base, rows, self.names.hidden)
        for model in chosen:
            gone = {label for one in new if one.model is model for label in _classes_gone(one)}
            strip_classes(base, model.id, found.first, gone)
        record.cleared = clear_others(base, {model.id for model in chosen}, selector)
        record.rows, record.ranges = len(rows), ranges_of(rows)
        if rows:
            parts.journal.append(chosen[0].id, pack([TOMBSTONE]), 1, record.t)
        record.seq = parts.journal.seq
        for one in new:
            self._write_states(one, found.first, record)
        parts.snapshots.sweep(nullcontext)
        record.id = write_record(base, record)
        make_ledger(base)
        if rows:
            names = [(record.id, model.name, found.first) for model in chosen]
            base.executemany(
                "UPDATE exports SET recalled = ? WHERE recalled = 0 AND model IN (?, '') AND seq >= ?", names
            )
        base.execute("REPLACE INTO meta VALUES ('clear_due', 1)")

    def _write_states(self, one: _Relearned, first: int, record: Forgotten) -> None:
        """Replace a learner's snapshots from the first forgotten event on."""
        snapshots = self._parts.snapshots
        snapshots.remove_from(one.state.id, first)
        saved, scores = snapshots.learners.pack(one.fresh.learner), one.fresh.scores.to_bytes()
        record.proof[one.state.id] = digest_of(saved, one.fresh.scores.repeatable())
        for seq, model, metrics in [*one.past, (record.seq, saved, scores)]:
            snapshots.write(one.state.id, seq, record.t, model, metrics)

    # ---- the file ----------------------------------------------------------------------------------------------------

    def _is_due(self) -> bool:
        return self._parts.file.base.execute("SELECT 1 FROM meta WHERE key = 'clear_due'").fetchone() is not None

    def clear_file(self) -> None:
        """Overwrite what the file and its log still hold of deleted rows.

        Rebuilding the file leaves no free page and no gap within one. Where another process reads the log, such as a backup, the next
        start does it again.
        """
        with self._parts.file.mutex:
            if self._parts.file.vacuum():
                with self._parts.file.transaction():
                    self._parts.file.base.execute("DELETE FROM meta WHERE key = 'clear_due'")

    def records(self) -> list[Forgotten]:
        """Return the records of what was forgotten."""
        with self._parts.file.mutex:
            return read_records(self._parts.file.base)


def _resolved(models: Models, chosen: list[Model], selection: Selection) -> Selection:
    """Add the events that labeled the predictions named by their ids, whose events have no id themselves."""
    rows, known = set[int](), set[str]()
    for name in selection.ids:
        if name[:1] == "p":
            found = _events_of(models, chosen, f"p:{name[1:]}")
            rows |= found | _events_of(models, chosen, f"o:{name[1:]}")
            known |= {name} if found else set()
    return replace(selection, rows=selection.rows | rows, ids=selection.ids - known)


def _events_of(models: Models, chosen: list[Model], name: str) -> set[int]:
    query = "SELECT seq FROM seen WHERE model = ? AND id = ?"
    return {row[0] for model in chosen for row in models.connection.execute(query, (model.id, name))}


def _classes_gone(one: _Relearned) -> set[Any]:
    """Return the classes that only forgotten rows had, where probabilities are issued by class."""
    if one.state.learner.kind.answer.given_out is not None:
        return set()
    return set(one.state.learner.known_classes) - set(one.fresh.learner.known_classes)


def _put_in_place(chosen: Iterable[Model], new: list[_Relearned], seq: int) -> None:
    """Serve the learners that were learned again, and drop what the models remember of rows."""
    fresh = {one.state.id: one.fresh for one in new}
    for model in chosen:
        with model.lock:
            learners = [fresh.get(state.id, state) for state in model.live]
            for state in learners:
                state.at = seq
            model.at = seq
            model.take(learners)
            model.forgettings += 1
            model.recent.clear()
            model.alarms.clear()
