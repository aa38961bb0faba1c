"""Decode large JSON arrays in pieces, between which other threads can run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

__all__ = ["flattened", "items_of", "scalars_of"]

_PIECE = 64 << 10  # bytes, about half a millisecond
_BETWEEN_ROWS = re.compile(rb"[\]}]\s*,\s*(?=[\[{])")
_COMMA = re.compile(rb",")
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_UNTIL_AN_ITEM = re.compile(
    rb"[\s,\]}\\]*.?", re.DOTALL
)  # no separator and no escape lies on both sides of a window's end
_parts = msgspec.json.Decoder(list[msgspec.Raw])
_part = msgspec.json.Decoder(msgspec.Raw)


def items_of(array: bytes) -> Iterator[msgspec.Raw]:
    """Yield the undecoded items of an array of arrays or objects.

    Raises
    ------
    msgspec.DecodeError
        If it is not valid JSON, or an item is neither an array nor an object.
    """
    for piece in _pieces(array, _BETWEEN_ROWS):
        if len(piece) > 3 * _PIECE:  # no cut was found, so it is one long item
            yield _part.decode(piece)
        else:
            yield from _parts.decode(b"[%b]" % piece)


def scalars_of(array: bytes, depth: int = 3) -> list[Any]:
    """Return the values of an array in order, flattening nested arrays to a depth.

    Raises
    ------
    msgspec.DecodeError
        If it is not valid JSON.
    """
    found: list[Any] = []
    if len(array) <= _PIECE:
        value = msgspec.json.decode(array)
        if not isinstance(value, list):
            raise msgspec.DecodeError("JSON is malformed: expected an array")
        return flattened(value, depth)
    if depth > 1 and array.strip()[1:].lstrip()[:1] == b"[":
        for item in items_of(array):
            found += scalars_of(bytes(item), depth - 1)
    else:
        for piece in _pieces(array, _COMMA):
            if not piece.strip():
                raise msgspec.DecodeError("JSON is malformed: a comma without a value behind it")
            found += flattened(msgspec.json.decode(b"[%b]" % piece), depth)
    return found


def flattened(value: Any, depth: int) -> list[Any]:
    """Flatten a list to a depth."""
    if not isinstance(value, list) or not depth:
        return [value]
    if not any(isinstance(item, list) for item in value):
        return value
    return [inner for item in value for inner in flattened(item, depth - 1)]


def _pieces(array: bytes, cut: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yield the contents of an array, cut at most twice per window where ``cut`` matches outside of strings."""
    text = array.strip()
    if text[:1] != b"[" or text[-1:] != b"]":
        raise msgspec.DecodeError("JSON is malformed: expected an array")
    begin = at = 1
    end, within = len(text) - 1, False
    while at < end:
        reached = _UNTIL_AN_ITEM.match(text, min(at + _PIECE, end), end)
        stop = end if reached is None else reached.end()
        window = _ESCAPED.sub(b"__", text[at:stop])
        for place in _first_and_last(window, cut, within=within):
            comma = text.index(b",", at + place)
            yield text[begin:comma]
            begin = comma + 1
        within ^= window.count(b'"') % 2 == 1
        at = stop
    if begin > 1 or text[1:end].strip():
        yield text[begin:end]


def _first_and_last(window: bytes, cut: re.Pattern[bytes], *, within: bool) -> list[int]:
    """Return the first and the last cut outside of strings, where ``within`` tells if the window starts in one."""
    if cut is _COMMA and b'"' not in window:  # fast path for numbers only
        return [] if within or b"," not in window else [window.rindex(b",")]
    outside: list[int] = []
    seen = 0
    for found in cut.finditer(window):
        within ^= window.count(b'"', seen, found.start()) % 2 == 1
        seen = found.start()
        if not within:
            outside.append(seen)
    return sorted({*outside[:1], *outside[-1:]})
