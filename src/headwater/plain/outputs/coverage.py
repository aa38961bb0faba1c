"""Coverage in the long run: ends that follow whether answers lay between them.

An interval is [ŷ − s·b, ŷ + s·a], where s is the size of error expected; a set of classes is {c : p(c) ≥ τ}. With α = 1 − coverage
the ends move after each answer, by whether it lay beyond what was given out for its row:

    ln b ← ln b + η·(1[y < ŷ − s·b] − α/2)        η = 0.08
    ln a ← ln a + η·(1[y > ŷ + s·a] − α/2)
    ln(τ/(1 − τ)) ← ln(τ/(1 − τ)) − η·(1[p(y) < τ] − α)        η = 0.6

Sum one of these over T rows: the sum of (miss − α) is what the logarithm has moved, over η. It stays bounded, so the share of misses
tends to α as 1/T, for any stream and any predictions. Where answers come late, d of them on their way, a step of η·d would swing:
so steps are η/(1 + d/32). An end that can't become smaller leaves what is missing to the other one.

Source: Angelopoulos, Candès & Tibshirani 2023, Conformal PID control for time series prediction (quantile tracking); Gibbs & Candès
2021, Adaptive conformal inference under distribution shift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["IntervalEnds", "SetThreshold"]

PATIENT = 32
"""Answers on their way that halve a step."""
LEAST, LARGEST = -10.0, 20.0
"""Of the logarithm of an end."""


def logistic(z: float) -> float:
    """Return the probability whose log odds are z."""
    return 1 / (1 + math.exp(-z))


@dataclass
class IntervalEnds:
    """How many sizes of error an interval reaches below and above a prediction.

    Parameters
    ----------
    coverage : float
        The share of answers that is to lie inside.

    Examples
    --------
    >>> ends = IntervalEnds(0.9)
    >>> inside = 0
    >>> for i in range(10_000):
    ...     inside += -ends.below <= math.sin(i * i) <= ends.above
    ...     ends.follow(math.sin(i * i), 0.0, 1.0, ends.below, ends.above)
    >>> inside
    9020
    """

    coverage: float
    step: float = 0.08

    def __post_init__(self) -> None:
        self.low = self.high = math.log(-math.log(1 - self.coverage))  # right for exponential errors

    @property
    def below(self) -> float:
        """Sizes of error below."""
        return math.exp(self.low)

    @property
    def above(self) -> float:
        """Sizes of error above."""
        return math.exp(self.high)

    def follow(self, y: float, prediction: float, scale: float, below: float, above: float, late: int = 0) -> None:
        """Take a step; what was predicted, with which scale and ends, was given out so many answers ago."""
        step, alpha = self.step / (1 + late / PATIENT), 1 - self.coverage
        low = self.low + step * ((y < prediction - scale * below) - alpha / 2)
        high = self.high + step * ((y > prediction + scale * above) - alpha / 2)
        self.low = min(max(low + min(high - LEAST, 0), LEAST), LARGEST)
        self.high = min(max(high + min(low - LEAST, 0), LEAST), LARGEST)


@dataclass
class SetThreshold:
    """The probability that a class needs to be in the set.

    Parameters
    ----------
    coverage : float
        The share of sets that are to hold the answer.

    Examples
    --------
    >>> threshold = SetThreshold(0.9)
    >>> held = 0
    >>> for i in range(10_000):
    ...     p = abs(math.sin(i * i))
    ...     held += p >= threshold.least
    ...     threshold.follow(p, threshold.least)
    >>> held
    9001
    """

    coverage: float
    step: float = 0.6

    def __post_init__(self) -> None:
        self.odds = -math.log(self.coverage / (1 - self.coverage))

    @property
    def least(self) -> float:
        """The threshold."""
        return logistic(self.odds)

    def follow(self, p: float, least: float, late: int = 0) -> None:
        """Take a step; p: what was given to the answer; least: the threshold that was given out, so many answers ago."""
        moved = self.odds - self.step / (1 + late / PATIENT) * ((not p >= least) - (1 - self.coverage))
        self.odds = min(max(moved, -LARGEST), LARGEST)
