"""Initializers: where weights start.

A layer whose inputs are known is drawn as a matrix. A table that grows is drawn row by row, each from a generator keyed by
(seed, name): the order in which names arrive is then irrelevant, and a new row differs from every other, so units start
apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError

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

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class Initializer:
    """How the weights of a layer are drawn.

    Parameters
    ----------
    kind : str
        A name in ``INITIALIZERS``.
    scale : float
        Half the width of ``uniform``; a factor on ``orthogonal``.

    Raises
    ------
    ConfigError
        If there is no such kind.

    Examples
    --------
    >>> Initializer("zeros").matrix(np.random.default_rng(0), 2, 1).tolist()
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
                help="Choose one of these names.",
            )

    def matrix(self, rng: np.random.Generator, n: int, m: int) -> NDArray[Any]:
        """Draw the weights of n inputs and m outputs, shape (n, m)."""
        if self.kind == "orthogonal":
            q, r = np.linalg.qr(rng.normal(size=(max(n, m), min(n, m))))
            q = q * np.sign(np.diag(r))  # makes the decomposition, and so the draw, unique
            return np.asarray((q if n >= m else q.T) * (1.0 if self.scale == 0.05 else self.scale))
        return self._shape(rng.random((n, m)), rng.random((n, m)), n, m)

    def rows(self, keys: NDArray[np.uint64], n: int, m: int) -> NDArray[Any]:
        """Draw one row for each key, shape (keys, m), for a layer of n inputs.

        Parameters
        ----------
        keys : ndarray (rows,)
            One number for each (seed, name); the same key gives the same row for ever.
        n : int
            Inputs that are active at once: what scales the draw.
        m : int
            Width of the row.

        Returns
        -------
        ndarray (rows, m)

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
        numbers = np.arange(1, 2 * m + 1, dtype=np.uint64) * _GOLDEN
        u = _mix(keys[:, None] + numbers[None, :])
        return self._shape(u[:, :m], u[:, m:], n, m)

    def _shape(self, u: NDArray[Any], v: NDArray[Any], n: int, m: int) -> NDArray[Any]:
        """Turn two sets of uniform numbers into draws; Box & Muller 1958 for the normal ones."""
        if self.kind == "zeros":
            return np.zeros(u.shape)
        if self.kind == "uniform":
            return np.asarray((2 * u - 1) * self.scale)
        if self.kind == "sparse":
            return np.asarray(np.where(v < 0.9, 0.0, (2 * u - 1) / np.sqrt(n)))
        std = {"glorot": np.sqrt(2 / (n + m)), "he": np.sqrt(2 / n), "lecun": np.sqrt(1 / n)}[self.kind]
        return np.asarray(std * np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v))


def _mix(x: NDArray[np.uint64]) -> NDArray[Any]:
    """SplitMix64 (Steele, Lea & Flood 2014): a counter in, a number in [0, 1) out."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * _MIX1
        x = (x ^ (x >> np.uint64(27))) * _MIX2
        x = x ^ (x >> np.uint64(31))
    return (x >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))


def for_activation(name: str) -> Initializer:
    """Return the usual initializer in front of that activation: He for the ReLU family, LeCun for SELU, else Glorot."""
    if name in ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus"):
        return Initializer("he")
    return Initializer("lecun" if name == "selu" else "glorot")
