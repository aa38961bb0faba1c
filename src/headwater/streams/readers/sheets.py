"""Read the first sheet of a workbook (.xlsx, .xls, .xlsb, .ods) as rows, with python-calamine."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headwater.errors import MissingExtra, SourceError
from headwater.streams.files.addresses import shown
from headwater.streams.files.open_file import open_bytes
from headwater.streams.files.paths import check_there

__all__ = ["read_sheet"]


def read_sheet(path: str | Path) -> Iterator[dict[str, Any]]:
    """Return the rows of a workbook's first sheet that has any, by the names in its first filled row.

    Parameters
    ----------
    path
        The workbook.

    Raises
    ------
    MissingExtra
        When python-calamine is not installed.
    SourceError
        When there is no such file, or it is no workbook, or empty.
    """
    at = shown(str(path))
    check_there(str(path))
    if not find_spec("python_calamine"):
        raise MissingExtra(package="python-calamine", extra="excel", at=at)
    import python_calamine as calamine

    with open_bytes(str(path))[0] as file:
        content = io.BytesIO(file.read())
    try:
        book = calamine.CalamineWorkbook.from_filelike(content)
        sheets = (book.get_sheet_by_name(name).to_python() for name in book.sheet_names)
        rows: list[list[Any]] = next(filter(None, sheets), [])
    except (calamine.CalamineError, OSError) as error:
        raise SourceError(
            expected="a workbook", got=f"an unreadable one ({error})", at=at, help="Save it again, or as CSV."
        ) from error
    if not rows:
        raise SourceError(expected="a sheet with rows", got="an empty workbook", at=at, help="Check its path.")
    filled = (i for i, row in enumerate(rows) if all(str(cell).strip() for cell in row))
    first = next(filled, 0)
    names = [str(name).strip() or f"column {j}" for j, name in enumerate(rows[first], 1)]
    cells = ([None if cell == "" else cell for cell in row] for row in rows[first + 1 :])
    return (dict(zip(names, row, strict=True)) for row in cells if any(cell is not None for cell in row))
