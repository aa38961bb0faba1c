"""Declare and validate the labels of each kind, the same way for every interface."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headwater.errors import DataError, TargetError, shown
from headwater.learner.schema import Field, object_schema
from headwater.learner.validation import FARTHEST, can_be_class
from headwater.streams.target import UNLABELLED, task_by_labels
from headwater.types import Lazy

__all__ = ["Answer", "class_of", "number_of"]

_PARTS = Lazy("headwater.learner.schema.part_columns:PartColumns")

_LABEL_CHARACTERS = 1000
"""Maximum characters of a class, an action or an output name, because each prediction repeats all of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Declare what a kind learns besides a row.

    Parameters
    ----------
    fields : tuple of Field
        Its parts; of a plain label one.
    decode : Lazy, optional
        ``decode(value, learner)`` returns the label for journal and learner, or raises. Not called for a missing label. Without it
        each field reads its part, and a label of several is a list in their order.
    needed : bool
        Whether learning a row needs a label.
    gaps : bool
        Whether a missing label is a gap, learned as NaN.
    compound : bool
        Whether a label is a list or an object in JSON.
    given_out : Lazy, optional
        ``given_out(predicted, label)``: the label of a row that was asked earlier, joined with what was kept of the prediction.
    in_order : bool
        Whether answers are learned in the order in which they were asked for, each question being about the time after the one before.
        An answer that comes earlier than one before it is held until that one is there. A time whose answer won't come is a gap.
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
    decode: Lazy | None = None
    needed: bool = True
    gaps: bool = False
    compound: bool = False
    given_out: Lazy | None = None
    in_order: bool = False
    later: Lazy | None = None
    table: Lazy | None = None
    fault: Lazy | None = None

    @classmethod
    def of(cls, *fields: Field) -> Answer:
        """Declare a label that its fields read, one of several as a list or an object, and in a file from a column each.

        Examples
        --------
        >>> count = Field("count", "number", "How many events there were.", least=0)
        >>> answer = Answer.of(count, Field("exposure", "number", "How long was watched.", 1.0, least=0.001))
        >>> answer.read([3, 0.5], None), answer.read({"count": 4}, None)
        ([3.0, 0.5], [4.0, 1.0])
        """
        several = len(fields) > 1
        return cls(fields, compound=several, table=_PARTS if several else None)

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
        if self.decode is None:
            return self._by_fields(value)
        return self.decode.value(value, getattr(learner, "first", learner))  # of a fleet what its members begin as

    def read_all(self, values: Iterable[Any], learner: Any) -> list[Any]:
        """Validate labels as ``read`` does.

        Raises
        ------
        TargetError, DataError
            For the first label that can't be learned.
        """
        if self.decode is None:
            return [self.read(value, learner) for value in values]
        decode, gap = self.decode.value, math.nan if self.gaps else None
        one = getattr(learner, "first", learner)
        labels = []
        for value in values:
            labels.append(gap if value is None or value != value else decode(value, one))
        return labels

    def problem(self, value: Any) -> str:
        """Return why a label can't be learned, or ""."""
        try:
            label = self.read(value, None)
        except (TargetError, DataError) as error:
            return f"answer is not {error.expected}"
        return "answer unknown" if label is None or label != label else ""

    def _by_fields(self, value: Any) -> Any:
        """Return a label as its fields read it, with several a list of their parts."""
        if len(self.fields) == 1:
            return _read(self.fields[0], value)
        names = [field.name for field in self.fields]
        parts = [value.get(name) for name in names] if isinstance(value, Mapping) else value
        if not isinstance(parts, list | tuple) or len(parts) != len(names):
            raise TargetError(
                expected=f"[{', '.join(names)}]",
                got=f"{value!r:.60}",
                at="y",
                help="Give a list of these, or an object with their names. Nothing was learned.",
            )
        return [_read(field, part) for field, part in zip(self.fields, parts, strict=True)]

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


def _read(field: Field, value: Any) -> Any:
    """Return a part of a label, where it is a number as a finite float, so that it is learned the same however it was written."""
    part = field.read(value)
    return number_of(part) if field.type == "number" and part is not None else part


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
