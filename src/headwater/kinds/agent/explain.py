"""Why an agent takes an action: how much each value of the state moves what the action, or the state, is worth.

A value is left out, as if it were missing, and what the net then says is compared with what it says of the whole state:

    contribution of j = f(x) − f(x without j),   f(x) = q(x, a), or v(x) of an agent that has a policy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.kinds.agent.learner import Agent
from headwater.kinds.agent.states import as_state
from headwater.learner.base import at_one_moment

__all__ = ["explain_worth"]


@at_one_moment
def explain_worth(agent: Agent, observation: Any, action: Any = None) -> Explanation:
    """Say how much each value of a state moves what an action is worth; nothing is changed.

    Parameters
    ----------
    agent : Agent
        One that has learned something.
    observation : array, dict or number
        The state.
    action : optional
        Of which; the best one without it. An agent with a policy knows only what the state is worth.

    Returns
    -------
    Explanation
        ``prediction``: what it is worth, in scaled rewards. ``baseline``: what a state is worth of which nothing is known.
        ``contributions``: of each value, the largest first.

    Raises
    ------
    ConfigError
        If the agent has no such action.
    DataError
        When nothing has been learned yet.

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
    x = dict(as_state(observation))
    of_values = agent.share_of_random > 0 or agent.method == "q"
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

    whole = says(x)
    parts = {name: whole - says({other: value for other, value in x.items() if other != name}) for name in x}
    ranked = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(whole, says({}), ranked, x, method="occlusion", of="worth")
