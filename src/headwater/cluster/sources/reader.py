"""Reading of a source by a worker, which gives the same rows from the same place wherever it is opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from headwater.streams import Stream, Target, read
from headwater.streams.brokers.address import is_address, read_address

from .labels import LabelColumns

__all__ = ["Part", "Place", "Reader", "Reading"]


@dataclass(frozen=True, slots=True)
class Place:
    """Place in a source, after the last row that was learned.

    Parameters
    ----------
    source : str
        The source, without logins.
    taken : int
        Rows taken since the beginning, or of a broker since `positions`.
    positions : dict, optional
        Positions of a broker to open it at.
    before : dict
        Rows left out before these positions, by reason.
    learned : int
        Rows taken in all.
    left_out : dict
        Rows left out in all, by reason.
    ended : bool
        Whether the source has no further rows.
    """

    source: str
    taken: int = 0
    positions: dict[str, str] | None = None
    before: dict[str, int] = field(default_factory=dict)
    learned: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """How all sources of a run are read.

    Parameters
    ----------
    target : str or None
        Column of the labels.
    task : str
        Task of the learner.
    goal : Target or None
        Kind of the labels in the first source.
    known : mapping
        Dtypes of the columns in the first source (``Stream.reading``).
    options : mapping
        Further options of ``read``.
    problem : callable
        problem(label): why it can't be scored, or "".
    labels : LabelColumns, optional
        Columns of labels with several parts.
    """

    target: str | None
    task: str
    goal: Target | None
    known: Mapping[str, dict[str, object]]
    options: Mapping[str, Any]
    problem: Callable[[Any], str]
    labels: LabelColumns | None = None

    def open(self, source: str | Path, positions: Mapping[str, str] | None) -> Stream:
        """Open a source, a broker's at these positions."""
        at = {read_address(str(source)).name: positions} if positions and is_address(source) else None
        task = self.task if self.labels is None else None
        stream = read(source, target=self.target, task=task, known=dict(self.known), positions=at, **self.options)
        stream.goal = self.goal or stream.goal
        if self.labels is not None:
            self.labels.begin(stream)
        return stream


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that a worker reads itself.

    Parameters
    ----------
    number : int
        Number of the source in the run.
    source : str or Path
        The source.
    place : Place
        Where the rows begin.
    size : int
        Maximum number of rows.
    reading : Reading
        How it is read.
    """

    number: int
    source: str | Path
    place: Place
    size: int
    reading: Reading


class Reader:
    r"""Reader of one source, which stays open between rounds.

    Parameters
    ----------
    part : Part
        First rows to read.

    Examples
    --------
    >>> import tempfile
    >>> reading = Reading("y", "classify", None, {}, {"allow_rejects": 0.5}, lambda y: "" if y else "unknown")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "rows.csv")
    ...     _ = path.write_text("a,y\n1,x\n2,\n3,z\n4,x\n")
    ...     reader = Reader(Part(0, path, Place("rows.csv"), 2, reading))
    ...     X, y, place = reader.take(2)
    ...     again = Reader(Part(0, path, place, 2, reading))
    ...     reader.close()
    ...     rest = again.take(2)
    ...     again.close()
    >>> X, y, place.taken, place.left_out, place.ended
    ([{'a': 1.0}, {'a': 3.0}], ['x', 'z'], 2, {'unknown': 1}, False)
    >>> rest[0], rest[2].learned, rest[2].ended
    ([{'a': 4.0}], 3, True)
    """

    def __init__(self, part: Part) -> None:
        start = part.place
        self._stream = part.reading.open(part.source, start.positions)
        self._labels = part.reading.labels
        self._problem = part.reading.problem
        self._positions, self._before = start.positions, Counter(start.before)
        self._unknown: Counter[str] = Counter()
        self._opened: Counter[str] = Counter()  # rows left out since this was opened, before these positions
        self._taken = 0
        self._rows = self._read()
        for _ in islice(self._rows, start.taken):
            pass
        self.place = start

    def take(self, count: int) -> tuple[Any, list[Any], Place]:
        """Return up to ``count`` rows, their labels and the place after them."""
        some = list(islice(self._rows, count))
        X: Any = [x for x, _ in some]
        if some and isinstance(X[0], np.ndarray):
            X = np.stack(X)
        self.place = replace(
            self.place,
            taken=self._taken,
            positions=self._positions,
            before=dict(self._before),
            learned=self.place.learned + len(some),
            left_out=dict(self._left_out()),
            ended=len(some) < count,
        )
        return X, [y for _, y in some], self.place

    def close(self) -> None:
        """Close the source."""
        self._stream.close()

    def _counted(self) -> Counter[str]:
        """Return how many rows were left out since this was opened, by reason."""
        return self._unknown + Counter(self._stream.rejects.counts)

    def _left_out(self) -> Counter[str]:
        return self._before + (self._counted() - self._opened)

    def _read(self) -> Iterator[tuple[Any, Any]]:
        for block in self._stream.blocks() if self._labels is None else self._labels.blocks(self._stream):
            for x, y in zip(block.X, block.y, strict=True):
                if reason := self._problem(y):
                    self._unknown[reason] += 1
                    continue
                self._taken += 1
                yield x, y
            if block.position is not None:
                self._before, self._opened = self._left_out(), self._counted()
                self._positions, self._taken = block.position[1], 0
