"""Convert one column of a data frame to arrays of numbers, category codes or times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.types import nw

from .values import as_float, missing

PLAIN = (str, int, float, Decimal, np.number, np.bool_, dt.date, dt.timedelta, dt.time)
"""Types allowed in a column of objects. Each value is one hashable feature."""


@dataclass(slots=True)
class Coded:
    """A column as integer codes into its distinct values.

    Parameters
    ----------
    codes : ndarray (n,)
        Index of each row's value in ``values``; −1 or k where it is missing.
    values : list
        The k distinct values, as Python objects.
    categories : bool
        Whether the column's dtype is categorical, even over numbers.
    """

    codes: NDArray[Any]
    values: list[Any]
    categories: bool = False

    def places(self) -> NDArray[np.int64]:
        """Return the index of each row's value, k where it is missing."""
        k = len(self.values)
        return np.where((self.codes < 0) | (self.codes > k), k, self.codes).astype(np.int64)

    def firsts(self, learn: NDArray[np.bool_]) -> list[int]:
        """Return the first row of each value among the rows with ``learn``, or −1."""
        rows = np.arange(len(learn)) if learn.all() else np.flatnonzero(learn)
        out = np.full(len(self.values) + 1, -1)
        out[self.codes[rows][::-1]] = rows[::-1]
        first: list[int] = out[:-1].tolist()
        return first


@dataclass(slots=True)
class Times:
    """A column of date-times.

    Parameters
    ----------
    local, utc : ndarray (n,)
        Microseconds since 1970, in local time as written and in UTC.
    missing : ndarray (n,)
        Rows without a value. The other two arrays hold 0 there.
    series : narwhals.Series
        The source, for a column whose first values had another kind.
    """

    local: NDArray[np.int64]
    utc: NDArray[np.int64]
    missing: NDArray[np.bool_]
    series: Any

    def coded(self) -> Coded:
        """Return the same column as codes."""
        return coded(self.series.to_list())


@dataclass(slots=True)
class Unusable:
    """A column of a type that is no feature, such as bytes. ``present`` (n,) marks the rows with a value."""

    present: NDArray[np.bool_]


Read = NDArray[np.float64] | Coded | Times | Unusable


def read(series: Any) -> Read | None:
    """Convert a column to arrays, or return None for lists, structs and mixed objects, which are read row by row.

    Parameters
    ----------
    series : narwhals.Series
        The column.

    Returns
    -------
    ndarray, Coded, Times, Unusable or None
    """
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        return _numbers(series)
    if dtype == nw.Datetime or dtype == nw.Date:
        return _times(series)
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        codes = _texts(series)
        codes.categories = dtype != nw.String
        return codes
    if dtype == nw.Duration:
        return _durations(series)
    if dtype == nw.Time:
        return np.array([np.nan if missing(value) else as_float(value) for value in series.to_list()], np.float64)
    if dtype == nw.Binary:
        return Unusable(~series.is_null().to_numpy())
    if dtype == nw.Object:
        values = series.to_list()
        return coded(values) if all(missing(value) or isinstance(value, PLAIN) for value in values) else None
    if series.null_count() == len(series):
        return np.full(len(series), np.nan)
    return None


def coded(values: list[Any]) -> Coded:
    """Encode Python values as codes, for libraries without category codes and for mixed columns."""
    places: dict[Any, int] = {}
    codes = [-1 if missing(value) else places.setdefault(_key(value), len(places)) for value in values]
    return Coded(np.array(codes, np.int64), [key[0] if isinstance(key, tuple) else key for key in places])


def _key(value: Any) -> Any:
    # equal date-times may still differ in local time: the hour that comes twice in autumn
    return (value, value.fold, value.tzinfo) if isinstance(value, dt.datetime) else value


def coded_numbers(x: NDArray[np.float64]) -> Coded:
    """Encode numbers as codes, for a column that began with texts."""
    values, codes = np.unique(x, return_inverse=True)
    known = int((~np.isnan(values)).sum())  # NaN sorts last
    return Coded(np.minimum(codes.reshape(-1), known), values[:known].tolist())


def _numbers(series: Any) -> NDArray[np.float64]:
    """Return a numeric or Boolean column as floats, with nulls as NaN."""
    if series.dtype in (nw.Int128, nw.UInt128):  # which NumPy doesn't have
        series = series.cast(nw.Float64)
    if series.dtype.is_float() or not series.null_count():
        return np.asarray(series.to_numpy(), np.float64)
    missing = series.is_null().to_numpy()
    out = np.array(series.fill_null(False if series.dtype == nw.Boolean else 0).to_numpy(), np.float64)
    out[missing] = np.nan
    return out


def _durations(series: Any) -> NDArray[np.float64]:
    """Return a column of durations in seconds, with NaN for missing ones."""
    absent = np.asarray(series.is_null().to_numpy(), bool)
    ticks = series.to_numpy()
    if ticks.dtype.kind == "m":
        ticks = ticks.astype("timedelta64[us]").astype(np.int64)  # narwhals would go through floats for pandas
    else:
        ticks = (series.fill_null(dt.timedelta(0)) if absent.any() else series).dt.total_microseconds().to_numpy()
    out = np.asarray(ticks, np.float64) / 1_000_000
    out[absent] = np.nan
    return out


def _times(series: Any) -> Times:
    """Read a column of dates or date-times."""
    missing = np.asarray(series.is_null().to_numpy(), bool)
    stamps = series.cast(nw.Datetime("us")) if series.dtype == nw.Date else series
    aware = stamps.dtype.time_zone is not None
    utc = _microseconds(stamps, missing)
    local = _microseconds(stamps.dt.replace_time_zone(None), missing) if aware else utc
    return Times(local, utc, missing, series)


def _microseconds(stamps: Any, missing: NDArray[np.bool_]) -> NDArray[np.int64]:
    ticks = stamps.dt.timestamp("us")
    return np.asarray((ticks.fill_null(0) if missing.any() else ticks).to_numpy(), np.int64)


def _texts(series: Any) -> Coded:
    """Encode a column of texts or categories with its library's own codes."""
    native, library = series.to_native(), series.implementation
    if library.is_polars():
        return _texts_of_polars(native)
    if library.is_pandas():
        return _texts_of_pandas(native)
    if library.is_pyarrow():
        return codes_of(native)
    return coded(series.to_list())


def _texts_of_polars(series: Any) -> Coded:
    import polars as pl

    different = series.unique(maintain_order=True).drop_nulls()
    k = len(different)
    if series.dtype == pl.String:  # a private Enum adds nothing to polars' process-wide string cache
        codes = series.cast(pl.Enum(different)).to_physical()
        return Coded(codes.cast(pl.UInt32).fill_null(k).to_numpy(), different.to_list())
    codes, used = series.to_physical().cast(pl.UInt32), different.to_physical().cast(pl.UInt32)
    top = int(used.max() or 0) + 1
    place = np.full(top + 1, k)
    place[used.to_numpy()] = np.arange(k)
    return Coded(place[codes.fill_null(top).to_numpy()], different.to_list())


def _texts_of_pandas(series: Any) -> Coded:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return Coded(series.cat.codes.to_numpy(), series.cat.categories.tolist())
    codes, different = pd.factorize(series)
    return Coded(codes, different.tolist())


def codes_of(column: Any) -> Coded:
    """Return the codes of a column of texts of pyarrow."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # without a single chunk there is nothing to combine
        return Coded(np.zeros(0, np.int64), [])
    codes = whole.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return Coded(codes, whole.dictionary.to_pylist())
