"""The durable service of one store file, and maintenance of closed stores."""

from headwater.store.service.maintenance.policy import RetentionPolicy

from .durable_learner import DurableLearner
from .limits import Limits, OverLimit
from .service import Service

__all__ = ["DurableLearner", "Limits", "OverLimit", "RetentionPolicy", "Service"]
