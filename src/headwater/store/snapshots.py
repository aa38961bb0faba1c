"""Snapshots of learners: the model file's bytes, the scores, and the journal sequence they include; kept by a stated rule.

Kept are the newest ``KEEP``, and of older ones within the kept journal the first of each eighth of it, so that any sequence
in the journal can be restored from a snapshot that is not far before it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.errors import HeadwaterError

from .format import from_bytes, to_bytes

KEEP = 3


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A learner as it stood at a sequence, with its scores as bytes."""

    learner: Any
    scores: bytes
    seq: int


class Snapshots:
    """The table ``snapshots`` of an open store.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    at : str
        Its path, for errors.
    """

    def __init__(self, base: sqlite3.Connection, at: str) -> None:
        self._base, self._at = base, at

    def write(self, learner_id: int, seq: int, t: int, learner: Any, scores: bytes) -> None:
        """Write one, inside the caller's transaction."""
        body = to_bytes(learner)
        row = (learner_id, seq, t, body, scores, _sha(seq, body, scores))
        self._base.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", row)

    def newest(self, learner_id: int, until: int | None = None) -> Snapshot | None:
        """Return the newest sound one at or before a sequence; a damaged one falls back to the one before."""
        return next(self.sound(learner_id, until), None)

    def sound(self, learner_id: int, until: int | None = None) -> Iterator[Snapshot]:
        """Yield the sound ones at or before a sequence, the newest first."""
        for seq in reversed(self.sequences(learner_id)):
            if until is not None and seq > until:
                continue
            snapshot = self._read(learner_id, seq)
            if snapshot is not None:
                yield snapshot

    def sequences(self, learner_id: int) -> list[int]:
        """Return the sequences of a learner's snapshots, the oldest first."""
        rows = self._base.execute("SELECT seq FROM snapshots WHERE learner = ? ORDER BY seq", (learner_id,))
        return [seq for (seq,) in rows]

    def prune(self, learner_id: int, last: int, events: int) -> int:
        """Delete those that the rule does not keep, inside the caller's transaction; return the oldest kept sequence.

        Parameters
        ----------
        learner_id : int
            Whose.
        last : int
            The number of the last event.
        events : int
            How many events the journal keeps.
        """
        seqs = self.sequences(learner_id)
        keep = kept(seqs, last, events)
        gone = [(learner_id, seq) for seq in seqs if seq not in keep]
        self._base.executemany("DELETE FROM snapshots WHERE learner = ? AND seq = ?", gone)
        return min(keep, default=last)

    def _read(self, learner_id: int, seq: int) -> Snapshot | None:
        query = "SELECT body, scores, sha FROM snapshots WHERE learner = ? AND seq = ?"
        try:
            body, scores, sha = self._base.execute(query, (learner_id, seq)).fetchone()
            if _sha(seq, body, scores) != sha:
                return None
            return Snapshot(from_bytes(body, self._at), scores, seq)
        except (sqlite3.DatabaseError, HeadwaterError, TypeError):
            return None


def kept(seqs: list[int], last: int, events: int) -> set[int]:
    """Return which snapshots the rule keeps.

    Examples
    --------
    >>> sorted(kept(list(range(0, 100, 5)), last=99, events=40))
    [55, 60, 65, 70, 75, 80, 85, 90, 95]
    """
    floor = last - events
    keep = set(seqs[-KEEP:])
    keep.add(max((seq for seq in seqs if seq <= floor), default=min(seqs, default=last)))
    step, filled = max(events // 8, 1), set()
    for seq in seqs:
        if seq > floor and seq // step not in filled:
            filled.add(seq // step)
            keep.add(seq)
    return keep


def fingerprint(learner: Any) -> str:
    """Return a hash of everything that a learner has learned: equal for two learners only if they go on alike, to the bit.

    Examples
    --------
    >>> import headwater as hw
    >>> (
    ...     fingerprint(hw.Regressor()) == fingerprint(hw.Regressor()),
    ...     fingerprint(hw.Regressor(seed=1)) == fingerprint(hw.Regressor()),
    ... )
    (True, False)
    """
    data = to_bytes(learner)
    size = int.from_bytes(data[:8], "little")
    about = json.loads(
        json.loads(data[8 : 8 + size])["__metadata__"]["headwater"]
    )  # names, counts, a digest of all arrays
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _sha(seq: int, body: bytes, scores: bytes) -> bytes:
    return hashlib.sha256(b"%d %d " % (seq, len(body)) + body + scores).digest()


__all__ = ["KEEP", "Snapshot", "Snapshots", "fingerprint", "kept"]
