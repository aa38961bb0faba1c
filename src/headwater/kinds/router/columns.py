"""Choices of a log, read from the columns of a file."""

from __future__ import annotations

from typing import ClassVar

from headwater.kinds.bandit.columns import DecisionColumns

__all__ = ["OutcomeColumns"]


class OutcomeColumns(DecisionColumns):
    """Take the model that answered, the quality of its answer and its probability out of rows.

    Examples
    --------
    >>> table = OutcomeColumns({"model": "by", "quality": "rated"})
    >>> rows = [{"tokens": 90, "by": "small", "rated": 0.5}, {"tokens": 10, "by": "large", "rated": 1.0}]
    >>> table.settings(rows, task="router", at="log.csv"), table.pairs(rows)[0]
    ({}, ({'tokens': 90}, Decision(action='small', reward=0.5, p=0.5, actions=None)))
    """

    parts: ClassVar[tuple[str, str]] = ("model", "quality")
