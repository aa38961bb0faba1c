"""Convert tensors of the Open Inference Protocol v2 (JSON and binary) to rows and back.

References
----------
KServe, Open Inference Protocol (REST), and its binary tensor data extension.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError, counted
from headwater.serve.http.limits import ServerLimits, too_many
from headwater.serve.http.pieces import flattened, items_of, scalars_of
from headwater.serve.http.schemas import LARGE, decoded, to_features, to_json

TYPES: dict[str, str] = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "BYTES": "O",
}  # fmt: skip
"""NumPy's name of each datatype."""
_IN_JSON: dict[str, tuple[type, ...]] = {"BYTES": (str,), "BOOL": (bool,)}
"""Types of the values of datatypes that are no numbers."""

Array = NDArray[Any]
_DIGITS = 12
_PART = 1 << 14


def split(body: bytes, header: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a request into its JSON part and its binary part.

    Parameters
    ----------
    body : bytes
        The request's body.
    header : bytes
        ``Inference-Header-Content-Length``, the bytes of the JSON part. Empty for JSON only.
    """
    size = len(body)
    if header:
        # Longer numbers can't be valid, and Python refuses very long ones.
        if not header.isdigit() or len(header) > _DIGITS or int(header) > len(body):
            raise wrong("a length within the body", repr(header[:40]), "Inference-Header-Content-Length")
        size = int(header)
    document = decoded(msgspec.json.decode if size <= LARGE else _document, body[:size], "body")
    if not isinstance(document, dict):
        raise wrong("an object with inputs", type(document).__name__, "body")
    return document, body[size:]


def _document(text: bytes) -> dict[str, Any]:
    """Decode a large document tensor by tensor, with the values of each in pieces."""
    parts = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    document = {name: _small(part) for name, part in parts.items() if name != "inputs"}
    inputs = [
        msgspec.json.decode(one, type=dict[str, msgspec.Raw]) for one in items_of(bytes(parts.get("inputs", b"[]")))
    ]
    document["inputs"] = [
        {name: scalars_of(bytes(part)) if name == "data" else _small(part) for name, part in one.items()}
        for one in inputs
    ]
    return document


def _small(part: msgspec.Raw) -> Any:
    if len(part) > LARGE:
        raise ValueError(f"a value of {len(part)} bytes where none so large is expected")
    return msgspec.json.decode(part)


def read_tensors(document: dict[str, Any], binary: bytes, limits: ServerLimits) -> dict[str, Array]:
    """Return the inputs of a request by name, checking sizes before allocating.

    Raises
    ------
    DataError
        If a tensor is malformed, its data don't match its shape, or it is beyond the limits.
    """
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise wrong("a list of inputs", "an empty one" if inputs == [] else type(inputs).__name__, "inputs")
    found: dict[str, Array] = {}
    at = cells = 0
    for i, tensor in enumerate(inputs):
        where = f"inputs[{i}]"
        if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
            raise wrong("a tensor with a name", repr(tensor)[:80], where)
        if tensor["name"] in found:
            raise wrong("a name for each tensor", f"{tensor['name'][:40]!r} twice", where)
        shape = _shape(tensor.get("shape"), where)
        cells += max(shape[0], 1) * math.prod(shape[1:])  # columns cost something even without rows
        if shape[0] > limits.rows or cells > limits.cells:
            raise too_many("rows" if shape[0] > limits.rows else "cells", limits, f"{where}.shape")
        parameters = tensor.get("parameters")
        size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
        if size is None:
            found[tensor["name"]] = _from_json(tensor, shape, where)
            continue
        if type(size) is not int or not 0 <= size <= len(binary) - at:
            raise wrong("a size within the binary part", repr(size)[:40], f"{where}.parameters.binary_data_size")
        found[tensor["name"]] = _from_bytes(tensor.get("datatype"), shape, binary[at : at + size], where)
        at += size
    if at != len(binary):
        raise wrong(f"{at} bytes of tensors", f"{len(binary)}", "binary part")
    return found


def _shape(shape: Any, where: str) -> tuple[int, ...]:
    if not isinstance(shape, list) or len(shape) not in (1, 2) or any(type(n) is not int or n < 0 for n in shape):
        raise wrong("a shape [rows] or [rows, columns]", repr(shape)[:80], f"{where}.shape")
    return tuple(shape)


def _from_json(tensor: dict[str, Any], shape: tuple[int, ...], where: str) -> Array:
    kind: Any = tensor.get("datatype")
    dtype, flat = _dtype(kind, where), flattened(tensor.get("data"), 3)
    size = math.prod(shape)
    if len(flat) != size:
        raise wrong(f"{counted(size, 'value')}, as the shape says", str(len(flat)), f"{where}.data")
    wanted = _IN_JSON.get(kind, (int, float))
    if any(not isinstance(v, wanted) or (kind != "BOOL" and isinstance(v, bool)) for v in flat):
        raise wrong(f"values of {kind}", "others", f"{where}.data")
    try:
        with np.errstate(over="ignore"):
            return _filled(np.empty(size, dtype), flat).reshape(shape)
    except (OverflowError, ValueError, TypeError) as error:
        raise wrong(f"values of {kind}", str(error)[:80], f"{where}.data") from error


def _dtype(kind: Any, where: str) -> np.dtype[Any]:
    """Return NumPy's type of a datatype."""
    if not isinstance(kind, str) or kind not in TYPES:
        raise wrong(f"a datatype of {', '.join(TYPES)}", repr(kind)[:40], f"{where}.datatype")
    return np.dtype(TYPES[kind])


def _filled(out: Array, values: list[Any]) -> Array:
    """Fill an array in parts, between which other threads can run."""
    for start in range(0, len(values), _PART):
        out[start : start + _PART] = values[start : start + _PART]
    return out


def _from_bytes(kind: Any, shape: tuple[int, ...], data: bytes, where: str) -> Array:
    size = math.prod(shape)
    if kind == "BYTES":
        return _texts(data, size, where).reshape(shape)
    dtype = _dtype(kind, where)
    if size * dtype.itemsize != len(data):
        raise wrong(f"{size * dtype.itemsize} bytes, as the shape says", str(len(data)), where)
    return np.frombuffer(data, dtype).reshape(shape)


def _texts(data: bytes, size: int, where: str) -> Array:
    """Decode texts, each prefixed by its length in four bytes."""
    if 4 * size > len(data):
        raise wrong(f"{4 * size} bytes or more, as the shape says", str(len(data)), where)
    out = np.empty(size, object)
    at = 0
    for i in range(size):
        if at + 4 > len(data):
            raise wrong(counted(size, "text"), f"{i}", where)
        (n,) = struct.unpack_from("<I", data, at)
        at += 4
        try:
            out[i] = data[at : at + n].decode()
        except UnicodeDecodeError as error:
            raise wrong("text in UTF-8", "other bytes", where) from error
        at += n
    if at != len(data):
        raise wrong(f"{at} bytes of texts", str(len(data)), where)
    return out


def to_samples(found: dict[str, Array]) -> list[dict[str, Any]]:
    """Convert tensors to samples, one of shape [rows] to a feature, one of [rows, columns] to x0, x1, ….

    With several two-dimensional tensors the columns are named after the tensor, as name0, name1, ….
    """
    rows = {len(array) for array in found.values()}
    if len(rows) != 1:
        raise wrong("tensors of as many rows", str(sorted(rows)), "inputs")
    if rows == {0}:
        return []
    columns: dict[str, list[Any]] = {}
    wide = [name for name, array in found.items() if array.ndim == 2 and array.shape[1] != 1]
    for name, array in found.items():
        values = array.astype(np.float64) if array.dtype.kind == "f" else array
        if array.ndim == 2 and array.shape[1] != 1:
            stem = "x" if len(wide) == 1 else name
            columns |= {f"{stem}{j}": values[:, j].tolist() for j in range(array.shape[1])}
        else:
            columns[name] = values.reshape(-1).tolist()
    for name, values_ in columns.items():
        if any(isinstance(v, float) and not np.isfinite(v) for v in values_):
            raise wrong("finite numbers", "NaN or infinity", f"input {name}")
    names, lists = list(columns), list(columns.values())
    return to_features([dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)], "inputs")


