"""Plot predictions against labels, and the explanation of one prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headwater.explain import Explanation
from headwater.learner.kind import has_classes
from headwater.plot.paper import COLOURS, INK, PALE, axes, figure, note
from headwater.route.verdict.numbers import figure as number_text
from headwater.types import Event, ScoredRows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Outcomes", "answers", "calibration", "confusion", "explanation"]

_CLASSES = 15  # more are not readable
_PAIRS = 1000


class Outcomes:
    """Collect what `confusion`, `calibration` and `answers` draw, as a metric of a `Session`.

    Every row is counted with the prediction that was given out for it.

    Examples
    --------
    >>> outcomes = Outcomes()
    >>> _ = outcomes.see(ScoredRows(1, [{}, {}], ["a", "b"], ["a", "a"], [0.9, 0.2], "classify"), None)
    >>> outcomes.pairs
    Counter({('a', 'a'): 1, ('b', 'a'): 1})
    """

    def __init__(self) -> None:
        self.due: int | None = None
        self.pairs: Counter[tuple[Hashable, Hashable]] = Counter()
        self.sample: list[tuple[float, float]] = []
        """A uniform sample of (label, prediction) of a regressor."""
        self.bins = np.zeros((10, 3))
        """Per tenth of the predicted class's probability: rows, sum of the probability, correct rows."""
        self.by_class: dict[Hashable, NDArray[np.float64]] = {}
        """By class, per tenth of its probability: rows, sum of the probability, rows of that class."""
        self._rng = np.random.default_rng(0)
        self._n = 0

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Count a block of rows."""
        if not has_classes(rows.task):
            for y, y_pred in zip(rows.y, rows.y_pred, strict=True):
                self._n += 1
                at = len(self.sample) if self._n <= _PAIRS else int(self._rng.integers(self._n))
                if at < _PAIRS:
                    self.sample[at : at + 1] = [(float(y), float(y_pred))]
            return ()
        issued = np.array([label is not None for label in rows.y_pred], bool)  # None before the first class is known
        self.pairs.update((y, y_pred) for y, y_pred in zip(rows.y, rows.y_pred, strict=True) if y_pred is not None)
        right = np.fromiter(map(_equal, rows.y, rows.y_pred), bool, len(rows))[issued]
        if rows.forecast is not None and rows.forecast.proba is not None:
            p = rows.forecast.proba[issued]
            self.bins += _tenths(p.max(1, initial=0.0), right)
            for j, label in enumerate(rows.forecast.classes[:_CLASSES]):
                came = np.fromiter((_equal(y, label) for y in rows.y), bool, len(rows))[issued]
                self.by_class[label] = self.by_class.get(label, np.zeros((10, 3))) + _tenths(p[:, j], came)
        elif len({y for y, _ in self.pairs}) <= 2:  # a delayed label comes with its own probability alone
            p = np.asarray(rows.proba)[issued]
            self.bins += _tenths(np.where(right, p, 1 - p), right)
        else:
            self.bins[:] = 0
        return ()


def _tenths(p: NDArray[Any], came: NDArray[Any]) -> NDArray[np.float64]:
    """Count rows per tenth of probability, with the sum of the probability and the rows that came true, as (10, 3)."""
    p = np.nan_to_num(p).astype(np.float64)
    tenth = np.clip((p * 10).astype(int), 0, 9)
    columns = [np.bincount(tenth, weights, 10) for weights in (None, p, came.astype(np.float64))]
    return np.stack(columns, 1).astype(np.float64)


def confusion(pairs: Mapping[tuple[Hashable, Hashable], int]) -> Figure:
    """Plot the confusion matrix, with each cell's share of its class and its number of rows.

    Parameters
    ----------
    pairs
        Rows by (label, prediction): `Outcomes.pairs`, or ``Counter(zip(y, y_pred))``.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> confusion({("a", "a"): 3, ("b", "a"): 1}).axes[0].get_ylabel()
    'answer'
    """
    sizes: Counter[Hashable] = Counter()
    for (y, _), count in pairs.items():
        sizes[y] += count
    classes = sorted((label for label, _ in sizes.most_common(_CLASSES)), key=str)
    place = {label: i for i, label in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    for (y, y_pred), count in pairs.items():
        if y in place and y_pred in place:
            counts[place[y], place[y_pred]] += count
    size = 2.4 + 0.5 * len(classes)
    fig = figure(min(size + 0.8, 9), min(size, 8))
    hidden = len(sizes) - len(classes)
    title = "confusion" + (f" (the {len(classes)} most frequent of {len(sizes)} classes)" if hidden else "")
    ax = axes(fig, title=title, x="prediction", y="answer")
    if not classes:
        note(ax, "No row was scored yet.")
        return fig
    from matplotlib.colors import LinearSegmentedColormap

    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    # One blue whose opacity is the share: it suits light and dark pages.
    blue = LinearSegmentedColormap.from_list("share", [(0.0, 0.447, 0.698, 0.0), (0.0, 0.447, 0.698, 1.0)])
    ax.imshow(shares, cmap=blue, vmin=0, vmax=1)
    ax.grid(visible=False)
    names = [str(label) for label in classes]
    ax.set_xticks(range(len(names)), names, rotation=45 if sum(map(len, names)) > 6 * len(names) else 0)
    ax.set_yticks(range(len(names)), names)
    for i, j in np.ndindex(*counts.shape):
        colour = "white" if shares[i, j] > 0.55 else INK
        text = f"{shares[i, j]:.0%}\n{counts[i, j]:,.0f}" if len(classes) <= 6 else f"{shares[i, j]:.0%}"
        ax.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    return fig


def calibration(
    p: ArrayLike = (), right: ArrayLike = (), *, outcomes: Outcomes | None = None, by_class: bool = False
) -> Figure:
    """Plot how often predictions came true against their predicted probability.

    Parameters
    ----------
    p, right
        Shape (n,): the probability of each prediction, and whether it was correct.
    outcomes
        Outcomes collected by a session, in place of ``p`` and ``right``.
    by_class
        With ``outcomes``, draw one line per class against that class's probability.

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    Murphy & Winkler 1977 (reliability diagram); Naeini, Cooper & Hauskrecht 2015 (expected calibration error).

    Examples
    --------
    >>> calibration([0.9, 0.9, 0.6], [True, True, False]).axes[0].get_title(loc="left")
    'calibration (expected error 27 %)'
    """
    if outcomes is None:
        outcomes = Outcomes()
        outcomes.bins = _tenths(np.asarray(p, np.float64), np.asarray(right))
    lines = _by_class(outcomes) if by_class else {"model (size: rows)": outcomes.bins}
    errors = [_expected_error(own) for own in lines.values() if own[:, 0].any()]
    fig = figure(6.2 if by_class else 4.8, 4.2)
    title = f"calibration{' by class' if by_class else ''}"
    title += f" (expected error {100 * float(np.mean(errors)):.0f} %)" if errors else ""
    what = "the class" if by_class else "the prediction"
    ax = axes(fig, title=title, x=f"probability given to {what}", y="share that came true")
    if not errors:
        note(ax, "No probabilities to draw.")
        return fig
    ax.plot([0, 1], [0, 1], color=PALE, linestyle="--", linewidth=1, label="perfect")
    lowest = 1.0
    for (name, own), colour in zip(lines.items(), COLOURS, strict=False):
        rows, predicted, came = own[own[:, 0] > 0].T
        ax.plot(predicted / rows, came / rows, color=colour, linewidth=1.2)
        ax.scatter(predicted / rows, came / rows, s=20 + 180 * rows / rows.max(), color=colour, alpha=0.75, label=name)
        lowest = min(lowest, float((predicted / rows).min()), float((came / rows).min()))
    low = max(0.0, 0.1 * np.floor(10 * lowest)) - 0.05
    ax.set_xlim(low, 1.03)
    ax.set_ylim(low, 1.03)
    where = {"loc": "center left", "bbox_to_anchor": (1, 0.5)} if by_class else {"loc": "upper left"}
    ax.legend(fontsize=8, frameon=False, markerscale=0.5, **where)
    return fig


def _by_class(outcomes: Outcomes) -> dict[str, NDArray[np.float64]]:
    """Return the bins of the most frequent classes, at most one per colour."""
    sizes = {label: float(own[:, 2].sum()) for label, own in outcomes.by_class.items()}
    return {str(y): outcomes.by_class[y] for y in sorted(sizes, key=lambda y: -sizes[y])[: len(COLOURS)]}


def _expected_error(bins: NDArray[np.float64]) -> float:
    """Return the expected calibration error, the mean |probability − share| weighted by rows."""
    return float(np.abs(bins[:, 1] - bins[:, 2]).sum() / bins[:, 0].sum())


def answers(pairs: Sequence[tuple[float, float]]) -> Figure:
    """Plot labels against predictions of a regressor.

    Examples
    --------
    >>> answers([(1.0, 1.1), (2.0, 1.8)]).axes[0].get_xlabel()
    'prediction'
    """
    fig = figure(4.8, 4.2)
    ax = axes(fig, title="answers against predictions", x="prediction", y="answer")
    if not pairs:
        note(ax, "No row was scored yet.")
        return fig
    y, y_pred = np.array(pairs).T
    low, high = np.quantile(y, [0.005, 0.995])
    pad = 0.05 * (high - low) or 1.0
    ax.plot([low - pad, high + pad], [low - pad, high + pad], color=PALE, linestyle="--", linewidth=1)
    ax.scatter(y_pred, y, s=10, alpha=0.4, color=COLOURS[0], linewidths=0)
    ax.set_xlim(low - pad, high + pad)
    ax.set_ylim(low - pad, high + pad)
    return fig


def explanation(why: Explanation, *, most: int = 12) -> Figure:
    """Plot the contribution of each feature to one prediction.

    Examples
    --------
    >>> why = Explanation(0.9, 0.5, {"age": 0.5, "job": -0.1}, {"age": 61, "job": "cook"}, True)
    >>> explanation(why).axes[0].get_title(loc="left")
    'p(True): baseline 0.5 → 0.9'
    """
    parts = why.top(most)[::-1]
    fig = figure(6.4, 1.4 + 0.3 * len(parts))
    title = f"{why.what}: baseline {number_text(why.baseline)} → {number_text(why.prediction)}"
    ax = axes(fig, title=title, x="contribution", y="")
    sizes = [part for _, part in parts]
    ax.barh([name for name, _ in parts], sizes, color=[COLOURS[1] if part < 0 else COLOURS[0] for part in sizes])
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.grid(axis="y", visible=False)
    return fig


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b)
