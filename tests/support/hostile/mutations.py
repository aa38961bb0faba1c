"""Change what a file holds, at random: cells of SQLite, trees of JSON and MessagePack, bytes."""

from __future__ import annotations

import json
import math
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

__all__ = ["change_bytes", "change_cell", "change_file", "change_row", "change_tree"]

NUMBERS = (0, -1, 1, 2, 255, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 1e308, -1e300, 0.5, math.inf, -math.inf, math.nan)
TEXTS = (
    "",
    " ",
    "x",
    "NaN",
    "0x1p2000",
    "é",
    "\x00",
    "9" * 5000,
    "[" * 5000,
    "{}",
    "[]",
    "null",
    "-1",
    "1e999",
    "default",
)
PLAIN: tuple[Any, ...] = (
    *NUMBERS,
    *TEXTS,
    None,
    True,
    False,
    [],
    {},
    [[]],
    {"float": "x"},
    {"class": "Network"},
    {"tuple": 3},
    10**30,
)
_DEEP = 3000


def change_tree(rng: random.Random, tree: Any) -> Any:
    """Return a tree of dicts and lists of which one place is another: a value, a name, an item more or less."""
    if isinstance(tree, dict | list) and tree and rng.random() < 0.85:
        at = rng.choice(list(tree)) if isinstance(tree, dict) else rng.randrange(len(tree))
        copy: Any = dict(tree) if isinstance(tree, dict) else list(tree)
        copy[at] = change_tree(rng, tree[at])
        return copy
    how = rng.randrange(5)
    if how == 0 and isinstance(tree, dict) and tree:
        return {name: value for name, value in tree.items() if name != rng.choice(list(tree))}
    if how == 1 and isinstance(tree, list) and tree:
        return rng.choice([tree[:-1], tree[1:], tree * 2, [*tree, rng.choice(PLAIN)], tree[::-1]])
    if how == 2 and isinstance(tree, dict):
        return tree | {rng.choice(["", "x", "float", "format", "learner"]): rng.choice(PLAIN)}
    if how == 3 and isinstance(tree, int | float) and not isinstance(tree, bool):
        return rng.choice([tree + 1, -tree, tree * 1000, float(tree), str(tree)])
    return rng.choice(PLAIN)


def change_bytes(rng: random.Random, data: bytes) -> bytes:
    """Return bytes of which some are others, missing, or more."""
    if not data:
        return rng.randbytes(rng.randrange(9))
    at = rng.randrange(len(data))
    match rng.randrange(6):
        case 0 | 1:
            return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        case 2:
            return data[:at]
        case 3:
            return data + rng.randbytes(rng.randrange(1, 40))
        case 4:
            return data[:at] + rng.randbytes(rng.randrange(1, 20)) + data[at:]
    return rng.choice([b"", b"\x91" * _DEEP, b"\xdd\xff\xff\xff\xff", b"\x00" * len(data), rng.randbytes(len(data))])


def _change_message(rng: random.Random, data: bytes) -> bytes:
    """Return bytes that were a message in MessagePack, one place of it changed; any bytes where it is none."""
    try:
        tree = change_tree(rng, msgspec.msgpack.decode(data))
        return msgspec.msgpack.encode(tree)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError):
        return change_bytes(rng, data)


def _change_text(rng: random.Random, text: str) -> Any:
    """Return a text that was JSON, one place of it changed; any text where it is none."""
    if rng.random() < 0.2:
        return rng.choice(TEXTS)
    if rng.random() < 0.2:
        return change_bytes(rng, text.encode("utf-8", "surrogatepass")).decode("latin-1")
    try:
        return json.dumps(change_tree(rng, json.loads(text)))
    except ValueError:
        return change_bytes(rng, text.encode()).decode("latin-1")


def change_cell(rng: random.Random, value: Any) -> Any:
    """Return another value for a cell of SQLite, of its type or not."""
    if rng.random() < 0.15:
        return rng.choice([None, -(2**63), 2**63 - 1, 1e308, "", "x", b"", b"\xc1", math.inf, "9" * 5000, 0, -1, 0.5])
    if isinstance(value, bytes):
        return (_change_message if rng.random() < 0.6 else change_bytes)(rng, value)
    if isinstance(value, str):
        return _change_text(rng, value)
    if isinstance(value, int | float):
        return rng.choice(
            [value + 1, value - 1, -value, value * 2, 2**62, str(value), float(value), 1 << rng.randrange(62)]
        )
    return rng.choice([0, "x", b"x"])


def change_row(rng: random.Random, path: Path, tables: Callable[[str], bool] = lambda _: True) -> str:
    """Change one row of an SQLite file, or add or delete one; return what was done, "" where SQLite refuses it."""
    with closing(sqlite3.connect(path)) as base:
        base.execute("PRAGMA secure_delete=OFF")
        base.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        names = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type='table'") if tables(name)]
        table = rng.choice([name for name in names if base.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()])
        columns = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        rows = base.execute(f"SELECT * FROM {table}").fetchall()
        row = rng.choice(rows)
        how = rng.random()
        try:
            with base:
                if how < 0.08:
                    base.execute(f"DELETE FROM {table} WHERE {_same(columns)}", row)
                    return f"{table}: without {row!r:.80}"
                at = rng.randrange(len(columns))
                value = rng.choice(rows)[at] if how < 0.2 else change_cell(rng, row[at])
                new = (*row[:at], value, *row[at + 1 :])
                if how > 0.95:
                    base.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(columns))})", new)
                    return f"{table}: one more {new!r:.80}"
                base.execute(f"UPDATE {table} SET {columns[at]} = ? WHERE {_same(columns)}", (value, *row))
        except (sqlite3.Error, OverflowError, UnicodeEncodeError):
            return ""
        return f"{table}.{columns[at]}: {row[at]!r:.60} → {value!r:.60}" if repr(value) != repr(row[at]) else ""


def _same(columns: list[str]) -> str:
    return " AND ".join(f"{name} IS ?" for name in columns)


def change_file(rng: random.Random, path: Path) -> str:
    """Flip bits of a file, overwrite a stretch, or cut it; return what was done."""
    data = bytearray(path.read_bytes())
    how, at = rng.randrange(5), rng.randrange(len(data))
    if how < 3:
        for _ in range(rng.choice([1, 1, 8])):
            at = rng.randrange(len(data))
            data[at] ^= 1 << rng.randrange(8)
    elif how == 3:
        size = rng.choice([16, 512, 4096])
        data[at : at + size] = rng.choice([bytes(size), rng.randbytes(size)])[: len(data) - at]
    else:
        del data[at:]
    path.write_bytes(data)
    return f"bytes from {at} on"
