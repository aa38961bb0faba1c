"""A separate process that reads large models from the store without blocking learning or requests.

It keeps its own learner, brought to the wanted event from a snapshot and the journal. So nothing is copied under the model's lock,
and no other thread waits for the interpreter while a file of a hundred megabytes is built.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from headwater.errors import HeadwaterError
from headwater.serve.http.errors import STATUS, Busy
from headwater.serve.http.schemas import LARGE

__all__ = ["ERRORS", "UNREADABLE", "Asked", "Reader", "Said", "read_frame", "write_all", "write_frame"]

_MAIN = "headwater.serve.background.reading"
UNREADABLE = "unreadable"
"""Reply kind for a learner of another package, whose class the process doesn't know."""
ERRORS = {kind.__name__: kind for kind, _ in STATUS}
"""Errors by the names that go between the processes."""


class Asked(msgspec.Struct, array_like=True):
    """A request for a view of a learner at an event, with options."""

    model: int
    model_name: str
    task: str
    learner: int
    learner_name: str
    seq: int
    look: str
    options: dict[str, Any]


class Said(msgspec.Struct, array_like=True):
    """A reply, followed by ``size`` bytes, or an error given by kind and parts."""

    size: int
    kind: str = ""
    error: dict[str, str] = {}


class Reader:
    """Client of the reader process, which starts on first use and restarts if it dies.

    Parameters
    ----------
    path : str or Path
        The store.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()
        self._closed = False

    def ask(self, asked: Asked) -> bytes | memoryview | None:
        """Return the reply to one request, or None if the process can't read this learner.

        Concurrent requests wait.

        Raises
        ------
        HeadwaterError
            If the view is not available, or `Busy` if the process has died.
        """
        with self._turn:
            try:
                process = self._running()
                write_frame(process.stdin, msgspec.msgpack.encode(asked))
                said = msgspec.msgpack.decode(read_frame(process.stdout), type=Said)
                body = _read(process.stdout, said.size)
            except (OSError, EOFError, ValueError, msgspec.DecodeError) as error:
                self._end()
                raise Busy(
                    expected="a process that reads the store",
                    got=f"one that has ended ({type(error).__name__})",
                    at=asked.model_name,
                    help="Try again, since it restarts.",
                ) from error
        if said.kind == UNREADABLE:
            return None
        if said.kind:
            raise ERRORS.get(said.kind, HeadwaterError)(**said.error)
        return body if said.size > LARGE else bytes(body)

    def close(self) -> None:
        """Kill the process."""
        self._closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._turn:
            self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise EOFError
        if self._process is None or self._process.poll() is not None:
            self._end()
            words = [sys.executable, "-m", _MAIN, str(self._path)]
            # In its own session, so that Ctrl-C reaches only the server, which ends this process itself.
            self._process = subprocess.Popen(
                words, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def read_frame(pipe: IO[bytes] | None) -> bytes:
    """Read a message prefixed by its length in eight bytes.

    Raises
    ------
    EOFError
        If the pipe was closed.
    """
    return bytes(_read(pipe, int.from_bytes(_read(pipe, 8), "little")))


def write_frame(pipe: IO[bytes] | None, data: bytes) -> None:
    """Write a message prefixed by its length.

    Raises
    ------
    EOFError
        If there is no pipe.
    """
    write_all(pipe, len(data).to_bytes(8, "little"))
    write_all(pipe, data)


def write_all(pipe: IO[bytes] | None, data: bytes) -> None:
    """Write all bytes to an unbuffered pipe.

    Raises
    ------
    EOFError
        If there is no pipe.
    """
    if pipe is None:
        raise EOFError
    left = memoryview(data)
    while left:
        left = left[pipe.write(left) :]


def _read(pipe: IO[bytes] | None, size: int) -> memoryview:
    # np.empty doesn't zero the memory, which for a hundred megabytes would block every other thread.
    found = np.empty(size, np.uint8).data
    at = 0
    while at < size:
        n = 0 if pipe is None else pipe.readinto(found[at:])  # type: ignore[attr-defined]  # of a pipe without a buffer
        if not n:
            raise EOFError
        at += n
    return found
