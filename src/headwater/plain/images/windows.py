"""Extract the windows that convolution and pooling read.

An image (channels, height, width) is stored flat, channel after channel and row after row.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
Shape: TypeAlias = tuple[int, int, int]


def shape_behind(shape: Shape, channels: int, size: int, stride: int, padding: int) -> Shape:
    """Return the output shape, with ⌊(n + 2·padding − size)/stride⌋ + 1 rows, and likewise columns.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of the input image.
    channels : int
        Channels of the output.
    size, stride, padding : int
        Window size, distance between windows, and width of the zero padding.

    Examples
    --------
    >>> shape_behind((1, 28, 28), channels=6, size=5, stride=1, padding=2)
    (6, 28, 28)
    >>> shape_behind((6, 28, 28), channels=6, size=2, stride=2, padding=0)
    (6, 14, 14)
    """
    _, height, width = shape
    return channels, (height + 2 * padding - size) // stride + 1, (width + 2 * padding - size) // stride + 1


def framed(X: Array, shape: Shape, padding: int, fill: float = 0.0) -> Array:
    """Return images X (samples, numbers) padded with ``fill``, as (samples, channels, height, width)."""
    frame = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return np.pad(X.reshape(-1, *shape), frame, constant_values=fill)


def windows(images: Array, size: int, stride: int) -> Array:
    """Return the windows of padded images as a view (samples, channels, rows, columns, size, size).

    Examples
    --------
    >>> image = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> windows(image, size=2, stride=1)[0, 0, 1, 0].tolist()
    [[3.0, 4.0], [6.0, 7.0]]
    """
    return sliding_window_view(images, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]


def add_to_windows(images: Array, u: int, v: int, stride: int, values: Array) -> None:
    """Add ``values`` (samples, channels, rows, columns) to pixel (u, v) of each window."""
    rows, columns = values.shape[2:]
    images[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride] += values


def unframed(images: Array, padding: int) -> Array:
    """Return images without padding, each flattened."""
    height, width = images.shape[2:]
    return images[:, :, padding : height - padding, padding : width - padding].reshape(len(images), -1)
