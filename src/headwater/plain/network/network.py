"""Network in plain NumPy, written to be read and stepped through in a debugger.

``PlainNetwork`` runs the layers in order. Learning has four steps, one method each: ``logits`` (forward), the loss and its
gradient, ``backward``, ``step``. ``learn_row`` applies them to one sample of a stream, and undoes harmful steps.
``nn.Network(…, engine="plain")`` trains with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headwater.errors import ConfigError
from headwater.plain.activations import ACTIVATIONS
from headwater.plain.images import ConvolutionLayer, FlattenLayer, PoolLayer, Shape, shape_behind
from headwater.plain.inputs.input import HUGE
from headwater.plain.layers import (
    ActivationLayer,
    BatchNormalisation,
    DenseLayer,
    DropoutLayer,
    EmbeddingLayer,
    Layer,
    LayerNormalisation,
    Mode,
)
from headwater.plain.losses import LINKS
from headwater.plain.network.random import LEARNING, WEIGHTS, Draws, derive_key, draw
from headwater.plain.optimizers.gradients import clip_by_norm, clip_by_value, penalty, penalty_gradient
from headwater.plain.optimizers.guard import EXPLOSION, PROBATION, RECOVERY, SUSPICIOUS, Progress, within
from headwater.plain.optimizers.rules import RULES, SMALLEST, StepInfo

Array: TypeAlias = NDArray[np.floating[Any]]

NO_GRADIENT = 1e-15
"""Gradients below it count as zero where there is a penalty."""


@dataclass(frozen=True, slots=True)
class LayerParameters:
    """Parameters of one layer. Writing into the arrays changes the net.

    Parameters
    ----------
    name : str
        Class name in ``headwater.nn``.
    weights : ndarray (inputs, units)
        W; kernels (channels out, channels in, size, size) of a convolution; gains (units,) for a normalisation.
    bias : ndarray (units,) or None
        b; shifts for a normalisation.
    """

    name: str
    weights: Array
    bias: Array | None


_silent = np.errstate(over="ignore", invalid="ignore")  # the guard handles overflow


class PlainNetwork:
    """Feed-forward network trained by gradient descent, in plain NumPy.

    Parameters
    ----------
    layers : sequence
        Layers of ``headwater.nn``. The first is Dense, Embedding or reads an image, the last gives the outputs.
    loss : nn.Loss
        The loss, of which ``row`` and ``number`` are used.
    optimizer : nn.Optimizer
        The optimizer, of which ``rule.name``, ``numbers()`` and ``lr`` (a number, or a schedule with ``at(t)``) are used.
    inputs : int or tuple of int
        Number of inputs, or channels, height and width of an image.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights, not on biases.
    clip_norm, clip_value : float
        Bounds on the gradient's norm and on each element; 0 for none.
    dtype : str
        "float32" or "float64".
    seed : int
        Seed of the initial weights and of dropout.

    Examples
    --------
    >>> from headwater import nn
    >>> net = PlainNetwork([nn.Dense(1)], nn.Loss("mse"), nn.SGD(0.5), inputs=1, dtype="float64")
    >>> X = np.linspace(-1, 1, 21)[:, None]
    >>> for _ in range(100):
    ...     loss, gradients = net.gradient(X, 2 * X + 1)
    ...     net.step(gradients)
    >>> net.parameters[0].weights.round(3).tolist(), net.parameters[0].bias.round(3).tolist()
    ([[2.0]], [1.0])

    References
    ----------
    Rumelhart, Hinton & Williams 1986.
    """

    def __init__(
        self,
        layers: Sequence[Any],
        loss: Any,
        optimizer: Any,
        *,
        inputs: int | Shape,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.reads_image = isinstance(inputs, tuple)
        self.layers = build_layers(layers, inputs, seed, self.dtype)
        self.loss, self.loss_number = loss.row, float(loss.number)
        self.link = LINKS[self.loss.link]
        self.rule, self.lr = RULES[optimizer.rule.name], optimizer.lr
        self.numbers = tuple(
            max(value, SMALLEST) if name == "eps" else value  # ε = 0 would give 0/0 for a zero gradient
            for name, value in zip(self.rule.numbers, optimizer.numbers(), strict=True)
        )
        self.l1, self.l2 = l1, l2
        self.clip_norm, self.clip_value = clip_norm, clip_value
        self.progress = Progress()
        self.states = [np.zeros((self.rule.states, *w.shape), self.dtype) for w, _ in self._arrays()]
        self.row_steps = np.zeros(0 if self.first is None else len(self.first.weights), np.int64)
        """Number of steps of each first-layer row."""

    # ---- parameters -------------------------------------------------------------------------------------------------

    @property
    def first(self) -> DenseLayer | EmbeddingLayer | None:
        """First layer, whose rows belong to the inputs, or None for an image."""
        first = self.layers[0]
        if self.reads_image:
            return None
        if not isinstance(first, DenseLayer | EmbeddingLayer):
            expected, remedy = "Dense, Embedding or Conv as first layer", "Put nn.Dense(units) first."
            raise ConfigError(expected=expected, got=first.name, at="layers", help=remedy)
        return first

    @property
    def parameters(self) -> list[LayerParameters]:
        """Layers with parameters, in order. Writing into the arrays changes the net."""
        return [
            LayerParameters(layer.name, layer.weights, layer.bias) for layer in self.layers if layer.weights is not None
        ]

    def _arrays(self) -> Iterator[tuple[Array, bool]]:
        """Yield each parameter array, weights before bias, and whether it is penalized."""
        for layer in self.layers:
            if layer.weights is not None:
                yield layer.weights, layer.penalised
            if layer.bias is not None:
                yield layer.bias, False

    # ---- 1. forward -------------------------------------------------------------------------------------------------

    def logits(self, X: Array, mode: Mode = "predict") -> Array:
        """Return the output of the last layer (samples, k) for X (samples, inputs)."""
        values = self._read(X)
        for layer in self.layers:
            values = layer.forward(values, mode)
        return values

    @_silent
    def forward(self, X: ArrayLike) -> Array:
        """Return the predictions (samples, k) for X (samples, inputs), which are the logits through the link.

        Logits that are not finite are read as 0, so a prediction is always a number.
        """
        z = self.logits(np.asarray(X, self.dtype))
        finite = np.isfinite(z).all(axis=1, keepdims=True)
        return self.link.value(np.where(finite, z, 0))

    def _read(self, X: Array) -> Array:
        """Return X with missing (NaN) and infinite values as 0, clipped to ±10³⁰."""
        return np.clip(np.where(np.isfinite(X), X, 0), -HUGE, HUGE)

    # ---- 2. the loss, 3. backward -----------------------------------------------------------------------------------

    @_silent
    def gradient(
        self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None, *, learn: bool = True
    ) -> tuple[float, list[Array]]:
        """Return the mean loss of a mini-batch, and its gradient by each array, without the penalty.

        Parameters
        ----------
        X : array (samples, inputs)
            Inputs.
        y : array (samples,) or (samples, k)
            Labels.
        w : array (samples,), optional
            Sample weights.
        learn : bool
            Whether dropout and batch norm act as in training rather than in prediction.

        Returns
        -------
        float, list of ndarray
            The gradients are in the order of ``parameters``, weights before bias.
        """
        X = np.asarray(X, self.dtype)
        w = np.ones(len(X)) if w is None else np.asarray(w, np.float64)
        share = w / (w.sum() or 1.0)
        z = self.logits(X, "batch" if learn else "predict")
        values, delta = self._loss_and_gradient(z, y)
        self.backward(delta * share[:, None])
        return float((share * values).sum()), self._gradients()

    def _loss_and_gradient(self, z: Array, y: ArrayLike) -> tuple[Array, Array]:
        """Return the loss of each sample (samples,) and its derivative by the logits (samples, k)."""
        z = z.astype(np.float64)
        answers = np.asarray(y, np.float64).reshape(len(z), -1)
        return self.loss.value(z, answers, self.loss_number), self.loss.gradient(z, answers, self.loss_number)

    def backward(self, delta: Array) -> None:
        """Backpropagate the derivative by the logits, from the last layer to the first."""
        delta = delta.astype(self.dtype)
        for layer in reversed(self.layers):
            delta = layer.backward(delta)

    def _gradients(self) -> list[Array]:
        """Return the gradients set by ``backward``, in the order of the arrays."""
        found = [g for layer in self.layers for g in (layer.weights_gradient, layer.bias_gradient)]
        return [g for g in found if g is not None]

    def penalty(self) -> float:
        """Return the penalty, which ``gradient`` leaves out of the loss."""
        return sum(penalty(w, self.l1, self.l2) for w, penalised in self._arrays() if penalised)

    def penalty_gradients(self) -> list[Array]:
        """Return the gradient of the penalty by each array, 0 for biases."""
        return [penalty_gradient(w, self.l1, self.l2) if penalised else 0 * w for w, penalised in self._arrays()]

    # ---- 4. step ----------------------------------------------------------------------------------------------------

    @_silent
    def step(self, gradients: Sequence[Array], *, penalise: bool = True) -> None:
        """Take one optimizer step along a gradient.

        Parameters
        ----------
        gradients : sequence of ndarray
            As returned by ``gradient``.
        penalise : bool
            Whether to add the gradient of the penalty.
        """
        now = self._begin_step()
        clipped = clip_by_norm(gradients, self.clip_norm)
        for (w, penalised), g, s in zip(self._arrays(), clipped, self.states, strict=True):
            w[...] = self._updated(w, g, s, replace(now, is_weight=penalised), penalise)
        self.row_steps += 1

    def _begin_step(self) -> StepInfo:
        """Count the step, and return its information for the optimizer."""
        progress = self.progress
        progress.steps += 1
        t = progress.steps
        if self.rule.momentum is not None:
            progress.product *= self.rule.momentum(t, self.numbers)
        lr = float(self.lr) if isinstance(self.lr, int | float) else float(self.lr.at(t))
        return StepInfo(lr * progress.step_scale, self.numbers, t, t, progress.product)

    def _updated(self, w: Array, g: Array, s: Array, now: StepInfo, penalise: bool = True) -> Array:
        """Return weights after a step. Clipping by value comes first, then the penalty, then the rule.

        With a penalty a gradient below 10⁻¹⁵ counts as zero. Weights that the penalty alone moves would shrink for ever otherwise.
        """
        g = clip_by_value(g, self.clip_value)
        if penalise and now.is_weight and (self.l1 or self.l2):
            g = g + penalty_gradient(w, self.l1, self.l2)
            g = np.where(np.abs(g) < NO_GRADIENT, 0.0, g)
        return self.rule.step(w, g, s, now)

    # ---- one sample of a stream -------------------------------------------------------------------------------------

    @_silent
    def learn_row(self, x: ArrayLike, y: ArrayLike, w: float = 1.0) -> Array:
        """Predict a sample and learn it, and return the prediction (k,) made before learning.

        Parameters
        ----------
        x : array (inputs,)
            The sample, with NaN for missing values.
        y : float or array (k,)
            The label, or the class index where the loss takes one.
        w : float
            The sample's weight. With 0 the sample is not learned.

        Examples
        --------
        >>> from headwater import nn
        >>> net = PlainNetwork([nn.Dense(1)], nn.Loss("mse"), nn.SGD(0.1), inputs=1, dtype="float64")
        >>> for i in range(200):
        ...     x = np.array([i % 5 - 2.0])
        ...     shown = net.learn_row(x, 3 * x)
        >>> net.parameters[0].weights.round(3).tolist()
        [[3.0]]
        """
        x = np.asarray(x, self.dtype)
        prediction: Array = self.forward(x[None])[0]
        if w > 0:
            loss, delta = self._row_loss(x, y, "row")
            if math.isfinite(loss):
                self._step_and_check(x, y, w * delta, loss)
            else:
                self.progress.overflow += 1
        return prediction

    def learn_many(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> Array:
        """Predict and learn row by row, and return each row's prediction before learning (samples, k)."""
        X = np.asarray(X, self.dtype)
        w = np.ones(len(X)) if w is None else np.asarray(w, np.float64)
        rows = zip(X, np.asarray(y, np.float64), w, strict=True)
        shown = [self.learn_row(x, answer, float(weight)) for x, answer, weight in rows]
        return np.array(shown, self.dtype) if shown else self.forward(X)

    def _row_loss(self, x: Array, y: ArrayLike, mode: Mode) -> tuple[float, Array]:
        """Return the loss of a sample, infinite for infinite logits, and its derivative by the logits."""
        z = self.logits(x[None], mode)
        values, delta = self._loss_and_gradient(z, y)
        return (float(values[0]) if np.isfinite(z).all() else math.inf), delta

    def _step_and_check(self, x: Array, y: ArrayLike, delta: Array, before: float) -> None:
        """Take a step on a sample with loss ``before``, and undo it if the loss then is far larger.

        The check needs a second forward pass, so it is made only where a step can be dangerous: in the first steps, and
        where the loss is far above its exponential mean. Undoing a step halves the step size for a while.
        """
        progress = self.progress
        early = progress.steps < PROBATION
        suspicious = early or not within(before, progress.fading_loss, SUSPICIOUS)
        progress.note(before)
        product, kept = progress.product, self._copies() if suspicious else []

        self._step_row(x, delta)

        progress.step_scale = min(progress.step_scale * RECOVERY, 1.0)
        if suspicious and self._take_back_what_did_harm(x, y, before, kept, early):
            progress.product = product
            progress.step_scale *= 0.5
            progress.undone += 1

    def _take_back_what_did_harm(self, x: Array, y: ArrayLike, before: float, kept: list[Array], early: bool) -> bool:
        """Undo the step if its loss is far larger than ``before`` or a number is infinite, and return whether it did.

        With dropout, ``before`` is the loss of a thinned net, so the whole net is evaluated too before a step is undone.
        """
        times, more = (EXPLOSION, 1.0) if early else (1.0, 0.0)
        after, _ = self._row_loss(x, y, "predict")
        sound = all(np.isfinite(array).all() for array in self._moving())
        if sound and within(after, before, times, more):
            return False
        stepped = self._copies()
        self._restore(kept)
        if sound and any(isinstance(layer, DropoutLayer | BatchNormalisation) for layer in self.layers):
            whole, _ = self._row_loss(x, y, "predict")
            if within(after, whole, times, more):
                self._restore(stepped)
                return False
        return True

    def _step_row(self, x: Array, delta: Array) -> None:
        """Take one step on one sample. First-layer rows that it doesn't touch keep their weights and moments."""
        now = self._begin_step()
        self.backward(delta)
        first, pairs = self.first, self._pairs(x)
        own = [] if first is None else [value * first.dY[0] for _, value in pairs]
        apart = int(first is not None)  # whether the first array is updated row by row
        gradients = own + self._gradients()[apart:]
        clipped = clip_by_norm(gradients, self.clip_norm)

        rows = [row for row, _ in pairs]
        for row in rows:
            self.row_steps[row] += 1
        for row, g in zip(rows, clipped, strict=False):
            its_own = replace(now, t=int(self.row_steps[row]))
            w = first.weights  # type: ignore[union-attr]  # there are rows only with a first layer
            w[row] = self._updated(w[row], g, self.states[0][:, row], its_own)
        others = zip(list(self._arrays())[apart:], clipped[len(rows) :], self.states[apart:], strict=True)
        for (w, penalised), g, s in others:
            w[...] = self._updated(w, g, s, replace(now, is_weight=penalised))

    def _pairs(self, x: Array) -> list[tuple[int, float]]:
        """Return the first-layer rows that a sample touches, each with its value."""
        if self.first is None:
            return []
        if isinstance(self.first, EmbeddingLayer):
            return [(int(i), 1.0) for i in x]
        return [(i, float(value)) for i, value in enumerate(self._read(x)) if np.isfinite(x[i])]

    # ---- undoing a step ---------------------------------------------------------------------------------------------

    def _moving(self) -> list[Array]:
        """Return all arrays that a step changes, which are the weights and the optimizer's state."""
        return [*(w for w, _ in self._arrays()), *self.states]

    def _copies(self) -> list[Array]:
        return [array.copy() for array in self._moving()]

    def _restore(self, copies: list[Array]) -> None:
        for array, copy in zip(self._moving(), copies, strict=True):
            array[...] = copy


