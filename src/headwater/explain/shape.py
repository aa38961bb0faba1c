"""The linear expert of a pool, read exactly: over hats it is a sum of one curve a feature, to be drawn as it is.

A linear layer above hats gives ``logit = b + Σⱼ fⱼ(xⱼ)``, fⱼ a straight line plus a curve through the knots: a
generalised additive model, whose shape functions fⱼ need no sampling and no approximation.

References
----------
Hastie & Tibshirani 1986 (generalised additive models); Lou, Caruana & Gehrke 2012 (shape functions as explanation).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.encode.vocabulary import CATEGORY, NUMBER
from headwater.errors import ConfigError, did_you_mean
from headwater.explain.one import engine_of
from headwater.kernels import _op as col
from headwater.nn import trace
from headwater.nn.program import Program
from headwater.regressor import Regressor

__all__ = ["Shape", "shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What one feature adds to the linear expert's logits.

    Parameters
    ----------
    feature
        Its name.
    points
        Values of the feature: numbers in order, or categories.
    effect
        Shape (points, outputs): what it adds, centred on its mean over the points. A regressor's is in units of the
        answer, a classifier's in log-odds.
    weight
        The expert's weight in the mixture just now.
    """

    feature: Hashable
    points: list[float] | list[str]
    effect: NDArray[np.float64]
    weight: float


def shape(model: Classifier | Regressor, feature: Hashable, *, points: int = 100) -> Shape:
    """Return the exact shape function of one feature, as the linear expert has learned it.

    Parameters
    ----------
    model
        With a linear expert: the default pool, or ``hidden=()``.
    feature
        A column of numbers or of categories.
    points
        How many values of a number between its outer knots (or ±3 deviations, where there are none).

    Returns
    -------
    Shape

    Raises
    ------
    ConfigError
        When there is no linear expert, or no such feature.

    Examples
    --------
    >>> model = Regressor(seed=1)
    >>> for i in range(3000):
    ...     model.learn_one({"a": i % 50 / 10, "b": i % 7 * 1.0}, abs(i % 50 / 10 - 2.5))
    >>> curve = shape(model, "a", points=11)
    >>> int(curve.effect[:, 0].argmin())
    5
    """
    engine = engine_of(model)
    program = engine.program
    e = _linear(program)
    column = engine.words.columns.get(feature)
    if column is None or column.kind not in (NUMBER, CATEGORY):
        known = [str(c.name) for c in engine.words.columns.values() if c.kind in (NUMBER, CATEGORY)]
        raise ConfigError(
            expected="a feature of numbers or categories",
            got=repr(feature),
            at="feature",
            help=did_you_mean(str(feature), known),
        )
    at: list[float] | list[str]
    at = _between(program, column.slot, points) if column.kind == NUMBER else list(column.values)
    block = engine.encoder.samples([{feature: value} for value in at], [False] * len(at))
    z = trace.logits(program, e, trace.entries(program, block))
    scale = np.sqrt(program.ys[:, col.VAR]) if program.head[col.TARGETS] else 1.0
    return Shape(feature, at, (z - z.mean(0)) * scale, float(trace.shares(program)[e]))


def _linear(program: Program) -> int:
    for e, expert in enumerate(program.experts):
        if len(expert.layers) == 1:
            return e
    raise ConfigError(
        expected="a model with a linear expert",
        got=f"{len(program.experts)} of other kinds",
        at="shape",
        help="Use the default pool, or hidden=().",
    )


def _between(program: Program, slot: int, points: int) -> list[float]:
    stat = program.stats[slot]
    count = int(stat[col.KNOT_COUNT]) if program.head[col.HATS] else 0
    if count >= 3:
        low, high = program.knots[slot, 0], program.knots[slot, count - 1]
    else:
        low, high = stat[col.MEAN] + np.array([-3, 3]) * np.sqrt(stat[col.VAR])
    return [float(value) for value in np.linspace(low, high, points)]
