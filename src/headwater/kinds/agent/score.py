"""Scores of an agent: what it is rewarded with.

An answer is a transition: what was done in a state, what it brought and what followed. The scores::

    return   the mean, over the episodes that have ended, of the sum of their rewards; over the window the last hundred of them
    reward   the mean reward of a step

There are no baselines: what another agent would have met is not known.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.types import Predictions, Scores

__all__ = ["EPISODES", "ControlWatch", "ends", "reward_of"]

EPISODES = 100
"""Episodes of the window."""


class ControlWatch:
    """Score an agent step by step.

    Parameters
    ----------
    window
        How many of the last steps the mean reward of the window is over.
    delay
        As of the other watches; a transition never comes late.

    Examples
    --------
    >>> watch = ControlWatch()
    >>> steps = [{"reward": 1.0}, {"reward": 2.0, "terminated": True}, {"reward": 5.0}]
    >>> watch.update(steps, [0.0] * 3)
    >>> watch.scores()["model"]
    {'return': 3.0, 'reward': 2.6666666666666665}
    """

    needs_answers = True

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None:
        self.n = 0
        self.unscored = 0
        self._rewards: deque[float] = deque(maxlen=window)
        self._returns: deque[float] = deque(maxlen=EPISODES)
        self._sum = self._of_episodes = self._now = 0.0
        self._episodes = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the scores."""
        return ("return", "reward")

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why an answer is no transition, or the empty string; one whose reward is no number is left to the agent."""
        return "" if isinstance(answer, Mapping) else "no transition"

    def score(self, y: Sequence[Any], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score some steps; of rewards no probability is given: NaN for each."""
        self.update(y, forecast.y_pred)
        return [math.nan] * len(y)

    def update(self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float] = ()) -> None:
        """Score some steps: their transitions; what states were thought to be worth is not looked at."""
        for transition in y:
            reward = reward_of(transition)
            self.n += 1
            self._sum += reward
            self._now += reward
            self._rewards.append(reward)
            if ends(transition):
                self._returns.append(self._now)
                self._of_episodes += self._now
                self._episodes += 1
                self._now = 0.0

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"``, over all steps or over the window."""
        if window:
            return {"model": {"return": _mean(self._returns), "reward": _mean(self._rewards)}}
        return {
            "model": {
                "return": self._of_episodes / self._episodes if self._episodes else math.nan,
                "reward": self._sum / self.n if self.n else math.nan,
            }
        }


def reward_of(transition: Any) -> float:
    """Return the reward of a transition; 0 where it is no number that can be learned."""
    reward = transition.get("reward") if isinstance(transition, Mapping) else None
    good = isinstance(reward, int | float) and not isinstance(reward, bool) and abs(reward) <= 1e30
    return float(reward) if good else 0.0  # type: ignore[arg-type]


def ends(transition: Any) -> bool:
    """Say whether an episode ends with a transition."""
    return isinstance(transition, Mapping) and bool(transition.get("terminated") or transition.get("truncated"))


def _mean(values: Sequence[float] | deque[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
