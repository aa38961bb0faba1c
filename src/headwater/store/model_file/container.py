"""Arrays and a JSON header in one file: safetensors with a digest, written beside its place and then put into it.

The header stands under the key "headwater". The digest is the SHA-256 of the whole file with zeros in its own place, so no
byte can change unseen. Never a pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save as _pack

from headwater.errors import ModelFileError, StoreError
from headwater.store.ownership import read_head

from .saved import SavedModel

__all__ = ["FORMAT", "KEY", "UNFIT", "fitting", "holds_database", "read", "refuse_store", "seal", "unseal", "write"]

FORMAT = 2
KEY = "headwater"
_BLANK = "0" * 64
UNFIT: tuple[type[Exception], ...] = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, MemoryError),
    *(msgspec.MsgspecError, SafetensorError),
)
"""What is raised while something is built from a header and arrays that don't fit it; LinAlgError is a ValueError."""
_DIGEST = re.compile(rb'\\"sha256\\": \\"([0-9a-f]{64})\\"')
"""The digest where it stands: in JSON inside JSON."""


def seal(saved: SavedModel) -> bytes:
    """Return the bytes of a file."""
    whole = {"sha256": _BLANK, "format": FORMAT, **saved.header}
    # safetensors writes the memory as it lies: only contiguous arrays come back as they were
    tensors = {name: np.ascontiguousarray(array) for name, array in saved.arrays.items()}
    data = bytes(_pack(tensors, metadata={KEY: json.dumps(whole)}))
    return data.replace(_BLANK.encode(), hashlib.sha256(data).hexdigest().encode(), 1)


@contextlib.contextmanager
def fitting(at: str) -> Iterator[None]:
    """Say in one sentence when a header doesn't fit what is built from it."""
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


def write(path: str | Path, data: bytes) -> None:
    """Write a file: first beside its place, then into it, so that a crash leaves the old one or the new one.

    Raises
    ------
    ModelFileError
        If it can't be written, or a store stands there.
    """
    path = Path(path)
    refuse_store(path)
    beside: Path | None = None
    try:
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        with open(beside, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(beside, path)
    except (OSError, ValueError) as error:  # ValueError: no path at all, such as one without a name
        with contextlib.suppress(OSError, ValueError):
            if beside is not None:
                beside.unlink()
        raise ModelFileError(
            expected="a file that can be written",
            got=_reason(error),
            at=str(path),
            help="Choose another place; the model in memory is unharmed.",
        ) from error


def refuse_store(path: str | Path) -> None:
    """Raise where a database stands: a model file in its place would take a store away, open or not.

    Raises
    ------
    ModelFileError
        Then.
    """
    if holds_database(path):
        raise ModelFileError(
            expected="a path for a model file",
            got="that of a store or another database",
            at=str(path),
            help="Choose another path; nothing was written.",
        )


def holds_database(path: str | Path) -> bool:
    """Whether the file at a path begins as SQLite's do, such as a store; one that is open here is not opened again."""
    try:
        return read_head(path)[:16] == b"SQLite format 3\0"
    except StoreError:
        raise
    except (OSError, ValueError):
        return False


def read(path: str | Path) -> bytes:
    """Return the bytes of a file."""
    path = Path(path)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise ModelFileError(
            expected="a saved model",
            got=_reason(error),
            at=str(path),
            help="Check the path; learner.save(path) writes one.",
        ) from error


def unseal(data: bytes, at: str) -> SavedModel:
    """Return header and arrays of a file's bytes, if they are those that were saved."""
    from safetensors.numpy import load as unpack

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
            help="The file is truncated or no model; use another copy.",
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
        if inner["format"] > FORMAT:
            raise ModelFileError(
                expected=f"a model of format {FORMAT} or earlier",
                got=f"format {inner['format']}",
                at=at,
                help="Update headwater.",
            )
        return SavedModel(inner, unpack(data))


def _unaltered(data: bytes) -> bool:
    """Say whether the file's digest is the one that stands in it."""
    found = _DIGEST.search(data)
    if found is None:
        return False
    whole = memoryview(data)
    digest = hashlib.sha256(whole[: found.start(1)])
    digest.update(_BLANK.encode())
    digest.update(whole[found.end(1) :])
    return digest.hexdigest().encode() == found[1]


def _reason(error: OSError | ValueError) -> str:
    """Return what a file's error says."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
