"""The cache of compiled kernels, which many processes can share, and the table of routines."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

JIT = os.environ.get("HEADWATER_JIT", "1") != "0"


def cache_folder() -> Path:
    """Return the folder of compiled kernels for this source, this Numba and this processor.

    The name holds a digest of every kernel's source, because Numba itself looks only at the file that defines the
    outermost function and would serve stale code after a change in a callee.

    Returns
    -------
    Path
        Below ``HEADWATER_CACHE`` if that is set, else the user's cache folder.
    """
    root = os.environ.get("HEADWATER_CACHE")
    base = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "headwater"
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    if JIT:
        import llvmlite.binding as llvm
        import numba

        digest.update(f"{numba.__version__} {np.__version__} {llvm.get_host_cpu_name()}".encode())
    tag = f"{platform.python_implementation()}{sys.version_info[0]}{sys.version_info[1]}"
    return base / f"{tag}-{digest.hexdigest()[:16]}"


CACHE = cache_folder()
ROUTINES: dict[int, tuple[Any, str]] = {}
"""Function and argument types by place in the context."""
_ready: set[tuple[str, ...]] = set()
PATIENCE = 1.0
"""Seconds of compiling after which a word is due."""
KEPT_DAYS = 30
"""A cache that no process has opened for so long belongs to sources that are gone."""
_told = False


@contextlib.contextmanager
def compiling(key: tuple[str, ...]) -> Iterator[None]:
    """Hold the lock of the kernel cache during the first call of a kernel with the argument types ``key``.

    Numba numbers the files of one function as it writes them; two processes that compile different signatures at once
    can take the same number (numba issue 4807). Under this lock one compiles and writes, the others wait and read.

    Parameters
    ----------
    key : tuple of str
        What is about to be compiled: function and number type.
    """
    if not JIT or key in _ready:
        yield
        return
    if not CACHE.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _prune(CACHE)
    os.utime(CACHE)
    with open(CACHE / ".lock", "a", encoding="ascii") as handle, _locked(handle):
        marker = CACHE / ("-".join(key) + ".ready")
        if marker.exists():
            yield
        else:
            with _patience():
                yield
            marker.touch()
    _ready.add(key)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Tell the one who waits what for, once a process and only if it takes more than a moment."""
    global _told  # noqa: PLW0603
    if _told or os.environ.get("HEADWATER_QUIET") == "1":
        yield
        return
    start = time.perf_counter()
    said = threading.Event()

    def say() -> None:
        _say("compiling the kernels for this machine, once; half a minute or less …")
        said.set()

    word = threading.Timer(PATIENCE, say)
    word.daemon = True
    word.start()
    yield
    word.cancel()
    word.join()  # the word that is being said is heard out before the next
    if said.is_set():
        _told = True
        _say(f"… done in {time.perf_counter() - start:.0f} s")


def _prune(cache: Path) -> None:
    """Remove the caches beside this one that nobody has used for long."""
    for other in cache.parent.glob("*-*"):
        with contextlib.suppress(OSError):
            if other != cache and time.time() - other.stat().st_mtime > KEPT_DAYS * 86400:
                shutil.rmtree(other)


def _say(what: str) -> None:
    """Tell the one who waits; standard output belongs to results."""
    sys.stderr.write(f"headwater: {what}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _locked(handle: Any) -> Iterator[None]:
    """Lock an open file for this process alone, where the system can."""
    try:
        import fcntl
    except ImportError:  # Windows has no fcntl; msvcrt locks one byte
        import msvcrt

        locking: Any = msvcrt
        locking.locking(handle.fileno(), locking.LK_LOCK, 1)
        yield
        handle.seek(0)
        locking.locking(handle.fileno(), locking.LK_UNLCK, 1)
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)
