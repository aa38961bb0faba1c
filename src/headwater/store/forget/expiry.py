"""Let learners take turns, so that nothing in a store is older than its retention allows.

Each learner lives for one age. When the one that predicts has reached half of it, a new one begins to learn beside it, and takes its
place when the age is reached. A learner that begins later than its rows, because a store was closed for long or got its retention
late, learns the rows that are young enough from the journal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigError, counted
from headwater.learner.expiring import check_turns
from headwater.store.model_file import seal, unseal

from .retention import Retention

if TYPE_CHECKING:
    from headwater.store.journal.entries import Journal
    from headwater.store.journal.requests import Ids
    from headwater.store.journal.store_file import StoreFile
    from headwater.store.service.maintenance.retention import RetentionJob
    from headwater.store.service.model import LearnerState, Model
    from headwater.store.service.models import Models

__all__ = ["Age", "Expiry", "ExpiringParts"]

_SLACK_S = 75.0
"""Seconds before its age at which a learner is dropped, since the clock is looked at twice a minute."""
_SLACK_ROWS = 8192
"""Rows before its age at which a learner is dropped at the earliest, since they come in blocks of up to so many."""
_CUTS = 16
"""Parts of an age in which the journal is cut."""
_TABLES = ("joins", "rejects", "outbox")
_SCHEMA = """CREATE TABLE IF NOT EXISTS templates (model INTEGER PRIMARY KEY, body BLOB NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Age:
    """How old the oldest row within a learner can be.

    Parameters
    ----------
    since
        Time from which on the learner has seen rows, in ms since 1970.
    after
        Event after which it has seen rows.
    rows
        Events since.
    """

    since: int
    after: int
    rows: int


@dataclass(frozen=True)
class ExpiringParts:
    """The parts of an open store that expiry works on.

    Parameters
    ----------
    file, models, journal, ids, retention_job
        The open store.
    change
        Runs a change of the models transactionally, inside the write lock.
    writing
        Takes the write lock.
    """

    file: StoreFile
    models: Models
    journal: Journal
    ids: Ids
    retention_job: RetentionJob
    change: Callable[..., Any]
    writing: Callable[[], AbstractContextManager[None]]


class Expiry:
    """Makes the learners of a store take turns, and cuts what it keeps.

    Parameters
    ----------
    parts : ExpiringParts
        The store.
    """

    def __init__(self, parts: ExpiringParts) -> None:
        self._parts = parts
        self.retention = self._stored()
        self.by_rows = self.retention is not None and self.retention.rows is not None
        """Whether ages are counted in rows, so that each commit may be a learner's last."""
        if self.retention is not None:
            parts.file.always_overwrite()

    def _stored(self) -> Retention | None:
        row = self._parts.file.base.execute("SELECT value FROM meta WHERE key = 'max_age'").fetchone()
        return None if row is None else Retention(str(row[0]))

    def set(self, retention: Retention) -> None:
        """Keep a retention in the store, which holds for every later opening too.

        Raises
        ------
        ConfigError
            If one of its learners can't take turns.
        """
        for model in self._parts.models.by_name.values():
            check_turns(model.champion.learner)
        if self._stored() != Retention(str(retention)):
            with self._parts.file.transaction():
                self._parts.file.base.execute("REPLACE INTO meta VALUES ('max_age', ?)", (str(retention),))
            self._parts.file.always_overwrite()
        self.retention, self.by_rows = Retention(str(retention)), retention.rows is not None

    def check_new(self, learner: Any) -> None:
        """Raise ConfigError for a learner that can't take turns, or that has learned before: nobody knows how old that is.

        Raises
        ------
        ConfigError
            If it can't, or has.
        """
        if self.retention is None:
            return
        check_turns(learner)
        if learner.n_learned:
            raise ConfigError(
                expected="a learner that has learned nothing",
                got=f"one of {counted(learner.n_learned, 'row')}, of which nobody knows how old they are",
                at="retention",
                help="Give a new one.",
            )

    # ---- ages --------------------------------------------------------------------------------------------------------

    def age(self, state: LearnerState) -> Age:
        """Return how old the oldest row within a learner can be."""
        since, after = self._parts.models.began(state.id), self._parts.models.begun_at(state.id)
        return Age(since, after, self._parts.journal.seq - after)

    def _share(self, state: LearnerState, now: int) -> float:
        """Return the share of its age that a learner has reached, 1 or more once it has to go."""
        retention, age = self.retention, self.age(state)
        if retention is None:
            return 0.0
        if retention.rows is not None:
            return age.rows / (retention.rows - min(_SLACK_ROWS, retention.rows // 8))
        return (now - age.since) / 1000 / ((retention.seconds or 0) - _SLACK_S)

    def is_due(self) -> bool:
        """Return whether a learner has to go or to begin, by rows."""
        now = int(time.time() * 1000)
        return any(self._wants(model, now) for model in self._parts.models.by_name.values())

    def _wants(self, model: Model, now: int) -> bool:
        shares = [self._share(state, now) for state in model.live]
        return max(shares) >= 1 or (shares[0] >= 0.5 and min(shares) >= 0.5)

    # ---- turns -------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Drop learners that are too old, let the next begin, and cut what else is kept. Called twice a minute."""
        if self.retention is None:
            return
        with self._parts.writing():
            self.turn()
        self._cut(int(time.time() * 1000))

    def turn(self) -> None:
        """Drop learners that are too old and let the next begin, inside the write lock."""
        now = int(time.time() * 1000)
        for model in list(self._parts.models.by_name.values()):
            if self._wants(model, now):
                self._turn(model, now)

    def _turn(self, model: Model, now: int) -> None:
        change, models = self._parts.change, self._parts.models
        alive = [state for state in model.live if self._share(state, now) < 1]
        if not alive:
            self._begin(model, self._oldest_kept(now))
            alive = model.live[-1:]
        if min(self._share(state, now) for state in alive) >= 0.5:
            self._begin(model, self._parts.journal.seq)
        oldest = max(alive, key=lambda state: self._share(state, now))
        if model.champion.id not in [state.id for state in alive]:
            change(models.promote, model, oldest.name)
        for state in [state for state in model.live if self._share(state, now) >= 1]:
            change(models.remove, model, state.name)

    def _begin(self, model: Model, after: int) -> None:
        """Let a new learner begin, with the rows of the journal after an event."""
        fresh = self._parts.models.new_state(self._template(model), after)
        self._parts.models.replay(model, fresh, self._parts.journal.seq)
        self._parts.change(self._parts.models.begin, model, fresh, after, self._time_of(after))

    def _template(self, model: Model) -> Any:
        """Return a learner like the model's first, which has learned nothing."""
        learners = self._parts.models.format
        base = self._parts.file.base
        there = base.execute("SELECT 1 FROM sqlite_master WHERE name = 'templates'").fetchone()
        query = "SELECT body FROM templates WHERE model = ?"
        row = base.execute(query, (model.id,)).fetchone() if there else None
        if row is None:  # a store that got its retention late
            return model.champion.learner.clone()
        return learners.unpack(unseal(row[0], self._parts.file.at), self._parts.file.at)

    def keep_template(self, model: Model) -> None:
        """Keep a new model's learner, from which its successors are made."""
        body = seal(self._parts.models.format.pack(model.champion.learner))
        with self._parts.file.transaction():
            self._parts.file.base.execute(_SCHEMA)
            self._parts.file.base.execute("REPLACE INTO templates VALUES (?, ?)", (model.id, body))

    def _oldest_kept(self, now: int) -> int:
        """Return the event after which rows are young enough for a learner that has to live on for a quarter of its age."""
        retention, journal = self.retention, self._parts.journal
        if retention is None:
            return journal.seq
        if retention.rows is not None:
            after = journal.seq - retention.rows * 3 // 4
        else:
            after = journal.at_time(now - int((retention.seconds or 0) * 750))
        return max(after, journal.first() - 1, 0)

    def _time_of(self, after: int) -> int:
        """Return the time of the first event after a sequence, or now if there is none."""
        query = "SELECT t FROM journal WHERE seq > ? ORDER BY seq LIMIT 1"
        row = self._parts.file.base.execute(query, (after,)).fetchone()
        return int(row[0]) if row else int(time.time() * 1000)

    # ---- what is kept besides ------------------------------------------------------------------------------------------

    def _cut(self, now: int) -> None:
        """Delete journal, waiting predictions and messages beyond the age."""
        with self._parts.file.mutex:
            until = self._end_of_cut(now)
        if until > 0:
            self._parts.retention_job.cut(until)
            self._cut_messages()
        if self.retention is not None and self.retention.seconds is not None:
            self._parts.ids.expire(self._oldest_time(now), self._parts.file.short_transaction)
            self._parts.retention_job.lapse(self._oldest_time(now), without_rows=True)

    def _oldest_time(self, now: int) -> int:
        """Return the time before which nothing may be kept."""
        seconds = 0.0 if self.retention is None else self.retention.seconds or 0.0
        return now - int((seconds - _SLACK_S) * 1000)

    def _end_of_cut(self, now: int) -> int:
        """Return the event up to which the journal is cut, 0 if all of it is young enough."""
        retention, journal = self.retention, self._parts.journal
        if retention is None:
            return 0
        if retention.rows is not None:
            oldest = journal.seq - retention.rows
            return oldest + retention.rows // _CUTS if 0 < journal.first() <= oldest + 1 else 0
        first, oldest = self._first_time(), self._oldest_time(now)
        return journal.at_time(oldest + int((retention.seconds or 0) * 1000) // _CUTS) if 0 < first <= oldest else 0

    def _first_time(self) -> int:
        row = self._parts.file.base.execute("SELECT t FROM journal ORDER BY seq LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def _cut_messages(self) -> None:
        """Delete messages that waited at the cut before the last one, since they carry no time of their own."""
        base = self._parts.file.base
        with self._parts.file.transaction():
            for table in _tables(base):
                marks = base.execute("SELECT value FROM meta WHERE key = ?", (f"cuts {table}",)).fetchone()
                ends = [int(end) for end in str(marks[0]).split()] if marks else []
                ends.append(base.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])
                if len(ends) >= _CUTS:
                    base.execute(f"DELETE FROM {table} WHERE id <= ?", (ends.pop(0),))
                base.execute("REPLACE INTO meta VALUES (?, ?)", (f"cuts {table}", " ".join(map(str, ends))))


def _tables(base: Any) -> Sequence[str]:
    rows = base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [table for table in _TABLES if (table,) in rows]
