"""Scores in service of a learner that chooses actions: its mean reward, next to that of simple policies.

``model`` is what the learner as it stood would have earned, ``logged`` what was earned; for the champion, whose actions are taken,
they differ by chance alone, and where rewards come late. A challenger, whose actions nobody takes, is judged by the champion's rows.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.kinds.bandit.decision import as_decision
from headwater.kinds.bandit.score import scored_decisions
from headwater.kinds.bandit.sums import BASELINES, RewardSums, ScoredDecision
from headwater.route.curve import MARKS, WINDOW, add_point, detector
from headwater.types import Predictions

__all__ = ["LiveDecisions"]

NAMES = ("model", *BASELINES)


class Sums(msgspec.Struct):
    """What is kept: sums over all rewards, the rows of the window, and the curve."""

    whole: RewardSums = msgspec.field(default_factory=RewardSums)
    window: list[ScoredDecision] = []
    unscored: int = 0
    every: int = 1
    """Rewards between two points of the curve; it doubles when the curve is full."""
    curve: list[list[float]] = []
    """Points of the window's mean rewards: n, the model, the baselines."""
    marks: list[int] = []
    """Rewards at which they were found to have fallen: drift."""


class LiveDecisions:
    """Score a bandit in service.

    Parameters
    ----------
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.

    Examples
    --------
    >>> scores = LiveDecisions()
    >>> scores.update([["a", 1.0, 0.5], ["b", 0.0, 0.5]], ["a", "a"], [1.0, 0.0])
    >>> scores.report()["logged"], scores.report()["actions"]["a"]
    ({'mean_reward': 0.5}, {'n': 1, 'mean_reward': 1.0})
    """

    task = "decide"

    def __init__(self, saved: bytes = b"", learner: Any = None) -> None:
        self.sums = msgspec.msgpack.decode(saved, type=Sums) if saved else Sums()
        self._window = deque(self.sums.window, maxlen=WINDOW)
        self._detector = detector()

    @property
    def n(self) -> int:
        """Rewards scored so far."""
        return self.sums.whole.n

    def update(
        self, y: Sequence[Any], said: Sequence[Any], p_y: Sequence[float] = (), p_said: Sequence[float] = ()
    ) -> None:
        """Score what came of actions, where nothing is known of what the learner expected.

        Parameters
        ----------
        y
            (action, reward, p).
        said
            The actions that were best; not used here.
        p_y
            The probability with which the learner would have taken each action.
        p_said
            For classes; not used here.
        """
        decisions = [as_decision(answer) for answer in y]
        self._rows(
            [
                None if d is None else ScoredDecision(d.action, d.reward, d.p, share, d.reward, {})
                for d, share in zip(decisions, p_y, strict=True)
            ]
        )

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows with what the learner expected of each action right before it learned them."""
        self._rows(scored_decisions(y, forecast))

    def _rows(self, rows: Sequence[ScoredDecision | None]) -> None:
        for row in rows:
            self._row(row)

    def _row(self, row: ScoredDecision | None) -> None:
        sums = self.sums
        if row is None:
            sums.unscored += 1
            return
        usual = sums.whole.logged / sums.whole.n if sums.whole.n else row.reward
        sums.whole.add(row)
        self._window.append(row)
        self._detector.update(float(row.reward < usual))
        if self._detector.drift_detected:
            sums.marks = [*sums.marks[1 - MARKS :], sums.whole.n]
        if sums.whole.n % sums.every == 0:
            means = self._of_window().means()
            point: list[float] = [self.n, *(round(_known(means[name]) or 0.0, 6) for name in NAMES)]
            sums.curve, sums.every = add_point(sums.curve, point, sums.every)

    def _of_window(self) -> RewardSums:
        sums = RewardSums()
        for row in self._window:
            sums.add(row)
        return sums

    def report(self) -> dict[str, Any]:
        """Return the mean rewards as plain dicts, over all rewards and (``window``) over the last; None where nothing is known.

        Returns
        -------
        dict
            ``n``, ``unscored``, ``model``, the baselines, ``actions`` (rows and mean reward of each), and ``window``.
        """
        sums = self.sums.whole
        taken = {str(action): {"n": int(own[0]), "mean_reward": own[1] / own[0]} for action, own in sums.taken.items()}
        window = {"n": len(self._window), **_shown(self._of_window())}
        return {"n": sums.n, "unscored": self.sums.unscored, **_shown(sums), "actions": taken, "window": window}

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's mean rewards so far, and the rewards at which drift was found."""
        return {"every": self.sums.every, "points": self.sums.curve, "drift": self.sums.marks}

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        self.sums.window = list(self._window)
        return msgspec.msgpack.encode(self.sums)


def _shown(sums: RewardSums) -> dict[str, Any]:
    return {name: {"mean_reward": _known(value)} for name, value in sums.means().items()}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
