"""scikit-learn estimators backed by headwater learners, for pipelines, searches and cross-validation."""

from headwater.errors import MissingExtra

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise MissingExtra(package="scikit-learn", extra="sklearn", at="headwater.interop.sklearn") from error

from headwater.interop.sklearn.classify import OnlineClassifier
from headwater.interop.sklearn.regress import OnlineRegressor

__all__ = ["OnlineClassifier", "OnlineRegressor"]
