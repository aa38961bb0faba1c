"""Maintenance between commits (snapshots, pruning, expiry, checkpoints), in short turns between requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from headwater.errors import StoreError
from headwater.store.journal.database import sound
from headwater.store.journal.entries import Journal
from headwater.store.journal.requests import Ids
from headwater.store.journal.snapshots import Snapshots
from headwater.store.journal.store_file import StoreFile
from headwater.store.service.maintenance.policy import RetentionPolicy
from headwater.store.service.model import LearnerState, Model
from headwater.store.service.models import Models

__all__ = ["RetentionJob"]

_CHUNK_PAGES = 264
"""Pages changed by writing or deleting four chunks of a snapshot."""
_PAGES_OF_IDS = 512
"""Maximum pages changed by deleting 256 ids, if each is on its own page in the table and in the index."""
_YIELD_S = 0.001
"""Seconds between two pieces of a learner's copy, in which other threads run."""
_PACE = 2.0
"""Maximum speed of expiry relative to elapsed time, which bounds the effect of a clock that jumps ahead."""


class RetentionJob:
    """Keeps a store small and its start short.

    Parameters
    ----------
    file : StoreFile
        The open file.
    models, journal, snapshots, ids
        Its contents.
    policy : RetentionPolicy
        The retention policy.
    """

    def __init__(
        self,
        file: StoreFile,
        models: Models,
        journal: Journal,
        snapshots: Snapshots,
        ids: Ids,
        policy: RetentionPolicy,
    ) -> None:
        self._file, self._models, self._journal, self._snapshots = file, models, journal, snapshots
        self._ids, self._policy = ids, policy
        self._turn = threading.Lock()  # one snapshot at a time
        self._pruning, self._readers = threading.Lock(), 0
        self.failure: StoreError | None = None
        """Error of the last snapshot or pruning, None if it succeeded."""
        seq, self.snapshot_at = snapshots.reached()
        self.snapshot_seq = journal.seq if seq is None else seq
        """Last event included in the newest snapshots."""
        self.due = self.snapshot_seq + policy.snapshot_every
        """Event at which the next snapshot is due."""
        self.learners_sound = True
        """False once a learner failed halfway through an event, so that its state must not be saved."""
        self.look: Callable[[], object] = bool
        """Called at each run, before all else."""
        self.lapse: Callable[..., object] = lambda older_than, without_rows=False: None
        """Called with the time (ms since 1970) before which no prediction is kept, after others were deleted."""
        self._ticked = time.monotonic()
        self._expired_until = self._load_expired()

    # ---- snapshots -----------------------------------------------------------------------------------------------------

    def quiet(self) -> AbstractContextManager[object]:
        """Return a context in which no snapshot is written."""
        return self._turn

    def work(self) -> None:
        """Take a due snapshot, expire predictions, and checkpoint. Errors go to ``failure`` and are retried."""
        if self.learners_sound and self._journal.seq >= self.due:
            self.snapshot()
        try:
            self.look()
            self.expire()
        except StoreError as error:
            self.failure = error
        if self._file.wants_checkpoint:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Checkpoint the WAL, recording an error in ``failure`` for a later retry."""
        try:
            self._file.checkpoint()
        except StoreError as error:
            self.failure = error

    def snapshot(self) -> int:
        """Write a snapshot of every learner, prune by the policy, and return the sequence included."""
        with self._turn:
            if not self.learners_sound:
                return self.snapshot_seq
            try:
                with sound(self._file.at):
                    taken = [
                        self._take(model, state)
                        for model in list(self._models.by_name.values())
                        for state in list(model.live)
                    ]
                    self.snapshot_seq, self.snapshot_at = min(taken, default=self._journal.seq), time.time()
                    self.due = self.snapshot_seq + self._policy.snapshot_every
                    self._prune()
            except StoreError as error:
                self.failure = error
            except MemoryError:
                self.failure = StoreError(
                    expected="memory for a copy of the learner",
                    got="none",
                    at=self._file.at,
                    help="Learning continues. Give the process more memory, or make the model smaller.",
                )
            else:
                self.failure = None
            return self.snapshot_seq

    def _take(self, model: Model, state: LearnerState) -> int:
        """Write a snapshot of one learner and return its sequence.

        Requests wait only for the last turn of the copy.
        """
        with model.lock:
            copy = self._snapshots.learners.copy(state.learner)
        more = True
        while more:
            with model.lock:
                more = copy.advance()
            time.sleep(_YIELD_S)
        with self._file.mutex, model.lock:
            copy.stop()
            scores, seq = state.scores.to_bytes(), self._journal.seq
        saved = copy.finish()
        now, short = int(time.time() * 1000), partial(self._short_transaction, _CHUNK_PAGES)
        self._snapshots.write(state.id, seq, now, saved, scores, short)
        with self._file.mutex:
            there = [one.id for each in self._models.by_name.values() for one in each.live]
            if state.id not in there:  # it was dropped meanwhile
                with self._file.short_transaction():
                    self._snapshots.remove(state.id)
        return seq

    @contextmanager
    def _short_transaction(self, pages: int = 64) -> Iterator[None]:
        """Write as `StoreFile.short_transaction` does, then checkpoint if the WAL has become long."""
        with self._file.short_transaction(pages):
            yield
        if self._file.wants_checkpoint:
            self._file.checkpoint()

    # ---- pruning -------------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Prevent pruning while the stored data is being read."""
        with self._pruning:
            self._readers += 1
        try:
            yield
        finally:
            with self._pruning:
                self._readers -= 1

    def _prune(self) -> None:
        """Delete what the policy no longer keeps, unless it is being read."""
        with self._pruning:
            if not self._readers:
                self._delete()

    def _delete(self) -> None:
        seq, keep = self._journal.seq, self._events_to_keep()
        oldest = seq
        with self._file.short_transaction():
            for model in self._models.by_name.values():
                for state in model.live:
                    oldest = min(oldest, self._snapshots.prune(state.id, seq, keep))
        self._journal.prune(min(oldest, seq - keep), self._short_transaction)
        self._ids.forget(seq - keep, partial(self._short_transaction, _PAGES_OF_IDS))
        self._snapshots.sweep(partial(self._short_transaction, _CHUNK_PAGES))

    def cut(self, until: int) -> None:
        """Delete journal and past states up to an event, after a snapshot that no longer needs them.

        What is deleted is overwritten too.
        """
        if self.snapshot() < until:
            return
        with self._turn, self._pruning, self._file.mutex:  # in the order of snapshot and its pruning
            if self._readers:
                return
            with self._file.overwriting():
                self._delete_until(until)
        self._file.checkpoint(truncate=True)

    def _delete_until(self, until: int) -> None:
        with self._file.transaction():
            for model in self._models.by_name.values():
                for state in model.live:
                    self._snapshots.remove_until(state.id, until)
        self._journal.prune(until, self._short_transaction)
        self._ids.forget(until, partial(self._short_transaction, _PAGES_OF_IDS))
        self._snapshots.sweep(partial(self._short_transaction, _CHUNK_PAGES))

    def _events_to_keep(self) -> int:
        """Return the number of events to keep, fewer than the policy's if the file is too large."""
        keep, used = self._policy.keep_events, self._file.used()
        if used <= self._policy.keep_bytes:
            return keep
        with self._file.mutex:
            there = self._journal.seq - max(self._journal.first() - 1, 0)
        return min(keep, int(there * 0.9 * self._policy.keep_bytes / used))

    def expire(self) -> None:
        """Delete predictions that have waited too long.

        The expiry time advances at most ``_PACE`` times as fast as this process's monotonic clock, so a clock that jumps ahead
        expires few predictions early.
        """
        now, tick = int(time.time() * 1000), time.monotonic()
        passed, self._ticked = tick - self._ticked, tick
        wanted = now - int(self._policy.keep_pending_s * 1000)
        until = min(wanted, self._expired_until + int(_PACE * 1000 * passed))
        if until > self._expired_until:
            self._expired_until = until
            self._ids.expire(until, partial(self._short_transaction, _PAGES_OF_IDS))
            with self._file.short_transaction():
                self._file.base.execute("REPLACE INTO meta VALUES ('expired_until', ?)", (until,))
        self.lapse(self._expired_until)

    def _load_expired(self) -> int:
        row = self._file.base.execute("SELECT value FROM meta WHERE key = 'expired_until'").fetchone()
        if row is not None and isinstance(row[0], int):
            return int(row[0])
        return int((time.time() - self._policy.keep_pending_s) * 1000)
