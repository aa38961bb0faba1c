"""Neural networks that learn online: predict, see the answer, learn, one example at a time, for ever.

The names below are imported when they are first asked for: the command line's help needs no compiler.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPES

if _TYPES:
    from . import diagnose as diagnose
    from . import explain as explain
    from . import loggers as loggers
    from . import mlflow as mlflow
    from . import nn
    from . import plot as plot
    from . import sklearn as sklearn
    from .classifier import Classifier
    from .evaluate import evaluate
    from .regressor import Regressor
    from .session import Session
    from .store import load, open  # noqa: A004 - hw.open, as gzip.open

__all__ = ["Classifier", "Regressor", "Session", "evaluate", "load", "nn", "open"]

_ROOMS = {
    "Classifier": ".classifier",
    "Regressor": ".regressor",
    "Session": ".session",
    "evaluate": ".evaluate",
    "load": ".store",
    "open": ".store",
}


def __getattr__(name: str) -> object:
    """Import a public name (PEP 562)."""
    if name in ("diagnose", "explain", "loggers", "mlflow", "nn", "plot", "sklearn"):
        return _import_module(f".{name}", __name__)
    if name == "__version__":
        return _import_module("importlib.metadata").version("headwater")
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_import_module(_ROOMS[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
