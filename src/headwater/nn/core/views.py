"""Views of a net in the core: where its parameters lie, its operations, and the statistics of its numeric inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.plain.images import Shape


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parameters of a layer lie in the flat vector.

    Parameters
    ----------
    expert, layer : int
        Whose they are.
    table : bool
        In the rows of the input table, the first of which is the bias; else n rows of their own.
    n, m : int
        Inputs and outputs; n = 0 for a normalisation, which has m gains.
    at, stride : int
        Where the first row begins, and how far the next one lies.
    bias : bool
        Whether there is one.
    bias_at : int
        Where it begins, outside the table.
    shape : tuple of int
        Of the weights, where they are no matrix: kernels (channels out, channels in, size, size), or gains (channels, height,
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
        "dense", "dropout", "layer_norm", "batch_norm", "conv", "max_pool", "mean_pool", "flatten", or an activation's.
    layer : int
        Which of the expert's layers it is part of.
    n, m : int
        Numbers in, numbers out.
    constant : float
        Its own constant: slope, rate, ε, momentum.
    weights : ndarray (n, m) or (m,), optional
        W of a dense layer, kernels (channels out, channels in, size, size), gains of a normalisation; a view.
    bias : ndarray (m,), optional
        b of a dense layer, shifts of a normalisation; a view.
    running : ndarray (2m + 1,), optional
        Means, variances and count of batch norm; a view.
    image : tuple of int, optional
        Channels, height and width of what it reads, where that is an image.
    seen : tuple of int
        Size, stride and padding of a window that slides over it.
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
    """What is known of the numeric inputs, by slot; views, all (slots,) but for the knots.

    Parameters
    ----------
    row : ndarray
        The row of the table that the value scales.
    basis : ndarray
        First row of its spline basis; 0: none yet, −1: there will be none.
    mean, variance, seen : ndarray
        Running statistics, and how many values went into them.
    knot_count : ndarray
        How many knots the spline has now; below 3 it takes no part.
    knots : ndarray (slots, most knots)
        Where they lie.
    """

    row: NDArray[np.int32]
    basis: NDArray[np.int32]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    seen: NDArray[np.float64]
    knot_count: NDArray[np.int32]
    knots: NDArray[np.float64]
