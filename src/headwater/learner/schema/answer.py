"""Declare and validate the labels of each kind, the same way for every interface."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import DataError, TargetError, shown
from headwater.learner.schema import Field, object_schema
from headwater.learner.validation import FARTHEST, can_be_class
from headwater.streams.target import UNLABELLED, task_by_labels
from headwater.types import Lazy

__all__ = ["Answer", "PartColumns", "class_of", "number_of"]

_PARTS = Lazy("headwater.learner.schema.answer:PartColumns")

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
        Whether a label is a list or an object in JSON, as one of several fields always is.
    given_out : Lazy, optional
        ``given_out(predicted, label)``: the label of a row that was asked earlier, joined with what was kept of the prediction.
    later : Lazy, optional
        ``later(value, learner)`` validates what comes later, where that is only a part of the label.
    table : Lazy, optional
        The class that reads the parts of a compound label from the columns of a file. ``table(columns)`` has ``names``,
        ``settings(rows, *, task, at, known)`` of a new learner from the first rows (``known`` is a saved one that goes on),
        ``pairs(rows)`` of rows and labels, and ``rest()``, those held back until the end. Without it and ``decode`` each field has a
        column.
    fault : Lazy, optional
        ``fault(row, columns, learner)``: why a row of such a file can't be learned, empty if it can; ``learner`` is a saved one
        that goes on, or None. Such rows are left out and counted. By default the learner counts what it can't learn.

    Examples
    --------
    >>> count = Field("count", "number", "How many events there were.", least=0)
    >>> answer = Answer((count, Field("exposure", "number", "How long was watched.", 1.0, least=0.001)))
    >>> answer.read([3, 0.5], None), answer.read({"count": 4}, None)
    ([3.0, 0.5], [4.0, 1.0])
    """

    fields: tuple[Field, ...]
    decode: Lazy | None = None
    needed: bool = True
    gaps: bool = False
    compound: bool = False
    given_out: Lazy | None = None
    later: Lazy | None = None
    table: Lazy | None = None
    fault: Lazy | None = None

    def __post_init__(self) -> None:
        several = len(self.fields) > 1
        object.__setattr__(self, "compound", self.compound or several)  # what is frozen is set as it begins
        if several and self.decode is None and self.table is None:
            object.__setattr__(self, "table", _PARTS)

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
        return self._decoder(value, getattr(learner, "first", learner))  # of a fleet what its members begin as

    def read_all(self, values: Iterable[Any], learner: Any) -> list[Any]:
        """Validate labels as ``read`` does.

        Raises
        ------
        TargetError, DataError
            For the first label that can't be learned.
        """
        decode, gap = self._decoder, math.nan if self.gaps else None
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

    @property
    def _decoder(self) -> Callable[[Any, Any], Any]:
        if self.decode is not None:
            decode: Callable[[Any, Any], Any] = self.decode.value
            return decode
        return self._parts_in if len(self.fields) > 1 else self._part_in

    def _part_in(self, value: Any, learner: Any) -> Any:
        return _read(self.fields[0], value)

    def _parts_in(self, value: Any, learner: Any) -> list[Any]:
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


class PartColumns:
    """Take the parts of a label out of rows, each from its column.

    Parameters
    ----------
    columns : mapping
        The column of each field.

    Examples
    --------
    >>> PartColumns({"count": "n", "exposure": "hours"}).pairs([{"site": "a", "n": 3, "hours": 0.5}])
    [({'site': 'a'}, {'count': 3, 'exposure': 0.5})]
    """

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self.names: tuple[str, ...] = tuple(columns.values())

    def settings(self, rows: Any, *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        """Return no settings, since they don't depend on the rows."""
        return {}

    def pairs(self, rows: Sequence[dict[Any, Any]]) -> list[tuple[dict[Any, Any], dict[str, Any]]]:
        """Return rows without their labels, each with its own."""
        return [(row, {name: row.pop(column, None) for name, column in self._columns.items()}) for row in rows]

    def rest(self) -> list[tuple[dict[Any, Any], dict[str, Any]]]:
        """Return no pairs, since none are held back."""
        return []


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
