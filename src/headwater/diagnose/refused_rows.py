"""Diagnosis of a learner of which nothing but its counts is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.diagnose.finding import Finding
from headwater.learner.kind import kind_of
from headwater.learner.validation import REFUSED

__all__ = ["RowCounts", "diagnose_rows"]

_MANY = 0.01  # share of rejected rows worth a word


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Numbers of learned and of rejected rows."""

    rows: int
    rejected: int = 0


def diagnose_rows(learner: Any) -> tuple[RowCounts, list[Finding]]:
    """Return how many rows were learned, and a finding if many were rejected.

    Examples
    --------
    >>> from headwater import Regressor
    >>> model = Regressor()
    >>> _ = model.step_many([{"a": 1.0}] * 4, [1.0, 2.0, None, 3.0])
    >>> counts, (finding,) = diagnose_rows(model)
    >>> counts, finding.name, finding.evidence
    (RowCounts(rows=3, rejected=1), 'rejected_rows', {'share': 0.25})
    """
    reasons = {reason: learner.rejected.get(reason, 0) for reason in REFUSED}
    counts = RowCounts(learner.n_learned, sum(reasons.values()))
    seen = counts.rows + counts.rejected
    if not seen or counts.rejected / seen <= _MANY:
        return counts, []
    why = kind_of(learner).refusal(max(reasons, key=reasons.__getitem__))
    share = counts.rejected / seen
    text = f"{counts.rejected:,} of {seen:,} rows were not learned, most because {why}."
    return counts, [
        Finding("rejected_rows", "warning", text, "Correct these rows, or leave them out.", {"share": share})
    ]
