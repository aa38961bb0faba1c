"""Validate several labels per row, for the learner and for the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headwater.encode.rows import as_dicts
from headwater.errors import DataError
from headwater.learner.schema.answer import class_of, number_of
from headwater.streams.readers.frame_rows import is_frame

__all__ = ["as_answers", "as_outputs", "checked_outputs", "is_number", "names_in"]

_PLAIN = (str, int, float, bool, type(None))


def as_outputs(value: Any) -> dict[Any, Any]:
    """Return the labels of a row in the journal's form.

    Raises
    ------
    DataError
        If they are not a dict of output → value, or a value is not a text, a number or None.

    Examples
    --------
    >>> as_outputs({"label": "a", "price": 2.5})
    {'label': 'a', 'price': 2.5}
    """
    if isinstance(value, Mapping) and value and all(isinstance(own, _PLAIN) for own in value.values()):
        return dict(value)
    raise DataError(
        expected="an object of output → value, each a text, a number, true, false or null",
        got=repr(value)[:80],
        at="y",
        help='Send {"label": "a", "price": 2.5}. Nothing was learned.',
    )


def as_answers(y: Any) -> list[Mapping[Any, Any]]:
    """Return labels as a list of dicts, with {} for None."""
    answers = as_dicts(y) if isinstance(y, list | tuple) or is_frame(y) else y
    if isinstance(answers, list):
        for i, answer in enumerate(answers):
            if answer is not None and not isinstance(answer, Mapping):
                raise _refused(f"y[{i}]", answer)
        return [{} if answer is None else answer for answer in answers]
    raise _refused("y", y)


def is_number(value: Any) -> bool:
    """Return whether a value is a number, including booleans."""
    return isinstance(value, int | float | np.integer | np.floating)


def _refused(at: str, got: Any) -> DataError:
    return DataError(
        expected="a dict of output → value for each row",
        got=repr(got)[:80],
        at=at,
        help='Write {"label": "a", "price": 2.5}. For one answer per row use a Classifier or a Regressor.',
    )


def checked_outputs(value: Any, learner: Any = None) -> dict[Any, Any]:
    """Validate the labels of a row for journal and learner.

    Raises
    ------
    DataError
        If they are not a dict of output → value, or one of them can't be learned.
    """
    outputs = as_outputs(value)
    for name, own in outputs.items():
        class_of(name, expected="the name of an output")
        if own is None:  # this row does not say it
            continue
        if isinstance(own, float | int) and own == own:
            number_of(float(own))
        class_of(own, expected="a class or a number as output")
    return outputs


def names_in(learner: Any, labels: Sequence[Any], known: Any) -> set[Any]:
    """Return the outputs and their classes in labels."""
    found: set[Any] = set(learner.pairs_in([label or {} for label in labels]))
    return found
