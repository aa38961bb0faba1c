"""Write what an earlier version saved in today's format, beside the original, and prove that nothing was lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headwater.errors import ModelFileError, StoreError, counted
from headwater.store.journal import database
from headwater.store.journal.checkpoint_mark import mark_path
from headwater.store.journal.store_file import StoreFile
from headwater.store.learner_file import FIRST_CORE, LEARNER_FORMAT, fingerprint, from_bytes, to_bytes
from headwater.store.members import FORMAT as FLEET_FORMAT
from headwater.store.members import MemberStore, format_of, is_member_store
from headwater.store.model_file import FORMAT as MODEL_FORMAT
from headwater.store.model_file import read, unseal, write
from headwater.store.model_file.container import holds_database
from headwater.store.ownership import read_head

from .commands import backup, check

__all__ = ["Migration", "migrate"]


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration found, and what it wrote or would write.

    Parameters
    ----------
    what : str
        "model file", "store" or "store of a fleet".
    found, now : str
        Format of the original and of what this version writes.
    holds : str
        What is inside, as it was counted in the result.
    size : int
        Bytes of the result.
    core : int
        Version of the core whose rules a model file's learner follows, 0 elsewhere. A migration keeps it.
    """

    what: str
    found: str
    now: str
    holds: str
    size: int
    core: int = 0


def migrate(path: str | Path, out: str | Path | None = None) -> Migration:
    """Write a file or a store of an earlier version as this version writes it, and compare both.

    Parameters
    ----------
    path : str or Path
        A model file, or a closed store. It is not changed.
    out : str or Path, optional
        A path where nothing is. Without it the result is made in a temporary folder, compared and dropped.

    Returns
    -------
    Migration

    Raises
    ------
    ModelFileError
        If the file can't be read, or the result can't be written.
    StoreError
        If the store can't be read, is open, or the result can't be written.
    """
    with _place(path, out) as to:
        if not holds_database(path):
            return _of_model(Path(path), to)
        if is_member_store(read_head(path)):
            return _of_fleet(Path(path), to)
        return _of_store(Path(path), to)


@contextmanager
def _place(path: str | Path, out: str | Path | None) -> Iterator[Path]:
    """Yield where to write, which is a temporary path without ``out``."""
    if out is None:
        with TemporaryDirectory() as folder:
            yield Path(folder, Path(path).name or "out")
        return
    if Path(out).exists() or Path(out).is_symlink():
        raise ModelFileError(
            expected="a path where nothing is",
            got="a file",
            at=str(out),
            help="Choose another name: a migration never overwrites a file.",
        )
    yield Path(out)


def _of_model(path: Path, to: Path) -> Migration:
    data = read(path)
    header = unseal(data, str(path)).header
    learner = from_bytes(data, str(path))
    again = to_bytes(learner)
    if fingerprint(from_bytes(again, str(to))) != fingerprint(learner):
        raise ModelFileError(
            expected="the same learner in both files",
            got="another one",
            at=str(to),
            help="Nothing was written. Keep the original, and report this.",
        )
    write(to, again)
    core = 0 if header["learner"] == "Network" else header.get("core", FIRST_CORE)
    holds = f"a {header['learner']}" + ("" if core == 0 else f" that has learned {counted(learner.n_learned, 'row')}")
    return Migration("model file", str(header["format"]), str(MODEL_FORMAT), holds, len(again), core)


def _of_store(path: Path, to: Path) -> Migration:
    with closing(database.read_only(path)) as base, database.sound(str(path)):
        database.check_tables(base, path)
        found = base.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()[0]
        before = database.ends(base)
    with _all_or_nothing(to):
        backup(path, to, LEARNER_FORMAT)
        file = StoreFile(to, create=False)
        try:
            with file.transaction():
                pass  # the first commit seals the store, which makes it one of this format
        finally:
            file.close()
        report = check(to, LEARNER_FORMAT)
        with closing(database.read_only(to)) as base:
            after = database.ends(base)
        if report.problems or any(now < was for was, now in zip(before, after, strict=True)):
            raise StoreError(
                expected="the same events in both stores",
                got=report.problems[0] if report.problems else f"events up to {after[0]:,}",
                at=str(path),
                help="Nothing was written. Check it with `headwater store check FILE`.",
            )
    holds = f"{counted(report.events, 'event')}, {report.pending:,} pending"
    return Migration("store", str(found), str(database.FORMAT), holds, to.stat().st_size)


def _of_fleet(path: Path, to: Path) -> Migration:
    found = format_of(read_head(path))
    with _all_or_nothing(to):
        backup(path, to, LEARNER_FORMAT)
        before = _members(to)
        with closing(MemberStore(to)) as store:
            members = len(store.listed())
        if before != _members(to):
            raise StoreError(
                expected="the same members in both stores",
                got="others",
                at=str(path),
                help="Nothing was written. Keep the original, and report this.",
            )
    return Migration("store of a fleet", found, FLEET_FORMAT, counted(members, "member"), to.stat().st_size)


def _members(path: Path) -> list[tuple[Any, ...]]:
    """Return all members of the last commit as they are stored, from a store of either format."""
    with closing(database.read_only(path)) as base, database.sound(str(path)):
        if base.execute("SELECT 1 FROM sqlite_master WHERE name = 'member'").fetchone():
            return base.execute(f"SELECT {_MEMBER} FROM member ORDER BY number").fetchall()
        last = "coalesce((SELECT value FROM about WHERE name = 'version'), 0) + 0"
        committed = f"SELECT {_MEMBER}, max(version) FROM record WHERE version <= {last} GROUP BY number"
        return [row[:-1] for row in base.execute(f"{committed} ORDER BY number").fetchall()]


_MEMBER = "number, key, record, labels, scored, score"


@contextmanager
def _all_or_nothing(to: Path) -> Iterator[None]:
    """Leave a single file, or nothing at all if the body fails."""
    try:
        yield
        with closing(sqlite3.connect(to)) as last:  # whoever closes last removes the log
            last.execute("SELECT 1 FROM sqlite_master").fetchone()
    except BaseException:
        for path in (to, *(to.with_name(to.name + end) for end in ("-wal", "-shm", "-lock")), mark_path(to)):
            path.unlink(missing_ok=True)
        raise
