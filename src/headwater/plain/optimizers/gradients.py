"""What is done to a gradient before a rule takes its step: clipping by norm, clipping by value, penalties; in that order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]


def norm(gradients: Sequence[Array]) -> float:
    """Return √Σ g² over all numbers of all gradients of a net.

    Examples
    --------
    >>> norm([np.array([3.0]), np.array([[4.0]])])
    5.0
    """
    return math.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients))


def clip_by_norm(gradients: Sequence[Array], bound: float) -> list[Array]:
    """Return the gradients of a net, shortened together where their norm is above the bound; 0 for no bound.

    The direction stays: g ← g · min(1, bound/‖g‖).

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
    """Return a gradient with each number within ±bound; 0 for no bound.

    Examples
    --------
    >>> clip_by_value(np.array([6.0, -8.0, 1.0]), bound=5.0).tolist()
    [5.0, -5.0, 1.0]
    """
    return np.clip(g, -bound, bound) if bound else g


def penalty(w: Array, l1: float, l2: float) -> float:
    """Return l1·Σ|w| + ½·l2·Σw²: what large weights cost.

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
    """Return l1·sign(w) + l2·w: L1 pulls every weight to 0 with the same force, L2 with a force in proportion to it.

    Examples
    --------
    >>> penalty_gradient(np.array([3.0, -4.0, 0.0]), l1=1.0, l2=2.0).tolist()
    [7.0, -9.0, 0.0]
    """
    return np.asarray(l2 * w + l1 * np.sign(w))
