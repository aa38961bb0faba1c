"""Why so much is expected of an action in a row: how much each column moves its value.

A column's part is the mean of two differences: what is lost when it is left out of the row, and what is gained when it is all there
is. Where columns add up, as in least squares, both are the same and the parts sum to the whole; what columns do only together is
left over as ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.kinds.bandit.learner import Bandit
from headwater.learner.base import at_one_moment

__all__ = ["explain_action"]


@at_one_moment
def explain_action(model: Bandit, x: Mapping[Any, Any], action: Any = None) -> Explanation:
    """Say how much each column moves the reward that is expected of an action; nothing is changed.

    Parameters
    ----------
    model : Bandit
        One that has learned something.
    x : dict
        The row.
    action : hashable, optional
        Which action; the best without it.

    Returns
    -------
    Explanation
        ``prediction``: the reward expected in this row. ``baseline``: in a row of which nothing is known. ``contributions``: by
        column, the largest first.

    Raises
    ------
    DataError
        When nothing has been learned yet.
    ConfigError
        For an action that was never learned.

    Examples
    --------
    >>> model = Bandit(seed=1)
    >>> for i in range(600):
    ...     x = {"hour": float(i % 24), "other": float(i % 5)}
    ...     action, p = model.act(x, ["wait", "go"])
    ...     model.learn(x, action, float((action == "go") == (i % 24 > 11)), p)
    >>> why = explain_action(model, {"hour": 23.0, "other": 2.0})
    >>> why.target, why.top(1)[0][0]
    ('go', 'hour = 23')
    """
    if not model.known_classes:
        raise DataError(
            expected="a bandit that has learned",
            got="one that has seen no reward",
            at="Bandit",
            help="Call learn first.",
            code="not_learned",
        )
    action = model.predict_one(x) if action is None else action
    if action not in model.known_classes:
        raise ConfigError(
            expected="an action that was learned",
            got=repr(action),
            at="action",
            help="Choose one of known_classes; of one that was never taken nothing is known.",
        )

    def value(row: Mapping[Any, Any]) -> float:
        return model.expected_rewards(row, [action])[action]

    whole, nothing = value(x), value({})
    parts = {}
    for name, own in x.items():
        without = {other: given for other, given in x.items() if other != name}
        parts[name] = (whole - value(without) + value({name: own}) - nothing) / 2
    ranked = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(whole, nothing, ranked, dict(x), target=action, method="one_column", of="reward")
