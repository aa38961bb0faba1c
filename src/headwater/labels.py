"""Classes on their way out: labels as arrays, and one forecast from stretches that knew different classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import TargetError
from .types import Forecast


def as_labels(labels: Sequence[Any]) -> NDArray[Any]:
    """Return labels as an array: of numbers or texts if they all are, else of objects."""
    kinds = {type(label) for label in labels}
    if len(kinds) == 1 and kinds <= {int, float, bool, str}:
        return np.array(labels)
    out = np.empty(len(labels), object)
    out[:] = labels
    return out


def join_stretches(classes: list[Any], dtype: str, parts: list[NDArray[Any]]) -> Forecast:
    """Return one forecast from the stretches between new classes; a later class has probability 0 in earlier ones."""
    proba = np.zeros((sum(map(len, parts)), len(classes)), dtype)
    at = 0
    labels: list[Any] = []
    for part in parts:
        proba[at : at + len(part), : part.shape[1]] = part
        at += len(part)
        labels += [classes[i] for i in part.argmax(1).tolist()] if part.shape[1] else [None] * len(part)
    return Forecast(labels, proba, tuple(classes))


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


def both(p: NDArray[Any], classes: int) -> NDArray[Any]:
    """Return the probabilities of both classes, (n, 2), from those of the second, (n, 1); of one class alone it is 1."""
    return np.hstack([1 - p, p]) if classes > 1 else np.ones_like(p)


def third_class(classes: list[Any], label: Any) -> TargetError:
    """Return what is to be raised when a net with one output, which tells two classes, is given a third one."""
    return TargetError(
        expected=f"one of the two classes {classes!r}",
        got=repr(label),
        at="y",
        help="The loss 'binary_cross_entropy' has two classes; use loss='cross_entropy' for more.",
    )
