"""Scores in service of an agent: rewards of its steps and returns of its episodes.

Over all steps and episodes, and over the last ``WINDOW`` steps and the last hundred episodes. A transition that was refused counts
with a reward of 0.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.kinds.agent.score import EPISODES, ends, reward_of
from headwater.learner.labels import values_of
from headwater.route.curve import WINDOW, add_point, mean
from headwater.types import Predictions

__all__ = ["LiveReturns"]

SHOWN = 200
"""Episodes whose return is kept to be shown."""


class Sums(msgspec.Struct):
    """What is kept: counts and sums over all steps, the last rewards and the last returns."""

    n: int = 0
    total: float = 0.0
    episodes: int = 0
    of_episodes: float = 0.0
    now: float = 0.0
    """Rewards of the episode so far."""
    steps: int = 0
    """Steps of the episode so far."""
    window: list[float] = []
    returns: list[tuple[float, int]] = []
    """Return and length of the last episodes."""
    every: int = 1
    """Episodes between two points of the curve; it doubles when the curve is full."""
    curve: list[list[float]] = []
    """Points: episode, its return, the mean return of the last hundred."""


class LiveReturns:
    """Score an agent in service.

    Parameters
    ----------
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.

    Examples
    --------
    >>> scores = LiveReturns()
    >>> scores.update([{"reward": 1.0}, {"reward": 3.0, "terminated": True}], [0.0, 0.0])
    >>> scores.report()["episodes"], scores.report()["model"]
    (1, {'return': 4.0, 'reward': 2.0})
    """

    task = "control"

    def __init__(self, saved: bytes = b"", learner: Any = None) -> None:
        self.sums = msgspec.msgpack.decode(saved, type=Sums) if saved else Sums()
        self._window = deque(self.sums.window, maxlen=WINDOW)
        self._returns = deque(self.sums.returns, maxlen=SHOWN)

    @property
    def n(self) -> int:
        """Steps scored so far."""
        return self.sums.n

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows that were predicted just now."""
        self.update(y, values_of(forecast))

    def update(
        self, y: Sequence[Any], said: Sequence[Any] = (), p_y: Sequence[float] = (), p_said: Sequence[float] = ()
    ) -> None:
        """Score steps: their transitions; the rest is not used here."""
        sums = self.sums
        for transition in y:
            reward = reward_of(transition)
            sums.n += 1
            sums.steps += 1
            sums.total += reward
            sums.now += reward
            self._window.append(reward)
            if ends(transition):
                self._end()

    def _end(self) -> None:
        sums = self.sums
        sums.episodes += 1
        sums.of_episodes += sums.now
        self._returns.append((sums.now, sums.steps))
        if sums.episodes % sums.every == 0:
            point: list[float] = [sums.episodes, round(sums.now, 6), round(self._last() or 0.0, 6)]
            sums.curve, sums.every = add_point(sums.curve, point, sums.every)
        sums.now, sums.steps = 0.0, 0

    def _last(self) -> float | None:
        return mean([value for value, _ in list(self._returns)[-EPISODES:]])

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts: over all steps and (``window``) over the last.

        Returns
        -------
        dict
            ``n`` steps, ``episodes``, ``model``, and ``window`` with its ``n`` and ``model``.
        """
        sums = self.sums
        whole = {
            "return": sums.of_episodes / sums.episodes if sums.episodes else None,
            "reward": sums.total / sums.n if sums.n else None,
        }
        window = {"return": self._last(), "reward": mean(list(self._window))}
        return {
            "n": sums.n,
            "unscored": 0,
            "episodes": sums.episodes,
            "model": whole,
            "window": {"n": len(self._window), "model": window},
        }

    def history(self) -> dict[str, Any]:
        """Return the curve of returns by episode; drift is not looked for."""
        return {"every": self.sums.every, "points": self.sums.curve, "drift": []}

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        self.sums.window, self.sums.returns = list(self._window), list(self._returns)
        return msgspec.msgpack.encode(self.sums)
