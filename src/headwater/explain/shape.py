"""Read the linear expert of a pool exactly, as one shape function per feature.

A linear layer on a spline basis gives ``logit = b + Σⱼ fⱼ(xⱼ)``, where fⱼ is a straight line plus a curve through the knots.
This is a generalized additive model. Its shape functions fⱼ need no sampling and no approximation.

References
----------
Hastie & Tibshirani 1986 (generalised additive models); Lou, Caruana & Gehrke 2012 (shape functions as explanation).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.encode.vocabulary import CATEGORY, NUMBER
from headwater.errors import ConfigError, did_you_mean
from headwater.learner.base import at_one_moment
from headwater.learner.kind import check_can
from headwater.learner.supervised import SupervisedLearner
from headwater.nn import inspect
from headwater.nn.core import Core

__all__ = ["Shape", "shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Effect of one feature on the linear expert's logits.

    Parameters
    ----------
    feature
        The feature's name.
    points
        Values of the feature: numbers in order, or categories.
    effect
        Shape (points, outputs): the contribution, centered on its mean over the points, in units of the label for a
        regressor and in log-odds for a classifier.
    weight
        The expert's current weight in the mixture.
    """

    feature: Hashable
    points: list[float] | list[str]
    effect: NDArray[np.float64]
    weight: float


@at_one_moment
def shape(model: SupervisedLearner, feature: Hashable, *, points: int = 100) -> Shape:
    """Return the exact shape function of one feature in the linear expert.

    Parameters
    ----------
    model
        A model with a linear expert, such as the default pool or ``hidden=()``.
    feature
        A numeric or categorical column.
    points
        Number of grid points between the outer knots of a number (±3 standard deviations without knots).

    Returns
    -------
    Shape

    Raises
    ------
    ConfigError
        If there is no linear expert or no such feature.

    Examples
    --------
    >>> from headwater import Regressor
    >>> model = Regressor(seed=1)
    >>> for i in range(3000):
    ...     model.learn_one({"a": i % 50 / 10, "b": i % 7 * 1.0}, abs(i % 50 / 10 - 2.5))
    >>> curve = shape(model, "a", points=11)
    >>> int(curve.effect[:, 0].argmin())
    5
    """
    check_can(model, "layers", at="shape")
    engine = model.learned_engine
    core = engine.core
    e = _linear(core)
    columns = engine.columns
    column = columns.get(feature)
    if column is None or column.kind not in (NUMBER, CATEGORY):
        known = [str(c.name) for c in columns.values() if c.kind in (NUMBER, CATEGORY)]
        raise ConfigError(
            expected="a feature of numbers or categories",
            got=repr(feature),
            at="feature",
            help=did_you_mean(str(feature), known),
        )
    at: list[float] | list[str]
    at = _between(core, column.slot, points) if column.kind == NUMBER else list(column.values)
    taken = inspect.entries(core, engine.rows([{feature: value} for value in at]), len(at))
    z = inspect.logits(core, e, taken)
    scale = np.sqrt(core.answers[:, 1]) if core.about["targets"] else 1.0
    return Shape(feature, at, (z - z.mean(0)) * scale, float(inspect.mixture_weights(core)[e]))


def _linear(core: Core) -> int:
    for e, expert in enumerate(core.experts):
        if len(expert.layers) == 1:
            return e
    raise ConfigError(
        expected="a model with a linear expert",
        got=f"{len(core.experts)} of other kinds",
        at="shape",
        help="Use the default pool, or hidden=().",
    )


def _between(core: Core, slot: int, points: int) -> list[float]:
    known = core.statistics
    count = int(known.knot_count[slot])
    if count >= 3:
        low, high = known.knots[slot, 0], known.knots[slot, count - 1]
    else:
        low, high = known.mean[slot] + np.array([-3, 3]) * np.sqrt(known.variance[slot])
    return [float(value) for value in np.linspace(low, high, points)]
