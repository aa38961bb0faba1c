"""Choices of a log, read from the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headwater.errors import DataError
from headwater.kinds.bandit.columns import DecisionColumns
from headwater.kinds.bandit.columns import fault as bandit_fault
from headwater.kinds.router.outcome import check_told

__all__ = ["OutcomeColumns", "fault"]


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


def fault(row: Mapping[Any, Any], columns: Mapping[str, str], learner: Any = None) -> str:
    """Return why a row is no choice that can be learned, empty if it is one."""
    if found := bandit_fault(row, columns, parts=OutcomeColumns.parts):
        return found
    quality = columns["quality"]
    try:
        check_told(row[quality], None, learner)
    except DataError as error:
        return f"{quality} is not {error.expected.removeprefix('a quality ')}: divide marks by the highest one"
    return ""
