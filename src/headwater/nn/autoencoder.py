"""Autoencoder, a network that reconstructs its input through a narrow code layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from headwater.errors import ConfigError, DataError

from .core import weights
from .layers import Dense, Layer, whole
from .losses import Loss, as_loss
from .network import History, Network
from .optimizers import Adam, Optimizer

__all__ = ["Autoencoder"]

LOSSES = ("mse", "huber", "mae", "binary_cross_entropy")


class Autoencoder:
    """Autoencoder x → h → x̂ with a narrow code h.

    The encoder has the layers ``hidden``, and the decoder the same widths in reverse. The code layer is linear, as is the
    decoder's output layer, up to the link of its loss.

    Parameters
    ----------
    hidden : sequence of int
        Units of each encoder layer. The last number is the width of the code.
    inputs : int
        Columns of X.
    activation : str
        Activation of the hidden layers.
    tied : bool
        Whether each decoder layer uses the transposed weights of its encoder layer, W' = Wᵀ, which halves the weights to
        learn.
    loss : str or Loss
        "mse" for any numbers; "binary_cross_entropy" for numbers from 0 to 1 such as grey levels.
    optimizer : Optimizer or str, optional
        The optimizer; Adam(0.001) by default.
    seed : int
        Seed of initial weights and shuffling.
    dtype : str
        "float32" or "float64".

    Raises
    ------
    ConfigError
        For invalid settings.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 1)) @ [[1.0, -2.0, 0.5]]
    >>> model = Autoencoder([8, 1], inputs=3, activation="tanh", seed=1)
    >>> before = model.error(X).mean()
    >>> history = model.fit(X, epochs=50, batch_size=20)
    >>> bool(model.error(X).mean() < 0.05 * before), model.encode(X).shape
    (True, (500, 1))

    References
    ----------
    Hinton & Salakhutdinov 2006.
    """

    def __init__(
        self,
        hidden: Sequence[int],
        *,
        inputs: int,
        activation: str = "relu",
        tied: bool = False,
        loss: str | Loss = "mse",
        optimizer: Optimizer | str | None = None,
        seed: int = 0,
        dtype: str = "float32",
    ) -> None:
        if not hidden:
            raise ConfigError(
                expected="the width of the code, or of several layers",
                got="none",
                at="hidden",
                help="Give e.g. [64, 8].",
            )
        if as_loss(loss).name not in LOSSES:
            raise ConfigError(
                expected=f"one of {', '.join(LOSSES)}",
                got=repr(as_loss(loss).name),
                at="loss of Autoencoder",
                help="Choose one of these names.",
            )
        self.tied = tied
        self._encoder = [Dense(units, activation) for units in hidden[:-1]] + [Dense(hidden[-1])]
        self._decoder = [Dense(units, activation) for units in reversed(hidden[:-1])] + [Dense(inputs)]
        rule = Adam(0.001) if optimizer is None else optimizer
        self.network = Network(
            [*self._encoder, *self._decoder], loss=loss, optimizer=rule, seed=seed, dtype=dtype, inputs=inputs
        )
        """The whole net x → x̂. With ``tied``, only the methods of this class keep its weights tied."""
        self._order = np.random.default_rng([seed, 2])
        if tied:
            for first, last in self._pairs(self.network.parameters):
                last[:] = first.T

    def __repr__(self) -> str:
        return f"Autoencoder({[layer.units for layer in self._encoder]}, tied={self.tied}, network={self.network!r})"

    def _pairs(self, vector: NDArray[np.floating]) -> list[tuple[NDArray[np.floating], NDArray[np.floating]]]:
        """Return views of the weights of each encoder layer (n, m) and its decoder layer (m, n) in a flat vector."""
        core = self.network.core
        views = [weights(core, place, vector) for place in core.places()]
        return list(zip(views[: len(views) // 2], reversed(views[len(views) // 2 :]), strict=True))

    # ---- predictions ------------------------------------------------------------------------------------------------

    def reconstruct(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the reconstruction x̂ of each row, shape (n, inputs)."""
        return self.network.forward(X)

    def error(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the reconstruction error Σ (x̂ − x)² of each row, shape (n,)."""
        return np.asarray(((self.reconstruct(X) - np.asarray(X)) ** 2).sum(1))

    def encode(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the code h of each row, shape (n, units of the code)."""
        return self.encoder().forward(X)

    def decode(self, H: ArrayLike) -> NDArray[np.floating]:
        """Return the reconstruction x̂ of each code, shape (n, inputs)."""
        return self.decoder().forward(H)

    def encoder(self) -> Network:
        """Return a network x → h with a copy of the current weights."""
        return self._half(self._encoder, 0, "mse")

    def decoder(self) -> Network:
        """Return a network h → x̂ with a copy of the current weights."""
        return self._half(self._decoder, len(self._encoder), self.network.expert.loss)

    def _half(self, layers: Sequence[Layer], first: int, loss: str | Loss) -> Network:
        own = self.network.layers[first : first + len(layers)]
        half = Network(layers, loss=loss, dtype=self.network.dtype.name, inputs=len(own[0].weights))
        for to, source in zip(half.layers, own, strict=True):
            to.weights[:] = source.weights
            if to.bias is not None and source.bias is not None:
                to.bias[:] = source.bias
        return half

    # ---- learning ---------------------------------------------------------------------------------------------------

    def learn_many(self, X: ArrayLike) -> NDArray[np.floating]:
        """Learn online, reconstructing each row before it is learned.

        Parameters
        ----------
        X : array (n, inputs)
            Rows.

        Returns
        -------
        ndarray (n, inputs)
            Reconstructions made before each row was learned.
        """
        if not self.tied:
            return np.asarray(self.network.learn_many(X, X)).reshape(-1, self.network.outputs)
        rows = np.asarray(X, self.network.dtype)
        out = np.empty_like(rows)
        for i in range(len(rows)):
            out[i] = self.network.forward(rows[i : i + 1])
            self._step(rows[i : i + 1])
        return out

    def fit(self, X: ArrayLike, *, epochs: int = 1, batch_size: int = 100) -> History:
        """Train by mini-batch gradient descent, shuffling the rows in each epoch.

        Parameters
        ----------
        X : array (n, inputs)
            Rows.
        epochs : int
            Passes over the rows.
        batch_size : int
            Rows per step.

        Returns
        -------
        History

        Raises
        ------
        DataError
            If a number is not finite, or the loss diverges.
        """
        whole(epochs, "epochs of Autoencoder.fit")
        whole(batch_size, "batch_size of Autoencoder.fit")
        if not self.tied:
            return self.network.fit(X, X, epochs=epochs, batch_size=batch_size)
        rows, history = np.asarray(X, self.network.dtype), History()
        for _ in range(epochs):
            order = self._order.permutation(len(rows))
            for at in range(0, len(rows), batch_size):
                self._step(rows[order[at : at + batch_size]])
            history.loss.append(self.network.loss(rows, rows))
        return history

    def _step(self, rows: NDArray[np.floating]) -> None:
        """Take one step along the summed gradients of both halves, which keeps the weights tied.

        Weights that start equal and get equal gradients stay equal to the bit, whatever state the optimizer keeps.
        """
        g = self.network.gradients(rows, rows)
        if not np.isfinite(g).all():
            raise DataError(
                expected="a loss that stays finite",
                got="a gradient that is not",
                at="Autoencoder",
                help="Use a smaller step, and bring the inputs to about -1 … 1.",
            )
        for first, last in self._pairs(g):
            first += last.T
            last[:] = first.T
        self.network.update(g)
