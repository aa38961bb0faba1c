"""Layers with their forward pass and their backpropagation.

``forward`` takes X (samples, n), returns Y (samples, m) and stores what ``backward`` needs. ``backward`` takes dY (samples,
m), the derivative of the loss by Y, sets the gradients of the layer's parameters in ``weights_gradient`` and
``bias_gradient``, and returns dX (samples, n), the derivative by X.

``mode`` is "predict" (nothing is updated), "batch" (the samples are learned at once) or "row" (one sample is learned, as in a
stream). It matters only to dropout and batch norm.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.plain.network.random import Draws

from .activations import ActivationRow

Array: TypeAlias = NDArray[np.floating[Any]]
Mode: TypeAlias = Literal["predict", "batch", "row"]


class Layer(ABC):
    """Base of all layers. Layers without parameters leave ``weights`` at None."""

    name: ClassVar[str]
    """The class of ``headwater.nn`` that declares it."""
    penalised: ClassVar[bool] = False
    """Whether penalty and weight decay apply to its weights. They never apply to biases, gains and shifts."""
    weights: Array | None = None
    bias: Array | None = None
    weights_gradient: Array | None = None
    bias_gradient: Array | None = None

    @abstractmethod
    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        """Return Y (samples, m) for X (samples, n)."""

    @abstractmethod
    def backward(self, dY: Array) -> Array:
        """Return dX (samples, n) for dY (samples, m), and set the gradients of the layer's parameters."""


class DenseLayer(Layer):
    """Dense layer, Y = X·W + b.

    Parameters
    ----------
    W : ndarray (n, m)
        One row per input, one column per unit.
    b : ndarray (m,), optional
        The bias.

    References
    ----------
    Rosenblatt 1958; backward: Rumelhart, Hinton & Williams 1986.

    Examples
    --------
    >>> layer = DenseLayer(np.array([[2.0], [-1.0]]), np.array([0.5]))
    >>> layer.forward(np.array([[1.0, 3.0]])).tolist()
    [[-0.5]]
    >>> layer.backward(np.array([[1.0]])).tolist(), layer.weights_gradient.tolist(), layer.bias_gradient.tolist()
    ([[2.0, -1.0]], [[1.0], [3.0]], [1.0])
    """

    name = "Dense"
    penalised = True
    weights: Array

    def __init__(self, W: Array, b: Array | None = None) -> None:
        self.weights = W
        self.bias = b

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.X = X
        Y: Array = X @ self.weights
        return Y if self.bias is None else Y + self.bias

    def backward(self, dY: Array) -> Array:
        self.dY = dY
        self.weights_gradient = self.X.T @ dY
        self.bias_gradient = None if self.bias is None else dY.sum(axis=0)
        return dY @ self.weights.T


class EmbeddingLayer(Layer):
    """Embedding layer, Y = Σ W[id] over the ids of a sample.

    Parameters
    ----------
    W : ndarray (ids, m)
        One row per id.

    References
    ----------
    Bengio et al. 2003; Joulin et al. 2017.

    Examples
    --------
    >>> layer = EmbeddingLayer(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]))
    >>> layer.forward(np.array([[0, 2]])).tolist()
    [[4.0, 40.0]]
    """

    name = "Embedding"
    penalised = True
    weights: Array

    def __init__(self, W: Array) -> None:
        self.weights = W

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.ids = X.astype(int)
        return np.asarray(self.weights[self.ids].sum(axis=1))

    def backward(self, dY: Array) -> Array:
        self.dY = dY
        self.weights_gradient = np.zeros_like(self.weights)
        for ids, dy in zip(self.ids, dY, strict=True):
            for i in ids:
                self.weights_gradient[i] += dy
        return np.zeros(self.ids.shape)  # an id has no derivative


