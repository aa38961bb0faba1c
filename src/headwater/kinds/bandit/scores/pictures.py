"""What a picture shows of a bandit."""

from __future__ import annotations

from typing import Any

from headwater.errors import counted
from headwater.learner.schema.pictures import Bars, Picture
from headwater.learner.validation import check_sample
from headwater.route.verdict.numbers import share

__all__ = ["pictures_of"]

SHOWN = 12
"""Actions that are drawn."""


def pictures_of(bandit: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return the mean reward of the actions taken most, and what each is worth in a row.

    Parameters
    ----------
    bandit : Bandit
        The bandit, kept from others by the caller.
    score : BanditScore, optional
        Its score, of which nothing more is drawn.
    x : dict, optional
        A row to choose an action for.
    """
    taken = sorted(bandit.taken.items(), key=lambda one: -one[1][0])
    more = f", the {SHOWN} taken most of {len(taken)}" if len(taken) > SHOWN else ""
    shown = sorted(taken[:SHOWN], key=lambda one: -one[1][1] if one[1][0] else 0.0)
    found: list[Picture] = [
        Bars(
            f"mean reward of each action{more}",
            {str(action): mean for action, (n, mean) in shown if n},
            "reward",
            {str(action): counted(n, "time") for action, (n, _) in shown if n},
        )
    ]
    if x is not None:
        check_sample(x)
        p, worth = bandit.probabilities(x), bandit.expected_rewards(x)
        best = sorted(worth, key=lambda action: -worth[action])[:SHOWN]
        drawn = {str(action): f"drawn with {share(p[action])} %" for action in best}
        found.append(
            Bars("expected reward in this row", {str(action): worth[action] for action in best}, "reward", drawn)
        )
    return found
