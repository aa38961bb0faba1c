"""Prequential evaluation of a learner on a stream."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.errors import counted
from headwater.learner.validation import REASONS, REFUSED
from headwater.route.session import Session
from headwater.route.watcher import Watcher
from headwater.types import NOTEBOOK, Event, Lazy, Metrics

_LEARNING_CURVE = Lazy("headwater.plot.curves:learning_curve")
_FIGURE = Lazy("headwater.route.verdict.numbers:figure")
_CELL = Lazy("headwater.route.verdict.numbers:figure_cell")
_BEATS = Lazy("headwater.route.verdict.verdict:beats_baselines")
_LEADS = Lazy("headwater.route.verdict.verdict:leads_of")
_RIVER_METRIC = Lazy("headwater.interop.river:RiverMetric")
_FUNCTION_METRIC = Lazy("headwater.interop.function_metric:FunctionMetric")

if TYPE_CHECKING:
    from rich.table import Table

    from headwater.route.policies import Policy

__all__ = ["Evaluation", "evaluate", "is_share", "score_cell", "score_table"]

_EVERY = 1000
_PERCENT = ("accuracy", "balanced_accuracy", "alarms")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result of an evaluation, printable as a table.

    Parameters
    ----------
    record
        The final metrics.
    curve
        Records after each `every` rows, including the last one.
    metrics
        The requested metrics, each with ``get()``.
    """

    record: Metrics
    curve: Sequence[Metrics] = field(default=())
    metrics: Sequence[Any] = field(default=())

    @property
    def events(self) -> list[Event]:
        """Events of the watchers and policies, in row order."""
        return [event for record in self.curve for event in record.events]

    def __str__(self) -> str:
        from rich.console import Console

        from headwater.streams.files.terminal import printable

        console = Console(file=io.StringIO(), width=100, color_system=None)
        console.print(self.__rich__())
        lines = str(console.file.getvalue() if isinstance(console.file, io.StringIO) else "").rstrip().split("\n")
        verdict = _LEADS(self.record) if _BEATS(self.record) else [self.record.verdict]
        said = [*verdict, _left_out(self.record)]
        return printable("\n".join([*(line.rstrip() for line in lines), *filter(None, said)]))

    def __rich__(self) -> Table:
        return score_table(self.record)

    def plot(self) -> Any:
        """Plot the score of the model and of its baselines along the stream with matplotlib, as `headwater.plot.learning_curve` does.

        Returns
        -------
        matplotlib.figure.Figure
        """
        return _LEARNING_CURVE(self)

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def as_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain dicts, lists, numbers and strings, for JSON."""
        return {
            **self.record.as_dict(),
            "verdict": self.record.verdict,
            "curve": [r.as_dict() for r in self.curve],
        }


def evaluate(
    learner: Any,
    stream: Any,
    target: str | None = None,
    *,
    delay: int = 0,
    window: int = 1000,
    every: int | None = None,
    block: int = 1024,
    watch: Watcher | Sequence[Watcher] = (),
    adapt: Policy | Sequence[Policy] = (),
    on_record: Callable[[Metrics], object] | Sequence[Callable[[Metrics], object]] = (),
    metric: Any = (),
    progress: bool = False,
) -> Evaluation:
    """Predict, score, then learn each row of a stream.

    Parameters
    ----------
    learner
        A learner, a model or pipeline of River's, or any object with ``learn_one`` and ``predict_one``, ``predict_proba_one`` or
        ``score_one``; it goes on learning where it stands. Of an estimator of
        `headwater.interop.sklearn` that was never fitted a new learner with its settings, each row once; the estimator stays as it is.
    stream
        As in `Session.run`, a `Stream`, pairs ``(x, y)``, or arrays ``(X, y)``. With `target`, also a data frame, a path, a folder
        or a glob pattern.
    target
        The label column of a data frame or a file. Unsupervised learners use labels only for metrics.
    delay
        Number of rows by which a label arrives after its prediction.
    window
        Number of last rows in the windowed metrics.
    every
        Rows between two points of the curve. Without it 50 at first, 100 from 1,000 rows on, and 1,000 from 10,000 on.
    block
        Rows per call of the learner, which affects only speed.
    watch
        Watchers that see each scored row, such as `watch.DriftWatch`. Their findings appear in the curve's events.
    adapt
        Drift policies, such as `adapt.StepUp`.
    on_record
        Callbacks for each point of the curve, such as `notebook.LiveCurve`.
    metric
        River metrics, such as ``river.metrics.F1()``, updated with the prediction of each row, or functions of Python,
        ``function(y_true, y_pred)`` or ``function(y_true, y_pred, y_proba)``, of the lists of all rows. A function is slower and keeps
        all labels in memory. ``evaluation.metrics[0].get()`` calls it.
    progress
        Print rows and the windowed metric to standard error after each ``every`` rows.

    Returns
    -------
    Evaluation
        The metrics of the model and the baselines, and the curve.

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
    curve: list[Metrics] = []
    pace: dict[str, Any] = {
        "delay": delay,
        "window": window,
        "every": every or _EVERY,
        "early": every is None,
        "block": block,
    }
    calls = (on_record,) if callable(on_record) else tuple(on_record)
    metrics = tuple(map(_as_metric, metric if isinstance(metric, Sequence) else (metric,)))
    watchers = tuple(watch) if isinstance(watch, Sequence) else (watch,)
    record = Session(
        learner,
        **pace,
        on_record=(curve.append, *((_print_progress,) if progress else ()), *calls),
        watch=(*watchers, *map(_RIVER_METRIC, metrics)),
        adapt=adapt,
    ).run(stream, target)
    return Evaluation(record, curve, metrics)


