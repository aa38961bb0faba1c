"""The answers of a series, and the columns that a forecast may use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import mode
from typing import Any

from headwater.cli.options.reading import ReadingOptions
from headwater.cli.runs.order import watch_order
from headwater.cli.terminal.summary import rejected_lines
from headwater.errors import TargetError
from headwater.streams import Stream

__all__ = ["read_series", "used_columns"]


def read_series(
    source: str, reading: ReadingOptions, target: str, time: str | None
) -> tuple[list[float | None], list[dict[str, Any]]]:
    """Return the answers, None for a missing one, and the other columns of each row."""
    answers: list[float | None] = []
    rows: list[dict[str, Any]] = []
    with _opened(source, reading, target) as stream:
        stream.gaps = True
        watch_order(stream, time)
        for x, y in stream:
            answers.append(None if y is None or y != y else float(y))
            rows.append(dict(x))
        for note in [*stream.new_notes(), *rejected_lines(stream.rejects.counts, stream)]:
            print(note, file=sys.stderr)
    return answers, rows


def _opened(source: str, reading: ReadingOptions, target: str) -> Stream:
    try:
        return reading.open([source], reading.notes(None, target=target), task="regress")
    except TargetError as error:
        if error.expected == f"the column {target}":  # there is none, and its help names those that there are
            raise
        raise TargetError(
            expected=error.expected, got=error.got, at=error.at, help="Choose another --target: a series is numbers."
        ) from error


def used_columns(
    rows: Sequence[dict[str, Any]], known: int, time: str | None, horizon: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the columns used in each learned row and in each future row, empty for the latter if unknown."""
    if known < len(rows):
        return list(rows), list(rows[known : known + horizon])
    if time is None:
        return [{}] * len(rows), []
    used = [{time: row.get(time)} for row in rows]
    return used, [{time: when} for when in _next_times([row[time] for row in used], horizon)]


def _next_times(times: Sequence[Any], count: int) -> list[Any]:
    """Return the times after the last one, at the most frequent step.

    Examples
    --------
    >>> _next_times([1.0, 2.0, 3.0, 5.0], 2)
    [6.0, 7.0]
    """
    known: list[Any] = [t for t in times if isinstance(t, int | float | date)]
    steps = [b - a for a, b in pairwise(known) if type(a) is type(b)]
    steps = [step for step in steps if step]
    if not steps:
        return []
    step = mode(steps)
    return [known[-1] + step * (i + 1) for i in range(count)]
