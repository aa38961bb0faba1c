"""Base classes of optimizers and of learning-rate schedules, computed in ``core/kernels/optimizers/optim.c``."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from itertools import repeat
from typing import Any, ClassVar

import headwater._core as _core
from headwater.errors import ConfigError
from headwater.plain.optimizers.rules import RuleRow
from headwater.types import own_numbers, with_own_numbers

SHARES = ("beta1", "beta2", "momentum", "rho")
"""Decay factors, which must be below 1."""
CONSTANT = _core.SCHEDULES.index("constant")
"""The core's code of a learning rate that stays the same."""


class Schedule(ABC):
    """Base class of learning-rate schedules."""

    __slots__ = ()

    @abstractmethod
    def numbers(self) -> tuple[int, float, float, float]:
        """Return the core's code, the learning rate and two numbers."""

    def at(self, t: int) -> float:
        """Return the learning rate at step t ≥ 1."""
        kind, lr, a, b = self.numbers()
        return _core.rate(kind, lr, a, b, t)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """Base class of optimizers, with a learning rate and a row in ``plain/optimizers/rules.py``.

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.

    Raises
    ------
    ConfigError
        For a decay outside [0, 1), for a learning rate that is no step size, and for any other number that is negative or not
        finite.

    Examples
    --------
    >>> from headwater.nn import SGD
    >>> SGD(0.1).rule.formula
    'w ← w − lr·g'
    """

    rule: ClassVar[RuleRow]
    lr: float | Schedule

    def numbers(self) -> tuple[float, ...]:
        """Return the optimizer's hyperparameters, in the order of its row."""
        return ()

    def __post_init__(self) -> None:
        if not own_numbers(map(type, map(getattr, repeat(self), self.__match_args__))):
            with_own_numbers(self)
        lr: Any = self.lr
        if isinstance(lr, bool) or not (isinstance(lr, Schedule) or (isinstance(lr, int | float) and lr > 0)):
            raise ConfigError(
                expected="a step size above 0 or a schedule",
                got=repr(lr),
                at=f"lr of {self.rule.name}",
                help="Give e.g. lr=0.01 or nn.Cosine(0.01, steps=1000).",
            )
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            sound = isinstance(value, int | float) and math.isfinite(value) and value >= 0
            share = field.name in SHARES
            if not sound or (share and value >= 1):
                raise ConfigError(
                    expected="a share of at least 0 and below 1" if share else "a number of 0 or more",
                    got=repr(value),
                    at=f"{field.name} of {self.rule.name}",
                    help=f"Leave it out for the usual one, {field.default!r}.",
                )

    def check(self) -> None:
        """Raise ConfigError for hyperparameters outside their range, as making an optimizer does.

        Raises
        ------
        ConfigError
            For a decay outside [0, 1), for a learning rate that is no step size, and for any other number that is negative or
            not finite.
        """
        self.__post_init__()
