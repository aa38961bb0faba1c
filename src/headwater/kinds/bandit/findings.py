"""What is wrong with a bandit and its rewards: numbers from its state, and what the rules make of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headwater.diagnose.finding import Finding
from headwater.errors import DataError
from headwater.kinds.bandit.learner import Bandit

__all__ = ["BanditMeasures", "RULES", "diagnose_bandit", "measure_bandit"]

_SEEN = 300  # rewards before anything is said of them
_TAKEN = 30  # times an action was taken before its mean reward counts
_OUTSIDE = 0.01  # share of rewards that lay outside of what was declared
_NARROW = 0.02  # mean rewards that lie within this share of the declared range look alike to an exploration


@dataclass(frozen=True, slots=True)
class BanditMeasures:
    """The numbers that findings on a bandit are made from.

    Parameters
    ----------
    task, rows
        ``"decide"``, and rewards learned.
    explore
        As declared.
    taken
        Of each action: how often it was learned, and its mean reward.
    span
        The highest reward less the lowest, as declared.
    outside, refused
        Rewards outside of that; decisions that could not be learned.
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
        """The mean rewards of the actions that were taken often enough."""
        return [mean for n, mean in self.taken.values() if n >= _TAKEN]


def measure_bandit(model: Bandit) -> BanditMeasures:
    """Return the numbers as they stand now; the model is only asked.

    Raises
    ------
    DataError
        When it has learned nothing.
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
    """Say when there is nothing to choose from."""
    if m.rows < _SEEN or len(m.taken) > 1:
        return None
    return Finding(
        "one_action",
        "warning",
        f"All {m.rows:,} rewards are of one action: {next(iter(m.taken), None)!r}.",
        "Offer others in act(x, actions), or learn a log in which others were taken.",
        {"actions": float(len(m.taken))},
    )


def rewards_outside(m: BanditMeasures) -> Finding | None:
    """Say when many rewards lay outside of what was declared."""
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
    """Say when every reward is the same: then there is nothing to learn."""
    if m.rows < _SEEN or len(m.means) < 2 or max(m.means) - min(m.means) > 1e-9 * m.span:
        return None
    return Finding(
        "same_rewards",
        "warning",
        f"The mean reward of every action is {m.means[0]:.4g}.",
        "Check what measures rewards.",
        {"mean": m.means[0]},
    )


def narrow_rewards(m: BanditMeasures) -> Finding | None:
    """Say when the actions' mean rewards differ so little, of what was declared, that it explores almost evenly."""
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
    """Say when actions are never drawn: then nothing can be said of other policies."""
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
    """Return what was measured and what each rule found."""
    measures = measure_bandit(model)
    return measures, [rule(measures) for rule in RULES]
