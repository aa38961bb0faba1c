"""Classify and convert single values, such as numbers, texts, date-times and lists.

The core reads floats, ints, bools, None and known texts itself, and calls the functions at the end of this file for the rest.

- A number scales the embedding row of its column.
- A text selects the row of its category. In a column that began with numbers, a text that parses as a number is that number,
  and any other is a category. In a column that began with texts, a number is the category of its text.
- A row of texts alone is read as a row of a file: numbers begin columns of numbers, and ``NA`` and its like are missing. In any
  other row a text begins a column of numbers only if it has a point or a sign, such as ``"19.90"`` (`streams.readers.cells`).
- A duration or a time of day is a number of seconds, and a period the date-time of its start.
- A date-time becomes seven numbers, as does an ISO 8601 text in a column that began with one.
- A list or an array of 64 to 4,096 numbers in a new column is an embedding, which stays one value where the learner mixes experts.
- Any other list becomes numbered columns, and a nested list columns with two numbers. An array becomes numbered columns, whatever its
  shape. A mapping becomes columns with dotted names.
- None and NaN are missing. Values of any other type are missing too, and counted.
"""

from __future__ import annotations

import ast
import datetime as dt
import math
import re
import struct
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.errors import DataError, LimitError, counted, shown
from headwater.streams.readers.dtypes.cells import Text as Text  # the core asks for it here
from headwater.streams.readers.dtypes.cells import first_cell, next_cell

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive times are used as written
_DAY = 86400.0
_SECONDS = ("W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")
"""Units of durations with a fixed number of seconds, which months and years lack."""
_DAY_US = 86_400_000_000
_DOUBLE = struct.Struct("d")

FEWEST_NUMBERS, MOST_NUMBERS = 64, 4096
"""Length of a list in a new column that is read as an embedding."""

KEY_BITS = 1024
"""Maximum bits of an integer key, low enough to parse under any limit of Python's on digits in a text."""
KEY_DEPTH = 8
"""Maximum nesting depth of tuples in a key."""

SCALARS = (
    np.float64,
    np.float32,
    np.int64,
    np.int32,
    np.bool_,
    np.float16,
    np.int8,
    np.int16,
    np.uint8,
    np.uint16,
    np.uint32,
    np.uint64,
    np.str_,
)
"""NumPy's types of numbers, and of texts as the last one, which the core reads itself."""

FLOAT, TEXT, WHEN, MISSING, MANY, MAPPING, UNUSABLE = range(7)


def kind_of(value: Any) -> int:
    """Classify a value. Subclasses count as their base, and anything that float() accepts is a number."""
    if missing(value):
        return MISSING
    if isinstance(value, str):
        return TEXT
    if isinstance(value, np.timedelta64):  # checked first, since it is a NumPy integer too
        return FLOAT if np.datetime_data(value.dtype)[0] in _SECONDS else UNUSABLE
    if isinstance(value, int | float | np.floating | np.integer | np.bool_ | Decimal | dt.timedelta | dt.time):
        return FLOAT
    if isinstance(value, dt.date | np.datetime64) or is_period(value):
        return WHEN
    if isinstance(value, list | tuple | np.ndarray):
        return MANY
    if isinstance(value, Mapping):
        return MAPPING
    return FLOAT if _is_number(value) else UNUSABLE


