"""Lock of a model file, since two runs would overwrite each other's model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.cli.options.shared import check_writable
from headwater.errors import ConfigError

__all__ = ["locked"]


@contextmanager
def locked(model: Path) -> Iterator[None]:
    """Lock a model file for this run.

    The system releases the lock when the process ends, even after a crash.

    Raises
    ------
    ConfigError
        When another run holds it, or it can't be written.
    ModelFileError
        When it is a store, which a model file would replace.
    """
    # imported here, because a run without --model writes no file
    from headwater.store.model_file.container import refuse_store
    from headwater.store.ownership import LockFile

    check_writable(model, "--model")
    refuse_store(model)
    lock = LockFile(model.with_name(f".{model.name}.lock"))
    if not lock.take():
        raise ConfigError(
            expected="a model file that no other run writes",
            got="one that is in use",
            at=f"--model {model}",
            help="Wait for the other run, or name another file.",
        )
    try:
        yield
    finally:
        lock.release()
