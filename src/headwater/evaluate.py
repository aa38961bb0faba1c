"""Prequential evaluation: a whole stream through the route, and how the scores went."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headwater.adapt import Policy
from headwater.session import Session
from headwater.types import Event, Learner, Record
from headwater.watch import Watcher, verdict

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Evaluation", "evaluate", "score_table"]

_PERCENT = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found; prints as a table.

    Parameters
    ----------
    record
        How learning stood at the end.
    curve
        The records on the way, one after each `every` rows, the last one included.
    """

    record: Record
    curve: Sequence[Record] = field(default=())

    @property
    def events(self) -> list[Event]:
        """What the watchers found and the policies did, in the order of the rows."""
        return [event for record in self.curve for event in record.events]

    def __str__(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), width=100, color_system=None)
        console.print(self.__rich__())
        lines = str(console.file.getvalue() if isinstance(console.file, io.StringIO) else "").rstrip().split("\n")
        return "\n".join([*(line.rstrip() for line in lines), *filter(None, [verdict(self.record)])])

    def __rich__(self) -> Table:
        return score_table(self.record)

    def as_dict(self) -> dict[str, Any]:
        """Return the evaluation as plain dicts, lists, numbers and strings, for JSON."""
        return {**self.record.as_dict(), "verdict": verdict(self.record), "curve": [r.as_dict() for r in self.curve]}


def evaluate(
    learner: Learner,
    stream: Any,
    *,
    delay: int = 0,
    window: int = 1000,
    every: int = 1000,
    block: int = 1024,
    watch: Watcher | Sequence[Watcher] = (),
    adapt: Policy | Sequence[Policy] = (),
) -> Evaluation:
    """Predict, score, then learn each row of a stream.

    Parameters
    ----------
    learner
        A `Classifier` or `Regressor`; it goes on learning where it stands.
    stream
        What `Session.run` takes: a `Stream`, pairs ``(x, y)``, or arrays ``(X, y)``.
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

    Returns
    -------
    Evaluation
        The scores next to the baselines, and the curve.

    Examples
    --------
    >>> import numpy as np
    >>> from headwater.types import Forecast
    >>> class Always:
    ...     task, rejected = "classify", {}
    ...
    ...     def step_many(self, X, y, w=None, ask=None):
    ...         return Forecast([True] * len(X), np.ones((len(X), 1)), (True,))
    >>> evaluation = evaluate(Always(), [({"a": 1}, True), ({"a": 2}, False)] * 50, every=25)
    >>> evaluation.record.scores["accuracy"], [record.rows for record in evaluation.curve]
    (0.5, [25, 50, 75, 100])
    """
    curve: list[Record] = []
    pace: dict[str, Any] = {"delay": delay, "window": window, "every": every, "block": block}
    record = Session(learner, **pace, tell=curve.append, watch=watch, adapt=adapt).run(stream)
    return Evaluation(record, curve)


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
        cells = [_shown(score, scores[score]) for _, predictors in spans for scores in predictors.values()]
        table.add_row(score.replace("_", " ").replace("balanced accuracy", "balanced acc."), *cells)
    return table


def _shown(score: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    if score in _PERCENT:
        return f"{100 * value:.2f} %"
    # Adding 0.0 after rounding turns -0.0 into 0.0.
    return f"{value:,.4g}" if abs(value) >= 100 else f"{round(value, 4) + 0.0:.4f}"


class _Callable(ModuleType):
    """A module that is also called, since importing it hides the function of that name in ``headwater.evaluate``."""

    def __call__(self, *args: Any, **settings: Any) -> Evaluation:
        return evaluate(*args, **settings)


sys.modules[__name__].__class__ = _Callable
