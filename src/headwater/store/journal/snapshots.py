"""Snapshots of learners (settings, arrays, metrics, and the journal sequence they include).

Arrays are stored as chunks, so a snapshot is written in many short transactions. Its manifest, written last, makes it valid.
A chunk that an earlier snapshot of the same generation already has is not written again, so the cost of a snapshot is
proportional to what changed. After `GENERATION` snapshots a new generation begins, which shares no chunk with earlier ones, so
that one damaged chunk never spoils all snapshots.

Retention keeps the newest ``KEEP`` snapshots and, of older ones within the kept journal, the first in each eighth of it. Any
sequence in the journal can therefore be restored from a snapshot not far before it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headwater.errors import HeadwaterError
from headwater.store.model_file import LearnerFormat, SavedModel

from .database import Transaction

KEEP = 3
GENERATION = 8
CHUNK = 256 * 1024
"""Bytes of one chunk of an array."""
_AT_ONCE = 4
"""Chunks written in one transaction."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A learner's state at a sequence, with its serialized metrics."""

    learner: Any
    scores: bytes
    seq: int


class _Manifest(msgspec.Struct, array_like=True):
    """The manifest of a snapshot (header as JSON, metrics, and each array's name, type, shape and chunks)."""

    header: str
    scores: bytes
    arrays: list[tuple[str, str, list[int], list[bytes]]]


_REACHED = """SELECT min(newest), (SELECT coalesce(max(t), 0) FROM snapshots)
    FROM (SELECT max(seq) AS newest FROM snapshots JOIN learners ON learners.id = learner GROUP BY learner)"""


_unpack = msgspec.msgpack.Decoder(_Manifest)


