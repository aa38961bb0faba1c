"""A loss written in Python, for a network in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.errors import ConfigError, DataError, choose
from headwater.plain.losses import LINKS, Array, LossRow

__all__ = ["PythonLoss", "check_named"]

_STEP = 1e-6
"""Half the distance of central differences, for logits of about 1."""


@dataclass(frozen=True, slots=True)
class PythonLoss:
    """Loss written as a function of Python, for ``Network(loss=…)``. A function alone is taken as one.

    The network then runs in NumPy (``engine="plain"``), row by row some two hundred times slower than in the core and with batches of
    64 some six times, and it can't be saved.

    Parameters
    ----------
    value : callable
        ``value(y_true, y_pred)`` for float64 arrays (n, k). It returns the cost of each sample, shape (n,), or of each output, shape
        (n, k), whose mean counts.
    gradient : callable, optional
        ``gradient(y_true, y_pred)``, the derivative of each sample's cost by its predictions, shape (n, k). Without it central
        differences are taken by the logits, which needs 2k more calls of ``value``, each for all samples of a batch.
    link : str
        What makes predictions from the outputs of the last layer: "identity", "sigmoid", "softmax" or "exp". With softmax labels are
        class indices, and ``y_true`` is 1 for the class and 0 for the others.

    Raises
    ------
    ConfigError
        If ``value`` or ``gradient`` can't be called, or the link is unknown.

    Examples
    --------
    >>> from headwater import nn
    >>> def asinh(y_true, y_pred):
    ...     return np.arcsinh(y_true - y_pred) ** 2
    >>> net = nn.Network([nn.Dense(1)], loss=asinh, optimizer=nn.SGD(0.1), dtype="float64", seed=1)
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> history = net.fit(X, 2 * X, epochs=200)
    >>> round(float(net.predict([[0.5]])[0]), 3)
    1.0
    """

    value: Callable[[Array, Array], Any]
    gradient: Callable[[Array, Array], Any] | None = None
    link: str = "identity"

    def __post_init__(self) -> None:
        for name, given in (("value", self.value), ("gradient", self.gradient)):
            if not callable(given) and (name == "value" or given is not None):
                raise ConfigError(
                    expected="a function of y_true and y_pred",
                    got=repr(given),
                    at=f"{name} of PythonLoss",
                    help="Give e.g. lambda y_true, y_pred: (y_true - y_pred) ** 4.",
                )
        if self.link not in LINKS:
            raise ConfigError(
                expected=f"one of {', '.join(LINKS)}",
                got=repr(self.link),
                at="link of PythonLoss",
                help=choose(str(self.link), LINKS),
            )

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self.value, "__name__", type(self.value).__name__)

    @property
    def number(self) -> float:
        """The loss's constant, 0 for none."""
        return 0.0

    @property
    def row(self) -> LossRow:
        """The loss as ``plain.losses`` declares its own."""
        return LossRow(
            self.name, self.link, "a function of Python", "", self._cost, self._slope, classes=self.link == "softmax"
        )

    def _cost(self, z: Array, y: Array, a: float = 0.0) -> Array:
        """Return the cost of each sample (n,)."""
        shape = z.shape[:-1]
        cost = np.asarray(self.value(_labels(y, z), LINKS[self.link].value(z)), np.float64)
        if cost.shape == z.shape:
            return np.asarray(cost.mean(axis=-1))
        if cost.shape != shape:
            raise self._refused(
                f"a cost for each sample, of shape {shape}, or for each output, of shape {z.shape}", cost
            )
        return cost

    def _slope(self, z: Array, y: Array, a: float = 0.0) -> Array:
        """Return the derivative of each sample's cost by its logits (n, k)."""
        if self.gradient is None:
            return self._differences(z, y)
        p = LINKS[self.link].value(z)
        slope = np.asarray(self.gradient(_labels(y, z), p), np.float64)
        if slope.shape != z.shape:
            raise self._refused(f"a derivative for each output, of shape {z.shape}", slope)
        return LINKS[self.link].backward(p, slope)

    def _differences(self, z: Array, y: Array) -> Array:
        slope = np.empty_like(z)
        for j in range(z.shape[-1]):
            above, below = z.copy(), z.copy()
            step = _STEP * np.maximum(1.0, np.abs(z[..., j]))
            above[..., j] += step
            below[..., j] -= step
            width = above[..., j] - below[..., j]
            slope[..., j] = (self._cost(above, y) - self._cost(below, y)) / width
        return slope

    def _refused(self, expected: str, got: Array) -> DataError:
        return DataError(
            expected=expected,
            got=f"shape {got.shape}",
            at=f"loss {self.name}",
            help="y_true and y_pred are arrays of samples and outputs.",
        )


def check_named(loss: Any, at: str) -> None:
    """Raise ConfigError for a loss in Python, which neither the core nor a file has.

    Raises
    ------
    ConfigError
        If it is one.
    """
    if isinstance(loss, PythonLoss):
        raise ConfigError(
            expected="a network with a loss by name",
            got=f"{loss.name}, a function of Python",
            at=at,
            help="Copy weights and bias of net.layers into such a network.",
        )


def _labels(y: Array, z: Array) -> Array:
    """Return labels of the shape of the logits, class indices as 1 for the class and 0 for the others."""
    if y.shape == z.shape:
        return y
    return np.asarray(np.arange(z.shape[-1]) == y, np.float64)
