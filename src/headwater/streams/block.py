"""Block of consecutive rows with labels and positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater.streams.readers.frame_rows import FrameRows
from headwater.types import Floats

__all__ = ["Block"]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of a stream.

    Parameters
    ----------
    X
        One dict per row in a list or a `FrameRows`, or an array of shape (n, features).
    y
        One label per row; None where unknown.
    rows
        Row numbers in the source, from 1. Rejected rows count too.
    lines
        Line numbers in the file; None if the source has no lines.
    position
        For a broker, the source's name and the positions after this block, by partition.
    names, cells
        Of a file of text, the names of all its columns, and the cells of each row as they are written.

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
    names: tuple[str, ...] = ()
    cells: Sequence[Sequence[str]] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def picked(self, kept: Sequence[int]) -> Block:
        """Return the block with only the rows at these indices."""
        X: Any = [self.X[i] for i in kept] if isinstance(self.X, list) else self.X[list(kept)]
        lines = None if self.lines is None else [self.lines[i] for i in kept]
        cells = None if self.cells is None else [self.cells[i] for i in kept]
        rows = [self.rows[i] for i in kept]
        return replace(self, X=X, y=[self.y[i] for i in kept], rows=rows, lines=lines, cells=cells)

    def written(self, names: Sequence[str]) -> list[list[str]] | None:
        """Return the cells of some columns as they are written, or None of a source without text.

        Those of a column that this file lacks are empty.
        """
        if self.cells is None:
            return None
        at = [self.names.index(name) if name in self.names else None for name in names]
        return [["" if j is None else row[j] for j in at] for row in self.cells]

    def line(self, i: int) -> int:
        """Return a row's line number, or its row number if the source has no lines."""
        return (self.rows if self.lines is None else self.lines)[i]
