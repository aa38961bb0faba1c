"""In which order ``fit`` learns its rows, and how often: by what they hold, not by where they stand.

To scikit-learn a row of weight 3 is that row three times, and the order of rows means nothing. What is learned online
depends on the order. So ``fit`` draws the order of its steps from the contents of the rows and the seed: each step has a
key, a hash of the row and of which of its copies it is, and an epoch sorts the keys hashed again. Whoever means the order
of a stream calls ``partial_fit``.
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

Keys = NDArray[np.uint64]
COPIES = 16
"""For its weight a row is learned at most this often an epoch; a larger weight makes these steps heavier instead."""
FAINT = 1e-12
"""A rest of a weight below this is rounding."""
MISSING = np.uint64(0x7FF8000000000000)
"""The bits of NaN, one of many."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of an epoch, in no order yet.

    Parameters
    ----------
    rows : ndarray (steps,)
        Which row each step learns.
    weights : ndarray (steps,)
        How heavily.
    keys : ndarray (steps,)
        What the order is drawn from.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    keys: Keys

    def order(self, epoch: int, seed: int) -> NDArray[np.int64]:
        """Return the order of the steps in that epoch."""
        return np.argsort(mix(mix(self.keys, seed % 2**64), epoch), kind="stable")


def steps_of(X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> Steps:
    """Return the steps of an epoch: row i as often as its weight says, equal rows as one row of the sum of their weights.

    Parameters
    ----------
    X : ndarray, SparseRows, data frame or list of dicts
        n rows.
    y : ndarray (n, outputs)
        Their answers.
    weights : ndarray (n,), optional
        Their weights; a row of weight 0 is left out.

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
    """Hash keys together with one part more, element by element (the finaliser of SplitMix64, Steele et al. 2014)."""
    z = np.atleast_1d(np.asarray(keys, np.uint64) ^ np.asarray(part).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)


def keys_of(X: Any, y: NDArray[Any]) -> Keys:
    """Return a hash of each row (n,) with its answers y (n, outputs)."""
    keys = np.zeros(len(y), np.uint64)
    for column in _columns(X):
        keys = mix(keys, column)
    for answers in y.T:
        keys = mix(keys, _bits(answers) if answers.dtype.kind in "biuf" else _hashes(answers.tolist()))
    return keys


def _columns(X: Any) -> Iterator[Keys]:
    """Yield the columns of a table as one number of 64 bits for each row."""
    if isinstance(X, np.ndarray):
        yield from (_bits(column) for column in X.T)
    elif isinstance(X, SparseRows):
        # the sum over a row's entries, as a difference of sums over all of them: modulo 2⁶⁴ nothing is lost
        so_far = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mix(mix(0, X.columns), _bits(X.values)))])
        yield so_far[X.ends[1:]] - so_far[X.ends[:-1]]
    elif isinstance(X, Sequence):
        yield _hashes(X)
    else:
        yield from map(_column, nw.from_native(X, eager_only=True).iter_columns())


def _column(series: Any) -> Keys:
    """Return a column of a data frame as one number for each row; equal values give equal numbers."""
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
    """Return numbers as their bits, 0 and −0 as one, and so all NaN."""
    x = x.astype(np.float64) + 0.0
    return np.where(np.isnan(x), MISSING, x.view(np.uint64))


def _hashes(values: Sequence[Any]) -> Keys:
    """Return a hash of each value, by how it is written."""
    digests = (blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).digest() for value in values)
    return np.frombuffer(b"".join(digests), np.uint64)
