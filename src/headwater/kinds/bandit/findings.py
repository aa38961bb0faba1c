"""Diagnosis of a bandit and its rewards, with measurements and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headwater.diagnose.finding import Finding
from headwater.errors import DataError
from headwater.kinds.bandit.learner import Bandit
from headwater.route.verdict.numbers import figure

__all__ = ["BanditMeasures", "RULES", "diagnose_bandit", "measure_bandit"]

_SEEN = 300  # minimum rewards to report on
_TAKEN = 30  # minimum rewards of an action for its mean to count
_OUTSIDE = 0.01  # share of rewards outside the declared range
_NARROW = 0.02  # spread of the mean rewards, as a share of the declared range, below which it explores almost evenly


@dataclass(frozen=True, slots=True)
class BanditMeasures:
    """Measurements that the rules for bandits read.

    Parameters
    ----------
    task, rows
        ``"decide"``, and rewards learned.
    explore
        The declared exploration.
    taken
        Number of rewards and mean reward of each action.
    span
        Width of the declared range of rewards.
    outside, refused
        Number of rewards outside that range, and of rejected decisions.
    """

    task: str
    rows: int
    explore: str = "squarecb"
    taken: dict[Any, tuple[int, float]] = field(default_factory=dict)
    span: float = 1.0
    outside: int = 0
    refused: int = 0

    @property
    def means(self) -> list[float]:
        """Mean rewards of the actions taken often enough."""
        return [mean for n, mean in self.taken.values() if n >= _TAKEN]


def measure_bandit(model: Bandit) -> BanditMeasures:
    """Return the current measurements without changing the bandit.

    Raises
    ------
    DataError
        If the bandit has learned nothing.
    """
    if not model.n_learned:
        raise DataError(
            expected="a bandit that has learned",
            got="one that has seen no reward",
            at="Bandit",
            help="Call learn first.",
        )
    low, high = model.rewards
    rejected = model.rejected
    outside, refused = rejected.get("reward", 0), rejected.get("decision", 0)
    return BanditMeasures(model.task, model.n_learned, model.explore, model.taken, high - low, outside, refused)


def one_action(m: BanditMeasures) -> Finding | None:
    """Report that there is only one action."""
    if m.rows < _SEEN or len(m.taken) != 1:
        return None
    return Finding(
        "one_action",
        "warning",
        f"All {m.rows:,} rewards are of one action: {next(iter(m.taken), None)!r}.",
        "Offer others in act(x, actions), or learn a log in which others were taken.",
        {"actions": float(len(m.taken))},
    )


def rewards_outside(m: BanditMeasures) -> Finding | None:
    """Report that many rewards are outside the declared range."""
    if not m.outside > max(_OUTSIDE * m.rows, 3):
        return None
    return Finding(
        "rewards_outside",
        "warning",
        f"{m.outside:,} of {m.rows:,} rewards lay outside of the declared ones and counted as the nearest.",
        "Declare the lowest and the highest reward: Bandit(rewards=(low, high)).",
        {"outside": float(m.outside)},
    )


def same_rewards(m: BanditMeasures) -> Finding | None:
    """Report that all rewards are the same, so that there is nothing to learn."""
    if m.rows < _SEEN or len(m.means) < 2 or max(m.means) - min(m.means) > 1e-9 * m.span:
        return None
    return Finding(
        "same_rewards",
        "warning",
        f"The mean reward of every action is {figure(m.means[0])}.",
        "Check what measures rewards.",
        {"mean": m.means[0]},
    )


def narrow_rewards(m: BanditMeasures) -> Finding | None:
    """Report mean rewards so close, relative to the declared range, that exploration is almost uniform."""
    if m.rows < _SEEN or len(m.means) < 2:
        return None
    apart = (max(m.means) - min(m.means)) / m.span
    if not 1e-9 < apart < _NARROW:
        return None
    return Finding(
        "narrow_rewards",
        "note",
        f"The mean rewards of the actions lie within {apart:.2%} of the declared range: it explores almost evenly.",
        "Declare a narrower range of rewards, or a larger amount.",
        {"apart": apart},
    )


def no_exploration(m: BanditMeasures) -> Finding | None:
    """Report that actions are never drawn at random, so that other policies can't be evaluated."""
    if m.explore not in ("greedy", "linucb"):
        return None
    return Finding(
        "no_exploration",
        "note",
        f"The exploration {m.explore!r} takes one action for sure, so its log can't say what other policies would earn.",
        "Use squarecb, softmax or epsilon where policies are to be compared.",
        {},
    )


RULES = (one_action, rewards_outside, same_rewards, narrow_rewards, no_exploration)


def diagnose_bandit(model: Bandit) -> tuple[BanditMeasures, list[Finding | None]]:
    """Return the measurements and the finding of each rule."""
    measures = measure_bandit(model)
    return measures, [rule(measures) for rule in RULES]
