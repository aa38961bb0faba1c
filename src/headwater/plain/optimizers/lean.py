"""Lean learning of a pool, which keeps short second moments and leaves out steps that teach nothing.

A rule of this kind divides by the root of a mean, or a sum, of squared gradients. For row i and unit j of the input table the
gradient is g_ij = v_i·d_j, the value of the row times the delta of the unit, so the mean has nearly rank one:

    s_ij ≈ R_i · C_j / mean(C),   R ← κ·R + τ·meanⱼ(g²),   C ← κ·C + τ·d²

κ = τ = 1 for AdaGrad, and κ = ρ, τ = 1 − ρ for RMSProp. A row keeps R_i in place of a number for each unit. A bias has C
alone, and a cell of the tile coding R alone. The moments are not factored where the units of the table are the outputs, each
of which has rows of its own, nor behind a recurrence, whose gradients are no such product.

References
----------
Shazeer & Stern 2018 (Adafactor: factored second moments).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .rules import decayed

Array: TypeAlias = NDArray[np.floating[Any]]

LARGEST = 1e30
"""Bound on C, so that its mean stays finite in float32."""
FIRST_ROWS = 500
"""Rows before an expert's replays can be left out, since mixture weights say little at first."""


def pace(rule: str, numbers: tuple[float, ...]) -> tuple[float, float, float]:
    """Return κ, τ and ε of a rule.

    Examples
    --------
    >>> pace("adagrad", (1e-10,)), pace("rmsprop", (0.75, 1e-8))
    ((1.0, 1.0, 1e-10), (0.75, 0.25, 1e-08))
    """
    return (1.0, 1.0, numbers[0]) if rule == "adagrad" else (numbers[0], 1 - numbers[0], numbers[1])


def step_units(c: Array, d: Array, keep: float, take: float) -> None:
    """Update the units' moments C (m,) by their deltas d (m,).

    Examples
    --------
    >>> c = np.array([1.0, 0.0])
    >>> step_units(c, np.array([2.0, 1.0]), keep=1.0, take=1.0)
    >>> c.tolist()
    [5.0, 1.0]
    """
    c[:] = np.minimum(decayed(keep * c + take * d * d), LARGEST)


def step_rows(r: Array, g: Array, keep: float, take: float) -> None:
    """Update the rows' moments R (n,) by the gradients g (n, m) of their weights.

    Examples
    --------
    >>> r = np.array([1.0, 0.0])
    >>> step_rows(r, np.array([[2.0, 4.0], [0.0, 0.0]]), keep=0.5, take=0.5)
    >>> r.tolist()
    [5.5, 0.0]
    """
    r[:] = decayed(keep * r + take * (g * g).mean(axis=1))


def row_steps(g: Array, r: Array, c: Array, lr: float, eps: float) -> Array:
    """Return what weights (n, m) lose in a step: lr·g·√mean(C) / ((√R + ε)·(√C + ε)).

    Examples
    --------
    With equal units it is the step of each weight's own moments:

    >>> g, r, c = np.array([[3.0, -3.0]]), np.array([9.0]), np.array([4.0, 4.0])
    >>> row_steps(g, r, c, lr=0.1, eps=0.0).round(6).tolist()
    [[0.1, -0.1]]
    """
    return np.asarray(lr * g * np.sqrt(c.mean()) / ((np.sqrt(r) + eps)[:, None] * (np.sqrt(c) + eps)))


def cell_steps(g: Array, r: Array, lr: float, eps: float) -> Array:
    """Return what the weights (tables, m) of a sample's cells lose in a step: lr·g / (√R + ε).

    Examples
    --------
    >>> cell_steps(np.array([[2.0, -1.0]]), np.array([4.0]), lr=0.1, eps=0.0).tolist()
    [[0.1, -0.05]]
    """
    return np.asarray(lr * g / (np.sqrt(r) + eps)[:, None])


def bias_step(d: Array, c: Array, lr: float, eps: float) -> Array:
    """Return what biases (m,) lose in a step: lr·d / (√C + ε).

    Examples
    --------
    >>> bias_step(np.array([2.0, -1.0]), np.array([4.0, 1.0]), lr=0.1, eps=0.0).tolist()
    [0.1, -0.1]
    """
    return np.asarray(lr * d / (np.sqrt(c) + eps))


def teaches(gradient: Array, smallest: float) -> bool:
    """Return whether an expert takes a step on a sample, by the gradient at its logits before the sample's weight.

    Where nothing is left to learn, squares of gradients would be denormal numbers, which take a hundred times as long.

    Examples
    --------
    >>> teaches(np.array([0.002, -0.02]), 0.01), teaches(np.array([0.002, -0.002]), 0.01)
    (True, False)
    """
    return bool(np.abs(gradient).max() >= smallest)


def replays(weights: Array, share: float, learned: int) -> NDArray[np.bool_]:
    """Return which experts learn samples of the replay buffer, by their mixture weights.

    Examples
    --------
    >>> replays(np.array([0.5, -0.1, 0.2]), share=0.25, learned=1000).tolist()
    [True, False, True]
    """
    size = np.abs(weights)
    return np.asarray((size >= share * size.max()) | (learned < FIRST_ROWS))
