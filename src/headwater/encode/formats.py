"""Read the texts of single rows in the formats of the file that a model has learned, such as ``1.234,56 €``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from headwater.streams.readers.dtypes.columns import DATE, NUMBER, ColumnReader

from . import values
from .values import name_bytes, time_parts

__all__ = ["FormattedReader"]


class FormattedReader:
    """Reader of values for the core, like the module ``values``, which knows the formats of some columns.

    Parameters
    ----------
    columns : mapping of str to ColumnReader
        Columns of numbers or dates.
    missing : collection of str
        Texts that are gaps in these columns.

    Examples
    --------
    >>> reader = FormattedReader.of({"columns": {"price": {"kind": "number", "decimal": ","}}, "missing": ["-999"]})
    >>> reader.formatted(b"price", "1,5"), reader.formatted(b"price", "-999"), reader.formatted(b"size", "1,5")
    (1.5, None, Ellipsis)
    >>> reader.formatted(b"price", "soon"), reader.formatted(b"price", "1.5")
    ('soon', Ellipsis)
    """

    Text = values.Text
    plain = staticmethod(values.plain)
    cell = staticmethod(values.cell)
    as_text = staticmethod(values.as_text)
    parts_of = staticmethod(values.parts_of)
    name_bytes = staticmethod(values.name_bytes)
    beyond_limit = staticmethod(values.beyond_limit)
    flat = staticmethod(values.flat)
    no_embedding = staticmethod(values.no_embedding)
    as_key = staticmethod(values.as_key)

    def __init__(self, columns: Mapping[str, ColumnReader], missing: Collection[str] = ()) -> None:
        self.columns = {name_bytes(name): reader for name, reader in columns.items()}
        self._missing = frozenset(missing)

    @staticmethod
    def of(notes: Mapping[str, Any]) -> FormattedReader | None:
        """Return the reader of a model's notes, or None if its columns need none."""
        missing = notes.get("missing", ())
        readers = {name: ColumnReader.from_note(note) for name, note in notes.get("columns", {}).items()}
        target = notes.get("target")
        formatted = {
            name: reader
            for name, reader in readers.items()
            if name != target
            and (reader.kind == DATE or (reader.kind == NUMBER and (missing or not reader.number.plain)))
        }
        return FormattedReader(formatted, missing) if formatted else None

    def formatted(self, name: bytes, text: str) -> Any:
        """Return a text as a number, as time parts with their text or as None for a gap, or ``...`` if no format reads it.

        Among numbers in a format of their own, a text that is none to Python either stays a text, as in a file.
        """
        reader = self.columns.get(name)
        if reader is None:
            return ...
        value = None if text.strip() in self._missing else reader.value(text)
        if isinstance(value, dt.datetime):
            return time_parts(value)
        if isinstance(value, str):
            numbers = reader.kind == NUMBER or reader.date.order == "clock"
            return value if numbers and values.as_number(value) is None else ...
        return None if value is None else float(value)
