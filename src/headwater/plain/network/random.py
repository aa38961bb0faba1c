"""Counter-based random numbers, and initializers of weights.

The i-th number of a key is a function of the key and of i alone. The order in which names arrive or workers draw therefore
changes nothing, and a loaded learner continues with the same numbers.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Bits: TypeAlias = NDArray[np.uint64]

_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_GOLDEN, _MIX1, _MIX2 = np.uint64(_STEP), np.uint64(_FIRST), np.uint64(_SECOND)  # the first is 2⁶⁴ by the golden ratio
_ALL = 2**64 - 1

# ---- numbers of a key -----------------------------------------------------------------------------------------------


def mix64(x: Bits) -> Bits:
    """Return 64 random-looking bits for x by SplitMix64's finalizer, a bijection.

    References
    ----------
    Steele, Lea & Flood 2014.
    """
    x = (x ^ (x >> np.uint64(30))) * _MIX1
    x = (x ^ (x >> np.uint64(27))) * _MIX2
    return x ^ (x >> np.uint64(31))


def mix_one(x: int) -> int:
    """Return what mix64 does of one int from 0 to 2⁶⁴ − 1, without an array.

    Examples
    --------
    >>> mix_one(5) == int(mix64(np.array([5], np.uint64))[0])
    True
    """
    x = (x ^ x >> 30) * _FIRST & _ALL
    x = (x ^ x >> 27) * _SECOND & _ALL
    return x ^ x >> 31


def bits(key: int, i: Any) -> Bits:
    """Return the i-th 64-bit number of a key, mix64(key + (i + 1)·2⁶⁴/φ) modulo 2⁶⁴.

    Parameters
    ----------
    key : int
        The key, from 0 to 2⁶⁴ − 1.
    i : int or array of int
        Index of the number, from 0.

    Returns
    -------
    ndarray of uint64, of the shape of i

    Examples
    --------
    >>> hex(bits(0, 0))
    '0xe220a8397b1dcdaf'
    """
    with np.errstate(over="ignore"):
        return mix64(np.uint64(key) + (np.asarray(i, np.uint64) + np.uint64(1)) * _GOLDEN)


def uniform(key: int, i: Any) -> Array:
    """Return the i-th number of a key in [0, 1), the upper 53 of its 64 bits divided by 2⁵³.

    Examples
    --------
    >>> uniform(7, np.arange(3)).round(4).tolist()
    [0.3898, 0.0168, 0.9008]
    """
    return np.asarray((bits(key, i) >> np.uint64(11)) / 2.0**53)[()]


def uniform_one(key: int, i: int) -> float:
    """Return uniform(key, i) of one i, without an array.

    Examples
    --------
    >>> uniform_one(7, 2) == float(uniform(7, 2))
    True
    """
    return (mix_one(key + (i + 1) * _STEP & _ALL) >> 11) / 2.0**53


def normal(u: Array, v: Array) -> Array:
    """Return standard normal numbers √(−2·ln(1 − u))·cos(2πv) from pairs of uniform ones.

    References
    ----------
    Box & Muller 1958.

    Examples
    --------
    >>> normal(np.array([0.5, 0.5]), np.array([0.0, 0.5])).round(4).tolist()
    [1.1774, -1.1774]
    """
    return np.asarray(np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * v))


WEIGHTS, LEARNING = 11, 1
"""Purposes of keys: initial weights of layer 0, 1, …, and draws while learning."""


def derive_key(seed: int, what: int, which: int) -> int:
    """Derive a key for one purpose, mix64(mix64(mix64(seed) + what·2⁶⁴/φ) + which) modulo 2⁶⁴.

    Examples
    --------
    >>> derive_key(0, WEIGHTS, 1) == derive_key(0, WEIGHTS, 2)
    False
    """
    with np.errstate(over="ignore"):
        return int(
            mix64(mix64(mix64(np.asarray(seed % 2**64, np.uint64)) + np.uint64(what) * _GOLDEN) + np.uint64(which))
        )


class Draws:
    """Sequence of the numbers of one key, for dropout and reservoirs.

    Parameters
    ----------
    key : int
        The key.
    drawn : int
        Numbers drawn already. Key and count are the whole state.

    Examples
    --------
    >>> draws = Draws(7)
    >>> draws.uniform(2).round(4).tolist(), draws.drawn
    ([0.3898, 0.0168], 2)
    """

    def __init__(self, key: int, drawn: int = 0) -> None:
        self.key = key
        self.drawn = drawn

    def uniform(self, count: int) -> Array:
        """Return the next numbers in [0, 1), shape (count,)."""
        numbers = uniform(self.key, self.drawn + np.arange(count))
        self.drawn += count
        return numbers


# ---- initializers ---------------------------------------------------------------------------------------------------

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

USUAL_SCALE = 0.05
"""Default scale of "uniform". "orthogonal" reads it as 1."""


def draw(kind: str, key: int, n: int, m: int, scale: float = USUAL_SCALE) -> Array:
    """Draw the initial weights of a layer.

    Parameters
    ----------
    kind : str
        A name in ``INITIALIZERS``.
    key : int
        Key of the random numbers.
    n, m : int
        Inputs and outputs of the layer.
    scale : float
        Half the width of "uniform", a factor on "orthogonal".

    Returns
    -------
    ndarray (n, m)

    Examples
    --------
    >>> draw("he", 7, 2, 3).round(2).tolist()
    [[-0.94, -1.0, 0.38], [0.01, 1.27, -0.92]]
    """
    if kind == "orthogonal":
        return orthonormal(draw("lecun", key, n, m)) * (1.0 if scale == USUAL_SCALE else scale)
    return np.stack([draw_row(kind, int(bits(key, i)), n, m, scale) for i in range(n)])


def draw_row(kind: str, key: int, n: int, m: int, scale: float = USUAL_SCALE) -> Array:
    """Draw the weights (m,) of one input of a layer with n inputs, each from two numbers of the key.

    A growing table is drawn row by row, each from the key of its name; n is then the number of inputs per sample.

    Parameters
    ----------
    kind : str
        A name in ``INITIALIZERS``; not "orthogonal", which needs all rows at once.
    key, n, m, scale
        As in ``draw``.

    Examples
    --------
    >>> draw_row("he", 7, 2, 3).round(2).tolist()
    [0.99, -1.86, 0.0]
    """
    u, v = uniform(key, np.arange(2 * m)).reshape(m, 2).T
    if kind == "zeros":
        return np.zeros(m)
    if kind == "uniform":
        return np.asarray((2 * u - 1) * scale)
    if kind == "sparse":
        return np.where(v < 0.9, 0.0, (2 * u - 1) / math.sqrt(n))
    variance = {"glorot": 2 / (n + m), "he": 2 / n, "lecun": 1 / n}[kind]
    return np.asarray(math.sqrt(variance) * normal(u, v))


def orthonormal(w: Array) -> Array:
    """Return w (n, m) with orthonormal columns, or rows if n < m, by Gram-Schmidt.

    Examples
    --------
    >>> orthonormal(np.array([[3.0, 1.0], [4.0, 1.0]])).round(3).tolist()
    [[0.6, 0.8], [0.8, -0.6]]
    """
    q = (w if len(w) >= w.shape[1] else w.T).copy()
    for j in range(q.shape[1]):
        for _ in range(2):  # one pass leaves a large rounding error where columns are nearly parallel
            q[:, j] -= q[:, :j] @ (q[:, :j].T @ q[:, j])
            q[:, j] /= math.sqrt(q[:, j] @ q[:, j])
    return q if len(w) >= w.shape[1] else q.T
