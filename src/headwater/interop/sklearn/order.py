"""Order in which ``fit`` learns its rows, drawn from their contents instead of their positions.

scikit-learn requires that a row of weight 3 equals that row three times and that the order of rows has no effect. Online
learning depends on the order. So ``fit`` draws the order of its steps from the contents of the rows and the seed. Each step
has a key, a hash of the row and its copy number, and an epoch sorts the keys hashed again. To learn a stream in its own
order, call ``partial_fit``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.encode.columns import Coded, Times, Unusable, read
from headwater.encode.sparse import SparseRows
from headwater.plain.network.random import mix64

Keys = NDArray[np.uint64]
COPIES = 16
"""Maximum copies of a row per epoch. A larger weight makes these steps heavier instead."""
FAINT = 1e-12
"""A remainder of a weight below this is rounding."""
MISSING = np.uint64(0x7FF8000000000000)
"""The bits of NaN, so that all NaN payloads hash alike."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The unordered learning steps of an epoch.

    Parameters
    ----------
    rows : ndarray (steps,)
        Row index of each step.
    weights : ndarray (steps,)
        Weight of each step.
    keys : ndarray (steps,)
        Hash keys that the order is drawn from.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    keys: Keys

    def order(self, epoch: int, seed: int) -> NDArray[np.int64]:
        """Return the order of the steps in an epoch."""
        return np.argsort(mix(mix(self.keys, seed % 2**64), epoch), kind="stable")


def steps_of(X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> Steps:
    """Return the steps of an epoch, repeating each row by its weight and merging equal rows.

    Parameters
    ----------
    X : ndarray, SparseRows, data frame or list of dicts
        n rows.
    y : ndarray (n, outputs)
        Their answers.
    weights : ndarray (n,), optional
        Their weights. Rows of weight 0 are left out.

    Examples
    --------
    >>> X, y = np.array([[5.0], [7.0], [5.0]]), np.array([[0], [1], [0]])
    >>> steps = steps_of(X, y, np.array([1.0, 2.5, 1.0]))
    >>> sorted(X[steps.rows, 0].tolist()), sorted(steps.weights.tolist())
    ([5.0, 5.0, 7.0, 7.0, 7.0], [0.5, 1.0, 1.0, 1.0, 1.0])
    """
    keys = keys_of(X, y)
    weights = np.ones(len(y)) if weights is None else weights
    order = np.argsort(keys, kind="stable")
    order = order[weights[order] > 0]
    ranked = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(order)])
    if not len(starts):
        return Steps(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint64))
    total = np.add.reduceat(weights[order], starts)
    most = COPIES * np.diff([*starts, len(order)])
    heavy = total > most
    whole = np.where(heavy, most, np.floor(total + FAINT)).astype(np.int64)
    rest = np.where(heavy, 0.0, total - whole)
    partly = np.flatnonzero(rest > FAINT)
    group = np.concatenate([np.repeat(np.arange(len(starts)), whole), partly])
    copy = np.arange(whole.sum()) - np.repeat(np.cumsum(whole) - whole, whole)
    each = np.concatenate([np.repeat(np.where(heavy, total / most, 1.0), whole), rest[partly]])
    copies = np.concatenate([copy, whole[partly]])
    return Steps(order[starts][group], each, mix(ranked[starts][group], copies))


def mix(keys: Any, part: Any) -> Keys:
    """Hash keys with one more part, element by element (the finalizer of SplitMix64, Steele et al. 2014)."""
    z = np.atleast_1d(np.asarray(keys, np.uint64) ^ np.asarray(part).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(mix64(z), np.uint64)


def keys_of(X: Any, y: NDArray[Any]) -> Keys:
    """Return a hash (n,) of each row with its labels y (n, outputs)."""
    keys = np.zeros(len(y), np.uint64)
    for column in _columns(X):
        keys = mix(keys, column)
    for answers in y.T:
        keys = mix(keys, _bits(answers) if answers.dtype.kind in "biuf" else _hashes(answers.tolist()))
    return keys


def _columns(X: Any) -> Iterator[Keys]:
    """Yield each column of a table as one 64-bit number per row."""
    if isinstance(X, np.ndarray):
        yield from (_bits(column) for column in X.T)
    elif isinstance(X, SparseRows):
        # Sum over a row's entries as a difference of cumulative sums. Arithmetic modulo 2⁶⁴ makes this exact.
        so_far = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mix(mix(0, X.columns), _bits(X.values)))])
        yield so_far[X.ends[1:]] - so_far[X.ends[:-1]]
    elif isinstance(X, Sequence):
        yield _hashes(X)
    else:
        yield from map(_column, nw.from_native(X, eager_only=True).iter_columns())


def _column(series: Any) -> Keys:
    """Return a data frame column as one 64-bit number per row, equal for equal values."""
    column = read(series)
    if isinstance(column, np.ndarray):
        return _bits(column)
    if isinstance(column, Coded):
        return np.asarray(np.append(_hashes(column.values), MISSING)[column.codes])
    if isinstance(column, Times):
        return np.where(column.missing, MISSING, column.utc.view(np.uint64))
    if isinstance(column, Unusable):
        return np.zeros(len(column.present), np.uint64)
    return _hashes(series.to_list())


def _bits(x: NDArray[Any]) -> Keys:
    """Return the bits of numbers, with −0 as 0 and all NaN alike."""
    x = x.astype(np.float64) + 0.0
    return np.where(np.isnan(x), MISSING, x.view(np.uint64))


def _hashes(values: Sequence[Any]) -> Keys:
    """Return a hash of each value's repr."""
    digests = (blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).digest() for value in values)
    return np.frombuffer(b"".join(digests), np.uint64)
