"""Explain an agent's values by occlusion of the state.

Each feature is removed in turn, as if missing, and the output is compared with that for the whole state:

    contribution of j = f(x) − f(x without j),   f(x) = q(x, a), or v(x) for an agent with a policy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.explain.occlusion import occluded
from headwater.explain.sensitivity import sensitivity
from headwater.kinds.agent.learner import Agent
from headwater.learner.base import at_one_moment

__all__ = ["explain_worth", "worth_importance"]


@at_one_moment
def explain_worth(agent: Agent, observation: Any, action: Any = None) -> Explanation:
    """Attribute the value of an action to the features of a state, without changing anything.

    Parameters
    ----------
    agent : Agent
        A trained agent.
    observation : array, dict or number
        The state.
    action : optional
        The action, by default the best one. An agent with a policy has only a value per state.

    Returns
    -------
    Explanation
        ``prediction`` is the value in scaled rewards, ``baseline`` the value of an empty state, and ``contributions`` are sorted,
        largest first.

    Raises
    ------
    ConfigError
        If the agent has no such action.
    DataError
        If nothing has been learned yet.

    Examples
    --------
    >>> agent = Agent(2, explore=0)
    >>> for i in range(400):
    ...     agent.learn({"hint": i % 2, "noise": i % 7}, i % 2, float(i % 4 < 2), None, terminated=True)
    >>> explain_worth(agent, {"hint": 1, "noise": 3}).method
    'occlusion'
    """
    if agent.engine is None or not agent.n_learned:
        raise DataError(
            expected="an agent that has learned", got="one that has seen no transition", at="Agent", help="Call learn first.",
            code="not_learned",
        )  # fmt: skip
    x = agent.as_read(agent.state_of(observation))
    of_values = agent.has_action_values
    if action is None and of_values:
        worth = agent.values(x)
        action = max(worth, key=worth.__getitem__)
    if of_values and action not in agent.values(x):
        raise ConfigError(
            expected="an action of the agent",
            got=repr(action),
            at="action",
            help=f"Choose one of {list(agent.values(x))}.",
        )

    def says(state: Mapping[Any, Any]) -> float:
        return agent.values(state)[action] if of_values else agent.value(state)

    return occluded(says, x, of="worth")


def worth_importance(agent: Agent, method: str | None = None) -> dict[Any, float]:
    """Return how much the values of the actions, or of the state, move with each feature."""

    def says(states: Sequence[Mapping[Any, Any]]) -> NDArray[np.float64]:
        worth = (list(agent.values(x).values()) if agent.has_action_values else [agent.value(x)] for x in states)
        return np.array(list(worth), np.float64)

    return sensitivity(agent, method, outputs=says)
