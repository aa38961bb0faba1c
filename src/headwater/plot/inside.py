"""Plot the weights and activations of each layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.errors import ConfigError
from headwater.learner.base import at_one_moment
from headwater.learner.kind import check_can
from headwater.learner.sampling.measure import as_rows
from headwater.learner.supervised import SupervisedLearner
from headwater.nn import inspect
from headwater.nn.core import weights
from headwater.plot.paper import COLOURS, INK, axes, figure, note
from headwater.route.verdict.numbers import figure as number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["layers"]


@at_one_moment
def layers(model: SupervisedLearner, X: Any = None, *, expert: int | None = None) -> Figure:
    """Plot the distribution of each layer's weights and activations.

    Parameters
    ----------
    model
        A fitted learner.
    X
        Rows to compute activations for; the learner's sample by default.
    expert
        Index of a pool's expert, from 0; by default the one with the largest weight in the mixture.

    Returns
    -------
    matplotlib.figure.Figure
        A row of two pictures for each layer: weights, and activations.

    Examples
    --------
    >>> from headwater import Regressor
    >>> model = Regressor((8,), seed=1)
    >>> for i in range(50):
    ...     model.learn_one({"a": i % 7}, i % 7)
    >>> fig = layers(model, [{"a": 1}, {"a": 2}])
    >>> [ax.get_title(loc="left") for ax in fig.axes]
    ['layer 1: 1 × 8 weights', 'layer 1: relu', 'layer 2: 8 × 1 weights', 'layer 2: output']
    """
    check_can(model, "layers", at="plot")
    engine = model.learned_engine
    core = engine.core
    e = int(np.argmax(inspect.mixture_weights(core))) if expert is None else expert
    if not 0 <= e < len(core.experts):
        raise ConfigError(
            expected=f"an expert from 0 to {len(core.experts) - 1}", got=repr(e), at="expert", help="Choose another."
        )
    places = [place for place in core.places() if place.expert == e and (place.table or place.n)]
    shown = _activations(model, X, e)
    fig = figure(7.6, 2.3 * len(places))
    if len(core.experts) > 1:
        weight = inspect.mixture_weights(core)[e]
        fig.suptitle(f"expert {e + 1} of {len(core.experts)}, weight {weight:.2f}", fontsize=11, color=INK)
    for i, place in enumerate(places):
        w = weights(core, place).astype(np.float64).ravel()
        size = f"layer {i + 1}: {math.prod(weights(core, place).shape) // place.m:,} × {place.m} weights"
        left = axes(fig, title=size, x="", y="weights", place=(len(places), 2, 2 * i + 1))
        _histogram(left, w, COLOURS[0])
        name, values = shown[i] if i < len(shown) else ("", np.zeros(0))
        right = axes(fig, title=f"layer {i + 1}: {name}", x="", y="values", place=(len(places), 2, 2 * i + 2))
        _histogram(right, values.ravel(), COLOURS[2])
        if name == "relu" and values.size:
            right.set_xlabel(f"{right.get_xlabel()}, silent {(values == 0).mean():.0%}", fontsize=8)
    return fig


def _activations(model: SupervisedLearner, X: Any, e: int) -> list[tuple[str, Any]]:
    """Return the activation's name and the output of each layer."""
    engine, sample = model.learned_engine, model.sample
    if X is None and sample is not None and sample.rows:
        X = as_rows([kept.x for kept in sample.rows])
    if X is None:
        return []
    core = engine.core
    taken = inspect.entries(core, engine.rows(X), len(X))
    values = inspect.forward(core, e, inspect.read(core, e, taken), taken.carried)
    out: list[tuple[str, Any]] = []
    name = "linear"
    for i, operation in enumerate(core.operations(e)):
        if operation.name == "dense":
            out.append((name, values[i]))
            name = "linear"
        elif operation.name not in ("identity", "dropout"):
            name = operation.name
    return [*out, ("output" if name == "linear" else name, values[-1])]


def _histogram(ax: Axes, values: Any, colour: str) -> None:
    finite = values[np.isfinite(values)]
    if not finite.size:
        note(ax, "No rows kept. Pass X.")
        return
    ax.hist(finite, bins=40, color=colour, alpha=0.85)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:,.0f}")
    ax.minorticks_off()
    ax.set_xlabel(
        f"mean {number_text(float(finite.mean()), 2)}, deviation {number_text(float(finite.std()), 2)}", fontsize=8
    )
