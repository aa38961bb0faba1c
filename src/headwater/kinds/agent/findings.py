"""Diagnosis of an agent and its environment, with measurements and rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.diagnose.finding import Finding
from headwater.errors import DataError
from headwater.kinds.agent.learner import Agent
from headwater.route.verdict.numbers import figure

__all__ = ["AgentMeasures", "RULES", "diagnose_agent", "measure_agent"]

_STEPS = 10_000  # minimum steps to report that there are no episodes
_SEEN = 1_000  # minimum rewards to report that they are constant
_MOSTLY = 0.5  # share of random actions to report
_GROUP = 50  # episodes per compared group
_FELL = 3.0  # standard errors between the last and the best group
_REFUSED = 0.01  # share of transitions


@dataclass(frozen=True, slots=True)
class AgentMeasures:
    """Measurements that the rules for agents read.

    Parameters
    ----------
    task, rows
        ``"control"``, and transitions so far.
    refused
        Number of rejected transitions.
    episodes
        Number of finished episodes.
    spread
        Standard deviation of the discounted sum of rewards, which scales the rewards.
    error
        Exponential mean of the absolute temporal-difference error, in scaled rewards.
    bounded
        Exponential mean share of steps reduced by the step-size bound. Near 1 is normal.
    random
        Current share of random actions.
    not_best
        Exponential mean share of actions that were not the best known.
    last, best
        Mean return of the last 50 episodes, and of the best 50 consecutive ones among the last 200. NaN below 100 episodes.
    fell
        Standard errors by which the last ones lie below the best.
    """

    task: str
    rows: int
    refused: int = 0
    episodes: int = 0
    spread: float = 0.0
    error: float = 0.0
    bounded: float = 0.0
    random: float = 0.0
    not_best: float = 0.0
    last: float = float("nan")
    best: float = float("nan")
    fell: float = 0.0


def measure_agent(agent: Agent) -> AgentMeasures:
    """Return the current measurements without changing the agent.

    Raises
    ------
    DataError
        If the agent has learned nothing.
    """
    engine: Any = agent.engine
    if engine is None or not agent.n_learned:
        raise DataError(
            expected="an agent that has learned",
            got="one that has seen no transition",
            at="Agent",
            help="Call learn first.",
        )
    numbers = engine.core.array("agent_numbers").tolist()
    spread, error, bounded, not_best = numbers[9], numbers[12], numbers[13], numbers[14]
    last, best, fell = _returns(agent.returns)
    return AgentMeasures(
        agent.task, agent.n_learned, agent.refused["target"], agent.episodes, spread**0.5, error, bounded,
        agent.share_of_random, not_best, last, best, fell,
    )  # fmt: skip


def _returns(returns: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of the last and of the best episodes, and the standard errors between them."""
    if len(returns) < 2 * _GROUP:
        return float("nan"), float("nan"), 0.0
    groups = np.lib.stride_tricks.sliding_window_view(returns, _GROUP)
    means = groups.mean(axis=1)
    at = int(means.argmax())
    spread = float(np.sqrt((groups[-1].var() + groups[at].var()) / _GROUP))
    return float(means[-1]), float(means[at]), float(means[at] - means[-1]) / spread if spread > 0 else 0.0


def constant_rewards(m: AgentMeasures) -> Finding | None:
    """Report rewards that all were the same."""
    if not (m.rows >= _SEEN and m.spread == 0):
        return None
    return Finding(
        "constant_rewards",
        "warning",
        f"All {m.rows:,} rewards so far were 0, so no action is better than another.",
        "Check what computes the reward; give one where something is reached.",
        {"rewards": float(m.rows)},
    )


def no_episodes(m: AgentMeasures) -> Finding | None:
    """Report that no episode has ended for long."""
    if not (m.episodes == 0 and m.rows >= _STEPS):
        return None
    return Finding(
        "no_episodes",
        "note",
        f"No episode has ended in {m.rows:,} steps.",
        "Of a stream without ends this is right. Else pass terminated and truncated as env.step returns them.",
        {"steps": float(m.rows)},
    )


def mostly_random(m: AgentMeasures) -> Finding | None:
    """Report that most actions are still random."""
    if not m.random > _MOSTLY:
        return None
    return Finding(
        "mostly_random",
        "note",
        f"{m.random:.0%} of the actions are random: rewards say little yet of what was learned.",
        "Let it learn more, set a smaller explore, or look at act(…, explore=False).",
        {"random": m.random},
    )


def returns_fell(m: AgentMeasures) -> Finding | None:
    """Report that the last episodes were clearly worse than earlier ones."""
    if not m.fell > _FELL:
        return None
    return Finding(
        "returns_fell",
        "warning",
        f"The last {_GROUP} episodes returned {figure(m.last)} on average; {_GROUP} in succession before returned {figure(m.best)}.",
        "Go on from a state that was saved then, or give larger kappa for smaller steps.",
        {"last": m.last, "best": m.best},
    )


def refused_transitions(m: AgentMeasures) -> Finding | None:
    """Report that many transitions could not be learned."""
    if not m.refused > _REFUSED * (m.rows + m.refused):
        return None
    return Finding(
        "refused_transitions",
        "warning",
        f"{m.refused:,} of {m.rows + m.refused:,} transitions were refused: no number as reward, or no action of the agent's.",
        "Check the rewards for NaN, and that learn gets the action as act gave it.",
        {"refused": float(m.refused)},
    )


RULES = (constant_rewards, no_episodes, mostly_random, returns_fell, refused_transitions)


def diagnose_agent(model: Agent) -> tuple[AgentMeasures, list[Finding | None]]:
    """Return the measurements and the finding of each rule."""
    measures = measure_agent(model)
    return measures, [rule(measures) for rule in RULES]
