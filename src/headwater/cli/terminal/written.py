"""Responses as CSV or as JSON lines, on standard output or in a file that is written whole or not at all."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from headwater.learner.schema import Field, Response, Wide

__all__ = ["ResponseWriter", "exact", "opened_output"]

_WHOLE = 2**53  # a float has all whole numbers below it,
_LARGEST = 2**63  # and readers of JSON those below this one


class ResponseWriter:
    """Write responses row by row, behind a row's number and the columns that are kept of it.

    Parameters
    ----------
    file : file
        Where to.
    form : str
        "csv" or "jsonl".
    kept : sequence of str
        Names of the columns that are kept.
    fields : sequence of Field
        The columns that the kind declares.
    numbered : bool
        Whether rows have numbers; those of a question without rows have none.
    """

    def __init__(
        self, file: IO[str], form: str, kept: Sequence[str], fields: Sequence[Field], *, numbered: bool = True
    ) -> None:
        self._file, self._json, self._kept, self._numbered = file, form == "jsonl", kept, numbered
        self._table = csv.writer(file, lineterminator="\n")
        self._columns: tuple[str, ...] = ()
        self._truths = {field.name for field in fields if field.type == "boolean"}
        self._shares = {field.name for field in fields if (field.least, field.most) == (0, 1)}

    def write(self, numbers: Iterable[int], beside: Iterable[tuple[Any, ...]], response: Response) -> None:
        """Write one response."""
        said = self._rounded(response)
        if self._json:
            for number, own, row in zip(numbers, beside, said.rows(), strict=True):
                self._file.write(_line(self._before(number, own) | row))
            return
        flat = said.flat()
        if not self._columns:
            self._columns = tuple(flat)
            self._table.writerow([*(["row"] if self._numbered else []), *self._kept, *flat])
        columns = [_lowered(flat[name]) if name in self._truths else _joined(flat[name]) for name in self._columns]
        for number, own, *values in zip(numbers, beside, *columns, strict=True):
            self._table.writerow([*self._before(number, own).values(), *values])

    def _rounded(self, response: Response) -> Response:
        """Return a response with shares of float32 to six digits, as many as they have."""
        columns: dict[str, Any] = {}
        for name, column in response.columns.items():
            if isinstance(column, Wide) and isinstance(column.values, np.ndarray):
                column = Wide(column.names, [[_short(value) for value in row] for row in column.values.tolist()])
            elif name in self._shares and not isinstance(column, Wide):
                column = [_short(value) for value in column]
            columns[name] = column
        return Response(columns)

    def _before(self, number: int, own: tuple[Any, ...]) -> dict[str, Any]:
        numbered = {"row": number} if self._numbered else {}
        return numbered | dict(zip(self._kept, map(_plain, own), strict=True))


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _lowered(values: list[bool]) -> list[str]:
    return [str(value).lower() for value in values]


def _joined(values: list[Any]) -> list[Any]:
    """Return the cells of a column, with a list's items separated by spaces."""
    return [" ".join(map(str, value)) if isinstance(value, list) else value for value in values]


def _plain(value: Any) -> Any:
    """Write a whole number without a fraction, so that the identifier 17 stays 17."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def exact(value: Any, cell: str) -> Any:
    """Return the value of a cell, but a whole number of more digits than a float has as the cell says it.

    Examples
    --------
    >>> exact(9007199254740992.0, "9007199254740993"), exact(1e22, "10000000000000000000000"), exact(7.0, "007")
    (9007199254740993, '10000000000000000000000', 7.0)
    """
    if not isinstance(value, float) or abs(value) < _WHOLE or not cell.strip().lstrip("+-").isdecimal():
        return value
    return int(cell) if abs(value) < _LARGEST else cell.strip()


def _line(entry: dict[str, Any]) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode() + "\n"


@contextmanager
def opened_output(out: Path | None) -> Iterator[IO[str]]:
    """Open standard output, or a file beside the one that is asked for, which takes its place when it is whole."""
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    if not out.is_file() and out.exists():  # a device, a pipe
        with out.open("w", newline="", encoding="utf-8") as file:
            yield file
        return
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with beside.open("w", newline="", encoding="utf-8") as file:
            yield file
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)
