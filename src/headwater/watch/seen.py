"""What a watcher is: something that is shown each row once, when its answer has been scored and learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from headwater.types import Event, Forecast

__all__ = ["Seen", "Watcher"]


@dataclass(frozen=True, slots=True)
class Seen:
    """Some rows that have just been scored and learned, in order.

    Parameters
    ----------
    first
        The number of the first of them among all scored rows, counted from 1.
    X
        Samples: a list of dicts, or an array of shape (n, features).
    y, y_pred
        Their answers, and what was predicted before they were learned.
    proba
        The probability that was given to each answer; NaN where none was.
    task
        ``"classify"`` or ``"regress"``.
    forecast
        The predictions with the probabilities of all classes; None where they were given out earlier, for late answers.

    Examples
    --------
    >>> seen = Seen(1, [{"a": 1.0}, {"a": 2.0}], ["no", "yes"], ["no", "no"], [0.75, 0.5], "classify")
    >>> len(seen), seen.last
    (2, 2)
    """

    first: int
    X: Any
    y: Sequence[Any]
    y_pred: Sequence[Any]
    proba: Sequence[float]
    task: str
    forecast: Forecast | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.y) - 1


class Watcher(Protocol):
    """What can be given to a `Session` as ``watch``."""

    @property
    def due(self) -> int | None:
        """The number of scored rows after which it wants to be shown what there is, before more is learned."""

    def see(self, seen: Seen, learner: Any) -> Sequence[Event]:
        """Take notice of some rows; return what is worth telling."""
