"""Ctrl-C between two blocks of a stream, and between two pieces of a block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, TypeVar

from headwater.streams.block import Block

__all__ = ["PIECE", "CtrlC", "Uninterrupted", "in_pieces"]

Done = TypeVar("Done")
PIECE = 8192
"""Rows that are learned at once: Ctrl-C waits for no more, and what is converted for the core stays small."""


class CtrlC:
    """Let Ctrl-C end a loop between two blocks, never inside one: a learner is not to be left half-way through a row.

    While the next block is waited for, it ends the wait. Pressed a second time, it ends the loop at once, even inside a
    block. Outside the main thread, where no signal can be caught, this does nothing.

    Examples
    --------
    >>> with CtrlC() as ctrl_c:
    ...     [block.y for block in ctrl_c.between(iter([Block([{}], [1], [1]), Block([{}], [2], [2])]))]
    [[1], [2]]
    """

    def __init__(self) -> None:
        self.hurried = False  # whether it was pressed again before the block was done
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

    def between(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks; raise KeyboardInterrupt before the next one once Ctrl-C has been pressed."""
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
    """Let Ctrl-C wait until a piece of work is done: then it does what it would have done.

    In a thread other than the main one, where no signal can be caught, and inside another such piece, this does nothing.

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
        before = signal.getsignal(signal.SIGINT)
        if callable(before) and not isinstance(getattr(before, "__self__", None), Uninterrupted):
            self._before = before
            signal.signal(signal.SIGINT, self._note)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if (before := self._before) is not None:
            signal.signal(signal.SIGINT, before)
            pressed = self._pressed
            self._before, self._pressed = None, 0
            for _ in range(pressed):
                before(signal.SIGINT, None)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pressed += 1


def in_pieces(n: int, work: Callable[[slice], Done]) -> list[Done]:
    """Do rows in pieces, each whole or not at all; Ctrl-C ends it between two of them.

    Parameters
    ----------
    n : int
        How many rows there are.
    work : callable
        Is given the rows of a piece; of none where there are no rows.

    Returns
    -------
    list
        What it returned for each piece.
    """
    done = []
    for at in range(0, max(n, 1), PIECE):
        with Uninterrupted():
            done.append(work(slice(at, min(n, at + PIECE))))
    return done
