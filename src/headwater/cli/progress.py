"""The line that moves while a stream is learned or predicted: how far, how fast, how well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from headwater.streams import Stream
from headwater.types import Record

__all__ = ["Live"]


class Live(Progress):
    """A progress bar that looks at the run ten times a second; on anything but a terminal it shows nothing.

    Parameters
    ----------
    stream
        What is read: it knows how far it is.
    rows
        Returns how many rows have been done.
    """

    def __init__(self, stream: Stream, rows: Callable[[], int]) -> None:
        self._stream, self._rows = stream, rows
        self._started = time.perf_counter()
        self._score = ""
        super().__init__(
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.disable = not self.console.is_terminal
        self._bar = self.add_task("", total=None)

    def hear(self, record: Record) -> None:
        """Show the most telling score of a record from now on."""
        name = record.names[0]
        scale, unit = (100, " %") if name == "accuracy" else (1, "")
        whole, last = scale * record.scores[name], scale * record.window_scores[name]
        self._score = f"  {name} {whole:.4g}{unit}, last {record.window:,}: {last:.4g}{unit}"

    def get_renderables(self) -> Iterable[RenderableType]:
        """Bring the bar up to date, then draw it."""
        rows = self._rows()
        rate = rows / max(time.perf_counter() - self._started, 1e-9)
        done = rows / self._stream.total if self._stream.total else self._stream.fraction()
        self.update(
            self._bar,
            total=None if done is None else 1.0,
            completed=done or 0.0,
            description=f"{rows:>11,} rows {rate:>9,.0f}/s{self._score}",
        )
        return super().get_renderables()
