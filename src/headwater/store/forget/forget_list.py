"""The forget list, a file outside the store that knows what was forgotten without holding it.

A backup from before a forgetting still has the rows. The list stays beside the store and not inside, so it outlives the
restored backup, and what it names is forgotten again before anything is served. A broker that is read again is filtered by it.
It holds HMAC-SHA256 hashes under a key that lies elsewhere, so whoever finds list and backup alone can't test who is on it.

Source: RFC 2104 (HMAC).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import StoreError
from headwater.store.journal.database import sync_folder
from headwater.store.journal.events import JournalEvent, content, is_row

from .selection import Selection, as_text

__all__ = ["Entry", "ForgetList", "Listed", "key_path", "list_path"]

_KEY_BYTES = 32
_PUT_BACK = (
    "Put the key back, or name its file in HEADWATER_FORGET_KEY. Without it nobody can tell what must be forgotten."
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One request to forget, as the list keeps it.

    Parameters
    ----------
    id
        Random id of the request, by which a store knows that it was carried out.
    t
        Time in ms since 1970.
    store
        Id of the store in which the rows were.
    columns
        Names of the columns whose values were given, and the hash of these values.
    ids, rows
        Hashes of ids, and of the contents of rows.
    first
        Number of the first event forgotten, 0 if there was none.
    """

    id: str
    t: int
    store: str
    key: str
    columns: list[str] = []
    values: str = ""
    ids: list[str] = []
    rows: list[str] = []
    first: int = 0


_decode = msgspec.json.Decoder(Entry)


def list_path(path: Path) -> Path:
    """Return the path of a store's forget list."""
    return path.with_name(f"{path.name}-forgotten")


def key_path() -> Path:
    """Return the path of the key, from HEADWATER_FORGET_KEY or below the home directory."""
    given = os.environ.get("HEADWATER_FORGET_KEY")
    return Path(given) if given else Path.home() / ".config" / "headwater" / "forget.key"


