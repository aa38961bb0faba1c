"""Read what headwater wrote by the pages of docs/formats alone: standard library, NumPy, and a decoder of MessagePack."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

PAGES = Path(__file__).parents[3] / "docs" / "formats"
TYPES = {"U64": "<u8", "I64": "<i8", "F64": "<f8", "F32": "<f4", "I32": "<i4", "U8": "u1"}
SHA = re.compile(rb'\\"sha256\\": \\"([0-9a-f]{64})\\"')


def page(name: str) -> str:
    """The text of a page."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def table(name: str, head: str) -> list[list[str]]:
    """The rows of the first table of a page with this head, as cells."""
    _, _, rest = page(name).partition(f"| {head} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def model(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The head and the arrays of a model file (model.md)."""
    n = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + n])
    head = json.loads(entries.pop("__metadata__")["headwater"])
    arrays = {}
    for name, entry in entries.items():
        begin, end = (8 + n + at for at in entry["data_offsets"])
        arrays[name] = np.frombuffer(data[begin:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    return head, arrays


def digest(data: bytes) -> str:
    """The SHA-256 of a model file with zeros in its place."""
    found = SHA.search(data)
    assert found is not None
    return hashlib.sha256(data[: found.start(1)] + b"0" * 64 + data[found.end(1) :]).hexdigest()


def resealed(data: bytes, change: dict[str, Any]) -> bytes:
    """The file with other values in its head, under a digest that fits."""
    n = int.from_bytes(data[:8], "little")
    entries = json.loads(data[8 : 8 + n])
    head = json.loads(entries["__metadata__"]["headwater"]) | change
    entries["__metadata__"]["headwater"] = json.dumps(head | {"sha256": "0" * 64})
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    whole = len(text).to_bytes(8, "little") + text + data[8 + n :]
    return whole.replace(b"0" * 64, digest(whole).encode(), 1)


def plain(value: Any) -> Any:
    """A setting as a value (settings.md), of classes their name and fields."""
    if not isinstance(value, dict):
        return value
    ((tag, inner),) = list(value.items())[:1]
    match tag:
        case "float":
            return float.fromhex(inner)
        case "tuple" | "list":
            return {"tuple": tuple, "list": list}[tag](map(plain, inner))
        case "bytes":
            return bytes.fromhex(inner)
        case "dict":
            return {plain(name): plain(one) for name, one in inner}
    return inner, {name: plain(one) for name, one in value["fields"].items()}


def rows_by_name(arrays: dict[str, Any]) -> dict[str, Any]:
    """The row of the table of each number, and of each category of a column (model.md, "From a column to its weights")."""
    texts, ends = arrays["names_bytes"].tobytes(), [0, *arrays["names_end"].tolist()]
    names = [texts[a:b].decode() for a, b in zip(ends, ends[1:], strict=False)]
    columns = [names[i] for i in arrays["column_name"]]
    found: dict[str, Any] = {}
    for c, column in enumerate(columns):
        if arrays["column_kind"][c] == 0:
            found[column] = int(arrays["slot_row"][arrays["column_slot"][c]])
    for i, owner in enumerate(arrays["names_owner"].tolist()):
        if owner >= 0:
            found[f"{columns[owner]}={names[i]}"] = int(arrays["names_value"][i])
    return found


def events(path: Path) -> list[list[Any]]:
    """The events of a store's journal, after checking every CRC (journal.md)."""
    found = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        for seq, n, of, t, body, crc in base.execute("SELECT seq, n, model, t, body, crc FROM journal ORDER BY seq"):
            assert zlib.crc32(struct.pack("<4q", seq, n, of, t) + body) == crc
            entry = msgspec.msgpack.decode(body, ext_hook=lambda code, data: (code, bytes(data).decode()))
            assert (len(entry), len(found) + n) == (n, seq)
            found += entry
    return found


def seal(path: Path) -> tuple[dict[str, Any], bool]:
    """The seal of a store, and whether it fits its CRC-32 (store.md)."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        ((text,),) = base.execute("SELECT value FROM meta WHERE key = 'seal'").fetchall()
    said, _, crc = text.rpartition(" ")
    return json.loads(said), f"{zlib.crc32(said.encode()):08x}" == crc


def snapshot(path: Path, learner: int) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Event, head and arrays of the newest snapshot of a learner, after checking every digest (store.md)."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        query = "SELECT seq, generation, body, sha FROM snapshots WHERE learner = ? ORDER BY seq DESC LIMIT 1"
        ((seq, generation, body, sha),) = base.execute(query, (learner,)).fetchall()
        assert hashlib.sha256(f"{learner} {seq} {generation} {len(body)} ".encode() + body).digest() == sha
        head, _, listed = msgspec.msgpack.decode(body)
        arrays = {}
        for name, kind, shape, pieces in listed:
            chunk = "SELECT body FROM chunks WHERE generation = ? AND sha = ?"
            data = b"".join(base.execute(chunk, (generation, piece)).fetchone()[0] for piece in pieces)
            arrays[name] = np.frombuffer(data, kind).reshape(shape)
    return seq, json.loads(head), arrays


def mark(data: bytes) -> tuple[int, int]:
    """The last acknowledged event and prediction of a mark (store.md)."""
    sound = []
    for at in (0, 64):
        record = data[at : at + 28]
        if record[:8] == b"hwmark01" and zlib.crc32(record[8:24]) == int.from_bytes(record[24:28], "little"):
            sound.append(struct.unpack("<qq", record[8:24]))
    return max(sound)
