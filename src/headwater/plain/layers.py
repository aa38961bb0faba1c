"""Layers: what each computes forward, and beside it how backpropagation passes through it.

``forward`` takes X (samples, n) and returns Y (samples, m); it keeps what ``backward`` will need. ``backward`` takes
dY (samples, m), the derivative of the loss by Y, leaves the derivatives by the layer's own numbers in
``weights_gradient`` and ``bias_gradient``, and returns dX (samples, n), the derivative by X: the chain rule, one link.

``mode`` says what the samples are for. "predict": nothing moves. "batch": the net learns from these samples at once.
"row": it learns from one sample, as a stream does. Only dropout and batch norm make a difference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError

from .activations import ACTIVATIONS, ActivationRow
from .random import LEARNING, WEIGHTS, Draws, derive_key, draw

Array: TypeAlias = NDArray[np.floating[Any]]
Mode: TypeAlias = Literal["predict", "batch", "row"]


class Layer(ABC):
    """What every layer has; those without numbers to learn leave ``weights`` at None."""

    name: ClassVar[str]
    """The class of ``headwater.nn`` that declares it."""
    penalised: ClassVar[bool] = False
    """Whether the penalty and weight decay reach its weights; they never reach biases, gains and shifts."""
    weights: Array | None = None
    bias: Array | None = None
    weights_gradient: Array | None = None
    bias_gradient: Array | None = None

    @abstractmethod
    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        """Return Y (samples, m) for X (samples, n)."""

    @abstractmethod
    def backward(self, dY: Array) -> Array:
        """Return dX (samples, n) for dY (samples, m), and leave the gradients of the layer's own numbers."""


class DenseLayer(Layer):
    """Neurons side by side: Y = X·W + b.

    Parameters
    ----------
    W : ndarray (n, m)
        A row for each input, a column for each neuron.
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
    """A row for each id: Y = Σ W[id] over the ids of a sample.

    Parameters
    ----------
    W : ndarray (ids, m)
        The rows.

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
    """Y = f(X), number by number; backward: dX = dY · f'(X).

    Parameters
    ----------
    row : ActivationRow
        f and f', a row of ``ACTIVATIONS``.
    a : float, optional
        The activation's own constant.

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
    """Y = X·k/(1 − rate), k = 0 with probability ``rate``, else 1; while learning only. Backward: dX = dY·k/(1 − rate).

    Parameters
    ----------
    rate : float
        Share of silent units.
    draws : Draws
        Where the random numbers come from.

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

    def __init__(self, rate: float, draws: Draws) -> None:
        self.rate = rate
        self.draws = draws

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.mask = np.ones_like(X)
        if mode != "predict":
            speaks = self.draws.uniform(X.size).reshape(X.shape) >= self.rate
            self.mask[:] = speaks / (1 - self.rate)
        return X * self.mask

    def backward(self, dY: Array) -> Array:
        return dY * self.mask


