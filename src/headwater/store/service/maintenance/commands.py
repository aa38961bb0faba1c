"""Maintain a closed store (check, compact, back up, export, restore a past state)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from headwater.errors import ConfigError, StoreError, counted
from headwater.store.forget.forget_list import ForgetList, list_path
from headwater.store.forget.ledger import Export, read_ledger
from headwater.store.forget.record import Forgetting, Forgotten, applied, read_records
from headwater.store.forget.selection import Selection
from headwater.store.forget.verify import Verified, verify
from headwater.store.journal import database
from headwater.store.journal.backup import check_pages, write_backup
from headwater.store.journal.checkpoint_mark import mark_path, read_mark
from headwater.store.journal.entries import Entry, Journal
from headwater.store.journal.events import is_observation, is_tombstone
from headwater.store.journal.requests import sound_pending
from headwater.store.journal.seal import read_seal, tables_of
from headwater.store.journal.snapshots import Snapshots
from headwater.store.journal.source_tables import check_sources
from headwater.store.journal.store_file import StoreFile
from headwater.store.members import is_member_store
from headwater.store.model_file import LearnerFormat
from headwater.store.ownership import read_head, reading
from headwater.store.service.challengers import ChallengerSummary, challengers_of
from headwater.store.service.maintenance.policy import RetentionPolicy
from headwater.store.service.models import Models, UnlearnableEvent, verify_copy
from headwater.store.service.service import Service


@dataclass(slots=True)
class StoreReport:
    """Result of ``check``.

    Parameters
    ----------
    first, last
        First and last event of the sound range without a gap, 0 if there is none.
    events, pending, damaged
        Number of events, waiting predictions, and entries set aside.
    skipped
        Events excluded from every replay by command.
    snapshots
        The sequences of sound snapshots by learner (model/name).
    problems
        Problems as sentences, empty for a sound store.
    """

    first: int = 0
    last: int = 0
    events: int = 0
    pending: int = 0
    damaged: int = 0
    skipped: list[int] = field(default_factory=list)
    snapshots: dict[str, list[int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check(path: str | Path, learners: LearnerFormat) -> StoreReport:
    """Read everything in a store, try its recovery, and report problems without changing anything.

    Parameters
    ----------
    path : str or Path
        The file, which may be on a read-only medium.
    learners : LearnerFormat
        How learners are rebuilt.

    Returns
    -------
    StoreReport

    Raises
    ------
    StoreError
        If another process has it open, or it is not a store.
    """
    report = StoreReport()
    with _reading(path) as (base, file):
        database.check_tables(base, file)
        _noted(partial(database.refuse_unfit, base, file), report, str(path))
        base.execute("BEGIN")  # one snapshot, since this process may still be writing to the store
        snapshots, replay = (partial(what, learners=learners) for what in (_check_snapshots, _check_replay))
        for what in (_check_pages, _check_journal, _check_waiting, snapshots, replay):
            _noted(partial(what, base, str(path), report), report, str(path))
    return report


def _noted(what: Callable[[], object], report: StoreReport, at: str) -> None:
    try:
        with database.sound(at):
            what()
    except StoreError as error:
        if str(error) not in report.problems:
            report.problems.append(str(error))


@contextmanager
def _reading(path: str | Path) -> Iterator[tuple[sqlite3.Connection, Path]]:
    """Open a store read-only, using a copy if its folder is not writable."""
    with ExitStack() as stack:
        owned = stack.enter_context(reading(path))
        file = owned.path
        if not file.stat().st_size:
            raise StoreError(expected="a store", got="an empty file", at=str(path), help="Check the path.")
        if not owned.writable:  # SQLite has to write an index of the WAL beside it
            file = _copied(file, Path(stack.enter_context(TemporaryDirectory())))
        stack.enter_context(database.sound(str(path)))
        base = stack.enter_context(closing(database.read_only(file)))
        yield base, file


def _copied(path: Path, folder: Path) -> Path:
    for name in (path.name, f"{path.name}-wal", mark_path(path).name):
        if path.with_name(name).exists():
            shutil.copy(path.with_name(name), folder / name)
    return folder / path.name


def _check_pages(base: sqlite3.Connection, at: str, report: StoreReport) -> None:
    lines = [line for (said,) in base.execute("PRAGMA integrity_check(10)") for line in said.splitlines()]
    report.problems += [
        f"SQLite reports: {line} — at {at}." for line in lines if line != "ok" and not line.startswith("*")
    ]


def _check_journal(base: sqlite3.Connection, at: str, report: StoreReport) -> None:
    report.pending = base.execute("SELECT count(*) FROM pending").fetchone()[0]
    report.damaged = base.execute("SELECT count(*) FROM damaged").fetchone()[0]
    journal = Journal(base, at)
    report.skipped = sorted(journal.skipped())
    report.first = journal.first()
    for entry in journal.read(max(report.first - 1, 0)):
        report.events += len(entry.events)
        report.last = entry.seq


def _check_waiting(base: sqlite3.Connection, at: str, report: StoreReport) -> None:
    """Report damaged predictions that wait for labels, and what sources keep in the store."""
    crc = "crc" if database.has_column(base, "pending", "crc") else "NULL"
    for row in base.execute(f"SELECT id, model, t, body, {crc} FROM pending"):
        if sound_pending(row) is None:
            report.problems.append(f"expected a sound prediction p{row[0]}, got a damaged one — at {at}.")
    check_sources(base, at)


def _check_snapshots(base: sqlite3.Connection, at: str, report: StoreReport, learners: LearnerFormat) -> None:
    snapshots = Snapshots(base, at, learners)
    rows = base.execute("SELECT l.id, m.name, l.name FROM learners l JOIN models m ON m.id = l.model").fetchall()
    for number, model, name in rows:
        sound = [snapshot.seq for snapshot in snapshots.sound(number)]
        report.snapshots[f"{model}/{name}"] = sound[::-1]
        bad = sorted(set(snapshots.sequences(number)) - set(sound))
        report.problems += [
            f"expected a sound snapshot of {model}/{name}, got a damaged one — at {seq}." for seq in bad
        ]


def _check_replay(base: sqlite3.Connection, at: str, report: StoreReport, learners: LearnerFormat) -> None:
    """Recover as a start does, from the newest snapshots and the journal after them."""
    if not report.problems:  # a damaged store would only repeat the reported problems
        _models(base, at, learners).recover()


def _models(base: sqlite3.Connection, at: str, learners: LearnerFormat) -> Models:
    journal = Journal(base, at)
    journal.find_end()
    return Models(base, at, journal, Snapshots(base, at, learners))


def backup(path: str | Path, to: str | Path, learners: LearnerFormat) -> int:
    """Write a verified copy of a store, even while a process is writing to it, and return its size in bytes.

    Parameters
    ----------
    path : str or Path
        The store of a durable learner, a server or a fleet. It is not changed.
    to : str or Path
        Path of the copy, which must not exist.
    learners : LearnerFormat
        How learners are rebuilt.

    Raises
    ------
    StoreError
        If the copy can't be written, or is damaged. Nothing is left of it then.
    """
    file, members = Path(path).resolve(), is_member_store(read_head(path))
    with ExitStack() as stack:
        if not os.access(file.parent, os.W_OK):  # SQLite has to write an index of the WAL beside it
            file = _copied(file, Path(stack.enter_context(TemporaryDirectory())))
        stack.enter_context(database.sound(str(path)))
        source = stack.enter_context(closing(database.read_only(file)))
        if not members:
            database.check_tables(source, file)
        return write_backup(source, Path(to), check_pages if members else partial(verify_copy, learners=learners))


def compact(path: str | Path, learners: LearnerFormat, policy: RetentionPolicy | None = None) -> tuple[int, int]:
    """Write a snapshot, prune by the policy, and return the space to the file system.

    Returns
    -------
    tuple of int
        Size of the file with its WAL before and after, in bytes.
    """
    before = _size(Path(path))
    with Service(path, learners, policy, create=False) as service:
        service.snapshot()
        if service.snapshot_failure is not None:
            raise service.snapshot_failure
        service.vacuum()
    return before, _size(Path(path))


def _size(path: Path) -> int:
    parts = [path.resolve(), path.resolve().with_name(f"{path.resolve().name}-wal")]
    return sum(part.stat().st_size for part in parts if part.exists())


def skip(path: str | Path, learners: LearnerFormat, seq: int) -> str:
    """Exclude the unlearnable event at which a store's start stops from every replay.

    It stays in the journal.

    Parameters
    ----------
    path : str or Path
        The file.
    learners : LearnerFormat
        How learners are rebuilt.
    seq : int
        Number of the event, from the start's error or from `check`.

    Returns
    -------
    str
        Why the event can't be learned.

    Raises
    ------
    ConfigError
        If that event can be learned, or the start stops at another one.
    StoreError
        If the store can't be read for another reason.
    """
    with closing(StoreFile(Path(path), create=False)) as file:
        with database.sound(str(path)):
            found = _first_unlearnable(file.base, str(path), learners)
        if found is not None and found.seq == seq:
            with file.transaction():
                Journal(file.base, str(path)).skip(seq, int(time.time() * 1000), found.got)
            return found.got
    raise ConfigError(
        expected="the number of the event at which the start stops",
        got=f"{seq:,}, while " + ("all can be learned" if found is None else f"the start stops at {found.seq:,}"),
        at="event",
        help="`headwater store check FILE` names it. Only such an event can be skipped.",
    )


def _first_unlearnable(base: sqlite3.Connection, at: str, learners: LearnerFormat) -> UnlearnableEvent | None:
    try:
        _models(base, at, learners).recover()
    except UnlearnableEvent as error:
        return error
    return None


@contextmanager
def models_of(path: str | Path, learners: LearnerFormat) -> Iterator[tuple[Models, Journal]]:
    """Open a closed store for reading and yield its models, as of their newest snapshots, and its journal.

    The store is not changed, and what is read is of one moment.

    Raises
    ------
    StoreError
        If another process has it open, it is damaged, or it still has to forget.
    """
    with _reading(path) as (base, file):
        database.check_tables(base, file)
        database.refuse_unfit(base, file)
        _refuse_unforgotten(base, Path(path).resolve())
        base.execute("BEGIN")
        models, journal = _models(base, str(path), learners), Journal(base, str(path))
        journal.find_end()
        models.refresh()
        yield models, journal


def challengers(
    path: str | Path, learners: LearnerFormat, model: str | None = None
) -> dict[str, list[ChallengerSummary]]:
    """Return how the challengers of each model in a closed store do after its last event, without changing it.

    Parameters
    ----------
    path : str or Path
        The store.
    learners : LearnerFormat
        How learners are rebuilt.
    model : str, optional
        Only this model.

    Raises
    ------
    UnknownModel
        If there is no such model.
    """
    with models_of(path, learners) as (models, _):
        chosen = list(models.by_name.values()) if model is None else [models.named(model)]
        for one in chosen:
            for state in one.live:
                models.replay(one, state, None)
        return {one.name: challengers_of(one) for one in chosen}


def forget(
    path: str | Path,
    learners: LearnerFormat,
    selection: Selection,
    *,
    model: str | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Forgetting:
    """Forget rows of a closed store, of one model or of all, as ``DurableLearner.forget`` does."""
    with Service(path, learners, create=False) as service:
        return service.forget(None if model is None else [model], selection, reason, dry_run=dry_run)


def forgotten(path: str | Path) -> list[Forgotten]:
    """Return what was forgotten in a closed store, oldest first, without any content."""
    with _reading(path) as (base, file):
        database.check_tables(base, file)
        return read_records(base)


def exports(path: str | Path) -> list[Export]:
    """Return where copies of the states in a closed store went, oldest first."""
    with _reading(path) as (_, file):
        return read_ledger(file)


def verify_forgotten(path: str | Path, learners: LearnerFormat, number: int, texts: tuple[str, ...] = ()) -> Verified:
    """Verify a forgetting in a closed store, as `store.forget.verify` does. The store is not changed."""
    with _reading(path) as (base, file):
        database.check_tables(base, file)
        return verify(lambda: nullcontext(_models(base, str(path), learners)), file, number, texts)


def accept(path: str | Path) -> tuple[int, int]:
    """Accept that a store has lost its last acknowledged events, without ever reusing their numbers.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    tuple of int
        The last event in the store, and the last acknowledged one.

    Raises
    ------
    ConfigError
        If nothing is lost.
    StoreError
        If the file is not a store, is in use, or lacks a learner.
    """
    with closing(StoreFile(Path(path), create=False, accept=True)) as file, database.sound(str(path)):
        if not file.sound_before:
            (seq, last_id), known = database.ends(file.base), _acknowledged(file)
            _set_aside(file, seq, last_id, known)
            return seq, max(seq, known[0])
    raise ConfigError(
        expected="a store that has lost events",
        got="one that ends where it should",
        at=str(path),
        help="There is no loss to accept.",
    )


def _acknowledged(file: StoreFile) -> tuple[int, int]:
    """Return the last acknowledged event and id according to the mark or the seal."""
    mark = read_mark(file.path) or (0, 0)
    try:
        seal = read_seal(file.base)
    except ValueError:  # damaged, so ignored
        seal = None
    if seal is None:
        return mark
    found = tables_of(file.base, is_open=True)
    if found.models < seal.models or found.learners < seal.learners:
        raise StoreError(
            expected=f"{counted(seal.models, 'model')} with {counted(seal.learners, 'learner')}, which the last commit sealed",
            got=f"{found.models:,} with {found.learners:,}",
            at=str(file.path),
            help="Restore a backup, because lost learners can't be rebuilt. `headwater store export FILE` saves the events.",
        )
    return max(mark[0], seal.seq), max(mark[1], seal.last_id)


def _set_aside(file: StoreFile, seq: int, last_id: int, mark: tuple[int, int]) -> None:
    """Forgotten the lost numbers so that they are never reused."""
    with file.transaction():
        if mark[0] > seq:
            row = (mark[0], mark[0] - seq, int(time.time() * 1000))
            file.base.execute("INSERT INTO damaged VALUES (?, ?, ?, NULL)", row)
        if mark[1] > last_id:
            file.base.execute("DELETE FROM sqlite_sequence WHERE name = 'pending'")
            file.base.execute("INSERT INTO sqlite_sequence VALUES ('pending', ?)", (mark[1],))
    file.acknowledge(max(seq, mark[0]), max(last_id, mark[1]))


def export(path: str | Path, model: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the events of a store, oldest first, up to the first damaged entry.

    Parameters
    ----------
    path : str or Path
        The file, which may be on a read-only medium.
    model : str, optional
        Restrict the export to this model.

    Yields
    ------
    dict
        ``seq``, ``model``, ``t`` (ms since 1970), ``x``, ``y``, and ``w``, ``id``, ``predicted`` if present. A change of the step
        size has ``seq``, ``model``, ``t`` and ``step`` (the learner's number and the factor), a forgotten event ``forgotten``.

    Raises
    ------
    StoreError
        At a damaged entry, after everything sound before it.
    """
    with _reading(path) as (base, file):
        database.check_tables(base, file)
        _refuse_unforgotten(base, Path(path).resolve())
        base.execute("BEGIN")
        names: dict[int, str] = dict(base.execute("SELECT id, name FROM models"))
        journal = Journal(base, str(path))
        for entry in journal.read(max(journal.first() - 1, 0)):
            name = names.get(entry.model, str(entry.model))
            if model in (None, name):
                yield from _rows(entry, name)


