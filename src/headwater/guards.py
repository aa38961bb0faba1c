"""Guards: answers and weights that cannot be learned are refused, counted by reason, and nothing learned is lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from .encode.frames import is_frame
from .encode.sparse import SparseRows
from .encode.values import FLOAT, as_float, kind_of, missing
from .errors import DataError

FARTHEST = 1e30
"""An answer beyond this is no answer."""
HEAVIEST = 1e15
"""A weight beyond this is none: the square of a gradient times it would be infinite, and a moment that is never finite again."""

_PLAIN = frozenset((str, int, bool, bytes))
"""Types that are hashable and never NaN: they need no second look."""

REASONS: dict[str, str] = {
    "target": "the answer is missing, can't be a class, or is no number, no count or beyond 1e30 where that is needed",
    "weight": "the weight of the sample is negative, beyond 1e15, or not a number",
    "empty": "the sample has no entry that is a finite number or a name",
    "infinite": "an infinite value, read as missing",
    "huge": "a value beyond 1e30, read as 1e30",
    "far": "a value more than ten deviations off its column's mean; it moves the statistics as if it lay there, and a thousand off "
    "it says nothing",
    "far_target": "an answer more than ten deviations off the mean; it moves the statistics as if it lay there",
    "type": "a value of a type that is no feature, read as missing",
    "overflow": "the net's output was not finite; the row was not learned",
    "diverged": "a step after which its own row cost far more; it was undone and the step size halved for a while",
}
"""What each reason in ``rejected`` means. The first three refuse the row, so that not even its names are added (but for
"empty", which has none); the next five clip or drop a value; the last two guard the step.
"""


def check_rows(X: Any) -> int:
    """Return the number of rows, if X is a list of mappings, a 2-d array or a data frame."""
    if isinstance(X, SparseRows) or (isinstance(X, np.ndarray) and X.ndim == 2):
        return len(X)
    if isinstance(X, Sequence) and not isinstance(X, str | bytes):
        for i, x in enumerate(X):
            if not isinstance(x, Mapping):
                raise DataError(
                    expected="a mapping of names to values",
                    got=type(x).__name__,
                    at=f"sample {i}",
                    help="Give a dict, or arrays to learn_many.",
                )
        return len(X)
    if is_frame(X):
        return len(X)
    raise DataError(
        expected="a list of dicts, a 2-d array or a data frame",
        got=f"{X.ndim}-d array" if isinstance(X, np.ndarray) else type(X).__name__,
        at="X",
        help="For one sample use learn_one.",
    )


def check_pairs(X: Any, y: Sequence[Any] | NDArray[Any], ask: Any) -> int:
    """Return the number of rows, if X, y and the rows to predict agree on it."""
    n = check_rows(X)
    if len(y) != n:
        raise DataError(expected=f"{n} answers for {n} rows", got=str(len(y)), at="y", help="Give one answer a row.")
    if ask is not None and check_rows(ask) != n and n:
        raise DataError(
            expected=f"{n} rows to predict for {n} rows",
            got=str(len(ask)),
            at="ask",
            help="Give one for each, or none to learn.",
        )
    return n


def as_answers(y: Any) -> Sequence[Any] | NDArray[Any]:
    """Return answers as an array, or as a list of Python's own values."""
    if isinstance(y, np.ndarray | list | tuple):
        return y
    column = nw.from_native(y, series_only=True, pass_through=True)
    if isinstance(column, nw.Series):
        return column.to_list()
    if isinstance(y, str | bytes) or not isinstance(y, Sequence):
        raise DataError(
            expected="a list, an array or a column of answers",
            got=type(y).__name__,
            at="y",
            help="For one sample use learn_one.",
        )
    return list(y)


def check_labels(y: Sequence[Any], rejected: Counter[str]) -> NDArray[np.bool_]:
    """Say which answers can be classes: hashable, and neither None nor NaN."""
    kinds = set(map(type, y))
    if kinds <= _PLAIN:
        return np.ones(len(y), bool)
    floats = kinds == {float}
    good = ~np.isnan(y) if floats else np.array([not missing(label) and _hashable(label) for label in y], bool)
    rejected["target"] += int((~good).sum())
    return good


def check_numbers(
    y: Sequence[Any] | NDArray[Any], least: float, most: float, rejected: Counter[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return answers as floats, and which of them are numbers from ``least`` to ``most``."""
    values = _numbers(y)
    good = (values >= least) & (values <= most)  # False for NaN
    rejected["target"] += int((~good).sum())
    values[~good] = 0.0
    return values, good


def check_weights(w: Any, n: int, rejected: Counter[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return weights (n,), with 0 for those that can't be, and which can."""
    if w is None:
        return np.ones(n), np.ones(n, bool)
    weights = np.full(n, w, np.float64) if isinstance(w, int | float) else _numbers(as_answers(w))
    if len(weights) != n:
        raise DataError(expected=f"{n} weights for {n} rows", got=str(len(weights)), at="w", help="Give one a row.")
    good = (weights >= 0) & (weights <= HEAVIEST)
    rejected["weight"] += int((~good).sum())
    weights[~good] = 0.0
    return weights, good


def _hashable(label: Any) -> bool:
    """Say whether a label can be looked up; a tuple that holds a list can't, whatever its type says."""
    try:
        hash(label)
    except TypeError:
        return False
    return True


def _numbers(y: Sequence[Any] | NDArray[Any]) -> NDArray[np.float64]:
    """Return a copy as floats (n,), NaN for what is no number; a text is none, whatever it reads as."""
    try:
        array = np.asarray(y)
    except (ValueError, OverflowError):  # a ragged list
        array = np.zeros(0, object)
    flat = array.ndim == 1 or (isinstance(y, np.ndarray) and array.size == len(y))  # one column of an array is a list
    if array.dtype.kind in "fiub" and array.dtype.itemsize <= 8 and flat:
        return np.array(array, np.float64).reshape(len(y))
    plain = [v[()] if isinstance(v, np.ndarray) and v.ndim == 0 else v for v in y]
    return np.array([as_float(v) if kind_of(v) == FLOAT else math.nan for v in plain], np.float64)