class Snapshots:
    """The tables ``snapshots``, ``snapshot_chunks`` and ``chunks`` of an open store.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    at : str
        Path of the file, for errors.
    learners : LearnerFormat
        How learners are serialized and rebuilt.
    """

    def __init__(self, base: sqlite3.Connection, at: str, learners: LearnerFormat) -> None:
        self._base, self._at, self.learners = base, at, learners

    def write(
        self,
        learner_id: int,
        seq: int,
        t: int,
        saved: SavedModel,
        scores: bytes,
        transaction: Transaction = nullcontext,
        relieve: Callable[[], object] = bool,
    ) -> None:
        """Write a snapshot.

        Parameters
        ----------
        learner_id, seq, t
            The learner, the last event included, and the time taken (ms since 1970).
        saved
            Serialized learner.
        scores
            Serialized metrics.
        transaction
            Begins each short transaction. By default all is written inside the caller's transaction.
        relieve
            Called between transactions.
        """
        with transaction():
            generation = self._generation(learner_id)
        manifest = _Manifest(json.dumps(saved.header), scores, [])
        numbers: list[int] = []
        for name, array in saved.arrays.items():
            whole = np.ascontiguousarray(array)
            shas = self._write_chunks(generation, whole, numbers, transaction, relieve)
            manifest.arrays.append((name, whole.dtype.str, list(whole.shape), shas))
        body = msgspec.msgpack.encode(manifest)
        row = (learner_id, seq, t, generation, body, _sha(learner_id, seq, generation, body))
        with transaction():
            self._forget(learner_id, [seq])
            self._base.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", row)
            rows = [(learner_id, seq, number) for number in sorted(set(numbers))]
            self._base.executemany("INSERT INTO snapshot_chunks VALUES (?, ?, ?)", rows)

    def newest(self, learner_id: int, until: int | None = None) -> Snapshot | None:
        """Return the newest sound snapshot at or before a sequence, skipping damaged ones."""
        return next(self.sound(learner_id, until), None)

    def sound(self, learner_id: int, until: int | None = None) -> Iterator[Snapshot]:
        """Yield the sound snapshots at or before a sequence, newest first."""
        for seq in reversed(self.sequences(learner_id)):
            if until is not None and seq > until:
                continue
            snapshot = self._read(learner_id, seq)
            if snapshot is not None:
                yield snapshot

    def sequences(self, learner_id: int) -> list[int]:
        """Return the sequences of a learner's snapshots, oldest first."""
        rows = self._base.execute("SELECT seq FROM snapshots WHERE learner = ? ORDER BY seq", (learner_id,))
        return list(map(itemgetter(0), rows))

    def prune(self, learner_id: int, last: int, events: int) -> int:
        """Delete the snapshots outside the retention rule and return the oldest kept sequence.

        Runs inside the caller's transaction. The chunks stay until `sweep`.

        Parameters
        ----------
        learner_id : int
            Id of the learner.
        last : int
            Number of the last event.
        events : int
            Number of events that the journal keeps.
        """
        seqs = self.sequences(learner_id)
        keep = kept(seqs, last, events)
        self._forget(learner_id, [seq for seq in seqs if seq not in keep])
        return min(keep, default=last)

    def remove(self, learner_id: int) -> None:
        """Delete all snapshots of a learner, inside the caller's transaction."""
        self._forget(learner_id, self.sequences(learner_id))

    def remove_from(self, learner_id: int, first: int) -> None:
        """Delete a learner's snapshots from an event on, inside the caller's transaction."""
        self._forget(learner_id, [seq for seq in self.sequences(learner_id) if seq >= first])

    def remove_until(self, learner_id: int, until: int) -> None:
        """Delete a learner's snapshots before an event but the newest, inside the caller's transaction."""
        self._forget(learner_id, [seq for seq in self.sequences(learner_id)[:-1] if seq < until])

    def sweep(self, transaction: Transaction) -> None:
        """Delete chunks that no snapshot references, in short transactions."""
        with transaction():
            query = "SELECT id FROM chunks WHERE NOT EXISTS (SELECT 1 FROM snapshot_chunks WHERE chunk = chunks.id)"
            gone = self._base.execute(query).fetchall()
        for i in range(0, len(gone), _AT_ONCE):
            with transaction():
                self._base.executemany("DELETE FROM chunks WHERE id = ?", gone[i : i + _AT_ONCE])

    def _forget(self, learner_id: int, seqs: list[int]) -> None:
        which = [(learner_id, seq) for seq in seqs]
        self._base.executemany("DELETE FROM snapshots WHERE learner = ? AND seq = ?", which)
        self._base.executemany("DELETE FROM snapshot_chunks WHERE learner = ? AND seq = ?", which)

    def reached(self) -> tuple[int | None, float]:
        """Return the event that the newest snapshots of all learners include, and when the last one was taken.

        None if there is no snapshot, and 0 in place of the seconds since 1970.
        """
        seq, t = self._base.execute(_REACHED).fetchone()
        return seq, t / 1000

    def _generation(self, learner_id: int) -> int:
        """Return the generation of a learner's next snapshot. Learners never share one."""
        query = "SELECT generation FROM snapshots WHERE learner = ? ORDER BY seq DESC LIMIT 1"
        row = self._base.execute(query, (learner_id,)).fetchone()
        if row is not None:
            query = "SELECT written FROM generations WHERE id = ?"
            written = self._base.execute(query, row).fetchone()
            if written is not None and written[0] < GENERATION:
                self._base.execute("UPDATE generations SET written = written + 1 WHERE id = ?", row)
                return int(row[0])
        return int(self._base.execute("INSERT INTO generations (written) VALUES (1)").lastrowid or 0)

    def _write_chunks(
        self,
        generation: int,
        array: NDArray[Any],
        numbers: list[int],
        transaction: Transaction,
        relieve: Callable[[], object],
    ) -> list[bytes]:
        """Write the missing chunks of an array, append all chunk numbers, and return the hashes."""
        data = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type, unused-ignore]  # a buffer
        pieces = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
        shas = [hashlib.sha256(piece).digest() for piece in pieces]
        for i in range(0, len(pieces), _AT_ONCE):
            with transaction():
                for sha, piece in zip(shas[i : i + _AT_ONCE], pieces[i : i + _AT_ONCE], strict=True):
                    numbers.append(self._chunk(generation, sha, piece))
            relieve()
        return shas

    def _chunk(self, generation: int, sha: bytes, piece: memoryview) -> int:
        query = "SELECT id FROM chunks WHERE generation = ? AND sha = ?"
        row = self._base.execute(query, (generation, sha)).fetchone()
        if row is not None:
            return int(row[0])
        new = "INSERT INTO chunks (generation, sha, body) VALUES (?, ?, ?)"
        return int(self._base.execute(new, (generation, sha, piece)).lastrowid or 0)

    def _read(self, learner_id: int, seq: int) -> Snapshot | None:
        query = "SELECT generation, body, sha FROM snapshots WHERE learner = ? AND seq = ?"
        try:
            generation, body, sha = self._base.execute(query, (learner_id, seq)).fetchone()
            if _sha(learner_id, seq, generation, body) != sha:
                return None
            manifest = _unpack.decode(body)
            arrays = self._arrays(generation, manifest.arrays)
            saved = SavedModel(json.loads(manifest.header), arrays)
            return Snapshot(self.learners.unpack(saved, self._at), manifest.scores, seq)
        except (sqlite3.Error, HeadwaterError, TypeError, ValueError, OverflowError, AttributeError):
            return None

    def _arrays(
        self, generation: int, listed: list[tuple[str, str, list[int], list[bytes]]]
    ) -> dict[str, NDArray[Any]]:
        """Return arrays, each joined from its chunks, after checking these."""
        query, arrays = "SELECT body FROM chunks WHERE generation = ? AND sha = ?", {}
        for name, dtype, shape, shas in listed:
            data = bytearray()
            for sha in shas:
                (body,) = self._base.execute(query, (generation, sha)).fetchone()
                if hashlib.sha256(body).digest() != sha:
                    raise ValueError("chunk", sha.hex(), "another content")
                data += body
            arrays[name] = np.frombuffer(data, dtype).reshape(shape)
        return arrays


def kept(seqs: list[int], last: int, events: int) -> set[int]:
    """Return the snapshots that the retention rule keeps.

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


def _sha(learner_id: int, seq: int, generation: int, body: bytes) -> bytes:
    return hashlib.sha256(b"%d %d %d %d " % (learner_id, seq, generation, len(body)) + body).digest()


__all__ = ["CHUNK", "GENERATION", "KEEP", "Snapshot", "Snapshots", "kept"]
