"""The kinds of learners, one folder each, listed only here. A kind is imported when it is reached."""

from headwater.learner.kind import Kind
from headwater.types import Lazy

__all__ = ["KINDS", "PLACES"]

PLACES = tuple(
    map(
        Lazy,
        (
            "headwater.kinds.classifier_regressor.kind:CLASSIFIER",
            "headwater.kinds.classifier_regressor.kind:REGRESSOR",
            "headwater.kinds.anomaly.kind:KIND",
            "headwater.kinds.forecaster.kind:KIND",
            "headwater.kinds.bandit.kind:KIND",
            "headwater.kinds.router.kind:KIND",
            "headwater.kinds.agent.kind:KIND",
            "headwater.kinds.multi_output.kind:KIND",
            "headwater.kinds.private.kind:PRIVATE_CLASSIFIER",
            "headwater.kinds.private.kind:PRIVATE_REGRESSOR",
        ),
    )
)
"""Where each kind is declared, in display order."""

KINDS: tuple[Kind, ...]
"""All kinds, in display order."""


def __getattr__(name: str) -> tuple[Kind, ...]:
    """Import all kinds when they are asked for (PEP 562)."""
    if name != "KINDS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = kinds = tuple([place.value for place in PLACES])
    return kinds
