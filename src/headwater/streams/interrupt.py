"""Handle Ctrl-C between blocks of a stream, and between pieces of a block."""

from __future__ import annotations

# What signal.signal calls: that looks each handler up in an enum first, at each commit ten times the cost.
import _signal  # type: ignore[import-not-found]
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, TypeVar

__all__ = ["FIRST_PIECE", "PIECE", "CtrlC", "Uninterrupted", "in_pieces"]

Done = TypeVar("Done")
PIECE = 8192
"""Most rows learned per call, which bounds the memory for conversion."""
FIRST_PIECE, LEAST_PIECE = 1024, 32
TURN_S = 0.004
"""What a call should take, for which Ctrl-C waits, and threads that predict."""


class CtrlC:
    """Let Ctrl-C end a loop between blocks, never inside one, so that a learner is never left in the middle of a row.

    Ctrl-C also ends the wait for the next block. Pressed a second time, it ends the loop immediately, even inside a block.
    Outside the main thread, where signals can't be caught, this does nothing.

    Examples
    --------
    >>> with CtrlC() as ctrl_c:
    ...     list(ctrl_c.between(iter(["first block", "second block"])))
    ['first block', 'second block']
    """

    def __init__(self) -> None:
        self.hurried = False  # whether it was pressed twice
        self._asked = False
        self._waits = False
        self._main = threading.current_thread() is threading.main_thread()
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def between(self, blocks: Iterator[Done]) -> Iterator[Done]:
        """Yield the blocks, or other pieces of work, and raise KeyboardInterrupt before the next one after Ctrl-C."""
        while True:
            self._waits = True
            if self._asked:
                raise KeyboardInterrupt
            block = next(blocks, None)
            self._waits = False
            if block is None:
                return
            yield block

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.hurried = self._asked
        if self._waits or self._asked:
            raise KeyboardInterrupt
        self._asked = True


class Uninterrupted:
    """Defer Ctrl-C until a piece of work is done, then handle it as usual.

    Outside the main thread, where signals can't be caught, and inside another such piece, this does nothing.

    Examples
    --------
    >>> try:
    ...     with Uninterrupted():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done = True
    ... except KeyboardInterrupt:
    ...     print(done)
    True
    """

    _before: Callable[[int, FrameType | None], Any] | None = None
    _pressed = 0

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        before = _signal.getsignal(signal.SIGINT)
        if callable(before) and not isinstance(getattr(before, "__self__", None), Uninterrupted):
            self._before = before
            _signal.signal(signal.SIGINT, self._note)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if (before := self._before) is not None:
            _signal.signal(signal.SIGINT, before)
            pressed = self._pressed
            self._before, self._pressed = None, 0
            for _ in range(pressed):
                before(signal.SIGINT, None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pressed += 1


def in_pieces(n: int, work: Callable[[slice], Done]) -> list[Done]:
    """Process rows in pieces, each completely or not at all, with Ctrl-C handled between pieces, which take some milliseconds each.

    Parameters
    ----------
    n : int
        Number of rows.
    work : callable
        Called with the slice of each piece, and once with an empty slice if there are no rows.

    Returns
    -------
    list
        The results for the pieces.
    """
    done: list[Done] = []
    at, size = 0, min(FIRST_PIECE, PIECE)
    while at < n or not done:
        began = time.perf_counter()
        with Uninterrupted():
            done.append(work(slice(at, min(n, at + size))))
        at += size
        took = max(time.perf_counter() - began, 1e-9)
        size = min(max(int(size * min(TURN_S / took, 4.0)), LEAST_PIECE), PIECE)
    return done
