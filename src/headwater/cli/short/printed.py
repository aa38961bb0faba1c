"""Print a forecast as a table or as JSON lines."""

from __future__ import annotations

import json as json_module
import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table

from headwater.route.verdict.numbers import figure

__all__ = ["print_forecast"]


def print_forecast(
    when: Sequence[Any],
    said: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    time: str,
    target: str,
    coverage: float,
    *,
    as_json: bool,
) -> None:
    """Print the forecast and the interval for each time."""
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
        table.add_row(_shown(t), *map(figure, (y, low, high)))
    Console(highlight=False).print(table)


def _shown(t: Any, *, plain: bool = False) -> Any:
    if isinstance(t, datetime | date):
        return t.isoformat(sep=" ") if isinstance(t, datetime) else t.isoformat()
    if isinstance(t, timedelta) or not plain:
        return str(t)
    return t
