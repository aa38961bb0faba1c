"""The progress line of learning and predicting, and what is said of a run that an error ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from headwater.errors import HeadwaterError, ModelFileError, SourceError, counted
from headwater.types import Metrics

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from headwater.route.session import Session
    from headwater.streams import Stream

__all__ = ["ProgressLine", "raise_kept", "rows_kept"]


class ProgressLine:
    """A progress bar, refreshed eight times a second, which is hidden if stderr is not a terminal.

    It polls the run, so its cost doesn't depend on the speed of the run.

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
        self._live: Live | None = None

    def __enter__(self) -> ProgressLine:
        if sys.stderr.isatty():
            self._show()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def _show(self) -> None:
        # what draws takes 25 ms to import, which a pipe or a log need not wait for
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        columns = BarColumn(bar_width=20), TimeElapsedColumn(), TextColumn("{task.description}")
        self._progress = Progress(*columns, console=console, auto_refresh=False)
        self._bar = self._progress.add_task("", total=None)
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=8, transient=True)
        self._live.start()

    def on_record(self, record: Metrics) -> None:
        """Show the main score of a record from now on."""
        name = record.names[0]
        form = "{:.1%}" if name == "accuracy" else "{:.4g}"
        whole, last = form.format(record.scores[name]), form.format(record.window_scores[name])
        self._score = f"  {name} {whole}, last {record.window:,}: {last}"

    def _draw(self) -> RenderableType:
        rows = self._rows()
        rate = rows / max(time.perf_counter() - self._started, 1e-9)
        done = rows / self._stream.total if self._stream.total else self._stream.fraction()
        description = f"{counted(rows, 'row')}  {rate:,.0f}/s{self._score}" if rows > 1 else "starting"
        total = None if done is None else 1.0
        self._progress.update(self._bar, total=total, completed=done or 0.0, description=description)
        return self._progress.get_renderable()


@contextmanager
def rows_kept(session: Session, source: str) -> Iterator[None]:
    """Let `raise_kept` say what an error ends."""
    try:
        yield
    except (HeadwaterError, OSError) as error:
        raise_kept(session, source, error)


def raise_kept(session: Session, source: str, error: HeadwaterError | OSError) -> NoReturn:
    """Print how many rows were learned before an error, and where they are kept, and raise it.

    Raises
    ------
    HeadwaterError
        The error, with an error of the system as a sentence. The reader of standard output that has gone is main's business.
    """
    if isinstance(error, BrokenPipeError):
        raise error
    saved = session.keep is not None and not isinstance(error, ModelFileError)
    kept = f", and kept in {session.keep}" if saved else ""
    if session.rows:
        rows = "row was" if session.rows == 1 else "rows were"
        print(f"{session.rows:,} {rows} learned before this{kept}.", file=sys.stderr)
    if isinstance(error, HeadwaterError):
        raise error
    raise SourceError(
        expected="to read on and to save",
        got=(error.strerror or str(error)).lower(),
        at=str(error.filename or source),
        help="Mend that, then go on with the same command.",
    ) from error
