"""Pooling and flatten layers."""

from __future__ import annotations

import numpy as np

from headwater.plain.layers import Layer, Mode

from .windows import Array, Shape, add_to_windows, framed, unframed, windows


class PoolLayer(Layer):
    """Y[c, i, j] = the maximum or the mean of the window at (s·i − p, s·j − p) of channel c.

    Padding is never the maximum, and counts as zeros in the mean. The gradient of a maximum goes to the first largest pixel,
    and that of a mean is shared evenly.

    Parameters
    ----------
    shape : tuple of int
        Channels, height and width of the input image.
    size, stride, padding : int
        Window size, s and p.
    kind : str
        "max" or "mean".

    References
    ----------
    LeCun, Bottou, Bengio & Haffner 1998 (mean); Ranzato, Huang, Boureau & LeCun 2007 (max).

    Examples
    --------
    >>> PoolLayer((1, 2, 4), 2, 2).forward(np.array([[1.0, 2, 5, 6, 3, 4, 7, 8]])).tolist()
    [[4.0, 8.0]]
    >>> PoolLayer((1, 2, 4), 2, 2, kind="mean").forward(np.array([[1.0, 2, 5, 6, 3, 4, 7, 8]])).tolist()
    [[2.5, 6.5]]
    """

    name = "Pool"

    def __init__(self, shape: Shape, size: int, stride: int, padding: int = 0, kind: str = "max") -> None:
        self.shape = shape
        self.size = size
        self.stride = stride
        self.padding = padding
        self.kind = kind

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        fill = -np.inf if self.kind == "max" else 0.0
        self.images = framed(X, self.shape, self.padding, fill)
        seen = windows(self.images, self.size, self.stride)
        seen = seen.reshape(*seen.shape[:4], -1)
        self.largest = seen.argmax(axis=-1)
        Y: Array = seen.max(axis=-1) if self.kind == "max" else seen.mean(axis=-1)
        return np.asarray(Y.reshape(len(X), -1))

    def backward(self, dY: Array) -> Array:
        dy = dY.reshape(self.largest.shape)
        dX = np.zeros_like(self.images)
        for place in range(self.size**2):
            share = dy * (self.largest == place) if self.kind == "max" else dy / self.size**2
            add_to_windows(dX, *divmod(place, self.size), self.stride, share)
        return unframed(dX, self.padding)


class FlattenLayer(Layer):
    """Y = X, as images are already stored flat. The layer marks the end of the image shape.

    Examples
    --------
    >>> FlattenLayer().forward(np.ones((2, 12))).shape
    (2, 12)
    """

    name = "Flatten"

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        return X

    def backward(self, dY: Array) -> Array:
        return dY
