"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer, Schedule


@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """Stochastic gradient descent, w ← w − lr·g.

    Parameters
    ----------
    lr : float or Schedule
        Step size.

    References
    ----------
    Robbins & Monro 1951.

    Examples
    --------
    >>> SGD(lr=0.1)
    SGD(lr=0.1)
    """

    rule: ClassVar[RuleRow] = RULES["sgd"]
    lr: float | Schedule = 0.01
