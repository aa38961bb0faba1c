"""What plays: learners as coba wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

VW = "--cb_explore_adf --cb_type mtr -q xa --ignore_linear x --quiet --random_seed"
VOWPAL = {
    "vw-squarecb": "--squarecb",
    "vw-epsilon": "--epsilon 0.05",
    "vw-nn": "--epsilon 0.05 --nn 32",
    "vw-bag": "--bag 5",
}


class Ours:
    """``hw.Bandit()`` with its defaults, on the rows as they are."""

    raw = True

    def __init__(self, seed: int) -> None:
        import headwater as hw

        self._bandit = hw.Bandit(seed=seed)
        self.params: Mapping[str, Any] = {"family": "headwater", "seed": seed}

    def predict(self, context: Mapping[str, float], actions: Sequence[Any]) -> tuple[Any, float]:
        """Draw an action."""
        chosen, p = self._bandit.act(dict(context), [str(action) for action in actions])
        return next(action for action in actions if str(action) == chosen), p

    def learn(self, context: Mapping[str, float], action: Any, reward: float, probability: float) -> None:
        """Learn its reward."""
        self._bandit.learn(dict(context), str(action), float(reward), probability)


class LinUCB:
    """Li, Chu, Langford & Schapire 2010, disjoint: least squares an action, the largest θ·x + α√(xᵀPx)."""

    raw = False

    def __init__(self, alpha: float) -> None:
        self._alpha, self._fits = alpha, dict[Any, Any]()
        self.params: Mapping[str, Any] = {"family": "LinUCB", "alpha": alpha}

    def _fit(self, action: Any, d: int) -> Any:
        if action not in self._fits:
            self._fits[action] = [np.eye(d), np.zeros(d)]
        return self._fits[action]

    def predict(self, context: Sequence[float], actions: Sequence[Any]) -> tuple[Any, float]:
        """Take the action with the largest upper bound."""
        x = np.array([1.0, *context])
        fits = [self._fit(action, len(x)) for action in actions]
        bounds = [float(theta @ x) + self._alpha * float(x @ P @ x) ** 0.5 for P, theta in fits]
        return actions[int(np.argmax(bounds))], 1.0

    def learn(self, context: Sequence[float], action: Any, reward: float, probability: float) -> None:
        """Bring its least squares up to date."""
        x = np.array([1.0, *context])
        fit = self._fit(action, len(x))
        P, theta = fit
        k = P @ x
        down = 1 + float(x @ k)
        fit[0], fit[1] = P - np.outer(k, k) / down, theta + k / down * (reward - float(theta @ x))


def make(name: str, seed: int) -> tuple[Any, bool]:
    """Return a learner, and whether it takes the rows as they are."""
    if name == "headwater":
        return Ours(seed), True
    if name.startswith("linucb"):
        return LinUCB(float(name.partition("-")[2])), False
    from coba.learners import RandomLearner, VowpalLearner

    if name == "random":
        return RandomLearner(), False
    return VowpalLearner(f"{VW} {seed + 1} {VOWPAL[name]}"), False
