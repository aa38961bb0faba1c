"""What a picture shows of an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headwater.learner.schema.pictures import Bars, Line, Lines, Picture

__all__ = ["pictures_of"]

SMOOTHED = 20
"""Episodes whose mean is drawn."""
SHOWN = 12
"""Actions that are drawn."""


def pictures_of(agent: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return the returns of the last episodes, and what each action is worth in a state.

    Parameters
    ----------
    agent : Agent
        The agent, kept from others by the caller.
    score : AgentScore, optional
        Its score. One that keeps a curve has the returns in it.
    x : dict or array, optional
        The state, the last one that it has learned from by default.
    """
    found: list[Picture] = []
    if score is None or not score.history():  # else its curve has them
        found.append(_returns(agent))
    state = agent.last_state if x is None else x
    if state is not None and agent.n_learned:
        found.append(_worth(agent, state, "in this state" if x is not None else "in the last state"))
    return found


def _returns(agent: Any) -> Lines:
    returns = agent.returns
    episodes = np.arange(agent.episodes - len(returns) + 1, agent.episodes + 1).tolist()
    lines = [Line("return", episodes, returns.tolist(), "points")]
    if len(returns) >= 2 * SMOOTHED:
        means = np.convolve(returns, np.ones(SMOOTHED) / SMOOTHED, "valid").tolist()
        lines = [
            Line("return", episodes, returns.tolist(), "pale"),
            Line(f"mean of {SMOOTHED}", episodes[SMOOTHED - 1 :], means),
        ]
    empty = "No episode has ended yet." if agent.n_learned else "Nothing learned yet."
    return Lines("return of each episode", "episode", "sum of rewards", tuple(lines), empty=empty)


def _worth(agent: Any, state: Any, where: str) -> Bars:
    """Return the value of each action, or for an agent without them the probabilities of its policy."""
    if agent.has_action_values:
        values = sorted(agent.values(state).items(), key=lambda one: -one[1])[:SHOWN]
        return Bars(
            f"value of each action {where}", {str(action): value for action, value in values}, "scaled rewards to come"
        )
    policy = agent.policy(state)
    if isinstance(policy, Mapping):
        ranked = sorted(policy.items(), key=lambda one: -one[1])[:SHOWN]
        return Bars(f"probability of each action {where}", {str(a): p for a, p in ranked}, percent=True)
    return Bars(
        f"mean of each number {where}", {f"action {i}": float(mean) for i, mean in enumerate(policy[0][:SHOWN])}
    )
