"""The learners in scikit-learn's clothes, for its pipelines, searches and validation."""

from headwater.errors import MissingExtra

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise MissingExtra(package="scikit-learn", extra="sklearn", at="headwater.sklearn") from error

from .classify import OnlineClassifier
from .regress import OnlineRegressor

__all__ = ["OnlineClassifier", "OnlineRegressor"]
