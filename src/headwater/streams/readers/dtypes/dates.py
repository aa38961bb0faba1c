"""Parse dates in formats such as ``2024年1月5日``, ``05.01.2024``, ``1/5/2024 3:45 PM``, ``5 Jan 2024`` and ``20240105``.

Whether ``1/5/2024`` is in January or in May depends on the other cells, so the format is inferred from the whole column.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from headwater.errors import ConfigError
from headwater.streams.readers.dtypes.numbers import normalised

__all__ = ["COUNTED", "ORDERS", "DateFormat", "check_order", "counted_times", "infer_dates"]

ORDERS = ("ymd", "dmy", "mdy")
_NAMES = {
    "ymd": "year, month, day",
    "dmy": "day, month, year",
    "mdy": "month, day, year",
    "clock": "a time of day",
    "epoch": "seconds since 1970",
    "epoch_ms": "milliseconds since 1970",
    "excel": "days of a spreadsheet",
}
_EPOCH, _EXCEL = dt.datetime(1970, 1, 1), dt.datetime(1899, 12, 30)  # noqa: DTZ001 - no zone is stated
COUNTED = {  # the first day, the seconds of a unit, and the numbers of the years 1990 to 2049
    "epoch": (_EPOCH, 1.0, 631_152_000, 2_524_608_000),
    "epoch_ms": (_EPOCH, 0.001, 631_152_000_000, 2_524_608_000_000),
    "excel": (_EXCEL, 86_400.0, 32_874, 54_789),
}
"""Times as numbers, by the name of their order."""
_MONTH_NAMES = (
    "january jan;february feb;march mar;april apr;may;june jun;july jul;august aug;september sep sept;october oct;"
    "november nov;december dec"
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES.split(";"), 1) for name in names.split()}
_CLOCK = r"(?P<hour>\d{1,2})[:时點点](?P<minute>\d{1,2})(?:[:分](?:(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?秒?)?)?"
_TIME = rf"(?:(?:[T ,:]|\s)\s*{_CLOCK}\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
_NUMERIC = re.compile(rf"(?P<a>\d{{1,4}})(?P<sep>[./-])(?P<b>\d{{1,2}})(?P=sep)(?P<c>\d{{1,4}})\.?{_TIME}")
_CHINESE = re.compile(
    rf"(?P<a>\d{{4}})年(?P<b>\d{{1,2}})月(?P<c>\d{{1,2}})[日号]?{_TIME.replace('(?:[T ,:]|', '(?:[T ,:]?|')}"
)
_WORDED = re.compile(
    rf"(?:[A-Za-z]{{3,9}}\.?,?\s+)?(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[ ./-]+(?P<m>[A-Za-z]{{3,9}})\.?|"
    rf"(?P<m2>[A-Za-z]{{3,9}})\.?[ ./-]+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?),?[ ./-]+(?P<y>\d{{4}}|\d\d){_TIME}"
)
_COMPACT = re.compile(r"(?P<a>(?:19|20)\d\d)(?P<b>\d\d)(?P<c>\d\d)(?:T?(?P<time>\d{6}))?")
_MONTH = re.compile(r"(?P<a>\d{4})-(?P<b>\d\d)")
_ONLY_CLOCK = re.compile(rf"{_CLOCK}\s*(?P<half>[AaPp]\.?[Mm]\.?)?")
_MIDDLE = 69  # as in POSIX, 69 is 1969 and 68 is 2068


@dataclass(frozen=True)
class DateFormat:
    """Format of the dates in one column.

    Parameters
    ----------
    order
        ``"ymd"``, ``"dmy"`` or ``"mdy"`` for numeric parts; ``"clock"`` for times without a date, which become seconds; or
        a pattern of ``strptime`` such as ``"%d%m%y"``.

    Examples
    --------
    >>> DateFormat("dmy").read("05.01.2024"), DateFormat("mdy").read("1/5/2024 3:45 PM").hour
    (datetime.datetime(2024, 1, 5, 0, 0), 15)
    >>> (
    ...     DateFormat("ymd").read("２０２４年1月5日").day,
    ...     DateFormat("clock").read("0:30"),
    ...     DateFormat("dmy").read("13/13/2024"),
    ... )
    (5, 1800.0, None)
    """

    order: str = "ymd"

    def read(self, cell: str) -> dt.datetime | float | None:
        """Parse a cell in this format, or return None."""
        if cell[4:5] == "-" == cell[7:8] and self.order != "clock" and "%" not in self.order:
            with suppress(ValueError):
                return dt.datetime.fromisoformat(cell)  # 0.1 µs, and the most common format
        text = normalised(cell)
        if "%" in self.order:
            return _strptime(text, self.order)
        if self.order == "clock":
            return _clock(text)
        return _counted(text, self.order) if self.order in COUNTED else _date(text, self.order)

    def __str__(self) -> str:
        return _NAMES.get(self.order, self.order)


def check_order(order: str | None) -> None:
    """Raise ConfigError for an invalid order of day, month and year.

    Raises
    ------
    ConfigError
        If it is neither an order nor a pattern.
    """
    if order and order not in ORDERS and not ("%" in order and _states_a_day(order)):
        raise ConfigError(
            expected=f"one of {', '.join(ORDERS)}, or a pattern such as %d.%m.%Y",
            got=order,
            at="--dates",
            help="Choose the order of day, month and year.",
        )


def _states_a_day(pattern: str) -> bool:
    """Return whether a pattern of ``strptime`` parses the day that it formats."""
    day = dt.datetime(2024, 2, 29)  # noqa: DTZ001 - a day has no zone
    read = _strptime(day.strftime(pattern), pattern)
    return read is not None and read.date() == day.date()


def infer_dates(counts: Mapping[str, int], *, order: str = "") -> tuple[tuple[DateFormat, ...], int]:
    """Return the formats that fit the most cells and their number, or none if half of the cells or more are no dates.

    Parameters
    ----------
    counts
        Number of occurrences of each text, without missing ones.
    order
        Order of the parts, or a pattern of ``strptime``, if known.

    Examples
    --------
    >>> infer_dates({"13/1/2024": 1, "2/1/2024": 1})
    ((DateFormat(order='dmy'),), 2)
    >>> infer_dates({"1/5/2024": 1})
    ((DateFormat(order='dmy'), DateFormat(order='mdy')), 1)
    """
    total = sum(counts.values())
    fits = {}
    for candidate in (order,) if order else (*ORDERS, "clock"):
        style = DateFormat(candidate)
        fits[style] = sum(n for cell, n in counts.items() if style.read(cell) is not None)
    best = max(fits.values(), default=0)
    if 2 * best <= total:
        return (), 0
    return tuple(style for style, fit in fits.items() if fit == best), best


def counted_times(numbers: Sequence[float]) -> str:
    """Return ``"epoch"``, ``"epoch_ms"`` or ``"excel"`` if all numbers may be such times, of the years 1990 to 2049, else "".

    Examples
    --------
    >>> counted_times([1704412800.0]), counted_times([1704412800123.0]), counted_times([45296.5]), counted_times([7.0])
    ('epoch', 'epoch_ms', 'excel', '')
    """
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    return next((order for order, (_, _, first, last) in COUNTED.items() if first <= low and high <= last), "")


def _counted(text: str, order: str) -> dt.datetime | None:
    start, unit, _, _ = COUNTED[order]
    try:
        return start + dt.timedelta(microseconds=round(float(text) * unit * 1e6))
    except (ValueError, OverflowError):
        return None


def _date(text: str, order: str) -> dt.datetime | None:
    if not text[:1].isalnum() or not any(map(str.isdigit, text)):
        return None
    for pattern in (_NUMERIC, _CHINESE):
        if match := pattern.fullmatch(text):
            a, b, c = match["a"], match["b"], match["c"]
            return _moment(*_ordered(a, b, c, order), match)
    if match := _WORDED.fullmatch(text):
        month = _MONTHS.get((match["m"] or match["m2"]).lower(), 0)
        return _moment(_year(match["y"]), month, int(match["d"] or match["d2"]), match)
    if match := _COMPACT.fullmatch(text):
        return _strptime(text.replace("T", ""), "%Y%m%d%H%M%S" if match["time"] else "%Y%m%d")
    if match := _MONTH.fullmatch(text):
        return _moment(int(match["a"]), int(match["b"]), 1, None)
    return None


def _ordered(a: str, b: str, c: str, order: str) -> tuple[int, int, int]:
    """Return year, month and day, with month 0 if the parts don't fit the order."""
    if len(a) == 4:  # a leading year is unambiguous
        return int(a), int(b), int(c) if len(c) < 3 else 0
    if order == "ymd":
        return (_year(a), int(b), int(c)) if len(a) == 2 and len(c) < 3 else (1, 0, 0)
    if len(c) not in (2, 4) or len(a) > 2:
        return 1, 0, 0
    return (_year(c), int(b), int(a)) if order == "dmy" else (_year(c), int(a), int(b))


