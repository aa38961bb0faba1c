"""One's own CSV as points of the playground's plane: two columns of numbers are the inputs, one more is the answer."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError
from headwater.streams.cells import parse_column, parse_label
from headwater.streams.delimited import read_header
from headwater.streams.lines import read_lines
from headwater.streams.rejects import Rejects

__all__ = ["BOX", "Table", "read_table"]

Array = NDArray[np.float64]
BOX = 3.0
"""Both inputs are shown from −BOX to BOX."""
_CLASSES = 6
_ROWS = 20_000
_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV of one's own, brought into the box.

    Parameters
    ----------
    columns
        The names of its columns.
    chosen
        Those of the two inputs and of the answer.
    x, y
        The points (n, 2) within the box, and the answers (n,): class numbers, or values within ±1.
    classes
        The names of the classes; empty for regression.
    low, high
        What −BOX and BOX stand for, of each input.
    answers
        What −1 and 1 stand for, of a regression's answer.
    skipped
        Rows left out for want of a number or an answer.
    """

    columns: tuple[str, ...]
    chosen: tuple[str, str, str]
    x: Array
    y: Array
    classes: tuple[str, ...]
    low: tuple[float, float]
    high: tuple[float, float]
    answers: tuple[float, float]
    skipped: int


def read_table(text: str, chosen: tuple[str, ...] = ()) -> Table:
    r"""Return a CSV as points: two columns of numbers are the inputs, one more is the answer.

    Parameters
    ----------
    text : str
        The file, with a header. A delimiter of ``, ; tab |`` is found by itself.
    chosen : tuple of str
        Names of the inputs and of the answer; without them the first two columns of numbers and the last column.

    Raises
    ------
    DataError
        If there are no such columns, too few or too many rows, or too many classes.

    Examples
    --------
    >>> table = read_table("a,b,late\n1,2,no\n3,4,yes\n5,6,no\n")
    >>> table.classes, table.y.tolist(), table.x[0].tolist()
    (('no', 'yes'), [0.0, 1.0, 0.0], [-2.7, -2.7])
    """
    names, cells = _cells(text)
    numeric = [name for name in names if _is_numeric(cells[name])]
    if not chosen:
        y_name = names[-1]
        inputs = [name for name in numeric if name != y_name][:2]
        if len(inputs) < 2:
            raise _no_columns(f"{len(inputs)} beside the last: {', '.join(inputs)[:80]}")
        chosen = (*inputs, y_name)
    for name in chosen:
        if name not in cells:
            raise DataError(
                expected="a column of the CSV",
                got=repr(name[:80]),
                at="columns",
                help="Choose another.",
                code="csv_column",
            )
    if len({*chosen[:2]}) < 2 or not {*chosen[:2]} <= {*numeric} or chosen[2] in chosen[:2]:
        raise _no_columns(", ".join(chosen)[:120])
    return _table(names, chosen, cells)


def _no_columns(got: str) -> DataError:
    return DataError(
        expected="two different columns of numbers as inputs, and another as answer",
        got=got or "none",
        at="CSV",
        help="Choose other columns, or bring a file with a header and such columns.",
        code="csv_numbers",
    )


def _cells(text: str) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Names of the columns, and the cells of each."""
    if "\0" in text:
        raise DataError(
            expected="a text file", got="bytes of 0", at="CSV", help="Save the table as CSV.", code="csv_text"
        )
    raw = io.BytesIO(text.removeprefix("\ufeff").replace("\r\n", "\n").encode("utf-8", "replace"))
    names, delimiter, _ = read_header(read_lines(raw, Rejects()), delimiter=None, at="CSV")
    if len({*names}) < len(names) or len(names) < 3 or len(names) > _COLUMNS:
        got = f"{len(names)}, {len({*names})} of them different"
        raise DataError(
            expected=f"3 to {_COLUMNS} columns of different names",
            got=got,
            at="CSV",
            help="Mend its header.",
            code="csv_header",
        )
    try:
        rows = [row for row in csv.reader(io.StringIO(raw.getvalue().decode()), delimiter=delimiter) if row][1:]
    except csv.Error as error:
        raise DataError(
            expected="a CSV", got=str(error), at="CSV", help="Check its quotes.", code="csv_quotes"
        ) from error
    if not 3 <= len(rows) <= _ROWS:
        raise DataError(
            expected=f"3 to {_ROWS} rows",
            got=str(len(rows)),
            at="CSV",
            help="Take a part of the file.",
            code="csv_rows",
        )
    whole = [row for row in rows if len(row) == len(names)]
    return names, {name: [row[j].strip() for row in whole] for j, name in enumerate(names)}


def _is_numeric(cells: list[str]) -> bool:
    """Whether nine tenths of what is there are numbers."""
    values = [value for value in parse_column(cells) if value is not None]
    numbers = sum(isinstance(value, float) and abs(value) <= 1e30 for value in values)
    return len(values) > 0 and numbers >= 0.9 * len(values)


def _table(names: tuple[str, ...], chosen: tuple[str, ...], cells: dict[str, list[str]]) -> Table:
    first, second = (parse_column(cells[name]) for name in chosen[:2])
    labels = [parse_label(cell) for cell in cells[chosen[2]]]
    rows = [
        (float(a), float(b), label)
        for a, b, label in zip(first, second, labels, strict=True)
        if _number(a) and _number(b) and label is not None
    ]
    if len(rows) < 3:
        raise DataError(
            expected="3 rows or more with both numbers and an answer",
            got=str(len(rows)),
            at="CSV",
            help="Choose other columns.",
            code="csv_few",
        )
    x = np.array([row[:2] for row in rows])
    low, high = x.min(0), x.max(0)
    width = np.where(high > low, high - low, 1.0)
    y, classes, answers = _answers([row[2] for row in rows], chosen[2])
    scaled = 0.9 * BOX * (2 * (x - low) / width - 1)
    margin = width / 18  # 0.9·BOX is where the data ends
    edges = [(float(a), float(b)) for a, b in zip(low - margin, low + width + margin, strict=True)]
    return Table(
        columns=names,
        chosen=(chosen[0], chosen[1], chosen[2]),
        x=scaled,
        y=y,
        classes=classes,
        low=(edges[0][0], edges[1][0]),
        high=(edges[0][1], edges[1][1]),
        answers=answers,
        skipped=len(labels) - len(rows),
    )


def _number(value: Any) -> bool:
    return isinstance(value, float) and abs(value) <= 1e30


def _answers(labels: list[Any], name: str) -> tuple[Array, tuple[str, ...], tuple[float, float]]:
    """Class numbers and names, or values within ±1 and what these stand for."""
    kinds = sorted({str(label) for label in labels})
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= 1e30 for v in labels)
    if numbers and (len(kinds) > _CLASSES or any(v % 1 for v in labels)):
        y = np.array(labels, float)
        low, high = float(y.min()), float(y.max())
        return (2 * (y - low) / (high - low) - 1 if high > low else 0 * y), (), (low, high)
    if not 2 <= len(kinds) <= _CLASSES:
        raise DataError(
            expected=f"numbers, or 2 to {_CLASSES} classes, as answer",
            got=f"{len(kinds)} classes",
            at=f"column {name[:80]}",
            help="Choose another column.",
            code="csv_classes",
        )
    place = {kind: float(i) for i, kind in enumerate(kinds)}
    return np.array([place[str(label)] for label in labels]), tuple(k[:40] for k in kinds), (0.0, 0.0)