# ---- from declarations to layers ------------------------------------------------------------------------------------


def build_layers(declared: Sequence[Any], inputs: int | Shape, seed: int, dtype: Any) -> list[Layer]:
    """Build the declared layers with their initial weights.

    Parameters
    ----------
    declared : sequence
        Layers of ``headwater.nn``.
    inputs : int or tuple of int
        Number of inputs of the first layer, or channels, height and width of an image.
    seed : int
        Seed of the weights and of dropout.
    dtype : dtype
        Type of all arrays.
    """
    builder = _Builder(inputs, seed, np.dtype(dtype))
    for layer in declared:
        builder.add(layer)
    return builder.layers


class _Builder:
    """Builder of layers, which tracks the shape that the next layer reads."""

    def __init__(self, inputs: int | Shape, seed: int, dtype: np.dtype[Any]) -> None:
        self.shape = inputs if isinstance(inputs, tuple) else None
        self.n = inputs if isinstance(inputs, int) else math.prod(inputs)
        self.seed, self.dtype = seed, dtype
        self.draws = Draws(derive_key(seed, LEARNING, 0))
        self.layers: list[Layer] = []
        self.before = int(self.shape is not None)  # an image counts as a layer in the keys of weights

    def add(self, layer: Any) -> None:
        match type(layer).__name__:
            case "Dense" | "Embedding" | "Conv":
                self._matrix(layer)
            case "Pool":
                self.layers.append(self._pool(layer))
            case "Flatten":
                self.layers.append(FlattenLayer())
                self.shape = None
            case "Activation":
                self.layers.append(ActivationLayer(ACTIVATIONS[layer.name], layer.a))
            case "Dropout":
                self.layers.append(DropoutLayer(layer.rate, self.draws, self.pixels))
            case "LayerNorm":
                shape = self.shape or (self.n,)
                ones, zeros = np.ones(shape, self.dtype), np.zeros(shape, self.dtype)
                gain, shift = (ones, zeros) if layer.affine else (None, None)
                self.layers.append(LayerNormalisation(gain, shift, layer.eps))
            case "BatchNorm":
                m = self.n // self.pixels
                ones, zeros = np.ones(m, self.dtype), np.zeros(m, self.dtype)
                self.layers.append(BatchNormalisation(ones, zeros, layer.momentum, self.pixels))
            case _:
                raise ConfigError(
                    expected="a layer of headwater.nn", got=repr(layer), at="layers", help="See headwater.nn.LAYERS."
                )

    @property
    def pixels(self) -> int:
        """Number of pixels of the current image, or 1 without one."""
        return self.shape[1] * self.shape[2] if self.shape else 1

    def _matrix(self, layer: Any) -> None:
        """Add a layer of neurons and its activation."""
        key = derive_key(self.seed, WEIGHTS, len(self.layers) + self.before)
        bias = getattr(layer, "bias", False)
        if self.shape is not None:
            channels, size = self.shape[0], layer.kernel
            W = self._drawn(layer, key, size * size * channels, layer.channels)
            W = np.ascontiguousarray(W.reshape(size, size, channels, -1).transpose(3, 2, 0, 1))
            b = np.zeros(layer.channels, self.dtype) if bias else None
            self.layers.append(ConvolutionLayer(W, b, self.shape, layer.stride, layer.padding))
            self._reads(shape_behind(self.shape, layer.channels, size, layer.stride, layer.padding))
        elif type(layer).__name__ == "Embedding":
            self.layers.append(EmbeddingLayer(self._drawn(layer, key, layer.rows, layer.units)))
            self.n = layer.units
        else:
            b = np.zeros(layer.units, self.dtype) if bias else None
            self.layers.append(DenseLayer(self._drawn(layer, key, self.n, layer.units), b))
            self.n = layer.units
        if getattr(layer, "activation", "identity") != "identity":
            self.layers.append(ActivationLayer(ACTIVATIONS[layer.activation]))

    def _pool(self, layer: Any) -> PoolLayer:
        shape: Any = self.shape
        self._reads(shape_behind(shape, shape[0], layer.size, layer.step, layer.padding))
        return PoolLayer(shape, layer.size, layer.step, layer.padding, layer.kind)

    def _reads(self, shape: Shape) -> None:
        """Set the image shape that the next layer reads."""
        self.shape, self.n = shape, math.prod(shape)

    def _drawn(self, layer: Any, key: int, n: int, m: int) -> Array:
        start = layer.start()
        return draw(start.kind, key, n, m, start.scale).astype(self.dtype)
