"""Learning-rate schedules, computed in ``core/kernels/optimizers``."""

from __future__ import annotations

from dataclasses import dataclass

import headwater._core as _core

from .base import CONSTANT, Schedule


@dataclass(frozen=True, slots=True)
class Constant(Schedule):
    """Constant learning rate, which keeps following a drifting stream.

    Parameters
    ----------
    lr : float
        Step size.

    Examples
    --------
    >>> Constant(0.1).at(1_000)
    0.1
    """

    lr: float

    def numbers(self) -> tuple[int, float, float, float]:
        """Return the core's code, the learning rate and two numbers."""
        return CONSTANT, self.lr, 0.0, 0.0


@dataclass(frozen=True, slots=True)
class InverseScaling(Schedule):
    """Learning rate lr / t^power, which converges and stops following drift.

    Parameters
    ----------
    lr : float
        Step size at the first step.
    power : float
        0.5 for convex losses, up to 1 for strongly convex ones.

    References
    ----------
    Robbins & Monro 1951.

    Examples
    --------
    >>> InverseScaling(0.1, power=0.5).at(4)
    0.05
    """

    lr: float
    power: float = 0.5

    def numbers(self) -> tuple[int, float, float, float]:
        """Return the core's code, the learning rate and two numbers."""
        return _core.SCHEDULES.index("inverse_scaling"), self.lr, self.power, 0.0


@dataclass(frozen=True, slots=True)
class Cosine(Schedule):
    """Half a cosine from lr down to floor over ``steps`` steps, then floor.

    Parameters
    ----------
    lr, floor : float
        Learning rate at the first step and after the last.
    steps : int
        Length of the descent.

    References
    ----------
    Loshchilov & Hutter 2017, without restarts.

    Examples
    --------
    >>> Cosine(0.1, steps=100, floor=0.01).at(101)
    0.01
    """

    lr: float
    steps: int
    floor: float = 0.0

    def numbers(self) -> tuple[int, float, float, float]:
        """Return the core's code, the learning rate and two numbers."""
        return _core.SCHEDULES.index("cosine"), self.lr, float(self.steps), self.floor


@dataclass(frozen=True, slots=True)
class Step(Schedule):
    """lr times ``factor`` after every ``every`` steps.

    Parameters
    ----------
    lr : float
        Learning rate of the first period.
    every : int
        Length of a period, in steps.
    factor : float
        Factor on the learning rate per period.

    Examples
    --------
    >>> Step(0.1, every=10, factor=0.5).at(11)
    0.05
    """

    lr: float
    every: int
    factor: float = 0.1

    def numbers(self) -> tuple[int, float, float, float]:
        """Return the core's code, the learning rate and two numbers."""
        return _core.SCHEDULES.index("step"), self.lr, float(self.every), self.factor


@dataclass(frozen=True, slots=True)
class WarmUp(Schedule):
    """Linear rise to lr over ``steps`` steps, then lr.

    Parameters
    ----------
    lr : float
        Learning rate after the rise.
    steps : int
        Length of the rise.

    References
    ----------
    Goyal et al. 2017.

    Examples
    --------
    >>> WarmUp(0.1, steps=4).at(2)
    0.05
    """

    lr: float
    steps: int

    def numbers(self) -> tuple[int, float, float, float]:
        """Return the core's code, the learning rate and two numbers."""
        return _core.SCHEDULES.index("warm_up"), self.lr, float(self.steps), 0.0


SCHEDULES: tuple[type[Schedule], ...] = (Constant, InverseScaling, Cosine, Step, WarmUp)
"""Every schedule."""
