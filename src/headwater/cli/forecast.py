"""``headwater forecast``: learn a series from a file, and say what its next answers will be."""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mode
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_writable
from headwater.errors import ConfigError, DataError, did_you_mean
from headwater.learner.forecaster import Forecaster
from headwater.learner_file import load

__all__ = ["forecast"]

SHOWN = 7
"""Horizons of history in the picture."""


def forecast(
    source: Source,
    /,
    *,
    target: Annotated[str, Parameter(name=("--target", "-t"), metavar="COLUMN")],
    time: Annotated[str | None, Parameter(metavar="COLUMN")] = None,
    horizon: int = 24,
    season: int = 24,
    coverage: float = 0.9,
    model: Path | None = None,
    plot: Path | None = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Learn a series, row by row, and forecast what comes behind the last answer.

    Rows at the end whose answer is empty are the times to forecast, and all columns are used. Without such rows only --time
    is, and the next times follow at the usual step.

    Parameters
    ----------
    source
        A CSV, TSV, JSON lines, Parquet or Arrow file, in the order of time; - for standard input, or dataset:NAME.
    target
        The column to forecast.
    time
        The column that says when each row was: dates, or numbers.
    horizon
        How many rows ahead.
    season
        After how many rows the series more or less repeats itself: 24 for hours of a day.
    coverage
        The share of answers that the intervals are to hold.
    model
        A file to save to; if it exists, learning goes on from it, and these rows come behind those that it has learned.
    plot
        A file for a picture: .png, .svg or .pdf. Needs the extra plot.
    reading
        How the source is read.
    json
        Print a JSON line for each time instead of a table.
    """
    for path, option in ((plot, "--plot"), (model, "--model")):
        if path is not None:
            check_writable(path, option)
    learner = _begin(model, horizon, season)
    horizon = learner.horizon
    answers, rows = _read(source, reading or ReadingOptions(), target, time)
    known = max((i + 1 for i, y in enumerate(answers) if y is not None), default=0)
    if not known:
        raise DataError(expected=f"rows with {target} known", got="none", at=source, help="Check --target.")
    columns, ahead = _columns(rows, known, time, horizon)
    learner.learn_many(answers[:known], columns[:known])
    n = len(ahead) if ahead else horizon
    xs = ahead or None
    said, intervals = learner.forecast(n, xs), learner.forecast_interval(n, xs, coverage)
    when = [i + 1 if time is None else row.get(time, i + 1) for i, row in enumerate(ahead or [{}] * n)]
    if model is not None:
        learner.save(model)
    if plot is not None:
        _draw(
            plot,
            answers[:known],
            [None if time is None else row.get(time) for row in columns[:known]],
            when,
            said,
            intervals,
            target,
            coverage,
        )
    _print(when, said, intervals, time or "step", target, coverage, as_json=json)
    return 0


def _begin(model: Path | None, horizon: int, season: int) -> Forecaster:
    if model is None or not model.exists():
        return Forecaster(horizon=horizon, season=season)
    learner: Any = load(model)
    if not isinstance(learner, Forecaster):
        raise ConfigError(
            expected="a Forecaster", got=f"a {type(learner).__name__}", at=str(model), help="Name another file."
        )
    return learner


def _read(
    source: str, reading: ReadingOptions, target: str, time: str | None
) -> tuple[list[float | None], list[dict[str, Any]]]:
    """Return the answers, None where there is none, and the other columns of each row."""
    answers: list[float | None] = []
    rows: list[dict[str, Any]] = []
    with reading.open([source], reading.notes(None, target=target), task="regress") as stream:
        if time is not None and time not in stream.columns:
            raise ConfigError(
                expected=f"a column {time}", got="none", at=stream.name, help=did_you_mean(time, stream.columns)
            )
        for x, y in stream:
            answers.append(None if y is None or y != y else float(y))
            rows.append(dict(x))
    return answers, rows


def _columns(
    rows: Sequence[dict[str, Any]], known: int, time: str | None, horizon: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what is used of each row that is learned, and of each time ahead; nothing for these where nothing is known."""
    if known < len(rows):
        return list(rows), list(rows[known : known + horizon])
    if time is None:
        return [{}] * len(rows), []
    used = [{time: row.get(time)} for row in rows]
    return used, [{time: when} for when in _next_times([row[time] for row in used], horizon)]


def _next_times(times: Sequence[Any], count: int) -> list[Any]:
    """Return the times behind the last one, at the most frequent step.

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


def _draw(
    path: Path,
    answers: Sequence[float | None],
    times: Sequence[Any],
    when: Sequence[Any],
    said: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    target: str,
    coverage: float,
) -> None:
    from headwater.plot.series import forecast as picture

    n = min(len(answers), SHOWN * max(len(said), 24))
    past = [math.nan if y is None else y for y in answers[-n:]]
    both = [*times[-n:], *when]
    dated = all(isinstance(t, datetime | date) for t in both)
    fig = picture(past, said, intervals, times=both if dated else None, coverage=coverage, name=target)
    fig.savefig(path, dpi=150)


def _print(
    when: Sequence[Any],
    said: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    time: str,
    target: str,
    coverage: float,
    *,
    as_json: bool,
) -> None:
    if as_json:
        for t, y, (low, high) in zip(when, said, intervals, strict=True):
            ends = [end if math.isfinite(end) else None for end in (low, high)]
            print(json_module.dumps({time: _shown(t, plain=True), target: y, "low": ends[0], "high": ends[1]}))
        return
    table = Table(box=None, header_style="bold")
    table.add_column(time)
    for title in (target, f"low ({coverage:.0%})", "high"):
        table.add_column(title, justify="right")
    for t, y, (low, high) in zip(when, said, intervals, strict=True):
        table.add_row(_shown(t), *(f"{v:,.4g}" for v in (y, low, high)))
    Console(highlight=False).print(table)


def _shown(t: Any, *, plain: bool = False) -> Any:
    if isinstance(t, datetime | date):
        return t.isoformat(sep=" ") if isinstance(t, datetime) else t.isoformat()
    if isinstance(t, timedelta) or not plain:
        return str(t)
    return t