def pack(name: str, array: Array, binary: bool) -> tuple[dict[str, Any], bytes]:
    """Return an output tensor as JSON, and its bytes if binary."""
    kind = next(kind for kind, name in TYPES.items() if np.dtype(name) == array.dtype)
    about: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(array.shape)}
    if not binary:
        return {**about, "data": _written(array.reshape(-1))}, b""
    texts = [str(value).encode() for value in array.reshape(-1)] if kind == "BYTES" else []
    data = as_bytes(texts) if kind == "BYTES" else np.ascontiguousarray(array).tobytes()
    return {**about, "parameters": {"binary_data_size": len(data)}}, data


def as_bytes(texts: Iterable[bytes]) -> bytes:
    """Encode texts, each prefixed by its length in four bytes."""
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _written(values: Array) -> msgspec.Raw:
    """Encode values as a JSON array in parts."""
    parts = [to_json(values[start : start + _PART].tolist())[1:-1] for start in range(0, len(values), _PART)]
    return msgspec.Raw(b"[%b]" % b",".join(parts))


def wrong(expected: str, got: str, at: str) -> DataError:
    """Return the error of a request that is not the protocol's."""
    return DataError(expected=expected, got=got, at=at, help="See the Open Inference Protocol. Nothing was learned.")


__all__ = ["TYPES", "Array", "as_bytes", "pack", "read_tensors", "split", "to_samples", "wrong"]
