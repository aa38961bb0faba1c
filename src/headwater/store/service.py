"""The durable service of one store file: journal first, learn then, answer last; and the way back after any end.

One commit takes the requests of many clients (group commit): their examples are written and synced as one, then learned in the
order of the journal, and only then answered. Start is the newest sound snapshot plus a replay of the journal behind it; the kernels
are deterministic, so the recovered learner is the one that never stopped, to the bit.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from headwater.errors import ConfigError, HeadwaterError, StoreError

from . import database
from .event import Event
from .journal import Journal
from .member import Model
from .models import Models
from .requests import Ids, Keep, Label, Learn, SetStep
from .snapshots import Snapshots

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What is kept, and how long.

    Parameters
    ----------
    snapshot_every
        Events between two snapshots: what a start replays at most.
    keep_events
        Events that the journal keeps behind the last, at least; within them any past state can be restored.
    keep_pending, keep_pending_s
        Predictions that wait for their answers: how many, and for how many seconds. Then their ids are expired.
    late_s
        Seconds behind which an answer is called late; it is learned nevertheless.
    """

    snapshot_every: int = 50_000
    keep_events: int = 1_000_000
    keep_pending: int = 1_000_000
    keep_pending_s: float = 7 * DAY
    late_s: float = DAY


Taught = tuple[Learn | Label | SetStep, Model, list[Event], int]
"""A request that was journaled: its model, its events, and the number of the first."""


