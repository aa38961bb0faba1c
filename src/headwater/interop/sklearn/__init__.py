"""scikit-learn estimators backed by headwater learners, for pipelines, searches and cross-validation."""

from typing import Any

from headwater.errors import MissingExtra

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise MissingExtra(package="scikit-learn", extra="sklearn", at="headwater.interop.sklearn") from error

from headwater.interop.sklearn.classify import OnlineClassifier
from headwater.interop.sklearn.regress import OnlineRegressor
from headwater.learner.kind import known_kinds

__all__ = ["OnlineClassifier", "OnlineRegressor"]


def __getattr__(name: str) -> Any:
    """Return the estimator of another kind, which stands in the kind's folder."""
    for kind in known_kinds():
        estimator = kind.adapters.get("sklearn")
        if estimator is not None and estimator.path.endswith(f":{name}"):
            return estimator.value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
