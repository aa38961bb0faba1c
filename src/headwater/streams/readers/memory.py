"""Read rows in memory by the rules of files, from dicts, arrays, data frames, and whatever exports Arrow batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from headwater.errors import MissingExtra, SourceError
from headwater.streams.block import Block
from headwater.streams.readers.columnar import read_columnar
from headwater.streams.readers.delimited import Header
from headwater.streams.readers.dtypes.inference import DtypeInference
from headwater.streams.readers.frame_rows import FRAME_BLOCK
from headwater.streams.readers.jsonlines import read_mappings
from headwater.types import nw

__all__ = ["Memory"]


class Memory:
    """Rows in memory as a source of a stream, with the attributes of `Files`.

    Parameters
    ----------
    source
        An array (n, d), a data frame or a lazy one, an object with ``__arrow_c_stream__`` such as a ``RecordBatchReader`` or a
        relation of DuckDB, or an iterable of dicts such as ``csv.DictReader``.
    inference
        Infers how to read the columns.
    target, drop, text
        Columns of the labels, to leave out, and to read as text. The columns of an array are named x0, x1 and so on.
    name
        Name of the source, for messages.

    Raises
    ------
    SourceError
        For any other source.

    Examples
    --------
    >>> rows = Memory([{"a": "1,5", "y": "no"}], DtypeInference(), target="y")
    >>> [(block.X, block.y) for block in rows.blocks()]
    [([{'a': 1.5}], ['no'])]
    """

    def __init__(
        self,
        source: Any,
        inference: DtypeInference,
        *,
        target: str | None = None,
        drop: Collection[str] = (),
        text: Collection[str] = (),
        name: str = "",
    ) -> None:
        self.inference, self.live, self.kind, self.total = inference, False, "rows", None
        self.name = name or f"the {type(source).__name__} given"
        self._roles = {"target": target, "drop": drop, "text": text}
        table = _table_of(source, self.name)
        self.columns: tuple[str, ...] = ()
        if table is None:
            self._blocks = read_mappings(_mappings(source, self.name), inference=inference, **self._roles)  # type: ignore[arg-type]
            return
        self.columns, self.total, batches = table
        header = Header(self.columns, target=target, drop=drop, text=text)
        header.check(self.name)
        self._blocks = read_columnar(batches, header, inference)

    @property
    def notes(self) -> list[str]:
        """Notes on how the columns are read."""
        return self.inference.remarks

    def blocks(self) -> Iterator[Block]:
        """Return the rows in blocks."""
        return self._blocks

    def fraction(self) -> float | None:
        """Return None, as the length is unknown in general."""
        return None

    def close(self) -> None:
        """Do nothing, as the source belongs to the caller."""


def _table_of(source: Any, at: str) -> tuple[tuple[str, ...], int | None, Iterator[Any]] | None:
    """Return names, number of rows and frames of a source of columns, or None for a source of rows."""
    if isinstance(source, np.ndarray):
        return None if source.dtype.kind in "OUST" and source.ndim == 2 else _slices(_frame_of_array(source, at))
    frame = nw.from_native(source, pass_through=True, eager_only=True)
    if isinstance(frame, nw.DataFrame):
        return _slices(frame)
    if getattr(source, "__arrow_c_stream__", None) is not None:
        return _batches(source, at)
    lazy = nw.from_native(source, pass_through=True)
    return _slices(lazy.collect()) if isinstance(lazy, nw.LazyFrame) else None


def _slices(frame: nw.DataFrame[Any]) -> tuple[tuple[str, ...], int, Iterator[Any]]:
    names = tuple(map(str, frame.columns))
    if names != tuple(frame.columns):
        frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    pieces = (frame[i : i + FRAME_BLOCK].to_native() for i in range(0, len(frame), FRAME_BLOCK))
    return names, len(frame), pieces


def _batches(source: Any, at: str) -> tuple[tuple[str, ...], None, Iterator[Any]]:
    if not find_spec("pyarrow"):
        raise MissingExtra(package="pyarrow", extra="frames", at=at)
    import pyarrow as pa

    reader = pa.RecordBatchReader.from_stream(source)
    return tuple(reader.schema.names), None, _joined(reader)


def _joined(reader: Any) -> Iterator[Any]:
    """Yield tables of enough rows to infer columns from, since batches may be small."""
    import pyarrow as pa

    some: list[Any] = []
    for batch in reader:
        some += [batch] if batch.num_rows else []
        if sum(one.num_rows for one in some) >= FRAME_BLOCK:
            yield pa.Table.from_batches(some)
            some = []
    if some:
        yield pa.Table.from_batches(some)


def _frame_of_array(source: np.ndarray[Any, Any], at: str) -> nw.DataFrame[Any]:
    """Return an array of numbers, or a structured one, as a frame. A masked value is a gap."""
    if not find_spec("pyarrow"):
        raise MissingExtra(package="pyarrow", extra="frames", at=at)
    import pyarrow as pa

    if source.dtype.names:
        columns = {name: source[name] for name in source.dtype.names}
    elif source.ndim == 2:
        columns = {f"x{j}": source[:, j] for j in range(source.shape[1])}
    else:
        raise SourceError(
            expected="an array of two dimensions, a row each sample",
            got=f"one of {source.ndim}",
            at=at,
            help="Reshape it: array.reshape(len(array), -1).",
        )
    masks = {name: np.ma.getmaskarray(x) if isinstance(x, np.ma.MaskedArray) else None for name, x in columns.items()}
    arrays = {name: pa.array(np.ascontiguousarray(np.ma.getdata(x)), mask=masks[name]) for name, x in columns.items()}
    return nw.from_native(pa.table(arrays), eager_only=True)


def _mappings(source: Any, at: str) -> Iterable[Any]:
    """Return the rows of a source as mappings."""
    if isinstance(source, np.ndarray):
        names = [f"x{j}" for j in range(source.shape[1])]
        return (dict(zip(names, row, strict=True)) for row in source.tolist())
    if isinstance(source, Mapping):
        columns = {name: value for name, value in source.items() if isinstance(value, list | tuple | np.ndarray)}
        if not columns or len(columns) < len(source) or len(set(map(len, columns.values()))) != 1:
            raise SourceError(
                expected="rows, or columns of one length",
                got=f"a {type(source).__name__} of other values",
                at=at,
                help="Give a list of dicts, or a dict of lists.",
            )
        return (dict(zip(columns, row, strict=True)) for row in zip(*map(list, columns.values()), strict=True))
    if not isinstance(source, Iterable):
        raise SourceError(
            expected="a path, a data frame, an array, or an iterable of dicts",
            got=f"a {type(source).__name__}",
            at=at,
            help="Give rows as dicts.",
        )
    return source