class LayerNormalisation(Layer):
    """Y = g·x̂ + b, x̂ = (X − mean)/√(var + ε): mean and variance over the units of one sample.

    No sample sees another, so one sample at a time and a batch are the same, and nothing is remembered.

    Parameters
    ----------
    gain, shift : ndarray (m,), optional
        g and b; without them Y = x̂.
    eps : float
        ε, against division by zero.

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
            Y = self.weights * Y + self.bias
        return Y

    def backward(self, dY: Array) -> Array:
        """Mean and variance depend on X too: dX = (u − mean u − x̂·mean(u·x̂))/√(var + ε), u = dY·g."""
        u = dY
        if self.weights is not None:
            self.weights_gradient = (dY * self.x_hat).sum(axis=0)
            self.bias_gradient = dY.sum(axis=0)
            u = dY * self.weights
        along = (u * self.x_hat).mean(axis=1, keepdims=True)
        return np.asarray((u - u.mean(axis=1, keepdims=True) - self.x_hat * along) / self.deviation)


class BatchNormalisation(Layer):
    """Y = g·x̂ + b, x̂ = (X − μ)/√(σ² + ε): mean and variance of each unit, over samples.

    Learning from a batch, μ and σ² are those of the batch, and the running ones move towards them. Learning from one
    sample, there is no batch: the sample moves the running μ and σ² first, and is then normalised by them. To predict,
    the running ones are used.

    Parameters
    ----------
    gain, shift : ndarray (m,)
        g and b.
    momentum : float
        How far a batch moves the running statistics.

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
    """ε, against division by zero."""
    ROW_RATE: ClassVar[float] = 0.01
    """One sample moves the running statistics by at most this part of momentum, once the first ones are past."""

    def __init__(self, gain: Array, shift: Array, momentum: float = 0.1) -> None:
        self.weights = gain
        self.bias = shift
        self.momentum = momentum
        self.mean: Array = np.zeros_like(gain)
        self.variance: Array = np.ones_like(gain)
        self.count = 0

    def forward(self, X: Array, mode: Mode = "predict") -> Array:
        self.mode = mode
        mean, variance = self.mean, self.variance
        if mode == "batch":
            mean, variance = X.mean(axis=0), X.var(axis=0)
            self.remember_batch(X, mean)
        elif mode == "row":
            self.remember_row(X[0])
            mean, variance = self.mean, self.variance
        self.deviation = np.sqrt(variance + self.EPS)
        self.x_hat: Array = (X - mean) / self.deviation
        Y: Array = self.weights * self.x_hat + self.bias
        return Y

    def remember_batch(self, X: Array, mean: Array) -> None:
        """Move the running statistics by momentum; the running variance is the unbiased one."""
        self.count += 1
        self.mean = self.mean + self.momentum * (mean - self.mean)
        if len(X) > 1:
            self.variance = self.variance + self.momentum * (X.var(axis=0, ddof=1) - self.variance)

    def remember_row(self, x: Array) -> None:
        """Move the running statistics by a = max(1/(9 + count), momentum/100): farther at first, and never not at all."""
        self.count += 1
        a = max(1 / (self.count + 9), self.momentum * self.ROW_RATE)
        d = x - self.mean
        self.mean = self.mean + a * d
        self.variance = (1 - a) * (self.variance + a * d * d)

    def backward(self, dY: Array) -> Array:
        """Take running μ and σ² as constants, dX = u/√(σ² + ε) with u = dY·g; those of a batch depend on X too."""
        self.weights_gradient = (dY * self.x_hat).sum(axis=0)
        self.bias_gradient = dY.sum(axis=0)
        u: Array = dY * self.weights
        if self.mode == "batch":
            u = u - u.mean(axis=0) - self.x_hat * (u * self.x_hat).mean(axis=0)
        return np.asarray(u / self.deviation)


# ---- from declarations to layers ------------------------------------------------------------------------------------


def build_layers(declared: Sequence[Any], inputs: int, seed: int, dtype: Any) -> list[Layer]:
    """Return the layers that were declared, with their first weights.

    Parameters
    ----------
    declared : sequence
        Layers of ``headwater.nn``: Dense, Embedding, Activation, Dropout, LayerNorm, BatchNorm.
    inputs : int
        How many inputs the first one has.
    seed : int
        Of the weights, and of what dropout draws.
    dtype : dtype
        Of all numbers.
    """
    draws = Draws(derive_key(seed, LEARNING, 0))
    layers: list[Layer] = []
    n = inputs
    for layer in declared:
        key = derive_key(seed, WEIGHTS, len(layers))
        match type(layer).__name__:
            case "Dense":
                b = np.zeros(layer.units, dtype) if layer.bias else None
                layers.append(DenseLayer(_first_weights(layer, key, n, dtype), b))
                if layer.activation != "identity":
                    layers.append(ActivationLayer(ACTIVATIONS[layer.activation]))
                n = layer.units
            case "Embedding":
                layers.append(EmbeddingLayer(_first_weights(layer, key, layer.rows, dtype)))
                n = layer.units
            case "Activation":
                layers.append(ActivationLayer(ACTIVATIONS[layer.name], layer.a))
            case "Dropout":
                layers.append(DropoutLayer(layer.rate, draws))
            case "LayerNorm" if layer.affine:
                layers.append(LayerNormalisation(np.ones(n, dtype), np.zeros(n, dtype), layer.eps))
            case "LayerNorm":
                layers.append(LayerNormalisation(eps=layer.eps))
            case "BatchNorm":
                layers.append(BatchNormalisation(np.ones(n, dtype), np.zeros(n, dtype), layer.momentum))
            case _:
                raise ConfigError(
                    expected="a layer of headwater.nn", got=repr(layer), at="layers", help="See headwater.nn.LAYERS."
                )
    return layers


def _first_weights(layer: Any, key: int, n: int, dtype: Any) -> Array:
    start = layer.start()
    return draw(start.kind, key, n, layer.units, start.scale).astype(dtype)
