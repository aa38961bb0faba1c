"""What every update rule declares; the loops run in ``kernels/optim.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.kernels._op import RuleRow

from .schedules import Schedule


@dataclass(frozen=True, slots=True)
class Optimizer:
    """What every update rule declares: a step size (number or schedule), and the row of its kernel.

    Parameters
    ----------
    lr : float or Schedule
        Step size.

    Examples
    --------
    >>> from headwater.nn import SGD
    >>> SGD(0.1).rule.formula
    'w ← w − lr·g'
    """

    rule: ClassVar[RuleRow]
    lr: float | Schedule

    def numbers(self) -> tuple[float, ...]:
        """Return the rule's own numbers, in the order of its kernel."""
        return ()
