"""The piece of a stream that rooms hand on: some rows, their answers, and where they stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.streams.frame_rows import FrameRows
from headwater.types import Floats

__all__ = ["Block"]


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a stream, in order.

    Parameters
    ----------
    X
        One dict a row, in a list or in a `FrameRows`, or an array of shape (n, features).
    y
        One answer a row; None where it is unknown.
    rows
        The number of each row in its source, counted from 1; a row that could not be read keeps its number.
    lines
        The line of each row in its file, as an editor counts; None where a source has no lines.
    position
        Of a broker's rows: the source's name, and how far it is read with this block, by partition.

    Examples
    --------
    >>> block = Block(X=[{"a": 1.0}, {"a": 2.0}], y=[True, None], rows=range(1, 3))
    >>> len(block), list(block.rows)
    (2, [1, 2])
    """

    X: list[dict[str, Any]] | FrameRows | Floats
    y: list[Any]
    rows: Sequence[int]
    lines: Sequence[int] | None = None
    position: tuple[str, dict[str, str]] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def picked(self, kept: Sequence[int]) -> Block:
        """Return the rows at these places."""
        X: Any = [self.X[i] for i in kept] if isinstance(self.X, list) else self.X[list(kept)]
        lines = None if self.lines is None else [self.lines[i] for i in kept]
        return Block(X, [self.y[i] for i in kept], [self.rows[i] for i in kept], lines, self.position)

    def line(self, i: int) -> int:
        """Return the line of a row, or its number where there are no lines."""
        return (self.rows if self.lines is None else self.lines)[i]