class ActivationLayer(Layer):
    """Activation layer, Y = f(X) elementwise, with dX = dY · f'(X).

    Parameters
    ----------
    row : ActivationRow
        A row of ``ACTIVATIONS``, with f and f'.
    a : float, optional
        The activation's constant.

    Examples
    --------
    >>> from headwater.plain.activations import RELU
    >>> layer = ActivationLayer(RELU)
    >>> layer.forward(np.array([[-1.0, 2.0]])).tolist(), layer.backward(np.array([[5.0, 5.0]])).tolist()
    ([[0.0, 2.0]], [[0.0, 5.0]])
    """

    name = "Activation"

    def __init__(self, row: ActivationRow, a: float | None = None) -> None:
        self.row = row
        self.a = row.default if a is None else a

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.X = X
        self.Y = self.row.value(X, self.a)
        return self.Y

    def backward(self, dY: Array) -> Array:
        return dY * self.row.derivative(self.X, self.Y, self.a)


class DropoutLayer(Layer):
    """Dropout, Y = X·k/(1 − rate) while learning, where k is 0 with probability ``rate``, else 1.

    The gradient is dX = dY·k/(1 − rate).

    Parameters
    ----------
    rate : float
        Share of units dropped.
    draws : Draws
        Source of random numbers.
    pixels : int
        Pixels per channel of an image. Random numbers are drawn pixel after pixel, in the core's order.

    References
    ----------
    Srivastava et al. 2014.

    Examples
    --------
    >>> layer = DropoutLayer(0.5, Draws(key=7))
    >>> layer.forward(np.ones((1, 4)), "row").tolist()
    [[0.0, 0.0, 2.0, 2.0]]
    """

    name = "Dropout"

    def __init__(self, rate: float, draws: Draws, pixels: int = 1) -> None:
        self.rate = rate
        self.draws = draws
        self.pixels = pixels

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.mask = np.ones_like(X)
        if mode != "predict":
            drawn = self.draws.uniform(X.size).reshape(len(X), self.pixels, -1).swapaxes(1, 2)
            self.mask[:] = (drawn.reshape(X.shape) >= self.rate) / (1 - self.rate)
        return X * self.mask

    def backward(self, dY: Array) -> Array:
        return dY * self.mask


class LayerNormalisation(Layer):
    """Layer normalization, Y = g·x̂ + b with x̂ = (X − mean)/√(var + ε) over the units of one sample.

    Samples are independent, so a batch gives the same as one sample at a time, and there are no running statistics.

    Parameters
    ----------
    gain, shift : ndarray (m,) or (channels, height, width), optional
        g and b; without them Y = x̂.
    eps : float
        ε, which avoids division by zero.

    References
    ----------
    Ba, Kiros & Hinton 2016.

    Examples
    --------
    >>> LayerNormalisation().forward(np.array([[1.0, 2.0, 3.0]])).round(3).tolist()
    [[-1.225, 0.0, 1.225]]
    """

    name = "LayerNorm"

    def __init__(self, gain: Array | None = None, shift: Array | None = None, eps: float = 1e-5) -> None:
        self.weights = gain
        self.bias = shift
        self.eps = eps

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        mean = X.mean(axis=1, keepdims=True)
        self.deviation = np.sqrt(X.var(axis=1, keepdims=True) + self.eps)
        self.x_hat: Array = (X - mean) / self.deviation
        Y: Array = self.x_hat
        if self.weights is not None and self.bias is not None:
            Y = self.weights.ravel() * Y + self.bias.ravel()
        return Y

    def backward(self, dY: Array) -> Array:
        """Return dX = (u − mean u − x̂·mean(u·x̂))/√(var + ε) with u = dY·g, as mean and variance depend on X too."""
        u = dY
        if self.weights is not None:
            self.weights_gradient = (dY * self.x_hat).sum(axis=0).reshape(self.weights.shape)
            self.bias_gradient = dY.sum(axis=0).reshape(self.weights.shape)
            u = dY * self.weights.ravel()
        along = (u * self.x_hat).mean(axis=1, keepdims=True)
        return np.asarray((u - u.mean(axis=1, keepdims=True) - self.x_hat * along) / self.deviation)


