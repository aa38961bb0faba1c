"""Optimizers with one step size for all weights and a velocity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer, Schedule


@dataclass(frozen=True, slots=True)
class Momentum(Optimizer):
    """Momentum (heavy ball), u ← μ·u + g and w ← w − lr·u.

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.
    momentum : float
        μ, the decay of the velocity.

    References
    ----------
    Polyak 1964.

    Examples
    --------
    >>> Momentum(0.01).momentum
    0.9
    """

    rule: ClassVar[RuleRow] = RULES["momentum"]
    lr: float | Schedule = 0.01
    momentum: float = 0.9

    def numbers(self) -> tuple[float, ...]:
        """Return (μ,)."""
        return (self.momentum,)


@dataclass(frozen=True, slots=True)
class Nesterov(Optimizer):
    """Nesterov's accelerated gradient, u ← μ·u + g and w ← w − lr·(g + μ·u).

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.
    momentum : float
        μ, the decay of the velocity.

    References
    ----------
    Nesterov 1983, in the form of Sutskever et al. 2013.

    Examples
    --------
    >>> Nesterov(0.01, momentum=0.8)
    Nesterov(lr=0.01, momentum=0.8)
    """

    rule: ClassVar[RuleRow] = RULES["nesterov"]
    lr: float | Schedule = 0.01
    momentum: float = 0.9

    def numbers(self) -> tuple[float, ...]:
        """Return (μ,)."""
        return (self.momentum,)
