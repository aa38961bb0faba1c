"""Rows of a data frame, available as samples or as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np

from headwater.errors import DataError
from headwater.types import nw

__all__ = ["FRAME_BLOCK", "FrameRows", "as_frame", "is_frame", "native_frame", "without_views"]

FRAME_BLOCK = 8_192
"""Rows per block of a frame, which share the cost per column and block."""
_NO_FRAMES = (list, tuple, dict, np.ndarray)


class FrameRows(Sequence[dict[str, Any]]):
    """Rows of a data frame as a sequence of samples, created on first access.

    Parameters
    ----------
    frame
        An eager data frame supported by narwhals.

    Examples
    --------
    >>> import polars as pl
    >>> rows = FrameRows(pl.DataFrame({"a": [1, 2, 3]}))
    >>> len(rows), rows[1], list(rows[1:]), list(rows[[2, 0]])
    (3, {'a': 2}, [{'a': 2}, {'a': 3}], [{'a': 3}, {'a': 1}])
    """

    def __init__(self, frame: Any) -> None:
        try:
            self._frame: nw.DataFrame[Any] = nw.from_native(frame, eager_only=True)
        except TypeError as error:
            raise DataError(
                expected="a list of dicts, an array or a data frame",
                got=type(frame).__name__,
                at="X",
                help="For one sample give a list of it.",
            ) from error

    @property
    def frame(self) -> Any:
        """The data frame in its own library."""
        return self._frame.to_native()

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self._frame.columns

    @cached_property
    def _samples(self) -> list[dict[str, Any]]:
        return list(self._frame.iter_rows(named=True))

    def column(self, name: str) -> list[Any]:
        """Return the values of one column, none where it is not there."""
        return self._frame[name].to_list() if name in self.columns else []

    def picked(self, indices: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return a few rows by index, without creating the others."""
        return dict(zip(indices, self._frame[list(indices)].iter_rows(named=True), strict=True))

    def __len__(self) -> int:
        return len(self._frame)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._samples)

    @overload
    def __getitem__(self, i: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, i: slice | list[int]) -> FrameRows: ...
    def __getitem__(self, i: int | slice | list[int]) -> dict[str, Any] | FrameRows:
        return self._samples[i] if isinstance(i, int) else FrameRows(self._frame[i].to_native())

    def __eq__(self, other: object) -> bool:
        return self._samples == (other._samples if isinstance(other, FrameRows) else other)

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def __repr__(self) -> str:
        return repr(self._samples)


def native_frame(X: Any) -> Any:
    """Return the data frame of some rows, which a learner reads fastest, or anything else unchanged.

    Examples
    --------
    >>> native_frame([{"a": 1}])
    [{'a': 1}]
    """
    return X.frame if isinstance(X, FrameRows) else X


def is_frame(X: Any) -> bool:
    """Return whether narwhals supports X as an eager data frame."""
    return type(X) not in _NO_FRAMES and isinstance(as_frame(X), nw.DataFrame)


def as_frame(X: Any) -> Any:
    """Wrap X with narwhals, or return it unchanged if it is no frame."""
    if type(X) in _NO_FRAMES:  # narwhals looks for plugins in all that is installed, which takes 0.1 s the first time
        return X
    try:
        return nw.from_native(X, pass_through=True, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            expected="columns of different names", got="some twice", at="X", help="Rename or drop them."
        ) from error


def without_views(X: Any) -> Any:
    """Return a frame whose texts and bytes are no views, of which Arrow can't take rows, as a frame of Polars exports them.

    Parameters
    ----------
    X : data frame
        Of any library. Only a table of pyarrow is changed.
    """
    if not type(X).__module__.startswith("pyarrow"):
        return X
    import pyarrow as pa

    whole = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
    fields = [field.with_type(whole.get(field.type, field.type)) for field in X.schema]
    return X if fields == list(X.schema) else X.cast(pa.schema(fields))
