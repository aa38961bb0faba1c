"""Contextual bandit that chooses an action in a context x and learns from the rewards of the actions taken.

Each action a has a value f_a(x), its expected reward in [0, 1]. Several experts predict it: small nets with one output per
action, and a linear function per action, m + θ_a·x, by recursive least squares, where m is the mean of all rewards. The value of
the row, c_a(x), is their weighted mean. Only the action taken has an error to learn from:

    nets            a gradient step on (f_a(x) − r)², through the output of action a alone
    least squares   P_a ← P_a − k kᵀ/(1/v + xᵀk),  θ_a ← θ_a + k/(1/v + xᵀk)·(r − m − θ_a·x),  k = P_a x;  P_a starts at 1
    drift           then P_a,ii ← P_a,ii + 0.0003·max(0, 1 − P_a,ii), as for weights that wander
    weights         w_e ∝ exp(−0.3 L_e),  L_e ← L_e + ω (r − f_e)² − 0.002·L_e,  ω = 1/p, at most 10;  L of nets starts at 5

p is the probability with which the action was taken, and v the weight of the row, 1 unless it is given. v multiplies the gradient of
the nets, ω and what the row adds to the means; drift and fading are multiplied by min(v, 1). The importance ω makes up for actions
that are rarely taken. Beside c_a(x) stands the mean reward of the action whatever the row, μ_a. The value that decides is stacked
from both:

    value           f_a(x) = s·c_a(x) + (1 − s)·μ_a
    share           s = (3σ² + Σ ω d (r − μ_a))/(3σ² + Σ ω d²) within [0, 1],  d = c_a(x) − μ_a,  sums fade by 0.002 a row

σ² is the smaller of the mean squared errors of c and μ. A row that says nothing is soon not believed, and the decisions are those
of a bandit without context. The first two rewards of an action leave the sums alone. Actions are drawn among the K offered, of
which b is the best:

    squarecb   s_a = f_a + 0.07·√(xᵀP_a x) + (1 − s)·σ_μ/√(n_a + 1), clipped;  p_a = 1/(K + γ·t^ρ·(s_b − s_a)) for a ≠ b, p_b the rest
    epsilon    p_a = ε/K for a ≠ b
    softmax    p_a ∝ exp(λ f_a)
    greedy     the best action, once each was taken
    linucb     argmax of m + θ_a·x + α·√(xᵀP_a x)

SquareCB explores less where the gap is wide and as t grows. The paper has s = f. The bonuses, LinUCB's with a small factor and
the deviation of a mean, direct exploration to actions about which little is known. With more than 16 inputs LinUCB's is divided
by √(inputs/16). An action that was taken n < 3 times is young: it counts t·n/3 rows in place of t, so an action that appears late
is tried with probability 1/K.

Sources: Foster & Rakhlin 2020 (SquareCB); Li, Chu, Langford & Schapire 2010 (LinUCB); Vovk 1990 (exponential weights); Wolpert
1992 (stacking); Kalman 1960 (weights that wander).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["LinearValues", "Stack", "epsilon", "greedy", "row_bonus", "softmax", "squarecb", "update_weights"]

Vector = NDArray[np.float64]
BONUS, FEW_INPUTS = 0.07, 16.0
"""Factor on the least-squares deviation that squarecb adds to a value, and the inputs beyond which it shrinks."""
DRIFT = 3e-4
"""Share by which the diagonal of P returns to its start at each reward."""
NETS_BEHIND = 5.0
"""Loss with which nets start, since least squares learn earlier."""
PRIOR, MEANS_FADE, FRESH = 3.0, 0.001, 2
"""Error variances that speak for the row, decay of an action's mean, and first rewards that leave the share alone."""
RATE, FADES, HEAVIEST = 0.3, 0.002, 10.0
"""Experts' weights: learning rate, decay of the losses per row, maximum importance."""
SHARE = 1e-3
"""Minimum weight of an expert."""
TRIED = 3.0
"""An action taken fewer times is young."""


