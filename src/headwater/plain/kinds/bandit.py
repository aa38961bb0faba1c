"""Contextual bandit that chooses an action in a context x and learns from the rewards of the actions taken.

Each action a has a value f_a(x), its expected reward in [0, 1]. Several experts predict it: small nets with one output per
action, and a linear function per action, θ_a·x, by recursive least squares. The value is their weighted mean. Only the action
taken has an error to learn from:

    nets            a gradient step on (f_a(x) − r)², through the output of action a alone
    least squares   P_a ← P_a − k kᵀ/(1 + xᵀk),  θ_a ← θ_a + k/(1 + xᵀk)·(r − θ_a·x),  k = P_a x;  P_a starts at 1
    weights         w_e ∝ exp(−0.3 L_e),  L_e ← L_e + ω (r − f_e)² − 0.002·L_e,  ω = 1/p, at most 10

p is the probability with which the action was taken. The importance ω makes up for actions that are rarely taken. Actions are
drawn among the K offered, of which b is the best:

    squarecb   s_a = f_a + 0.1·√(xᵀP_a x), clipped to [0, 1];  p_a = 1/(K + γ·t^ρ·(s_b − s_a)) for a ≠ b, and p_b the rest
    epsilon    p_a = ε/K for a ≠ b
    softmax    p_a ∝ exp(λ f_a)
    linucb     argmax of θ_a·x + α·√(xᵀP_a x)

SquareCB explores less where the gap is wide and as t grows. The paper has s = f. The bonus, LinUCB's with a small factor,
directs exploration to actions that least squares is uncertain about. An action that was taken n < 3 times is young: it counts
t·n/3 rows in place of t, so an action that appears late is tried with probability 1/K.

Sources: Foster & Rakhlin 2020 (SquareCB); Li, Chu, Langford & Schapire 2010 (LinUCB); Vovk 1990 (exponential weights).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["LinearValues", "epsilon", "softmax", "squarecb", "update_weights"]

Vector = NDArray[np.float64]
BONUS = 0.1
"""Factor on the least-squares deviation that squarecb adds to a value."""
RATE, FADES, HEAVIEST = 0.3, 0.002, 10.0
"""Experts' weights: learning rate, decay of the losses per row, maximum importance."""
SHARE = 1e-3
"""Minimum weight of an expert."""
TRIED = 3.0
"""An action taken fewer times is young."""


@dataclass
class LinearValues:
    """Parameters θ_a and P_a of one action, by recursive least squares.

    Parameters
    ----------
    n : int
        Number of inputs.

    Examples
    --------
    >>> action = LinearValues(2)
    >>> for _ in range(200):
    ...     action.learn(np.array([1.0, 0.5]), 0.8)
    >>> round(action.value(np.array([1.0, 0.5])), 2)
    0.8
    """

    n: int
    theta: Vector = field(init=False)
    inverse: Vector = field(init=False)

    def __post_init__(self) -> None:
        self.theta, self.inverse = np.zeros(self.n), np.eye(self.n)

    def value(self, x: Vector) -> float:
        """Return θ·x."""
        return float(self.theta @ x)

    def deviation(self, x: Vector) -> float:
        """Return √(xᵀP x), the uncertainty at x."""
        return float(np.sqrt(x @ self.inverse @ x))

    def learn(self, x: Vector, reward: float) -> None:
        """Update θ and P with the reward at x."""
        k = self.inverse @ x
        down = 1 + x @ k
        self.theta = self.theta + k / down * (reward - self.theta @ x)
        self.inverse = self.inverse - np.outer(k, k) / down


def update_weights(losses: Vector, predicted: Vector, reward: float, p: float) -> tuple[Vector, Vector]:
    """Return the experts' decayed losses and weights after a reward.

    Parameters
    ----------
    losses : ndarray (experts,)
        L_e so far.
    predicted : ndarray (experts,)
        Each expert's prediction for the action taken.
    reward : float
        Reward in [0, 1].
    p : float
        Probability with which the action was taken.

    Returns
    -------
    losses, weights : ndarray (experts,)

    Examples
    --------
    >>> losses, weights = update_weights(np.zeros(2), np.array([0.9, 0.1]), 1.0, 0.5)
    >>> bool(weights[0] > weights[1])
    True
    """
    importance = min(max(1 / p, 1.0), HEAVIEST)
    miss = reward - np.clip(predicted, 0, 1)
    losses = losses + importance * miss * miss - FADES * losses
    w = np.exp(-RATE * np.minimum(losses - losses.min(), 500))
    return losses, (1 - len(w) * SHARE) * w / w.sum() + SHARE


def squarecb(scores: Vector, taken: Vector, t: int, gamma: float = 100.0, rho: float = 0.5) -> Vector:
    """Return the probability of each action under SquareCB.

    Parameters
    ----------
    scores : ndarray (K,)
        s_a: value plus bonus, in [0, 1].
    taken : ndarray (K,)
        Number of times each action was taken.
    t : int
        Rows learned so far.
    gamma, rho : float
        γ and ρ.

    Returns
    -------
    ndarray (K,)
        Probabilities that sum to 1.

    Examples
    --------
    >>> squarecb(np.array([0.9, 0.4]), np.array([50, 50]), t=100, gamma=1.0).round(3).tolist()
    [0.857, 0.143]
    >>> squarecb(np.array([0.9, 0.0]), np.array([50, 0]), t=100).tolist()
    [0.5, 0.5]
    """
    best = int(np.argmax(scores))
    growth = (t * np.minimum(np.asarray(taken) / TRIED, 1)) ** rho
    p = 1 / (len(scores) + gamma * growth * (scores[best] - scores))
    return _rest_to(best, p)


def epsilon(values: Vector, taken: Vector, share: float) -> Vector:
    """Return the probability of each action under ε-greedy exploration."""
    young = 1 - np.minimum(np.asarray(taken) / TRIED, 1)
    return _rest_to(int(np.argmax(values)), np.maximum(share, young) / len(values))


def softmax(values: Vector, taken: Vector, factor: float) -> Vector:
    """Return p_a ∝ exp(λ f_a), with a smaller gap for young actions."""
    known = np.minimum(np.asarray(taken) / TRIED, 1)
    best = int(np.argmax(values))
    odds = np.exp(-np.minimum(factor * (values[best] - values) * known, 700))
    odds[best] = 1
    return np.asarray(odds / odds.sum())


def _rest_to(best: int, p: Vector) -> Vector:
    p = np.array(p, np.float64)
    p[best] = 0
    p[best] = 1 - p.sum()
    return p
