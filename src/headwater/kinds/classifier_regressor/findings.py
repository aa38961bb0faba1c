"""Diagnosis of classifiers and regressors, with rules about the model and about its data."""

from __future__ import annotations

from headwater.diagnose.finding import Finding
from headwater.learner.supervised import SupervisedLearner

from . import data_rules, model_rules
from .measures import Measures, measure

__all__ = ["RULES", "diagnose_net"]

RULES = (*model_rules.RULES, *data_rules.RULES)
_WAY = "Let it learn some rows: learn_one, learn_many, or headwater diagnose STREAM --target COLUMN --model FILE."


def diagnose_net(model: SupervisedLearner) -> tuple[Measures, list[Finding | None]]:
    """Return the measurements on a learner's sampled rows and the finding of each rule."""
    measures = measure(model, model.kept_sample(help=_WAY))
    return measures, [rule(measures) for rule in RULES]
