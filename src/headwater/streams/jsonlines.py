"""JSON lines → blocks of dicts: one object a line; objects inside objects become dotted names."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from headwater.streams.block import Block
from headwater.streams.lines import Numbered
from headwater.streams.rejects import Rejects

__all__ = ["read_json_lines"]

_DECODER = msgspec.json.Decoder()


def read_json_lines(
    lines: Iterator[Numbered],
    rejects: Rejects,
    *,
    target: str | None = None,
    drop: Collection[str] = (),
    text: Collection[str] = (),
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
    row = 0
    for numbers, chunk in lines:
        objects = _decode_all(chunk)
        if objects is None:
            rows, objects, row = _decode_each(numbers, chunk, row, rejects)
        else:
            rows, row = list(range(row + 1, row + 1 + len(objects))), row + len(objects)
        X = [_flat(x) if any(type(v) is dict for v in x.values()) else x for x in objects]
        for name in text:
            _as_text(X, name)
        y = [None] * len(X) if target is None else [x.pop(target, None) for x in X]
        for name in drop:
            for x in X:
                x.pop(name, None)
        if X:
            yield Block(X, y, rows)


def _decode_all(lines: list[str]) -> list[dict[str, Any]] | None:
    """Return one object a line, or None unless every line is one: then each must be looked at."""
    try:
        objects = _DECODER.decode_lines("".join(lines))
    except msgspec.DecodeError:
        return None
    good = len(objects) == len(lines) and all(type(x) is dict for x in objects)
    return objects if good else None


def _decode_each(
    numbers: Collection[int], lines: list[str], row: int, rejects: Rejects
) -> tuple[list[int], list[dict[str, Any]], int]:
    rows: list[int] = []
    objects: list[dict[str, Any]] = []
    for number, line in zip(numbers, lines, strict=True):
        if not line.strip():
            continue
        row += 1
        value = _decode_one(line)
        if type(value) is dict:
            rows.append(row)
            objects.append(value)
        else:
            reason = "broken JSON" if value is None else "not a JSON object"
            rejects.add(reason, line=number, row=line.rstrip("\r\n"))
    return rows, objects, row


def _decode_one(line: str) -> Any:
    try:
        # The standard library's reader also knows NaN and Infinity, which its own writer emits and msgspec refuses.
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
