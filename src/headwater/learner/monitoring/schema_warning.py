"""Schema-mismatch warnings for rows or labels that look like another data set's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from headwater.encode.values import UNUSABLE, kind_of
from headwater.learner.engine import BaseEngine, Engine
from headwater.streams.readers.dtypes.cells import first_cell, is_of_texts
from headwater.streams.readers.dtypes.columns import DATE, NUMBER, TEXT
from headwater.streams.readers.dtypes.inference import infer_columns
from headwater.streams.readers.frame_rows import is_frame
from headwater.types import nw

__all__ = ["about_classes", "about_columns", "about_values"]

FIRST = 32
"""Rows of a list to check."""
_SHOWN = 8
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_NESTED = (Mapping, list, tuple, set, frozenset, np.ndarray)
"""Values that expand to columns with other names."""


def about_columns(engine: BaseEngine, X: Any, *, learning: bool) -> str:
    """Return a warning if the engine knows none of the columns of the first rows, else ""."""
    names = []
    for name, value in _columns(X):
        if isinstance(value, _NESTED) or engine.knows(name):
            return ""
        names.append(str(name))
    if not names:
        return ""
    if isinstance(engine, Engine):  # which may know a million
        known, count = engine.first_names(_SHOWN)
    else:
        known, count = list(engine.columns), len(engine.columns)
    if not known:
        return ""
    fate = "They are learned as new ones" if learning else "They are not used"
    return (
        f"the model knows none of these columns: {_some(dict.fromkeys(names))}. It knows {_some(map(str, known[:_SHOWN]), count)}. "
        f"{fate}. Warned once"
    )


def about_values(X: Any) -> str:
    """Return a sentence if the first rows hold values that no learner reads, or texts that are read as numbers, else ""."""
    rows = _first_rows(X)
    unread = {str(name): type(value).__name__ for x in rows for name, value in x.items() if kind_of(value) == UNUSABLE}
    if unread:
        types = ", ".join(dict.fromkeys(unread.values()))
        return f"{_some(unread)}: values of type {types} are not learned. Give numbers, texts or dates. Warned once"
    texts = [x for x in rows if any(type(v) is str for v in x.values())]
    return _about_cells([x for x in texts if is_of_texts(x)]) or _about_decimals(
        [x for x in texts if not is_of_texts(x)]
    )


def _about_cells(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Return a sentence on rows of texts alone, whose numbers are read as in a file, and on what only a whole column decides."""
    columns = _texts_of(rows)
    numbers = [name for name, texts in columns.items() if isinstance(_begins(texts, True), float)]
    readers, _ = infer_columns(columns) if columns else ({}, [])
    others = []
    for name, reader in readers.items():
        plain = reader.number.plain if reader.kind == NUMBER else bool(_ISO.match(columns[name][0]))
        if name not in numbers and reader.kind in (NUMBER, DATE) and not plain:
            others.append(f"{name} ({columns[name][0]!r})")
    codes = [name for name in numbers if readers[name].kind == TEXT]
    parts = [f"those of {_some(numbers)} are read as numbers, as in a CSV file"] if numbers else []
    parts += [f"of {_some(codes)} some begin with zeros, so give codes a letter"] if codes else []
    parts += (
        [f"each text of {_some(others)} is a category, where hw.read(rows) finds numbers or dates"] if others else []
    )
    return f"all values are texts: {'; '.join(parts)}. Warned once" if parts else ""


def _about_decimals(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Return a sentence on texts among other values that are read as numbers for their sign or point."""
    numbers = [name for name, texts in _texts_of(rows).items() if isinstance(_begins(texts, False), float)]
    return f"texts of {_some(numbers)} are read as numbers. Warned once" if numbers else ""


def _begins(texts: Sequence[str], of_texts: bool) -> float | str | None:
    """Return what the first text that is no gap begins its column with."""
    return next((found for text in texts if (found := first_cell(text, of_texts)) is not None), None)


def _texts_of(rows: Sequence[Mapping[Any, Any]]) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for x in rows:
        for name, value in x.items():
            if type(value) is str and value.strip():
                columns.setdefault(str(name), []).append(value)
    return columns


def _first_rows(X: Any) -> list[Mapping[Any, Any]]:
    """Return the first rows of samples as dicts, or an empty list for numeric arrays."""
    if is_frame(X):
        return list(nw.from_native(X, eager_only=True).head(FIRST).iter_rows(named=True))
    return [x for x in X[:FIRST] if isinstance(x, Mapping)] if isinstance(X, Sequence) else []


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
    rows = X[:FIRST] if isinstance(X, Sequence) else ()  # what is no rows is refused later
    return (pair for x in rows if isinstance(x, Mapping) for pair in x.items())


def _kind(label: Any) -> str:
    if isinstance(label, str | bytes):
        return "text"
    return "number" if isinstance(label, int | float | np.number | np.bool_) else type(label).__name__


def _some(names: Iterable[str], count: int = 0) -> str:
    """Return the first names of ``count``, by default of those given, and how many there are more."""
    names = iter(names)
    shown = ", ".join(islice(names, _SHOWN))
    more = count - _SHOWN if count > _SHOWN else sum(1 for _ in names)
    return f"{shown} and {more:,} more" if more else shown
