"""Neural networks that learn online: predict, see the answer, learn, one example at a time, for ever."""

from importlib.metadata import version as _version

from . import nn
from .classifier import Classifier
from .regressor import Regressor
from .store import load, open  # noqa: A004 - hw.open, as gzip.open

__all__ = ["Classifier", "Regressor", "load", "nn", "open"]
__version__ = _version("headwater")
