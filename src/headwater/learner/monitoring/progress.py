"""Print the progress of a long ``learn_many`` to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.learner.validation import Block

__all__ = ["parts_of", "print_part"]

LINES = 20
LEAST = 1000
"""Minimum rows between two lines."""


def parts_of(block: Block) -> Iterator[Block]:
    """Split a block into at most ``LINES`` parts of ``LEAST`` rows or more."""
    n = len(block.y)
    size = max(LEAST, -(-n // LINES))
    for at in range(0, n, size):
        yield block.part(slice(at, min(n, at + size)))


def print_part(part: Block, y_pred: Sequence[Any] | NDArray[Any], *, done: int, total: int) -> None:
    """Print the number of learned rows and the prequential metric of the last part."""
    pairs = [(y, said) for y, said, good in zip(part.y, y_pred, part.good, strict=True) if good]
    numbers = isinstance(part.y, np.ndarray)
    scores = [abs(y - said) if numbers else y == said for y, said in pairs]
    name = "mae" if numbers else "accuracy"
    score = f", {name} {np.mean(scores):.4g} over the last {len(scores):,}" if scores else ""
    sys.stderr.write(f"{done:,} of {total:,} rows{score}\n")
