"""Look at a source before anything is learned: a column a line, with what was read, what else it could be, and what is odd."""

from __future__ import annotations

import datetime as dt
import html
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError, counted, did_you_mean
from headwater.streams.readers.dtypes.columns import DATE, NUMBER, ColumnReader
from headwater.streams.readers.dtypes.dates import DateFormat, counted_times
from headwater.streams.readers.dtypes.inference import LOOK, DtypeInference, Inferred, sentinel
from headwater.streams.stream import Stream, read

__all__ = ["Look", "LookedColumn", "look"]

CELLS = 5
"""Raw cells shown of each column."""
_ID_SHARE, _ID_ROWS, _ID_LETTERS = 0.95, 20, 40  # share of different values, rows, and letters of an identifier
_LEAK = 0.999  # squared correlation with the target, or share of rows whose value tells the class
_PROBED = 200  # cells from which those to show are taken
_TIMES = ("date", "day", "time", "when", "datum", "tag", "日", "时间")  # in names of columns that may be days
_KINDS: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "text": (str,),
    "list": (Mapping, list, tuple),
    "date": (dt.date,),
    "number": (Real, Decimal, dt.timedelta, dt.time),
}
"""The first kind that a value is an instance of is the one shown."""
_HEADS = ("column", "read as", "cells", "gaps", "unit", "could be", "sure", "odd", "option")


@dataclass(frozen=True, slots=True)
class LookedColumn:
    """One column of a source.

    Parameters
    ----------
    name
        As in the source.
    kind
        ``"number"``, ``"date"``, ``"text"``, ``"boolean"``, ``"empty"``, ``"list"`` or ``"unreadable"``.
    cells
        Up to five different raw cells.
    gaps
        Rows without a value.
    unit
        Unit or currency beside the numbers.
    others
        Other readings of the same cells.
    sure
        Share of the cells that the reading fits, halved if another fits them as well.
    marks
        What is odd about the column, such as ``"constant"`` or ``"identifier"``.
    option
        Option that reads it otherwise.
    """

    name: str
    kind: str
    cells: tuple[str, ...]
    gaps: int
    unit: str = ""
    others: tuple[str, ...] = ()
    sure: float = 1.0
    marks: tuple[str, ...] = ()
    option: str = ""

    def row(self) -> tuple[str, ...]:
        """Return the column as the cells of a table."""
        shown = " · ".join(cell if len(cell) <= 18 else f"{cell[:17]}…" for cell in self.cells)
        texts = (f"{self.gaps:,}" if self.gaps else "", self.unit, ", ".join(self.others), f"{self.sure:.0%}")
        return self.name, self.kind, shown, *texts, ", ".join(self.marks), self.option


@dataclass(frozen=True, slots=True)
class Look:
    """Columns of a source before anything is learned, which is shown as a table.

    Parameters
    ----------
    source
        Name of the source.
    rows
        Rows that were looked at.
    columns
        Its columns.
    notes
        Sentences on the source.
    """

    source: str
    rows: int
    columns: tuple[LookedColumn, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)

    def __getitem__(self, name: str) -> LookedColumn:
        return {column.name: column for column in self.columns}[name]

    def __repr__(self) -> str:
        rows = [_HEADS, *(column.row() for column in self.columns)]
        used = [j for j in range(len(_HEADS)) if j < 3 or any(row[j] for row in rows[1:])]
        widths = {j: max(len(row[j]) for row in rows) for j in used}
        lines = ["  ".join(row[j].ljust(widths[j]) for j in used).rstrip() for row in rows]
        return "\n".join(
            [
                f"{self.source}: {counted(self.rows, 'row')} looked at",
                "",
                *lines,
                *(["", *self.notes] if self.notes else []),
            ]
        )

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{head}</th>" for head in _HEADS)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in column.row()) + "</tr>"
            for column in self.columns
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        title = f"<p>{html.escape(self.source)}: {counted(self.rows, 'row')} looked at</p>"
        return f"{title}<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{notes}"


def look(source: Any, *, target: str | None = None, rows: int = LOOK, **options: Any) -> Look:
    """Look at the first rows of a source without learning anything.

    Parameters
    ----------
    source
        Anything that ``read`` takes, such as files, a data frame, an array or dicts.
    target
        Column of the labels. Columns that tell it are marked.
    rows
        Maximum number of rows to look at.
    **options
        Options of ``read``, such as ``decimal="comma"``.

    Returns
    -------
    Look
        The columns. It is shown as a table, in a notebook too.

    Raises
    ------
    DataError
        If the target is no column.

    Examples
    --------
    >>> look([{"price": "1,5", "day": "13.1.2024"}, {"price": "", "day": "14.1.2024"}])["price"]
    LookedColumn(name='price', kind='number', cells=('1,5',), gaps=1, unit='', others=(), sure=1.0, marks=(), option='')
    """
    with read(source, task=None, limit=rows, **options) as stream:
        inference = stream.inference
        inference.keep = True
        values, n = _values_of(stream)
        if target is not None and target not in values:
            raise DataError(
                expected=f"the column {target}",
                got="no such column",
                at=stream.name,
                help=did_you_mean(target, list(values)),
            )
        columns = tuple(_column(name, own, inference) for name, own in values.items())
        marked = tuple(_marked(column, values[column.name], values.get(target or "", []), target) for column in columns)
        return Look(stream.name, n, marked, tuple(stream.notes))


