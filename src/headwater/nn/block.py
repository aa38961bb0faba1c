"""Samples on their way into the machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Block:
    """Samples as entries: x[i] belongs to slots[i] (≥ 0 a numeric input, < 0 the row −slot − 1); sample j's end at ends[j + 1].

    ``dense``: every sample has the same slots, which are then written once.
    """

    slots: NDArray[np.int64]
    ends: NDArray[np.int64]
    x: NDArray[np.float64]
    dense: bool
    width: int
    """The most entries of one sample."""

    def __len__(self) -> int:
        return len(self.ends) - 1
