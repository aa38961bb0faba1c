"""Clip gradients by norm, clip them by value and add penalties, in that order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]


def norm(gradients: Sequence[Array]) -> float:
    """Return √Σ g² over all gradients of a net.

    Examples
    --------
    >>> norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    return math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients))


def clip_by_norm(gradients: Sequence[Array], bound: float) -> list[Array]:
    """Return the gradients of a net scaled so that their joint norm is at most ``bound``, or unchanged if it is 0.

    The direction is kept: g ← g · min(1, bound/‖g‖).

    References
    ----------
    Pascanu, Mikolov & Bengio 2013.

    Examples
    --------
    >>> [g.tolist() for g in clip_by_norm([np.array([6.0]), np.array([8.0])], bound=5.0)]
    [[3.0], [4.0]]
    """
    size = norm(gradients) if bound else 0.0
    return [g * (bound / size) for g in gradients] if size > bound else list(gradients)


def clip_by_value(g: Array, bound: float) -> Array:
    """Return a gradient clipped to ±bound, or unchanged if it is 0.

    Examples
    --------
    >>> clip_by_value(np.array([6.0, -8.0, 1.0]), bound=5.0).tolist()
    [5.0, -5.0, 1.0]
    """
    return np.clip(g, -bound, bound) if bound else g


def penalty(w: Array, l1: float, l2: float) -> float:
    """Return the penalty l1·Σ|w| + ½·l2·Σw².

    References
    ----------
    Hoerl & Kennard 1970 (L2); Tibshirani 1996 (L1).

    Examples
    --------
    >>> penalty(np.array([3.0, -4.0]), l1=1.0, l2=2.0)
    32.0
    """
    return float(l1 * np.abs(w).sum() + 0.5 * l2 * np.square(w).sum())


def penalty_gradient(w: Array, l1: float, l2: float) -> Array:
    """Return the penalty's gradient l1·sign(w) + l2·w.

    Examples
    --------
    >>> penalty_gradient(np.array([3.0, -4.0, 0.0]), l1=1.0, l2=2.0).tolist()
    [7.0, -9.0, 0.0]
    """
    return np.asarray(l2 * w + l1 * np.sign(w))
