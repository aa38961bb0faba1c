"""Optimizers of online convex optimization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer, Schedule


@dataclass(frozen=True, slots=True)
class FTRL(Optimizer):
    """Follow the regularized leader (FTRL-Proximal), with exactly zero weights where L1 wins.

    σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w = −(z − sign(z)·λ₁)/((β + √n)/α + λ₂), or 0 if |z| ≤ λ₁.

    Parameters
    ----------
    lr : float or Schedule
        α.
    beta : float
        β, which bounds the first steps.
    l1, l2 : float
        λ₁, λ₂.

    References
    ----------
    McMahan et al. 2013. Departs from the paper: z starts where w is the initial weight, so a hidden layer is not zeroed.

    Examples
    --------
    >>> FTRL(0.1, l1=1.0).beta
    1.0
    """

    rule: ClassVar[RuleRow] = RULES["ftrl"]
    lr: float | Schedule = 0.1
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 0.0

    def numbers(self) -> tuple[float, ...]:
        """Return (β, λ₁, λ₂)."""
        return self.beta, self.l1, self.l2


@dataclass(frozen=True, slots=True)
class COCOB(Optimizer):
    """Continuous coin betting, which needs no learning rate. Each weight bets a fraction of its winnings.

    Parameters
    ----------
    alpha : float
        α, which bounds the first bets.
    lr : float
        Unused, present so that every optimizer has one.

    References
    ----------
    Orabona & Tommasi 2017 (COCOB-Backprop).

    Examples
    --------
    >>> COCOB().alpha
    100.0
    """

    rule: ClassVar[RuleRow] = RULES["cocob"]
    lr: float | Schedule = 1.0
    alpha: float = 100.0

    def numbers(self) -> tuple[float, ...]:
        """Return (α,)."""
        return (self.alpha,)
