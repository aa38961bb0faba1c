"""``headwater forecast`` learns a series from a file and forecasts its next values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_writable
from headwater.cli.options.task import saved
from headwater.cli.short.printed import print_forecast
from headwater.cli.short.series import read_series, used_columns
from headwater.errors import DataError
from headwater.learner.kind import kind_with

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
    low: float | None = None,
    high: float | None = None,
    coverage: float = 0.9,
    model: Path | None = None,
    plot: Path | None = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Learn a series row by row, and forecast the values after its end.

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
    low
        What no value lies below, such as 0 for counts.
    high
        What no value lies above.
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
    for path, option, other in ((plot, "--plot", model), (model, "--model", None)):
        if path is not None:
            check_writable(path, option, reads=(source, other))
    kind = kind_with("forecast")
    learner = saved(model, kind) or kind.make({"horizon": horizon, "season": season, "low": low, "high": high})
    answers, rows = read_series(source, reading or ReadingOptions(), target, time)
    known = max((i + 1 for i, y in enumerate(answers) if y is not None), default=0)
    if not known:
        raise DataError(expected=f"rows with {target} known", got="none", at=source, help="Check --target.")
    columns, ahead = used_columns(rows, known, time, learner.horizon)
    learner.learn_many(answers[:known], columns[:known])
    response = learner.ask(ahead or None, coverage=coverage)
    said, n = response["y_pred"], len(response)
    intervals = [_whole(*ends) for ends in zip(response["low"], response["high"], strict=True)]
    if model is not None:
        learner.save(model)
    times = [None if time is None else row.get(time) for row in [*columns[:known], *(ahead or [{}] * n)]]
    if plot is not None:
        _draw(plot, answers[:known], times, said, intervals, target, coverage)
    when = [i + 1 if t is None else t for i, t in enumerate(times[known:])]
    print_forecast(when, said, intervals, time or "step", target, coverage, as_json=json)
    return 0


def _whole(low: float | None, high: float | None) -> tuple[float, float]:
    return -math.inf if low is None else low, math.inf if high is None else high


def _draw(
    path: Path,
    answers: Sequence[float | None],
    times: Sequence[Any],
    said: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    target: str,
    coverage: float,
) -> None:
    from headwater.plot.series import forecast as picture

    n = min(len(answers), SHOWN * max(len(said), 24))
    past = [math.nan if y is None else y for y in answers[-n:]]
    shown = times[-n - len(said) :]
    dated = all(isinstance(t, date) for t in shown)
    fig = picture(past, said, intervals, times=shown if dated else None, coverage=coverage, name=target)
    fig.savefig(path, dpi=150)
