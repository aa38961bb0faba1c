"""A fleet of forecasters of related series."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import FLOAT, as_float, as_key, kind_of, missing
from headwater.kinds.fleet.keys import check_key, unknown_key
from headwater.kinds.fleet.members.members import MemberFleet
from headwater.kinds.forecaster.related.prior import Common, Other, common, errors, placed, take_sizes
from headwater.kinds.forecaster.state import answers_of, are_whole, numbers_of
from headwater.learner.kind import Kind, check_can
from headwater.learner.validation import FARTHEST, is_weighted
from headwater.types import Predictions

__all__ = ["RelatedFleet"]

SEASONS = 3
"""Seasons of an invented past."""
SHORTEST = 4
"""Values at least that count as a season of a young series."""
YOUNG = 3
"""Seasons for which a series is young. Then others learn from it."""
MOST_OTHERS, LOOKED_AT = 32, 1024
"""Others at most that are asked, and keys among which they are looked for, the first of the fleet."""
LATE = 2
"""Times before a series' first at which others have to be there still: rows of its time may be to come."""
JUDGED = 3
"""Values from which on the invented past has to be better than none."""
UNLIKELY = 1.1
"""Factor by which it has to be better to suppose that a series began one time later, as where its row is the first of its time."""
GROWTH = 1.25
"""In its first season a young series is begun anew each time it has so many times the values."""

_INSTEAD_OF_WEIGHTS = "Leave weights out, or make a hw.Fleet of Forecasters, whose values take them."
_INSTEAD_OF_LATE = "Teach the values of one time together, None for a missing one, or make a hw.Fleet of Forecasters."


@dataclass(slots=True)
class Series:
    """What the fleet knows of a key's series beside its forecaster."""

    first: int
    """Time of its first value, on the fleet's clock."""
    rows: int = 0
    """Rows learned, gaps included."""
    values: list[float] | None = field(default_factory=list)
    """Its values while it is young, NaN for gaps."""


