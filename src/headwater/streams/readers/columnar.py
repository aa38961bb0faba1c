"""Read Parquet and Arrow files as blocks, with pyarrow or else polars."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from importlib.util import find_spec
from itertools import repeat
from typing import IO, Any

import narwhals.stable.v1 as nw

from headwater.errors import MissingExtra, SourceError
from headwater.streams.block import Block
from headwater.streams.readers.delimited import Header
from headwater.streams.readers.dtypes.cells import firm, first_cell
from headwater.streams.readers.dtypes.columns import DATE, NUMBER, TEXT, ColumnReader
from headwater.streams.readers.dtypes.inference import DtypeInference
from headwater.streams.readers.frame_rows import FrameRows

__all__ = ["Table", "open_columnar", "read_columnar"]

_BATCH = 4_096

# The names of the columns, the number of rows if known, and the rows batch by batch, as frames.
Table = tuple[tuple[str, ...], int | None, Iterator[Any]]
_PLAIN = (nw.Boolean, nw.String, nw.Date, nw.Datetime)


def open_columnar(file: IO[bytes], *, kind: str, at: str) -> Table:
    """Open a columnar file.

    Parameters
    ----------
    file
        A seekable file, since these formats have their metadata at the end.
    kind
        ``"parquet"`` or ``"arrow"`` (Feather, Arrow IPC file or stream).
    at
        Name of the source, for messages.

    Raises
    ------
    MissingExtra
        When neither pyarrow nor polars is installed.
    SourceError
        When the file is damaged or of another format.
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
            got=f"an unreadable one ({message})",
            at=at,
            help="Write the file again, or give its --format.",
        ) from error
    raise MissingExtra(package="pyarrow", extra="frames", at=at)


def read_columnar(batches: Iterator[Any], header: Header, inference: DtypeInference | None = None) -> Iterator[Block]:
    """Yield blocks of rows, kept as data frames where their columns give the same values as rows.

    Examples
    --------
    >>> import polars as pl
    >>> header = Header(("a", "late"), target="late")
    >>> (block,) = read_columnar(iter([pl.DataFrame({"a": [1, 2], "late": [True, False]})]), header)
    >>> block.X, block.y, block.rows
    ([{'a': 1}, {'a': 2}], [True, False], range(1, 3))
    """
    names = tuple(header.names[j] for j in header.features)
    first = 1
    readers: dict[str, ColumnReader] = {}
    for batch in batches:
        frame: nw.DataFrame[Any] = nw.from_native(batch, eager_only=True)
        if inference is not None and first == 1:
            readers = _inferred(frame, header, inference)
        n = len(frame)
        rows = range(first, first + n)
        y = [None] * n if header.target is None else _plain(frame[header.target].to_list(), as_text=False)
        if header.target in readers:
            y = readers[header.target].labels(_cells(y), rows)
        X: Any = [{} for _ in range(n)]
        if names and not header.text and not readers.keys() & names and all(_is_plain(frame[name]) for name in names):
            X = FrameRows(frame.select(names).to_native())
        elif names:
            values = [_values(frame[name].to_list(), name in header.text, readers.get(name), rows) for name in names]
            X = list(map(dict, map(zip, repeat(names), zip(*values, strict=True))))
        yield Block(X, y, rows)
        first += n


def _inferred(frame: nw.DataFrame[Any], header: Header, inference: DtypeInference) -> dict[str, ColumnReader]:
    """Return readers for text columns with formatted numbers or dates."""
    head = frame.head(inference.rows)
    wanted = [header.names[j] for j in header.wanted]
    texts = {name: head[name].drop_nulls().to_list() for name in wanted if isinstance(head[name].dtype, nw.String)}
    of_texts = all(name in texts or head[name].null_count() == len(head) for name in wanted if name != header.target)
    inference.look_typed(texts, target=header.target, of_texts=of_texts)
    changed = {name for name, reader in inference.readers.items() if _changes(reader, texts.get(name, ()), of_texts)}
    return {name: inference.readers[name] for name in (inference.readers if of_texts and changed else changed)}


def _changes(reader: ColumnReader, texts: Sequence[str], of_texts: bool) -> bool:
    """Return whether a learner would read a column of texts otherwise."""
    if reader.kind == TEXT:
        return any(first_cell(text, of_texts) != text for text in set(texts))
    return reader.kind in (NUMBER, DATE) or of_texts


def _values(values: list[Any], as_text: bool, reader: ColumnReader | None, rows: Sequence[int]) -> list[Any]:
    if reader is None or as_text:
        return _plain(values, as_text=as_text)
    return reader.read(_cells(values), rows)


def _cells(values: list[Any]) -> list[str]:
    """Return the texts of a column, empty where pandas has NaN and others None."""
    return [value if isinstance(value, str) else "" for value in values]


def _is_plain(column: nw.Series[Any]) -> bool:
    """Return whether a column gives a learner the same as its values one by one."""
    kind = column.dtype
    if isinstance(kind, nw.Categorical | nw.Enum):
        return isinstance(
            column.cat.get_categories().dtype, nw.String
        )  # of numbers it is categories, its values numbers
    return isinstance(kind, _PLAIN) or (kind.is_numeric() and not kind.is_decimal())


def _with_pyarrow(file: IO[bytes], kind: str) -> Table:
    if kind == "parquet":
        import pyarrow.parquet as pq

        parquet = pq.ParquetFile(file)
        batches = parquet.iter_batches(batch_size=_BATCH)
        return tuple(parquet.schema_arrow.names), parquet.metadata.num_rows, map(_arrow_table, batches)
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
    return tuple(reader.schema.names), rows, map(_arrow_table, pieces)


def _arrow_table(batch: Any) -> Any:
    import pyarrow as pa

    return pa.Table.from_batches([batch])


def _with_polars(file: IO[bytes], kind: str) -> Table:
    import polars as pl

    read: Callable[[IO[bytes]], Any] = pl.read_parquet
    if kind == "arrow":
        read = pl.read_ipc if file.read(6) == b"ARROW1" else pl.read_ipc_stream
        file.seek(0)
        file = io.BytesIO(file.read())  # polars would continue from the position of the buffer, not of the reader
    frame = read(file)
    return tuple(frame.columns), frame.height, frame.iter_slices(_BATCH)


def _foreign_errors() -> tuple[type[Exception], ...]:
    # pyarrow raises ValueErrors and OSErrors, polars its own hierarchy.
    if find_spec("pyarrow"):
        return ValueError, OSError
    if find_spec("polars"):
        import polars as pl

        return ValueError, OSError, pl.exceptions.PolarsError
    return (ValueError,)


def _plain(values: list[Any], *, as_text: bool) -> list[Any]:
    """Convert decimals, durations and times of day to numbers."""
    if as_text:
        return [None if value is None else firm(str(value)) for value in values]
    kinds = set(map(type, values))
    if Decimal in kinds:
        values = [float(v) if isinstance(v, Decimal) else v for v in values]
    if dt.timedelta in kinds:
        values = [v.total_seconds() if isinstance(v, dt.timedelta) else v for v in values]
    if dt.time in kinds:
        values = [3600 * v.hour + 60 * v.minute + v.second if isinstance(v, dt.time) else v for v in values]
    return values
