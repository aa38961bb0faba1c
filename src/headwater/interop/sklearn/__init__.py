"""scikit-learn estimators backed by headwater learners, for pipelines, searches and cross-validation."""

from typing import Any

from headwater.errors import MissingExtra

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise MissingExtra(package="scikit-learn", extra="sklearn", at="headwater.interop.sklearn") from error

from headwater.learner.kind import known_kinds

_ESTIMATORS = {
    estimator.path.rpartition(":")[2]: estimator
    for kind in known_kinds()
    for library, estimator in kind.adapters.items()
    if library.partition(".")[0] == "sklearn"  # where a kind has several, sklearn.regressor and the like
}
__all__ = [*_ESTIMATORS]  # noqa: PLE0604 - the estimators that kinds declare, OnlineClassifier the first of them


def __getattr__(name: str) -> Any:
    """Return the estimator of a kind."""
    if name not in _ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _ESTIMATORS[name].value