def _left_out(record: Metrics) -> str:
    """Return how many rows were left out and why, "" where none were."""
    reasons = (
        f"{n:,} × {reason}" for reason, n in record.rejected.items() if reason in REFUSED or reason not in REASONS
    )
    told = ", ".join(reasons)
    return told and f"{'Left out' if record.scored else 'No row was scored; left out'}: {told}."


def _as_metric(metric: Any) -> Any:
    """Return a metric with ``update`` and ``get``, of a function one that keeps what it needs."""
    return _FUNCTION_METRIC(metric) if callable(metric) and not callable(getattr(metric, "update", None)) else metric


def _print_progress(record: Metrics) -> None:
    """Print the progress of an evaluation."""
    name = record.names[0] if record.names else ""
    score = f", {name} {_FIGURE(record.window_scores[name])} over the last {record.window:,}" if record.window else ""
    sys.stderr.write(f"{counted(record.rows, 'row')}{score}\n")


def score_table(record: Metrics) -> Table:
    """Return a rich table of the metrics of model and baselines, over all rows and over the window."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    spans = [("all rows", {"model": record.scores} | record.baselines)]
    intervals = [record.interval]
    if record.window < record.scored:
        spans.append((f"last {record.window:,}", {"model": record.window_scores} | record.window_baselines))
        intervals.append(record.window_interval)
    for span, predictors in spans:
        for name in predictors:
            style = "bold" if name == "model" else "dim"
            table.add_column(f"{span if name == 'model' else ''}\n{name}", justify="right", style=style, no_wrap=True)
    for score in record.names:
        cells = [score_cell(score, scores[score]) for _, predictors in spans for scores in predictors.values()]
        table.add_row(score.replace("_", " ").replace("balanced accuracy", "balanced acc."), *cells)
    for end, name in enumerate(("95 % from", "95 % to") if any(intervals) else ()):  # of the first metric, model only
        own: list[str] = []
        for ends, (_, predictors) in zip(intervals, spans, strict=True):
            own += ["" if ends is None else _CELL(ends[end]), *[""] * (len(predictors) - 1)]
        table.add_row(name, *own)
    return table


def is_share(metric: str) -> bool:
    """Return whether a metric is a share, shown in percent."""
    return metric in _PERCENT


def score_cell(score: str, value: float) -> str:
    """Format a metric for a table."""
    if is_share(score) and not math.isnan(value):
        return f"{100 * value:.2f} %"
    cell: str = _CELL(value)
    return cell
