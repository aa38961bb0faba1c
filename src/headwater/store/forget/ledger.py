"""The ledger of exports, which says where copies of a model's state went, so that they can be recalled."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from headwater.store.journal.database import check_tables, read_only, sound

__all__ = ["Export", "exports_after", "is_noted", "make_ledger", "note_export", "read_ledger"]

_SCHEMA = """CREATE TABLE IF NOT EXISTS exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT, t INTEGER NOT NULL, model TEXT NOT NULL, seq INTEGER NOT NULL, what TEXT NOT NULL,
    place TEXT NOT NULL, sha TEXT NOT NULL, recalled INTEGER NOT NULL DEFAULT 0)"""


class Export(msgspec.Struct, frozen=True):
    """A copy of a model's state that left the store.

    Parameters
    ----------
    id, t
        Its number, and its time in ms since 1970.
    model, seq
        The model, and the last event that the copy includes.
    what
        Its form (model file, page, ONNX, backup, replicas, past state).
    place
        Path, or address of the client that fetched it.
    sha
        SHA-256 of the bytes, "" where unknown.
    recalled
        Number of the forgetting that made it outdated, 0 if none did.
    """

    id: int
    t: int
    model: str
    seq: int
    what: str
    place: str
    sha: str
    recalled: int = 0


def make_ledger(base: sqlite3.Connection) -> None:
    """Create the table if missing, inside the caller's transaction."""
    base.execute(_SCHEMA)


def note_export(base: sqlite3.Connection, model: str, seq: int, what: str, place: str, sha: str) -> None:
    """Write an export down, inside the caller's transaction.

    It replaces an older one of the same form at the same place, unless that one has to be recalled.
    """
    make_ledger(base)
    base.execute(
        "DELETE FROM exports WHERE model = ? AND what = ? AND place = ? AND seq <= ? AND recalled = 0",
        (model, what, place, seq),
    )
    row = (int(time.time() * 1000), model, seq, what, place, sha)
    base.execute("INSERT INTO exports (t, model, seq, what, place, sha) VALUES (?, ?, ?, ?, ?, ?)", row)


def is_noted(base: sqlite3.Connection, model: str, seq: int, what: str, place: str) -> bool:
    """Return whether an export is written down already."""
    return any((one.model, one.seq, one.what, one.place) == (model, seq, what, place) for one in _all(base))


def exports_after(base: sqlite3.Connection, models: set[str], first: int) -> list[Export]:
    """Return the exports of models that include an event, and were not yet recalled."""
    return [
        one for one in _all(base) if (one.model in models or not one.model) and one.seq >= first and not one.recalled
    ]


def _all(base: sqlite3.Connection) -> list[Export]:
    if not base.execute("SELECT 1 FROM sqlite_master WHERE name = 'exports'").fetchone():
        return []
    query = "SELECT id, t, model, seq, what, place, sha, recalled FROM exports ORDER BY id"
    return [Export(*row) for row in base.execute(query)]


def read_ledger(path: Path) -> list[Export]:
    """Return all exports of a store, oldest first, without changing it."""
    with sound(str(path)), closing(read_only(path)) as base:
        check_tables(base, path)
        return _all(base)
