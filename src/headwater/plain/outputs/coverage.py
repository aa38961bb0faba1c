"""Adaptive conformal intervals and sets, whose bounds track the observed coverage.

An interval is [ŷ − s·b, ŷ + s·a], where s is the expected size of the error; a set of classes is {c : p(c) ≥ τ}. With
α = 1 − coverage the bounds move after each label, by whether it was outside what was issued for its row:

    ln b ← ln b + η·(1[y < ŷ − s·b] − α/2)        η = 0.08
    ln a ← ln a + η·(1[y > ŷ + s·a] − α/2)
    ln(τ/(1 − τ)) ← ln(τ/(1 − τ)) − η·(1[p(y) < τ] − α)        η = 0.6

Summed over T rows, Σ (miss − α) is the change of the logarithm divided by η. It is bounded, so the miss rate converges to α as
1/T, for any stream and any predictions. With d labels outstanding, a step of η·d would oscillate, so steps are η/(1 + d/32). A
bound at its minimum passes the rest of its step to the other one.

Source: Angelopoulos, Candès & Tibshirani 2023, Conformal PID control for time series prediction (quantile tracking); Gibbs &
Candès 2021, Adaptive conformal inference under distribution shift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["IntervalEnds", "SetThreshold"]

PATIENT = 32
"""Number of outstanding labels that halves a step."""
LEAST, LARGEST = -10.0, 20.0
"""Range of the logarithm of a bound."""


def logistic(z: float) -> float:
    """Return the probability with log-odds z."""
    return 1 / (1 + math.exp(-z))


@dataclass
class IntervalEnds:
    """Bounds of an interval below and above a prediction, in units of the expected error.

    Parameters
    ----------
    coverage : float
        Target share of labels inside.

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
        self.low = self.high = math.log(-math.log(1 - self.coverage))  # exact for exponential errors

    @property
    def below(self) -> float:
        """Lower bound in units of the expected error."""
        return math.exp(self.low)

    @property
    def above(self) -> float:
        """Upper bound in units of the expected error."""
        return math.exp(self.high)

    def follow(self, y: float, prediction: float, scale: float, below: float, above: float, late: int = 0) -> None:
        """Update by a label and the prediction, scale and bounds issued ``late`` labels ago."""
        step, alpha = self.step / (1 + late / PATIENT), 1 - self.coverage
        low = self.low + step * ((y < prediction - scale * below) - alpha / 2)
        high = self.high + step * ((y > prediction + scale * above) - alpha / 2)
        self.low = min(max(low + min(high - LEAST, 0), LEAST), LARGEST)
        self.high = min(max(high + min(low - LEAST, 0), LEAST), LARGEST)


@dataclass
class SetThreshold:
    """Minimum probability of a class in the prediction set.

    Parameters
    ----------
    coverage : float
        Target share of sets that contain the label.

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
        """Threshold on the probability."""
        return logistic(self.odds)

    def follow(self, p: float, least: float, late: int = 0) -> None:
        """Update by the probability p of the label and the threshold ``least`` issued ``late`` labels ago."""
        moved = self.odds - self.step / (1 + late / PATIENT) * ((not p >= least) - (1 - self.coverage))
        self.odds = min(max(moved, -LARGEST), LARGEST)
