"""Mixture of experts over the same inputs, weighted by their performance.

Each expert is a net with its own loss and optimizer. Their predictions are one array with a row per expert: probabilities,
logits or numbers. This file has the ways to weight them, the restart of failed experts, and the label history, which takes
part like an expert (for numbers see ``answers.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .losses import softmax

Array: TypeAlias = NDArray[np.floating[Any]]

# ---- fixed-share Hedge: probabilities, weights that sum to 1 --------------------------------------------------------

SHARE = 0.003
"""Share of the weights that is spread evenly after each row, so that every expert can recover."""
HARDEST = 9.0
"""Bound on |loss| in the update of the weights (a Poisson loss may be negative)."""
HEDGE_RATE = 0.5
"""Learning rate of the weights."""


def hedge_update(w: Array, losses: Array, weight: float = 1.0, unit: float = 1.0) -> Array:
    """Return the experts' weights after a row, w·exp(−½·loss) normalized, with a small share spread evenly.

    Parameters
    ----------
    w : ndarray (experts,)
        Weights, which sum to 1.
    losses : ndarray (experts,)
        Loss of each expert on the row.
    weight : float
        Weight of the row.
    unit : float
        Unit of the losses: ``hedge_unit`` for numbers, 1 for classes.

    References
    ----------
    Herbster & Warmuth 1998.

    Examples
    --------
    >>> hedge_update(np.array([0.5, 0.5]), np.array([0.0, 2.0])).round(3).tolist()
    [0.73, 0.27]
    """
    bounded = np.clip(losses / unit, -HARDEST, HARDEST)
    kept = w * np.exp(-HEDGE_RATE * weight * (bounded - bounded.min()))  # the best keeps its weight: no underflow
    share = SHARE * min(weight, 1.0)
    return np.asarray((1 - share) * kept / kept.sum() + share / len(w))


def hedge_unit(unit: float, w: Array, losses: Array, weight: float = 1.0) -> float:
    """Return the mixture's exponential mean loss after a row, the unit of losses for numbers.

    0 means none yet. ``hedge_update`` takes the value before the row, and at least 10⁻⁶.
    """
    mixed = float(w @ losses)
    return mixed if unit == 0 else unit + (mixed - unit) * 0.001 * min(weight, 1.0)


# ---- an expert with multiplicative effects --------------------------------------------------------------------------

FARTHEST = 10.0
"""Bound on a log link's predictions and gradients, in standard deviations."""
TIMES = 1000.0
"""Labels are clipped to so many times the mean."""
LIMIT = 30.0
"""Logits are clipped to ±30."""


def log_link(z: Array, mean: float) -> Array:
    """Return the predictions m·(e^(z/s) − 1) of an expert with a log link, in standard deviations of the label.

    In units of the label this is the mean times e^(z/s), so effects multiply: a third at night, twice on a holiday. Many
    streams of nonnegative labels behave like that. s = max(m/2, 1), so that far from 0, where a small factor is many
    deviations, the link becomes 2·z.

    Parameters
    ----------
    z : ndarray
        Logits.
    mean : float
        m, the labels' mean in standard deviations, at least 0.

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
    """Return the gradient of the Poisson loss by the logits, s·(e^(z/s) − r), where r is label / mean.

    Parameters
    ----------
    z, y : ndarray
        Logits, and standardized labels. r = y/m + 1 is clipped to 0 … 1,000, and 1 without a mean.
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
"""Learning rate of the weights: 0.01/(1 + t/1000) for logits, 0.02/(1 + t/1000) for numbers, but at least 0.002."""
NEAR, UNLIKE = 0.1, 100.0
"""What is added to the sum of squared differences that a step along them is divided by, and the largest sum in its mean."""
LEAP = 0.1
"""Maximum change of a weight per row."""
LATE_RATE, LATE_PART, LEAST = 0.005, 0.5, 0.01
"""For delayed labels: minimum learning rate, maximum relative change of a weight per row, and minimum size of a weight."""


