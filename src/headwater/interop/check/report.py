"""Results of the checks and the report that collects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PASSED, FAILED, NOT_OFFERED = "passed", "failed", "not offered"
MARKS = {PASSED: "✓", FAILED: "✗", NOT_OFFERED: "–"}


class Broken(Exception):
    """Raised when a check fails, with details."""


class NotOffered(Exception):
    """Raised when the learner doesn't offer the checked feature."""


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one check.

    Parameters
    ----------
    name : str
        The check's name in ``CHECKS``.
    outcome : str
        "passed", "failed" or "not offered".
    detail : str
        Details in one sentence.
    """

    name: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The results of all checks on one learner.

    Parameters
    ----------
    learner : str
        Its name.
    task : str
        "classify" or "regress".
    results : tuple of Result
        One per check, in the order of ``CHECKS``.

    Examples
    --------
    >>> report = Report("Mine", "regress", (Result("cold_predict", PASSED, "0.0 before the first row"),))
    >>> report.ok
    True
    >>> print(report)
    Mine (regress): 1 passed, 0 failed, 0 not offered
      ✓ cold_predict    0.0 before the first row
    """

    learner: str
    task: str
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return not self.of(FAILED)

    def of(self, outcome: str) -> tuple[Result, ...]:
        """Return the results with the given outcome."""
        return tuple(result for result in self.results if result.outcome == outcome)

    def __getitem__(self, name: str) -> Result:
        return {result.name: result for result in self.results}[name]

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.of(outcome))} {outcome}" for outcome in MARKS)
        width = max((len(result.name) for result in self.results), default=0) + 4
        lines = [f"  {MARKS[r.outcome]} {r.name:{width}}{r.detail}".rstrip() for r in self.results]
        return "\n".join([f"{self.learner} ({self.task}): {counts}", *lines])

    def raise_if_failed(self) -> None:
        """Raise ``Broken`` with the whole report if any check failed.

        Use it as the single assertion of a test.
        """
        if not self.ok:
            raise Broken(str(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain dicts, lists and strings."""
        results = [{"name": r.name, "outcome": r.outcome, "detail": r.detail} for r in self.results]
        return {"learner": self.learner, "task": self.task, "results": results}