class Service:
    """An open store: its models, and the one way in which they change.

    Parameters
    ----------
    path : str or Path
        The file; made if it is missing.
    rules : Rules, optional
        What is kept.
    create : bool
        Whether a missing file is made.

    Raises
    ------
    StoreError
        If the file is in use, damaged before its tail, or no store.
    """

    def __init__(self, path: str | Path, rules: Rules | None = None, *, create: bool = True) -> None:
        self.path, self.rules = Path(path), rules or Rules()
        self._mutex = threading.RLock()
        self._lock = database.Lock(self.path)
        try:
            self._base = database.connect(self.path, create=create)
        except StoreError:
            self._lock.release()
            raise
        at = str(path)
        self.journal, self.snapshots = Journal(self._base, at), Snapshots(self._base, at)
        self.ids = Ids(self._base, self.rules.late_s)
        self.models = Models(self._base, at, self.journal, self.snapshots)
        self.failure: StoreError | None = None
        """Why nothing can be acknowledged now; None while all is well."""
        self.cut: list[int] = []
        """Sequence numbers of damaged entries at the end that were set aside at this start."""
        self.commits = 0
        self.closed = False
        self.snapshot_at = 0.0
        try:
            self._recover()
        except (StoreError, sqlite3.Error) as error:
            self._shut()
            if isinstance(error, sqlite3.Error):
                raise database.meaning(error, at) from error
            raise

    def _recover(self) -> None:
        database.upgrade(self._base)
        self.cut = self.journal.cut_tail()
        self.journal.find_end()
        self.ids.find_end()
        self.models.recover()
        self._snapshot_seq = self.models.oldest()

    # ---- what clients ask --------------------------------------------------------------------------------------------

    def commit(self, requests: Sequence[Learn | Keep | Label | SetStep]) -> list[HeadwaterError | None]:
        """Write requests as one, learn what they bring, and write their ``answers``.

        Returns
        -------
        list
            For each request None, or why it was refused; a refused one has left no trace.

        Raises
        ------
        StoreError
            If they could not be written: nothing of any of them was learned, nothing may be acknowledged.
        """
        with self._mutex:
            self._usable()
            end = self.journal.seq, self.journal.t, self.ids.given
            taught: list[Taught] = []
            try:
                with database.transaction(self._base, str(self.path)):
                    outcomes = [self._outcome(request, taught) for request in requests]
            except BaseException as error:
                self.journal.seq, self.journal.t, self.ids.given = end
                self.failure = error if isinstance(error, StoreError) else self.failure
                raise
            self.failure = None
            self.commits += 1
            self._teach(taught)
            if self.journal.seq - self._snapshot_seq >= self.rules.snapshot_every:
                self.snapshot()
            return outcomes

    def _usable(self) -> None:
        # After a failed write or fsync nobody knows what is on the disk: going on could acknowledge what is lost
        # (see the PostgreSQL wiki on fsync errors, 2018). A full disk is refused before anything is written.
        if self.failure is not None and self.failure.help != database.FULL:
            raise self.failure

    def _outcome(self, request: Learn | Keep | Label | SetStep, taught: list[Taught]) -> HeadwaterError | None:
        now = int(time.time() * 1000)
        try:
            if isinstance(request, Keep):
                self.ids.keep(request, now)
            elif isinstance(request, Learn):
                self._take_examples(request, taught, now)
            elif isinstance(request, SetStep):
                self._take_step(request, taught, now)
            else:
                self._take_answer(request, taught, now)
        except StoreError:
            raise
        except HeadwaterError as error:
            return error
        return None

    def _take_examples(self, request: Learn, taught: list[Taught], now: int) -> None:
        model = self.models.with_id(request.model)
        events = self.ids.fresh(request)
        if not events:
            return
        self.models.check(model, events)
        first = self.journal.append(model.id, events, now)
        self.ids.remember(model.id, events, first)
        for answer in request.answers:  # a repetition within the request points at its first one, by −place
            if answer and answer["seq"] < 0:
                answer["seq"] = first - answer["seq"] - 1
        taught.append((request, model, events, first))

    def _take_step(self, request: SetStep, taught: list[Taught], now: int) -> None:
        model = self.models.with_id(request.model)
        event = self.models.stepped(model, request.learner, request.factor)
        first = self.journal.append(model.id, [event], now)
        request.answers.append({})
        taught.append((request, model, [event], first))

    def _take_answer(self, request: Label, taught: list[Taught], now: int) -> None:
        model = self.models.with_id(request.model)
        event, number = self.ids.waiting(request, now)
        if event is None:
            return
        self.models.check(model, [event])
        first = self.journal.append(model.id, [event], now)
        self.ids.answered(model.id, number, event, first)
        taught.append((request, model, [event], first))

    def _teach(self, taught: list[Taught]) -> None:
        """Learn what was committed: neighbours of one model as one block, since the learner's result is the same."""
        at = 0
        while at < len(taught):
            model, first = taught[at][1], taught[at][3]
            stop = at
            while stop < len(taught) and taught[stop][1] is model:
                stop += 1
            events = [event for item in taught[at:stop] for event in item[2]]
            said = iter(self._learn(model, events, first))
            for request, _, own, number in taught[at:stop]:
                fresh = [answer for answer in request.answers if "repeated" not in answer]
                for i, (answer, event) in enumerate(zip(fresh, own, strict=True)):
                    answer |= {"seq": number + i, **_said(model, event, next(said))}
            at = stop

    def _learn(self, model: Model, events: list[Event], first: int) -> list[Any]:
        try:
            return model.learn(events, first)
        except Exception as error:
            # The example is on disk and its learner half way: only a replay can tell where it stands.
            self.failure = StoreError(
                expected=f"a learner that learns event {first}",
                got=f"{type(error).__name__}: {error}",
                at=f"model {model.name}",
                help="Report this, with the journal; a restart replays it.",
            )
            raise self.failure from error

    # ---- keeping -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> int:
        """Write a snapshot of every learner, prune by the rules, and return the sequence it includes."""
        with self._mutex:
            rules, now = self.rules, int(time.time() * 1000)
            try:
                with database.transaction(self._base, str(self.path)):
                    oldest = self.models.snapshot(now, rules.keep_events)
                    self.journal.prune(min(oldest, self.journal.seq - rules.keep_events))
                    forget = self.journal.seq - rules.keep_events
                    self.ids.prune(now - int(rules.keep_pending_s * 1000), rules.keep_pending, forget)
            except StoreError as error:  # the journal holds everything, so examples may still be taken
                self.failure = error
                return self._snapshot_seq
            self._snapshot_seq, self.snapshot_at = self.journal.seq, time.time()
            return self._snapshot_seq

    def change(self, what: Any, *arguments: Any) -> Any:
        """Run a change of the models (``Models.create``, ``add``, ``promote``, ``remove``, ``pause``) as one transaction."""
        with self._mutex:
            self._usable()
            with database.transaction(self._base, str(self.path)):
                done = what(*arguments)
            self.models.refresh()
            return done

    def keep_looks(self, looks: dict[int, bytes]) -> None:
        """Keep what was seen of models, by their ids, in place of what was kept before; learning never reads it.

        Raises
        ------
        StoreError
            If it could not be written.
        """
        with self._mutex:
            if self.failure is not None:
                return
            try:
                with database.transaction(self._base, str(self.path)):
                    self._base.executemany("REPLACE INTO looks VALUES (?, ?)", looks.items())
            except StoreError as error:
                self.failure = None if error.help == database.FULL else error
                raise

    def look(self, model: int) -> bytes:
        """Return what was kept of a model; nothing where there is none.

        Raises
        ------
        StoreError
            If it could not be read.
        """
        try:
            with self._mutex:
                row = self._base.execute("SELECT body FROM looks WHERE model = ?", (model,)).fetchone()
        except sqlite3.Error as error:
            raise database.meaning(error, str(self.path)) from error
        return bytes(row[0]) if row else b""

    def vacuum(self) -> None:
        """Give space that is no longer used back to the disk."""
        with self._mutex:
            try:
                self._base.execute("VACUUM")
                self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise database.meaning(error, str(self.path)) from error

    def close(self) -> None:
        """Write a last snapshot and let the file go."""
        with self._mutex:
            if self.closed:
                return
            if self.failure is None and self.journal.seq > self._snapshot_seq:
                self.snapshot()
            self._shut()

    def _shut(self) -> None:
        self.closed = True
        self._base.close()
        self._lock.release()
        self.failure = StoreError(
            expected="an open store", got="one that was closed", at=str(self.path), help="Open it again."
        )

    def __enter__(self) -> Service:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def as_of(self, name: str, seq: int, learner: str | None = None) -> Any:
        """Return a learner as it stood after event ``seq``.

        Raises
        ------
        ConfigError
            If the journal no longer, or not yet, reaches there.
        """
        with self._mutex:
            if not 0 <= seq <= self.journal.seq:
                raise ConfigError(
                    expected=f"a sequence from 0 to {self.journal.seq}",
                    got=str(seq),
                    at="as of",
                    help="Choose another.",
                )
            return self.models.as_of(self.models.named(name), seq, learner)


def _said(model: Model, event: Event, guess: Any) -> dict[str, Any]:
    """Return the prediction that the score is of: of an answer that came late, what the champion of that time had said."""
    if event.step is not None:
        return {}
    if event.given is None:
        return {"y_pred": guess}
    return {"y_pred": event.given.get(model.champion.name, next(iter(event.given.values()), (None, None)))[0]}


__all__ = ["Rules", "Service"]
