"""Ctrl-C between two blocks of a stream."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from headwater.streams.block import Block

__all__ = ["CtrlC"]


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