class RelatedFleet(MemberFleet):
    """One forecaster a series, where a new series begins with a past that the others suggest.

    ``hw.Forecaster(key=…)`` makes one. In its first season a forecaster begins anew as values arrive: it learns an invented past, the
    others' profile at the level of its own values, then these. It begins without such a past where that would have been better for
    its own last season, which is looked at again after the second and the third. In between and from then on it learns as a
    ``Forecaster``. ``prior`` has the formulas.

    Rows of one time follow each other in the stream: a new key belongs to the time of the newest row, or to the next where its own
    values say so. The others are those of the first 1,024 keys that had three seasons by then and went on, at most 32, so a new
    series costs the same in a fleet of any size: to learn three seasons each time it begins anew. Its values of three seasons are
    kept besides.

    Parameters
    ----------
    make : Forecaster
        What each member begins as.
    key : str
        The column that holds the key.
    max_keys : int
        Keys there may be; rows of further ones are refused and counted.

    Raises
    ------
    ConfigError
        If the key is no name of a column.
    """

    together: ClassVar[bool] = True

    def __init__(self, make: Any, key: str, *, max_keys: int = 1_000_000) -> None:
        check_key(key)
        super().__init__(make, key, max_keys=max_keys)
        self._clock = 0
        """Time of the newest row."""
        self._series: dict[Any, Series] = {}
        self._newcomer: Any = None
        """What answers for every new key until the next row is learned: it costs as much as three seasons."""
        self._period = max(self.first.season, SHORTEST)
        self._due = _due(self._period)

    @property
    def kind(self) -> Kind:
        """The kind of a fleet of forecasters, whose answers don't come late: when series began is told by the order of their rows.

        Their values have no weights either, since a young series is learned again with an invented past.
        """
        own = super().kind
        instead = {**own.instead, "late": _INSTEAD_OF_LATE, "weights": _INSTEAD_OF_WEIGHTS}
        return replace(own, can=own.can - {"late", "weights"}, instead=instead)

    # ---- rows ----------------------------------------------------------------------------------------------------------

    def step_many(self, X: Any, y: Any = None, w: Any = None, ask: Any = None) -> Predictions:
        """Forecast and learn rows in turn, those of one key in their order.

        Raises
        ------
        ConfigError
            If weights other than 1 are given.
        """
        if is_weighted(w):
            check_can(self, "weights", at="w of RelatedFleet")
        return super().step_many(X, y, None, ask)

    def _step(self, i: int, rows: list[Any], y: Any, w: Any, asked: list[Any] | None) -> Any:
        """Learn row i, and count it in its series."""
        said = super()._step(i, rows, y, w, asked)
        if i < len(rows):
            self._newcomer = None
            self._count(as_key(rows[i].get(self.key)), y[i])
        return said

    def _placed(self, row: Mapping[Any, Any]) -> tuple[Any, dict[Any, Any]]:
        """Return the member that learns a row, a new one with an invented past."""
        key = as_key(row.get(self.key))
        member, x = super()._placed(row)
        if member is not None and key not in self._series:
            self._series[key] = Series(self._clock)
            member = self._begin(key)
        return member, x

    def _known(self, row: Mapping[Any, Any]) -> tuple[Any, dict[Any, Any]]:
        """Return the member of a row, or for a new key a forecaster with an invented past, and the row without its key."""
        x = dict(row)
        key = as_key(x.pop(self.key, None))
        return self.answering(key), x

    def _count(self, key: Any, y: Any) -> None:
        """Count a row that was learned, and begin a young series anew where that is due."""
        series = self._series.get(key)
        if series is None:
            return
        series.rows += 1
        self._clock = max(self._clock, series.first + series.rows - 1)
        if series.values is None:
            return
        series.values.append(_value(y))
        if len(series.values) in self._due:
            self._begin(key)
        if len(series.values) >= YOUNG * self._period:
            series.values = None

    def answering(self, key: Hashable) -> Any:
        """Return the forecaster of a key. That of a new key forecasts the times after the newest row, as the others suggest."""
        if key in self._members:
            return self._members[key]
        if key is ...:
            return self.first
        if self._newcomer is None:
            self._newcomer = self._made(Series(self._clock + 1)) or self.first
        return self._newcomer

    def member(self, key: Hashable) -> Any:
        """Return the forecaster of a key, or what answers for a new one.

        Raises
        ------
        DataError
            If there is none, and no others that suggest one.
        """
        known = as_key(key)
        if known not in self._members and type(known) not in map(type, islice(self._members, LOOKED_AT)):
            return super().member(key)  # no new series, but a horizon, or a number in the place of a text
        found = self.answering(known)
        return super().member(key) if found is self.first else found

    # ---- a new series -----------------------------------------------------------------------------------------------------

    def _begin(self, key: Any) -> Any:
        """Begin a young series anew if there are others, and return its forecaster."""
        series = self._series[key]
        made = self._made(series)
        if made is not None:
            made.refused.update(self._members[key].refused)
            self._members[key] = made
        return self._members[key]

    def _made(self, series: Series) -> Any:
        """Return a forecaster of a young series' values with an invented past if that helps, None without others."""
        values = series.values or []
        suggested = self._suggested(series.first, values)
        if suggested is None or len(values) < JUDGED:
            return suggested and suggested[0]
        later, alone = self._suggested(series.first + 1, values), self._new()
        tried = [suggested, (alone, self._wrong(_taught(alone, values), values))]
        if later is not None and later[1] * UNLIKELY < suggested[1]:
            tried[0] = later
        return min(tried, key=lambda one: one[1])[0]

    def _suggested(self, first: int, values: list[float]) -> tuple[Any, float] | None:
        """Return a forecaster with the past that others suggest for a series from a time on, and its error over the last season."""
        placing = values[: self._period]
        shared = self._common(first, placing)
        if shared is None:
            return None
        made = placed(shared, placing)
        past, sizes = self._within(made[: -self.horizon]), made[-self.horizon :]
        learner = self._new()
        _taught(learner, past.tolist())
        take_sizes(learner, sizes)
        return learner, self._wrong(_taught(learner, values), values)

    def _wrong(self, said: list[list[float]], values: list[float]) -> float:
        return errors(said, values, self._period)

    def _within(self, past: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values clipped to what can be."""
        low, high = self.first.low, self.first.high
        past = past if low is None else np.maximum(past, low)
        return past if high is None else np.minimum(past, high)

    def _new(self) -> Any:
        learner = self._make()
        learner.limits = self._limits
        return learner

    def _common(self, first: int, values: list[float]) -> Common | None:
        """Return what the others have in common that were there when the series began."""
        others = []
        for key, one in islice(self._series.items(), LOOKED_AT):
            end = one.first + one.rows - 1
            if one.values is not None or end < first - LATE:
                continue
            if numbers_of(self._members[key]).answers:
                others.append(_other(self._members[key], one, end))
            if len(others) == MOST_OTHERS:
                break
        if not others:
            return None
        signed = any(value < 0 for value in values)
        return common(others, first, len(values), self.first.season, SEASONS, signed=signed)

    # ---- how it stands -----------------------------------------------------------------------------------------------------

    def learned(self, key: Hashable) -> int:
        """Return how many rows of a key were learned, without an invented past."""
        if key not in self:
            raise unknown_key(self.key, key)
        return self._series[as_key(key)].rows

    def __repr__(self) -> str:
        own = repr(self.first)[:-1]
        return f"{own}{'' if own.endswith('(') else ', '}key={self.key!r})"

    # ---- files -------------------------------------------------------------------------------------------------------------

    def beside(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return what a file holds beside the members."""
        series = list(self._series.values())
        young = [-1 if one.values is None else len(one.values) for one in series]
        about = {
            "clock": self._clock,
            "first": [one.first for one in series],
            "rows": [one.rows for one in series],
            "young": young,
        }
        return about, {"values": np.array([value for one in series for value in one.values or ()], np.float64)}

    def take_beside(self, about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        """Read what a file holds beside the members.

        Raises
        ------
        ValueError
            If it can't be.
        """
        first, rows, young = columns = [about[name] for name in ("first", "rows", "young")]
        values = arrays["values"]
        if not all(type(n) is int and n >= 0 for n in (*first, *rows, about["clock"])):
            raise ValueError("beside", "whole numbers", about)
        if {len(column) for column in columns} != {len(self)} or any(
            n not in (-1, total) for n, total in zip(young, rows, strict=True)
        ):
            raise ValueError("beside", "one of each a key, and all values of young series", about)
        counts = [max(n, 0) for n in young]
        if values.dtype != np.float64 or values.shape != (sum(counts),):
            raise ValueError("beside.values", "the values of young series", values.shape)
        self._clock, own = about["clock"], np.split(values, np.cumsum(counts)[:-1]) if counts else []
        for i, key in enumerate(self):
            self._series[key] = Series(first[i], rows[i], None if young[i] < 0 else own[i].tolist())


def _due(period: int) -> frozenset[int]:
    """Return the numbers of values at which a young series is begun anew: more and more, each later season, and its end."""
    due = [1]
    while due[-1] < period:
        due.append(min(math.ceil(due[-1] * GROWTH), period))
    return frozenset((*due, *(period * season for season in range(2, YOUNG + 1))))


def _value(y: Any) -> float:
    """Return a value as a forecaster learns it, NaN where it is missing or refused."""
    value = as_float(y) if not missing(y) and kind_of(y) == FLOAT else math.nan
    return value if abs(value) <= FARTHEST else math.nan


def _taught(learner: Any, values: list[float]) -> list[list[float]]:
    """Teach values and return the forecasts after each."""
    said = []
    for value in values:
        learner.learn_one(value)
        said.append(learner.forecast())
    return said


def _other(member: Any, series: Series, end: int) -> Other:
    """Return what a new series is told of another."""
    own = answers_of(member)[-series.rows :]
    sizes = np.array(member.engine.core.array("forecast_width_sizes"))
    return Other(own, end, sizes, are_whole(member))
