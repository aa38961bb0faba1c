"""Convert labels and probabilities for output, and merge predictions made with different sets of classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import TargetError
from headwater.streams.readers.frame_rows import is_frame
from headwater.types import Predictions, nw


def as_labels(labels: Sequence[Any]) -> NDArray[Any]:
    """Return labels as an array of numbers or texts if all have one type, else of objects."""
    kinds = set(map(type, labels))
    if len(kinds) == 1 and kinds <= {int, float, bool, str}:
        return np.array(labels)
    out = np.empty(len(labels), object)
    out[:] = labels
    return out


def beside(X: Any, values: NDArray[Any], name: str) -> Any:
    """Return predictions as a series of the data frame's library with its index, or unchanged for other rows."""
    if not is_frame(X):
        return values
    frame = nw.from_native(X, eager_only=True)
    column, index = nw.new_series(name, values.tolist(), backend=frame.implementation), nw.maybe_get_index(frame)
    return nw.to_native(column if index is None else nw.maybe_set_index(column, index=index))


def table_beside(X: Any, p: NDArray[Any], classes: Sequence[Any]) -> Any:
    """Return probabilities (n, k) as a frame with a column per class for data frame rows, else unchanged."""
    if not is_frame(X):
        return p
    frame = nw.from_native(X, eager_only=True)
    index = nw.maybe_get_index(frame)
    keep_labels = frame.implementation.is_pandas()  # other libraries allow only text column names
    if keep_labels:
        return type(X)(p, columns=list(classes), index=index)
    table = nw.from_dict({str(label): p[:, j] for j, label in enumerate(classes)}, backend=frame.implementation)
    return nw.to_native(table)


def join_stretches(classes: list[Any], dtype: str, parts: list[NDArray[Any]]) -> Predictions:
    """Merge the predictions between new classes, giving later classes probability 0 in earlier rows."""
    labels: list[Any] = []
    for part in parts:
        known = part.shape[1]
        largest = part[:, 1] > part[:, 0] if known == 2 else part.argmax(1) if known else None  # the first of ties
        labels += [None] * len(part) if largest is None else map(classes.__getitem__, largest.tolist())
    if len(parts) == 1 and known == len(classes) and part.dtype == dtype:
        return Predictions(labels, parts[0], tuple(classes))
    proba = np.zeros((len(labels), len(classes)), dtype)
    at = 0
    for part in parts:
        proba[at : at + len(part), : part.shape[1]] = part
        at += len(part)
    return Predictions(labels, proba, tuple(classes))


def stretches(
    labels: Sequence[Any], good: NDArray[np.bool_], known: Mapping[Any, int], part: slice
) -> Iterator[tuple[slice, bool]]:
    """Split rows so that each row with a new class is alone, while ``known`` grows.

    Yields a slice of rows, and whether it is the single row of a new class.
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


RARE = -6.0
"""Lower bound of a new class's bias ln(1/(t + k)), where e⁻⁶ is 1 in 400."""


def third_class(classes: list[Any], label: Any) -> TargetError:
    """Return the error for a third class in a net with one output."""
    return TargetError(
        expected=f"one of the two classes {classes!r}",
        got=repr(label),
        at="y",
        help="The loss 'binary_cross_entropy' has two classes. Use loss='cross_entropy' for more.",
    )


def probabilities_of(forecast: Predictions, y: Sequence[Any]) -> tuple[list[float], list[float]]:
    """Return the predicted probabilities of each label and of each prediction, 0 where undefined."""
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
