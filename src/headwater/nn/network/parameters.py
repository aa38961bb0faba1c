"""Named views into the flat vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named views of one layer's parameters. Writing into them changes the network.

    Parameters
    ----------
    name : str
        Class name of the layer.
    weights : ndarray (inputs, units)
        W, or gains (units,) of a normalization.
    bias : ndarray (units,) or None
        b, or shifts of a normalization.

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
