"""What is wrong with an agent and its environment: numbers from its state, and what the rules make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from headwater.diagnose.finding import Finding
from headwater.errors import DataError
from headwater.kinds.agent.learner import Agent

__all__ = ["AgentMeasures", "RULES", "diagnose_agent", "measure_agent"]

_STEPS = 10_000  # without an end, before it is said that there are no episodes
_SEEN = 1_000  # rewards before it is said that they never differ
_MOSTLY = 0.5  # share of random actions that is told
_GROUP = 50  # episodes that are compared
_FELL = 3.0  # standard errors by which the last ones are worse than the best ones
_REFUSED = 0.01  # share of transitions


@dataclass(frozen=True, slots=True)
class AgentMeasures:
    """The numbers that findings on an agent are made from.

    Parameters
    ----------
    task, rows
        ``"control"``, and transitions so far.
    refused
        How many were not learned.
    episodes
        How many have ended.
    spread
        The deviation of the discounted sum of rewards, which rewards are scaled by.
    error
        The fading mean of the size of the temporal-difference error, in scaled rewards.
    bounded
        The fading share of steps that the bound made smaller. Near 1 is usual.
    random
        The share of random actions now.
    not_best
        The fading share of actions that were not the best known.
    last, best
        The mean return of the last 50 episodes, and of the best 50 in succession among the last 200; NaN while there are fewer
        than 100.
    fell
        By how many standard errors the last ones lie below the best.
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
    """Return the numbers as they stand now; the agent is only asked.

    Raises
    ------
    DataError
        When it has learned nothing.
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
    """Return the mean of the last episodes, of the best ones, and how many standard errors lie between."""
    if len(returns) < 2 * _GROUP:
        return float("nan"), float("nan"), 0.0
    groups = np.lib.stride_tricks.sliding_window_view(returns, _GROUP)
    means = groups.mean(axis=1)
    at = int(means.argmax())
    spread = float(np.sqrt((groups[-1].var() + groups[at].var()) / _GROUP))
    return float(means[-1]), float(means[at]), float(means[at] - means[-1]) / spread if spread > 0 else 0.0


def constant_rewards(m: AgentMeasures) -> Finding | None:
    """Say when all rewards so far were the same."""
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
    """Say when no episode has ended for long."""
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
    """Say when most actions are still drawn at random."""
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
    """Say when the last episodes were clearly worse than others before."""
    if not m.fell > _FELL:
        return None
    return Finding(
        "returns_fell",
        "warning",
        f"The last {_GROUP} episodes returned {m.last:.4g} on average; {_GROUP} in succession before returned {m.best:.4g}.",
        "Go on from a state that was saved then, or give larger kappa for smaller steps.",
        {"last": m.last, "best": m.best},
    )


def refused_transitions(m: AgentMeasures) -> Finding | None:
    """Say when many transitions could not be learned."""
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
    """Return what was measured and what each rule found."""
    measures = measure_agent(model)
    return measures, [rule(measures) for rule in RULES]
