"""What a kind learns beside a row, and how it is read at the border, the same at every door."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from headwater.errors import TargetError, shown
from headwater.types import Lazy

from .validation import FARTHEST, can_be_class

__all__ = ["Answer", "class_of", "number_of"]

_LABEL_CHARACTERS = 1000
"""Characters of a class, or of the name of an action or an output: each prediction names all of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Declare what a kind learns beside a row.

    Parameters
    ----------
    decode : Lazy
        ``decode(value, learner)`` returns the label as journal and learner take it, or raises. It is not called for a missing one.
    needed : bool
        Whether a row without a label can't be learned.
    gaps : bool
        Whether a missing label is a gap, which is learned as NaN.
    compound : bool
        Whether a label is a list or an object in JSON.
    given_out : Lazy, optional
        ``given_out(predicted, label)``: the label of a row that was asked earlier, joined with what was kept of the prediction.
    """

    decode: Lazy
    needed: bool = True
    gaps: bool = False
    compound: bool = False
    given_out: Lazy | None = None

    def read(self, value: Any, learner: Any) -> Any:
        """Return a label as journal and learner take it; of a missing one None, or NaN where it is a gap.

        Raises
        ------
        TargetError, DataError
            If it can't be learned: nothing of its row is.
        """
        if value is None or value != value:
            return math.nan if self.gaps else None
        return self.decode(value, learner)


def number_of(value: Any, learner: Any = None) -> float:
    """Return a number that can be learned.

    Raises
    ------
    TargetError
        If it is no number, or too far from 0.

    Examples
    --------
    >>> number_of(3)
    3.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST:
        raise TargetError(
            expected=f"a number within ±{FARTHEST:g}",
            got=f"{value!r:.80}",
            at="y",
            help="This model learns numbers; nothing was learned.",
        )
    return float(value)


def class_of(value: Any, learner: Any = None, *, expected: str = "a class") -> Any:
    """Return a class.

    Raises
    ------
    TargetError
        If it is a list or an object, a text too long, or of a kind that no file gives back, such as a date.

    Examples
    --------
    >>> class_of("late")
    'late'
    """
    if isinstance(value, list | dict):
        raise TargetError(
            expected=expected,
            got=f"{value!r:.80}",
            at="y",
            help="It is one text, number or boolean. A bandit learns [action, reward, p], a MultiOutput an object.",
        )
    if isinstance(value, str | bytes) and len(value) > _LABEL_CHARACTERS:
        raise TargetError(
            expected=f"{expected} of at most {_LABEL_CHARACTERS:,} characters",
            got=f"{len(value):,}",
            at="y",
            help="Text that long is a column of its own, not a label.",
        )
    if not can_be_class(value):
        raise TargetError(
            expected=f"{expected}: a text, a number, a boolean, bytes or a tuple of these",
            got=f"{shown(value)} ({type(value).__name__})",
            at="y",
            help="Files and stores give back no other kind; str() makes a text of it. Nothing was learned.",
        )
    return value
