"""Diagnosis of a learner, made of its measures and the findings drawn from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from headwater.diagnose.finding import SEVERITIES, Finding
from headwater.errors import counted
from headwater.learner.base import at_one_moment
from headwater.learner.kind import check_kind
from headwater.streams.files.terminal import printable
from headwater.types import NOTEBOOK

__all__ = ["Diagnosis", "Measured", "diagnose"]


class Measured(Protocol):
    """Measures that findings are drawn from. Each kind has its own."""

    @property
    def rows(self) -> int:
        """Number of rows measured."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Findings, the most serious first. Prints as a list.

    Parameters
    ----------
    findings
        The findings.
    measures
        The measures they were drawn from.

    Examples
    --------
    >>> from headwater.kinds.classifier_regressor.measures import Measures
    >>> print(Diagnosis((), Measures("classify", 1000)))
    Nothing found over 1,000 rows.
    """

    findings: tuple[Finding, ...]
    measures: Measured

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def names(self) -> list[str]:
        """Names of the findings."""
        return [finding.name for finding in self.findings]

    def __str__(self) -> str:
        if not self.findings:
            return f"Nothing found over {counted(self.measures.rows, 'row')}."
        lines = [f"{counted(len(self), 'finding')} over {counted(self.measures.rows, 'row')}:"]
        for finding in self.findings:
            lines += [f"- {finding.severity}, {finding.name.replace('_', ' ')}: {finding.text}", f"  {finding.remedy}"]
        return printable("\n".join(lines))

    def _repr_html_(self) -> str:
        shown: str = NOTEBOOK(self)
        return shown

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready data, with None for undefined numbers."""
        return {
            "rows": self.measures.rows,
            "findings": [
                {
                    "name": finding.name,
                    "severity": finding.severity,
                    "text": finding.text,
                    "remedy": finding.remedy,
                    "evidence": {name: None if math.isnan(v) else v for name, v in finding.evidence.items()},
                }
                for finding in self.findings
            ],
        }


@at_one_moment
def diagnose(learner: Any) -> Diagnosis:
    """Find what is wrong with a learner and its data, from statistics kept while it learned.

    Parameters
    ----------
    learner
        A fitted learner, or one loaded from a file saved with its diagnosis statistics.

    Returns
    -------
    Diagnosis

    Raises
    ------
    DataError
        When the learner has learned nothing, was made with ``diagnosis=False``, or was saved without these statistics.

    Notes
    -----
    A diagnosis takes about 0.1 s. While learning, the sample keeps a few more numbers (benchmarks/NOTES.md has the cost).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2000, 3))
    >>> X[:, 2] = 7
    >>> from headwater import Classifier
    >>> learner = Classifier(seed=1)
    >>> _ = learner.learn_many(X, X[:, 0] + X[:, 1] > rng.normal(size=2000))
    >>> diagnose(learner).names
    ['constant_features']
    """
    check_kind(learner, at="diagnose")
    measures, found = learner.kind.findings(learner)
    return Diagnosis(_sorted(found), measures)


def _sorted(found: Iterable[Finding | None]) -> tuple[Finding, ...]:
    """Return the findings sorted by severity."""
    findings = [finding for finding in found if finding is not None]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
