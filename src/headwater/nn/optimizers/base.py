"""What every update rule declares; the loops run in ``core/kernels/optimizers/optim.c``."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from headwater.errors import ConfigError
from headwater.plain.optimizers.rules import RuleRow

from .schedules import Schedule

SHARES = ("beta1", "beta2", "momentum", "rho")
"""What part of the past is kept: at 1 nothing new would ever count."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """What every update rule declares: a step size (number or schedule), and its row in ``plain/optimizers/rules.py``.

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
        """Return the rule's own numbers, in the order of its row."""
        return ()

    def check(self) -> None:
        """Refuse numbers with which the formula has no meaning.

        Raises
        ------
        ConfigError
            For a share of the past outside [0, 1), and any other number that is below 0 or not finite.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "lr":
                continue
            sound = isinstance(value, int | float) and math.isfinite(value) and value >= 0
            share = field.name in SHARES
            if not sound or (share and value >= 1):
                raise ConfigError(
                    expected="a share of at least 0 and below 1" if share else "a number of 0 or more",
                    got=repr(value),
                    at=f"{field.name} of {self.rule.name}",
                    help=f"Leave it out for the usual one, {field.default!r}.",
                )
