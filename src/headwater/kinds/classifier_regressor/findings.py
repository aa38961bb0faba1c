"""Diagnosis of classifiers and regressors, with rules about the model and about its data, and what a page tells of changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.diagnose.finding import FEW, Finding
from headwater.errors import DataError
from headwater.learner.sampling.sample import SampledRow
from headwater.learner.supervised import SupervisedLearner

from . import data_rules, model_rules
from .measures import Measures, drift_of, measure

__all__ = ["RULES", "diagnose_net", "happened"]

RULES = (*model_rules.RULES, *data_rules.RULES)
_NAMED = 5  # columns that a page names
_WAY = "Let it learn some rows: learn_one, learn_many, or headwater diagnose STREAM --target COLUMN --model FILE."


def diagnose_net(model: SupervisedLearner) -> tuple[Measures, list[Finding | None]]:
    """Return the measurements on a learner's sampled rows and the finding of each rule."""
    measures = measure(model, model.kept_sample(help=_WAY))
    return measures, [rule(measures) for rule in RULES]


def happened(model: SupervisedLearner) -> list[dict[str, Any]]:
    """Return changes of unit, where a new learner took over, and where the sampled rows changed, the newest first."""
    with model.held():  # while it is read: to compare rows of many columns takes longer than others should wait
        found: list[dict[str, Any]] = [
            {"what": "unit", "row": one.row + 1, "name": str(one.name), "scale": one.scale}
            for one in model.unit_changes_
        ]
        found += [{"what": "succession", "row": one.row + 1, "taken": one.taken} for one in model.successions_]
        rows = _sampled(model)
    return sorted([*found, *_drift(rows)], key=lambda one: -one["row"])


def _sampled(model: SupervisedLearner) -> list[SampledRow]:
    """Return the rows kept for the diagnosis, none while there are few or where none are kept."""
    try:
        sample = model.kept_sample(help=_WAY)
    except DataError:  # diagnosis=False, or no row yet
        return []
    return list(sample.rows) if sample.n >= FEW else []


def _drift(rows: list[SampledRow]) -> Iterator[dict[str, Any]]:
    drift = drift_of(rows)
    if drift is not None:
        yield {
            "what": "drift",
            "row": drift.row,
            "date": drift.date,
            "columns": [{"name": str(one.name), "change": one.text} for one in drift.changes[:_NAMED]],
            "relations": [str(name) for name in drift.point.relations[:_NAMED]],
            "label": drift.point.label,
        }
