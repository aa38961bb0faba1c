"""Read JSON lines as blocks of dicts, with nested objects as dotted names."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from headwater._core import repeated_name
from headwater.errors import DataError
from headwater.streams.block import Block
from headwater.streams.files.lines import Numbered
from headwater.streams.files.rejects import Rejects
from headwater.streams.readers.dtypes.columns import BY_CELL, ColumnReader
from headwater.streams.readers.dtypes.inference import DtypeInference

__all__ = ["read_json_lines", "read_mappings"]

_ROWS = 1_024  # rows of a block
_DECODER = msgspec.json.Decoder()


def read_json_lines(
    lines: Iterator[Numbered],
    rejects: Rejects,
    *,
    target: str | None = None,
    drop: Collection[str] = (),
    text: Collection[str] = (),
    inference: DtypeInference | None = None,
) -> Iterator[Block]:
    r"""Yield blocks of rows, rejecting each line that isn't one JSON object.

    ``{"user": {"age": 30}}`` becomes ``{"user.age": 30}``. A row without the target has an unknown answer, None.

    Examples
    --------
    >>> lines = iter([(range(1, 4), ['{"a": 1, "late": true}\n', '{"a": \n', '{"a": {"b": 2}}\n'])])
    >>> rejects = Rejects()
    >>> (block,) = read_json_lines(lines, rejects, target="late")
    >>> block.X, block.y, block.rows, rejects.counts
    ([{'a': 1}, {'a.b': 2}], [True, None], [1, 3], {'broken JSON': 1})
    """
    yield from inferred(_read(lines, rejects, target=target, drop=drop, text=text), inference, target)


def read_mappings(
    rows: Iterable[Any],
    *,
    target: str | None = None,
    drop: Collection[str] = (),
    text: Collection[str] = (),
    inference: DtypeInference | None = None,
) -> Iterator[Block]:
    """Yield blocks of dicts in memory, read as a file of JSON lines would be.

    Raises
    ------
    DataError
        Unless each row is a mapping of names to values.

    Examples
    --------
    >>> rows = [{"price": "1.234,56", "late": "no"}, {"price": "12", "late": "yes"}]
    >>> (block,) = read_mappings(rows, target="late", inference=DtypeInference())
    >>> block.X, block.y
    ([{'price': 1234.56}, {'price': 12.0}], ['no', 'yes'])
    """
    yield from inferred(_copied(rows, target=target, drop=drop, text=text), inference, target)


def _copied(
    rows: Iterable[Any], *, target: str | None, drop: Collection[str], text: Collection[str]
) -> Iterator[Block]:
    some, first = iter(rows), 1
    while objects := list(islice(some, _ROWS)):
        for i, x in enumerate(objects, first):
            if not isinstance(x, Mapping):
                raise DataError(
                    expected="a mapping of names to values",
                    got=type(x).__name__,
                    at=f"row {i}",
                    help="Give dicts, a data frame, or an array of two dimensions.",
                )
        places = range(first, first + len(objects))
        yield _block([dict(x) for x in objects], places, None, target=target, drop=drop, text=text)
        first += len(objects)


def inferred(blocks: Iterator[Block], inference: DtypeInference | None, target: str | None) -> Iterator[Block]:
    """Yield blocks with the texts of columns read as their first rows show."""
    if inference is None:
        yield from blocks
        return
    first: list[Block] = []
    while sum(map(len, first)) < inference.rows and (block := next(blocks, None)) is not None:
        first.append(block)
    of_texts = all(value is None or type(value) is str for block in first for x in block.X for value in x.values())
    inference.look_typed(_texts(first, target), target=target, of_texts=of_texts)
    for block in chain(first, blocks):
        yield _reread(block, inference.readers, target)


def _texts(blocks: list[Block], target: str | None) -> dict[str, list[str]]:
    """Return the texts of each column that has some."""
    texts: dict[str, list[str]] = {}
    for name, value in chain.from_iterable(x.items() for block in blocks for x in block.X):
        if type(value) is str:
            texts.setdefault(name, []).append(value)
    answers = [y for block in blocks for y in block.y if type(y) is str]
    return texts | ({target: answers} if target is not None and answers else {})


def _reread(block: Block, readers: Mapping[str, ColumnReader], target: str | None) -> Block:
    """Convert the texts of a block by the readers of their columns."""
    X: Any = block.X
    lines = block.lines or block.rows
    for name, reader in readers.items():
        if reader.kind == BY_CELL or name == target:
            continue
        at = [i for i, x in enumerate(X) if type(x.get(name)) is str]
        for i, value in zip(at, reader.read([X[i][name] for i in at], [lines[i] for i in at]), strict=True):
            X[i][name] = value
    if target is not None and target in readers:
        at = [i for i, value in enumerate(block.y) if type(value) is str]
        labels = readers[target].labels([block.y[i] for i in at], [lines[i] for i in at])
        for i, label in zip(at, labels, strict=True):
            block.y[i] = label
    return block


def _read(
    lines: Iterator[Numbered], rejects: Rejects, *, target: str | None, drop: Collection[str], text: Collection[str]
) -> Iterator[Block]:
    row = 0
    for numbers, chunk in lines:
        objects, at = _decode_all(chunk), numbers
        if objects is None:
            rows, at, objects, row = _decode_each(numbers, chunk, row, rejects)
        else:
            rows, row = list(range(row + 1, row + 1 + len(objects))), row + len(objects)
        if objects:
            yield _block(objects, rows, at, target=target, drop=drop, text=text)


def _block(
    objects: list[dict[str, Any]],
    rows: Sequence[int],
    at: Sequence[int] | None,
    *,
    target: str | None,
    drop: Collection[str],
    text: Collection[str],
) -> Block:
    X = [_flat(x) if any(type(v) is dict for v in x.values()) else x for x in objects]
    for name in text:
        _as_text(X, name)
    y = [None] * len(X) if target is None else [x.pop(target, None) for x in X]
    for name in drop:
        for x in X:
            x.pop(name, None)
    return Block(X, y, rows, at)


def _decode_all(lines: list[str]) -> list[dict[str, Any]] | None:
    """Return one object per line, or None unless every line is an object that has each name once."""
    text = "".join(lines)
    try:
        objects = _DECODER.decode_lines(text)
    except msgspec.DecodeError:
        return None
    if repeated_name(text) is not None:
        return None
    good = len(objects) == len(lines) and all(type(x) is dict for x in objects)
    return objects if good else None


def _decode_each(
    numbers: Sequence[int], lines: list[str], row: int, rejects: Rejects
) -> tuple[list[int], list[int], list[dict[str, Any]], int]:
    rows: list[int] = []
    at: list[int] = []
    objects: list[dict[str, Any]] = []
    for number, line in zip(numbers, lines, strict=True):
        if not line.strip():
            continue
        row += 1
        value = _decode_one(line)
        if type(value) is dict and repeated_name(line) is None:
            rows.append(row)
            at.append(number)
            objects.append(value)
        else:
            rejects.add(_reason(value), line=number, row=line.rstrip("\r\n"), number=row)
    return rows, at, objects, row


def _reason(value: Any) -> str:
    """Return why a line isn't a row, by what was decoded of it."""
    if value is None:
        return "broken JSON"
    return "a name twice in a JSON object" if type(value) is dict else "not a JSON object"


def _decode_one(line: str) -> Any:
    try:
        # The standard library accepts NaN and Infinity, which its writer emits and msgspec rejects.
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if value is not None else "null"


def _flat(x: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in x.items():
        if type(value) is dict:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _as_text(X: list[dict[str, Any]], name: str) -> None:
    for x in X:
        if x.get(name) is not None:
            x[name] = str(x[name])