def _values_of(stream: Stream) -> tuple[dict[str, list[Any]], int]:
    """Return the values of each column, None where a row lacks it, and the number of rows."""
    values: dict[str, list[Any]] = {}
    n = 0
    for x, _ in stream:
        row = x.items() if isinstance(x, Mapping) else ((f"x{j}", value) for j, value in enumerate(x.tolist()))
        for name, value in row:
            own = values.setdefault(str(name), [])
            own.extend([None] * (n - len(own)))
            own.append(value)
        n += 1
    for own in values.values():
        own.extend([None] * (n - len(own)))
    return values, n


def _column(name: str, values: list[Any], inference: DtypeInference) -> LookedColumn:
    cells = [cell for cell in inference.cells.get(name, values) if not _missing(cell) and cell != ""]
    shown = tuple(dict.fromkeys(map(str, cells[:_PROBED])))[:CELLS]
    gaps = sum(map(_missing, values))
    reader, verdict = inference.readers.get(name), inference.verdicts.get(name)
    if reader is None or verdict is None or not verdict.counts:
        return LookedColumn(name, _kind_of(values), shown, gaps)
    others, option = _others(reader, verdict)
    fits = 1 - min(1.0, reader.odd / max(1, len(values) - gaps)) if reader.kind in (NUMBER, DATE) else 1.0
    unit = reader.number.unit if reader.kind == NUMBER else ""
    return LookedColumn(name, _kind_of(values), shown, gaps, unit, others, fits / (1 + len(others)), (), option)


def _others(reader: ColumnReader, verdict: Inferred) -> tuple[tuple[str, ...], str]:
    """Return the other readings of a column's cells, and the option for the first one."""
    if reader.kind == NUMBER:
        shown = max(verdict.counts, key=len)
        mine = reader.number.read(shown)
        found = {other.decimal: other.read(shown) for other in verdict.numbers if other.read(shown) not in (None, mine)}
        signs = {".": "point", ",": "comma"}
        others = tuple(f"{value:.15g} with a decimal {signs[sign]}" for sign, value in found.items())
        return others, f"--decimal {signs[next(iter(found))]}" if found else ""
    if reader.kind == DATE:
        orders = [
            other.order
            for other in verdict.dates
            if any(other.read(cell) not in (None, reader.date.read(cell)) for cell in verdict.counts)
        ]
        return tuple(str(DateFormat(order)) for order in orders), f"--dates {orders[0]}" if orders else ""
    return (), ""


def _kind_of(values: Sequence[Any]) -> str:
    kinds = Counter(_kind(value) for value in values if not _missing(value))
    return kinds.most_common(1)[0][0] if kinds else "empty"


def _kind(value: Any) -> str:
    return next((kind for kind, types in _KINDS.items() if isinstance(value, types)), "unreadable")


def _missing(value: Any) -> bool:
    """Return whether a value is None, or a number that is none."""
    return value is None or (isinstance(value, Real) and math.isnan(value))


# ---- what is odd ----------------------------------------------------------------------------------------------------


def _marked(column: LookedColumn, values: Sequence[Any], target: Sequence[Any], name: str | None) -> LookedColumn:
    """Return the column with marks, and the option for the first mark if it has none yet."""
    known = [value for value in values if not _missing(value)]
    found: dict[str, str] = {}
    if column.kind == "unreadable":
        found["unreadable"] = f"--drop {column.name}"
    if len(known) > 1 and column.kind != "list" and len(set(map(str, known))) == 1:
        found["constant"] = f"--drop {column.name}"
    if column.name != name and _is_identifier(known, column.kind):
        found["identifier"] = f"--drop {column.name}"
    if name not in (None, column.name) and _tells(values, target):
        found["leaks the target"] = f"--drop {column.name}"
    if column.kind == "number":
        found |= _odd_numbers(column.name, [float(value) for value in known if isinstance(value, Real)])
    return replace(column, marks=tuple(found), option=column.option or next(iter(found.values()), ""))


def _odd_numbers(name: str, numbers: list[float]) -> dict[str, str]:
    found: dict[str, str] = {}
    gap = sentinel(numbers)
    if gap is not None:
        found[f"sentinel {gap:g}"] = f"--missing={gap:g}"
    order = counted_times(numbers) if len(set(numbers)) > 1 else ""
    if order == "excel" and any(word in name.lower() for word in _TIMES):
        found["Excel date"] = f"--times {name}"
    elif order in ("epoch", "epoch_ms"):
        found["epoch" if order == "epoch" else "epoch in milliseconds"] = f"--times {name}"
    return found


def _is_identifier(known: Sequence[Any], kind: str) -> bool:
    """Return whether values hardly ever come again: texts without spaces, or whole numbers that count up."""
    if len(known) < _ID_ROWS or len(set(map(str, known))) < _ID_SHARE * len(known):
        return False
    if kind == "text":
        return all(len(text) <= _ID_LETTERS and " " not in text for text in map(str, known))
    steps = {b - a for a, b in pairwise(known)} if kind == "number" else set()
    return steps == {1}


def _tells(values: Sequence[Any], target: Sequence[Any]) -> bool:
    """Return whether a column tells the target in all rows but a thousandth."""
    pairs = [(a, b) for a, b in zip(values, target, strict=True) if not (_missing(a) or _missing(b))]
    if len(pairs) < _ID_ROWS or len({str(b) for _, b in pairs}) < 2:
        return False
    groups: dict[str, Counter[str]] = {}
    for a, b in pairs:
        groups.setdefault(str(a), Counter())[str(b)] += 1
    if 2 * len(groups) <= len(pairs):
        return sum(max(own.values()) for own in groups.values()) >= _LEAK * len(pairs)
    if not all(isinstance(a, Real) and isinstance(b, Real) for a, b in pairs):
        return False
    r: NDArray[np.float64] = np.corrcoef(np.array(pairs, np.float64), rowvar=False)
    return bool(r[0, 1] ** 2 >= _LEAK)
