"""Metrics of an agent, from its rewards.

A label is a transition. A rejected transition counts with a reward of 0. The metrics::

    return   mean sum of rewards per finished episode, in the window over the last hundred of them
    reward   mean reward per step

The experience of another agent is unknown, so the only baseline is what the agent itself earned in its first ten episodes ("first"),
when it had hardly learned.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.route.curve import mean
from headwater.route.score import Score
from headwater.types import Comparison, Scores, Span

__all__ = ["EPISODES", "AgentScore", "ends", "reward_of"]

EPISODES = 100
"""Episodes in the window."""
FIRST = 10
"""Episodes that later ones are compared with."""
SHOWN = 200
"""Episodes whose return is kept for display."""


class AgentScore(Score):
    """Score an agent step by step, with one point of the curve per episode.

    Examples
    --------
    >>> score = AgentScore()
    >>> steps = [{"reward": 1.0}, {"reward": 2.0, "terminated": True}, {"reward": 5.0}]
    >>> score.update(steps, [0.0] * 3)
    >>> score.scores()["model"]
    {'return': 3.0, 'reward': 2.6666666666666665}
    """

    names = ("return", "reward")
    more_is_better = True

    def _begin(self, delay: int, learner: Any) -> None:
        self._returns: deque[tuple[float, int]] = deque(maxlen=SHOWN)  # return and number of steps of each episode
        self._sum = self._of_episodes = self._now = 0.0
        self._episodes = self._steps = 0
        self._first = 0.0  # sum of the returns of the first episodes, NaN where an earlier version has not kept it

    @staticmethod
    def problem(label: Any) -> str:
        """Return why a label is not a transition, or "". The agent itself checks the reward."""
        return "" if isinstance(label, Mapping) else "no transition"

    def update(
        self, y: Sequence[Any], y_pred: Iterable[Any] = (), proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score steps by their transitions, ignoring the predicted values."""
        for transition in y:
            reward = reward_of(transition)
            self.n += 1
            self._steps += 1
            self._sum += reward
            self._now += reward
            self._window.append(reward)
            if ends(transition):
                self._end()

    def _end(self) -> None:
        self._episodes += 1
        self._of_episodes += self._now
        if self._episodes <= FIRST:
            self._first += self._now
        self._returns.append((self._now, self._steps))
        if self._history is not None and self._history.due(self._episodes):
            self._history.add(self._point())
        self._now, self._steps = 0.0, 0

    def _last(self) -> float:
        return mean([value for value, _ in list(self._returns)[-EPISODES:]])

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the metrics of ``"model"``, over all steps or over the window."""
        if window:
            return {"model": {"return": self._last(), "reward": mean(list(self._window))}}
        return {
            "model": {
                "return": self._of_episodes / self._episodes if self._episodes else math.nan,
                "reward": self._sum / self.n if self.n else math.nan,
            }
        }

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the mean return of an episode, beside that of the first ones once there are more."""
        first = {"first": self._first / FIRST} if self._episodes > FIRST else {}
        recent, overall = (
            Span(n, self.scores(window=last)["model"]["return"], first)
            for n, last in ((min(self._episodes, EPISODES), True), (self._episodes, False))
        )
        return (Comparison("return", "return", True, "episodes", recent, overall),)

    def _extra(self) -> dict[str, Any]:
        return {"episodes": self._episodes}

    def _point(self) -> list[float]:
        return [self._episodes, self._now, self._last()]

    def _row_of(self, saved: Any) -> Any:
        return saved

    def _sums(self) -> dict[str, Any]:
        return {
            "total": self._sum,
            "episodes": self._episodes,
            "of_episodes": self._of_episodes,
            "now": self._now,
            "first": self._first,
            "steps": self._steps,
            "returns": list(self._returns),
        }

    def _go_on(self, sums: dict[str, Any]) -> None:
        self._sum, self._episodes, self._of_episodes = sums["total"], sums["episodes"], sums["of_episodes"]
        self._now, self._steps, self._first = sums["now"], sums["steps"], sums.get("first", math.nan)
        self._returns.extend((value, steps) for value, steps in sums["returns"])

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        self._go_on(saved)
        self.n = saved["n"]
        self._window.extend(saved["window"])


def reward_of(transition: Any) -> float:
    """Return the reward of a transition, or 0 if it is invalid."""
    reward = transition.get("reward") if isinstance(transition, Mapping) else None
    good = isinstance(reward, int | float) and not isinstance(reward, bool) and abs(reward) <= 1e30
    return float(reward) if good else 0.0  # type: ignore[arg-type]


def ends(transition: Any) -> bool:
    """Return whether a transition ends an episode."""
    return isinstance(transition, Mapping) and bool(transition.get("terminated") or transition.get("truncated"))
