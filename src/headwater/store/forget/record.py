"""What a forgetting did or would do, and the record that the store keeps of it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from headwater.errors import counted
from headwater.store.model_file import SavedModel

from .ledger import Export

__all__ = [
    "Forgetting",
    "Forgotten",
    "applied",
    "digest_of",
    "make_records",
    "ranges_of",
    "read_records",
    "rows_in",
    "write_record",
]

_SCHEMA = """CREATE TABLE IF NOT EXISTS forgotten (
    id INTEGER PRIMARY KEY AUTOINCREMENT, t INTEGER NOT NULL, seq INTEGER NOT NULL, rows INTEGER NOT NULL, reason TEXT NOT NULL,
    entry TEXT NOT NULL, body BLOB NOT NULL)"""


class Forgotten(msgspec.Struct, kw_only=True):
    """A forgetting that was carried out, without any content.

    Parameters
    ----------
    id, t
        Its number, and its time in ms since 1970.
    seq
        Its own place in the journal.
    rows
        Number of events forgotten.
    reason
        The reason that was given.
    entry
        Id of its entry in the forget list.
    ranges
        First and last number of each run of forgotten events.
    proof
        SHA-256 of each learner's state afterwards, by the learner's number.
    cleared
        What else was removed, by table.
    """

    id: int = 0
    t: int = 0
    seq: int = 0
    rows: int = 0
    reason: str = ""
    entry: str = ""
    ranges: list[tuple[int, int]] = []
    proof: dict[int, str] = {}
    cleared: dict[str, int] = {}

    @property
    def first(self) -> int:
        """Number of the first event forgotten, 0 if there was none."""
        return self.ranges[0][0] if self.ranges else 0


class _Body(msgspec.Struct, array_like=True):
    ranges: list[tuple[int, int]]
    proof: dict[int, str]
    cleared: dict[str, int]


_unpack = msgspec.msgpack.Decoder(_Body)


@dataclass(frozen=True)
class Forgetting:
    """What a forgetting did, or with ``dry_run`` would do.

    Parameters
    ----------
    number : int
        Number of the forgetting in the store, 0 for a dry run.
    rows, first, last : int
        Number of events found, and the first and last of them.
    replay : int
        Events that are learned again.
    seconds : float
        How long that took, or will take by a trial on the first rows.
    snapshots : int
        Past states that are written anew.
    cleared : dict
        What else is removed, by table (predictions that wait for labels, waiting rows of brokers, rejected and outgoing messages).
    exports : list of Export
        Copies that include such a row, to be recalled by whoever handed them out.
    absent : list of str
        Numbers and ids that no event in the journal has.
    unsearched : int
        Events before the kept journal. Whether they held such rows can't be told, and what they taught can't be taken out.
    cannot : list of str
        Reasons why these rows can't be forgotten exactly. If there is one, nothing is changed.
    """

    number: int = 0
    rows: int = 0
    first: int = 0
    last: int = 0
    replay: int = 0
    seconds: float = 0.0
    snapshots: int = 0
    cleared: dict[str, int] = field(default_factory=dict)
    exports: list[Export] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unsearched: int = 0
    cannot: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Return what there is to say, one sentence each."""
        done = bool(self.number)
        where = f", events {self.first:,} to {self.last:,}" if self.rows else ""
        verb = "forgotten" if done else "found"
        said = [f"{counted(self.rows, 'row')} {verb}{where}."]
        if self.rows:
            took = f"in {self.seconds:.1f} s" if done else f"which takes about {self.seconds:.1f} s"
            said.append(f"{self.replay:,} events {'were' if done else 'are'} learned again, {took}.")
        said += [f"{n:,} {_OTHERS[table]} {'removed' if done else 'to remove'}." for table, n in self.cleared.items()]
        said += [f"Recall: {one.what} of event {one.seq:,} at {one.place}." for one in self.exports]
        if self.absent:
            said.append(f"Not in the journal: {', '.join(self.absent)}.")
        if self.unsearched:
            said.append(
                f"{counted(self.unsearched, 'event')} before the kept journal can't be searched, nor what they taught be taken out."
            )
        return said + self.cannot


_OTHERS = {
    "pending": "predictions waiting for a label",
    "joins": "rows or labels waiting for their other half",
    "rejects": "rejected messages",
    "outbox": "outgoing messages",
    "damaged": "damaged entries",
}


def make_records(base: sqlite3.Connection) -> None:
    """Create the table if missing, inside the caller's transaction."""
    base.execute(_SCHEMA)


def write_record(base: sqlite3.Connection, record: Forgotten) -> int:
    """Write a record inside the caller's transaction and return its number."""
    make_records(base)
    body = msgspec.msgpack.encode(_Body(record.ranges, record.proof, record.cleared))
    row = (record.t, record.seq, record.rows, record.reason, record.entry, body)
    new = "INSERT INTO forgotten (t, seq, rows, reason, entry, body) VALUES (?, ?, ?, ?, ?, ?)"
    return int(base.execute(new, row).lastrowid or 0)


def read_records(base: sqlite3.Connection) -> list[Forgotten]:
    """Return the records of a store, oldest first."""
    if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'forgotten'").fetchone():
        return []
    out = []
    for id_, t, seq, rows, reason, entry, packed in base.execute(
        "SELECT id, t, seq, rows, reason, entry, body FROM forgotten ORDER BY id"
    ):
        body = _unpack.decode(packed)
        how: dict[str, Any] = {"ranges": body.ranges, "proof": body.proof, "cleared": body.cleared}
        out.append(Forgotten(id=id_, t=t, seq=seq, rows=rows, reason=reason, entry=entry, **how))
    return out


def applied(base: sqlite3.Connection) -> set[str]:
    """Return the entries of the forget list that a store has carried out."""
    return {record.entry for record in read_records(base)}


def ranges_of(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return runs of consecutive numbers.

    Examples
    --------
    >>> ranges_of([3, 4, 5, 9])
    [(3, 5), (9, 9)]
    """
    out: list[tuple[int, int]] = []
    for row in sorted(rows):
        if out and row == out[-1][1] + 1:
            out[-1] = (out[-1][0], row)
        else:
            out.append((row, row))
    return out


def rows_in(ranges: Iterable[tuple[int, int]]) -> Iterable[int]:
    """Yield the numbers of runs."""
    for first, last in ranges:
        yield from range(first, last + 1)


def digest_of(saved: SavedModel, scores: bytes) -> str:
    """Return the SHA-256 of a learner's state and its metrics."""
    total = hashlib.sha256(json.dumps(saved.header, sort_keys=True).encode())
    for name, array in sorted(saved.arrays.items()):
        whole = np.ascontiguousarray(array)
        total.update(f"{name} {whole.dtype.str} {whole.shape} ".encode() + whole.tobytes())
    total.update(_in_order(scores))
    return total.hexdigest()


def _in_order(scores: bytes) -> bytes:
    """Return metrics with the names of each mapping in order, since how rows were cut into blocks may order them otherwise."""
    try:
        return msgspec.msgpack.encode(msgspec.msgpack.decode(scores), order="deterministic")
    except (msgspec.MsgspecError, ValueError, TypeError):  # metrics of somebody's own kind
        return scores
