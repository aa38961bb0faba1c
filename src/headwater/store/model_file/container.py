"""Read and write a JSON header and arrays as a safetensors file with a digest.

The header is stored under the metadata key "headwater". The digest is the SHA-256 of the whole file with zeros in place of the
digest, so any changed byte is detected. Files are written atomically, and never contain pickles.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save as _pack

from headwater.errors import ConfigError, ModelFileError, StoreError, shown
from headwater.store.ownership import read_head

from .saved import SavedModel

__all__ = [
    "FORMAT",
    "KEY",
    "UNFIT",
    "check_file",
    "fitting",
    "holds_database",
    "read",
    "refuse_store",
    "seal",
    "unseal",
    "write",
]

FORMAT = 2
KEY = "headwater"
PATH: tuple[type[Any], ...] = (str, os.PathLike)
_BLANK = "0" * 64
UNFIT: tuple[type[Exception], ...] = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError),
    *(msgspec.MsgspecError, SafetensorError),
)
"""Exceptions raised while building from a header and arrays that don't match. LinAlgError is a ValueError."""
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"} | {
    f"{sign}{8 * size}": f"<{kind}{size}" for sign, kind in (("I", "i"), ("U", "u")) for size in (1, 2, 4, 8)
}
"""NumPy's name of each type of a tensor."""
_DIGEST = re.compile(rb'\\"sha256\\": \\"([0-9a-f]{64})\\"')
"""The digest inside the file, in JSON nested in JSON."""


def seal(saved: SavedModel) -> bytes:
    """Serialize a model to the bytes of a file."""
    whole = {"sha256": _BLANK, "format": FORMAT, **saved.header}
    # safetensors writes raw memory, so arrays must be contiguous
    tensors = {name: np.ascontiguousarray(array) for name, array in saved.arrays.items()}
    data = bytes(_pack(tensors, metadata={KEY: json.dumps(whole)}))
    return data.replace(_BLANK.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


@contextlib.contextmanager
def fitting(at: str) -> Iterator[None]:
    """Turn errors of building from a mismatched header into a ModelFileError."""
    try:
        yield
    except ModelFileError:
        raise
    except UNFIT as error:
        raise ModelFileError(
            expected="a model as headwater saves it",
            got=f"one whose header does not fit ({error})",
            at=at,
            help="Use another copy.",
        ) from error


def no_path(path: Any) -> ConfigError:
    """Return what is wrong with a path that is neither a text nor a Path."""
    if path == ":memory:":
        return ConfigError(
            expected="a file, by which a store survives",
            got=":memory:",
            at="path",
            help="A learner alone, such as hw.Classifier(), learns in memory; for a test open a file in a temporary folder.",
        )
    return ConfigError(
        expected="the path of a file", got=shown(path), at="path", help="Give a text or a Path, such as 'model.hw'."
    )


def write(path: str | Path, data: bytes) -> None:
    """Write a file atomically (temporary file, then rename). A device is written into.

    Raises
    ------
    ModelFileError
        If the file can't be written, or the path is a store.
    """
    if not isinstance(path, PATH):
        raise no_path(path)
    path = Path(path)
    refuse_store(path)
    beside: Path | None = None
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)  # a rename would put a file in the place of /dev/null
            return
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        with open(beside, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(beside, path)
    except (OSError, ValueError) as error:  # ValueError is raised for an invalid path, such as one without a name
        with contextlib.suppress(OSError, ValueError):
            if beside is not None:
                beside.unlink()
        raise ModelFileError(
            expected="a file that can be written",
            got=_reason(error),
            at=str(path),
            help="Choose another place. The model in memory is unharmed.",
        ) from error


def refuse_store(path: str | Path) -> None:
    """Raise ModelFileError if the path is a database, because a model file would replace the store.

    Raises
    ------
    ModelFileError
        If the path is a database.
    """
    if holds_database(path):
        raise ModelFileError(
            expected="a path for a model file",
            got="that of a store or another database",
            at=str(path),
            help="Choose another path. Nothing was written.",
        )


def check_file(path: str | Path) -> None:
    """Raise ModelFileError for a folder, and for a pipe, whose other end may never write.

    Raises
    ------
    ModelFileError
        If something is there that is no file.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise ModelFileError(
            expected="a saved model",
            got="a folder" if os.path.isdir(path) else "a pipe or a device",
            at=str(path),
            help="Name the file that learner.save(path) or headwater learn --model has written.",
        )


def holds_database(path: str | Path) -> bool:
    """Return whether a file starts like an SQLite database, without reopening a store that is open here."""
    try:
        return read_head(path)[:16] == b"SQLite format 3\0"
    except StoreError:
        raise
    except (OSError, ValueError):
        return False


def read(path: str | Path) -> bytes:
    """Read the bytes of a file."""
    path = Path(path)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelFileError(
            expected="a saved model",
            got=_reason(error),
            at=str(path),
            help="Check the path. learner.save(path) writes a model.",
        ) from error


def unseal(data: bytes, at: str) -> SavedModel:
    """Parse the bytes of a file into header and arrays, after checking the digest."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + size])
        metadata = header.get("__metadata__", {})
        text = metadata.get(KEY)
    except (ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            expected="a safetensors file",
            got="something else",
            at=at,
            help="The file is truncated or not a model. Use another copy.",
        ) from error
    if not isinstance(text, str):
        raise ModelFileError(
            expected="a headwater model", got="another safetensors file", at=at, help="Check the path."
        )
    if not _unaltered(data):
        raise ModelFileError(
            expected="a file as it was saved",
            got="one that is truncated or altered",
            at=at,
            help="Use another copy.",
        )
    with fitting(at):
        inner = json.loads(text)
        if inner["format"] != FORMAT:
            later = inner["format"] > FORMAT
            raise ModelFileError(
                expected=f"a model of format {FORMAT}",
                got=f"format {inner['format']}",
                at=at,
                help="Update headwater."
                if later
                else "headwater 0.1 reads it. Learn the rows again with this version.",
            )
        return SavedModel(inner, _views(data, header, 8 + size))


def _views(data: bytes, header: dict[str, Any], start: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file without copying them, since those of a fleet are most of its loading time.

    Raises
    ------
    ValueError
        If they don't lie one behind the other, as safetensors demands.
    """
    arrays: dict[str, NDArray[Any]] = {}
    tensors = [(*one["data_offsets"], name, one) for name, one in header.items() if name != "__metadata__"]
    at = 0
    for begin, end, name, one in sorted(tensors, key=lambda tensor: tensor[:2]):
        array = np.frombuffer(data, _DTYPES[one["dtype"]], math.prod(one["shape"]), start + begin)
        if begin != at or end - begin != array.nbytes:
            raise ValueError(name, f"{array.nbytes} bytes from {at} on", (begin, end))
        arrays[name] = (array if array.flags.aligned else array.copy()).reshape(one["shape"])
        at = end
    if at != len(data) - start:
        raise ValueError("tensors", "as many bytes as the file has", at)
    return arrays


def _unaltered(data: bytes) -> bool:
    """Return whether the file matches its digest."""
    found = _DIGEST.search(data)
    if found is None:
        return False
    whole = memoryview(data)
    digest = hashlib.sha256(whole[: found.start(1)])
    digest.update(_BLANK.encode())
    digest.update(whole[found.end(1) :])
    return digest.hexdigest().encode() == found[1]


def _reason(error: OSError | ValueError) -> str:
    """Return the message of a file error."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
