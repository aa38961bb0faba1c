"""Verify a forgetting, by learning the journal again and by searching the store for a text."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.errors import ConfigError
from headwater.store.journal.events import is_tombstone

from .record import Forgotten, read_records, rows_in

if TYPE_CHECKING:
    from headwater.store.service.model import LearnerState, Model
    from headwater.store.service.models import Models

__all__ = ["Verified", "search", "verify"]

_PIECE = 16 << 20
"""Bytes of a file searched at once."""


class Verified(msgspec.Struct, frozen=True):
    """Result of a verification.

    Parameters
    ----------
    number
        Number of the forgetting.
    states
        Past states that were learned again, each equal to the kept one, bit for bit.
    tombstones
        Forgotten events in the journal, each without content.
    hits
        Places that hold the searched text, with their number.
    problems
        What is not as it must be, as sentences.
    """

    number: int
    states: int
    tombstones: int
    hits: dict[str, int] = {}
    problems: list[str] = []


def verify(
    reading: Callable[[], AbstractContextManager[Models]], path: Path, number: int, texts: tuple[str, ...] = ()
) -> Verified:
    """Learn a store's journal again without the forgotten rows, and compare every kept state with it.

    Parameters
    ----------
    reading
        Opens the store for reading.
    path
        The store.
    number
        Number of the forgetting.
    texts
        Texts to search for, in the file, its log, its marks, its forget list and inside every value.

    Raises
    ------
    ConfigError
        If there is no such forgetting.
    """
    with reading() as models:
        record = next((one for one in read_records(models.connection) if one.id == number), None)
        if record is None:
            raise ConfigError(
                expected="the number of a forgetting",
                got=str(number),
                at="number",
                help="`headwater store forgotten FILE` lists them.",
            )
        problems: list[str] = []
        tombstones = _tombstones(models, record, problems)
        states = _states(models, record, problems)
        hits = search(models.connection, path, texts)
    problems += [f"{n} times in {place}." for place, n in hits.items()]
    return Verified(number, states, tombstones, hits, problems)


def _tombstones(models: Models, record: Forgotten, problems: list[str]) -> int:
    """Count the tombstones of a forgetting that are still in the journal."""
    gone, found = frozenset(rows_in(record.ranges)), 0
    for entry in models.journal_entries(max(record.first - 1, 0)):
        for seq, event in entry.numbered():
            if seq in gone and is_tombstone(event) and not event.x and event.y is None and event.id is None:
                found += 1
            elif seq in gone:
                problems.append(f"Event {seq:,} still has content.")
    return found


def _states(models: Models, record: Forgotten, problems: list[str]) -> int:
    """Learn each learner again from its last state before the first forgotten row, comparing all states on the way."""
    models.refresh()
    learners = [(model, state) for model in models.by_name.values() for state in model.live]
    return sum(_same_states(models, record, problems, *one) for one in learners if record.ranges)


def _same_states(models: Models, record: Forgotten, problems: list[str], model: Model, state: LearnerState) -> int:
    """Count the kept states of one learner that are learned again to the same bits."""
    past = models.snapshots_of(state.id)
    before = [seq for seq in past if seq < record.first]
    if not before:
        return 0
    same, fresh = 0, models.restored(state.id, state.name, before[-1])
    for seq in [seq for seq in past if seq > before[-1]]:
        models.replay(model, fresh, seq)
        wrong = _differs(models, state.id, state.name, seq, fresh, record)
        same += not wrong
        if wrong:
            problems.append(f"{model.name}/{state.name} as of event {seq:,} {wrong}.")
    return same


def _differs(models: Models, number: int, name: str, seq: int, fresh: Any, record: Forgotten) -> str:
    kept = models.restored(number, name, seq)
    said = models.digest(fresh)
    if kept.at != seq or models.digest(kept) != said:
        return "differs from what its journal teaches"
    if seq == record.seq and record.proof.get(number) not in (None, said):
        return "differs from the state right after the forgetting"
    return ""


def search(base: sqlite3.Connection, path: Path, texts: tuple[str, ...]) -> dict[str, int]:
    """Return where texts are found, in the bytes of the store's files and in the values of its tables.

    A value can be spread over several pages of the file, so both are searched.
    """
    wanted = [text.encode() for text in texts]
    hits = {file.name: n for file in _files(path) if (n := _count_in(file, wanted))} if wanted else {}
    for table, column in _columns(base) if wanted else ():
        n = sum(_count(value, wanted) for (value,) in base.execute(f'SELECT "{column}" FROM "{table}"'))
        if n:
            hits[f"{table}.{column}"] = n
    return hits


def _files(path: Path) -> list[Path]:
    names = (path.name, *(f"{path.name}-{end}" for end in ("wal", "shm", "mark", "lock", "forgotten", "journal")))
    return [file for name in names if (file := path.with_name(name)).exists()]


def _count_in(file: Path, wanted: list[bytes]) -> int:
    longest, found, tail = max(map(len, wanted)), 0, b""
    with file.open("rb") as handle:
        while piece := handle.read(_PIECE):
            whole = tail + piece
            found += _count(whole, wanted) - _count(tail, wanted)
            tail = whole[-(longest - 1) :] if longest > 1 else b""
    return found


def _count(value: Any, wanted: list[bytes]) -> int:
    data = value if isinstance(value, bytes) else str(value).encode(errors="replace")
    return sum(data.count(one) for one in wanted)


def _columns(base: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        yield from ((table, row[1]) for row in base.execute(f'PRAGMA table_info("{table}")').fetchall())
