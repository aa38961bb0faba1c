"""Plot scores and feature importance along the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.explain import Importance, PartialDependence, Shape
from headwater.nn import History
from headwater.plot.episodes import Episode, largest
from headwater.plot.paper import COLOURS, INK, PALE, axes, figure, note
from headwater.route.evaluate import Evaluation
from headwater.types import Metrics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["importance", "importances", "learning_curve", "partial_dependence", "shape"]

_MOST = 8  # lines with distinguishable colours


def learning_curve(records: Evaluation | Sequence[Metrics] | History, score: str | None = None) -> Figure:
    """Plot a score of the model and its baselines along the stream, with a mark at each of the five largest drifts.

    Parameters
    ----------
    records
        An `Evaluation`, the records of a `Session`, or the `nn.History` that ``fit`` returned, whose loss per epoch is
        drawn.
    score
        The score to draw; accuracy or RMSE by default.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> records = [Metrics(n, n, 100, ("accuracy",), {"accuracy": 0.7}, {"accuracy": 0.8}) for n in (100, 200)]
    >>> learning_curve(records).axes[0].get_title(loc="left")
    'accuracy over the last 100 rows'
    >>> learning_curve(History([0.9, 0.5])).axes[0].get_title(loc="left")
    'mean loss of each epoch'
    """
    if isinstance(records, History):
        return _epochs(records)
    points = [r for r in (records.curve if isinstance(records, Evaluation) else records) if r.scored]
    fig = figure()
    if not points:
        note(axes(fig, title="learning curve", x="rows", y=""), "No scores yet.")
        return fig
    if score is None:
        score = "rmse" if "rmse" in points[-1].names else points[-1].names[0]
    shown = score.replace("_", " ").replace("rmse", "RMSE").replace("mae", "MAE")
    ax = axes(fig, title=f"{shown} over the last {points[-1].window:,} rows", x="rows", y=shown)
    rows = [record.rows for record in points]
    for i, name in enumerate(points[-1].window_baselines):
        values = [record.window_baselines.get(name, {}).get(score, np.nan) for record in points]
        ax.plot(rows, values, color=PALE, linestyle=("--", ":", "-.")[i % 3], linewidth=1.2, label=name)
    marker = "o" if len(points) < 3 else None
    ax.plot(rows, [r.window_scores[score] for r in points], color=COLOURS[0], linewidth=2, marker=marker, label="model")
    _marks(ax, largest([event for record in points for event in record.events], points[-1].rows))
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return fig


def _epochs(history: History) -> Figure:
    """Plot the training and validation loss of each epoch."""
    fig = figure()
    ax = axes(fig, title="mean loss of each epoch", x="epoch", y="loss")
    if not history.loss:
        note(ax, "No epochs yet.")
        return fig
    epochs = range(1, len(history.loss) + 1)
    marker = "o" if len(history.loss) < 3 else None
    ax.plot(epochs, history.loss, color=COLOURS[0], linewidth=2, marker=marker, label="training")
    if history.validation_loss:
        ax.plot(epochs, history.validation_loss, color=COLOURS[1], linewidth=2, marker=marker, label="validation")
        ax.axvline(history.best_epoch, color=PALE, linestyle=":", linewidth=1.2, label="best epoch")
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def _marks(ax: Axes, episodes: Sequence[Episode]) -> None:
    """Draw a numbered vertical line for each drift, with one legend entry per kind."""
    kinds = {"drift_detected": ("drift", COLOURS[1]), "input_drift_detected": ("an input drifted", COLOURS[4])}
    named: set[str] = set()
    for i, episode in enumerate(episodes):
        label, colour = kinds[episode.event.kind]
        ax.axvline(episode.event.row, color=colour, linewidth=1.2, alpha=0.9, label=None if label in named else label)
        named.add(label)
        if len(episodes) > 1:
            ax.annotate(
                str(i + 1),
                (episode.event.row, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, -2),
                textcoords="offset points",
                va="top",
                fontsize=8,
                color=colour,
            )


def importance(watch: Importance) -> Figure:
    """Plot the importance of the eight largest features over the stream.

    Parameters
    ----------
    watch
        An `Importance` updated by a session.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> importance(Importance()).axes[0].get_title(loc="left")
    'importance of the features'
    """
    fig = figure()
    ax = axes(fig, title="importance of the features", x="rows", y="rise of the loss")
    names = list(watch.values)[:_MOST]
    if not names or len(watch.history) < 2:
        note(ax, f"No importance yet. One row in {watch.every} is measured.")
        return fig
    rows = [row for row, _ in watch.history]
    for i, name in enumerate(names):
        ax.plot(rows, [v.get(name, np.nan) for _, v in watch.history], color=COLOURS[i], linewidth=1.8, label=str(name))
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    return fig


def importances(values: Mapping[Any, float]) -> Figure:
    """Plot importances as bars, the largest on top.

    Examples
    --------
    >>> figure = importances({"age": 0.5, "job": 0.25})
    >>> [round(float(bar.get_width()), 2) for bar in figure.axes[0].patches]
    [0.25, 0.5]
    """
    shown = sorted(values.items(), key=lambda one: -abs(one[1]))[:_MOST][::-1]
    fig = figure(6.4, 1.4 + 0.3 * len(shown))
    ax = axes(fig, title="importance of the features", x="importance", y="")
    ax.barh([_named(name) for name, _ in shown], [value for _, value in shown], color=COLOURS[0])
    ax.grid(axis="y", visible=False)
    return fig


def _named(name: Any) -> str:
    return " · ".join(map(_named, name)) if isinstance(name, tuple) else str(name)


def partial_dependence(watch: PartialDependence) -> Figure:
    """Plot how the mean prediction depends on one feature.

    Examples
    --------
    >>> partial_dependence(PartialDependence("age")).axes[0].get_xlabel()
    'age'
    """
    fig = figure(5.2, 3.4)
    target = "prediction" if watch.target is None else f"p({watch.target})"
    ax = axes(fig, title="partial dependence", x=str(watch.feature), y=f"mean {target}")
    if not watch.curve:
        note(ax, "No rows measured yet.")
        return fig
    _curve(ax, list(watch.curve), list(watch.curve.values()), COLOURS[0], None)
    return fig


def shape(curve: Shape, classes: Sequence[Any] = ()) -> Figure:
    """Plot the shape function of one feature, with one line per output.

    Parameters
    ----------
    curve
        The result of `explain.shape`.
    classes
        Names of the outputs.

    Examples
    --------
    >>> fig = shape(Shape("age", [20.0, 40.0], np.array([[-1.0], [1.0]]), 0.2))
    >>> fig.axes[0].get_title(loc="left")
    'what age adds (linear expert, weight 0.20)'
    """
    fig = figure(5.6, 3.4)
    title = f"what {curve.feature} adds (linear expert, weight {curve.weight:.2f})"
    ax = axes(fig, title=title, x=str(curve.feature), y="log-odds" if classes else "effect")
    for k in range(min(curve.effect.shape[1], _MOST)):
        label = str(classes[k]) if k < len(classes) else None
        _curve(ax, curve.points, curve.effect[:, k].tolist(), COLOURS[k], label)
    ax.axhline(0, color=INK, linewidth=0.8)
    if classes:
        ax.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return fig


def _curve(ax: Axes, points: Sequence[Any], values: Sequence[float], colour: str, label: str | None) -> None:
    """Draw a line over numbers, or dots over categories."""
    if all(isinstance(point, int | float) for point in points):
        ax.plot(points, values, color=colour, linewidth=1.8, label=label)
    else:
        ax.plot([str(point) for point in points], values, "o", color=colour, markersize=6, label=label)
