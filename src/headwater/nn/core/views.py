"""Views of a net in the core, which are parameters, operations and statistics of numeric inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from headwater.plain.images import Shape


@dataclass(frozen=True, slots=True)
class Place:
    """Location of a layer's parameters in the flat vector.

    Parameters
    ----------
    expert, layer : int
        Indices of expert and layer.
    table : bool
        Whether they are in the rows of the input table, whose first row is the bias, or n separate rows.
    n, m : int
        Inputs and outputs; n = 0 for a normalization, which has m gains.
    at, stride : int
        Offset of the first row, and distance between rows.
    bias : bool
        Whether there is a bias.
    bias_at : int
        Offset of the bias, outside the table.
    shape : tuple of int
        Shape of weights that are no matrix: kernels (channels out, channels in, size, size), or gains (channels, height,
        width) of an image.
    """

    expert: int
    layer: int
    table: bool
    n: int
    m: int
    at: int
    stride: int
    bias: bool
    bias_at: int = -1
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on the values of a sample.

    Parameters
    ----------
    name : str
        "dense", "dropout", "layer_norm", "batch_norm", "conv", "max_pool", "mean_pool", "flatten", or an activation.
    layer : int
        Index of its layer in the expert.
    n, m : int
        Numbers of inputs and outputs.
    constant : float
        Its constant: slope, rate, ε or momentum.
    weights : ndarray (n, m) or (m,), optional
        View of the weights of a dense layer, kernels (channels out, channels in, size, size), or gains of a normalization.
    bias : ndarray (m,), optional
        View of the bias of a dense layer, or shifts of a normalization.
    running : ndarray (2m + 1,), optional
        View of means, variances and count of batch norm.
    image : tuple of int, optional
        Channels, height and width of its input, if that is an image.
    seen : tuple of int
        Size, stride and padding of its window.
    """

    name: str
    layer: int
    n: int
    m: int
    constant: float
    weights: NDArray[Any] | None = None
    bias: NDArray[Any] | None = None
    running: NDArray[Any] | None = None
    image: Shape | None = None
    seen: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Views of the statistics of numeric inputs by feature index, all (features,) except the knots.

    Parameters
    ----------
    row : ndarray
        Embedding row that the value scales.
    basis : ndarray
        First row of its spline basis; 0 for none yet, −1 for never.
    mean, variance, seen : ndarray
        Running statistics, and number of values.
    knot_count : ndarray
        Current number of knots. A spline needs 3.
    knots : ndarray (slots, most knots)
        Positions of the knots.
    """

    row: NDArray[np.int32]
    basis: NDArray[np.int32]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    seen: NDArray[np.float64]
    knot_count: NDArray[np.int32]
    knots: NDArray[np.float64]
