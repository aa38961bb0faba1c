"""Read the cells of one column by its kind and format, and count those that don't fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from headwater.streams.readers.dtypes.cells import (
    BOOLEANS,
    MISSING,
    NOT_A_NUMBER,
    Remembered,
    exact_number,
    exact_numbers,
    parse_column,
    parse_firm,
    parse_labels,
    parse_numbers,
    parse_text,
)
from headwater.streams.readers.dtypes.dates import DateFormat
from headwater.streams.readers.dtypes.numbers import NumberFormat

__all__ = ["BOOLEAN", "BY_CELL", "DATE", "NUMBER", "TEXT", "ColumnReader"]

NUMBER, DATE, TEXT, BOOLEAN, BY_CELL = "number", "date", "text", "boolean", "by cell"
_REMEMBERED = 8_192  # maximum number of cached cells per column


class ColumnReader:
    """Reader of the cells of one column.

    Parameters
    ----------
    kind
        ``"number"``, ``"date"``, ``"text"``, ``"boolean"``, or ``"by cell"`` to parse each cell separately.
    number
        Format of numbers.
    date
        Format of dates.
    started
        Whether the model knows the column's kind. If not, texts before the first number or date are left out, since the
        first value would decide the kind of the column.
    whole
        Whether the column's first numbers are whole. Those too long for a float are then read as int, so that two keys stay two.

    Examples
    --------
    >>> column = ColumnReader("number", number=NumberFormat(",", "."))
    >>> column.read(["soon", "1.234,5", "?", "late"], range(2, 6)), column.odd, column.first
    ([None, 1234.5, None, 'late'], 2, ('soon', 2))
    >>> ColumnReader.from_note(column.note()).number
    NumberFormat(decimal=',', thousands='.', unit='', factors=False)
    """

    def __init__(
        self,
        kind: str = BY_CELL,
        *,
        number: NumberFormat | None = None,
        date: DateFormat | None = None,
        started: bool = False,
        whole: bool = True,
    ) -> None:
        self.kind, self.started, self.whole = kind, started, whole
        self.number, self.date = number or NumberFormat(), date or DateFormat()
        self.odd = 0  # texts among numbers or dates
        self.first: tuple[str, int] = ("", 0)  # first odd text and its line

    @cached_property
    def _values(self) -> Remembered:
        return Remembered(self.value, _REMEMBERED)

    def note(self) -> dict[str, Any]:
        """Return the reader's settings as JSON, for reading further files like this one."""
        if self.kind == NUMBER and not self.number.plain:
            known = asdict(NumberFormat())
            return {"kind": NUMBER} | {k: v for k, v in asdict(self.number).items() if v != known[k]}
        return {"kind": DATE, "order": self.date.order} if self.kind == DATE else {"kind": self.kind}

    @staticmethod
    def from_note(note: dict[str, Any]) -> ColumnReader:
        """Return the reader with the given settings."""
        kind, rest = note["kind"], {k: v for k, v in note.items() if k != "kind"}
        number = NumberFormat(**rest) if kind == NUMBER else None
        return ColumnReader(kind, number=number, date=DateFormat(**rest) if kind == DATE else None, started=True)

    def read(self, cells: Sequence[str], lines: Sequence[int]) -> list[Any]:
        """Return the value of each cell. `lines` are their line numbers, for cells that don't fit."""
        if self.kind == TEXT:
            return parse_firm(cells)
        if self.kind not in (NUMBER, DATE):
            return parse_column(cells)
        if self.kind == NUMBER and self.number.plain and (values := parse_numbers(cells)) is not None:
            self.started = True
            return exact_numbers(cells, values) if self.whole else values
        return self._watched(list(map(self._values.__getitem__, cells)), cells, lines)

    def labels(self, cells: Sequence[str], lines: Sequence[int]) -> list[Any]:
        """Return the cells as labels, with whole numbers as int and dates as text."""
        if self.kind in (TEXT, DATE):
            return list(parse_text(cells))
        if self.kind != NUMBER or self.number.plain:
            labels = parse_labels(cells)
            return [None if label in NOT_A_NUMBER else label for label in labels] if self.kind == NUMBER else labels
        values = map(self._values.__getitem__, cells)
        return [self._whole(value, cell) for value, cell in zip(values, cells, strict=True)]

    def _whole(self, value: Any, cell: str) -> Any:
        whole = type(value) is float and value.is_integer() and self.number.decimal not in cell
        return int(value) if whole else value

    def value(self, cell: str) -> Any:
        """Return the value of one cell of a column of numbers or dates, a text that does not fit as it is."""
        text = cell.strip()
        if text in MISSING or text in NOT_A_NUMBER:
            return None
        # Among dates a boolean would begin a column of numbers, which the seconds of a clock are.
        if text in BOOLEANS and (self.kind == NUMBER or self.date.order == "clock"):
            return BOOLEANS[text]
        if self.kind == NUMBER:
            value = self.number.read(text)
            return text if value is None else exact_number(text, value)
        date = self.date.read(text)
        return text if date is None else date

    def _watched(self, values: list[Any], cells: Sequence[str], lines: Sequence[int]) -> list[Any]:
        odd = [i for i, value in enumerate(values) if type(value) is str]
        if odd:
            self.first = self.first if self.odd else (cells[odd[0]], lines[odd[0]])
            self.odd += len(odd)
        if not self.started:
            first = next((i for i, value in enumerate(values) if type(value) not in (str, type(None))), None)
            self.started = first is not None
            values[: len(values) if first is None else first] = [None] * (len(values) if first is None else first)
        return values
