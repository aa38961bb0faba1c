"""Parquet and Arrow files → blocks of dicts, through pyarrow or, where that is missing, polars."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib.util import find_spec
from itertools import repeat
from typing import IO, Any

from headwater.errors import MissingExtra, SourceError
from headwater.streams.block import Block
from headwater.streams.delimited import Columns

__all__ = ["Table", "open_columnar", "read_columnar"]

_BATCH = 4_096

# The names of the columns, the number of rows if known, and the columns' values batch by batch.
Table = tuple[tuple[str, ...], int | None, Iterator[list[list[Any]]]]


def open_columnar(file: IO[bytes], *, kind: str, at: str) -> Table:
    """Open a file of columns.

    Parameters
    ----------
    file
        A file that can seek: the table of contents of these formats stands at the end.
    kind
        ``"parquet"`` or ``"arrow"`` (Feather, Arrow IPC file or stream).
    at
        The name of the source, for messages.

    Raises
    ------
    MissingExtra
        When neither pyarrow nor polars is installed.
    SourceError
        When the file is damaged, or of another format.
    """
    try:
        if find_spec("pyarrow"):
            return _with_pyarrow(file, kind)
        if find_spec("polars"):
            return _with_polars(file, kind)
    except _foreign_errors() as error:
        message = str(error).split("\n")[0].rstrip(".")
        raise SourceError(
            expected=f"{'a Parquet' if kind == 'parquet' else 'an Arrow'} file",
            got=f"one that can't be read ({message})",
            at=at,
            help="Write the file again, or give its --format.",
        ) from error
    raise MissingExtra(package="pyarrow", extra="frames", at=at)


def read_columnar(batches: Iterator[list[list[Any]]], columns: Columns) -> Iterator[Block]:
    """Yield blocks of rows.

    Examples
    --------
    >>> columns = Columns(("a", "late"), target="late")
    >>> (block,) = read_columnar(iter([[[1, 2], [True, False]]]), columns)
    >>> block.X, block.y, block.rows
    ([{'a': 1}, {'a': 2}], [True, False], range(1, 3))
    """
    names = tuple(columns.names[j] for j in columns.features)
    first = 1
    for batch in batches:
        n = len(batch[0]) if batch else 0
        values = [_plain(batch[j], as_text=columns.names[j] in columns.text) for j in columns.features]
        X: list[dict[str, Any]] = list(map(dict, map(zip, repeat(names), zip(*values, strict=True))))
        y = [None] * n if columns.target is None else _plain(batch[columns.names.index(columns.target)], as_text=False)
        yield Block(X or [{} for _ in range(n)], y, range(first, first + n))
        first += n


def _with_pyarrow(file: IO[bytes], kind: str) -> Table:
    if kind == "parquet":
        import pyarrow.parquet as pq

        parquet = pq.ParquetFile(file)
        batches = parquet.iter_batches(batch_size=_BATCH)
        return tuple(parquet.schema_arrow.names), parquet.metadata.num_rows, map(_arrow_columns, batches)
    import pyarrow as pa

    try:
        reader = pa.ipc.open_file(file)
        rows = sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
        record_batches = map(reader.get_batch, range(reader.num_record_batches))
    except pa.ArrowInvalid:
        file.seek(0)
        reader = pa.ipc.open_stream(file)
        rows, record_batches = None, iter(reader)
    pieces = (batch.slice(i, _BATCH) for batch in record_batches for i in range(0, batch.num_rows, _BATCH))
    return tuple(reader.schema.names), rows, map(_arrow_columns, pieces)


def _arrow_columns(batch: Any) -> list[list[Any]]:
    return [column.to_pylist() for column in batch.columns]


def _with_polars(file: IO[bytes], kind: str) -> Table:
    import polars as pl

    read: Callable[[IO[bytes]], Any] = pl.read_parquet
    if kind == "arrow":
        read = pl.read_ipc if file.read(6) == b"ARROW1" else pl.read_ipc_stream
        file.seek(0)
        file = io.BytesIO(file.read())  # polars would read on from where the buffer, not the reader, stands
    frame = read(file)
    slices = frame.iter_slices(_BATCH)
    return tuple(frame.columns), frame.height, ([column.to_list() for column in piece] for piece in slices)


def _foreign_errors() -> tuple[type[Exception], ...]:
    # Both libraries' own errors: pyarrow's are ValueErrors and OSErrors, polars' are a tree of their own.
    if find_spec("pyarrow"):
        return ValueError, OSError
    if find_spec("polars"):
        import polars as pl

        return ValueError, OSError, pl.exceptions.PolarsError
    return (ValueError,)


def _plain(values: list[Any], *, as_text: bool) -> list[Any]:
    """Turn what dicts of samples don't hold (decimals, times without a date, durations) into numbers."""
    if as_text:
        return [None if value is None else str(value) for value in values]
    kinds = set(map(type, values))
    if Decimal in kinds:
        values = [float(v) if isinstance(v, Decimal) else v for v in values]
    if dt.timedelta in kinds:
        values = [v.total_seconds() if isinstance(v, dt.timedelta) else v for v in values]
    if dt.time in kinds:
        values = [3600 * v.hour + 60 * v.minute + v.second if isinstance(v, dt.time) else v for v in values]
    return values
