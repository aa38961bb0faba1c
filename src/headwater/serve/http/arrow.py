"""Rows as an Arrow IPC stream, in requests and responses."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import Annotated, Any

import msgspec
import numpy as np

from headwater.encode.columns import codes_of
from headwater.encode.frames import Columns
from headwater.errors import DataError, MissingExtra
from headwater.serve.http.limits import ServerLimits, too_many
from headwater.serve.http.schemas import MAX_NAME, finite, label_key

ARROW = b"application/vnd.apache.arrow.stream"
_AT_ONCE = 500
"""Rows converted at once. Other threads can run in between."""


class ArrowOptions(msgspec.Struct, forbid_unknown_fields=True):
    """What the query of a request says of its stream: the columns of label, weight and id, or what to predict and keep."""

    y: str = "y"
    w: str = ""
    id: str = ""
    keep: bool = False
    coverage: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None

    def examples(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return rows as the objects that JSON has for `/learn`."""
        own = [
            (field, name) for field, name in (("y", self.y), ("w", self.w), ("id", self.id)) if rows and name in rows[0]
        ]
        return [{field: x.pop(name) for field, name in own} | {"x": x} for x in rows]

    def questions(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return rows as the objects that JSON has for `/predict`."""
        return [{"x": x, "keep": self.keep, "coverage": self.coverage} for x in rows]


def read_arrow(
    body: bytes, limits: ServerLimits, label: str = "", *, columns: bool = False
) -> list[dict[str, Any]] | Columns:
    """Return the rows of an Arrow stream, with null for what is no finite number, as in JSON.

    What a small body may unfold to is bounded before it is unfolded: compressed buffers are refused, and rows, values and
    their bytes are counted batch by batch.

    Parameters
    ----------
    body : bytes
        The stream.
    limits : ServerLimits
        Limits of one request, of which ``body_bytes`` bounds the values as well.
    label : str
        The column that may hold structs too.
    columns : bool
        Whether rows whose columns are all numbers and texts that JSON may hold are returned as columns.

    Raises
    ------
    DataError
        If it is no such stream, a column has another type, or there is too much.
    MissingExtra
        If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtra(package="pyarrow", extra="frames", at="body") from error

    buffer = pa.py_buffer(body)
    try:
        if any(_is_compressed(bytes(message.metadata)) for message in pa.ipc.MessageReader.open_stream(buffer)):
            raise _wrong("buffers that are not compressed", "compressed ones", "body", "Write it without compression.")
        with pa.ipc.open_stream(buffer) as reader:
            _check_columns(reader.schema, label)
            table = pa.Table.from_batches(_checked(reader, limits), reader.schema)
            read = _columns(table) if columns else None
            return _rows(table, 0, len(table)) if read is None else Columns(read, len(table), partial(_rows, table))
    except (pa.ArrowException, UnicodeDecodeError, struct.error) as error:
        raise _wrong("an Arrow IPC stream", str(error).partition("\n")[0][:200], "body", "Write it again.") from error


def _checked(reader: Any, limits: ServerLimits) -> Iterator[Any]:
    """Yield all batches, once what they hold is known to be within the limits."""
    rows = cells = size = 0
    for batch in reader:
        batch.validate(full=True)  # the bytes are a stranger's
        rows += batch.num_rows
        cells += batch.num_rows * len(reader.schema)
        if rows > limits.rows or cells > limits.cells:
            raise too_many("rows" if rows > limits.rows else "cells", limits, "body")
        size += sum(map(_size, batch.columns))
        if size > limits.body_bytes:
            raise too_many("body_bytes", limits, "body")
        yield batch


def _rows(table: Any, start: int, stop: int) -> list[dict[str, Any]]:
    """Return rows of a table as dicts."""
    rows: list[dict[str, Any]] = []
    for batch in table.slice(start, stop - start).to_batches(max_chunksize=_AT_ONCE):
        rows += map(dict, map(zip, repeat(table.column_names), zip(*map(_values, batch.columns), strict=True)))
    return rows


def _columns(table: Any) -> dict[str, Any] | None:
    """Return the columns of a table as numbers and codes, or None if one of them, or its name, needs a look at each row."""
    if any(len(name) > MAX_NAME for name in table.column_names):
        return None
    read = {name: _column_of(column) for name, column in zip(table.column_names, table.columns, strict=True)}
    return None if any(column is None for column in read.values()) else read


def _column_of(column: Any) -> Any:
    from pyarrow import compute, types

    kind = column.type
    if types.is_dictionary(kind) and _is_text(kind.value_type):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_string(kind) or types.is_large_string(kind):
        return codes_of(column)
    if types.is_uint64(kind) and (compute.max(column).as_py() or 0) >= 2**63:
        return None  # JSON refuses it
    if not (types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind)):
        return None
    if not types.is_floating(kind) and column.null_count:
        numbers = column.fill_null(False if types.is_boolean(kind) else 0).to_numpy().astype(np.float64)
        numbers[column.is_null().to_numpy()] = np.nan
        return numbers
    numbers = column.to_numpy().astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _is_compressed(metadata: bytes) -> bool:
    """Return whether the FlatBuffer of a message declares compressed buffers.

    References
    ----------
    Apache Arrow, format/Message.fbs: a Message's header is its third field, a DictionaryBatch's data the second, and a
    RecordBatch's compression the fourth.
    """
    root = _unsigned(metadata, 0)
    kind, header = _field(metadata, root, 1), _field(metadata, root, 2)
    if not kind or not header or metadata[kind] not in (2, 3):
        return False
    at = header + _unsigned(metadata, header)
    if metadata[kind] == 2:
        data = _field(metadata, at, 1)
        at = data + _unsigned(metadata, data)
    return bool(_field(metadata, at, 3))


