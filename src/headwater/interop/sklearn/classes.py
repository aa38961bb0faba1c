"""Classes of an estimator, sorted as scikit-learn has them, and those of a learner, in their order of appearance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def in_order(scores: NDArray[Any], classes: Sequence[Any], known: NDArray[Any], never: float) -> NDArray[Any]:
    """Return the columns of scores (n, k) of a learner's classes in the order of the known ones, ``never`` for the others.

    Examples
    --------
    >>> in_order(np.array([[0.9, 0.1]]), ["b", "a"], np.array(["a", "b", "c"]), 0.0).tolist()
    [[0.1, 0.9, 0.0]]
    """
    place = {label: i for i, label in enumerate(classes)}
    at = [place.get(label, -1) for label in known.tolist()]
    return np.asarray(np.hstack([scores, np.full((len(scores), 1), never)])[:, at])


def with_classes(known: NDArray[Any], y: NDArray[Any], *, declared: bool) -> NDArray[Any]:
    """Return the sorted union of the known classes and those of y.

    Raises
    ------
    ValueError
        If all classes were declared and y has others, or if the types can't be sorted together.
    """
    new = np.setdiff1d(y, known) if known.dtype.kind == y.dtype.kind or not len(known) else y
    if declared and len(new):
        raise ValueError(f"y has classes {new.tolist()} not in the declared classes {known.tolist()} — at y.")
    if len(known) and known.dtype.kind != y.dtype.kind and {known.dtype.kind, y.dtype.kind} - set("biuf"):
        raise ValueError(f"expected classes like {known[0]!r}, got {y[0]!r} — at y. Use labels of one type.")
    return np.union1d(known, new)
