"""Schedules: how the step size moves with the number t of steps taken (t = 1 at the first).

A stream has no last epoch, so every schedule says what it does for ever after.
"""

from __future__ import annotations

import math

from ._jit import exact

CONSTANT, INVERSE_SCALING, COSINE, STEP, WARM_UP = range(5)


@exact
def rate(kind: int, lr: float, a: float, b: float, t: int) -> float:
    """Return the step size at step t; a and b are the schedule's own numbers."""
    if kind == INVERSE_SCALING:  # lr / t^a
        return float(lr / t**a)
    if kind == COSINE:  # from lr down to b over a steps, then b for ever
        return b + (lr - b) * 0.5 * (1 + math.cos(math.pi * min((t - 1) / a, 1.0)))
    if kind == STEP:  # times b after every a steps
        return float(lr * b ** ((t - 1) // a))
    if kind == WARM_UP:  # rises over a steps, then lr for ever
        return lr * min(t / a, 1.0)
    return lr
