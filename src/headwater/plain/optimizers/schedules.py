"""Learning-rate schedules as functions of the step number t, which starts at 1.

A stream has no last epoch, so every schedule is defined for all t. ``lr`` is the declared learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """Declaration of one schedule.

    Parameters
    ----------
    name : str
        Name in files.
    formula, source : str
        Definition and publication.
    rate : callable
        rate(lr, t, *numbers), the learning rate at step t.
    numbers : tuple of str
        Names of the schedule's hyperparameters, in order.

    Examples
    --------
    >>> SCHEDULES["step"].rate(0.1, 11, 10, 0.5)
    0.05
    """

    name: str
    formula: str
    source: str
    rate: Callable[..., float]
    numbers: tuple[str, ...] = ()


def constant(lr: float, t: int) -> float:
    """Return lr, which keeps following a drifting stream."""
    return lr


def inverse_scaling(lr: float, t: int, power: float = 0.5) -> float:
    """Return lr / t^power, which converges and stops following drift.

    Examples
    --------
    >>> [inverse_scaling(0.1, t) for t in (1, 4, 100)]
    [0.1, 0.05, 0.01]
    """
    return float(lr / t**power)


def cosine(lr: float, t: int, steps: float, floor: float = 0.0) -> float:
    """Return half a cosine from lr down to floor over ``steps`` steps, then floor.

    Examples
    --------
    >>> [round(cosine(0.1, t, steps=100, floor=0.02), 4) for t in (1, 51, 101, 500)]
    [0.1, 0.06, 0.02, 0.02]
    """
    part = min((t - 1) / steps, 1.0)
    return floor + (lr - floor) * (1 + math.cos(math.pi * part)) / 2


def step(lr: float, t: int, every: float, factor: float = 0.1) -> float:
    """Return lr times factor after every ``every`` steps.

    Examples
    --------
    >>> [step(0.1, t, every=10, factor=0.5) for t in (1, 10, 11, 21)]
    [0.1, 0.1, 0.05, 0.025]
    """
    return float(lr * factor ** ((t - 1) // every))


def warm_up(lr: float, t: int, steps: float) -> float:
    """Return a linear rise to lr over ``steps`` steps, then lr.

    Examples
    --------
    >>> [warm_up(0.1, t, steps=4) for t in (1, 2, 4, 9)]
    [0.025, 0.05, 0.1, 0.1]
    """
    return lr * min(t / steps, 1.0)


SCHEDULES: dict[str, ScheduleRow] = {
    row.name: row
    for row in (
        ScheduleRow("constant", "lr", "Widrow & Hoff 1960", constant),
        ScheduleRow("inverse_scaling", "lr / t^power", "Robbins & Monro 1951", inverse_scaling, ("power",)),
        ScheduleRow(
            "cosine",
            "floor + (lr − floor)·(1 + cos(π·min((t − 1)/steps, 1)))/2",
            "Loshchilov & Hutter 2017, without restarts",
            cosine,
            ("steps", "floor"),
        ),
        ScheduleRow(
            "step", "lr·factor^⌊(t − 1)/every⌋", "Krizhevsky, Sutskever & Hinton 2012", step, ("every", "factor")
        ),
        ScheduleRow("warm_up", "lr·min(t/steps, 1)", "Goyal et al. 2017", warm_up, ("steps",)),
    )
}
"""Every schedule by name, in the order of the core's list."""
