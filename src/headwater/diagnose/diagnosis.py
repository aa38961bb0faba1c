"""The diagnosis of a learner: its measures, and what the rules make of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from headwater.bound import face
from headwater.diagnose import agent, bandit, data, detector, forecaster, model
from headwater.diagnose.agent import AgentMeasures, measure_agent
from headwater.diagnose.bandit import BanditMeasures, measure_bandit
from headwater.diagnose.detector import DetectorMeasures, measure_detector
from headwater.diagnose.finding import SEVERITIES, Finding
from headwater.diagnose.forecaster import ForecasterMeasures, measure_forecaster
from headwater.diagnose.measures import Measures, measure
from headwater.errors import DataError
from headwater.learner.anomaly import Anomaly
from headwater.learner.control.agent import Agent
from headwater.learner.decisions.bandit import Bandit
from headwater.learner.kinds import check_can
from headwater.learner.outputs.multi_output import MultiOutput
from headwater.learner.series.forecaster import Forecaster

__all__ = ["RULES", "Diagnosis", "diagnose"]

RULES = (*model.RULES, *data.RULES)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found, the most serious first; prints as a list.

    Parameters
    ----------
    findings
        What is wrong, or worth knowing.
    measures
        The numbers it was made from.

    Examples
    --------
    >>> print(Diagnosis((), Measures("classify", 1000)))
    Nothing found over 1,000 rows.
    """

    findings: tuple[Finding, ...]
    measures: Measures | DetectorMeasures | ForecasterMeasures | BanditMeasures | AgentMeasures

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def names(self) -> list[str]:
        """The findings' short names."""
        return [finding.name for finding in self.findings]

    def __str__(self) -> str:
        if not self.findings:
            return f"Nothing found over {self.measures.rows:,} rows."
        lines = [f"{len(self)} finding{'s' * (len(self) > 1)} over {self.measures.rows:,} rows:"]
        for finding in self.findings:
            lines += [f"- {finding.severity}, {finding.name.replace('_', ' ')}: {finding.text}", f"  {finding.remedy}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return face().html(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, texts and numbers, for JSON; a number that is not defined is None."""
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


def diagnose(learner: Any) -> Diagnosis:
    """Say what is wrong with a learner and its data, from what it kept while it learned.

    Parameters
    ----------
    learner
        One that has learned something, or was loaded from a file that says so.

    Returns
    -------
    Diagnosis

    Raises
    ------
    DataError
        When it has learned nothing, was made with ``diagnosis=False``, or its file was saved without what is needed.

    Notes
    -----
    Cost: while learning, the learner's sample keeps a few numbers (benchmarks/NOTES.md has the share); a diagnosis takes some
    0.1 s.

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
    if isinstance(learner, Anomaly):
        of_detector = measure_detector(learner)
        return Diagnosis(_sorted(rule(of_detector) for rule in detector.RULES), of_detector)
    if isinstance(learner, Forecaster):
        of_series = measure_forecaster(learner)
        return Diagnosis(_sorted(rule(of_series) for rule in forecaster.RULES), of_series)
    if isinstance(learner, Bandit):
        of_bandit = measure_bandit(learner)
        return Diagnosis(_sorted(rule(of_bandit) for rule in bandit.RULES), of_bandit)
    if isinstance(learner, Agent):
        of_agent = measure_agent(learner)
        return Diagnosis(_sorted(rule(of_agent) for rule in agent.RULES), of_agent)
    if isinstance(learner, MultiOutput):
        return _of_outputs(learner)
    check_can(learner, "layers", at="diagnose")
    way = "Let it learn some rows: learn_one, learn_many, or headwater diagnose STREAM --target COLUMN --model FILE."
    measures = measure(learner, learner.kept_sample(help=way))
    return Diagnosis(_sorted(rule(measures) for rule in RULES), measures)


def _of_outputs(learner: MultiOutput) -> Diagnosis:
    """Return what is wrong with the learner of each output, named by it."""
    if not learner.members:
        raise DataError(
            expected="a model that has learned",
            got="one that has seen no answer",
            at="MultiOutput",
            help="Call learn_one or learn_many first.",
        )
    own = {name: diagnose(member) for name, member in learner.members.items()}
    named = [
        replace(finding, text=f"Output {name!r}: {finding.text}")
        for name, one in own.items()
        for finding in one.findings
    ]
    longest = max((one.measures for one in own.values()), key=lambda measures: measures.rows)
    return Diagnosis(_sorted(named), longest)


def _sorted(found: Iterable[Finding | None]) -> tuple[Finding, ...]:
    """Return what the rules found, the most serious first."""
    findings = [finding for finding in found if finding is not None]
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
