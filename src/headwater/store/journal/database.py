"""Open the SQLite file of a store, check its tables, and translate its errors.

Stores use WAL mode with ``synchronous=FULL``. A commit returns after fsync, so committed data survives a power cut. The tables are
created before WAL mode is entered, so the main file of a store always has them. A store is first checked through a read-only
connection, because SQLite takes a damaged WAL for a short one, and would delete the rest on close.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import quote

import msgspec

from headwater.errors import ConfigError, HeadwaterError, StoreError
from headwater.store.ownership import OwnedFile

from .checkpoint_mark import mark_path, read_mark
from .seal import SEALED, Seal, ends, refuse_torn, write_seal
from .wal import read_frames

Transaction: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Context manager factory that begins a transaction and commits it at the end."""

FORMAT = SEALED
_UNSEALED = 3
"""Format of version 0.2, whose stores have no seal yet. The first commit upgrades it to 4."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, paused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE learners (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, name TEXT NOT NULL, champion INTEGER NOT NULL,
    UNIQUE (model, name));
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, model INTEGER NOT NULL, t INTEGER NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE pending (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, t INTEGER NOT NULL, body BLOB NOT NULL, crc INTEGER);
CREATE INDEX pending_t ON pending (t);
CREATE TABLE seen (
    model INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, digest INTEGER NOT NULL,
    PRIMARY KEY (model, id)) WITHOUT ROWID;
CREATE INDEX seen_seq ON seen (seq);
CREATE TABLE generations (id INTEGER PRIMARY KEY AUTOINCREMENT, written INTEGER NOT NULL);
CREATE TABLE snapshots (
    learner INTEGER NOT NULL, seq INTEGER NOT NULL, t INTEGER NOT NULL, generation INTEGER NOT NULL, body BLOB NOT NULL,
    sha BLOB NOT NULL, PRIMARY KEY (learner, seq));
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, sha BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (generation, sha));
CREATE TABLE snapshot_chunks (
    learner INTEGER NOT NULL, seq INTEGER NOT NULL, chunk INTEGER NOT NULL, PRIMARY KEY (learner, seq, chunk)) WITHOUT ROWID;
CREATE INDEX snapshot_chunks_chunk ON snapshot_chunks (chunk);
CREATE TABLE damaged (seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, t INTEGER NOT NULL, body BLOB);
CREATE TABLE skipped (seq INTEGER PRIMARY KEY, t INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE history (model INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""
"""``journal.seq`` is the number of an entry's last event, ``n`` its number of events, and t the time in ms since 1970. ``damaged``
holds entries that were set aside, ``skipped`` events that no learner can learn and that a command excluded. ``history`` is the
history that the page plots. Learning never reads it. ``pending.crc`` is NULL in rows of version 0.2."""
TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", SCHEMA))

MS_TO_WAIT = 2000  # for a reader such as a backup, before the store counts as in use
_CHECKPOINT = 65_536
"""Pages (256 MB) of WAL after which SQLite itself checkpoints, blocking the writer. `Maintenance` checkpoints earlier."""

_ID_BYTES = 8
"""Random bytes of a store's id. The chance that any two of a million stores share one is 1 in 37 million."""

_WAL_LEFT = 16 << 20
"""Bytes of WAL that stay on disk after a restart of the WAL."""


class Connected(NamedTuple):
    """An open store's connection in autocommit mode, the seal of its last commit, and its id.

    A store of version 0.2 has no seal yet, and that of one opened with ``accept`` isn't looked at.
    """

    base: sqlite3.Connection
    seal: Seal | None
    id: str


def connect(owned: OwnedFile, *, create: bool = True, accept: bool = False) -> Connected:
    """Open an owned file for writing, creating the tables in a new one.

    Parameters
    ----------
    owned : OwnedFile
        The store's file.
    create : bool
        Whether to create a new store in an empty file.
    accept : bool
        Whether to open a store whose journal ends before the last acknowledged event.

    Returns
    -------
    Connected
        Use ``transaction`` to begin and end transactions on its connection.

    Raises
    ------
    StoreError
        If it is not a store, has another version, or has lost acknowledged events.
    """
    path = owned.path
    with sound(str(path)):
        new = path.stat().st_size == 0
        if new:
            _refuse_emptied(path, create)
        seal = None if new else _look(path, accept)
        wait = MS_TO_WAIT / 1000
        base = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False, cached_statements=64)
        try:
            if new:
                seal = _create(base, path)
            return Connected(base, seal, _prepare(base))
        except BaseException:
            base.close()
            raise


def _look(path: Path, accept: bool) -> Seal | None:
    """Return a store's seal, or raise StoreError if a file is no store or lost acknowledged events. Nothing is written."""
    with closing(read_only(path)) as base:
        check_tables(base, path)
        return None if accept else refuse_unfit(base, path)


