"""One run a model file: what a second one learned would be lost when the first saves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headwater.cli.options.shared import check_writable
from headwater.errors import ConfigError

__all__ = ["locked"]


@contextmanager
def locked(model: Path) -> Iterator[None]:
    """Hold a model file for this run; the system lets go of it when the process ends, however it ends.

    Raises
    ------
    ConfigError
        When another run holds it, or it can't be written.
    """
    check_writable(model, "--model")
    path = model.with_name(f".{model.name}.lock")
    handle = _take(path, model)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def _take(path: Path, model: Path) -> int:
    """Return the handle of the lock's file. One that was just removed by its owner is made anew."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(handle):
            os.close(handle)
            raise ConfigError(
                expected="a model file that no other run writes",
                got="one that is in use",
                at=f"--model {model}",
                help="Wait for the other run, or name another file.",
            )
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
