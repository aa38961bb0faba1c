"""Networks of a fixed shape, with training step by step, by ``fit``, and row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headwater.errors import ConfigError, DataError
from headwater.nn.core import Core
from headwater.nn.expert import Expert
from headwater.nn.layers import Layer, whole
from headwater.nn.losses import Loss, as_loss
from headwater.nn.optimizers import SGD, Optimizer, as_optimizer
from headwater.nn.shapes import Shape, image_of, reads_image, shapes, size_of
from headwater.plain import PlainNetwork
from headwater.types import EXPORT_ONNX, NOTEBOOK, SAVE, Lazy

from .arrays import answers_of, check_expert, check_inputs, table_of, weights_of
from .engines import FixedNet, built, check_engine, core_of, make_net, plain_of
from .epoch import printed, run_epoch, run_epochs, split_at
from .history import EarlyStopping, History, as_stopping
from .parameters import Parameters
from .python_loss import PythonLoss, check_named
from .summary import Summary, summary_of

_TO_TORCH = Lazy("headwater.nn.torch.networks:to_torch")


class Network:
    """Feed-forward network y = fₗ(Wₗ·…f₁(W₁·x + b₁)… + bₗ), trained by gradient descent.

    The four steps can be called separately: ``forward`` (prediction), ``loss``, ``gradients`` (backpropagation), ``update``.
    ``fit`` repeats them over batches, and ``learn_many`` predicts and learns row by row.

    Parameters
    ----------
    layers : sequence of Layer
        The first is Dense, Embedding, Recurrent or, for images, Conv; the last gives the outputs.
    loss : str, Loss, PythonLoss or callable
        The loss, whose link (sigmoid, softmax, exp) is applied after the last layer. A function ``loss(y_true, y_pred)`` written in
        Python is a ``PythonLoss``, with which the engine is "plain".
    optimizer : Optimizer or str
        The optimizer, or its name, e.g. "adam", for the default settings.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights, not on biases.
    clip_norm, clip_value : float
        Bounds on the gradient's norm and on each element; 0 for none.
    seed : int
        Seed of initial weights, shuffling and dropout.
    dtype : str
        "float32" or "float64".
    inputs : int or tuple of int, optional
        Number of inputs, or (channels, height, width) of an image; by default taken from the first data.
    engine : str
        "core", or "plain" for the same arithmetic in NumPy (``headwater.plain``), slow and meant for a debugger. The same seed
        gives the same results up to rounding. Only "core" can be saved and exported.

    Raises
    ------
    ConfigError
        For layers that don't fit together, unknown names, numbers out of range.

    Examples
    --------
    >>> from headwater import nn
    >>> X = np.arange(6.0)[:, None]
    >>> y = np.array([0, 0, 0, 1, 1, 1])
    >>> layers = [nn.Dense(1)]
    >>> net = nn.Network(layers, loss="binary_cross_entropy", optimizer=nn.SGD(0.5), dtype="float64", seed=1)
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
        loss: str | Loss | PythonLoss | Callable[..., Any] = "mse",
        optimizer: str | Optimizer | None = None,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        seed: int = 0,
        dtype: str = "float32",
        inputs: int | Shape | None = None,
        engine: str = "core",
    ) -> None:
        rule = SGD() if optimizer is None else as_optimizer(optimizer)
        own: Any = PythonLoss(loss) if callable(loss) else loss if isinstance(loss, PythonLoss) else as_loss(loss)
        self.expert = Expert(tuple(layers), own, rule, l1, l2, clip_norm, clip_value)
        check_expert(self.expert, dtype)
        self.engine = "plain" if isinstance(own, PythonLoss) else check_engine(engine)
        self.seed = seed
        self.dtype = np.dtype(dtype)
        self._net: FixedNet | None = None
        self._inputs: int | Shape = 0
        self._shuffle = np.random.default_rng([seed, 1])
        if inputs is not None:
            self.build(inputs)

    def __repr__(self) -> str:
        e = self.expert
        more = "" if self.engine == "core" else f", engine={self.engine!r}"
        settings = f"loss={e.loss!r}, optimizer={e.optimizer!r}, l1={e.l1}, l2={e.l2}, seed={self.seed}{more}"
        return f"Network({list(e.layers)!r}, {settings})"

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    # ---- shape ------------------------------------------------------------------------------------------------------

    def build(self, inputs: int | Shape, state: Mapping[str, NDArray[Any]] | None = None) -> Network:
        """Draw the initial weights for a number of inputs. The first data does this implicitly.

        Parameters
        ----------
        inputs : int or tuple of int
            Columns of X, or (channels, height, width) of an image. An Embedding takes its number of rows instead.
        state : mapping, optional
            Arrays of a saved network to continue from.

        Returns
        -------
        Network
            The network itself.
        """
        dtype, seed = self.dtype.name, self.seed
        if reads_image(self.expert.layers):
            inputs = image_of(inputs)
        shapes(self.expert.layers, inputs)
        self._net = make_net(self.engine, self.expert, inputs=inputs, dtype=dtype, seed=seed, state=state)
        self._inputs = inputs
        return self

    @property
    def core(self) -> Core:
        """The network's core, with its flat vectors and operations.

        Raises
        ------
        ConfigError
            Before the number of inputs is known, and with engine="plain".
        """
        check_named(self.expert.loss, "Network")
        return core_of(self._net, self.engine)

    @property
    def plain(self) -> PlainNetwork:
        """The network's NumPy layers, with ``forward`` and ``backward``, for engine="plain".

        Raises
        ------
        ConfigError
            Before the number of inputs is known, and without engine="plain".
        """
        return plain_of(self._net, self.engine)

    @property
    def layers(self) -> list[Parameters]:
        """Named views of the weights and bias of each layer with parameters."""
        return built(self._net).layers()

    @property
    def parameters(self) -> NDArray[Any]:
        """View of the flat vector P, whose layout depends on the engine."""
        return built(self._net).parameters

    # ---- the four steps ---------------------------------------------------------------------------------------------

    def forward(self, X: ArrayLike) -> NDArray[Any]:
        """Step 1, the forward pass. Return predictions (n, outputs) for X, through the loss's link.

        Parameters
        ----------
        X : array (n, inputs)
            Samples; images also as (n, channels, height, width), or (n, height, width) with one channel.

        Returns
        -------
        ndarray (n, outputs)
            Probabilities for cross-entropy losses, values otherwise.
        """
        x = self._inputs_of(X)
        return built(self._net).forward(x)

    def loss(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> float:
        """Step 2, the loss. Return its mean over the samples plus the penalty, without dropout.

        Parameters
        ----------
        X : array (n, inputs)
            Samples.
        y : array (n,) or (n, outputs)
            Labels; for cross-entropy class indices, or a row of probabilities per sample.
        w : array (n,), optional
            Sample weights.

        Returns
        -------
        float
        """
        data = self._data_of(X, y, w)
        return built(self._net).loss_and_gradient(*data)[0]

    def gradients(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> NDArray[Any]:
        """Step 3, backpropagation. Return the gradient of ``loss`` by the flat vector.

        Parameters
        ----------
        X, y, w
            As in ``loss``.

        Returns
        -------
        ndarray (len(parameters),)
            ∂loss/∂P, in the layout of ``parameters``, including the penalty.
        """
        data = self._data_of(X, y, w)
        return built(self._net).loss_and_gradient(*data)[1]

    def layer_gradients(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> list[Parameters]:
        """Return the gradient of ``loss`` by layer, for ``layers[i].weights`` and ``layers[i].bias``.

        Parameters
        ----------
        X, y, w
            As in ``loss``.

        Returns
        -------
        list of Parameters
            Name, ∂loss/∂W (inputs, units) and ∂loss/∂b (units,) of each layer with parameters.

        Examples
        --------
        >>> from headwater import nn
        >>> net = nn.Network([nn.Dense(1)], inputs=2, dtype="float64")
        >>> (gradient,) = net.layer_gradients([[1.0, 2.0]], [0.0])
        >>> gradient.name, gradient.weights.shape, bool(np.allclose(gradient.weights[1], 2 * gradient.weights[0]))
        ('Dense', (2, 1), True)
        """
        return built(self._net).layers(self.gradients(X, y, w))

    def update(self, gradients: NDArray[Any]) -> None:
        """Step 4, the update. Take one optimizer step along a gradient.

        Parameters
        ----------
        gradients : ndarray (len(parameters),)
            The result of ``gradients``, or any vector of that layout.
        """
        g = np.array(gradients, self.dtype)
        if g.shape != self.parameters.shape:
            raise DataError(
                expected=f"a gradient of shape {self.parameters.shape}",
                got=str(g.shape),
                at="Network.update",
                help="Give what gradients() returned.",
            )
        built(self._net).apply(g, penalise=False)

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
        validation_split: float = 0.0,
        early_stopping: EarlyStopping | int | None = None,
        shuffle: bool = True,
        callbacks: Sequence[Callable[[int, History], object]] = (),
        verbose: bool | int = False,
    ) -> History:
        """Train by gradient descent, with full batches (None), mini-batches (n) or single samples (1).

        Parameters
        ----------
        X, y, w
            As in ``loss``.
        epochs : int
            Passes over the data.
        batch_size : int, optional
            Samples per step; None for all.
        validation : (X, y), optional
            Data to measure the loss on after each epoch.
        validation_split : float
            Share of the samples, the last ones, to hold out for validation instead.
        early_stopping : EarlyStopping or int, optional
            Stop when the validation loss no longer improves. An int is the patience.
        shuffle : bool
            Whether to shuffle the samples in each epoch.
        callbacks : sequence of callable
            Called after each epoch with its number, from 1, and the history. Returning True ends the training.
        verbose : bool or int
            Print a line after each epoch, or after every ``verbose`` epochs.

        Returns
        -------
        History

        Raises
        ------
        DataError
            If shapes don't fit, a label is not finite, or the loss diverges. The last good weights are then restored.
        """
        if self.expert.recurrent:
            raise ConfigError(
                expected="a network without a state, whose samples have no order",
                got="one with nn.Recurrent",
                at="Network.fit",
                help="Use learn_many, which learns rows in their order.",
            )
        x, answers, weight = self._data_of(X, y, w)
        for name, value in (("epochs", epochs), ("batch_size", batch_size)):
            if value is not None:
                whole(value, f"{name} of Network.fit")
        if validation_split:
            n = split_at(len(x), validation_split, validation)
            validation = x[n:], answers[n:]
            x, answers, weight = x[:n], answers[:n], weight[:n]
        stopping = as_stopping(early_stopping, validation)
        size = max(len(x), 1) if batch_size is None else batch_size

        def one(epoch: int) -> float:
            order = self._shuffle.permutation(len(x)) if shuffle and size < len(x) else np.arange(len(x))
            return run_epoch(built(self._net), x, answers, weight, order, size, epoch)

        measured = None if validation is None else lambda: self.loss(*validation)
        calls = (*callbacks, *([printed(epochs, int(verbose))] if verbose else []))
        return run_epochs(built(self._net), epochs, one, measured, stopping, calls)

    def learn_many(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> NDArray[Any]:
        """Learn online, predicting each row before it is learned.

        Parameters
        ----------
        X, y, w
            As in ``loss``. Rows with weight 0 are not learned.

        Returns
        -------
        ndarray (n,) or (n, outputs)
            Predictions made before each row was learned.
        """
        x, answers, weight = self._data_of(X, y, w)
        out = built(self._net).learn(x, answers, weight)
        return out[:, 0] if self.outputs == 1 else out

    def reset(self) -> None:
        """Reset the state of a ``Recurrent`` layer to 0 before a new sequence, and keep all weights.

        Examples
        --------
        >>> from headwater import nn
        >>> net = nn.Network([nn.Recurrent(4), nn.Dense(1)], inputs=1, seed=1)
        >>> first = net.predict([[1.0]])
        >>> _ = net.learn_many([[1.0], [2.0]], [0.0, 1.0], [1e-6, 1e-6])
        >>> bool(abs(net.predict([[1.0]]) - first) > 1e-3)
        True
        >>> net.reset()
        >>> bool(abs(net.predict([[1.0]]) - first) < 1e-3)
        True
        """
        if self.expert.recurrent and self._net is not None:
            self.core.learner.reset_memory()

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return (n,) predictions with one output, class indices for cross-entropy and hinge, else (n, outputs).

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
        return out.argmax(1) if self.expert.loss.row.classes else out

    def summary(self) -> Summary:
        """Return a table of the layers with their shapes and numbers of parameters."""
        return summary_of(self.expert, self.layers)

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.expert.outputs

    # ---- exports ----------------------------------------------------------------------------------------------------

    def to_torch(self, *, logits: bool = False) -> Any:
        """Return the network as a ``torch.nn.Sequential`` with copies of its parameters.

        Parameters
        ----------
        logits : bool
            Leave out the link (sigmoid, softmax, exp), as PyTorch's losses expect.

        Returns
        -------
        torch.nn.Sequential
            In evaluation mode; ``module(x)`` equals ``forward(x)``.
        """
        return _TO_TORCH(self, logits=logits)

    def save(self, path: Any) -> None:
        """Save the network to a file, from which ``headwater.load`` restores it to the bit.

        Only networks with engine="core" can be saved.

        Parameters
        ----------
        path : str or Path
            The file, which is overwritten.
        """
        check_named(self.expert.loss, "save of Network")
        SAVE(self, path)

    def export_onnx(self, path: Any, *, opset: int = 17) -> None:
        """Export the network's predictions to an ONNX file with the input X (N, inputs).

        Parameters
        ----------
        path : str or Path
            The file, which is overwritten.
        opset : int
            ONNX operator set version.
        """
        EXPORT_ONNX(self, path, opset=opset, array=False)

    # ---- validation of inputs ---------------------------------------------------------------------------------------

    def _inputs_of(self, X: ArrayLike) -> NDArray[Any]:
        """Return X as (n, inputs) in the net's dtype, and build the net on the first data."""
        x, inputs = table_of(X, self.dtype, self.expert, self._inputs)
        if self._net is None:
            self.build(inputs)
        check_inputs(x, self.expert, size_of(self._inputs))
        return x

    def _data_of(
        self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return validated inputs, labels and weights."""
        x = self._inputs_of(X)
        return x, answers_of(y, len(x), self.expert, self.dtype), weights_of(w, len(x), self.dtype)