@dataclass(slots=True)
class StackedWeights:
    """Weights learned by stacking.

    Parameters
    ----------
    w : ndarray (experts,)
        Weight of each expert. They need not sum to 1.
    rows : int
        Number of updates.
    error : float
        Exponential mean error of the mixture, for numbers.
    spread : float
        Exponential mean, from 0, of Σ(ŷₑ − mean(ŷ))², which counts as 100 at most, for numbers.

    Examples
    --------
    >>> StackedWeights(np.full(2, 0.5)).rows
    0
    """

    w: NDArray[np.float64]
    rows: int = 0
    error: float = 0.0
    spread: float = 0.0


def mix(w: Array, opinions: Array) -> Array:
    """Return the mixture Σ wₑ·opinionₑ (k,) of probabilities or numbers (experts, k).

    Examples
    --------
    >>> mix(np.array([0.75, 0.25]), np.array([[2.0], [6.0]])).tolist()
    [3.0]
    """
    return np.asarray(w @ opinions)


def mix_logits(w: Array, z: Array) -> Array:
    """Return the mixture p = softmax(Σ wₑ·zₑ) (k,) of logits z (experts, k).

    Weights that sum to less than 1 make the mixture less confident than its experts.

    Examples
    --------
    >>> mix_logits(np.array([0.5, 0.5]), np.array([[2.0, 0.0], [0.0, 2.0]])).tolist()
    [0.5, 0.5]
    """
    return softmax(mix(w, z))


def stack_logits(mixture: StackedWeights, z: Array, y: int, weight: float = 1.0, *, late: bool = False) -> None:
    """Take a gradient step on −ln p(y), whose derivative by the weight of expert e is Σⱼ pⱼ·zₑⱼ − zₑ(y).

    Parameters
    ----------
    mixture : StackedWeights
        Weights to update in place.
    z : ndarray (experts, k)
        Logits of each expert.
    y : int
        Index of the true class.
    weight : float
        Weight of the row.
    late : bool
        Whether the label is delayed, in which case z was computed when the row was predicted.

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
    mixture: StackedWeights,
    predictions: Array,
    y: float,
    weight: float = 1.0,
    *,
    late: bool = False,
    factor: float = 0.0,
) -> None:
    """Take a gradient step on the Huber loss of the mixture, whose derivative by the weight of expert e is error·ŷₑ.

    The error is bounded by its exponential mean, so an outlier weighs no more than a typical error. The step is bounded by
    1/Σ ŷₑ², beyond which it would overshoot. Experts differ by far less than what they predict, so a second step,
    normalized least mean squares, goes along dₑ = ŷₑ − mean(ŷ), which leaves the sum of the weights. It is divided by the
    squared differences of this row, or by their mean where that is larger, so a row on which experts agree weighs no more.
    Its error may be larger by √Σ dₑ², since that much may come from the weights::

        wₑ ← wₑ − η·factor·error·dₑ / (max(Σ dₑ², its mean) + 0.1)

    Parameters
    ----------
    mixture : StackedWeights
        Weights to update in place.
    predictions : ndarray (experts,)
        Prediction of each expert, standardized.
    y : float
        Standardized label.
    weight : float
        Weight of the row.
    late : bool
        Whether the label is delayed, in which case there is no second step.
    factor : float
        Factor on the second step: 5 for the default pools, 0 for learners of earlier versions.

    References
    ----------
    Nagumo & Noda 1967.

    Examples
    --------
    >>> mixture = StackedWeights(np.array([0.5, 0.5]))
    >>> stack_numbers(mixture, np.array([1.0, 3.0]), y=1.0, factor=5.0)
    >>> mixture.w.round(3).tolist()
    [0.53, 0.4]
    """
    error = float(mix(mixture.w, predictions)) - y
    first = mixture.rows == 0
    share = 0.003 * min(weight, 1.0)
    mixture.error = abs(error) if first else mixture.error + (abs(error) - mixture.error) * share
    bounded = min(max(error, -mixture.error), mixture.error)
    slopes = bounded * predictions
    if factor and not late:
        differences = predictions - predictions.mean()
        apart = float(differences @ differences)
        mixture.spread += (min(apart, UNLIKE) - mixture.spread) * share
        bound = mixture.error + math.sqrt(apart)
        slopes = slopes + factor * min(max(error, -bound), bound) * differences / (max(apart, mixture.spread) + NEAR)
    rate = min(
        weight * mixture_rate(mixture.rows, OF_NUMBERS, late=late),
        1 / max(float(predictions @ predictions), factor, 1e-12),
    )
    mixture.rows += 1
    mixture.w = update_mixture_weights(mixture.w, rate * slopes, late=late)


def mixture_rate(rows: int, first: float = FIRST_RATE, *, late: bool) -> float:
    """Return the learning rate after ``rows`` updates, which decreases to a positive minimum."""
    return max(first / (1 + rows / COOLING), LATE_RATE if late else LAST_RATE)


def update_mixture_weights(w: Array, steps: Array, *, late: bool) -> NDArray[np.float64]:
    """Return w − steps, with each step bounded.

    For delayed labels a step is proportional to the weight. Errors are then outdated, and equal steps for weak and strong
    experts make the weights oscillate (Kivinen & Warmuth 1997, exponentiated gradient to first order). Weights keep a
    minimum size: after a drift all experts are wrong until labels arrive, and an expert that has improved must be able to
    gain weight again.

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


