"""Run River's models and pipelines through headwater sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headwater.errors import ConfigError
from headwater.learner.kind import has_task
from headwater.types import Event, Learner, Predictions, ScoredRows, as_mapping

__all__ = ["RiverLearner", "RiverMetric", "as_learner"]


def as_learner(model: Any) -> Learner:
    """Return a learner that a session can run.

    Learners are returned unchanged. River classifiers, regressors, anomaly models and pipelines are wrapped in a `RiverLearner`.

    An unfitted estimator of `headwater.interop.sklearn` gives a new learner with its settings.

    Raises
    ------
    ConfigError
        If the model is none of these.
    """
    if has_task(model):
        learner: Learner = model
        return learner
    if not isinstance(model, type) and callable(own := getattr(model, "as_learner", None)):
        made: Learner = own()
        return made
    from river import base, compose  # slow to import, so only for models that are not headwater's own

    last = list(model.steps.values())[-1] if isinstance(model, compose.Pipeline) else model
    while isinstance(last, base.Wrapper) and not isinstance(last, base.Classifier | base.Regressor):
        last = last._wrapped_model
    if isinstance(last, base.Classifier):
        return RiverLearner(model, "classify")
    if isinstance(last, base.Regressor):
        return RiverLearner(model, "regress")
    if isinstance(last, base.AnomalyDetector):
        return RiverLearner(model, "anomaly")
    raise ConfigError(
        expected="a Classifier, a Regressor, or a River model that predicts",
        got=type(model).__name__,
        at="learner",
        help="Wrap a scikit-learn model with river.compat first.",
    )


class RiverLearner:
    """Wrap a River model so that a session can run it.

    Parameters
    ----------
    model
        A classifier, a regressor, an anomaly model, or a pipeline that ends in one.
    task
        ``"classify"``, ``"regress"`` or ``"anomaly"``.

    Examples
    --------
    >>> from river import linear_model
    >>> learner = as_learner(linear_model.LogisticRegression())
    >>> forecast = learner.step_many([{"a": 1.0}, {"a": 1.0}], [True, True])
    >>> learner.task, forecast.y_pred[1]
    ('classify', True)
    """

    def __init__(self, model: Any, task: str) -> None:
        self.model, self.task = model, task
        self.rejected: dict[str, int] = {}

    def predict_batch(self, X: Any) -> Predictions:
        """Predict rows without changing the model."""
        return self._joined([self._predict(as_mapping(x)) for x in X])

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict row i of ``ask`` (of X without it), then learn row i of X."""
        said = []
        if ask is not None and not len(X):
            return self.predict_batch(ask)
        if self.task == "anomaly":
            return self._scored(X)
        for i, (x, answer) in enumerate(zip(X, y, strict=True)):
            row = as_mapping(x)
            said.append(self._predict(row if ask is None else as_mapping(ask[i])))
            if w is None or w[i] == 1.0:  # some River models take no weight
                self.model.learn_one(row, answer)
            else:
                self.model.learn_one(row, answer, w=float(w[i]))
        return self._joined(said)

    def _scored(self, X: Any) -> Predictions:
        """Score each row, then learn it."""
        scores = []
        for x in map(as_mapping, X):
            scores.append(float(self.model.score_one(x)))
            self.model.learn_one(x)
        return Predictions(np.array(scores))

    def save(self, path: Any) -> None:
        """Raise ConfigError, because headwater's file format holds only its own learners."""
        raise ConfigError(
            expected="a headwater learner to save",
            got=type(self.model).__name__,
            at="keep",
            help="Leave keep out, and pickle River's models yourself.",
        )

    def _predict(self, x: Any) -> Any:
        """Return class probabilities (or the label where the model has none), a number, or an anomaly score."""
        if self.task == "anomaly":
            return float(self.model.score_one(x))
        if self.task == "regress":
            return self.model.predict_one(x)
        try:
            return self.model.predict_proba_one(x)
        except NotImplementedError:
            return self.model.predict_one(x)

    def _joined(self, said: list[Any]) -> Predictions:
        if self.task != "classify" or not all(isinstance(one, dict) for one in said):
            return Predictions(said)
        classes = tuple(dict.fromkeys(label for p in said for label in p))
        proba = np.array([[p.get(label, 0.0) for label in classes] for p in said]).reshape(len(said), len(classes))
        return Predictions([max(p, key=p.__getitem__, default=None) for p in said], proba, classes)


class RiverMetric:
    """Update a River metric with each issued prediction, as a watcher of a `Session`.

    Parameters
    ----------
    metric
        A metric such as ``river.metrics.F1()``. A metric that needs probabilities gets those of all classes.

    Examples
    --------
    >>> from river import metrics
    >>> watch = RiverMetric(metrics.Accuracy())
    >>> _ = watch.see(ScoredRows(1, [{}, {}], ["a", "b"], ["a", "a"], [0.9, 0.2], "classify"), None)
    >>> watch.metric.get()
    0.5
    """

    due: int | None = None

    def __init__(self, metric: Any) -> None:
        self.metric = metric
        self._labels = bool(getattr(metric, "requires_labels", True))

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Update the metric, skipping rows predicted before any class was known."""
        given: Sequence[Any] = rows.y_pred
        if not self._labels and rows.task == "classify":
            given = self._proba(rows)
        for answer, label, said in zip(rows.y, rows.y_pred, given, strict=True):
            if label is not None:
                self.metric.update(answer, said)
        return ()

    def _proba(self, rows: ScoredRows) -> list[dict[Any, float]]:
        if rows.forecast is None or rows.forecast.proba is None:
            raise ConfigError(
                expected="probabilities of all classes",
                got="labels only, as delayed labels and some models give",
                at=f"metric {getattr(self.metric, 'name', type(self.metric).__name__)}",
                help="Choose a metric of labels, or use delay=0 and a model with predict_proba_one.",
            )
        return [dict(zip(rows.forecast.classes, p, strict=True)) for p in rows.forecast.proba.tolist()]
