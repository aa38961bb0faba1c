"""Features of a row that depend on no other row.

A number with bounds has the weights of its two nearest knots, v and 1 − v, on a grid between the bounds. A number without bounds has
the same on a grid of asinh(x), hashed like a name into a fixed table. A text or a truth is the bucket of its column and value. All
of a row together have norm 1, so a row's gradient is no longer than its error.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater import _core
from headwater.encode.values import FLOAT, MANY, MAPPING, MISSING, TEXT, WHEN, as_float, as_text, as_time, kind_of
from headwater.privacy.settings import Privacy

__all__ = ["Entries", "Rows"]

_A_UNIT = 4
"""Knots in a unit of asinh(x)."""
_KEPT = 100_000
"""Hashed names that are remembered, which changes no result."""


class Rows:
    """Entries of several rows, as the core reads them.

    Parameters
    ----------
    features, values, ends : ndarray
        Entries (feature, value) of all rows, and where those of each row end.
    """

    def __init__(self, features: NDArray[np.int64], values: NDArray[np.float64], ends: NDArray[np.int64]) -> None:
        self.features, self.values, self.ends = features, values, ends

    @classmethod
    def of(cls, rows: Sequence[list[tuple[int, float]]]) -> Rows:
        """Join the entries of rows."""
        entries = list(chain.from_iterable(rows))
        features, values = zip(*entries, strict=True) if entries else ((), ())
        ends = np.cumsum(np.array([len(row) for row in rows], np.int64), dtype=np.int64)
        return cls(np.array(features, np.int64), np.array(values, np.float64), ends)

    def __len__(self) -> int:
        return len(self.ends)


class Entries:
    """Turn rows into entries by public settings alone.

    Parameters
    ----------
    privacy : Privacy
        Bounds, knots and buckets.
    """

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self._scales = {name: self._scale(at, given) for at, (name, given) in enumerate(privacy.bounds.items())}
        self._hashed = 1 + privacy.knots * len(privacy.bounds)
        self.features = self._hashed + privacy.buckets
        """Number of features."""
        self._buckets: dict[tuple[Any, Any], int] = {}

    def _scale(self, at: int, given: Sequence[Any]) -> tuple[int, float, float, bool]:
        log = len(given) > 2
        low, high = (_asinh(float(end)) if log else float(end) for end in given[:2])
        return 1 + self._privacy.knots * at, low, high, log

    def rows(self, X: Sequence[Mapping[Any, Any]]) -> Rows:
        """Return the entries of rows."""
        return Rows.of([self.of(x) for x in X])

    def of(self, x: Mapping[Any, Any]) -> list[tuple[int, float]]:
        """Return the entries of a row, scaled to norm 1."""
        found = self._joined(self._raw(x))
        norm = _norm(found)
        return [(feature, value / norm) for feature, value in found.items()] if norm else []

    def by_column(self, x: Mapping[Any, Any]) -> dict[Any, list[tuple[int, float]]]:
        """Return the entries of each column, scaled as those of the whole row are."""
        raw = self._raw(x)
        norm = _norm(self._joined(raw)) or 1.0
        return {name: [(feature, value / norm) for feature, value in own] for name, own in raw.items()}

    def _raw(self, x: Mapping[Any, Any]) -> dict[Any, list[tuple[int, float]]]:
        """Return the entries of each column but the user's."""
        user = self._privacy.user
        return {name: list(self._of(name, value)) for name, value in x.items() if user is None or name != user}

    def _joined(self, raw: Mapping[Any, list[tuple[int, float]]]) -> dict[int, float]:
        """Return the value of each feature, of which two columns may share one."""
        found = {0: 1.0} if self._privacy.intercept else dict[int, float]()
        for own in raw.values():
            for feature, value in own:
                found[feature] = found.get(feature, 0.0) + value
        return found

    def _of(self, name: Any, value: Any) -> Iterator[tuple[int, float]]:
        if type(value) is float or type(value) is int:
            kind = FLOAT if value == value else MISSING
        elif type(value) is bool or type(value) is np.bool_:
            kind, value = TEXT, str(bool(value))
        else:
            kind = kind_of(value)
        if kind == FLOAT:
            yield from self._number(name, as_float(value))
        elif kind == TEXT:
            yield self._bucket(name, as_text(value)), 1.0
        elif kind == WHEN:
            when = as_time(value)
            if when is not None:
                yield from self._number(name, when.replace(tzinfo=UTC).timestamp())  # as written, wherever it runs
        elif kind == MANY:
            for i, one in enumerate(np.ravel(np.asarray(value, object)).tolist()):
                yield from self._of(f"{name}.{i}", one)
        elif kind == MAPPING:
            for key, one in value.items():
                yield from self._of(f"{name}.{key}", one)

    def _number(self, name: Any, value: float) -> Iterator[tuple[int, float]]:
        scale = self._scales.get(name)
        if scale is None:
            at = _asinh(min(max(value, -1e30), 1e30)) * _A_UNIT
            low = math.floor(at)
            yield self._bucket(name, low), 1.0 - (at - low)
            yield self._bucket(name, low + 1), at - low
            return
        first, low_end, high_end, log = scale
        value = _asinh(min(max(value, -1e30), 1e30)) if log else value
        share = min(max((value - low_end) / (high_end - low_end), 0.0), 1.0) * (self._privacy.knots - 1)
        knot = min(int(share), self._privacy.knots - 2)
        yield first + knot, 1.0 - (share - knot)
        yield first + knot + 1, share - knot

    def _bucket(self, name: Any, value: Any) -> int:
        found = self._buckets.get((name, value))
        if found is None:
            if len(self._buckets) >= _KEPT:
                self._buckets.clear()
            digest = hashlib.blake2b(repr((str(name), value)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
            found = self._hashed + int.from_bytes(digest, "little") % self._privacy.buckets
            self._buckets[name, value] = found
        return found


def _norm(found: Mapping[int, float]) -> float:
    return math.sqrt(sum(value * value for value in found.values()))


def _asinh(x: float) -> float:
    """Return asinh(x) with the same bits on every machine."""
    size = _core.logarithm(abs(x) + math.sqrt(x * x + 1.0))
    return size if x >= 0 else -size
