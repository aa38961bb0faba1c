"""``--report FILE`` writes a report about the run."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.cli.options.shared import check_writable
from headwater.errors import MissingExtra
from headwater.types import Metrics

if TYPE_CHECKING:
    from headwater.plot import Report
    from headwater.route.drift import DriftWatch
    from headwater.route.watcher import Watcher

__all__ = ["ReportFile", "report_file", "session_pace"]

_EVERY = 1_000  # rows between two points of the report's curve
_KEEP_EVERY = 100_000  # rows: what a power cut can cost


class ReportFile:
    """A report and its file."""

    def __init__(self, report: Report, path: Path) -> None:
        self.report, self.path = report, path

    def on_record(self, record: Metrics) -> None:
        """Keep a record."""
        self.report.on_record(record)

    def write(self, learner: Any) -> None:
        """Write the report."""
        self.report.write(learner, self.path)


def report_file(
    source: str, path: Path | None, drift: DriftWatch | None = None, *, reads: Iterable[str | Path | None] = ()
) -> ReportFile | None:
    """Return the report for a file with the drift options, or None without a file.

    Raises
    ------
    ConfigError
        When the file can't be written, or is one of those that the run reads: said now, not after an hour of learning.
    MissingExtra
        When there is nothing to draw with.
    """
    if path is None:
        return None
    check_writable(path, "--report", reads=reads)
    if find_spec("matplotlib") is None:
        raise MissingExtra(package="matplotlib", extra="plot", at="--report")
    from headwater.plot import Report

    return ReportFile(Report(f"headwater learn {source}", drift=drift), path)


def session_pace(
    file: ReportFile | None, learner: Any, every: int, drift: DriftWatch | None = None, surprises: Watcher | None = None
) -> dict[str, Any]:
    """Return how often a session reports and saves, and its observers."""
    pace: dict[str, Any] = {"every": every, "keep_every": _KEEP_EVERY}
    if file is None:
        return pace | {"watch": list(filter(None, (drift, surprises)))}
    watchers = [*file.report.watchers_for(learner), *filter(None, (surprises,))]
    return pace | {"every": min(every, _EVERY), "early": True, "watch": watchers}