class BatchNormalisation(Layer):
    """Batch normalization, Y = g·x̂ + b with x̂ = (X − μ)/√(σ² + ε) per unit over samples.

    When learning from a batch, μ and σ² are the batch's, and the running statistics move towards them. When learning from a
    single sample, it first updates the running μ and σ², and is then normalized by them. Prediction uses the running
    statistics.

    Parameters
    ----------
    gain, shift : ndarray (m,)
        g and b.
    momentum : float
        Rate at which a batch updates the running statistics.
    pixels : int
        Pixels per channel of an image, whose channels are its units; else 1.

    References
    ----------
    Ioffe & Szegedy 2015; one sample at a time: Chiley et al. 2019, without the control terms.

    Examples
    --------
    >>> layer = BatchNormalisation(np.ones(1), np.zeros(1))
    >>> layer.forward(np.array([[1.0], [3.0]]), "batch").round(3).tolist()
    [[-1.0], [1.0]]
    >>> layer.mean.tolist(), layer.variance.tolist()
    ([0.2], [1.1])
    """

    name = "BatchNorm"
    weights: Array
    bias: Array

    EPS: ClassVar[float] = 1e-5
    """ε, which avoids division by zero."""
    ROW_RATE: ClassVar[float] = 0.01
    """Factor on momentum for updates by single samples, after the first ones."""

    def __init__(self, gain: Array, shift: Array, momentum: float = 0.1, pixels: int = 1) -> None:
        self.weights = gain
        self.bias = shift
        self.momentum = momentum
        self.pixels = pixels
        self.mean: Array = np.zeros_like(gain)
        self.variance: Array = np.ones_like(gain)
        self.count = 0

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.mode = mode
        rows = self.by_unit(X)
        mean, variance = self.mean, self.variance
        if mode == "batch":
            mean, variance = rows.mean(axis=0), rows.var(axis=0)
            self.remember_batch(rows, mean)
        elif mode == "row":
            self.remember_row(rows)
            mean, variance = self.mean, self.variance
        self.deviation = np.sqrt(variance + self.EPS)
        self.x_hat: Array = (rows - mean) / self.deviation
        return self.by_sample(self.weights * self.x_hat + self.bias, len(X))

    def by_unit(self, X: Array) -> Array:
        """Return X (samples, numbers) with one column per unit, and for images one row per pixel."""
        return (
            X if self.pixels == 1 else X.reshape(len(X), -1, self.pixels).swapaxes(1, 2).reshape(-1, len(self.weights))
        )

    def by_sample(self, rows: Array, samples: int) -> Array:
        """Undo ``by_unit``."""
        return rows if self.pixels == 1 else rows.reshape(samples, self.pixels, -1).swapaxes(1, 2).reshape(samples, -1)

    def remember_batch(self, X: Array, mean: Array) -> None:
        """Update the running statistics by momentum, with the unbiased variance."""
        self.count += 1
        self.mean = self.mean + self.momentum * (mean - self.mean)
        if len(X) > 1:
            self.variance = self.variance + self.momentum * (X.var(axis=0, ddof=1) - self.variance)

    def remember_row(self, rows: Array) -> None:
        """Update the running statistics at rate a = max(1/(9 + count), momentum/100).

        ``rows`` is one sample: a row of numbers, or one row per pixel of an image, whose variance counts too.
        """
        self.count += 1
        a = max(1 / (self.count + 9), self.momentum * self.ROW_RATE)
        d = rows.mean(axis=0) - self.mean
        self.mean = self.mean + a * d
        self.variance = (1 - a) * (self.variance + a * d * d) + a * rows.var(axis=0)

    def backward(self, dY: Array) -> Array:
        """Return dX = u/√(σ² + ε) with u = dY·g for running statistics, or the full gradient for a batch."""
        rows = self.by_unit(dY)
        self.weights_gradient = (rows * self.x_hat).sum(axis=0)
        self.bias_gradient = rows.sum(axis=0)
        u: Array = rows * self.weights
        if self.mode == "batch":
            u = u - u.mean(axis=0) - self.x_hat * (u * self.x_hat).mean(axis=0)
        return self.by_sample(np.asarray(u / self.deviation), len(dY))
