"""Adapt any object with ``learn_one`` and a method that predicts to a session."""

from __future__ import annotations

import inspect
from typing import Any, Protocol, runtime_checkable

import numpy as np

from headwater.errors import ConfigError
from headwater.learner.kind import HasKind, has_task
from headwater.types import Lazy, Learner, Predictions, as_mapping

__all__ = ["ModelLearner", "as_learner"]

_OF_RIVER = Lazy("headwater.interop.river:as_learner")


@runtime_checkable
class _Learns(Protocol):
    def learn_one(self, x: Any, *args: Any) -> Any: ...


@runtime_checkable
class _Predicts(Protocol):
    def predict_one(self, x: Any) -> Any: ...


@runtime_checkable
class _Weighs(Protocol):
    def predict_proba_one(self, x: Any) -> Any: ...


@runtime_checkable
class _Scores(Protocol):
    def score_one(self, x: Any) -> float: ...


@runtime_checkable
class _Steps(Protocol):
    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions: ...


@runtime_checkable
class _Saves(Protocol):
    def save(self, path: Any) -> Any: ...


def as_learner(model: Any) -> Learner:
    """Return a learner unchanged, and wrap any other model in a `ModelLearner`.

    Raises
    ------
    ConfigError
        If it has no ``learn_one``, or says nothing of a row.

    Examples
    --------
    >>> class Last:
    ...     y = 0.0
    ...
    ...     def learn_one(self, x, y):
    ...         self.y = y
    ...
    ...     def predict_one(self, x):
    ...         return self.y
    >>> as_learner(Last()).step_many([{}, {}], [1.0, 2.0]).y_pred
    [0.0, 1.0]
    """
    if isinstance(model, type):
        raise ConfigError(
            expected="a model", got=f"the class {model.__name__}", at="learner", help=f"Make one: {model.__name__}()."
        )
    if isinstance(model, _Steps) and (isinstance(model, HasKind) or has_task(model)):
        return model  # type: ignore[return-value]
    if _is_known(model):
        learner: Learner = _OF_RIVER(model)
        return learner
    if not isinstance(model, _Learns) or not isinstance(model, _Predicts | _Weighs | _Scores):
        raise ConfigError(
            expected="a model with learn_one and predict_one, predict_proba_one or score_one",
            got=type(model).__name__,
            at="learner",
            help="Give e.g. a headwater.Classifier. Of scikit-learn's models River's compat makes such a model.",
        )
    return ModelLearner(model, _task(model))


def _is_known(model: Any) -> bool:
    """Say whether a model is River's, or makes a learner itself."""
    own = any(base.__module__.partition(".")[0] == "river" for base in type(model).__mro__)
    return own or callable(getattr(model, "as_learner", None))


def _task(model: Any) -> str:
    """Return the task that a model states, or infer it from its methods."""
    if has_task(model):
        return str(model.task)
    if isinstance(model, _Weighs):
        return "classify"
    return "regress" if isinstance(model, _Predicts) else "anomaly"


class ModelLearner:
    """A model in the words of the route.

    Parameters
    ----------
    model : object
        With ``learn_one(x, y)`` and ``predict_one(x)`` or ``predict_proba_one(x)``; or with ``learn_one(x)`` and ``score_one(x)``.
    task : str
        "classify", "regress" or "anomaly". A model of classes without probabilities says so: ``task = "classify"``.
    """

    def __init__(self, model: Any, task: str) -> None:
        self.model, self.task = model, task
        self.rejected: dict[str, int] = {}
        self.n_learned = 0
        """How many rows were learned."""

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the model."""
        return self._joined([self._predict(as_mapping(x)) for x in X])

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X."""
        if ask is not None and not len(X):
            return self.predict_batch(ask)
        said = []
        for i in range(len(X)):
            row = as_mapping(X[i])
            said.append(self._predict(row if ask is None else as_mapping(ask[i])))
            self._learn(row, None if y is None else y[i], 1.0 if w is None else float(w[i]))
        return self._joined(said)

    def _learn(self, row: Any, label: Any, w: float) -> None:
        given: tuple[Any, ...] = (row,) if self.task == "anomaly" else (row, label)
        if w == 1.0:  # not all models take a weight
            self.model.learn_one(*given)
        else:
            self._learn_weighted(given, w)
        self.n_learned += 1

    def _learn_weighted(self, given: tuple[Any, ...], w: float) -> None:
        kinds = inspect.signature(self.model.learn_one).parameters
        if "w" not in kinds and all(one.kind is not inspect.Parameter.VAR_KEYWORD for one in kinds.values()):
            raise ConfigError(
                expected="rows without weights, or a model whose learn_one takes w",
                got=f"w={w:g} for a {type(self.model).__name__}",
                at="w",
                help="Leave weights out.",
            )
        self.model.learn_one(*given, w=w)

    def save(self, path: Any) -> None:
        """Let the model write itself, if it can.

        Raises
        ------
        ConfigError
            If it has no ``save``.
        """
        if not isinstance(self.model, _Saves):
            raise ConfigError(
                expected="a learner of headwater's to keep, or a model with save(path)",
                got=type(self.model).__name__,
                at="keep",
                help="Leave keep out.",
            )
        self.model.save(path)

    def __repr__(self) -> str:
        return repr(self.model)

    def _predict(self, x: Any) -> Any:
        if self.task == "anomaly":
            return float(self.model.score_one(x))
        if self.task == "classify" and isinstance(self.model, _Weighs):
            return dict(self.model.predict_proba_one(x))
        return self.model.predict_one(x)

    def _joined(self, said: list[Any]) -> Predictions:
        if self.task == "anomaly":
            return Predictions(np.array(said, np.float64))
        if self.task != "classify" or not all(isinstance(one, dict) for one in said):
            return Predictions(said)
        classes = tuple(dict.fromkeys(label for p in said for label in p))
        proba = np.array([[p.get(label, 0.0) for label in classes] for p in said]).reshape(len(said), len(classes))
        return Predictions([max(p, key=p.__getitem__, default=None) for p in said], proba, classes)
