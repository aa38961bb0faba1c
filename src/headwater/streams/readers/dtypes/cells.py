"""Parse cells whose text is unambiguous, as missing, boolean, number or text.

- ``""``, ``NA``, ``N/A``, ``NaN``, ``null``, ``None`` and their usual spellings are missing;
- numbers in Python's notation are floats (``1_000`` is not a number: it is an identifier more often);
- ``true`` and ``false`` (also ``True``, ``TRUE``) are booleans;
- everything else is a string, without surrounding spaces.

The module `inference` parses what only a whole column decides (``1,234``, ``1/5/2024``). A row of texts alone, such as one of
``csv.DictReader``, is read by the same rules at every other door: `first_cell` says what a text begins a column with,
`next_cell` what it is in a column that has begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from typing import Any

from headwater.streams.readers.dtypes.numbers import PLAIN

__all__ = [
    "BOOLEANS", "LARGE", "LOSSY", "MISSING", "NOT_A_NUMBER", "Remembered", "Text", "exact_number", "exact_numbers", "firm",
    "first_cell", "is_of_texts", "is_too_long", "next_cell", "parse_column", "parse_firm", "parse_label", "parse_labels",
    "parse_text",
]  # fmt: skip

MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "Null", "NULL", "None", "none", "NONE"}
    | set(map("".join, product(("", "+", "-"), "nN", "aA", "nN")))
)
# Markers of missing numbers and dates from people, databases and spreadsheets. In a column of texts they are text.
_MARKS = (
    "? - -- --- — – . .. ... * x X na Na n.a. N.A. n/d N/D nd ND nil NIL unknown Unknown UNKNOWN missing Missing MISSING "
    r"(blank) \N #DIV/0! #VALUE! #REF! #NUM! #NAME? #NULL! NaT 1.#QNAN -1.#IND 无 無 空 未知 不详 不明 暂无"
)
NOT_A_NUMBER = frozenset(_MARKS.split())
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_SIGNS = frozenset([mark for mark in NOT_A_NUMBER if not mark[0].isalpha()])
# Codes such as 01067, and numbers that no identifier looks like.
_CODE, _DECIMAL = re.compile(r"0\d{4,}"), re.compile(r"[+-]?(\d+\.\d*|\.\d+)|[+-]\d+")
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
LOSSY, _ENDLESS = 16, 300  # digits of a whole number that a float may lose, and that it doesn't hold
LARGE = 2.0**53  # whole numbers below it are exact in a float
_KEPT = -(2**63), 2**64  # whole numbers that a journal keeps
_REMEMBERED = 65_536  # maximum number of cached texts, since a stream may have endlessly many


class Text(str):
    """A text that begins a column of texts, even if it reads as a number, since its file or an option says so.

    Examples
    --------
    >>> Text("0042") == "0042"
    True
    """

    __slots__ = ()


class Remembered(dict[str, Any]):
    """Cache of parsed values by text. Texts repeat, and a lookup costs a tenth of parsing.

    Parameters
    ----------
    parse
        Parses a text.
    most
        Maximum size.
    """

    def __init__(self, parse: Callable[[str], Any], most: int = _REMEMBERED) -> None:
        super().__init__()
        self._parse, self._most = parse, most

    def __missing__(self, cell: str) -> Any:
        value = self._parse(cell)
        if len(self) < self._most:
            self[cell] = value
        return value


def parse_column(cells: Sequence[str]) -> list[Any]:
    """Return the value of each cell.

    This takes 40 ns per cell of numbers, 70 with gaps, and 50 for repeated texts.

    Examples
    --------
    >>> parse_column(["1", "2.5", "1e3"]), parse_column(["1", "NA", ""])
    ([1.0, 2.5, 1000.0], [1.0, None, None])
    >>> parse_column(["JFK", "true", "7", "1_000", "nan"])
    ['JFK', True, 7.0, '1_000', None]
    """
    values = parse_numbers(cells)
    return list(map(_CELLS.__getitem__, cells)) if values is None else exact_numbers(cells, values)


def parse_numbers(cells: Sequence[str]) -> list[Any] | None:
    """Return the number in each cell and None where missing, or only None if a cell is neither.

    Examples
    --------
    >>> parse_numbers(["1", "NA"]), parse_numbers(["1", "JFK"])
    ([1.0, None], None)
    """
    try:
        values: list[Any] = list(map(float, cells))
    except ValueError:
        return _parse_gaps(cells)
    # float() also accepts 1_000, nan and inf, so texts with these letters are checked again.
    text = "".join(cells)
    return _parse_gaps(cells) if "_" in text or "n" in text or "N" in text else values


def exact_number(cell: str, value: Any) -> Any:
    """Return a cell's number, as int if it is whole and too long for a float, such as an identifier of 17 digits.

    Examples
    --------
    >>> exact_number("12345678901234567", 12345678901234568.0), exact_number("7", 7.0)
    (12345678901234567, 7.0)
    """
    if len(cell) < LOSSY or not is_whole(cell) or abs(value) < LARGE:
        return value
    exact = int(cell)
    return exact if _KEPT[0] <= exact < _KEPT[1] else value


def exact_numbers(cells: Sequence[str], values: list[Any]) -> list[Any]:
    """Return the numbers of cells, those that are whole and too long for a float as int.

    Examples
    --------
    >>> exact_numbers(["12345678901234567", ""], [12345678901234568.0, None])
    [12345678901234567, None]
    """
    large = max(map(abs, filter(None, values)), default=0.0) >= LARGE
    return list(map(exact_number, cells, values)) if large else values


def is_whole(cell: str) -> bool:
    """Return whether a cell has the digits of a whole number, of at least as many as a float may lose.

    Examples
    --------
    >>> is_whole("12345678901234567"), is_whole("1.2345678901234567"), is_whole("17")
    (True, False, False)
    """
    digits = cell.strip().lstrip("+-")
    return LOSSY <= len(digits) < _ENDLESS and digits.isdecimal()


def is_too_long(cell: str) -> bool:
    """Return whether a cell is a whole number that a float has only nearly.

    Examples
    --------
    >>> is_too_long("9007199254740993"), is_too_long("9007199254740992")
    (True, False)
    """
    return is_whole(cell) and int(float(cell)) != int(cell)


def parse_text(cells: Sequence[str]) -> list[str | None]:
    """Return the cells as strings, None where missing, for identifiers such as ``0042``.

    Examples
    --------
    >>> parse_text(["0042", "NA", "JFK "])
    ['0042', None, 'JFK']
    """
    return list(map(_TEXTS.__getitem__, cells))


def parse_firm(cells: Sequence[str]) -> list[str | None]:
    """Return what `parse_text` returns, as `Text` where a learner would read a number, a date or a gap.

    Examples
    --------
    >>> [type(text).__name__ for text in parse_firm(["0042", "JFK"])]
    ['Text', 'str']
    """
    return list(map(_FIRM.__getitem__, cells))


def parse_label(cell: str) -> Any:
    """Return a label's value as `parse_column` does, but with whole numbers as int, so that a class prints as ``1``.

    Examples
    --------
    >>> [parse_label(cell) for cell in ("1", "-3", "0.5", "yes", "false", "")]
    [1, -3, 0.5, 'yes', False, None]
    """
    value = _CELLS[cell]
    if type(value) is float and value.is_integer() and cell.strip().lstrip("+-").isdecimal():
        return int(cell)
    return value


def parse_labels(cells: Sequence[str]) -> list[Any]:
    """Return `parse_label` of each cell.

    Examples
    --------
    >>> parse_labels(["1", "yes"])
    [1, 'yes']
    """
    return list(map(_LABELS.__getitem__, cells))


def is_of_texts(x: Mapping[Any, Any]) -> bool:
    """Return whether a row holds texts alone, and is then read as a row of a file.

    Examples
    --------
    >>> is_of_texts({"a": "1", "b": None}), is_of_texts({"a": "1", "b": 2.0})
    (True, False)
    """
    return all(value is None or type(value) is str for value in x.values())


def firm(text: str) -> str:
    """Return a text as `Text` if a learner would read a number, a date or a gap, else as it is.

    Examples
    --------
    >>> type(firm("0042")).__name__, type(firm("JFK")).__name__
    ('Text', 'str')
    """
    plain = first_cell(text, True) == first_cell(text, False) == text and not _ISO.match(text)
    return text if plain else Text(text)


def first_cell(text: str, of_texts: bool) -> float | str | None:
    """Return what a text begins a column with, a number or a text, or None for a gap.

    In a row of texts alone it is a file's cell, but codes such as 01067 stay texts. In a row with other values, a program told
    numbers from texts: only a text with a sign or a point is a number, and digits are an identifier.

    Parameters
    ----------
    text
        The text.
    of_texts
        Whether all values of its row are texts.

    Examples
    --------
    >>> [first_cell(text, True) for text in ("12", "1.5", "true", "NA", "?", "01067", " JFK")]
    [12.0, 1.5, 1.0, None, None, '01067', 'JFK']
    >>> [first_cell(text, False) for text in ("12", "1.5", "true", "NA", " JFK")]
    ['12', 1.5, 'true', 'NA', ' JFK']
    """
    if not of_texts:
        return float(text) if _DECIMAL.fullmatch(text) else text
    value = _CELLS[text]
    if value is None or value in _SIGNS:
        return None
    if type(value) is str or _CODE.fullmatch(text.strip()):
        return text.strip()
    return float(value)


def next_cell(text: str, number: bool) -> float | str | None:
    """Return what a text of a row of texts is in a column that has begun, with numbers or otherwise, or None for a gap.

    Examples
    --------
    >>> (
    ...     [next_cell(text, True) for text in ("unknown", "true", " many ", "(5)", "−5")],
    ...     [next_cell(text, False) for text in ("", "?")],
    ... )
    ([None, 1.0, 'many', -5.0, -5.0], [None, '?'])
    """
    stripped = text.strip()
    if stripped in MISSING or (number and stripped in NOT_A_NUMBER):
        return None
    if not number:
        return stripped
    found = float(BOOLEANS[stripped]) if stripped in BOOLEANS else PLAIN.read(stripped)
    return stripped if found is None else found


def _parse_gaps(cells: Sequence[str]) -> list[Any] | None:
    if "_" not in "".join(cells):
        with suppress(ValueError):
            return [None if cell in MISSING else float(cell) for cell in cells]
    return None


def _parse_cell(cell: str) -> Any:
    if cell in MISSING:
        return None
    if cell in BOOLEANS:
        return BOOLEANS[cell]
    try:
        return cell if "_" in cell else exact_number(cell, float(cell))
    except ValueError:
        return _parse_text(cell)


def _parse_text(cell: str) -> str | None:
    stripped = cell.strip()
    return None if stripped in MISSING else stripped


def _parse_firm(cell: str) -> str | None:
    text = _parse_text(cell)
    return None if text is None else firm(text)


_CELLS = Remembered(_parse_cell)
_TEXTS = Remembered(_parse_text)
_FIRM = Remembered(_parse_firm)
_LABELS = Remembered(parse_label)
