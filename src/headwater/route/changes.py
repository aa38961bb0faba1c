"""Rank features by the distance of their distributions between two samples, and find where a sample in order of time changed.

References
----------
Kolmogorov 1933, Smirnov 1948 (the distance of two samples).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_time, missing
from headwater.route.verdict.numbers import figure
from headwater.types import as_mapping

__all__ = ["Change", "ChangePoint", "change_point", "changes", "is_block"]

_RARE = 5  # categories with fewer occurrences in both samples are merged, because their shares differ by chance
_FEW = 20  # minimum rows of each sample
_CERTAIN, _NAMED = 5.5, 4.0  # deviations at which rows count as changed somewhere, and a series as changed there
_COMMON = 10  # rows with a name, and without it, that its series needs: fewer lie on one side of a split by chance
_CLOCK = 0.95  # numbers whose ranks correlate so much with the time are clocks and counters
_MOST_COLUMNS = 1_000
_NAMES, _LABELS = 20, 4  # most common names of a column, and of the label, that are looked at


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


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Where rows changed most, and in what.

    Parameters
    ----------
    at
        Index of the first row after the change.
    columns
        Columns with another distribution from there on, the most certain first.
    relations
        Columns that go with other labels from there on, though their own distribution is as before, the most certain first.
    label
        Whether labels have another distribution from there on.
    z
        Deviations of these columns.
    """

    at: int
    columns: tuple[Any, ...]
    relations: tuple[Any, ...]
    label: bool
    z: dict[Any, float]


def change_point(rows: Sequence[Any], y: Sequence[Any]) -> ChangePoint | None:
    """Return where rows in order of time changed, or None if they may well be of one distribution.

    Each column is read as ranks, or as an indicator of each of its names, and each column together with the label as the product
    of both about their means. For such a series v and a split after row k,

    z = |Σ_{i ≤ k} (vᵢ − v̄)| / (s·√(k(n − k)/n)),

    with the standard deviation s. The split is that of the largest z. Rows changed if that is at least 5.5, in all series with at
    least 4 there. Dates, and numbers that grow with time, are clocks and are left out, as are columns of fewer than ten rows. Of more
    than 1,000 columns those are read that most rows have.

    Parameters
    ----------
    rows
        Rows as dicts or arrays of shape (features,), at least 60.
    y
        Their labels (n,), classes or numbers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = [{"temp": t, "noise": e} for t, e in rng.normal(size=(200, 2))]
    >>> y = [(x["temp"] > 0) == (i < 120) for i, x in enumerate(rows)]  # from row 120 on the other way round
    >>> found = change_point(rows, y)
    >>> 115 < found.at < 125, found.columns, found.relations
    (True, (), ('temp',))

    References
    ----------
    Page 1955; Csörgő & Horváth 1997, *Limit theorems in change-point analysis*.
    """
    if len(rows) < 3 * _FEW:
        return None
    maps = [as_mapping(x) for x in rows]
    names = _common_names(maps)
    own = [(name, one) for name in names for one in _series([x.get(name) for x in maps])]
    label = [(None, one) for one in _series(list(y))]
    joint = [(name, centred * answer) for name, centred in own for _, answer in label[:_LABELS]]
    if not own:
        return None
    z = _deviations(np.array([one for _, one in (*own, *label, *joint)]))
    at = int(z.max(0).argmax())
    if z[:, at].max() < _CERTAIN:
        return None
    of_own, of_label, of_joint = np.split(z[:, at], [len(own), len(own) + len(label)])
    alone = _largest(own, of_own)
    together = {name: one for name, one in _largest(joint, of_joint).items() if name not in alone}
    return ChangePoint(at + _FEW, tuple(alone), tuple(together), bool(_largest(label, of_label)), {**alone, **together})


def _common_names(rows: Sequence[Mapping[Any, Any]]) -> list[Any]:
    """Return the names that enough rows have for a series, at most the 1,000 most common, in order of appearance."""
    counts = Counter[Any]()
    for x in rows:  # one by one, since other threads wait while a row's names are counted
        counts.update(x.keys())
    common = [name for name, count in counts.items() if count >= _COMMON]
    if len(common) > _MOST_COLUMNS:
        chosen = set(sorted(common, key=counts.__getitem__, reverse=True)[:_MOST_COLUMNS])
        common = [name for name in common if name in chosen]
    return common


def _series(values: list[Any]) -> list[NDArray[np.float64]]:
    """Return a column's ranks, or an indicator of each common name, each about its mean. A clock has none."""
    if any(as_time(value) is not None or is_block(value) for value in values):
        return []
    n, known = len(values), [not missing(value) for value in values]
    found = []
    if _COMMON <= sum(known) <= n - _COMMON:
        found.append(np.array(known, np.float64))
    if all(
        isinstance(v, Real) and not isinstance(v, bool) for v, is_known in zip(values, known, strict=True) if is_known
    ):
        ranks = _ranks(
            np.array([v if is_known else math.nan for v, is_known in zip(values, known, strict=True)], np.float64)
        )
        if abs(_correlation(ranks[known], np.flatnonzero(known))) < _CLOCK:
            found.append(ranks)
    else:
        texts = [str(value) for value in values]
        common = [text for text, count in Counter(texts).most_common(_NAMES) if _COMMON <= count <= n - _COMMON]
        found += [np.array([text == name for text in texts], np.float64) for name in common]
    return [one - one.mean() for one in found if np.ptp(one) > 0]


def is_block(value: Any) -> bool:
    """Return whether a value is an embedding or another array, of which no single number or name can be told."""
    return isinstance(value, np.ndarray | list | tuple)


def _ranks(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks from 0 to 1, the mean for equal numbers, and the middle for NaN."""
    _, place, counts = np.unique(x[~np.isnan(x)], return_inverse=True, return_counts=True)
    ranks = np.full(len(x), 0.5)
    ranks[~np.isnan(x)] = (np.cumsum(counts) - (counts + 1) / 2)[place] / max(len(place) - 1, 1)
    return ranks


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def _deviations(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return z of each series (m, n) at each split that leaves 20 rows on both sides, shape (m, splits)."""
    n = series.shape[1]
    series = series - series.mean(1, keepdims=True)
    k = np.arange(_FEW, n - _FEW + 1)
    spread = series.std(1, keepdims=True) * np.sqrt(k * (n - k) / n)
    sums = np.cumsum(series, 1)[:, _FEW - 1 : n - _FEW]
    return np.asarray(np.abs(sums) / np.maximum(spread, 1e-300))


def _largest(series: Sequence[tuple[Any, Any]], z: NDArray[np.float64]) -> dict[Any, float]:
    """Return the largest z of each name that changed, the largest first."""
    found: dict[Any, float] = {}
    for (name, _), value in zip(series, z.tolist(), strict=True):
        if value >= _NAMED:
            found[name] = max(value, found.get(name, 0.0))
    return dict(sorted(found.items(), key=lambda one: -one[1]))
