"""A network of a fixed shape: the four steps of the principle one by one, ``fit``, and learning row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headwater.errors import ConfigError, DataError

from .arrays import answers_of, block_of, check_expert, check_inputs, table_of, weights_of
from .epoch import chunks, descend, run_epoch, standing_gradient
from .history import EarlyStopping, History, as_stopping
from .layers import Dense, Embedding, Layer, whole
from .losses import Loss, as_loss
from .lower import Expert
from .optimizers import SGD, Optimizer, as_optimizer
from .parameters import Parameters
from .program import Program, bias, weights

STRETCH = 4096
"""Rows that are converted for the machine at once: they stay in the cache until they are learned."""


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
    optimizer : Optimizer or str
        The update rule, or the name of one with its usual numbers, e.g. "adam".
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
    >>> y = np.array([0, 0, 0, 1, 1, 1])
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
        optimizer: str | Optimizer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        inputs: int | None = None,
    ) -> None:
        rule = SGD() if optimizer is None else as_optimizer(optimizer)
        self.expert = Expert(tuple(layers), as_loss(loss), rule, l1, l2, clip_norm, clip_value)
        check_expert(self.expert, dtype)
        self.seed = seed
        self.dtype = np.dtype(dtype)
        self._program: Program | None = None
        self._inputs = 0
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
            np.concatenate([self.program.forward(part) for part in chunks(x)])
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
        data = self._data_of(X, y, w)
        return standing_gradient(self.program, *data)[0]

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
        data = self._data_of(X, y, w)
        return standing_gradient(self.program, *data)[1]

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
        x, answers, weight = self._data_of(X, y, w)
        for name, value in (("epochs", epochs), ("batch_size", batch_size)):
            if value is not None:
                whole(value, f"{name} of Network.fit")
        stopping = as_stopping(early_stopping, validation)
        size = max(len(x), 1) if batch_size is None else batch_size

        def one(epoch: int) -> float:
            order = self._shuffle.permutation(len(x)) if shuffle and size < len(x) else np.arange(len(x))
            return run_epoch(self.program, x, answers, weight, order, size, epoch)

        return descend(
            self.program, epochs, one, None if validation is None else lambda: self.loss(*validation), stopping
        )

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
        x, answers, weight = self._data_of(X, y, w)
        out = np.empty((len(x), self.outputs), self.dtype)
        for at in range(0, len(x), STRETCH):
            part = slice(at, at + STRETCH)
            out[part] = self.program.learn(
                block_of(x[part], self.expert), answers[part].astype(np.float64), weight[part].astype(np.float64)
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

    # ---- elsewhere --------------------------------------------------------------------------------------------------

    def to_torch(self, *, logits: bool = False) -> Any:
        """Return the network as a ``torch.nn.Sequential`` with copies of its numbers.

        Parameters
        ----------
        logits : bool
            Leave out the link of the loss (sigmoid, softmax, exp): what PyTorch's own losses expect.

        Returns
        -------
        torch.nn.Sequential
            In evaluation mode; ``module(x)`` equals ``forward(x)``.
        """
        from .torch import to_torch

        return to_torch(self, logits=logits)

    def save(self, path: Any) -> None:
        """Write the network to a file, from which ``headwater.load`` brings it back to go on to the bit.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        """
        from headwater.store.format import save

        save(self, path)

    def export_onnx(self, path: Any, *, opset: int = 17) -> None:
        """Write the network as it predicts now to an ONNX file with the input X (N, inputs).

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        opset : int
            Version of ONNX's operators.
        """
        from headwater.store.export_onnx import export_onnx

        export_onnx(self, path, opset=opset)

    # ---- checking what comes in -------------------------------------------------------------------------------------

    def _inputs_of(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as (n, inputs) in the net's number type, building the net at the first data."""
        x = table_of(X, self.dtype)
        if self._program is None:
            self.build(x.shape[1])
        check_inputs(x, self.expert, self._inputs)
        return x

    def _data_of(
        self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return inputs, answers and weights, checked."""
        x = self._inputs_of(X)
        return x, answers_of(y, len(x), self.expert, self.dtype), weights_of(w, len(x), self.dtype)
