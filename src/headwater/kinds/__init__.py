"""The kinds of learners, one folder each, listed only here."""

from headwater.learner.kind import Kind

from .agent.kind import KIND as AGENT
from .anomaly.kind import KIND as ANOMALY
from .bandit.kind import KIND as BANDIT
from .classifier_regressor.kind import CLASSIFIER, REGRESSOR
from .forecaster.kind import KIND as FORECASTER
from .multi_output.kind import KIND as MULTI_OUTPUT
from .private.kind import PRIVATE_CLASSIFIER, PRIVATE_REGRESSOR
from .router.kind import KIND as ROUTER

__all__ = ["KINDS"]

KINDS: tuple[Kind, ...] = (
    CLASSIFIER,
    REGRESSOR,
    ANOMALY,
    FORECASTER,
    BANDIT,
    ROUTER,
    AGENT,
    MULTI_OUTPUT,
    PRIVATE_CLASSIFIER,
    PRIVATE_REGRESSOR,
)
"""All kinds, in display order."""