def _refuse_unforgotten(base: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError if the forget list beside a store names what this store has not forgotten yet."""
    done = applied(base)
    missing = sum(entry.id not in done for entry in ForgetList(list_path(path)).entries)
    if missing:
        raise StoreError(
            expected=f"a store that has forgotten what {list_path(path).name} lists",
            got=f"one that still has to forget {missing:,} requests, such as a restored backup",
            at=str(path),
            help="Open it once, by headwater.open, headwater serve or `headwater store compact FILE`.",
        )


def _rows(entry: Entry, name: str) -> Iterator[dict[str, Any]]:
    first = entry.seq - len(entry.events) + 1
    for i, event in enumerate(entry.events):
        row = {"seq": first + i, "model": name, "t": entry.t, **msgspec.structs.asdict(event)}
        if is_observation(event):
            row["step"], row["observed"] = None, True
            del row["y"]
        elif event.step is not None:
            del row["x"], row["y"]
        if is_tombstone(event):
            row["step"], row["forgotten"] = None, True
        yield {key: value for key, value in row.items() if value is not None or key == "y"}


def restore(
    path: str | Path, learners: LearnerFormat, *, model: str, seq: int | None = None, t: int | None = None
) -> tuple[Any, int]:
    """Return a model's champion as of a sequence or a time (ms since 1970), and that sequence.

    The store is not changed.
    """
    with _reading(path) as (base, file):
        database.check_tables(base, file)
        base.execute("BEGIN")
        _refuse_unforgotten(base, Path(path).resolve())
        models, journal = _models(base, str(path), learners), Journal(base, str(path))
        journal.find_end()
        models.refresh()
        if seq is None:
            seq = journal.sound_end() if t is None else journal.at_time(t)
        found = models.named(model)
        if not 0 <= seq <= journal.seq:
            raise ConfigError(
                expected=f"a sequence from 0 to {journal.seq}", got=str(seq), at="as of", help="Choose another."
            )
        return models.as_of(found, seq, None), seq


__all__ = [
    "StoreReport",
    "accept",
    "backup",
    "check",
    "compact",
    "export",
    "exports",
    "forget",
    "forgotten",
    "models_of",
    "restore",
    "skip",
    "verify_forgotten",
]
