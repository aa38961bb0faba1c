"""The scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

from headwater.interop.sklearn.classes import in_order, with_classes
from headwater.interop.sklearn.learning import (
    learn_epochs,
    learn_rows,
    new_learners,
    seed_of,
    unfitted_learner,
    weights_of,
)
from headwater.interop.sklearn.tables import check_ask, check_fit
from headwater.kinds.classifier_regressor.classifier import Classifier
from headwater.learner.schema.expected_cost import cheapest
from headwater.learner.settings import Settings, documented
from headwater.nn import Loss

FAINT = float(np.finfo(np.float32).tiny)
"""Smallest probability whose logarithm is taken. Lower ones are raised to it, so that logarithms stay finite."""
ONE, LABELS, MANY = "one", "labels", "many"
"""Shape of the labels: one column, several columns of 0 and 1 (multilabel), or several columns of classes."""


def _has_proba(estimator: OnlineClassifier) -> bool:
    """Return whether the loss yields probabilities. The hinge loss yields scores."""
    return getattr(estimator.loss, "name", estimator.loss) != "hinge"


def _has_decision(estimator: OnlineClassifier) -> bool:
    """Return whether a decision function exists. Labels in several columns of classes have none."""
    return getattr(estimator, "_shape", ONE) != MANY


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class OnlineClassifier(ClassifierMixin, BaseEstimator, Settings):  # type: ignore[misc]
    """``headwater.Classifier`` as a scikit-learn estimator for tables of a fixed schema.

    Tables are arrays, sparse matrices or data frames. ``fit`` starts anew and learns the rows ``epochs`` times. Each epoch
    draws its order from the contents of the rows, so the order of the input has no effect and a row of weight 3 equals that
    row three times. ``partial_fit`` continues learning, once, in the given order. There a weight multiplies the gradient.
    Classes may appear at any time unless the first call declares them.

    NaN is missing. In a sparse matrix an entry that is not stored is absent, not 0, and so are zeros in later inputs. The
    values of a sparse matrix are not standardized, because the mean of the stored values is not the mean of the column. Data
    frames may hold columns of texts, categories and date-times without an encoder. Labels of several columns get one learner
    per column.

    Parameters
    ----------
    loss : str or Loss
        As in ``headwater.Classifier``.
    SETTINGS
    dtype : str
        "float32" or "float64".
    epochs : int
        Number of passes of ``fit`` over the rows.
    class_weight : dict, list of dict or "balanced", optional
        Weight of each class, as in scikit-learn. It multiplies the weights of the rows.
    costs : dict or list of dict, optional
        What mistakes cost, by true class, as in ``Classifier.predict_one``. ``predict`` then returns the class of the least expected
        cost. What is learned, and ``predict_proba``, stay. For several columns of labels this is a list with one for each.
    random_state : int, RandomState or None
        An int is the seed.

    Attributes
    ----------
    models_ : list of Classifier
        The learners, one per label column. ``models_[0].save("m.hw")`` saves one.
    n_features_in_, feature_names_in_
        The schema.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(cross_val_score(OnlineClassifier(), X, y).mean() > 0.9)
    True
    """

    loss: str | Loss = Classifier.loss
    dtype: str = "float32"
    epochs: int = 1
    class_weight: Any = None
    costs: Any = None
    random_state: Any = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Forget everything learned, then learn the rows ``epochs`` times.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, columns)
            The rows.
        y : array (n,) or (n, outputs)
            Their classes.
        sample_weight : array (n,), optional
            Their weights.

        Returns
        -------
        OnlineClassifier
            Itself.
        """
        table, y = self._checked(X, y, reset=True)
        weights = weights_of(sample_weight, y, self.class_weight)
        taught = y if weights is None else y[weights > 0]
        self._start(y, _columns(taught).T, declared=False)
        learn_epochs(partial(learn_rows, self.models_), table, _columns(y), weights, self.epochs, seed_of(self))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn each row once, in the given order.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : array (k,) or list of them, optional
            All classes, declared at the first call. Without it a class may appear at any time.

        Returns
        -------
        OnlineClassifier
            Itself.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "expected class_weight as a dict, got 'balanced' — at partial_fit. The class counts of a stream are not "
                "known in advance: compute the weights with compute_class_weight on a sample."
            )
        first = "models_" not in vars(self)
        table, y = self._checked(X, y, reset=first)
        weights = weights_of(sample_weight, y, self.class_weight)
        if first:
            given = _columns(y[:0]).T if classes is None else [classes] if y.ndim == 1 else classes
            self._start(y, given, declared=classes is not None)
        for j, column in enumerate(_columns(y).T):
            self._known[j] = with_classes(self._known[j], column, declared=self._declared)
        learn_rows(self.models_, table, _columns(y), weights)
        return self

    @property
    def classes_(self) -> Any:
        """The sorted classes.

        Column numbers for 0/1 in several columns, and a list of arrays (one per column) for classes in several columns.
        """
        if "models_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no classes_ before it is fitted")
        if self._shape == LABELS:
            return np.arange(len(self.models_))
        return self._known[0] if self._shape == ONE else self._known

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of each row, shape (n,) or (n, outputs), with ``costs`` the one of the least expected cost."""
        scores = self._scores(X)
        costs = self._costs()
        labels = [_chosen(known, p, cost) for known, p, cost in zip(self._known, scores, costs, strict=True)]
        return labels[0] if self._shape == ONE else np.column_stack(labels)

    @available_if(_has_proba)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities (n, k), one column per class in the order of ``classes_``.

        For 0/1 in several columns these are the probabilities of 1, shape (n, outputs). For classes in several columns this
        is a list of arrays, one per column.
        """
        scores = self._scores(X)
        if self._shape == LABELS:
            return np.column_stack([p[:, 1] for p in scores])
        return scores[0] if self._shape == ONE else scores

    @available_if(_has_decision)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the log-odds of the second of two classes (n,), or log-probabilities (n, k) for more classes.

        For 0/1 in several columns the shape is (n, outputs). With the hinge loss these are its scores.
        """
        scores = self._scores(X)
        if self._shape == LABELS:  # derived from predict_proba, so that the two agree
            p = np.column_stack([p[:, 1] for p in scores])
            return _log_odds(p) if _has_proba(self) else p - np.column_stack([p[:, 0] for p in scores])
        logs = np.log(np.maximum(scores[0], FAINT)) if _has_proba(self) else scores[0]
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def as_learner(self) -> Classifier:
        """Return a new learner with these settings for ``hw.evaluate`` and ``hw.Session``.

        The estimator itself must be unfitted and stays unchanged. The learner learns each row once, in the given order, like
        ``partial_fit``.
        """
        return unfitted_learner(Classifier, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = tags.classifier_tags.multi_label = True
        return tags

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        """Validate rows and classes as scikit-learn does."""
        table, y = check_fit(self, X, y, reset=reset, numeric=False)
        check_classification_targets(y)
        if not reset and ((self._shape == ONE) != (y.ndim == 1) or _columns(y).shape[1] != len(self.models_)):
            raise ValueError(
                f"expected y with as many columns as at first, got shape {y.shape} — at y. Call fit instead."
            )
        return table, y

    def _start(self, y: NDArray[Any], classes: Any, *, declared: bool) -> None:
        """Make new learners for labels like y, where ``classes`` holds the known classes of each column."""
        self._shape = ONE if y.ndim == 1 else LABELS if type_of_target(y) == "multilabel-indicator" else MANY
        if self._shape == LABELS:
            classes, declared = [np.array([0, 1], y.dtype)] * y.shape[1], True
        self._declared = declared
        self._known = [np.unique(column) for column in classes]
        self.models_ = new_learners(Classifier, self, len(self._known))

    def _costs(self) -> list[Any]:
        """Return the costs of each output's mistakes, None where there are none."""
        n = len(self._known)
        costs = [self.costs] if isinstance(self.costs, Mapping) else self.costs
        if costs is None:
            return [None] * n
        if not _has_proba(self):
            raise ValueError("expected a loss with probabilities, got 'hinge' — at costs. Use loss='cross_entropy'.")
        if not isinstance(costs, list | tuple) or len(costs) != n:
            raise ValueError(
                f"expected costs of {n} columns of labels, got {self.costs!r:.80} — at costs. Give a list."
            )
        return list(costs)

    def _scores(self, X: Any) -> list[NDArray[Any]]:
        """Return the scores (n, k) of the known classes for each output.

        A class that was never learned gets probability 0 (score −∞ with the hinge loss).
        """
        check_is_fitted(self, "models_")
        table = check_ask(self, X)
        out = []
        for model, known in zip(self.models_, self._known, strict=True):
            scores = model.predict_proba_many(table)
            out.append(in_order(scores, model.classes, known, 0.0 if _has_proba(self) else -np.inf))
        return out


def _chosen(known: NDArray[Any], p: NDArray[Any], costs: Any) -> NDArray[Any]:
    """Return the most probable of the known classes for each row, or the one of the least expected cost."""
    if costs is None:
        return np.asarray(known[p.argmax(1)])
    return np.array(cheapest(p, known.tolist(), costs), known.dtype)


def _log_odds(p: NDArray[Any]) -> NDArray[Any]:
    """Return ln(p/(1 − p)), clipped to be finite at 0 and 1."""
    p = np.clip(p, FAINT, 1 - np.finfo(np.float64).epsneg)
    return np.asarray(np.log(p) - np.log1p(-p))


def _columns(y: NDArray[Any]) -> NDArray[Any]:
    """Return labels as an array (n, outputs)."""
    return y[:, None] if y.ndim == 1 else y
