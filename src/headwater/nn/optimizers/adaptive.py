"""Optimizers with a step size per weight, adapted to its past gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer, Schedule


@dataclass(frozen=True, slots=True)
class AdaGrad(Optimizer):
    """AdaGrad, whose step sizes shrink with the sum of squared gradients.

    G ← G + g²; w ← w − lr·g/(√G + ε).

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.
    eps : float
        ε, which avoids division by zero.

    References
    ----------
    Duchi, Hazan & Singer 2011.

    Examples
    --------
    >>> AdaGrad().lr
    0.01
    """

    rule: ClassVar[RuleRow] = RULES["adagrad"]
    lr: float | Schedule = 0.01
    eps: float = 1e-10

    def numbers(self) -> tuple[float, ...]:
        """Return (ε,)."""
        return (self.eps,)


@dataclass(frozen=True, slots=True)
class RMSProp(Optimizer):
    """RMSProp, which divides by the root mean square of recent gradients.

    v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε).

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.
    rho : float
        ρ, the decay of the mean square.
    eps : float
        ε, which avoids division by zero.

    References
    ----------
    Tieleman & Hinton 2012 (lecture 6.5).

    Examples
    --------
    >>> RMSProp().rho
    0.9
    """

    rule: ClassVar[RuleRow] = RULES["rmsprop"]
    lr: float | Schedule = 0.001
    rho: float = 0.9
    eps: float = 1e-8

    def numbers(self) -> tuple[float, ...]:
        """Return (ρ, ε)."""
        return self.rho, self.eps


@dataclass(frozen=True, slots=True)
class Adadelta(Optimizer):
    """Adadelta, which scales steps by the root mean square of recent steps.

    v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ.

    Parameters
    ----------
    lr : float or Schedule
        1 in the paper, which has no learning rate.
    rho : float
        ρ, the decay of the means.
    eps : float
        ε, which sets the size of the first steps.

    References
    ----------
    Zeiler 2012.

    Examples
    --------
    >>> Adadelta()
    Adadelta(lr=1.0, rho=0.95, eps=1e-06)
    """

    rule: ClassVar[RuleRow] = RULES["adadelta"]
    lr: float | Schedule = 1.0
    rho: float = 0.95
    eps: float = 1e-6

    def numbers(self) -> tuple[float, ...]:
        """Return (ρ, ε)."""
        return self.rho, self.eps
