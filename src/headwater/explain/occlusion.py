"""Explain a number by what it would be without each column.

::

    contribution of a column    f(x) − f(x without it)
    baseline                    f(no columns)

It needs nothing but predictions, so it works for a learner of any kind. Interactions of columns remain as ``rest``.

References
----------
Zeiler & Fergus 2014, *Visualizing and understanding convolutional networks* (occlusion).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.errors import DataError
from headwater.explain.explanation import Explanation
from headwater.learner.base import at_one_moment

__all__ = ["explain_number", "occluded"]


@at_one_moment
def explain_number(learner: Any, x: Mapping[Any, Any]) -> Explanation:
    """Attribute the number that a learner predicts for a row to the columns, without changing anything.

    Parameters
    ----------
    learner : Learner
        A learner that has learned, whose ``predict_one`` returns a number.
    x : dict
        The row.

    Returns
    -------
    Explanation

    Raises
    ------
    DataError
        If nothing has been learned.

    Examples
    --------
    >>> from headwater import Regressor
    >>> model = Regressor(seed=1)
    >>> for i in range(500):
    ...     model.learn_one({"a": i % 7, "b": i % 3}, 2.0 * (i % 7))
    >>> explain_number(model, {"a": 6, "b": 0}).top(1)[0][0]
    'a = 6'
    """
    if not learner.n_learned:
        name = type(learner).__name__
        raise DataError(
            expected="a learner that has learned",
            got="one that has seen no row",
            at=f"explain_one of {name}",
            help="Let it learn some rows first.",
            code="not_learned",
        )
    return occluded(lambda row: float(learner.predict_one(row)), learner.as_read(x), of="answer")


def occluded(value: Callable[[Mapping[Any, Any]], float], x: dict[Any, Any], *, of: str) -> Explanation:
    """Return what each column of a row contributes to its value, the largest first.

    Examples
    --------
    >>> occluded(lambda row: 2.0 * row.get("a", 0) + row.get("b", 0), {"b": 1, "a": 3}, of="answer").contributions
    {'a': 6.0, 'b': 1.0}
    """
    whole = value(x)
    parts = {name: whole - value({other: own for other, own in x.items() if other != name}) for name in x}
    ranked = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(whole, value({}), ranked, x, method="occlusion", of=of)
