"""A network of a fixed shape: the four steps of the principle one by one, ``fit``, and learning row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ConfigError, DataError
from .layers import Dense, Embedding, Layer
from .lower import Expert, Place
from .losses import Loss, as_loss
from .optimizers import SGD, Optimizer
from .program import Block, Program, bias, weights

CHUNK = 256
"""Samples that go through the net at once when the batch is not stated: enough to keep a layer's weights in the cache."""

STRETCH = 4096
"""Rows that are converted for the machine at once: they stay in the cache until they are learned."""


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for a while, and take back the best weights.

    Parameters
    ----------
    patience : int
        Epochs without a new best that are waited for.
    min_delta : float
        By how much a new best must be better.

    References
    ----------
    Prechelt 1998.

    Examples
    --------
    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, min_delta=0.0)
    """

    patience: int = 10
    min_delta: float = 0.0


@dataclass(slots=True)
class History:
    """What ``fit`` saw, epoch by epoch.

    Parameters
    ----------
    loss : list of float
        Mean loss of each epoch, penalty included.
    validation_loss : list of float
        Loss on the validation data after each epoch.
    best_epoch : int
        Epoch (from 1) of the lowest validation loss; 0 without validation.
    stopped_early : bool
        Whether early stopping ended it.

    Examples
    --------
    >>> History().loss
    []
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0
    stopped_early: bool = False


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
    >>> net = Network([Dense(1)], inputs=2)
    >>> net.layers[0].weights.shape, net.layers[0].bias.shape
    ((2, 1), (1,))
    """

    name: str
    weights: NDArray[Any]
    bias: NDArray[Any] | None


class Network:
    """A stack of layers, y = fₗ(Wₗ·…f₁(W₁·x + b₁)… + bₗ), that learns by gradient descent.

    The four steps stand on their own: ``forward`` (prediction), ``loss``, ``gradients`` (backpropagation), ``update``.
    ``fit`` repeats them over batches; ``learn_many`` predicts and learns row by row.

    Parameters
    ----------
    layers : sequence of Layer
        The first is Dense or Embedding, the last gives the outputs.
    loss : str or Loss
        What a wrong prediction costs; its link (sigmoid, softmax, exp) is applied behind the last layer.
    optimizer : Optimizer
        The update rule.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights, not on biases.
    clip_norm, clip_value : float
        Bounds on the gradient: its norm, and each number; 0 for none.
    seed : int
        Of initial weights, shuffling and dropout.
    dtype : str
        "float32" or "float64".
    inputs : int, optional
        How many inputs; learned from the first data without it.

    Raises
    ------
    ConfigError
        For layers that don't fit together, unknown names, numbers out of range.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(6.0)[:, None]
    ... y = np.array([0, 0, 0, 1, 1, 1])
    >>> net = Network([Dense(1)], loss="binary_cross_entropy", optimizer=SGD(0.5), dtype="float64", seed=1)
    >>> history = net.fit(X, y, epochs=2000)
    >>> net.predict(X).round().astype(int).tolist()
    [0, 0, 0, 1, 1, 1]

    References
    ----------
    Rumelhart, Hinton & Williams 1986.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        loss: str | Loss = "mse",
        optimizer: Optimizer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        inputs: int | None = None,
    ) -> None:
        if dtype not in ("float32", "float64"):
            raise ConfigError(
                expected="'float32' or 'float64'", got=repr(dtype), at="dtype", help="Choose one of the two."
            )
        rule = SGD() if optimizer is None else optimizer
        self.expert = Expert(tuple(layers), as_loss(loss), rule, l1, l2, clip_norm, clip_value)
        self.seed = seed
        self.dtype = np.dtype(dtype)
        self._program: Program | None = None
        self._shuffle = np.random.default_rng([seed, 1])
        if inputs is not None:
            self.build(inputs)

    def __repr__(self) -> str:
        e = self.expert
        return f"Network({list(e.layers)!r}, loss={e.loss!r}, optimizer={e.optimizer!r}, l1={e.l1}, l2={e.l2}, seed={self.seed})"

    # ---- shape ------------------------------------------------------------------------------------------------------

    def build(self, inputs: int) -> Network:
        """Draw the initial weights for that many inputs; data does it by itself.

        Parameters
        ----------
        inputs : int
            Columns of X; for an Embedding its rows count instead.

        Returns
        -------
        Network
            Itself.
        """
        first = self.expert.layers[0]
        rows = first.rows if isinstance(first, Embedding) else inputs
        program = Program(
            [self.expert], rows=rows + 1, dtype=self.dtype, seed=self.seed, growing=False, standard=False, targets=False
        )
        rng = np.random.default_rng([self.seed, 0])
        for place in program.places:
            layer = self.expert.layers[place.layer]
            if isinstance(layer, Dense | Embedding):
                weights(program, place)[:] = layer.start().matrix(rng, rows if place.table else place.n, place.m)
        for row in range(0 if isinstance(first, Embedding) else rows):
            program.add_slot(row + 1)
        self._program = program
        self._inputs = inputs
        return self

    @property
    def program(self) -> Program:
        """The flat vectors and tables.

        Raises
        ------
        ConfigError
            Before the number of inputs is known.
        """
        if self._program is None:
            raise ConfigError(
                expected="a network with a known number of inputs",
                got="one that has seen no data",
                at="Network",
                help="Give inputs=…, call build(n), or show it data first.",
            )
        return self._program

    @property
    def layers(self) -> list[Parameters]:
        """Named views of each layer's weights and bias in the flat vector, for the layers that have any."""
        program = self.program
        return [
            Parameters(type(self.expert.layers[place.layer]).__name__, weights(program, place), bias(program, place))
            for place in program.places
        ]

    @property
    def parameters(self) -> NDArray[Any]:
        """The flat vector P, a view."""
        return self.program.p

    # ---- the four steps ---------------------------------------------------------------------------------------------

    def forward(self, X: ArrayLike) -> NDArray[Any]:
        """Step 1, the forward pass: predictions for X, shape (n, outputs), through the loss's link.

        Parameters
        ----------
        X : array (n, inputs)
            Samples.

        Returns
        -------
        ndarray (n, outputs)
            Probabilities for cross-entropy losses, values otherwise.
        """
        x = self._inputs_of(X)
        return (
            np.concatenate([self.program.forward(part) for part in _chunks(x)])
            if len(x)
            else np.empty((0, self.outputs))
        )

    def loss(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> float:
        """Step 2, the loss: mean over the samples plus the penalty, as it stands (no dropout).

        Parameters
        ----------
        X : array (n, inputs)
            Samples.
        y : array (n,) or (n, outputs)
            Answers; for cross-entropy class numbers, or one row of probabilities a sample.
        w : array (n,), optional
            Weights of the samples.

        Returns
        -------
        float
        """
        return self._gradient(X, y, w, learn=False)[0]

    def gradients(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> NDArray[Any]:
        """Step 3, backpropagation: the gradient of ``loss`` by every number of the flat vector.

        Parameters
        ----------
        X, y, w
            As in ``loss``.

        Returns
        -------
        ndarray (len(parameters),)
            ∂loss/∂P, in the layout of ``parameters``; it includes the penalty.
        """
        return self._gradient(X, y, w, learn=False)[1]

    def update(self, gradients: NDArray[Any]) -> None:
        """Step 4, the update: one step of the optimizer along that gradient.

        Parameters
        ----------
        gradients : ndarray (len(parameters),)
            What ``gradients`` returned, or any vector of that layout.
        """
        g = np.array(gradients, self.dtype)
        if g.shape != self.program.p.shape:
            raise DataError(
                expected=f"a gradient of shape {self.program.p.shape}",
                got=str(g.shape),
                at="Network.update",
                help="Give what gradients() returned.",
            )
        self.program.apply(g, penalise=False)

    # ---- learning ---------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        w: ArrayLike | None = None,
        *,
        epochs: int = 1,
        batch_size: int | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        early_stopping: EarlyStopping | int | None = None,
        shuffle: bool = True,
    ) -> History:
        """Gradient descent over the data: batch (batch_size None), mini-batch (n) or stochastic (1).

        Parameters
        ----------
        X, y, w
            As in ``loss``.
        epochs : int
            Passes over the data.
        batch_size : int, optional
            Samples in a step: None for all of them.
        validation : (X, y), optional
            Data on which the loss is measured after each epoch.
        early_stopping : EarlyStopping or int, optional
            When to stop for want of progress on the validation data; an int is its patience.
        shuffle : bool
            Whether each epoch draws its own order of samples.

        Returns
        -------
        History

        Raises
        ------
        DataError
            If shapes don't fit, an answer is not finite, or the loss runs away (the last good weights are kept).
        """
        x, answers, weight = (
            self._inputs_of(X),
            self._answers_of(y, len(np.asarray(X))),
            self._weights_of(w, len(np.asarray(X))),
        )
        stopping = EarlyStopping(early_stopping) if isinstance(early_stopping, int) else early_stopping
        if stopping is not None and validation is None:
            raise ConfigError(
                expected="validation=(X, y)", got="none", at="early_stopping", help="Give data to stop by."
            )
        size = len(x) if batch_size is None else batch_size
        history, best, kept = History(), np.inf, self.program.p.copy()
        for epoch in range(1, epochs + 1):
            order = self._shuffle.permutation(len(x)) if shuffle and size < len(x) else np.arange(len(x))
            self._epoch(history, x, answers, weight, order, size)
            if validation is None:
                continue
            history.validation_loss.append(self.loss(*validation))
            if history.validation_loss[-1] < best - (stopping.min_delta if stopping else 0.0):
                best, history.best_epoch = history.validation_loss[-1], epoch
                kept[:] = self.program.p
            elif stopping is not None and epoch - history.best_epoch >= stopping.patience:
                history.stopped_early = True
                break
        if stopping is not None:
            self.program.p[:] = kept
        return history

    def _epoch(
        self, history: History, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any], order: NDArray[np.intp], size: int
    ) -> None:
        """One pass over the data in that order, a step every ``size`` samples."""
        program = self.program
        good, total = program.p.copy(), 0.0
        g = np.empty_like(program.p)
        for start in range(0, len(x), size):
            some = order[start : start + size]
            whole = len(some) == len(x)
            bx, by, bw = (x, y, w) if whole else (x[some], y[some], w[some])
            g[:] = 0
            mass = float(bw.sum()) or 1.0
            value = 0.0
            # batch norm must see the whole batch at once; without it, chunks that fit the cache give the same sum
            step = len(bx) if len(program.buf) else max(CHUNK, 1)
            for at in range(0, len(bx), step):
                value += program.gradient(bx[at : at + step], by[at : at + step], bw[at : at + step], mass, True, g)
            if not np.isfinite(value):
                program.p[:] = good
                raise DataError(
                    expected="a loss that stays finite",
                    got=repr(value),
                    at=f"Network.fit, epoch {len(history.loss) + 1}",
                    help="Use a smaller step or clip_norm, and bring the inputs to about -1 … 1. The weights before this epoch are kept.",
                )
            program.apply(g, penalise=True)
            total += (value + self._penalty()) * len(bx)
        history.loss.append(total / max(len(x), 1))

    def learn_many(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> NDArray[Any]:
        """Online: predict each row, then learn it, strictly one after the other.

        Parameters
        ----------
        X, y, w
            As in ``loss``; a weight of 0 teaches nothing.

        Returns
        -------
        ndarray (n,) or (n, outputs)
            The prediction made before each row was learned.
        """
        x = self._inputs_of(X)
        answers, weight = self._answers_of(y, len(x)), self._weights_of(w, len(x))
        out = np.empty((len(x), self.outputs), self.dtype)
        for at in range(0, len(x), STRETCH):
            part = slice(at, at + STRETCH)
            out[part] = self.program.learn(
                self._block(x[part]), answers[part].astype(np.float64), weight[part].astype(np.float64)
            )
        return out[:, 0] if self.outputs == 1 else out

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predictions for X: (n,) with one output, class numbers for cross-entropy and hinge, else (n, outputs).

        Parameters
        ----------
        X : array (n, inputs)
            Samples.

        Returns
        -------
        ndarray
        """
        out = self.forward(X)
        if self.outputs == 1:
            return out[:, 0]
        return out.argmax(1) if self.expert.loss.name in ("cross_entropy", "hinge") else out

    @property
    def outputs(self) -> int:
        """How many outputs the last layer has."""
        return self.expert.outputs

    # ---- checking what comes in -------------------------------------------------------------------------------------

    def _gradient(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None, *, learn: bool) -> tuple[float, NDArray[Any]]:
        """Loss and gradient, penalty included, of the data as one batch."""
        x = self._inputs_of(X)
        answers, weight = self._answers_of(y, len(x)), self._weights_of(w, len(x))
        program = self.program
        g = np.zeros_like(program.p)
        mass = float(weight.sum()) or 1.0
        value = 0.0
        for at in range(0, len(x), CHUNK):
            part = slice(at, at + CHUNK)
            value += program.gradient(x[part], answers[part], weight[part], mass, learn, g)
        for place in program.places:
            if place.n or place.table:
                block, target = weights(program, place), weights(program, place, g)
                target += self.expert.l2 * block + self.expert.l1 * np.sign(block)
        return value + self._penalty(), g

    def _penalty(self) -> float:
        """l1·Σ|w| + ½·l2·Σw² over the weights."""
        e = self.expert
        if e.l1 == 0 and e.l2 == 0:
            return 0.0
        blocks = [weights(self.program, place) for place in self.program.places if place.n or place.table]
        return float(sum(e.l1 * np.abs(b).sum() + 0.5 * e.l2 * (b * b).sum() for b in blocks))

    def _inputs_of(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as (n, inputs) in the net's number type, building the net at the first data."""
        try:
            x = np.ascontiguousarray(X, self.dtype)
        except (TypeError, ValueError) as error:
            raise DataError(
                expected="an array of numbers",
                got=type(X).__name__,
                at="X",
                help="For dicts, names and strings use hw.Classifier or hw.Regressor.",
            ) from error
        if x.ndim == 1:
            x = x[:, None]
        if x.ndim != 2:
            raise DataError(expected="X of shape (samples, inputs)", got=str(x.shape), at="X", help="Reshape it.")
        if self._program is None:
            self.build(x.shape[1])
        if x.shape[1] != self._inputs:
            raise DataError(
                expected=f"{self._inputs} inputs",
                got=str(x.shape[1]),
                at="X",
                help="A Network has a fixed shape; hw.Classifier grows.",
            )
        first = self.expert.layers[0]
        if isinstance(first, Embedding) and len(x) and not (x.min() >= 0 and x.max() < first.rows):
            raise DataError(
                expected=f"ids from 0 to {first.rows - 1}",
                got=f"{x.min():g} … {x.max():g}",
                at="X",
                help="Give Embedding more rows.",
            )
        return x

    def _answers_of(self, y: ArrayLike, n: int) -> NDArray[Any]:
        """Return y as (n, 1) class numbers or (n, outputs) values."""
        answers = np.ascontiguousarray(y, self.dtype)
        if answers.ndim == 1:
            answers = answers[:, None]
        classes = self.expert.loss.name in ("cross_entropy", "hinge")
        widths = (1, self.outputs) if classes else (self.outputs,)
        if answers.shape[0] != n or answers.ndim != 2 or answers.shape[1] not in widths:
            raise DataError(
                expected=f"{n} answers of {' or '.join(map(str, widths))} number(s)",
                got=f"shape {answers.shape}",
                at="y",
                help="Give one answer a row of X.",
            )
        if not np.isfinite(answers).all():
            raise DataError(expected="finite answers", got="nan or inf", at="y", help="Drop these rows.")
        top = self.outputs if classes and answers.shape[1] == 1 and self.outputs > 1 else None
        if top is not None and n and not (answers.min() >= 0 and answers.max() < top):
            raise DataError(
                expected=f"classes from 0 to {top - 1}",
                got=f"{answers.min():g} … {answers.max():g}",
                at="y",
                help="Number the classes from 0.",
            )
        return answers

    def _weights_of(self, w: ArrayLike | None, n: int) -> NDArray[Any]:
        if w is None:
            return np.ones(n, self.dtype)
        out = np.ascontiguousarray(w, self.dtype)
        if out.shape != (n,) or not (out >= 0).all():
            raise DataError(
                expected=f"{n} weights of 0 or more", got=f"shape {out.shape}", at="w", help="Give one weight a row."
            )
        return out

    def _block(self, x: NDArray[Any]) -> Block:
        """Rows of an array as a block for the row-by-row machine."""
        n, d = x.shape
        ends = np.arange(0, (n + 1) * d, d, dtype=np.int64) if d else np.zeros(n + 1, np.int64)
        if isinstance(self.expert.layers[0], Embedding):
            return Block(-x.ravel().astype(np.int64) - 2, ends, np.ones(x.size), False, d)
        return Block(np.arange(d, dtype=np.int64), ends, x.ravel().astype(np.float64), True, d)


def _chunks(x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for at in range(0, len(x), CHUNK):
        yield x[at : at + CHUNK]
