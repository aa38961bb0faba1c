"""Embeddings: a dense block of d numbers as the value of one column, and its online learning.

z = Σ v_i·W[i] adds to the mixture as the words of a text do, without curves and cells. "cosine" scales the numbers to length 1,
v = x/‖x‖. "raw" divides them by the mean length of the samples before, and limits them to five times that length. With the mixture
p and the label y of sample n + 1, W learns the experts' residual::

    W[i] ← W[i] − rate/√(1 + n/64)·(n + 8)/(s_i + 8)·v_i/‖v‖²·(p − y),   s_i = Σ d·v_i²/‖v‖² over the n samples before

The step removes rate/√(1 + n/64)·(p − y) from the sample's own logits, whatever its length. Each number steps in inverse proportion
to its mean square, as if all of them were scaled alike. rate is 5 for classes and 1 for numbers, whose p − y is clipped to ±3
deviations.

References
----------
Nagumo & Noda 1967 (normalised steps); Duchi, Hazan & Singer 2011 (steps from each input's sum of squares).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["PlainEmbedding"]

SLOWS, EVEN, LONGEST = 1 / 64, 8.0, 5.0
"""How fast steps shrink with samples, samples for which all numbers count as even, and the largest length in mean lengths."""


@dataclass(slots=True)
class PlainEmbedding:
    """Weights of one column of embeddings.

    Parameters
    ----------
    size, outputs : int
        Numbers of an embedding; classes, or 1 for a number.
    rate : float
        5 for classes, 1 for a number.
    raw : bool
        Whether lengths are kept.

    Examples
    --------
    >>> block = PlainEmbedding(size=3, outputs=2)
    >>> x = np.array([3.0, 0.0, 4.0])
    >>> block.learn(x, np.array([-0.5, 0.5]))
    >>> block.values(x).tolist(), block.logits(x).tolist()
    ([0.6, 0.0, 0.8], [2.5, -2.5])
    """

    size: int
    outputs: int
    rate: float = 5.0
    raw: bool = False
    samples: float = 0.0
    lengths: float = 0.0
    sums: NDArray[np.float64] = field(init=False)
    weights: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with zeros."""
        self.sums, self.weights = np.zeros(self.size), np.zeros((self.size, self.outputs))

    def unit(self, x: NDArray[np.float64]) -> float:
        """Return what the numbers are divided by."""
        length = _length(x)
        if not self.raw or not self.samples:
            return length
        return max(self.lengths / self.samples, length / LONGEST)

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return v (size,)."""
        return x / self.unit(x)

    def logits(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return z (outputs,), summed number by number."""
        z = np.zeros(self.outputs)
        for v, row in zip(self.values(x), self.weights, strict=True):
            z += v * row
        return z

    def learn(self, x: NDArray[np.float64], slope: NDArray[np.float64]) -> None:
        """Take one step along `slope` (outputs,), which is p − y of the mixture. Numbers that are all 0 teach nothing."""
        length = _length(x)
        if not length > 0:
            return
        v, long = self.values(x), length / self.unit(x)
        square = long * long
        far = self.rate / math.sqrt(1 + self.samples * SLOWS) / square * (self.samples + EVEN)
        self.weights -= (far / (self.sums + EVEN) * v)[:, None] * slope
        self.sums += self.size / square * v * v
        self.samples += 1
        self.lengths += length


def _length(x: NDArray[np.float64]) -> float:
    square = 0.0
    for number in x.tolist():
        square += number * number
    return math.sqrt(square)
