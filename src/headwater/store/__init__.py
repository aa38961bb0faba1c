"""Keep what was learned: the file format of a model, and the store of a durable learner."""

from .durable import DurableLearner, open  # noqa: A004 - hw.open, as gzip.open
from .format import load, save
from .service import Rules, Service

__all__ = ["DurableLearner", "Rules", "Service", "load", "open", "save"]
