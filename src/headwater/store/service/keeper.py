"""What is kept, beside the commits: snapshots, pruning, expiry and checkpoints, each in short turns between requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from headwater.errors import StoreError
from headwater.store.journal.database import sound
from headwater.store.journal.entries import Journal
from headwater.store.journal.requests import Ids
from headwater.store.journal.snapshots import Snapshots
from headwater.store.journal.store_file import StoreFile

from .learner_state import LearnerState
from .model import Model
from .models import Models
from .policy import RetentionPolicy

__all__ = ["Keeper"]

_CHUNK_PAGES = 264
"""Pages of four chunks of a snapshot, written or removed."""
_PAGES_OF_IDS = 512
"""Pages that forgetting 256 ids changes, at most: each may stand on a page of its own, in the table and in its index."""
_YIELD_S = 0.001
"""Seconds between two pieces of a learner's copy, for others to run."""
_PACE = 2.0
"""How much faster than the time that truly passes predictions may expire: all a clock that jumps ahead can do."""


class Keeper:
    """Keeps a store small and its start short. All it does can be made again from the journal, so a failure stops nothing.

    Parameters
    ----------
    file : StoreFile
        The open file.
    models, journal, snapshots, ids
        What is in it.
    policy : RetentionPolicy
        What is kept.
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
        """Why the last snapshot, or the pruning behind it, did not succeed; None where it did."""
        self.snapshot_seq = models.oldest()
        """The event that the newest snapshots include."""
        self.snapshot_at = 0.0
        self.learners_sound = True
        """False once a learner failed half way through an event: its state is not to be kept."""
        self._ticked = time.monotonic()
        self._expired_until = self._load_expired()

    # ---- snapshots -----------------------------------------------------------------------------------------------------

    def is_due(self) -> bool:
        """Say whether it is time for snapshots, or for a checkpoint."""
        events = self._journal.seq - self.snapshot_seq
        return events >= self._policy.snapshot_every or self._file.wants_checkpoint

    def work(self) -> None:
        """Do what is due: snapshots, expiry, a checkpoint. A failure is noted in ``failure``, and tried again next time."""
        if self.learners_sound and self._journal.seq - self.snapshot_seq >= self._policy.snapshot_every:
            self.snapshot()
        try:
            self.expire()
        except StoreError as error:
            self.failure = error
        if self._file.wants_checkpoint:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Bring the WAL into the main file; a failure is noted, and it is tried again next time."""
        try:
            self._file.checkpoint()
        except StoreError as error:
            self.failure = error

    def snapshot(self) -> int:
        """Write a snapshot of every learner, prune by the policy, and return the sequence that they include."""
        with self._turn:
            if not self.learners_sound:
                return self.snapshot_seq
            try:
                with sound(self._file.at):
                    taken = [
                        self._take(model, state)
                        for model in list(self._models.by_name.values())
                        for state in list(model.learners)
                    ]
                    self.snapshot_seq, self.snapshot_at = min(taken, default=self._journal.seq), time.time()
                    self._prune()
            except StoreError as error:
                self.failure = error
            except MemoryError:
                self.failure = StoreError(
                    expected="memory for a copy of the learner",
                    got="none",
                    at=self._file.at,
                    help="Learning goes on; give the process more memory, or make the model smaller.",
                )
            else:
                self.failure = None
            return self.snapshot_seq

    def _take(self, model: Model, state: LearnerState) -> int:
        """Write a snapshot of one learner; return its sequence. Requests wait for the last turn of the copy alone."""
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
        return seq

    @contextmanager
    def _short_transaction(self, pages: int = 64) -> Iterator[None]:
        """Write as `StoreFile.short_transaction` does, and bring the WAL into the main file where it has become long."""
        with self._file.short_transaction(pages):
            yield
        if self._file.wants_checkpoint:
            self._file.checkpoint()

    # ---- pruning -------------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let nothing be pruned while somebody reads what is kept."""
        with self._pruning:
            self._readers += 1
        try:
            yield
        finally:
            with self._pruning:
                self._readers -= 1

    def _prune(self) -> None:
        """Delete what the policy no longer keeps; the next time, while somebody reads it."""
        with self._pruning:
            if not self._readers:
                self._delete()

    def _delete(self) -> None:
        seq, keep = self._journal.seq, self._events_to_keep()
        oldest = seq
        with self._file.short_transaction():
            for model in self._models.by_name.values():
                for state in model.learners:
                    oldest = min(oldest, self._snapshots.prune(state.id, seq, keep))
        self._journal.prune(min(oldest, seq - keep), self._short_transaction)
        self._ids.forget(seq - keep, partial(self._short_transaction, _PAGES_OF_IDS))
        self._snapshots.sweep(partial(self._short_transaction, _CHUNK_PAGES))

    def _events_to_keep(self) -> int:
        """Return how many events are kept: as the policy says, and fewer where they take too much room."""
        keep, used = self._policy.keep_events, self._file.used()
        if used <= self._policy.keep_bytes:
            return keep
        with self._file.mutex:
            there = self._journal.seq - max(self._journal.first() - 1, 0)
        return min(keep, int(there * 0.9 * self._policy.keep_bytes / used))

    def expire(self) -> None:
        """Let predictions that have waited too long go.

        A clock that jumps ahead lets few go before their time: what has expired moves on at most ``_PACE`` times as fast as
        the time that this process has truly seen.
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

    def _load_expired(self) -> int:
        row = self._file.base.execute("SELECT value FROM meta WHERE key = 'expired_until'").fetchone()
        if row is not None and isinstance(row[0], int):
            return int(row[0])
        return int((time.time() - self._policy.keep_pending_s) * 1000)