# ---- a failed expert is restarted -----------------------------------------------------------------------------------

PATIENCE = 500
"""Consecutive rows on which an expert may be clearly worse than a constant prediction before it is restarted."""


def loss_of_ignorance(loss: str, outputs: int, *, numbers: bool) -> float:
    """Return the loss of a constant prediction, ln k for k classes and at most 1 for standardized numbers.

    Examples
    --------
    >>> round(loss_of_ignorance("cross_entropy", 2, numbers=False), 4)
    0.6931
    """
    if numbers:
        return 1.0
    return math.log(outputs) if loss == "cross_entropy" else math.inf


def count_failures(failures: float, loss: float, fading_loss: float, ignorance: float) -> float:
    """Return the failure count of an expert after a row. At 500 it is restarted.

    A row counts 1 if its exponential mean loss is more than 1 above that of a constant prediction, and 50 if its logits are
    not finite. A better row resets the count.

    Examples
    --------
    >>> count_failures(7, loss=3.0, fading_loss=2.5, ignorance=0.69), count_failures(7, 3.0, 0.5, 0.69)
    (8, 0)
    """
    if not math.isfinite(loss):
        return failures + PATIENCE / 10
    return failures + 1 if fading_loss > ignorance + 1 else 0


# ---- the label history, an expert without inputs --------------------------------------------------------------------

FORGETS = 0.99
"""Decay of a class's transition counts per transition."""
TRUST = 5.0
"""Prior weight of the share of repeats, in labels."""
SLOWEST = 0.002
"""Minimum decay rate of the share of repeats."""
MOST_CLASSES = 1000
"""Maximum number of classes with transition counts. Beyond it only repeats are counted."""


class ClassHistory:
    """Transition model of the labels, which predicts the next class from the last one.

    It helps on a live stream whose labels arrive at once and in order, and misleads when a model predicts unrelated rows.

    p(j) = (n(last, j) + 5·q(j)) / (Σ n(last, ·) + 5), where n are decaying transition counts and the prior q gives the share
    of repeats to the last class and the rest evenly to the others.

    Parameters
    ----------
    k : int
        Number of classes.

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
        """Return ln p of each class (k,), or zeros before the first label."""
        if self.last is None:
            return np.zeros(self.k)
        q = np.full(self.k, (1 - self.repeats) / max(self.k - 1, 1))
        q[self.last] = self.repeats
        n = self.followers[self.last] if len(self.followers) else np.zeros(self.k)
        return np.asarray(np.log((n + TRUST * q) / (n.sum() + TRUST)))

    def record(self, y: int) -> None:
        """Record the label y."""
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
