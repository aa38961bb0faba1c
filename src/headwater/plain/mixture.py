"""The mixture: several experts over the same inputs, weighed by how well each has done.

Each expert is a net of its own with its own loss and rule. Their opinions stand in one array, a row for each expert:
probabilities, logits or numbers. Here are the ways to weigh them, how an expert that has failed is noticed, and the label
history, an opinion that takes part like an expert's (of numbers: ``answers.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .losses import softmax

Array: TypeAlias = NDArray[np.floating[Any]]

# ---- fixed-share Hedge: probabilities, weights that add up to 1 -----------------------------------------------------

SHARE = 0.003
"""Share of the mixture that is spread evenly after each row, so that no expert is ever out of the running."""
HARDEST = 9.0
"""The largest loss, and gain (a Poisson loss may be negative), that the weights see."""
HEDGE_RATE = 0.5
"""How strongly a loss moves the weights."""


def hedge_update(w: Array, losses: Array, weight: float = 1.0, unit: float = 1.0) -> Array:
    """Return the experts' weights after a row: w·exp(−½·loss), normalised, then a small share spread evenly.

    Parameters
    ----------
    w : ndarray (experts,)
        Their weights, which add up to 1.
    losses : ndarray (experts,)
        What each expert lost on the row.
    weight : float
        That of the row.
    unit : float
        What the losses are measured in: ``hedge_unit`` for numbers, 1 for classes.

    References
    ----------
    Herbster & Warmuth 1998.

    Examples
    --------
    >>> hedge_update(np.array([0.5, 0.5]), np.array([0.0, 2.0])).round(3).tolist()
    [0.73, 0.27]
    """
    bounded = np.clip(losses / unit, -HARDEST, HARDEST)
    kept = w * np.exp(-HEDGE_RATE * weight * (bounded - bounded.min()))  # the best keeps its weight: no sum underflows
    share = SHARE * min(weight, 1.0)
    return np.asarray((1 - share) * kept / kept.sum() + share / len(w))


def hedge_unit(unit: float, w: Array, losses: Array, weight: float = 1.0) -> float:
    """Return the fading mean loss of the mixture after a row: what the losses of numbers are measured in.

    0 stands for none yet. ``hedge_update`` gets the one before the row, and at least 10⁻⁶.
    """
    mixed = float(w @ losses)
    return mixed if unit == 0 else unit + (mixed - unit) * 0.001 * min(weight, 1.0)


# ---- an expert whose effects multiply -------------------------------------------------------------------------------

FARTHEST = 10.0
"""A log link predicts within so many deviations, and its loss is no steeper."""
TIMES = 1000.0
"""No answer counts as more times the mean."""
LIMIT = 30.0
"""Logits beyond ±30 count as ±30."""


def log_link(z: Array, mean: float) -> Array:
    """Return what an expert with a log link predicts of numbers, m·(e^(z/s) − 1), in deviations of the answer.

    In the answer's own units that is its mean times e^(z/s), so what inputs do multiplies: at night a third, on a holiday
    twice. Where answers are never negative, many streams are like that. s = max(m/2, 1): far from 0, where a small factor
    is many deviations, it becomes 2·z.

    Parameters
    ----------
    z : ndarray
        Logits.
    mean : float
        m, the answers' mean in their deviations, at least 0.

    References
    ----------
    Nelder & Wedderburn 1972.

    Examples
    --------
    >>> log_link(np.array([0.0, np.log(2.0)]), mean=0.5).tolist()
    [0.0, 0.5]
    >>> log_link(np.array([2.0]), mean=1e6).round(3).tolist()
    [4.0]
    """
    s = max(mean / 2, 1.0)
    return np.asarray(np.clip(mean * (np.exp(np.clip(z / s, -LIMIT, LIMIT)) - 1), -FARTHEST, FARTHEST))


def log_link_gradient(z: Array, y: Array, mean: float) -> Array:
    """Return the gradient by the logits of Poisson's loss, s·(e^(z/s) − r), r being how many times their mean answers are.

    Parameters
    ----------
    z, y : ndarray
        Logits, and standardised answers: r = y/m + 1, from 0 to 1,000, and 1 without a mean.
    mean : float
        m, as in ``log_link``.

    Examples
    --------
    >>> log_link_gradient(np.zeros(2), np.array([1.0, -3.0]), mean=2.0).tolist()
    [-0.5, 1.0]
    """
    s = max(mean / 2, 1.0)
    times = np.clip(y / mean + 1, 0.0, TIMES) if mean > 0 else np.ones_like(y)
    return np.asarray(np.clip(s * (np.exp(np.clip(z / s, -LIMIT, LIMIT)) - times), -FARTHEST, FARTHEST))


# ---- stacking: a linear model over the experts, learned row by row --------------------------------------------------

FIRST_RATE, OF_NUMBERS, LAST_RATE, COOLING = 0.01, 0.02, 0.002, 1000.0
"""Step size of the weights: 0.01/(1 + t/1000) for logits, 0.02/(1 + t/1000) for numbers, but at least 0.002."""
LEAP = 0.1
"""No row moves a weight by more than this."""
LATE_RATE, LATE_PART, LEAST = 0.005, 0.5, 0.01
"""Where answers come late: the least step size; the largest part of itself that a row moves a weight by; and the size that
a weight is taken for at least, and falls to."""


@dataclass(slots=True)
class StackedWeights:
    """What stacking learns.

    Parameters
    ----------
    w : ndarray (experts,)
        The weight of each expert; all equal at first. They need not add up to 1.
    rows : int
        How many rows have moved them.
    error : float
        Fading mean error of the mixture, for numbers.

    Examples
    --------
    >>> StackedWeights(np.full(2, 0.5)).rows
    0
    """

    w: NDArray[np.float64]
    rows: int = 0
    error: float = 0.0


def mix(w: Array, opinions: Array) -> Array:
    """Return the mixture of probabilities or numbers, opinions (experts, k): Σ wₑ·opinionₑ, shape (k,).

    Examples
    --------
    >>> mix(np.array([0.75, 0.25]), np.array([[2.0], [6.0]])).tolist()
    [3.0]
    """
    return np.asarray(w @ opinions)


def mix_logits(w: Array, z: Array) -> Array:
    """Return the mixture of logits z (experts, k): p = softmax(Σ wₑ·zₑ), shape (k,).

    Weights that add up to less than 1 make the mixture more careful than its experts.

    Examples
    --------
    >>> mix_logits(np.array([0.5, 0.5]), np.array([[2.0, 0.0], [0.0, 2.0]])).tolist()
    [0.5, 0.5]
    """
    return softmax(mix(w, z))


def stack_logits(mixture: StackedWeights, z: Array, y: int, weight: float = 1.0, *, late: bool = False) -> None:
    """Move the weights along the gradient of −ln p(y), which is Σⱼ pⱼ·zₑⱼ − zₑ(y) for each expert e.

    Parameters
    ----------
    mixture : StackedWeights
        Its weights are changed.
    z : ndarray (experts, k)
        What each expert said.
    y : int
        The class that it was.
    weight : float
        That of the row.
    late : bool
        Whether the answer came late, so that z is what was said when the row was asked.

    Examples
    --------
    >>> mixture = StackedWeights(np.array([0.5, 0.5]))
    >>> stack_logits(mixture, np.array([[2.0, 0.0], [0.0, 2.0]]), y=0)
    >>> mixture.w.tolist()
    [0.51, 0.49]
    """
    p = mix_logits(mixture.w, z)
    slopes = z @ p - z[:, y]
    rate = weight * mixture_rate(mixture.rows, late=late)
    mixture.rows += 1
    mixture.w = update_mixture_weights(mixture.w, rate * slopes, late=late)


def stack_numbers(
    mixture: StackedWeights, predictions: Array, y: float, weight: float = 1.0, *, late: bool = False
) -> None:
    """Move the weights along the gradient of Huber's loss of the mixture, predictions (experts,): error·ŷₑ for each e.

    The error is bounded by its fading mean, so an outlier weighs no more than a common error. The step is bounded by
    1/Σ ŷₑ², beyond which it would overshoot.

    Examples
    --------
    >>> mixture = StackedWeights(np.array([0.5, 0.5]))
    >>> stack_numbers(mixture, np.array([1.0, 3.0]), y=1.0)
    >>> mixture.w.round(3).tolist()
    [0.48, 0.44]
    """
    error = float(mix(mixture.w, predictions)) - y
    first = mixture.rows == 0
    share = 0.003 * min(weight, 1.0)
    mixture.error = abs(error) if first else mixture.error + (abs(error) - mixture.error) * share
    bounded = min(max(error, -mixture.error), mixture.error)
    rate = min(
        weight * mixture_rate(mixture.rows, OF_NUMBERS, late=late), 1 / max(float(predictions @ predictions), 1e-30)
    )
    mixture.rows += 1
    mixture.w = update_mixture_weights(mixture.w, rate * bounded * predictions, late=late)


def mixture_rate(rows: int, first: float = FIRST_RATE, *, late: bool) -> float:
    """Return the step size after so many rows: it cools down, and never ends."""
    return max(first / (1 + rows / COOLING), LATE_RATE if late else LAST_RATE)


def update_mixture_weights(w: Array, steps: Array, *, late: bool) -> NDArray[np.float64]:
    """Return w − steps, each step bounded.

    Where answers come late, a step is in proportion to the weight: what is learned is late, and steps as large for weak
    experts as for strong ones make the weights swing (Kivinen & Warmuth 1997, exponentiated gradient to first order). No
    weight falls below the least: after a drift all experts are wrong for as long as answers take, and the weight of one that
    has learned better since must be able to grow again.

    Examples
    --------
    >>> update_mixture_weights(np.array([0.5, 0.1]), np.array([0.2, 0.2]), late=False).round(3).tolist()
    [0.4, 0.0]
    >>> update_mixture_weights(np.array([0.5, 0.1]), np.array([0.2, 0.2]), late=True).round(3).tolist()
    [0.4, 0.08]
    """
    if not late:
        return np.asarray(w - np.clip(steps, -LEAP, LEAP), np.float64)
    sizes = np.maximum(np.abs(w), LEAST)
    moved = w - sizes * np.clip(steps, -LATE_PART, LATE_PART)
    return np.asarray(np.maximum(moved, np.minimum(w, LEAST)), np.float64)


# ---- an expert that has failed begins anew --------------------------------------------------------------------------

PATIENCE = 500
"""Rows in succession on which an expert may be clearly worse than knowing nothing, before it begins anew."""


def loss_of_ignorance(loss: str, outputs: int, *, numbers: bool) -> float:
    """Return what an expert loses that knows nothing: ln k for k classes, at most 1 for standardised numbers.

    Examples
    --------
    >>> round(loss_of_ignorance("cross_entropy", 2, numbers=False), 4)
    0.6931
    """
    if numbers:
        return 1.0
    return math.log(outputs) if loss == "cross_entropy" else math.inf


def count_failures(failures: float, loss: float, fading_loss: float, ignorance: float) -> float:
    """Return how long an expert has been failing, after a row; at 500 it begins anew.

    A row counts 1 where its fading mean loss is more than 1 above that of ignorance, and 50 where its logits were not
    finite. A better row starts the count again.

    Examples
    --------
    >>> count_failures(7, loss=3.0, fading_loss=2.5, ignorance=0.69), count_failures(7, 3.0, 0.5, 0.69)
    (8, 0)
    """
    if not math.isfinite(loss):
        return failures + PATIENCE / 10
    return failures + 1 if fading_loss > ignorance + 1 else 0


# ---- the label history: an opinion that sees no input ---------------------------------------------------------------

FORGETS = 0.99
"""Factor on the counts of what followed a class, each time that something follows it."""
TRUST = 5.0
"""The share of repeats counts as much as this many answers."""
SLOWEST = 0.002
"""The share of repeats forgets at least so fast."""
MOST_CLASSES = 1000
"""Up to so many classes it is counted which follows which; beyond, only how often a class repeats."""


class ClassHistory:
    """What the last class says of the next one: how often each class follows it.

    It helps on a live stream whose answers come at once and in order. It misleads where a model is asked about other rows.

    p(j) = (n(last, j) + 5·q(j)) / (Σ n(last, ·) + 5), where q gives the share of repeats to the last class and the rest
    evenly to the others, and n are counts that fade.

    Parameters
    ----------
    k : int
        How many classes there are.

    Examples
    --------
    >>> history = ClassHistory(2)
    >>> for y in [0, 0, 0, 1, 1, 1, 0, 0]:
    ...     history.record(y)
    >>> np.exp(history.opinion()).round(2).tolist()
    [0.71, 0.29]
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.last: int | None = None
        self.repeats = 0.5
        self.moves = 0
        self.followers = np.zeros((k, k)) if k <= MOST_CLASSES else np.zeros((0, 0))

    def opinion(self) -> NDArray[np.float64]:
        """Return ln p for each class, shape (k,); zeros before the first answer."""
        if self.last is None:
            return np.zeros(self.k)
        q = np.full(self.k, (1 - self.repeats) / max(self.k - 1, 1))
        q[self.last] = self.repeats
        n = self.followers[self.last] if len(self.followers) else np.zeros(self.k)
        return np.asarray(np.log((n + TRUST * q) / (n.sum() + TRUST)))

    def record(self, y: int) -> None:
        """Remember the answer y."""
        last, self.last = self.last, y
        if last is None:
            return
        self.moves += 1
        rate = max(1 / (self.moves + 1), SLOWEST)
        share = self.repeats + (float(y == last) - self.repeats) * rate
        self.repeats = min(max(share, 1e-4), 1 - 1e-4)
        if len(self.followers):
            self.followers[last] *= FORGETS
            self.followers[last, y] += 1
