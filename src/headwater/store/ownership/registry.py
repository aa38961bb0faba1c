"""The stores that this process has open, by the inode of their file.

Every door to a store asks here before it opens the file. SQLite keeps its locks per process, so what is open here is read through
further connections of SQLite, and its file is never opened and closed in another way.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import headwater._core as _core

__all__ = ["Owner", "add", "claiming", "find", "forget", "is_open_here"]


class Owner(Protocol):
    """What has a store open."""

    pid: int
    """The process that opened it."""

    mutex: threading.RLock
    """Held by the thread that writes to it, and learns."""

    @property
    def connection(self) -> Any:
        """The connection to it; None before there is one."""

    def disown(self) -> None:
        """Let the parent alone have the file; called in a forked process."""


_owners: dict[tuple[int, int], weakref.ref[Any]] = {}
_inherited: list[Owner] = []
"""What the parent had open when this process was forked: SQLite in this process believes that it has their locks."""
_held: list[threading.RLock] = []
_FORK_WAITS_S = 5.0
"""Seconds that a fork waits for a writer at most. The child is refused in any case; only its predictions could be from a half step."""
_gates = [threading.RLock()]


@contextmanager
def claiming() -> Iterator[None]:
    """Look for a store, lock it and add it, while no other thread of this process does."""
    with _gates[0]:
        yield


def add(file: int, owner: Owner) -> None:
    """Note that a store is open, by a descriptor of its file, for as long as its owner lives."""
    key = _key(os.fstat(file))
    _owners[key] = weakref.ref(owner, lambda gone: _drop(key, gone))


def forget(owner: Owner) -> None:
    """Note that a store is closed."""
    for key, known in list(_owners.items()):
        if known() is owner:
            _drop(key, known)


def find(path: Path) -> Any:
    """Return the `Owner` of a file in this process or the one that it was forked from, None for none; the file is not opened."""
    try:
        known = _owners.get(_key(os.stat(path)))
    except (OSError, ValueError):
        return None
    return None if known is None else known()


def is_open_here(path: str | Path) -> bool:
    """Whether this process itself has a store open."""
    owner = find(Path(path))
    return owner is not None and owner.pid == os.getpid()


def _key(about: os.stat_result) -> tuple[int, int]:
    return about.st_dev, about.st_ino


def _drop(key: tuple[int, int], gone: weakref.ref[Any]) -> None:
    if _owners.get(key) is gone:
        del _owners[key]


def _hold() -> None:
    """Wait, before a fork, until no store is written to: a child copies what it finds."""
    for known in list(_owners.values()):
        owner = known()
        if owner is not None and owner.mutex.acquire(timeout=_FORK_WAITS_S):
            _held.append(owner.mutex)


def _let_go() -> None:
    while _held:
        _held.pop().release()


def _inherit() -> None:
    """Let connections that a fork has copied never be closed in the child: SQLite would take itself for their last user."""
    _let_go()
    _gates[0] = threading.RLock()  # another thread of the parent may have had it
    for known in list(_owners.values()):
        owner = known()
        if owner is not None:
            _inherited.append(owner)
            owner.disown()
            if owner.connection is not None:
                _core.keep(owner.connection)


if sys.platform != "win32":
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_inherit)
