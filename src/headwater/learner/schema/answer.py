"""Declare and validate the labels of each kind, the same way for every interface."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from headwater.errors import TargetError, shown
from headwater.learner.schema import Field, object_schema
from headwater.learner.validation import FARTHEST, can_be_class
from headwater.streams.target import UNLABELLED, task_by_labels
from headwater.types import Lazy

__all__ = ["Answer", "class_of", "number_of"]

_LABEL_CHARACTERS = 1000
"""Maximum characters of a class, an action or an output name, because each prediction repeats all of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Declare what a kind learns besides a row.

    Parameters
    ----------
    fields : tuple of Field
        Its parts; of a plain label one.
    decode : Lazy
        ``decode(value, learner)`` returns the label for journal and learner, or raises. Not called for a missing label.
    needed : bool
        Whether learning a row needs a label.
    gaps : bool
        Whether a missing label is a gap, learned as NaN.
    compound : bool
        Whether a label is a list or an object in JSON.
    given_out : Lazy, optional
        ``given_out(predicted, label)``: the label of a row that was asked earlier, joined with what was kept of the prediction.
    later : Lazy, optional
        ``later(value, learner)`` validates what comes later, where that is only a part of the label.
    table : Lazy, optional
        The class that reads the parts of a compound label from the columns of a file. ``table(columns)`` has ``names``,
        ``settings(rows, *, task, at, known)`` of a new learner from the first rows (``known`` is a saved one that goes on),
        ``pairs(rows)`` of rows and labels, and ``rest()``, those held back until the end.
    fault : Lazy, optional
        ``fault(row, columns, learner)``: why a row of such a file can't be learned, empty if it can; ``learner`` is a saved one
        that goes on, or None. Such rows are left out and counted. By default the learner counts what it can't learn.
    """

    fields: tuple[Field, ...]
    decode: Lazy
    needed: bool = True
    gaps: bool = False
    compound: bool = False
    given_out: Lazy | None = None
    later: Lazy | None = None
    table: Lazy | None = None
    fault: Lazy | None = None

    @property
    def reads(self) -> str | None:
        """The task by which `headwater.read` reads such labels (classes, numbers, none), None for several columns."""
        return None if self.compound else task_by_labels()[self.fields[0].type if self.needed else UNLABELLED]

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a label."""
        return self.fields[0].schema() if len(self.fields) == 1 else object_schema(self.fields)

    def read(self, value: Any, learner: Any) -> Any:
        """Validate a label, returning None for a missing one, or NaN if the kind allows gaps.

        Raises
        ------
        TargetError, DataError
            If the label can't be learned. Nothing of its row is learned then.
        """
        if value is None or value != value:
            return math.nan if self.gaps else None
        return self.decode.value(value, getattr(learner, "first", learner))  # of a fleet what its members begin as

    def read_all(self, values: Iterable[Any], learner: Any) -> list[Any]:
        """Validate labels as ``read`` does.

        Raises
        ------
        TargetError, DataError
            For the first label that can't be learned.
        """
        decode, gap = self.decode.value, math.nan if self.gaps else None
        one = getattr(learner, "first", learner)
        labels = []
        for value in values:
            labels.append(gap if value is None or value != value else decode(value, one))
        return labels

    def read_late(self, value: Any, learner: Any) -> Any:
        """Validate the label of a row that was asked earlier.

        Raises
        ------
        TargetError, DataError
            If it can't be learned.
        """
        return (
            self.read(value, learner) if self.later is None else self.later(value, getattr(learner, "first", learner))
        )


def number_of(value: Any, learner: Any = None) -> float:
    """Validate a number.

    Raises
    ------
    TargetError
        If the value is not a number, or too large.

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
            help="This model learns numbers. Nothing was learned.",
        )
    return float(value)


def class_of(value: Any, learner: Any = None, *, expected: str = "a class") -> Any:
    """Validate a class.

    Raises
    ------
    TargetError
        If the value is a list, an object or too long, or has a type that files can't store, such as a date.

    Examples
    --------
    >>> class_of("late")
    'late'
    """
    if type(value) is bool or (type(value) is str and len(value) <= _LABEL_CHARACTERS):
        return value
    if isinstance(value, list | dict):
        raise TargetError(
            expected=expected,
            got=f"{value!r:.80}",
            at="y",
            help="Give one text, number or boolean. A bandit learns [action, reward, p], a MultiOutput an object.",
        )
    if isinstance(value, str | bytes) and len(value) > _LABEL_CHARACTERS:
        raise TargetError(
            expected=f"{expected} of at most {_LABEL_CHARACTERS:,} characters",
            got=f"{len(value):,}",
            at="y",
            help="A text of that length belongs in a column, not in a label.",
        )
    if not can_be_class(value):
        raise TargetError(
            expected=f"{expected}: a text, a number, a boolean, bytes or a tuple of these",
            got=f"{shown(value)} ({type(value).__name__})",
            at="y",
            help="Files and stores support no other type. Use str() to make it a text. Nothing was learned.",
        )
    return value