def missing(value: Any) -> bool:
    """Return whether a value is missing, that is None, NaN, or the NaT or NA of NumPy and pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def as_number(text: str) -> float | None:
    """Parse a text as a number, or return None."""
    try:
        return float(text)
    except ValueError:
        return None


def as_float(value: Any) -> float:
    """Convert a number to float, and a duration or a time of day to seconds.

    An integer that overflows becomes ±10³⁰⁰, which the core clips and counts.
    """
    if isinstance(value, dt.timedelta):  # pandas' own too, whose nanoseconds a frame of microseconds doesn't have
        return ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) / 1_000_000
    if isinstance(value, dt.time):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1_000_000
    if isinstance(value, np.timedelta64):
        return float(value / np.timedelta64(1, "us")) / 1_000_000
    try:
        return float(value)
    except OverflowError:
        return 1e300 if value > 0 else -1e300


def as_text(value: Any) -> str:
    """Return the category of a value. 5 and 5.0 are the same category."""
    if isinstance(value, str):
        return value
    try:
        number = as_float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if math.isfinite(number) and number == int(number) else repr(number)


def as_time(value: Any) -> dt.datetime | None:
    """Return a value or an ISO 8601 text as a date-time, or None for anything else."""
    if isinstance(value, str):
        if not _ISO.match(value):
            return None
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        if type(value) is dt.datetime:
            return value
        # a pandas Timestamp has nanoseconds, which the same value in a frame of microseconds doesn't have
        whole = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
        return dt.datetime(*whole, tzinfo=value.tzinfo, fold=value.fold)
    if isinstance(value, np.datetime64):
        seconds = value.astype("datetime64[us]").astype(object)
        return seconds if isinstance(seconds, dt.datetime) else None
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day has no zone
    return as_time(value.start_time) if is_period(value) else None


def is_period(value: Any) -> bool:
    """Return whether a value is a pandas period, such as a month, which is read as its start."""
    # Imported already if the value is a period, and perhaps in part if another thread is at it.
    period = getattr(sys.modules.get("pandas"), "Period", None)
    return period is not None and isinstance(value, period)


def time_parts(when: dt.datetime) -> tuple[float, ...]:
    """Return seconds since 1970, and hour, weekday and day of the year as sine and cosine in local time."""
    local = when.replace(tzinfo=None)
    elapsed = when.timestamp() if when.tzinfo is not None else (local - _EPOCH).total_seconds()
    hour = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / _DAY
    day = (local.weekday() + hour) / 7
    year = (local.timetuple().tm_yday - 1 + hour) / 365.25
    circles = [f(x) for x in (hour, day, year) for f in (_core.sine, _core.cosine)]
    return (elapsed, *circles)


def _is_number(value: Any) -> bool:
    """Return whether float() accepts a value of a foreign type that is no text."""
    try:
        _DOUBLE.pack(value)
    except struct.error:
        return False
    return True


def times_parts(local: NDArray[np.int64], utc: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``time_parts`` of whole columns, from microseconds since 1970 in local time and in UTC (n,).

    Sine and cosine are the core's, since other implementations differ in the last bit between machines.
    """
    midnight = local // _DAY_US
    hour = (local - midnight * _DAY_US) / 1e6 / _DAY
    day = ((midnight + 3) % 7 + hour) / 7  # 1970 began on a Thursday
    date = midnight.astype("datetime64[D]")
    year = ((date - date.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + hour) / 365.25
    out = np.empty((len(local), 7))
    exact = len(utc) == 0 or bool(np.abs(utc).max() < 2**53)
    out[:, 0] = utc / 1e6 if exact else [tick / 1_000_000 for tick in utc.tolist()]
    for k, circle in enumerate((hour, day, year)):
        for i, function in enumerate((_core.sine, _core.cosine)):
            turns = np.array(circle, np.float64)
            function(turns)
            out[:, 2 * k + 1 + i] = turns
    return out


# ---- called by the core ----------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """Convert a value to a float, a text, time parts with their text, None, nested pairs or ``...``, for the core.

    Examples
    --------
    >>> plain(np.float32(0.5)), plain(Decimal(2)), plain([1.0, None]), plain({"a": 1}), plain(b"")
    (0.5, 2.0, [('[0]', 1.0), ('[1]', None)], [('.a', 1)], Ellipsis)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    kind = kind_of(value)
    if kind == MISSING:
        return None
    if kind == FLOAT:
        return as_float(value)
    if kind == TEXT:
        return str(value)
    if kind == WHEN:
        when = as_time(value)
        return as_text(value) if when is None else (*time_parts(when), as_text(value))
    if kind == MAPPING:
        return [(f".{name}", part) for name, part in value.items()]
    if kind == MANY:
        return [(f"[{i}]", part) for i, part in enumerate(items_of(value))]
    return ...


def cell(text: str, kind: int, of_texts: int) -> float | str | None:
    """Return a text as a number, as a text or as None for a gap, by the kind of its column (0 for numbers, below 0 if new).

    Examples
    --------
    >>> cell("12", -1, 1), cell("12", -1, 0), cell("?", 0, 1), cell("?", 1, 1)
    (12.0, '12', None, '?')
    """
    return first_cell(text, bool(of_texts)) if kind < 0 else next_cell(text, kind == 0)


def parts_of(text: str) -> tuple[float, ...] | None:
    """Return the seven time parts of a text that is a date-time, or None."""
    when = as_time(text)
    return None if when is None else time_parts(when)


def name_bytes(name: Any) -> bytes:
    r"""Encode a column name as bytes. A text is its UTF-8, and any other name a zero byte, its type and its literal.

    Examples
    --------
    >>> name_bytes("a"), name_bytes(7), name_of(name_bytes(7)), name_of(name_bytes(("a", 1)))
    (b'a', b'\x00int 7', 7, ('a', 1))
    """
    if isinstance(name, str):
        return name.encode("utf-8", "surrogatepass")
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, bool | float) and math.isfinite(name) and name == int(name):
        name = int(name)  # 1, 1.0 and True are one name to a dict
    return f"\0{type(name).__name__} {name!r}".encode("utf-8", "surrogatepass")


def name_of(name: bytes) -> Any:
    """Decode a name from ``name_bytes``. Names other than texts, numbers, None and tuples stay literals."""
    text = name.decode("utf-8", "surrogatepass")
    if not text.startswith("\0"):
        return text
    _, _, literal = text.partition(" ")
    if literal in ("inf", "-inf", "nan"):
        return float(literal)
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return literal