def _unsigned(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Return where a field of a FlatBuffer's table lies, or 0 where it is left out."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    (size,) = struct.unpack_from("<H", data, vtable)
    own = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0] if 4 + 2 * number < size else 0
    return table + int(own) if own else 0


def _check_columns(schema: Any, label: str) -> None:
    """Raise DataError for columns of one name, or of types that no row in JSON could have."""
    from pyarrow import types

    for field in schema:
        kind = field.type
        if field.name == label and types.is_struct(kind):
            own = [kind.field(i).type for i in range(kind.num_fields)]
        else:
            own = [kind.value_type] if _is_list(kind) else [kind]
        if not all(map(_is_plain, own)):
            allowed = "columns of numbers, booleans, texts, or lists of these"
            raise _wrong(allowed, str(kind)[:80], f"column {field.name!r:.80}", "Cast it, to text or to a number.")
    if len(set(schema.names)) < len(schema.names):
        raise _wrong("a name for each column", "one twice", "schema", "Rename one.")


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_null(kind)
        or _is_text(kind)
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _size(array: Any) -> int:
    """Return the bytes that the values of a column take once each stands alone."""
    from pyarrow import types

    kind = array.type
    if _is_list(kind):
        return 8 * len(array) + _size(array.flatten())
    if types.is_struct(kind):
        return sum(map(_size, array.flatten()))
    if types.is_dictionary(kind):  # what it lists counts as well
        texts = (
            _text_lengths(array.dictionary)[array.indices.drop_null().to_numpy()] if _is_text(kind.value_type) else None
        )
        return 8 * (len(array) + len(array.dictionary)) + (0 if texts is None else int(texts.sum()))
    return 8 * len(array) + (int(_text_lengths(array).sum()) if _is_text(kind) else 0)


def _text_lengths(array: Any) -> Any:
    """Return the bytes of each text of a column."""
    from pyarrow import compute, types

    if not types.is_string_view(array.type):
        return compute.binary_length(array).fill_null(0).to_numpy().astype(np.int64)
    if not len(array):
        return np.zeros(0, np.int64)
    # Arrow has no kernel for views, each of which begins with its length.
    views = np.frombuffer(array.buffers()[1], "<i4").reshape(-1, 4)[array.offset : array.offset + len(array), 0]
    return np.where(array.is_valid().to_numpy(zero_copy_only=False), views, 0).astype(np.int64)


def _values(array: Any) -> list[Any]:
    """Return the values of a few rows of a column, with None for numbers that are not finite."""
    from pyarrow import types

    kind = array.type
    if types.is_floating(kind):
        numbers = array.to_numpy(zero_copy_only=False)  # with NaN for null
        return _with_gaps(numbers, ~np.isfinite(numbers))
    if types.is_integer(kind):
        gaps = array.is_null().to_numpy(zero_copy_only=False)
        return _with_gaps((array.fill_null(0) if array.null_count else array).to_numpy(), gaps)
    values = array.to_pylist()
    return list(map(_finite, values)) if types.is_nested(kind) or types.is_dictionary(kind) else list(values)


def _with_gaps(numbers: Any, gaps: Any) -> list[Any]:
    values: list[Any] = numbers.tolist()
    for i in np.flatnonzero(gaps).tolist():
        values[i] = None
    return values


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, list):
        return list(map(_finite, value))
    return {name: _finite(one) for name, one in value.items()} if isinstance(value, dict) else value


def write_arrow(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as an Arrow stream, a column for each name, and null where a row has none.

    A column of several types, such as classes that are texts and numbers, holds texts: each value in JSON, and texts as they are.

    Examples
    --------
    >>> import pyarrow as pa
    >>> pa.ipc.open_stream(write_arrow([{"y_pred": 1}, {"y_pred": "a"}])).read_all().to_pylist()
    [{'y_pred': '1'}, {'y_pred': 'a'}]
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return write_columns({name: [row.get(name) for row in rows] for name in names})


def write_columns(columns: Mapping[str, list[Any]]) -> bytes:
    """Return columns as an Arrow stream, as `write_arrow` does rows."""
    import pyarrow as pa

    table = pa.table({name: _column(values) for name, values in columns.items()})
    with io.BytesIO() as file:
        with pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
        return file.getvalue()


def _column(values: list[Any]) -> Any:
    import pyarrow as pa

    if (names := _names(values)) is not None:
        return pa.StructArray.from_arrays([_column([value[name] for value in values]) for name in names], names)
    try:
        return pa.array(values)
    except pa.ArrowException:
        return pa.array([None if value is None else label_key(value) for value in values])


def _names(values: list[Any]) -> list[str] | None:
    """Return the names of objects that all have the same ones, which are written a column each, or None."""
    if set(map(type, values)) != {dict}:
        return None
    names = set(map(tuple, values))
    return list(names.pop()) if len(names) == 1 and all(names) else None


def _wrong(expected: str, got: str, at: str, help: str) -> DataError:  # noqa: A002 - the field's name
    return DataError(expected=expected, got=got, at=at, help=f"{help} Nothing was learned.", code="not_arrow")


__all__ = ["ARROW", "ArrowOptions", "read_arrow", "write_arrow", "write_columns"]
