"""Initializers of weights.

A layer with known inputs is drawn as a matrix. A growing table is drawn row by row, each from a generator keyed by
(seed, name). The order in which names arrive is then irrelevant, and all rows differ, which breaks the symmetry of the units.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.errors import ConfigError, choose
from headwater.plain.activations import ACTIVATIONS

Kind = Literal["zeros", "uniform", "glorot", "he", "lecun", "orthogonal", "sparse"]
INITIALIZERS: dict[str, str] = {
    "zeros": "0",
    "uniform": "U(−scale, scale)",
    "glorot": "N(0, 2/(n + m)) (Glorot & Bengio 2010)",
    "he": "N(0, 2/n) (He et al. 2015)",
    "lecun": "N(0, 1/n) (LeCun et al. 1998)",
    "orthogonal": "columns or rows orthonormal, times scale (Saxe, McClelland & Ganguli 2014)",
    "sparse": "U(−1/√n, 1/√n) with nine in ten zero (Elsayed, Vasan & Mahmood 2024)",
}
"""Every initializer by name, with its formula; n inputs, m outputs."""


@dataclass(frozen=True, slots=True)
class Initializer:
    """Distribution of a layer's initial weights.

    Parameters
    ----------
    kind : str
        A name in ``INITIALIZERS``.
    scale : float
        Half the width of ``uniform``; a factor on ``orthogonal``.

    Raises
    ------
    ConfigError
        For an unknown kind.

    Examples
    --------
    >>> Initializer("zeros").matrix(1, 2, 1).tolist()
    [[0.0], [0.0]]
    """

    kind: str
    scale: float = 0.05

    def __post_init__(self) -> None:
        if self.kind not in INITIALIZERS:
            raise ConfigError(
                expected=f"one of {', '.join(INITIALIZERS)}",
                got=repr(self.kind),
                at="initializer",
                help=choose(self.kind, INITIALIZERS),
            )

    def matrix(self, key: int, n: int, m: int) -> NDArray[np.float64]:
        """Draw weights (n, m) for n inputs and m outputs. Equal keys give equal numbers on every machine."""
        out = np.zeros((n, m))
        _core.draw(_core.INITIALIZERS.index(self.kind), self.scale, key, n, m, out)
        return out

    def check_rows(self) -> None:
        """Raise ConfigError unless the initializer can draw row by row.

        Raises
        ------
        ConfigError
            For ``orthogonal``, which needs all its rows at once.
        """
        if self.kind == "orthogonal":
            raise ConfigError(
                expected="an initializer that draws row by row",
                got="'orthogonal'",
                at="initializer of the first layer",
                help="Use 'he' there; 'orthogonal' needs all rows at once, and here they come one by one.",
            )


@lru_cache(maxsize=64)
def named(kind: str) -> Initializer:
    """Return the initializer of that name with its usual scale."""
    return Initializer(kind)


def for_activation(name: str) -> Initializer:
    """Return the default initializer before an activation, He for the ReLU family, LeCun for SELU, else Glorot."""
    return named(ACTIVATIONS[name].initializer)
