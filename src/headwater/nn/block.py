"""Samples on their way into the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Block:
    """Samples as entries: x[i] belongs to slots[i] (≥ 0 a numeric input, < 0 the row −slot − 1); sample j's end at ends[j + 1].

    ``dense``: every sample has the same slots, which are then written once. x is float64; where dense slots are rows themselves
    it may be of the net's own type, if no number in it is missing or huge.
    """

    slots: NDArray[np.int64]
    ends: NDArray[np.int64]
    x: NDArray[Any]
    dense: bool
    width: int
    """The most entries of one sample."""

    def __len__(self) -> int:
        return len(self.ends) - 1

    def form(self, dtype: np.dtype[Any]) -> int:
        """Return what the header of a net of that type says of such a block (``DENSE_ROWS``)."""
        if not self.dense or not self.width or int(self.slots.max()) >= 0:
            return int(self.dense)
        return 3 if self.x.dtype == dtype != np.float64 else 2

    def wide(self) -> Block:
        """Return the block with its numbers in float64."""
        return replace(self, x=self.x.astype(np.float64, copy=False))
