"""Prequential evaluation: a whole stream through the route, and how the scores went."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.route.policies import Policy
from headwater.route.session import Session
from headwater.route.verdict import beats_baselines, compare_baselines
from headwater.route.watcher import Watcher
from headwater.terminal import printable
from headwater.types import NOTEBOOK, Event, Lazy, Record

_RIVER_METRIC = Lazy("headwater.interop.river:RiverMetric")

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Evaluation", "evaluate", "score_cell", "score_table"]

_PERCENT = ("accuracy", "balanced_accuracy", "alarms")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found; prints as a table.

    Parameters
    ----------
    record
        How learning stood at the end.
    curve
        The records on the way, one after each `every` rows, the last one included.
    metrics
        The metrics of River's that were asked for.
    """

    record: Record
    curve: Sequence[Record] = field(default=())
    metrics: Sequence[Any] = field(default=())

    @property
    def events(self) -> list[Event]:
        """What the watchers found and the policies did, in the order of the rows."""
        return [event for record in self.curve for event in record.events]

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, color_system=None)
        console.print(self.__rich__())
        lines = str(console.file.getvalue() if isinstance(console.file, io.StringIO) else "").rstrip().split("\n")
        said = "" if beats_baselines(self.record) else compare_baselines(self.record)
        return printable("\n".join([*(line.rstrip() for line in lines), *([said] if said else [])]))

    def __rich__(self) -> Table:
        return score_table(self.record)

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def as_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain dicts, lists, numbers and strings, for JSON."""
        return {
            **self.record.as_dict(),
            "verdict": compare_baselines(self.record),
            "curve": [r.as_dict() for r in self.curve],
        }


def evaluate(
    learner: Any,
    stream: Any,
    target: str | None = None,
    *,
    delay: int = 0,
    window: int = 1000,
    every: int = 1000,
    block: int = 1024,
    watch: Watcher | Sequence[Watcher] = (),
    adapt: Policy | Sequence[Policy] = (),
    on_record: Callable[[Record], object] | Sequence[Callable[[Record], object]] = (),
    metric: Any = (),
    progress: bool = False,
) -> Evaluation:
    """Predict, score, then learn each row of a stream.

    Parameters
    ----------
    learner
        A learner, or a model or pipeline of River's; it goes on learning where it stands. Of an estimator of
        `headwater.interop.sklearn` that was never fitted a new learner with its settings, each row once; the estimator stays as it is.
    stream
        What `Session.run` takes: a `Stream`, pairs ``(x, y)``, arrays ``(X, y)``; with `target` a data frame, a path, a
        folder or a pattern.
    target
        The column of the answers, in a data frame or a file; of a learner that needs no answers, of the labels.
    delay
        How many rows later than its prediction an answer arrives.
    window
        How many of the last rows the window scores are over.
    every
        A point of the curve after each so many rows.
    block
        Rows handed to the learner at once; only speed depends on it.
    watch
        Who else is shown each row, such as `watch.DriftWatch`; what they find stands in the curve's events.
    adapt
        What to do about it, such as `adapt.StepUp`.
    on_record
        What to call with each point of the curve, such as `notebook.LiveCurve`.
    metric
        Metrics of River's, such as ``river.metrics.F1()``, updated with what was predicted for each row.
    progress
        Print a line with rows and the window's score after each ``every`` rows, on standard error.

    Returns
    -------
    Evaluation
        The scores next to the baselines, and the curve.

    Examples
    --------
    >>> import numpy as np
    >>> from headwater.types import Predictions
    >>> class Always:
    ...     task, rejected = "classify", {}
    ...
    ...     def step_many(self, X, y, w=None, ask=None):
    ...         return Predictions([True] * len(X), np.ones((len(X), 1)), (True,))
    >>> evaluation = evaluate(Always(), [({"a": 1}, True), ({"a": 2}, False)] * 50, every=25)
    >>> evaluation.record.scores["accuracy"], [record.rows for record in evaluation.curve]
    (0.5, [25, 50, 75, 100])
    """
    curve: list[Record] = []
    pace: dict[str, Any] = {"delay": delay, "window": window, "every": every, "block": block}
    calls = (on_record,) if callable(on_record) else tuple(on_record)
    metrics = tuple(metric) if isinstance(metric, Sequence) else (metric,)
    watchers = tuple(watch) if isinstance(watch, Sequence) else (watch,)
    record = Session(
        learner,
        **pace,
        on_record=(curve.append, *((_print_progress,) if progress else ()), *calls),
        watch=(*watchers, *map(_RIVER_METRIC, metrics)),
        adapt=adapt,
    ).run(stream, target)
    return Evaluation(record, curve, metrics)


def _print_progress(record: Record) -> None:
    """Print how far an evaluation is."""
    name = record.names[0] if record.names else ""
    score = f", {name} {record.window_scores[name]:.4g} over the last {record.window:,}" if record.window else ""
    sys.stderr.write(f"{record.rows:,} rows{score}\n")


def score_table(record: Record) -> Table:
    """Return the scores of the model and of the baselines, over all rows and over the window, as a table for rich."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    spans = [("all rows", {"model": record.scores} | record.baselines)]
    if record.window < record.scored:
        spans.append((f"last {record.window:,}", {"model": record.window_scores} | record.window_baselines))
    for span, predictors in spans:
        for name in predictors:
            style = "bold" if name == "model" else "dim"
            table.add_column(f"{span if name == 'model' else ''}\n{name}", justify="right", style=style, no_wrap=True)
    for score in record.names:
        cells = [score_cell(score, scores[score]) for _, predictors in spans for scores in predictors.values()]
        table.add_row(score.replace("_", " ").replace("balanced accuracy", "balanced acc."), *cells)
    return table


def score_cell(score: str, value: float) -> str:
    """Return a score as a table shows it."""
    if math.isnan(value):
        return "–"
    if score in _PERCENT:
        return f"{100 * value:.2f} %"
    # Adding 0.0 after rounding turns -0.0 into 0.0.
    return f"{value:,.4g}" if abs(value) >= 100 else f"{round(value, 4) + 0.0:.4f}"
