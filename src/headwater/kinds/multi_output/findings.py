"""Diagnosis of a learner of several labels per row, output by output."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headwater.diagnose import Finding, diagnose
from headwater.errors import DataError

from .learner import MultiOutput

__all__ = ["diagnose_outputs"]


def diagnose_outputs(model: MultiOutput) -> tuple[Any, list[Finding | None]]:
    """Return the measurements of the most trained output, and the findings of all outputs with their names."""
    if not model.members:
        raise DataError(
            expected="a model that has learned",
            got="one that has seen no answer",
            at="MultiOutput",
            help="Call learn_one or learn_many first.",
        )
    own = {name: diagnose(member) for name, member in model.members.items()}
    named: list[Finding | None] = [
        replace(finding, text=f"Output {name!r}: {finding.text}")
        for name, one in own.items()
        for finding in one.findings
    ]
    return max((one.measures for one in own.values()), key=lambda measures: measures.rows), named
