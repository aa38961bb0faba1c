"""Rank features by the distance of their distributions between two samples.

References
----------
Kolmogorov 1933, Smirnov 1948 (the distance of two samples).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.route.verdict.numbers import figure
from headwater.types import as_mapping

__all__ = ["Change", "changes"]

_RARE = 5  # categories with fewer occurrences in both samples are merged, because their shares differ by chance
_FEW = 20  # minimum rows of each sample


@dataclass(frozen=True, slots=True)
class Change:
    """Distribution change of one feature.

    Parameters
    ----------
    name
        The feature.
    distance
        From 0 (identical) to 1 (disjoint). For numbers this is the Kolmogorov–Smirnov distance, the largest difference of the two
        distribution functions. For categories it is the total variation distance, half the sum of |share before − share now|,
        with rare ones merged. Missing counts as a value.
    text
        Description of the change.

    Examples
    --------
    >>> Change("temp", 0.8, "mean 12 → 25").name
    'temp'
    """

    name: Any
    distance: float
    text: str


def changes(before: Sequence[Any], now: Sequence[Any]) -> list[Change]:
    """Rank features by the distance of their distributions.

    Parameters
    ----------
    before, now
        Rows of two periods, as dicts or arrays of shape (features,).

    Returns
    -------
    list of Change
        Sorted by distance, largest first. Empty if either sample has fewer than 20 rows.

    Examples
    --------
    >>> before = [{"temp": t, "sky": "clear"} for t in range(30)]
    >>> now = [{"temp": t, "sky": "fog" if t % 2 else "clear"} for t in range(30)]
    >>> [(change.name, change.distance) for change in changes(before, now)]
    [('sky', 0.5), ('temp', 0.0)]
    """
    if min(len(before), len(now)) < _FEW:
        return []
    old, new = [as_mapping(x) for x in before], [as_mapping(x) for x in now]
    names = dict.fromkeys(name for x in (*old, *new) for name in x)
    ranked = [_change(name, [x.get(name) for x in old], [x.get(name) for x in new]) for name in names]
    return sorted(ranked, key=lambda change: -change.distance)


def _change(name: Any, old: list[Any], new: list[Any]) -> Change:
    a, b = _finite(old), _finite(new)
    gone = abs(len(a) / len(old) - len(b) / len(new))
    if a and b and all(value is None or isinstance(value, Real) for value in (*old, *new)):
        distance = _ks(np.sort(a), np.sort(b))
        text = f"mean {figure(float(np.mean(a)))} → {figure(float(np.mean(b)))}"
        if gone > distance:
            return Change(name, gone, f"missing {1 - len(a) / len(old):.0%} → {1 - len(b) / len(new):.0%}")
        return Change(name, distance, text)
    seen = Counter(map(str, (*old, *new)))
    before, now = (Counter(text if seen[text] >= _RARE else "rare ones" for text in map(str, x)) for x in (old, new))
    shift = {value: now[value] / len(new) - before[value] / len(old) for value in before | now}
    most = max(shift, key=lambda value: abs(shift[value]))
    text = f"{most} {before[most] / len(old):.0%} → {now[most] / len(new):.0%}"
    return Change(name, 0.5 * sum(map(abs, shift.values())), text)


def _ks(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the Kolmogorov–Smirnov distance of two sorted samples."""
    at = np.concatenate([a, b])
    gaps = np.searchsorted(a, at, side="right") / len(a) - np.searchsorted(b, at, side="right") / len(b)
    return float(np.abs(gaps).max())


def _finite(values: Sequence[Any]) -> list[float]:
    return [float(value) for value in values if isinstance(value, Real) and math.isfinite(value)]
