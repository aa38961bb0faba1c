"""Convolution layer with shared kernels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headwater.plain.layers import Layer, Mode

from .windows import Array, Shape, add_to_windows, framed, unframed, windows


class ConvolutionLayer(Layer):
    """Y[o, i, j] = b[o] + Σ over c, u, v of W[o, c, u, v]·X[c, s·i + u − p, s·j + v − p], a 2-D convolution.

    Each unit reads a window of size × size pixels. Its weights, the *kernel*, are shared by all windows, which are s pixels
    apart. Padding of p zeros lets windows extend over the edge. X and Y are flat, channel after channel.

    Parameters
    ----------
    W : ndarray (channels out, channels in, size, size)
        The kernels.
    b : ndarray (channels out,), optional
        The bias.
    shape : tuple of int
        Channels, height and width of the input image.
    stride, padding : int
        s and p.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner 1998. Fukushima 1980 had the idea.

    Examples
    --------
    >>> edge = ConvolutionLayer(np.array([[[[-1.0, 1.0]] * 2]]), None, shape=(1, 3, 3))
    >>> edge.forward(np.array([[0.0, 5, 5, 0, 5, 5, 0, 5, 5]])).tolist()
    [[10.0, 0.0, 10.0, 0.0]]
    """

    name = "Conv"
    penalised: ClassVar[bool] = True
    weights: Array

    def __init__(self, W: Array, b: Array | None, shape: Shape, stride: int = 1, padding: int = 0) -> None:
        self.weights = W
        self.bias = b
        self.shape = shape
        self.stride = stride
        self.padding = padding

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.images = framed(X, self.shape, self.padding)
        self.windows = windows(self.images, self.weights.shape[-1], self.stride)
        Y = np.einsum("ncijuv,ocuv->noij", self.windows, self.weights, optimize=True)
        self.out = Y.shape[1:]
        Y = Y if self.bias is None else Y + self.bias[:, None, None]
        return np.asarray(Y.reshape(len(X), -1))

    def backward(self, dY: Array) -> Array:
        """Add dY·W to dX at each window, and sum dY times the window into dW."""
        dy = dY.reshape(-1, *self.out)
        self.weights_gradient = np.einsum("ncijuv,noij->ocuv", self.windows, dy, optimize=True)
        self.bias_gradient = None if self.bias is None else dy.sum(axis=(0, 2, 3))
        dX = np.zeros_like(self.images)
        size = self.weights.shape[-1]
        for u in range(size):
            for v in range(size):
                through = np.einsum("noij,oc->ncij", dy, self.weights[:, :, u, v], optimize=True)
                add_to_windows(dX, u, v, self.stride, through)
        return unframed(dX, self.padding)
