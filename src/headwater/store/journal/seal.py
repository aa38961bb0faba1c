"""The seal of a store, one row written with each commit that summarizes the tables.

A plain file copy of an open store mixes pages of several moments, or lacks the commits that are still in the write-ahead log
(WAL). The tables of such a copy don't match its seal, so it is rejected instead of opened as an older or new learner.

While a process has the store open, the seal says so. A file marked as open, without a log or a mark next to it, is a plain copy,
unless SQLite made it. SQLite gives its copies (``VACUUM INTO``, the backup API) a schema version of their own.
"""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path

import msgspec

from headwater.errors import StoreError, counted

__all__ = [
    "PUT_SEAL",
    "SEALED",
    "SEALED_AS",
    "SEAL_KEY",
    "Seal",
    "ends",
    "read_seal",
    "refuse_torn",
    "tables_of",
    "write_seal",
]

SEALED = 4
"""Format of stores that have a seal."""
SEAL_KEY = "seal"
"""Key of the row of ``meta`` that holds the seal."""
_ENDS = """SELECT
    max(last, coalesce((SELECT max(seq) FROM snapshots), 0), coalesce((SELECT max(seq) FROM damaged), 0)),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pending'), 0),
    coalesce((SELECT seq - n + 1 FROM journal ORDER BY seq LIMIT 1), 0),
    last
    FROM (SELECT coalesce(max(seq), 0) AS last FROM journal)"""
"""The fields ``seq``, ``last_id``, ``first`` and ``last`` of a `Seal`."""

PUT_SEAL = "REPLACE INTO meta VALUES (?, ?)"
SEALED_AS = "{} {:08x}".format
"""Returns the text of that row from a seal as JSON and its CRC-32."""


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """Summary of a store's contents.

    Parameters
    ----------
    seq, last_id
        Last acknowledged event and last issued prediction id.
    first, last
        First and last event of the journal, 0 if empty.
    models, learners
        Number of models and learners.
    names
        CRC-32 over their ids, names and champion flags, which are paused, and the numbers of skipped events.
    schema
        SQLite's schema version of the file in which the seal was written.
    open
        Whether a process has the store open.
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


def ends(base: sqlite3.Connection) -> tuple[int, int]:
    """Return the last event that a store knows of, and the last prediction id it issued."""
    seq, last_id, _, _ = base.execute(_ENDS).fetchone()
    return seq, last_id


def tables_of(base: sqlite3.Connection, *, is_open: bool) -> Seal:
    """Return the summary of the tables' current contents, inside the caller's transaction if there is one."""
    seq, last_id, first, last = base.execute(_ENDS).fetchone()
    models = base.execute("SELECT id, name FROM models").fetchall()
    paused = base.execute("SELECT id, paused FROM models WHERE paused != 0").fetchall()
    learners = base.execute("SELECT id, model, name, champion FROM learners").fetchall()
    skipped = base.execute("SELECT seq FROM skipped").fetchall()
    return Seal(
        seq=seq,
        last_id=last_id,
        first=first,
        last=last,
        models=len(models),
        learners=len(learners),
        names=zlib.crc32(repr(sorted(map(repr, models + learners + paused + skipped))).encode()),
        schema=base.execute("PRAGMA schema_version").fetchone()[0],
        open=is_open,
    )


def write_seal(base: sqlite3.Connection, before: Seal | None = None, *, is_open: bool = True) -> Seal:
    """Write the seal of the tables inside the caller's transaction, if it changed, and return it.

    The first seal upgrades the store's format. Later ones need not say it again.

    Parameters
    ----------
    base : sqlite3.Connection
        The store.
    before : Seal, optional
        The seal of the last commit.
    is_open : bool
        Whether a process has the store open.
    """
    seal = tables_of(base, is_open=is_open)
    if seal != before:
        text = msgspec.json.encode(seal)
        base.execute(PUT_SEAL, (SEAL_KEY, SEALED_AS(text.decode(), zlib.crc32(text))))
    if before is None:
        base.execute(PUT_SEAL, ("format", SEALED))
    return seal


def read_seal(base: sqlite3.Connection) -> Seal | None:
    """Return the seal, or None if there is none, as in a store of version 0.2.

    Raises
    ------
    ValueError
        If the seal is damaged, or missing from a store that must have one.
    """
    found = dict(base.execute("SELECT key, value FROM meta WHERE key IN (?, 'format')", (SEAL_KEY,)).fetchall())
    if SEAL_KEY not in found and found.get("format") != SEALED:
        return None
    text, _, crc = str(found.get(SEAL_KEY)).rpartition(" ")
    if crc != f"{zlib.crc32(text.encode()):08x}":
        raise ValueError("seal", "one that fits its checksum", text[:80])
    return msgspec.json.decode(text, type=Seal)


def refuse_torn(base: sqlite3.Connection, path: Path, *, alone: bool) -> Seal | None:
    """Return the seal of a store's last commit, or raise StoreError if its tables don't match it.

    Parameters
    ----------
    base : sqlite3.Connection
        The store, opened for reading.
    path : Path
        Its file.
    alone : bool
        Whether the file has neither a log nor a mark next to it.

    Raises
    ------
    StoreError
        If the file is a plain copy of an open store, or damaged.
    """
    seal = read_seal(base)
    if seal is None:
        return None
    found = tables_of(base, is_open=seal.open)
    if msgspec.structs.replace(found, schema=seal.schema) != seal:
        raise StoreError(
            expected=f"the tables that the last commit sealed: {_said(seal)}", got=_said(found), at=str(path), help=TORN
        )
    if seal.open and alone and found.schema == seal.schema:
        raise StoreError(
            expected="a closed store, or an open one together with its log",
            got="a plain copy of an open store, whose last commits may be missing",
            at=str(path),
            help=PLAIN_COPY,
        )
    return seal


def _said(seal: Seal) -> str:
    models = f"{counted(seal.models, 'model')} with {counted(seal.learners, 'learner')}"
    return f"{models}, a journal of events {seal.first:,} to {seal.last:,}, {counted(seal.seq, 'event')} acknowledged"


TORN = (
    "It was copied while it was open, or it is damaged. Take another backup with `headwater store backup FILE TO`. "
    "`headwater store export FILE` saves the events of this one, `headwater store accept FILE` continues from what is there."
)
PLAIN_COPY = (
    "Take another backup with `headwater store backup FILE TO`, or continue from what is there with "
    "`headwater store accept FILE`."
)
