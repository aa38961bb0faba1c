"""The piece of a stream that rooms hand on: some rows, their answers, and where they stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headwater.streams.columns import FrameRows
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

    Examples
    --------
    >>> block = Block(X=[{"a": 1.0}, {"a": 2.0}], y=[True, None], rows=range(1, 3))
    >>> len(block), list(block.rows)
    (2, [1, 2])
    """

    X: list[dict[str, Any]] | FrameRows | Floats
    y: list[Any]
    rows: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)
