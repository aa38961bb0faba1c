"""Choices of a log, read from the columns of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from headwater.errors import DataError
from headwater.kinds.bandit.columns import DecisionColumns
from headwater.kinds.bandit.decision import Decision
from headwater.kinds.router.outcome import check_told

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

    def settings(self, rows: Sequence[Mapping[Any, Any]], *, task: str, at: str, known: Any = None) -> dict[str, Any]:
        """Return no settings for a new learner, as for decisions, and keep a known one for the range of its qualities."""
        self._known = known
        return super().settings(rows, task=task, at=at, known=known)

    def _pair(self, row: dict[Any, Any]) -> tuple[dict[Any, Any], Decision]:
        row, decision = super()._pair(row)
        try:
            check_told(decision.reward, None, self._known)
        except DataError as error:
            raise DataError(
                expected=error.expected,
                got=error.got,
                at=f"row {self._read} of {self._at}",
                help="Write qualities in this range: divide marks by the highest one.",
            ) from error
        return row, decision
