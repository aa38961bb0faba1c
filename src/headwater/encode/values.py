"""What a single value is: a number, a text, a date-time, missing, a list, or nothing the net can use."""

from __future__ import annotations

import datetime as dt
import math
import re
import struct
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - a clock without a zone is read as it stands
_DAY = 86400.0
_DAY_US = 86_400_000_000
_DOUBLE = struct.Struct("d")

FLOAT, TEXT, WHEN, MISSING, MANY, MAPPING, UNUSABLE = range(7)


def kind_of(value: Any) -> int:
    """Say what a value is; subclasses count as what they derive from, and whatever float() takes is a number."""
    if missing(value):
        return MISSING
    if isinstance(value, str):
        return TEXT
    if isinstance(value, np.timedelta64):  # to NumPy a whole number, but its unit is lost on the way
        return UNUSABLE
    if isinstance(value, int | float | np.floating | np.integer | np.bool_ | Decimal):
        return FLOAT
    if isinstance(value, dt.date | np.datetime64):
        return WHEN
    if isinstance(value, list | tuple | np.ndarray):
        return MANY
    if isinstance(value, Mapping):
        return MAPPING
    return FLOAT if _is_number(value) else UNUSABLE


def missing(value: Any) -> bool:
    """Say whether a value stands for none: None, NaN of any type, and the NaT and NA of NumPy and pandas."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def as_number(text: str) -> float | None:
    """Return the number that a text reads as, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def as_float(value: Any) -> float:
    """Return a number as float; a whole number too large for one becomes ±10³⁰⁰, which the kernels clip and count."""
    try:
        return float(value)
    except OverflowError:
        return 1e300 if value > 0 else -1e300


def as_text(value: Any) -> str:
    """Return the category that a value stands for; 5 and 5.0 are the same one."""
    if isinstance(value, str):
        return value
    try:
        number = as_float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if math.isfinite(number) and number == int(number) else repr(number)


def as_time(value: Any) -> dt.datetime | None:
    """Return the date-time that a value is, or that an ISO 8601 text states; None for anything else."""
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
        # a pandas Timestamp counts nanoseconds too, which its twin in a frame of microseconds doesn't have
        whole = value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
        return dt.datetime(*whole, tzinfo=value.tzinfo, fold=value.fold)
    if isinstance(value, np.datetime64):
        seconds = value.astype("datetime64[us]").astype(object)
        return seconds if isinstance(seconds, dt.datetime) else None
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day has no zone
    return None


def time_parts(when: dt.datetime) -> tuple[float, ...]:
    """Return seconds since 1970, and hour, weekday and day of the year as points on a circle, by the value's own clock."""
    local = when.replace(tzinfo=None)
    elapsed = when.timestamp() if when.tzinfo is not None else (local - _EPOCH).total_seconds()
    hour = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() / _DAY
    day = (local.weekday() + hour) / 7
    year = (local.timetuple().tm_yday - 1 + hour) / 365.25
    circles = [f(2 * math.pi * x) for x in (hour, day, year) for f in (math.sin, math.cos)]
    return (elapsed, *circles)


def _is_number(value: Any) -> bool:
    """Whether float() takes a value of a foreign type, asked as the event's buffer asks (``Engine.ready``)."""
    try:
        _DOUBLE.pack(value)
    except struct.error:
        return False
    return True


def times_parts(local: NDArray[np.int64], utc: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ``time_parts`` of whole columns, to the bit; microseconds since 1970 by the clock stated, and in UTC (n,).

    Sine and cosine are those of ``math``, value by value; NumPy's differ in the last bit on some processors.
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
        angles = (2 * math.pi * circle).tolist()
        out[:, 2 * k + 1] = list(map(math.sin, angles))
        out[:, 2 * k + 2] = list(map(math.cos, angles))
    return out
