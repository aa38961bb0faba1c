"""Classes on their way out: labels as arrays, and one forecast from stretches that knew different classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.encode.frames import is_frame
from headwater.errors import TargetError
from headwater.types import Predictions


def as_labels(labels: Sequence[Any]) -> NDArray[Any]:
    """Return labels as an array: of numbers or texts if they all are, else of objects."""
    kinds = set(map(type, labels))
    if len(kinds) == 1 and kinds <= {int, float, bool, str}:
        return np.array(labels)
    out = np.empty(len(labels), object)
    out[:] = labels
    return out


def beside(X: Any, values: NDArray[Any], name: str) -> Any:
    """Return predictions of the rows of a data frame as a column of its library, with its index; of other rows as they are."""
    if not is_frame(X):
        return values
    frame = nw.from_native(X, eager_only=True)
    column, index = nw.new_series(name, values.tolist(), backend=frame.implementation), nw.maybe_get_index(frame)
    return nw.to_native(column if index is None else nw.maybe_set_index(column, index=index))


def table_beside(X: Any, p: NDArray[Any], classes: Sequence[Any]) -> Any:
    """Return probabilities (n, k) of the rows of a data frame as a frame, a column for each class; of others as they are."""
    if not is_frame(X):
        return p
    frame = nw.from_native(X, eager_only=True)
    index = nw.maybe_get_index(frame)
    keep_labels = frame.implementation.is_pandas()  # others name columns by texts only
    if keep_labels:
        return type(X)(p, columns=list(classes), index=index)
    table = nw.from_dict({str(label): p[:, j] for j, label in enumerate(classes)}, backend=frame.implementation)
    return nw.to_native(table)


def join_stretches(classes: list[Any], dtype: str, parts: list[NDArray[Any]]) -> Predictions:
    """Return one forecast from the stretches between new classes; a later class has probability 0 in earlier ones."""
    proba = np.zeros((sum(map(len, parts)), len(classes)), dtype)
    at = 0
    labels: list[Any] = []
    for part in parts:
        proba[at : at + len(part), : part.shape[1]] = part
        at += len(part)
        labels += map(classes.__getitem__, _largest(part).tolist()) if part.shape[1] else [None] * len(part)
    return Predictions(labels, proba, tuple(classes))


def _largest(p: NDArray[Any]) -> NDArray[Any]:
    """Return in which column each row is largest, the first of equal ones; two columns are compared side by side."""
    return p[:, 1] > p[:, 0] if p.shape[1] == 2 else p.argmax(1)


def stretches(
    labels: Sequence[Any], good: NDArray[np.bool_], known: Mapping[Any, int], part: slice
) -> Iterator[tuple[slice, bool]]:
    """Cut some rows so that each that brings a new class stands alone; ``known`` grows meanwhile.

    Yields rows, and whether it is the one row of a new class.
    """
    start, n = part.start, part.stop
    settled = bool(good[part].all()) and known.keys() >= set(labels[part])
    while start < n:
        if not settled and good[start] and labels[start] not in known:
            yield slice(start, start + 1), True
            start += 1
        stop = n if settled else start
        while stop < n and (not good[stop] or labels[stop] in known):
            stop += 1
        if stop > start:
            yield slice(start, stop), False
        start = stop


def third_class(classes: list[Any], label: Any) -> TargetError:
    """Return what is to be raised when a net with one output, which tells two classes, is given a third one."""
    return TargetError(
        expected=f"one of the two classes {classes!r}",
        got=repr(label),
        at="y",
        help="The loss 'binary_cross_entropy' has two classes; use loss='cross_entropy' for more.",
    )


def probabilities_of(forecast: Predictions, y: Sequence[Any]) -> tuple[list[float], list[float]]:
    """Return the probabilities that were given to each label and to what was predicted; zeros where none were given."""
    if forecast.proba is None or not forecast.classes:
        return [0.0] * len(y), [0.0] * len(y)
    column = {label: j for j, label in enumerate(forecast.classes)}
    rows: list[list[float]] = forecast.proba.tolist()
    p_y = [row[column[label]] if label in column else 0.0 for row, label in zip(rows, y, strict=True)]
    return p_y, list(map(max, rows))


def values_of(forecast: Predictions) -> list[Any]:
    """Return predictions as plain values."""
    values: Any = forecast.y_pred
    return list(values) if isinstance(values, list | tuple) else list(values.tolist())
