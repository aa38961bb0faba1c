"""The seal of a store: one row, written with each commit, that says what the tables hold after it.

A plain copy of an open store mixes pages of several moments, or lacks the commits that are still in the write-ahead log (WAL). The
tables of such a copy don't fit its seal, and it is refused instead of being opened as an older or a fresh learner.

While a process has the store, the seal says that it is open. A file that says so, with no log and no mark beside it, is a plain
copy, unless SQLite made it: SQLite gives a copy (``VACUUM INTO``, its backup API) a schema version of its own.
"""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path

import msgspec

from headwater.errors import StoreError

__all__ = ["SEALED", "Seal", "read_seal", "refuse_torn", "tables_of", "write_seal"]

SEALED = 4
"""The format of a store that has a seal."""
_KEY = "seal"
_ENDS = """SELECT
    coalesce((SELECT max(seq) FROM journal), 0),
    coalesce((SELECT max(seq) FROM snapshots), 0),
    coalesce((SELECT max(seq) FROM damaged), 0),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pending'), 0),
    coalesce((SELECT seq - n + 1 FROM journal ORDER BY seq LIMIT 1), 0)"""


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What a store holds.

    Parameters
    ----------
    seq, last_id
        The last event and the last id of a prediction that were given out.
    first, last
        The first and the last event of the journal; 0 for none.
    models, learners
        How many there are.
    names
        CRC-32 of their ids and names, and of which are champions.
    schema
        SQLite's schema version: that of the file in which the seal was written.
    open
        Whether a process has the store.
    """

    seq: int
    last_id: int
    first: int
    last: int
    models: int
    learners: int
    names: int
    schema: int
    open: bool


def tables_of(base: sqlite3.Connection, *, is_open: bool) -> Seal:
    """Return what the tables hold now, inside the caller's transaction if there is one."""
    last, newest, damaged, last_id, first = base.execute(_ENDS).fetchone()
    models = base.execute("SELECT id, name FROM models").fetchall()
    learners = base.execute("SELECT id, model, name, champion FROM learners").fetchall()
    return Seal(
        seq=max(last, newest, damaged),
        last_id=last_id,
        first=first,
        last=last,
        models=len(models),
        learners=len(learners),
        names=zlib.crc32(repr(sorted(map(repr, models + learners))).encode()),
        schema=base.execute("PRAGMA schema_version").fetchone()[0],
        open=is_open,
    )


def write_seal(base: sqlite3.Connection, seal: Seal) -> None:
    """Write the seal inside the caller's transaction; from the first one on the store is of a format that has one."""
    text = msgspec.json.encode(seal).decode()
    rows = [(_KEY, f"{text} {zlib.crc32(text.encode()):08x}"), ("format", SEALED)]
    base.executemany("REPLACE INTO meta VALUES (?, ?)", rows)


def read_seal(base: sqlite3.Connection) -> Seal | None:
    """Return the seal; None where there is none, as in a store of version 0.2.

    Raises
    ------
    ValueError
        If it is damaged, or missing from a store that must have one.
    """
    found = dict(base.execute("SELECT key, value FROM meta WHERE key IN (?, 'format')", (_KEY,)).fetchall())
    if _KEY not in found and found.get("format") != SEALED:
        return None
    text, _, crc = str(found.get(_KEY)).rpartition(" ")
    if crc != f"{zlib.crc32(text.encode()):08x}":
        raise ValueError("seal", "one that fits its checksum", text[:80])
    return msgspec.json.decode(text, type=Seal)


def refuse_torn(base: sqlite3.Connection, path: Path, *, alone: bool) -> None:
    """Refuse a store whose tables are not those that its last commit sealed.

    Parameters
    ----------
    base : sqlite3.Connection
        The store, opened for reading.
    path : Path
        Its file.
    alone : bool
        Whether neither a log nor a mark lies beside it.

    Raises
    ------
    StoreError
        If it is such a copy.
    """
    seal = read_seal(base)
    if seal is None:
        return
    found = tables_of(base, is_open=seal.open)
    if msgspec.structs.replace(found, schema=seal.schema) != seal:
        raise StoreError(
            expected=f"the tables that the last commit sealed: {_said(seal)}", got=_said(found), at=str(path), help=TORN
        )
    if seal.open and alone and found.schema == seal.schema:
        raise StoreError(
            expected="a store that was closed, or one with its log beside it",
            got="a plain copy of an open store, whose last commits may be missing",
            at=str(path),
            help=PLAIN_COPY,
        )


def _said(seal: Seal) -> str:
    models = f"{seal.models:,} models with {seal.learners:,} learners"
    return f"{models}, a journal of events {seal.first:,} to {seal.last:,}, {seal.seq:,} events given out"


TORN = (
    "It was copied while it was open, or it is damaged: take another backup. `headwater store backup FILE TO` makes one that is "
    "whole; `headwater store export FILE` saves the events of this one; `headwater store accept FILE` goes on from what is there."
)
PLAIN_COPY = (
    "Take another backup; `headwater store backup FILE TO` makes one that is whole. Or go on from what is there: "
    "`headwater store accept FILE`."
)
