"""When a model that learns shows what it has learned.

Whoever may ask between two rows can read the label of the row between from the change of the answers. Published every hundred rows,
a model tells of a row no more than it says of anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from headwater.encode.durations import read_duration
from headwater.errors import ConfigError

__all__ = ["Publishing"]


class Publishing:
    """Publishes copies of a model's learners every so many rows or seconds.

    Parameters
    ----------
    every : int or str
        Rows, or a text such as ``"100 rows"`` or ``"10 minutes"``.
    copied : callable
        Returns a copy of a learner's state.

    Examples
    --------
    >>> late = Publishing("100 rows", copied=lambda state: state)
    >>> late.is_due(99), late.is_due(100)
    (False, True)
    """

    def __init__(self, every: int | str, copied: Callable[[Any], Any]) -> None:
        number, unit = read_duration(str(every) if type(every) is not int else f"{every} rows")
        if number < 1:
            raise ConfigError(
                expected='a number of rows, or a text such as "100 rows" or "10 minutes"',
                got=repr(every),
                at="publish_every",
                help="Give one of these.",
            )
        self.rows = int(number) if unit else 0
        self.seconds = 0.0 if self.rows else number
        self.copied = copied
        self._at, self._time = 0, time.monotonic()

    def is_due(self, at: int) -> bool:
        """Return whether the state after an event is to be published."""
        return at - self._at >= self.rows if self.rows else time.monotonic() - self._time >= self.seconds

    def end_of(self, start: int, end: int, at: int) -> int:
        """Return where a turn of learning has to end, so that it goes no further than the next publication."""
        return max(start + 1, min(end, start + self._at + self.rows - at)) if self.rows else end

    def begin(self, at: int) -> None:
        """Count from an event on, whose state is published now."""
        self._at, self._time = at, time.monotonic()
