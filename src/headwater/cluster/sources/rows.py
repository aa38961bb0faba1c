"""Read a stream for rounds, with numbered rows from a position on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from headwater.cluster.worker import Block, Outcome
from headwater.streams import Block as StreamBlock
from headwater.streams import as_blocks

__all__ = ["Rows"]


class Rows:
    """Stream that is read once and forwards, except for rows that are given back.

    Parameters
    ----------
    source
        Any argument of `headwater.streams.as_blocks`.
    target : str, optional
        Column of the labels.
    wants : callable
        wants(row number): whether the row is still to be learned.
    problem : callable
        problem(label): why it can't be scored, or "".
    front : int
        Number of rows to keep of those before the next one, whether wanted or not.

    Examples
    --------
    >>> stream = [({"a": 1}, "x"), ({"a": 2}, None), ({"a": 3}, "y"), ({"a": 4}, "x")]
    >>> rows = Rows(stream, None, wants=lambda row: row != 1, problem=lambda y: "" if y else "unknown")
    >>> rows.take(1)
    ([{'a': 3}], ['y'], [3])
    >>> rows.give_back([{"a": 3}], ["y"], [3])
    >>> rows.take(5)
    ([{'a': 3}, {'a': 4}], ['y', 'x'], [3, 4])
    >>> rows.left_out
    {'unknown': 1}

    `front` has the rows before those taken last, also those that a restarted coordinator passed over:

    >>> rows = Rows(stream, None, wants=lambda row: row > 1, problem=lambda y: "" if y else "unknown", front=100)
    >>> rows.take(1)[2], rows.front
    ([3], ([{'a': 1}], ['x']))
    """

    def __init__(
        self,
        source: Any,
        target: str | None,
        *,
        wants: Callable[[int], bool],
        problem: Callable[[Any], str],
        front: int = 0,
    ) -> None:
        self._wants, self._problem = wants, problem
        self._passed: deque[tuple[Any, Any]] = deque(maxlen=front + 1)
        self.front: tuple[Any, list[Any]] = [], []
        self.left_out: dict[str, int] = {}
        self._blocks = as_blocks(source, target=target)
        self._given_back: list[tuple[int, Any, Any]] = []
        self._rows = self._read()

    def take(self, count: int) -> tuple[Any, list[Any], list[int]]:
        """Return up to ``count`` rows with labels and numbers, those given back first."""
        back, self._given_back = self._given_back[:count], self._given_back[count:]
        first = list(islice(self._rows, min(count - len(back), 1)))
        before = list(self._passed)[:-1] if first and not back else []  # the last one passed is the first one taken
        self.front = _together([x for x, _ in before]), [y for _, y in before]
        some = [*back, *first, *islice(self._rows, count - len(back) - len(first))]
        return _together([x for _, x, _ in some]), [y for _, _, y in some], [row for row, _, _ in some]

    def give_back(self, X: Any, y: list[Any], rows: Any) -> None:
        """Give back rows that were not learned, which come next in order."""
        self._given_back = sorted([*self._given_back, *zip(rows, X, y, strict=True)], key=lambda row: row[0])

    def settle(self, blocks: Sequence[Block], outcomes: Sequence[Outcome]) -> list[Block]:
        """Give back the rows of unfinished blocks, and return the other blocks."""
        done = {outcome.index for outcome in outcomes}
        for block in blocks:
            if block.index not in done:
                self.give_back(block.X, block.y, block.rows)
        return [block for block in blocks if block.index in done]

    @property
    def waiting(self) -> list[int]:
        """Numbers of the rows given back."""
        return [row for row, _, _ in self._given_back]

    def _read(self) -> Iterator[tuple[int, Any, Any]]:
        for block in self._blocks:
            yield from self._usable(block)

    def _usable(self, block: StreamBlock) -> Iterator[tuple[int, Any, Any]]:
        for row, x, y in zip(block.rows, block.X, block.y, strict=True):
            reason = self._problem(y)
            if reason:  # rows learned before a restart count too, so that the record is that of the whole run
                self.left_out[reason] = self.left_out.get(reason, 0) + 1
                continue
            self._passed.append((x, y))
            if self._wants(row):
                yield row, x, y


def _together(X: list[Any]) -> Any:
    """Return rows as one array, where they are arrays."""
    return np.stack(X) if X and isinstance(X[0], np.ndarray) else X
