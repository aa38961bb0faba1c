"""Classes on their way out: labels as arrays, and one forecast from stretches that knew different classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