def as_key(value: Any, depth: int = 0) -> Any:
    """Normalize a fleet's key to the form that files and stores restore, or return ``...`` if it can't be a key.

    A key is a text, a number, a boolean, bytes, or a tuple of these and None. NumPy's scalars and subclasses become Python's
    own types.

    Examples
    --------
    >>> as_key(np.int64(5)), as_key(("a", np.str_("b"))), as_key(dt.date(2026, 1, 1)), as_key(float("nan"))
    (5, ('a', 'b'), Ellipsis, Ellipsis)
    """
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64 | np.void):
        value = value.item()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value) if value.bit_length() <= KEY_BITS else ...
    if isinstance(value, float):
        return ... if math.isnan(value) else float.__float__(value)
    if isinstance(value, tuple) and depth < KEY_DEPTH:
        parts = tuple(None if part is None else as_key(part, depth + 1) for part in value)
        return ... if ... in parts else parts
    return ...


def beyond_limit(limit: str, most: float, got: float) -> LimitError:
    """Create the error that the core raises for a sample over a limit."""
    return LimitError(limit=limit, most=most, got=got)


def flat(value: Any, known: int) -> Any:
    """Return an array of one dimension as floats, a tuple as a list, or None for what is no embedding.

    With ``known`` an array of any shape is returned, so that one of another shape can be refused.

    Examples
    --------
    >>> flat((1, 2), 0), flat(np.array([1, 2]), 0), flat(np.zeros((2, 2)), 0), flat({"a": 1}, 1)
    ([1, 2], array([1., 2.]), None, None)
    """
    if isinstance(value, list | tuple):
        return list(value)
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return None
    if value.ndim != 1 or value.dtype.kind not in "fiub":
        return value.astype(object) if known else None
    return np.ascontiguousarray(value, value.dtype if value.dtype in (np.float32, np.float64) else np.float64)


def is_embedding(value: Any) -> bool:
    """Return whether a value is a list or an array of 64 to 4,096 finite numbers, an embedding where its column is new.

    Examples
    --------
    >>> is_embedding([0.5] * 64), is_embedding([0.5] * 63), is_embedding("a")
    (True, False, False)
    """
    if isinstance(value, np.ndarray):
        numbers = value.ndim == 1 and value.dtype.kind in "fiub" and bool(np.isfinite(value).all())
        return numbers and FEWEST_NUMBERS <= len(value) <= MOST_NUMBERS
    return (
        isinstance(value, list | tuple) and FEWEST_NUMBERS <= len(value) <= MOST_NUMBERS and all(map(_is_finite, value))
    )


def no_embedding(name: bytes, value: Any, size: int) -> DataError:
    """Create the error that the core raises for a value of a column of embeddings that is none."""
    got = shown(value)
    if isinstance(value, list | tuple | np.ndarray):
        shape = np.shape(value) if isinstance(value, np.ndarray) else (len(value),)
        got = counted(shape[0], "value") if len(shape) == 1 else f"an array of shape {shape}"
        bad = next((f"{part!r} at [{i}]" for i, part in enumerate(items_of(value)) if not _is_finite(part)), None)
        got = bad if bad is not None and len(shape) == 1 and shape[0] == (size or shape[0]) else got
    return DataError(
        expected=f"{size:,} finite numbers" if size else "1 to 4,096 finite numbers",
        got=got,
        at=f"column {name_of(name)!r} of embeddings",
        help="Embed all rows with the same model, and give None where there is nothing to embed.",
    )


def _is_finite(value: Any) -> bool:
    try:
        return not isinstance(value, str) and math.isfinite(value)
    except (TypeError, OverflowError):
        return False


def is_portable(name: bytes) -> bool:
    """Return whether a name's bytes mean the same in every process, as texts and all that ``name_of`` restores do."""
    kind, space, _ = name[1:].partition(b" ")
    # A text may begin with the character 0 too.
    if name[:1] != b"\0" or not space or not kind.replace(b"_", b"").isalpha():
        return True
    return kind != b"complex" and name_bytes(name_of(name)) == name  # a file's JSON has no complex numbers


def items_of(value: Any) -> Any:
    """Return the items of a list or an array as Python values. Date-times stay NumPy's, which carry their unit."""
    if not isinstance(value, np.ndarray):
        return value
    return value.ravel() if value.dtype.kind in "mM" else value.ravel().tolist()


def in_order(names: Iterable[Any]) -> list[Any]:
    """Sort names by length, then alphabetically, which is the order of a sample's entries.

    Float sums depend on their order, so it is fixed. The columns of an array, x0, x1, …, x10, are already in it.

    Examples
    --------
    >>> in_order(["x10", "x2", "b"])
    ['b', 'x2', 'x10']
    """
    return sorted(names, key=lambda name: (len(name_bytes(name)), name_bytes(name)))
