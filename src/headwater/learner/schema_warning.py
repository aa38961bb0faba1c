"""Schema-mismatch warnings for rows or labels that look like another data set's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from headwater.encode.frames import is_frame
from headwater.encode.values import UNUSABLE, as_number, kind_of, missing
from headwater.learner.engine import BaseEngine

__all__ = ["about_classes", "about_columns", "about_values"]

FIRST = 32
"""Rows of a list to check."""
SETTLED = 30
"""Minimum learned rows, because at a stream's beginning all columns are new."""
_SHOWN = 8
_NESTED = (Mapping, list, tuple, set, frozenset, np.ndarray)
"""Values that expand to columns with other names."""


def about_columns(engine: BaseEngine, X: Any, *, learning: bool) -> str:
    """Return a warning if the engine knows none of the columns of the first rows, else ""."""
    if engine.learned < SETTLED:
        return ""
    names = []
    for name, value in _columns(X):
        if isinstance(value, _NESTED) or engine.knows(name):
            return ""
        names.append(str(name))
    known = list(map(str, engine.columns)) if names else []
    if not known:
        return ""
    fate = "They are learned as new ones" if learning else "They are not used"
    return (
        f"the model knows none of these columns: {_some(dict.fromkeys(names))}. It knows {_some(known)}. "
        f"{fate}. Warned once"
    )


def about_values(X: Any) -> str:
    """Return a sentence if the first rows hold values that no learner reads, or numbers written as texts, else ""."""
    rows = _first_rows(X)
    unread = {str(name): type(value).__name__ for x in rows for name, value in x.items() if kind_of(value) == UNUSABLE}
    if unread:
        types = ", ".join(dict.fromkeys(unread.values()))
        return f"{_some(unread)}: values of type {types} are not learned. Give numbers, texts or dates. Warned once"
    values = [value for x in rows for value in x.values() if not missing(value)]
    if not values or not all(isinstance(value, str) for value in values):
        return ""
    numbers = _number_texts(rows)
    if not numbers:
        return ""
    return (
        f"all values are texts, and those of {_some(numbers)} read as numbers: each different text is learned as a category of its "
        "own. Convert them with float(), or read the file with hw.read(). Warned once"
    )


def _first_rows(X: Any) -> list[Mapping[Any, Any]]:
    """Return the first rows of samples as dicts, or an empty list for numeric arrays."""
    if is_frame(X):
        return list(nw.from_native(X, eager_only=True).head(FIRST).iter_rows(named=True))
    return [x for x in X[:FIRST] if isinstance(x, Mapping)] if isinstance(X, Sequence) else []


def _number_texts(rows: Sequence[Mapping[Any, Any]]) -> list[str]:
    """Return the columns whose texts all read as numbers."""
    columns: dict[Any, list[str]] = {}
    for x in rows:
        for name, value in x.items():
            if isinstance(value, str) and value.strip():
                columns.setdefault(name, []).append(value)
    return [str(name) for name, texts in columns.items() if all(as_number(text) is not None for text in texts)]


def about_classes(classes: Sequence[Any], before: int, most: int) -> str:
    """Return a warning if new classes have another type than the first, or too many are numbers, else "".

    Parameters
    ----------
    classes
        All classes in order of arrival.
    before
        Number of old classes.
    most
        Maximum number of floats before the classes look like the targets of a regression.
    """
    kind = _kind(classes[0])
    other = next((label for label in classes[before:] if _kind(label) != kind), None)
    if other is not None:
        return (
            f"the class {other!r} is a {_kind(other)}, the first one, {classes[0]!r}, is a {kind}. Both are kept as classes. "
            "Warned once"
        )
    if len(classes) > most and any(isinstance(label, float) for label in classes[before:]):
        numbers = [f"{label:g}" for label in classes if isinstance(label, float)]
        if len(numbers) > most:
            return (
                f"{len(numbers):,} classes are numbers: {_some(numbers)}. This looks like a regression: use hw.Regressor. "
                "Warned once"
            )
    return ""


def _columns(X: Any) -> Iterator[tuple[Any, Any]]:
    """Return name and a value of the first rows' columns, None as the value for typed columns."""
    if isinstance(X, np.ndarray):
        return ((f"x{j}", None) for j in range(X.shape[1] if X.ndim == 2 and len(X) else 0))
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        return ((name, {} if dtype.is_nested() else None) for name, dtype in frame.schema.items())
    return (pair for x in X[:FIRST] if isinstance(x, Mapping) for pair in x.items())


def _kind(label: Any) -> str:
    if isinstance(label, str | bytes):
        return "text"
    return "number" if isinstance(label, int | float | np.number | np.bool_) else type(label).__name__


def _some(names: Iterable[str]) -> str:
    names = iter(names)
    shown = ", ".join(islice(names, _SHOWN))
    more = sum(1 for _ in names)
    return f"{shown} and {more:,} more" if more else shown
