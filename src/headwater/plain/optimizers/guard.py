"""Guard of row-by-row learning, which undoes harmful steps.

A stream may contain an outlier, and a step size may be too large. A step that can be dangerous is therefore checked: if the
loss of its own sample is far larger after the step, it is undone and the step size halved for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

PROBATION = 10
"""Number of first steps that are all checked, before the mean loss is reliable."""
SUSPICIOUS = 4.0
"""A step is checked if its loss is this many times the mean."""
EXPLOSION = 4.0
"""In the first steps, a step is undone if the loss after it exceeds this many times the loss before it, plus 1. Later only
suspicious steps are checked. Their loss is high already, so a step is undone if it raises it at all: losses that keep growing
from there never recover."""
RECOVERY = 1.001
"""Growth of the step size per row after an undone step, twofold in about 700 rows."""


def within(value: float, measure: float, times: float, more: float = 0.0) -> bool:
    """Return whether value ≤ measure + (times − 1)·|measure| + more. NaN and negative losses are allowed.

    Examples
    --------
    >>> within(3.0, 1.0, times=4), within(-10.0, -100.0, times=1.5), within(float("nan"), 1.0, times=4)
    (True, False, False)
    """
    return value <= measure + (times - 1) * abs(measure) + more


@dataclass(slots=True)
class Progress:
    """Running statistics of a net that learns.

    Parameters
    ----------
    steps : int
        Steps taken.
    step_scale : float
        Factor on the step size, halved when a step is undone, then growing again.
    fading_loss : float
        Exponential mean loss over about the last hundred rows.
    undone : int
        Steps undone.
    overflow : int
        Rows not learned because their loss was not finite.
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
        """Update the exponential mean loss, with each loss bounded so that one outlier can't dominate it."""
        if self.steps == 0:
            self.fading_loss = loss
            return
        bounded = min(loss, self.fading_loss + (SUSPICIOUS - 1) * abs(self.fading_loss) + 1)
        self.fading_loss += (bounded - self.fading_loss) * 0.01
