"""Answers before as inputs: what a stream of numbers says of the next one by itself.

Where answers move slowly, the last one says more than most inputs do. A learner with ``label_history`` reads the last three
and a fading mean as four columns of their own, and its experts learn only how far an answer lies from its *base*, what the
last one makes likely: base = mean + ρ·(last − mean). ρ, how strongly one answer follows another, is 1 on a random walk, where
the experts learn the steps, and 0 where answers have nothing to do with each other, where they learn the answers.

At the end a mere repetition of the last answer takes part: Hedge decides between it and the mixture of the experts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

COLUMNS = ("last answer", "answer 2 before", "answer 3 before", "mean answer")
"""The columns that answers before are read as. A sample that names one of them says all of them itself."""
FASTEST = 0.05
"""The fading mean forgets so fast."""
SLOW = 1e-3
"""The mean of all answers forgets at least so fast,"""
STEADY = 2e-3
"""and what ρ is made of at least so fast."""
FARTHEST = 10.0
"""An answer farther off counts as if it lay so many deviations from the mean, after ten answers."""
SHARE, HARDEST = 0.003, 9.0
"""As in ``hedge_update``: what is spread evenly, and the largest loss that is seen."""


@dataclass(slots=True)
class AnswerHistory:
    """What is known of the answers before.

    Parameters
    ----------
    answers : int
        How many there were.
    last : list of float
        The last three, the latest first.
    fading, mean : float
        A fast mean, which is an input, and a slow one.
    spread, product : float
        Fading means of (last − mean)² and of (last − mean)·(y − mean).
    miss : float
        How far the last answer lay from its base.
    repeats : float
        The weight of the repetition of the last answer.

    Examples
    --------
    >>> history = AnswerHistory()
    >>> for y in [1.0, 2.0, 3.0, 4.0]:
    ...     history.record(y)
    >>> history.inputs()
    [4.0, 3.0, 2.0, 2.5]
    >>> history.base()  # each of them lay where the one before it did: the next one likely lies at the last
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
        """Return the four columns; NaN, so that there is no pair, for what is not known yet."""
        known = [self.last[i] if i < self.answers else math.nan for i in range(3)]
        return [*known, self.fading if self.answers else math.nan]

    def distance(self, y: float) -> float:
        """Return y − mean, bounded: one absurd answer must not spoil what the next ones are measured from."""
        d = y - self.mean
        if self.answers <= 10 or not self.spread > 0:  # a file may hold any number
            return d
        bound = FARTHEST * math.sqrt(self.spread)
        return min(max(d, -bound), bound)

    def rho(self) -> float:
        """Return how much of its distance from the mean an answer hands on to the next, from 0 to 1."""
        return min(max(self.product / self.spread, 0.0), 1.0) if self.spread > 1e-300 else 0.0

    def worth(self) -> float:
        """Return |ρ|, by which what the four columns give is multiplied: where it is 0 they are noise, and say nothing."""
        return min(abs(self.product / self.spread), 1.0) if self.spread > 1e-300 else 0.0

    def base(self) -> float:
        """Return what the last answer makes likely: what experts learn the distance from. 0 before the first."""
        return self.mean + self.rho() * self.distance(self.last[0]) if self.answers else 0.0

    def repetition(self) -> float:
        """Return the last answer, bounded as it is in the base."""
        return self.mean + self.distance(self.last[0])

    def record(self, y: float) -> None:
        """Take the answer y. Of the first the base is itself: nothing stood before it."""
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
    """Return the weight of repetition after a row: fixed-share Hedge of two, by their absolute errors.

    Parameters
    ----------
    repeats : float
        Its weight before.
    mixed, again, y : float
        What the mixture and repetition said, and the answer.
    unit : float
        The mixture's fading error: what errors are measured in.
    weight : float
        That of the row.

    Examples
    --------
    >>> weigh_repetition(0.5, mixed=1.0, again=0.0, y=0.0, unit=1.0) > 0.6
    True
    """
    part = min(weight, 1.0)
    more = (min(abs(y - again) / unit, HARDEST) - min(abs(y - mixed) / unit, HARDEST)) * part
    odds = repeats * math.exp(-0.5 * more)
    return (1 - SHARE * part) * odds / (odds + 1 - repeats) + SHARE * part / 2
