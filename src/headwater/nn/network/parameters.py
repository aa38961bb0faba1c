"""Named views into the flat vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named views of one layer's numbers in the flat vector: writing into them changes the network.

    Parameters
    ----------
    name : str
        The layer's class.
    weights : ndarray (inputs, units)
        W; gains (units,) for a normalisation.
    bias : ndarray (units,) or None
        b.

    Examples
    --------
    >>> from headwater import nn
    >>> net = nn.Network([nn.Dense(1)], inputs=2)
    >>> net.layers[0].weights.shape, net.layers[0].bias.shape
    ((2, 1), (1,))
    """

    name: str
    weights: NDArray[Any]
    bias: NDArray[Any] | None
