"""Router between language models: an embedding on random directions, and the probability with which each model is chosen.

A prompt's embedding e of more than 32 numbers is scaled to length 1 and projected on 32 random directions, which keeps angles up
to chance. Of the models, model i has a quality q_i that a bandit expects of this prompt, n_i rewards and an expected cost c_i:

    hope      w_i = (n_i·q_i + 5·max_j q_j)/(n_i + 5),  the maximum over the models with rewards
    value     v_i = w_i, scaled to [0, 1], + 0.4/√(1 + n_i) − λ·c_i/budget
    allowed   the models with c_i ≤ what is left of the budgets, or the cheapest alone
    chosen    p_i = 1/(K + γ·(v_b − v_i)) for an allowed i ≠ b, p_b the rest;  K models are allowed, and b is the best of them

Sources: Johnson & Lindenstrauss 1984 (random projection); Foster & Rakhlin 2020 (exploration by gaps).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["project", "shares"]


def project(embedding: Sequence[float] | NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale an embedding (n) to length 1 and project it on directions (n, width).

    Examples
    --------
    >>> project([3.0, 4.0], np.eye(2)).tolist()
    [0.6, 0.8]
    """
    x = np.asarray(embedding, np.float64)
    return np.asarray(x @ directions / np.sqrt(x @ x))


def shares(
    qualities: Sequence[float],
    taken: Sequence[int],
    costs: Sequence[float],
    *,
    rewards: tuple[float, float],
    toll: float,
    left: float,
    hope: float,
    bonus: float,
    gamma: float,
) -> list[float]:
    """Return the probability of each model, 0 for those that the budget excludes.

    Parameters
    ----------
    qualities, taken, costs
        Expected quality, number of rewards and expected cost of each model.
    rewards : (float, float)
        Lowest and highest quality.
    toll, left : float
        λ/budget, and what may be spent on this prompt.
    hope, bonus, gamma : float
        Pseudo-rewards at the best quality, optimism before the first reward, and how fast exploration falls with the gap.

    Examples
    --------
    >>> p = shares([0.9, 0.5], [10, 10], [1.0, 1.0], rewards=(0, 1), toll=0, left=2, hope=5, bonus=0.4, gamma=30)
    >>> (
    ...     [round(one, 3) for one in p],
    ...     shares([0.9], [0], [3.0], rewards=(0, 1), toll=0, left=2, hope=5, bonus=0.4, gamma=30),
    ... )
    ([0.9, 0.1], [1.0])
    """
    q, n, c = (np.asarray(one, np.float64) for one in (qualities, taken, costs))
    low, high = rewards
    best_quality = q[n > 0].max() if (n > 0).any() else 0.5 * (low + high)
    values = ((n * q + hope * best_quality) / (n + hope) - low) / (high - low) + bonus / np.sqrt(1 + n) - toll * c
    allowed = np.flatnonzero(c <= left) if (c <= left).any() else np.array([c.argmin()])
    best = allowed[values[allowed].argmax()]
    p = np.zeros(len(q))
    p[allowed] = 1 / (len(allowed) + gamma * (values[best] - values[allowed]))
    p[best] = 0.0
    p[best] = 1 - p.sum()
    return [float(one) for one in p]
