"""Sudden changes after which a new learner took the place of the one before."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.learner.engine import Engine
from headwater.plain.outputs.succession import COUNT, SINCE, TAKEN

__all__ = ["Succession", "successions"]


@dataclass(frozen=True, slots=True)
class Succession:
    """A new learner that took the place of the one before, since the stream changed suddenly.

    Parameters
    ----------
    row
        Rows learned before the change. The new learner has learned those behind.
    taken
        Rows learned when the new learner took the place of the old one for good.
    number
        How many successions there were, this one included.

    Examples
    --------
    >>> print(Succession(4000, 5500, 1))
    From row 4,001 on the stream is another one, which a new learner predicts better. It took the place of the old one at row 5,500.
    """

    row: int
    taken: int
    number: int

    def __str__(self) -> str:
        return (
            f"From row {self.row + 1:,} on the stream is another one, which a new learner predicts better. "
            f"It took the place of the old one at row {self.taken:,}."
        )


def successions(engine: Engine) -> list[Succession]:
    """Return the last succession, if there was one."""
    numbers = engine.core.array("succession")
    if not numbers.size or not numbers[COUNT]:
        return []
    return [Succession(int(numbers[SINCE]), int(numbers[TAKEN]), int(numbers[COUNT]))]
