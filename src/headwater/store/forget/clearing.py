"""Clear the tables of a store of everything that a selection names, inside one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from headwater.store.journal.database import has_column
from headwater.store.journal.entries import crc
from headwater.store.journal.events import (
    ROLLED,
    TOMBSTONE,
    HeldAnswer,
    JournalEvent,
    PendingPrediction,
    checksum,
    pack,
    unpack_events,
    unpack_pending,
)

__all__ = ["Selector", "bury", "clear_others", "count_others", "entries_with", "hide_ids", "strip_classes"]

_OTHERS = ("pending", "joins", "rejects", "outbox", "damaged")


class Selector(Protocol):
    """What says which rows, waiting rows and messages are to be forgotten."""

    def takes(self, seq: int, event: JournalEvent) -> bool:
        """Return whether an event is selected."""

    def may_be_in(self, first: int, last: int, body: bytes) -> bool:
        """Return False only if no event of an entry can be selected, by its numbers and bytes."""

    def has_values(self, x: Mapping[Any, Any]) -> bool:
        """Return whether a row has all of the values."""

    def names(self, *names: str | None) -> bool:
        """Return whether a name of a waiting or outgoing message is selected."""

    def in_message(self, *parts: bytes | str) -> bool:
        """Return whether a rejected or outgoing message mentions what is selected."""


def entries_with(base: sqlite3.Connection, rows: Collection[int]) -> Iterator[tuple[Any, ...]]:
    """Yield the journal entries (seq, n, model, t, body) that hold some of the given events, in order."""
    end = 0
    for row in sorted(rows):
        if row <= end:
            continue
        query = "SELECT seq, n, model, t, body FROM journal WHERE seq >= ? ORDER BY seq LIMIT 1"
        found = base.execute(query, (row,)).fetchone()
        if found is not None and found[0] - found[1] < row:
            end = found[0]
            yield found


def bury(base: sqlite3.Connection, rows: Collection[int]) -> None:
    """Put tombstones in the place of events, in the journal and in the list of skipped ones."""
    gone = frozenset(rows)
    for seq, n, model, t, body in list(entries_with(base, gone)):
        first = seq - n + 1
        events = [TOMBSTONE if first + i in gone else event for i, event in enumerate(unpack_events(body))]
        _rewrite(base, seq, n, model, t, pack(events))
    base.executemany("UPDATE skipped SET reason = 'forgotten' WHERE seq = ?", [(row,) for row in gone])


def _rewrite(base: sqlite3.Connection, seq: int, n: int, model: int, t: int, body: bytes) -> None:
    row = (body, crc(seq, n, model, t, body), seq)
    base.execute("UPDATE journal SET body = ?, crc = ? WHERE seq = ?", row)


def hide_ids(base: sqlite3.Connection, rows: Iterable[int], hidden: Any) -> None:
    """Replace the ids of forgotten events by keyed hashes, so that a repetition is still recognised."""
    for row in rows:
        known = base.execute("SELECT model, id FROM seen WHERE seq = ?", (row,)).fetchall()
        for model, name in known:
            change = "UPDATE OR REPLACE seen SET id = ?, digest = 0 WHERE model = ? AND id = ?"
            base.execute(change, (name if name.startswith(("p:", "o:")) else hidden(name), model, name))


def strip_classes(base: sqlite3.Connection, model: int, after: int, gone: Collection[Any]) -> None:
    """Remove classes that no learner knows any more from the probabilities issued for other rows."""
    if not gone:
        return
    query = "SELECT seq, n, model, t, body FROM journal WHERE model = ? AND seq > ? ORDER BY seq"
    for seq, n, number, t, body in base.execute(query, (model, after)).fetchall():
        events = unpack_events(body)
        stripped = [_stripped(event, gone) for event in events]
        if stripped != events:
            _rewrite(base, seq, n, number, t, pack(stripped))
    for number, t, body in base.execute("SELECT id, t, body FROM pending WHERE model = ?", (model,)).fetchall():
        before = unpack_pending(body)
        predicted = _without(before.predicted, gone)
        if predicted != before.predicted:
            one = PendingPrediction(before.x, predicted, before.seq)
            fresh = pack(one if before.held is None else HeldAnswer(before.x, predicted, before.seq, before.held))
            sum_ = checksum(number, model, t, fresh)
            base.execute("UPDATE pending SET body = ?, crc = ? WHERE id = ?", (fresh, sum_, number))


def _stripped(event: JournalEvent, gone: Collection[Any]) -> JournalEvent:
    if event.predicted is None:
        return event
    return msgspec.structs.replace(event, predicted=_without(event.predicted, gone))


def _without(predicted: dict[str, Any], gone: Collection[Any]) -> dict[str, Any]:
    return {
        name: (guess, proba)
        if name.startswith(ROLLED)
        else (None if guess in gone else guess, proba and {c: p for c, p in proba.items() if c not in gone})
        for name, (guess, proba) in predicted.items()
    }


# ---- waiting, rejected and outgoing ----------------------------------------------------------------------------------


def count_others(base: sqlite3.Connection, models: Collection[int], selector: Selector) -> dict[str, int]:
    """Return how many waiting predictions, waiting rows, rejected, outgoing and damaged ones are selected, by table."""
    found = {table: len(list(_selected(base, table, models, selector))) for table in _OTHERS}
    return {table: n for table, n in found.items() if n}


def clear_others(base: sqlite3.Connection, models: Collection[int], selector: Selector) -> dict[str, int]:
    """Delete what ``count_others`` counts, and return the counts."""
    found = {table: list(_selected(base, table, models, selector)) for table in _OTHERS}
    found = {table: numbers for table, numbers in found.items() if numbers}
    for table, numbers in found.items():
        change = (
            "UPDATE damaged SET body = NULL WHERE seq = ?"
            if table == "damaged"
            else f"DELETE FROM {table} WHERE id = ?"
        )
        base.executemany(change, [(number,) for number in numbers])
    return {table: len(numbers) for table, numbers in found.items()}


def _selected(base: sqlite3.Connection, table: str, models: Collection[int], selector: Selector) -> Iterator[int]:
    if not base.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone():
        return
    if table == "damaged":
        rows = base.execute("SELECT seq, body FROM damaged WHERE body IS NOT NULL").fetchall()
        yield from (seq for seq, body in rows if _damaged(seq, body, selector))
        return
    columns, test = _TESTS[table]
    if table == "outbox" and not has_column(base, table, "lane"):
        return
    for number, model, *row in base.execute(f"SELECT id, model, {columns} FROM {table}").fetchall():
        if model in models and test(selector, number, *row):
            yield number


def _pending(selector: Selector, number: int, body: bytes) -> bool:
    try:
        x = unpack_pending(body).x
    except (msgspec.MsgspecError, ValueError):  # it is damaged, and can't be learned any more
        return True
    return selector.names(f"p{number}") or selector.has_values(x)


def _join(selector: Selector, number: int, what: str, name: str, body: bytes, example: str | None) -> bool:
    if selector.names(name, example):
        return True
    try:
        return what == "row" and selector.has_values(unpack_pending(body).x)
    except (msgspec.MsgspecError, ValueError):
        return True


def _reject(selector: Selector, number: int, reason: str, body: bytes) -> bool:
    return selector.in_message(body, reason)


def _outgoing(selector: Selector, number: int, name: str, body: bytes) -> bool:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = {}
    key = found.get("key") if isinstance(found, dict) else None
    return selector.names(key if isinstance(key, str) else None) or selector.in_message(body)


def _damaged(seq: int, body: bytes, selector: Selector) -> bool:
    try:
        return any(selector.takes(seq, event) for event in unpack_events(body))
    except (msgspec.MsgspecError, ValueError):
        return True


_TESTS: dict[str, tuple[str, Any]] = {
    "pending": ("body", _pending),
    "joins": ("what, name, body, example", _join),
    "rejects": ("reason, body", _reject),
    "outbox": ("name, body", _outgoing),
}