@dataclass
class LinearValues:
    """Parameters θ_a and P_a of one action, by recursive least squares with drift.

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

    def learn(self, x: Vector, reward: float, v: float = 1.0) -> None:
        """Update θ and P with the reward at x, with weight v."""
        k = self.inverse @ x
        down = 1 / v + x @ k
        self.theta = self.theta + k / down * (reward - self.theta @ x)
        self.inverse = self.inverse - np.outer(k, k) / down
        self.inverse += np.diag(DRIFT * min(v, 1) * np.maximum(0, 1 - np.diag(self.inverse)))


@dataclass
class Stack:
    """Mean rewards whatever the row, and how far the values of the row are believed beside them.

    Parameters
    ----------
    actions : int
        Number of actions.

    Examples
    --------
    >>> stack = Stack(2)
    >>> for i in range(200):
    ...     stack.learn(i % 2, of_row=0.9 if i % 4 < 2 else 0.1, reward=float(i % 2), importance=1.0)
    >>> stack.share < 0.05, [round(stack.mean(a), 2) for a in (0, 1)]
    (True, [0.0, 1.0])
    """

    actions: int
    share: float = 1.0
    rewards: float = 0.0
    rows: float = 0.0
    weight: float = 0.0

    def __post_init__(self) -> None:
        self.sums, self.counts, self.taken = np.zeros(self.actions), np.zeros(self.actions), np.zeros(self.actions)
        self.squares = self.products = self.mean_loss = self.loss = 0.0

    def mean_reward(self) -> float:
        """Return m, the mean of all rewards and of one of 0.5."""
        return (self.rewards + 0.5) / (self.rows + 1)

    def mean(self, action: int) -> float:
        """Return μ_a, the decaying mean of the action's rewards and of one of m."""
        return float((self.sums[action] + self.mean_reward()) / (self.counts[action] + 1))

    def value(self, action: int, of_row: float) -> float:
        """Return f_a from c_a."""
        return self.share * of_row + (1 - self.share) * self.mean(action)

    def bonus(self, action: int) -> float:
        """Return the deviation of μ_a as far as it decides, for an action of -1 that of a new one."""
        count = self.counts[action] if action >= 0 else 0.0
        return float((1 - self.share) * np.sqrt((self.mean_loss + 0.25) / (self.weight + 1) / (count + 1)))

    def learn(self, action: int, of_row: float, reward: float, importance: float, v: float = 1.0) -> None:
        """Update sums, share and means with a reward of weight v, where the row gave the action the value ``of_row``."""
        weight, fades = importance * v, MEANS_FADE * min(v, 1)
        mean, stays = self.mean(action), 1 - FADES * min(weight, 1)
        changed, missed = of_row - mean, reward - mean
        if self.taken[action] >= FRESH:
            self.squares = stays * self.squares + weight * changed**2
            self.products = stays * self.products + weight * changed * missed
            self.mean_loss = stays * self.mean_loss + weight * missed**2
            self.loss = stays * self.loss + weight * (reward - of_row) ** 2
            self.weight = stays * self.weight + weight
        prior = PRIOR * (min(self.loss, self.mean_loss) + 0.02) / (self.weight + 1)
        self.share = min(max((prior + self.products) / (prior + self.squares), 0.0), 1.0)
        self.sums[action] += v * reward - fades * self.sums[action]
        self.counts[action] += v - fades * self.counts[action]
        self.taken[action] += 1
        self.rewards, self.rows = self.rewards + v * reward, self.rows + v


def update_weights(losses: Vector, predicted: Vector, reward: float, p: float, v: float = 1.0) -> tuple[Vector, Vector]:
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
    v : float
        Weight of the row.

    Returns
    -------
    losses, weights : ndarray (experts,)

    Examples
    --------
    >>> losses, weights = update_weights(np.zeros(2), np.array([0.9, 0.1]), 1.0, 0.5)
    >>> bool(weights[0] > weights[1])
    True
    """
    importance = v * min(max(1 / p, 1.0), HEAVIEST)
    miss = reward - np.clip(predicted, 0, 1)
    losses = losses + importance * miss * miss - FADES * min(importance, 1.0) * losses
    w = np.exp(-RATE * np.minimum(losses - losses.min(), 500))
    return losses, (1 - len(w) * SHARE) * w / w.sum() + SHARE


def row_bonus(deviations: Vector, inputs: int) -> Vector:
    """Return what squarecb adds to values for deviations of least squares of so many inputs."""
    return np.asarray(BONUS * min(1.0, (FEW_INPUTS / inputs) ** 0.5) * deviations)


def squarecb(scores: Vector, taken: Vector, t: int, gamma: float = 1000.0, rho: float = 0.5) -> Vector:
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


def greedy(values: Vector, taken: Vector) -> Vector:
    """Return 1 for the best action, or for the first that was never taken."""
    return np.asarray(np.eye(len(values))[int(np.argmax(np.where(np.asarray(taken) == 0, 2.0, values)))])


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
