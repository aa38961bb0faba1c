"""Look after a store that no process has open: check it, compact it, export what is in it, restore a past state."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import HeadwaterError

from . import database
from .journal import Journal
from .service import Rules, Service
from .snapshots import Snapshots


@dataclass(slots=True)
class Report:
    """What ``check`` found.

    Parameters
    ----------
    first, last
        The first and the last event that are sound, without a gap; 0 for none.
    events, pending, damaged
        How many events and waiting predictions there are, and entries that were set aside.
    snapshots
        For each learner (model/name) the sequences of its sound snapshots.
    problems
        What is wrong, as sentences; empty for a sound store.
    """

    first: int = 0
    last: int = 0
    events: int = 0
    pending: int = 0
    damaged: int = 0
    snapshots: dict[str, list[int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check(path: str | Path) -> Report:
    """Read everything in a store and say what is sound; nothing is changed.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Report

    Raises
    ------
    StoreError
        If another process has it open, or it is no store at all.
    """
    lock = database.Lock(Path(path))
    try:
        base = database.connect(Path(path), create=False)
        try:
            return _checked(base, str(path))
        finally:
            base.close()
    finally:
        lock.release()


def _checked(base: sqlite3.Connection, at: str) -> Report:
    report = Report()
    for what in (_check_pages, _check_journal, _check_snapshots):
        try:
            what(base, at, report)
        except HeadwaterError as error:
            report.problems.append(str(error))
        except sqlite3.Error as error:
            report.problems.append(str(database.meaning(error, at)))
    return report


def _check_pages(base: sqlite3.Connection, at: str, report: Report) -> None:
    words = [row[0] for row in base.execute("PRAGMA integrity_check(10)")]
    report.problems += [f"SQLite says: {word} — at {at}." for word in words if word != "ok"]


def _check_journal(base: sqlite3.Connection, at: str, report: Report) -> None:
    report.pending = base.execute("SELECT count(*) FROM pending").fetchone()[0]
    report.damaged = base.execute("SELECT count(*) FROM damaged").fetchone()[0]
    journal = Journal(base, at)
    report.first = journal.first()
    for entry in journal.read(max(report.first - 1, 0)):
        report.events += len(entry.events)
        report.last = entry.seq


def _check_snapshots(base: sqlite3.Connection, at: str, report: Report) -> None:
    snapshots = Snapshots(base, at)
    rows = base.execute("SELECT l.id, m.name, l.name FROM learners l JOIN models m ON m.id = l.model").fetchall()
    for number, model, name in rows:
        sound = [snapshot.seq for snapshot in snapshots.sound(number)]
        report.snapshots[f"{model}/{name}"] = sound[::-1]
        bad = sorted(set(snapshots.sequences(number)) - set(sound))
        report.problems += [
            f"expected a sound snapshot of {model}/{name}, got a damaged one — at {seq}." for seq in bad
        ]


def compact(path: str | Path, rules: Rules | None = None) -> tuple[int, int]:
    """Write a snapshot, prune by the rules, and give the space back to the disk.

    Returns
    -------
    tuple of int
        The size of the file before and after, in bytes.
    """
    before = Path(path).stat().st_size if Path(path).exists() else 0
    with Service(path, rules, create=False) as service:
        service.snapshot()
        if service.failure is not None:
            raise service.failure
        service.vacuum()
    return before, Path(path).stat().st_size


def export(path: str | Path, model: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the events of a store, oldest first: as far as they are sound.

    Parameters
    ----------
    path : str or Path
        The file.
    model : str, optional
        Only this model's.

    Yields
    ------
    dict
        ``seq``, ``model``, ``t`` (ms since 1970), ``x``, ``y``, and ``w``, ``id``, ``given`` where there are such; of a change of
        the step size ``seq``, ``model``, ``t`` and ``step``: the learner's number, and the factor.

    Raises
    ------
    StoreError
        At a damaged entry, behind everything sound before it.
    """
    lock = database.Lock(Path(path))
    try:
        base = database.connect(Path(path), create=False)
        try:
            yield from _exported(base, str(path), model)
        finally:
            base.close()
    finally:
        lock.release()


def _exported(base: sqlite3.Connection, at: str, model: str | None) -> Iterator[dict[str, Any]]:
    names: dict[int, str] = dict(base.execute("SELECT id, name FROM models"))
    journal = Journal(base, at)
    for entry in journal.read(max(journal.first() - 1, 0)):
        name = names.get(entry.model, str(entry.model))
        first = entry.seq - len(entry.events) + 1
        for i, event in enumerate(entry.events if model in (None, name) else ()):
            row = {"seq": first + i, "model": name, "t": entry.t, **msgspec.structs.asdict(event)}
            if event.step is not None:
                del row["x"], row["y"]
            yield {key: value for key, value in row.items() if value is not None or key == "y"}


def restore(path: str | Path, *, model: str, seq: int | None = None, t: int | None = None) -> tuple[Any, int]:
    """Return a model's champion as of a sequence, or as of a time (ms since 1970), and that sequence; the store stays as it is."""
    with Service(path, create=False) as service:
        if seq is None:
            seq = service.journal.seq if t is None else service.journal.at_time(t)
        return service.as_of(model, seq), seq


__all__ = ["Report", "check", "compact", "export", "restore"]
