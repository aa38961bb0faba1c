"""How old anything may be that a store holds or serves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from headwater.encode.durations import SECONDS, read_duration
from headwater.errors import ConfigError, counted

__all__ = ["Retention"]

LEAST_S = 600.0
"""Shortest age in seconds, since the clock is looked at twice a minute."""
LEAST_ROWS = 200


@dataclass(frozen=True)
class Retention:
    """Let nothing older than an age be in what a store holds, serves or explains.

    Two learners take turns. Both learn each row, the older one predicts, and when it reaches the age it is dropped and the
    younger one takes its place. So nothing in the served learner is older: no weight, name, statistic, knot, kept row or metric.
    Journal, past states and waiting predictions are cut at the same age.

    Parameters
    ----------
    max_age : str, timedelta or int
        The age as ``"30 days"``, ``"12 hours"`` or a timedelta, or a number of rows.

    Raises
    ------
    ConfigError
        If it is no age, or one below ten minutes or 200 rows.

    Examples
    --------
    >>> import headwater as hw
    >>> hw.Retention("30 days").seconds, hw.Retention(max_age=10_000).rows
    (2592000.0, 10000)
    """

    max_age: str | dt.timedelta | int

    def __post_init__(self) -> None:
        low = (self.rows or LEAST_ROWS) < LEAST_ROWS or (self.seconds or LEAST_S) < LEAST_S
        if low or not (self.rows or self.seconds):
            raise ConfigError(
                expected='an age such as "30 days", a timedelta, or a number of rows, of at least ten minutes or 200 rows',
                got=repr(self.max_age),
                at="max_age",
                help='Write it as "30 days".',
            )

    @property
    def seconds(self) -> float | None:
        """The age in seconds, None if it is in rows."""
        if isinstance(self.max_age, dt.timedelta):
            return self.max_age.total_seconds()
        number, unit = self._parts()
        return None if unit or not number else number

    @property
    def rows(self) -> int | None:
        """The age in rows, None if it is in time."""
        if type(self.max_age) is int:
            return self.max_age
        number, unit = self._parts()
        return int(number) if unit == "row" else None

    def _parts(self) -> tuple[float, str]:
        return read_duration(self.max_age) if isinstance(self.max_age, str) else (0.0, "")

    def __str__(self) -> str:
        """Return the age as it is stored and shown."""
        return counted(self.rows, "row") if self.rows else f"{(self.seconds or 0) / SECONDS['d']:g} days"
