"""Registry of the stores that this process has open, by the inode of their file.

Every function that opens a store asks here first. SQLite's locks belong to the process, so an open store may only be read through
further SQLite connections. Opening and closing its file in any other way would drop the locks.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

import headwater._core as _core

__all__ = ["Owner", "add", "claims", "find", "forget", "is_open_here"]


class Owner(Protocol):
    """An object that has a store open."""

    pid: int
    """Id of the process that opened the store."""

    mutex: threading.RLock
    """Held by the thread that writes and learns."""

    outer: list[threading.RLock]
    """Locks that such a thread takes before the mutex."""

    @property
    def connections(self) -> list[Any]:
        """The connections to the store, none before they exist."""

    def disown(self) -> None:
        """Leave the file to the parent. Called in a forked process."""


_owners: dict[tuple[int, int], weakref.ref[Any]] = {}
_inherited: list[Owner] = []
"""Stores that the parent had open at the fork. SQLite in this process believes that it holds their locks."""
_held: list[threading.RLock] = []
_FORK_WAITS_S = 5.0
"""Maximum seconds that a fork waits for a writer. On a timeout only the child's predictions may come from half a step."""
_gates = [threading.RLock()]
_key = attrgetter("st_dev", "st_ino")
"""What tells one file from another."""


def claims() -> threading.RLock:
    """Return the lock under which a thread of this process finds, locks and registers stores."""
    return _gates[0]


def add(file: int, owner: Owner) -> None:
    """Register an open store by a descriptor of its file, for the lifetime of its owner."""
    key = _key(os.fstat(file))
    _owners[key] = weakref.ref(owner, lambda gone: _drop(key, gone))


def forget(owner: Owner) -> None:
    """Remove a closed store from the registry."""
    for key, known in list(_owners.items()):
        if known() is owner:
            _drop(key, known)


def find(path: Path) -> Any:
    """Return the `Owner` of a file in this process or its parent, or None, without opening the file."""
    try:
        known = _owners.get(_key(os.stat(path)))
    except (OSError, ValueError):
        return None
    return None if known is None else known()


def is_open_here(path: str | Path) -> bool:
    """Return whether this process itself has a store open."""
    owner = find(Path(path))
    return owner is not None and owner.pid == os.getpid()


def _drop(key: tuple[int, int], gone: weakref.ref[Any]) -> None:
    if _owners.get(key) is gone:
        del _owners[key]


def _hold() -> None:
    """Wait before a fork until no store is being written, because the child copies the current state."""
    for known in list(_owners.values()):
        owner = known()
        for lock in () if owner is None else (*owner.outer, owner.mutex):
            if lock.acquire(timeout=_FORK_WAITS_S):
                _held.append(lock)


def _let_go() -> None:
    while _held:
        _held.pop().release()


def _inherit() -> None:
    """Keep copied connections open in the child, because SQLite would clean up as the last user on close."""
    _let_go()
    _gates[0] = threading.RLock()  # another thread of the parent may have held it
    for known in list(_owners.values()):
        owner = known()
        if owner is not None:
            _inherited.append(owner)
            owner.disown()
            for connection in owner.connections:
                _core.keep(connection)


if sys.platform != "win32":
    os.register_at_fork(before=_hold, after_in_parent=_let_go, after_in_child=_inherit)
