"""Explain the expected reward of an action by the contribution of each column.

A column's contribution is the mean of two differences, the loss from removing it from the row, and the gain from adding it to an
empty row. For an additive model, as least squares, both are equal and the contributions sum to the whole. The interaction of
columns remains as ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.kinds.bandit.features import no_features
from headwater.kinds.bandit.learner import Bandit
from headwater.learner.base import at_one_moment
from headwater.learner.validation import check_sample

__all__ = ["explain_action"]


@at_one_moment
def explain_action(model: Bandit, x: Mapping[Any, Any], action: Any = None) -> Explanation:
    """Attribute the expected reward of an action to the columns, without changing anything.

    Parameters
    ----------
    model : Bandit
        A trained bandit.
    x : dict
        The row.
    action : hashable, optional
        The action, by default the best one.

    Returns
    -------
    Explanation
        ``prediction`` is the expected reward in this row, ``baseline`` that in an empty row, and ``contributions`` are by column,
        largest first.

    Raises
    ------
    DataError
        If nothing has been learned yet.
    ConfigError
        If the action was never learned.

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
    no_features(model, "explain_one")
    if not model.known_classes:
        raise DataError(
            expected="a bandit that has learned",
            got="one that has seen no reward",
            at="Bandit",
            help="Call learn first.",
            code="not_learned",
        )
    check_sample(x)
    x = model.as_read(x)
    action = model.predict_one(x) if action is None else action
    if action not in model.known_classes:
        raise ConfigError(
            expected="an action that was learned",
            got=repr(action),
            at="action",
            help="Choose one of known_classes.",
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
