"""Experts, which are stacks of layers with their own loss, optimizer and penalties.

A network is one expert. A pool is several experts on the same input table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from headwater.errors import ConfigError

from .layers import IMAGE_LAYERS, Dense, Embedding, Layer, Recurrent
from .losses import Loss
from .optimizers.base import Optimizer
from .optimizers.sgd import SGD


@dataclass(frozen=True, slots=True)
class Expert:
    """Stack of layers with its own loss, optimizer, penalties, clipping and replay.

    Parameters
    ----------
    layers : tuple of Layer
        The first is Dense, Embedding or Recurrent (in a ``Network`` also Conv), the last gives the outputs. In a learner,
        only the hidden layers; () for a linear expert.
    loss : Loss
        The loss. A learner replaces it by its own.
    optimizer : Optimizer
        The optimizer.
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights (not on biases).
    clip_norm, clip_value : float
        Bounds on a sample's gradient, on its norm and on each element; 0 for none.
    replays : int
        Number of recent samples replayed after each row.
    first_replays : int
        Replays per row at first: this many for 500 rows, then 500·first_replays/t after row t, until ``replays`` are more.
        Many replays are affordable while there are few rows.
    cells : bool
        Whether tile coding is added to the first layer (``plain.cells``). Only in a learner, and without replays.
    log_link : bool
        Whether it predicts the mean times e^z with the Poisson loss, so that effects multiply (``plain.mixture.log_link``).
        Only in a regressor with standardized labels, without label history.

    Examples
    --------
    >>> Expert((Dense(32, "relu"),), optimizer=SGD(0.03)).replays
    0
    """

    layers: tuple[Layer, ...] = ()
    loss: Loss = Loss("mse")  # noqa: RUF009  a frozen value
    optimizer: Optimizer = SGD()  # noqa: RUF009  a frozen value
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = 0.0
    clip_value: float = 0.0
    replays: int = 0
    first_replays: int = 0
    cells: bool = False
    log_link: bool = False

    def __post_init__(self) -> None:
        if self.layers and not isinstance(self.layers[0], (Dense, Embedding, Recurrent, *IMAGE_LAYERS)):
            got = type(self.layers[0]).__name__
            raise ConfigError(
                expected="Dense, Embedding or Conv as first layer",
                got=got,
                at="layers",
                help="Put nn.Dense(units) first.",
            )
        for layer in self.layers[1:]:
            if isinstance(layer, Embedding | Recurrent):
                raise ConfigError(
                    expected=f"{type(layer).__name__} as first layer only",
                    got="one further down",
                    at="layers",
                    help="Move it to the front.",
                )
        for name in ("l1", "l2", "clip_norm", "clip_value"):
            if not getattr(self, name) >= 0:
                raise ConfigError(expected="0 or more", got=repr(getattr(self, name)), at=name, help="Give 0 for none.")

    @property
    def recurrent(self) -> Recurrent | None:
        """Its recurrent first layer, or None."""
        first = self.layers[0] if self.layers else None
        return first if isinstance(first, Recurrent) else None

    @property
    def outputs(self) -> int:
        """Width of the last layer with units."""
        found = [layer.units for layer in self.layers if isinstance(layer, Dense | Embedding)]
        if not found:
            remedy = "Put nn.Flatten() and nn.Dense(outputs) last."
            raise ConfigError(expected="a Dense layer that gives the outputs", got="none", at="layers", help=remedy)
        return found[-1]

    @property
    def parameters(self) -> tuple[int, int]:
        """Number of parameters in the layers after the input table, and in each row of the table.

        Examples
        --------
        >>> Expert((Dense(32, "relu"), Dense(1))).parameters
        (65, 32)
        """
        widths = [
            layer.width if isinstance(layer, Recurrent) else layer.units
            for layer in self.layers
            if isinstance(layer, Dense | Embedding | Recurrent)
        ]
        biases = sum(widths)
        return sum(n * m for n, m in pairwise(widths)) + biases, widths[0]

    def without_depth(self, kept: int) -> Expert:
        """Return the expert with a single hidden layer, the first (0) or one as wide as the last (-1).

        It has the same inputs and outputs with few parameters, to measure the memory that a row adds.

        Examples
        --------
        >>> deep = Expert((Dense(8, "relu"), Dense(4, "relu"), Dense(1)))
        >>> [len(deep.without_depth(kept).layers) for kept in (0, -1)]
        [2, 2]
        >>> deep.without_depth(-1).parameters
        (9, 4)
        """
        wide = [layer for layer in self.layers if isinstance(layer, Dense | Embedding)]
        first = self.layers[0]
        if len(wide) < 2 or not isinstance(first, Dense) or not isinstance(wide[-1], Dense):
            return self
        return replace(self, layers=(first if kept == 0 else replace(first, units=wide[-2].units), wide[-1]))

    def with_outputs(self, k: int) -> Expert:
        """Return the expert with k outputs instead.

        Examples
        --------
        >>> [layer.units for layer in Expert((Dense(32, "relu"), Dense(1))).with_outputs(3).layers]
        [32, 3]
        """
        if self.outputs == k:
            return self
        last = max([i for i, layer in enumerate(self.layers) if isinstance(layer, Dense | Embedding)])
        head: Any = self.layers[last]
        return replace(self, layers=(*self.layers[:last], replace(head, units=k), *self.layers[last + 1 :]))