def refuse_unfit(base: sqlite3.Connection, path: Path) -> Seal | None:
    """Return a store's seal, or raise StoreError if it lacks acknowledged events, or mixes tables of several moments.

    Raises
    ------
    StoreError
        Names the problem and the way out.
    """
    mark = read_mark(path)
    refuse_lost(base, path, mark)
    wal = path.with_name(f"{path.name}-wal")
    logged = wal.exists() and wal.stat().st_size > 0
    base.execute("BEGIN")  # read seal and tables in one snapshot, even while this process writes
    try:
        return refuse_torn(base, path, alone=not logged and mark is None)
    finally:
        base.execute("ROLLBACK")


def read_only(path: Path) -> sqlite3.Connection:
    """Open a store's file read-only, leaving the file and its WAL unchanged."""
    address = f"file:{quote(str(path))}?mode=ro"
    base = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    try:
        base.execute("PRAGMA trusted_schema=OFF")
        base.execute("PRAGMA cell_size_check=ON")
    except BaseException:
        base.close()
        raise
    return base


def check_tables(base: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError if a database is not a store, or has another version.

    Raises
    ------
    StoreError
        If the tables or the format don't match.
    """
    tables = set(map(itemgetter(0), base.execute("SELECT name FROM sqlite_master WHERE type='table'")))
    if not tables & TABLES:
        raise StoreError(
            expected="a store of headwater", got="another database", at=str(path), help="Choose another path."
        )
    row = base.execute("SELECT value FROM meta WHERE key='format'").fetchone() if "meta" in tables else None
    if row is not None and row[0] not in (FORMAT, _UNSEALED):
        later = isinstance(row[0], int) and row[0] > FORMAT
        raise StoreError(
            expected=f"a store of format {FORMAT}",
            got=f"format {row[0]}",
            at=str(path),
            help="Update headwater." if later else "Export it with the version that wrote it, and learn it again.",
        )
    missing = sorted(TABLES - tables) if row is not None else ["the format in meta"]
    if missing:
        raise StoreError(expected="a sound store", got=f"one without {', '.join(missing)}", at=str(path), help=DAMAGED)


def refuse_lost(base: sqlite3.Connection, path: Path, mark: tuple[int, int] | None) -> None:
    """Raise StoreError if a store's journal ends before the last acknowledged event, of which the mark tells.

    Raises
    ------
    StoreError
        Names where the journal ends, and the way out.
    """
    seq, last_id = ends(base)
    wal = path.with_name(f"{path.name}-wal")
    if mark is None and _hides_commits(wal, seq):
        raise StoreError(
            expected="a write-ahead log (WAL) that is sound",
            got=f"one that is damaged near its beginning, and a journal that ends at event {seq:,}",
            at=str(wal),
            help=ACCEPT,
        )
    if mark is not None and (seq < mark[0] or last_id < mark[1]):
        what = f"event {mark[0]:,}" if seq < mark[0] else f"prediction p{mark[1]}"
        end = f"{seq:,}" if seq < mark[0] else f"p{last_id}"
        raise StoreError(
            expected=f"a journal up to {what}, which was acknowledged",
            got=f"one that ends at {end}",
            at=f"{path} and its WAL, {wal.name}",
            help=ACCEPT,
        )


def _hides_commits(wal: Path, seq: int) -> bool:
    """Return whether the log must have held commits that SQLite no longer finds."""
    frames = read_frames(wal, only_first=seq > 0)
    return not frames.empty and (frames.sound == 0 or (seq == 0 and frames.lost_commits > 0))


def ends_where_it_should(path: Path) -> bool:
    """Return whether the journal reaches the last acknowledged event, as far as that is known. Read-only."""
    if not path.stat().st_size:
        return False
    with sound(str(path)), closing(read_only(path)) as base:
        check_tables(base, path)
        try:
            refuse_unfit(base, path)
        except StoreError:
            return False
    return True


def _refuse_emptied(path: Path, create: bool) -> None:
    """Raise StoreError for an empty file whose mark or WAL shows that a store was there."""
    wal = path.with_name(f"{path.name}-wal")
    mark = read_mark(path)
    if mark is not None and mark != (0, 0):
        raise StoreError(
            expected=f"the store that acknowledged {mark[0]:,} events",
            got="an empty file",
            at=str(path),
            help=f"Restore a backup of it. To begin anew, remove {mark_path(path).name} and {wal.name} first.",
        )
    if wal.exists() and wal.stat().st_size:
        raise StoreError(
            expected="a store",
            got=f"an empty file beside a write-ahead log of {wal.stat().st_size:,} bytes",
            at=str(path),
            help=f"Put the file that belongs to {wal.name} back. To begin anew, remove {wal.name} first.",
        )
    if not create:
        raise StoreError(expected="a store", got="an empty file", at=str(path), help="Check the path.")


def _create(base: sqlite3.Connection, path: Path) -> Seal:
    """Make the tables of a new store and return their seal."""
    base.executescript(f"BEGIN; {SCHEMA} INSERT INTO meta VALUES ('format', {FORMAT});")
    seal = write_seal(base)
    base.execute("COMMIT")
    sync_folder(path)
    return seal


def _prepare(base: sqlite3.Connection) -> str:
    """Set how a store is written, bring an earlier version's tables up to date, and return the store's id."""
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
    base.execute(f"PRAGMA journal_size_limit={_WAL_LEFT}")
    base.execute("PRAGMA trusted_schema=OFF")
    base.execute("PRAGMA cell_size_check=ON")
    base.execute("PRAGMA secure_delete=FAST")  # don't zero pruned pages, whatever SQLite's build
    base.execute("PRAGMA cache_size=-16384")
    if not has_column(base, "pending", "crc"):
        base.execute("ALTER TABLE pending ADD COLUMN crc INTEGER")
    return _id_of(base)


def has_column(base: sqlite3.Connection, table: str, column: str) -> bool:
    """Return whether a table has a column, which a store of an earlier version may lack."""
    return column in map(itemgetter(1), base.execute(f"PRAGMA table_info({table})").fetchall())


def _id_of(base: sqlite3.Connection) -> str:
    """Return the random id of a store, which one that is new, or of version 0.2, gets here.

    The id never changes, and is shared by the store's copies.
    """
    row = base.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()
    if row is None or not row[0]:
        row = (secrets.token_hex(_ID_BYTES),)
        base.execute("INSERT INTO meta VALUES ('id', ?)", row)
    return str(row[0])


def sync_folder(path: Path) -> None:
    """Make the name of a new file durable by syncing its folder, which Windows does by itself."""
    if os.name == "nt":
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def sound(at: str) -> Iterator[None]:
    """Turn errors caused by a damaged store into a StoreError with one sentence.

    Raises
    ------
    StoreError
        Replaces SQLite's errors, and those raised by values of a wrong type.
    """
    try:
        yield
    except (StoreError, ConfigError):  # these concern the request, not the file
        raise
    except sqlite3.Error as error:
        raise meaning(error, at) from error
    except (HeadwaterError, *_OF_DAMAGE) as error:
        raise StoreError(expected="a sound store", got=_first_line(error), at=at, help=DAMAGED) from error


_OF_DAMAGE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, msgspec.MsgspecError)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {_one_line(error)}"


def _one_line(error: Exception) -> str:
    """Return an error's message in one line, as SQLite quotes the text of a schema that may be damaged."""
    return " ".join(str(error).split())[:200]


@contextmanager
def transaction(base: sqlite3.Connection, at: str) -> Iterator[None]:
    """Run the body in one transaction, committing all of its writes or none.

    Raises
    ------
    StoreError
        If the commit failed. For this process nothing was written.
    """
    try:
        with base:  # commits, or rolls back
            base.execute("BEGIN IMMEDIATE")
            yield
    except sqlite3.Error as error:
        raise meaning(error, at) from error


def meaning(error: sqlite3.Error, at: str) -> StoreError:
    """Translate an SQLite error for the operator of the service."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return StoreError(expected="room on the disk", got="a full disk", at=at, help=FULL)
    if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return StoreError(
            expected="a store that is free", got="one that is in use", at=at, help="Stop the other process."
        )
    if name.startswith("SQLITE_IOERR") or name in ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"):
        return StoreError(
            expected="a disk that can be written", got=f"{_one_line(error)} ({name})", at=at, help=FAILING
        )
    if name == "SQLITE_NOTADB" and _is_other(Path(at)):
        help_ = "Choose another path for a store, and load a saved model with headwater.load."
        return StoreError(expected="a store of headwater", got="a file of another kind", at=at, help=help_)
    said = f"{_one_line(error)} ({name or type(error).__name__})"
    return StoreError(expected="a sound store", got=said, at=at, help=DAMAGED)


def _is_other(path: Path) -> bool:
    """Return whether a file is a text or a saved model, not a store that was damaged."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return False
    text = b"\0" not in head and "\ufffd" not in head.decode(errors="replace")[:-3]
    return bool(head) and (text or head[8:9] == b"{")


FULL = "Free some space. Learning resumes by itself with the next example that can be written."
FAILING = "Check the disk, then start again: everything that was acknowledged is in the store."
DAMAGED = "Restore a backup. `headwater store check FILE` shows what is sound, `headwater store export FILE` saves it."
ACCEPT = "Copy the file and its WAL aside. Then restore a backup, or accept the loss: `headwater store accept FILE`."

__all__ = [
    "ACCEPT",
    "DAMAGED",
    "FAILING",
    "FULL",
    "MS_TO_WAIT",
    "Transaction",
    "check_tables",
    "connect",
    "ends",
    "ends_where_it_should",
    "has_column",
    "meaning",
    "read_only",
    "refuse_unfit",
    "sound",
    "sync_folder",
    "transaction",
]
