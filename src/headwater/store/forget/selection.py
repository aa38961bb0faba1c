"""Select the rows to forget by number, by id, or by the values of columns."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from headwater.errors import ConfigError
from headwater.store.journal.events import JournalEvent, is_row

__all__ = ["Selection", "as_text"]

_TELLING = 4
"""Characters from which on a value is searched for inside messages that have no columns."""
_NONE = object()
_ONLY_TEXT = re.compile(r"(?!(?:true|false|none|nan|inf|infinity)$)[^\W\d_][\w@.:-]*", re.IGNORECASE)
"""Texts that only a text can be equal to, so that the journal has their bytes."""


def as_text(value: Any) -> str:
    """Return a value as the text by which values are compared, the same for 17, 17.0 and "17".

    Examples
    --------
    >>> as_text(17), as_text(17.0), as_text("17")
    ('17', '17', '17')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


@dataclass(frozen=True)
class Selection:
    """Rows to forget, each of which is named by number or id, or has all of the given values.

    Parameters
    ----------
    rows
        Numbers of events.
    ids
        Ids that came with examples, ids of predictions (``"p12"``), or ids of a broker's messages.
    where
        Values by column. A row must have all of them.

    Examples
    --------
    >>> selection = Selection.of(where={"user": "u17"})
    >>> selection.takes(5, JournalEvent({"user": "u17", "age": 40}, "yes"))
    True
    >>> selection.takes(6, JournalEvent({"user": "u18", "age": 40}, "yes"))
    False
    """

    rows: frozenset[int] = frozenset()
    ids: frozenset[str] = frozenset()
    where: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        rows: Collection[int] | None = None,
        ids: Collection[str] | None = None,
        where: Mapping[Any, Any] | None = None,
    ) -> Selection:
        """Return a selection from a caller's arguments.

        Raises
        ------
        ConfigError
            If nothing is selected, or a number is no number of an event.
        """
        if not rows and not ids and not where:
            raise ConfigError(
                expected="rows=, ids= or where= with something in it",
                got="none of them",
                at="forget",
                help='Say which rows to forget, such as where={"user": "u17"}.',
            )
        for row in rows or ():
            if type(row) is not int or row < 1:
                raise ConfigError(
                    expected="numbers of events, from 1 on",
                    got=repr(row),
                    at="rows",
                    help="learn_one returns an event's number.",
                )
        wanted = {str(column): as_text(value) for column, value in (where or {}).items()}
        return cls(frozenset(rows or ()), frozenset(map(str, ids or ())), wanted)

    def takes(self, seq: int, event: JournalEvent) -> bool:
        """Return whether an event is selected. A change of the step size and a forgotten row never are."""
        if not is_row(event):
            return False
        return seq in self.rows or self._has_id(event.id) or self.has_values(event.x)

    def may_be_in(self, first: int, last: int, body: bytes) -> bool:
        """Return False only if no event of an entry can be selected, by its numbers and bytes."""
        if any(first <= row <= last for row in self.rows) or any(_bytes(name) in body for name in self.ids):
            return True
        return bool(self.where) and all(
            _bytes(text) in body for text in self.where.values() if _ONLY_TEXT.fullmatch(text)
        )

    def _has_id(self, name: str | None) -> bool:
        return name is not None and bool(self.ids) and (name in self.ids or name.rpartition(":")[2] in self.ids)

    def has_values(self, x: Mapping[Any, Any]) -> bool:
        """Return whether a row has all of the values."""
        return bool(self.where) and all(
            (found := x.get(column, _NONE)) is not _NONE and as_text(found) == text
            for column, text in self.where.items()
        )

    def names(self, *names: str | None) -> bool:
        """Return whether one of the names of a waiting or outgoing message (key, id) is selected."""
        known = {*self.ids, *(self.where.values() if len(self.where) == 1 else ())}
        return any(name is not None and name in known for name in names)

    def in_message(self, *parts: bytes | str) -> bool:
        """Return whether a message that was rejected or waits to be sent mentions what is selected.

        JSON is compared by columns. In other bytes every selected text of four characters or more is searched for, since a
        message too many is better removed than one too few.
        """
        data = b"\0".join(part.encode(errors="replace") if isinstance(part, str) else part for part in parts)
        if any(self._in_json(part) for part in parts):
            return True
        telling = [text for text in self.where.values() if len(text) >= _TELLING]
        inside = bool(telling) and len(telling) == len(self.where) and all(text.encode() in data for text in telling)
        return inside or any(len(name) >= _TELLING and name.encode() in data for name in self.ids)

    def _in_json(self, part: bytes | str) -> bool:
        try:
            found = msgspec.json.decode(part)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        if not isinstance(found, dict):
            return False
        inner = found.get("value")
        return self.has_values(found) or (isinstance(inner, str) and self._in_json(inner))

    def absent(self, found: Iterable[tuple[int, JournalEvent]]) -> list[str]:
        """Return the numbers and ids, in words, that none of the found events has."""
        rows, ids = set(self.rows), set(self.ids)
        for seq, event in found:
            rows.discard(seq)
            if event.id is not None:
                ids -= {event.id, event.id.rpartition(":")[2]}
        return [*(f"event {row:,}" for row in sorted(rows)), *(f"id {name}" for name in sorted(ids))]
