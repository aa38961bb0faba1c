"""The durable service of one store file, and maintenance of closed stores."""

from .durable_learner import DurableLearner
from .limits import Limits, OverLimit
from .policy import RetentionPolicy
from .service import Service

__all__ = ["DurableLearner", "Limits", "OverLimit", "RetentionPolicy", "Service"]
