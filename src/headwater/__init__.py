"""Neural networks that learn online: predict, see the answer, learn, one example at a time, for ever.

The names below are imported when they are first asked for, so that the command line's help comes at once.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPES

from . import face as _face
from .bound import bind as _bind

if _TYPES:
    from . import cluster as cluster
    from . import diagnose as diagnose
    from . import explain as explain
    from . import loggers as loggers
    from . import mlflow as mlflow
    from . import nn
    from . import notebook as notebook
    from . import plot as plot
    from . import sklearn as sklearn
    from .durable import open  # noqa: A004 - hw.open, as gzip.open
    from .evaluate import evaluate
    from .fleet import Fleet
    from .learner.anomaly import Anomaly
    from .learner.classifier import Classifier
    from .learner.control.agent import Agent
    from .learner.decisions.bandit import Bandit
    from .learner.limits import Limits
    from .learner.outputs.multi_output import MultiOutput
    from .learner.regressor import Regressor
    from .learner.series.forecaster import Forecaster
    from .learner_file import load
    from .session import Session
    from .streams import read

_bind(_face)

__all__ = [
    "Agent",
    "Anomaly",
    "Bandit",
    "Classifier",
    "Fleet",
    "Forecaster",
    "Limits",
    "MultiOutput",
    "Regressor",
    "Session",
    "evaluate",
    "load",
    "nn",
    "open",
    "read",
]

_MODULES = ("cluster", "diagnose", "explain", "loggers", "mlflow", "nn", "notebook", "plot", "sklearn")
_ROOMS = {
    "Agent": ".learner.control.agent",
    "Anomaly": ".learner.anomaly",
    "Bandit": ".learner.decisions.bandit",
    "Classifier": ".learner.classifier",
    "Fleet": ".fleet",
    "Forecaster": ".learner.series.forecaster",
    "Limits": ".learner.limits",
    "MultiOutput": ".learner.outputs.multi_output",
    "Regressor": ".learner.regressor",
    "Session": ".session",
    "evaluate": ".evaluate",
    "load": ".learner_file",
    "open": ".durable",
    "read": ".streams",
}


def __getattr__(name: str) -> object:
    """Import a public name (PEP 562)."""
    if name in _MODULES:
        return _import_module(f".{name}", __name__)
    if name == "__version__":
        return _import_module("importlib.metadata").version("headwater")
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_import_module(_ROOMS[name], __name__), name)
    return value


def __dir__() -> list[str]:
    """Name every public function, class and room, for completion."""
    return sorted({*__all__, *_MODULES, "__version__"})
