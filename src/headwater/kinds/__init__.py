"""The kinds of learners, a folder each: this list names them, and nothing else outside their folders does."""

from headwater.learner.kind import Kind

from .agent.kind import KIND as AGENT
from .anomaly.kind import KIND as ANOMALY
from .bandit.kind import KIND as BANDIT
from .classifier_regressor.kind import CLASSIFIER, REGRESSOR
from .forecaster.kind import KIND as FORECASTER
from .multi_output.kind import KIND as MULTI_OUTPUT

__all__ = ["KINDS"]

KINDS: tuple[Kind, ...] = (CLASSIFIER, REGRESSOR, ANOMALY, FORECASTER, BANDIT, AGENT, MULTI_OUTPUT)
"""In the order in which lists show them."""