def _year(text: str) -> int:
    return int(text) if len(text) > 2 else int(text) + (1900 if int(text) >= _MIDDLE else 2000)


def _moment(year: int, month: int, day: int, match: re.Match[str] | None) -> dt.datetime | None:
    try:
        date = dt.datetime(year, month, day)  # noqa: DTZ001 - dates without a zone stay naive
        if match is None or match["hour"] is None:
            return date
        time = _time_of(match)
        if time == (24, 0, 0, 0):  # midnight at the end of the day, as in ISO 8601
            date, time = date + dt.timedelta(days=1), (0, 0, 0, 0)
        hour, minute, second, micro = time
        zone = _zone(match["zone"]) if match["zone"] else None
        return date.replace(hour=hour, minute=minute, second=second, microsecond=micro, tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _time_of(match: re.Match[str]) -> tuple[int, int, int, int]:
    """Return hour, minute, second and microsecond.

    Raises
    ------
    ValueError
        If the hour contradicts AM or PM.
    """
    hour, second = int(match["hour"]), int(match["second"] or 0)
    half = (match["half"] or "").lower()[:1]
    if half:
        if hour > (23 if half == "p" else 12):
            raise ValueError(match.group())
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, int(match["minute"]), second, int((match["fraction"] or "0").ljust(6, "0")[:6])


def _zone(zone: str) -> dt.tzinfo:
    if zone[0] not in "+-":
        return dt.UTC
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return dt.timezone(dt.timedelta(minutes=-minutes if zone[0] == "-" else minutes))


def _clock(text: str) -> float | None:
    match = _ONLY_CLOCK.fullmatch(text)
    if match is None:
        return None
    try:
        hour, minute, second, micro = _time_of(match)
    except ValueError:
        return None
    return 3600.0 * hour + 60 * minute + second + micro / 1e6 if minute < 60 and second < 61 else None


def _strptime(text: str, pattern: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - dates without a zone stay naive
    except ValueError:
        return None
