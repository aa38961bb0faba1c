"""Lag features of the label, for streams whose labels predict the next one (autoregression).

Where labels change slowly, the last one is more informative than most inputs. A learner with ``label_history`` reads the
last three labels and their exponential mean as four columns. Its experts learn only the deviation from the *base*, which is
an AR(1) prediction: base = mean + ρ·(last − mean). The autocorrelation ρ is 1 on a random walk, where the experts learn the
differences, and 0 for uncorrelated labels, where they learn the labels.

Persistence, the last label repeated, also takes part: Hedge weighs it against the mixture of the experts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

COLUMNS = ("last answer", "answer 2 before", "answer 3 before", "mean answer")
"""Names of the lag columns. A sample with one of these names supplies all of them itself."""
FASTEST = 0.05
"""Decay rate of the exponential mean."""
SLOW = 1e-3
"""Minimum decay rate of the mean of all labels."""
STEADY = 2e-3
"""Minimum decay rate of the moments that ρ is computed from."""
FARTHEST = 10.0
"""Labels are clipped to so many standard deviations from the mean, after the first ten."""
SHARE, HARDEST = 0.003, 9.0
"""As in ``hedge_update``: the share spread evenly, and the bound on losses."""


@dataclass(slots=True)
class AnswerHistory:
    """Statistics of the labels so far.

    Parameters
    ----------
    answers : int
        Number of labels so far.
    last : list of float
        The last three labels, the latest first.
    fading, mean : float
        A fast exponential mean, which is an input, and a slow one.
    spread, product : float
        Exponential means of (last − mean)² and of (last − mean)·(y − mean).
    miss : float
        Deviation of the last label from its base.
    repeats : float
        Weight of persistence.

    Examples
    --------
    >>> history = AnswerHistory()
    >>> for y in [1.0, 2.0, 3.0, 4.0]:
    ...     history.record(y)
    >>> history.inputs()
    [4.0, 3.0, 2.0, 2.5]
    >>> history.base()  # ρ = 1: each label predicts the next
    4.0
    """

    answers: int = 0
    last: list[float] = field(default_factory=lambda: [0.0] * 3)
    fading: float = 0.0
    mean: float = 0.0
    spread: float = 0.0
    product: float = 0.0
    miss: float = 0.0
    repeats: float = 0.5

    def inputs(self) -> list[float]:
        """Return the four lag columns, with NaN for labels not yet known."""
        known = [self.last[i] if i < self.answers else math.nan for i in range(3)]
        return [*known, self.fading if self.answers else math.nan]

    def distance(self, y: float) -> float:
        """Return y − mean, clipped so that one outlier cannot spoil later lag features."""
        d = y - self.mean
        if self.answers <= 10 or not self.spread > 0:  # a loaded file may hold any number
            return d
        bound = FARTHEST * math.sqrt(self.spread)
        return min(max(d, -bound), bound)

    def rho(self) -> float:
        """Return ρ, the lag-1 autocorrelation of the labels, clipped to [0, 1]."""
        return min(max(self.product / self.spread, 0.0), 1.0) if self.spread > 1e-300 else 0.0

    def worth(self) -> float:
        """Return |ρ|, the factor on the four lag columns, which suppresses them where they are noise."""
        return min(abs(self.product / self.spread), 1.0) if self.spread > 1e-300 else 0.0

    def base(self) -> float:
        """Return the AR(1) prediction that experts learn the deviation from, or 0 before the first label."""
        return self.mean + self.rho() * self.distance(self.last[0]) if self.answers else 0.0

    def repetition(self) -> float:
        """Return the last label, clipped as in the base."""
        return self.mean + self.distance(self.last[0])

    def record(self, y: float) -> None:
        """Update the statistics with the label y. The first label is its own base."""
        base = self.base() if self.answers else y
        t = self.answers + 1
        d = self.distance(y)
        if self.answers:
            e, rate = self.distance(self.last[0]), max(1 / self.answers, STEADY)
            self.product += (d * e - self.product) * rate
            self.spread += (e * e - self.spread) * rate
        self.fading += (self.mean + d - self.fading) * max(1 / t, FASTEST)
        self.mean += d * max(1 / t, SLOW)
        self.miss = y - base
        self.last = [y, *self.last[:2]]
        self.answers = t


def weigh_repetition(repeats: float, mixed: float, again: float, y: float, unit: float, weight: float = 1.0) -> float:
    """Return the weight of persistence after a row, by fixed-share Hedge over two absolute errors.

    Parameters
    ----------
    repeats : float
        The weight before the row.
    mixed, again, y : float
        Predictions of the mixture and of persistence, and the label.
    unit : float
        Exponential mean error of the mixture, the unit of errors.
    weight : float
        Weight of the row.

    Examples
    --------
    >>> weigh_repetition(0.5, mixed=1.0, again=0.0, y=0.0, unit=1.0) > 0.6
    True
    """
    part = min(weight, 1.0)
    more = (min(abs(y - again) / unit, HARDEST) - min(abs(y - mixed) / unit, HARDEST)) * part
    odds = repeats * math.exp(-0.5 * more)
    return (1 - SHARE * part) * odds / (odds + 1 - repeats) + SHARE * part / 2
