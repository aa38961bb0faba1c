"""The guard of learning row by row: a step that does harm is taken back.

A stream may bring an outlier, and a step size may be too large. So a step that can be dangerous is checked: the sample that
it was taken on is asked again, and if it now costs far more, the step is undone and the step size halved for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

PROBATION = 10
"""Steps that are all checked, because there is no fading mean loss yet to judge by."""
SUSPICIOUS = 4.0
"""A loss this many times its fading mean has its step checked."""
EXPLOSION = 4.0
"""In the first steps, a step is taken back if its sample then costs more than this many times as much, and 1. Later on only
suspicious steps are checked. There the loss is high already, so a step is taken back if it makes it higher at all: losses
that go on growing from such a height never come back."""
RECOVERY = 1.001
"""After a step was taken back the step size grows again by this factor a row: twofold in about 700."""


def within(value: float, measure: float, times: float, more: float = 0.0) -> bool:
    """Return whether value is at most ``times`` the measure and ``more``; a loss may be negative, and a value NaN.

    Examples
    --------
    >>> within(3.0, 1.0, times=4), within(-10.0, -100.0, times=1.5), within(float("nan"), 1.0, times=4)
    (True, False, False)
    """
    return value <= measure + (times - 1) * abs(measure) + more


@dataclass(slots=True)
class Progress:
    """The running numbers of a net that learns.

    Parameters
    ----------
    steps : int
        Steps taken.
    step_scale : float
        Factor on the step size: halved after a step that was taken back, then growing again.
    fading_loss : float
        Mean loss over about the last hundred rows.
    undone : int
        Steps taken back.
    overflow : int
        Rows that were not learned because their loss was not finite.
    product : float
        NAdam's product of momenta.
    """

    steps: int = 0
    step_scale: float = 1.0
    fading_loss: float = 0.0
    undone: int = 0
    overflow: int = 0
    product: float = 1.0

    def note(self, loss: float) -> None:
        """Let the fading mean follow a row's loss, bounded, so that one outlier can't lift it out of reach."""
        if self.steps == 0:
            self.fading_loss = loss
            return
        bounded = min(loss, self.fading_loss + (SUSPICIOUS - 1) * abs(self.fading_loss) + 1)
        self.fading_loss += (bounded - self.fading_loss) * 0.01
