"""Neural networks that learn online: predict, see the answer, learn, one example at a time, for ever.

The names below are imported when they are first asked for, so that the command line's help comes at once.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPES

if _TYPES:
    from headwater.kinds.fleet import Fleet
    from headwater.learner.settings.limits import Limits
    from headwater.streams.readers.look import look

    from . import cluster as cluster
    from . import diagnose as diagnose
    from . import explain as explain
    from . import nn
    from . import plot as plot
    from . import privacy as privacy
    from .interop import check as check
    from .interop import loggers as loggers
    from .interop import mlflow as mlflow
    from .interop import notebook as notebook
    from .interop import sklearn as sklearn
    from .kinds.agent.learner import Agent
    from .kinds.anomaly.learner import Anomaly
    from .kinds.bandit.learner import Bandit
    from .kinds.classifier_regressor.classifier import Classifier
    from .kinds.classifier_regressor.regressor import Regressor
    from .kinds.correct import Correct
    from .kinds.forecaster.learner import Forecaster
    from .kinds.multi_output.learner import MultiOutput
    from .kinds.private.learner import PrivateClassifier, PrivateRegressor
    from .kinds.router.learner import Router
    from .learner.expiring import Expiring
    from .learner.settings.rolling import Rolling
    from .privacy.settings import Privacy
    from .route.evaluate import evaluate
    from .route.session import Session
    from .store.durable import open  # noqa: A004 - hw.open, as gzip.open
    from .store.forget.retention import Retention
    from .store.learner_file import load
    from .streams import read

__all__ = [
    "Agent",
    "Anomaly",
    "Bandit",
    "Classifier",
    "Correct",
    "Expiring",
    "Fleet",
    "Forecaster",
    "Limits",
    "MultiOutput",
    "Privacy",
    "PrivateClassifier",
    "PrivateRegressor",
    "Regressor",
    "Retention",
    "Rolling",
    "Router",
    "Session",
    "evaluate",
    "load",
    "look",
    "nn",
    "open",
    "read",
]

_MODULES = {
    "check": ".interop.check",
    "cluster": ".cluster",
    "diagnose": ".diagnose",
    "explain": ".explain",
    "loggers": ".interop.loggers",
    "mlflow": ".interop.mlflow",
    "nn": ".nn",
    "notebook": ".interop.notebook",
    "plot": ".plot",
    "privacy": ".privacy",
    "sklearn": ".interop.sklearn",
}
_ROOMS = {
    "Agent": ".kinds.agent.learner",
    "Anomaly": ".kinds.anomaly.learner",
    "Bandit": ".kinds.bandit.learner",
    "Classifier": ".kinds.classifier_regressor.classifier",
    "Correct": ".kinds.correct",
    "Expiring": ".learner.expiring",
    "Fleet": ".kinds.fleet",
    "Forecaster": ".kinds.forecaster.learner",
    "Limits": ".learner.settings.limits",
    "MultiOutput": ".kinds.multi_output.learner",
    "Privacy": ".privacy.settings",
    "PrivateClassifier": ".kinds.private.learner",
    "PrivateRegressor": ".kinds.private.learner",
    "Regressor": ".kinds.classifier_regressor.regressor",
    "Retention": ".store.forget.retention",
    "Rolling": ".learner.settings.rolling",
    "Router": ".kinds.router.learner",
    "Session": ".route.session",
    "evaluate": ".route.evaluate",
    "load": ".store.learner_file",
    "look": ".streams.readers.look",
    "open": ".store.durable",
    "read": ".streams",
}


def __getattr__(name: str) -> object:
    """Import a public name (PEP 562)."""
    if name in _MODULES:
        return _import_module(_MODULES[name], __name__)
    if name == "__version__":
        return _import_module(".errors._version", __name__).own_version()
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(_import_module(_ROOMS[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name every public function, class and room, for completion."""
    return sorted({*__all__, *_MODULES, "__version__"})