class ForgetList:
    """The forget list of a store.

    Parameters
    ----------
    path : Path
        The list.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries = self._read()
        self._key: bytes | None = None
        self._index: tuple[dict[tuple[str, ...], set[str]], set[str], set[str]] | None = None

    def _read(self) -> list[Entry]:
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")
        try:
            return [_decode.decode(line) for line in lines[:-1]]  # a line without an end was never acknowledged
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreError(
                expected="a forget list as it was written",
                got=" ".join(str(error).split())[:200],
                at=str(self.path),
                help="Restore a copy of it. Without it nobody can tell what must be forgotten.",
            ) from error

    # ---- the key -----------------------------------------------------------------------------------------------------

    def key(self, *, create: bool = False) -> bytes:
        """Return the key, which must be the one of the entries.

        Raises
        ------
        StoreError
            If there is none, or it is another.
        """
        if self._key is None:
            path = key_path()
            if not path.exists() and create and not self.entries:
                _write_key(path)
            self._key = self._checked(path)
        return self._key

    def _checked(self, path: Path) -> bytes:
        try:
            key = path.read_bytes()
        except OSError as error:
            got = error.strerror or str(error)
            raise StoreError(expected=f"the key of {self.path.name}", got=got, at=str(path), help=_PUT_BACK) from error
        if len(key) < _KEY_BYTES or any(entry.key != _name_of(key) for entry in self.entries):
            raise StoreError(expected=f"the key of {self.path.name}", got="another one", at=str(path), help=_PUT_BACK)
        return key

    def hidden(self, name: str) -> str:
        """Return the name under which a store keeps the id of a forgotten event, "" if nothing was forgotten."""
        return "h:" + self.hashed("id", name) if self.entries else ""

    def hashed(self, what: str, *parts: bytes | str) -> str:
        """Return the keyed hash of an id, of values, or of a row's content."""
        mac = hmac.new(self.key(), what.encode(), hashlib.sha256)
        for part in parts:
            data = part.encode(errors="surrogatepass") if isinstance(part, str) else part
            mac.update(len(data).to_bytes(8, "little") + data)
        return mac.hexdigest()

    # ---- writing -----------------------------------------------------------------------------------------------------

    def entry(self, store: str, t: int, selection: Selection, events: Iterable[JournalEvent], first: int) -> Entry:
        """Return the entry of a request. It is not yet in the list."""
        self.key(create=True)
        columns = sorted(selection.where)
        named = [] if columns and not selection.rows and not selection.ids else list(events)
        ids = {*selection.ids, *(event.id for event in named if event.id is not None)}
        return Entry(
            id=secrets.token_hex(8),
            t=t,
            store=store,
            key=_name_of(self.key()),
            columns=columns,
            values=self.hashed("values", *(selection.where[name] for name in columns)) if columns else "",
            ids=sorted(self.hashed("id", name) for name in ids),
            rows=sorted({self.hashed("row", content(event)) for event in named}),
            first=first,
        )

    def add(self, entry: Entry) -> None:
        """Append an entry, which is durable when this returns."""
        new = not self.path.exists()
        with open(self.path, "ab", opener=_private) as file:
            file.write(msgspec.json.encode(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(self.path)
        self.entries.append(entry)
        self._index = None

    # ---- testing -----------------------------------------------------------------------------------------------------

    def names(self, event: JournalEvent, *ids: str | None) -> bool:
        """Return whether the list names an event, by its values, its content or one of its ids."""
        if not self.entries:
            return False
        by_columns, hashed_ids, rows = self._indexed()
        if any(self._of_values(event.x, columns) in known for columns, known in by_columns.items()):
            return True
        if any(name is not None and self.hashed("id", name) in hashed_ids for name in (event.id, *ids) if hashed_ids):
            return True
        return bool(rows) and self.hashed("row", content(event)) in rows

    def names_id(self, name: str) -> bool:
        """Return whether the list names an id."""
        return bool(self.entries) and self.hashed("id", name) in self._indexed()[1]

    def only(self, entries: list[Entry]) -> ForgetList:
        """Return a list with some of the entries, to find what they name."""
        some = object.__new__(ForgetList)
        some.path, some.entries, some._key, some._index = self.path, entries, None, None
        return some

    def _of_values(self, x: Mapping[Any, Any], columns: tuple[str, ...]) -> str | None:
        if any(name not in x for name in columns):
            return None
        return self.hashed("values", *(as_text(x[name]) for name in columns))

    def _indexed(self) -> tuple[dict[tuple[str, ...], set[str]], set[str], set[str]]:
        if self._index is None:
            by_columns: dict[tuple[str, ...], set[str]] = {}
            for entry in self.entries:
                if entry.columns:
                    by_columns.setdefault(tuple(entry.columns), set()).add(entry.values)
            ids = {name for entry in self.entries for name in entry.ids}
            self._index = by_columns, ids, {row for entry in self.entries for row in entry.rows}
        return self._index


def _name_of(key: bytes) -> str:
    """Return a name of a key that doesn't give it away."""
    return hashlib.sha256(b"headwater forget key" + key).hexdigest()[:16]


def _write_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb", opener=_private) as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Listed:
    """Selects what entries of a forget list name.

    Parameters
    ----------
    entries : ForgetList
        The list, or some entries of it.
    """

    where: Mapping[str, str] = {}

    def __init__(self, entries: ForgetList) -> None:
        self._entries = entries

    def takes(self, seq: int, event: JournalEvent) -> bool:
        """Return whether the list names an event."""
        return is_row(event) and self._entries.names(event)

    def may_be_in(self, first: int, last: int, body: bytes) -> bool:
        """Return True, since hashes can't be searched for."""
        return True

    def has_values(self, x: Mapping[Any, Any]) -> bool:
        """Return whether the list names a row."""
        return self._entries.names(JournalEvent(dict(x), None))

    def names(self, *names: str | None) -> bool:
        """Return whether the list names one of some ids or keys."""
        return any(name is not None and self._entries.names_id(name) for name in names)

    def in_message(self, *parts: bytes | str) -> bool:
        """Return whether a message may mention what is listed. Hashes can't be searched for, so one without columns may."""
        for part in parts:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                found = msgspec.json.decode(part)
                if isinstance(found, dict) and "value" not in found:
                    return self.has_values(found)
        return True
