"""Draw one picture of a learner, or of a learner with its scores, from the declaration of its kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from headwater.errors import counted
from headwater.learner.kind import HasKind, Kind, check_can, kind_of
from headwater.learner.schema.pictures import Bars, Line, Lines, Picture
from headwater.learner.validation import as_samples, check_rows
from headwater.plot.inside import layers
from headwater.plot.pictures import drawn
from headwater.route.evaluate import is_share
from headwater.types import Comparison, Metrics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from headwater.route.score import Score

__all__ = ["heading_of", "learner_figure", "own_pictures", "scored_figure", "scored_pictures"]

_COMPARED = 6
"""Comparisons with bars, one an output."""


def learner_figure(model: Any, x: Any = None) -> Figure:
    """Plot what a learner knows by itself, as its kind declares.

    Parameters
    ----------
    model
        A learner or a fleet.
    x
        What to ask it about; of learners that consist of layers, rows to compute activations for.

    Raises
    ------
    ConfigError
        If its kind declares no pictures and has no layers.
    """
    kind = kind_of(model)
    if "layers" in kind.can and model.n_learned:
        return layers(model, None if x is None else _rows(x))
    if kind.pictures is None:
        check_can(model, "layers", at="plot")
    return drawn(own_pictures(model, x=x), heading_of(model))


def _rows(x: Any) -> Any:
    """Return a row, or rows, as rows."""
    samples = as_samples([x] if isinstance(x, Mapping) else x)
    check_rows(samples)
    return samples


def scored_figure(
    model: Any, score: Score, records: Sequence[Metrics] = (), lock: AbstractContextManager[Any] | None = None
) -> Figure:
    """Plot the scores of a learner in a session or a store, then what it knows by itself.

    Parameters
    ----------
    model
        The learner.
    score
        Its score.
    records
        The records of a session, whose score keeps no curve.
    lock
        Held while the learner and its score are read, not while they are drawn.
    """
    with lock or nullcontext():
        heading = heading_of(model)
        pictures = scored_pictures(model, score, records)
    return drawn(pictures or [Bars("scores", {}, empty="No scores yet.")], heading)


def scored_pictures(model: Any, score: Score, records: Sequence[Metrics] = ()) -> list[Picture]:
    """Return the scores of a learner along the stream and beside the baselines, then what its kind declares."""
    return [*_score_pictures(kind_of(model), score, records), *own_pictures(model, score)]


def own_pictures(model: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return what a kind declares of a learner, nothing where it declares no pictures."""
    kind = kind_of(model)
    foreign = not isinstance(model, HasKind)  # a model of somebody else's, which is scored as this kind is
    if kind.pictures is None or foreign:
        return []
    with model.held():
        return list(kind.pictures(model, score, x))


def heading_of(model: Any) -> str:
    """Return the kind's question, what the learner is, and how much it has learned.

    Examples
    --------
    >>> from headwater import Bandit
    >>> heading_of(Bandit())
    'Which action? A bandit that has learned 0 rows.'
    """
    kind = kind_of(model)
    question = kind.views.words.get("en", {}).get("question", "")
    said = f"{kind.one} that has learned {counted(model.n_learned, 'row')}."
    return f"{question} {said[0].upper()}{said[1:]}".strip()


def _score_pictures(kind: Kind, score: Score, records: Sequence[Metrics] = ()) -> list[Picture]:
    """Return the curve of the scores, and the model beside its baselines, once for each output."""
    found: list[Picture] = []
    curve = _curve_of(records) if len(records) > 1 else _history_of(kind, score)
    if curve is not None:
        found.append(curve)
    if "loss" in kind.views.panels and (loss := _loss_of(kind, score)) is not None:
        found.append(loss)
    return [*found, *filter(None, map(_compared, score.comparisons()[:_COMPARED]))]


def _curve_of(records: Sequence[Metrics]) -> Lines | None:
    """Return the first metric of records over their windows."""
    points = [record for record in records if record.scored]
    if len(points) < 2:
        return None
    last = points[-1]
    of = last.comparisons[0].metric if last.comparisons else ""
    metric = of if of in last.names else last.names[0]
    x = [record.scored for record in points]
    lines = [Line("model", x, [record.window_scores.get(metric, math.nan) for record in points])]
    for name in last.window_baselines:
        y = [record.window_baselines.get(name, {}).get(metric, math.nan) for record in points]
        if any(map(math.isfinite, y)):
            lines.append(Line(name, x, y, "pale"))
    unit = last.comparisons[0].unit if last.comparisons else "rows"
    title = f"{metric.replace('_', ' ')} over the last {last.window:,} {unit}"
    return Lines(title, unit, metric.replace("_", " "), tuple(lines), percent=is_share(metric))


def _history_of(kind: Kind, score: Score) -> Lines | None:
    """Return the curve that the score of a learner in service keeps, by the names that its kind declares."""
    points, views = score.history().get("points", []), kind.views
    if len(points) < 2:
        return None
    names = views.curve or tuple(score.scores())
    x = [point[0] for point in points]
    lines = [
        Line(
            name.replace("_", " "),
            x,
            [point[i] for point in points],
            "main" if name in (views.lead, *views.right) else "pale",
            name in views.right,
        )
        for i, name in enumerate(names, 1)
        if name and name != "loss" and i < len(points[-1])
    ]
    title = views.words.get("en", {}).get("curve", "")
    return Lines(title, views.along, "", tuple(lines), percent=views.percent, right=", ".join(views.right))


def _loss_of(kind: Kind, score: Score) -> Lines | None:
    """Return the loss along the curve that the score of a learner in service keeps."""
    points, names = score.history().get("points", []), kind.views.curve
    if len(points) < 2 or "loss" not in names:
        return None
    at = names.index("loss") + 1
    line = Line("loss", [point[0] for point in points], [point[at] for point in points])
    return Lines("loss (last 1,000)", kind.views.along, "loss", (line,))


def _compared(one: Comparison) -> Bars | None:
    """Return one metric of the model beside that of its baselines, over the last rows."""
    span = one.recent if one.recent.n > 0 and math.isfinite(one.recent.model) else one.overall
    if not span.n or not math.isfinite(span.model):
        return None
    guesses = {name: value for name, value in span.guesses.items() if math.isfinite(value)}
    metric, output = one.metric.replace("_", " "), f"{one.output}: " if one.output else ""
    title = f"{output}{metric}, {'last' if span.n < one.overall.n else 'all'} {span.n:,} {one.unit}"
    return Bars(title, {"model": span.model, **guesses}, pale=tuple(guesses), percent=is_share(one.metric))
