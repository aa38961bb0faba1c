"""The classifier in scikit-learn's clothes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted

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
from headwater.learner.settings import Settings, documented
from headwater.nn import Loss

FAINT = float(np.finfo(np.float32).tiny)
"""Probabilities below this have its logarithm."""
ONE, LABELS, MANY = "one", "labels", "many"
"""Answers of one column, of several columns of 0 and 1, of several columns of classes."""


def _has_proba(estimator: OnlineClassifier) -> bool:
    """Say whether the loss makes probabilities; those of the hinge loss are scores."""
    return getattr(estimator.loss, "name", estimator.loss) != "hinge"


def _has_decision(estimator: OnlineClassifier) -> bool:
    """Say whether there is one number to decide by: not for classes in several columns."""
    return getattr(estimator, "_shape", ONE) != MANY


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class OnlineClassifier(ClassifierMixin, BaseEstimator, Settings):  # type: ignore[misc]
    """``headwater.Classifier`` for scikit-learn: arrays, sparse matrices and data frames of a fixed schema.

    ``fit`` starts anew and learns the rows ``epochs`` times, in orders drawn from their contents, so that the order they
    come in means nothing and a row of weight 3 is that row three times. ``partial_fit`` goes on learning, once, in the order
    given, and a weight multiplies the gradient. Classes may appear at any time unless the first call says which there are.

    NaN is missing. In a sparse matrix what is not stored is absent, not 0, and so are zeros in whatever is predicted later;
    its values are taken as they are, since the mean of those stored is no mean of the column. Data frames may hold columns
    of texts, categories and date-times: they need no encoder in front. For answers of several columns there is one learner
    a column.

    Parameters
    ----------
    loss : str or Loss
        As in ``headwater.Classifier``.
    SETTINGS
    dtype : str
        "float32" or "float64".
    epochs : int
        How often ``fit`` learns the rows.
    class_weight : dict, list of dict or "balanced", optional
        Weight of each class, as in scikit-learn; it multiplies the rows' own.
    random_state : int, RandomState or None
        An int is the seed.

    Attributes
    ----------
    models_ : list of Classifier
        The learners, one a column of the answers; ``models_[0].save("m.hw")`` keeps one.
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
    random_state: Any = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Forget what was learned, and learn the rows ``epochs`` times.

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
        learn_epochs(self.models_, table, _columns(y), weights, self.epochs, seed_of(self))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go on learning: each row once, in the order given.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : array (k,) or list of them, optional
            All classes that there will be. Without it, given at the first call, a class may appear at any time.

        Returns
        -------
        OnlineClassifier
            Itself.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "expected class_weight as a dict, got 'balanced' — at partial_fit. A stream has no counts of its classes "
                "to begin with: use compute_class_weight on what you know of them."
            )
        first = "models_" not in vars(self)
        table, y = self._checked(X, y, reset=first)
        weights = weights_of(sample_weight, y, self.class_weight)
        if first:
            given = _columns(y[:0]).T if classes is None else [classes] if y.ndim == 1 else classes
            self._start(y, given, declared=classes is not None)
        for j, column in enumerate(_columns(y).T):
            self._known[j] = _with_classes(self._known[j], column, declared=self._declared)
        learn_rows(self.models_, table, _columns(y), weights)
        return self

    @property
    def classes_(self) -> Any:
        """The classes, sorted; numbers of the columns for 0/1 in several columns; else a list, one a column."""
        if "models_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no classes_ before it is fitted")
        if self._shape == LABELS:
            return np.arange(len(self.models_))
        return self._known[0] if self._shape == ONE else self._known

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of each row, (n,) or (n, outputs)."""
        scores = self._scores(X)
        labels = [known[p.argmax(1)] for known, p in zip(self._known, scores, strict=True)]
        return labels[0] if self._shape == ONE else np.column_stack(labels)

    @available_if(_has_proba)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities (n, k), one column a class in the order of ``classes_``.

        For 0/1 in several columns they are those of 1, (n, outputs); for classes in several columns a list, one a column.
        """
        scores = self._scores(X)
        if self._shape == LABELS:
            return np.column_stack([p[:, 1] for p in scores])
        return scores[0] if self._shape == ONE else scores

    @available_if(_has_decision)  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Say how far each row lies on the side of the second of two classes, as log-odds (n,); of more the logarithms (n, k).

        For 0/1 in several columns (n, outputs). With the hinge loss its scores.
        """
        scores = self._scores(X)
        if self._shape == LABELS:  # a function of what predict_proba says
            p = np.column_stack([p[:, 1] for p in scores])
            return _log_odds(p) if _has_proba(self) else p - np.column_stack([p[:, 0] for p in scores])
        logs = np.log(np.maximum(scores[0], FAINT)) if _has_proba(self) else scores[0]
        return logs[:, 1] - logs[:, 0] if logs.shape[1] == 2 else logs

    def as_learner(self) -> Classifier:
        """Return a new learner with these settings: ``hw.evaluate`` and ``hw.Session`` run it; the estimator stays as it is.

        It learns each row once, in the order given, like ``partial_fit``. Only for an estimator that was never fitted.
        """
        return unfitted_learner(Classifier, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = tags.classifier_tags.multi_label = True
        return tags

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        """Check rows and classes as scikit-learn does."""
        table, y = check_fit(self, X, y, reset=reset, numeric=False)
        check_classification_targets(y)
        if not reset and ((self._shape == ONE) != (y.ndim == 1) or _columns(y).shape[1] != len(self.models_)):
            raise ValueError(
                f"expected y with as many columns as at first, got shape {y.shape} — at y. Call fit instead."
            )
        return table, y

    def _start(self, y: NDArray[Any], classes: Any, *, declared: bool) -> None:
        """Make fresh learners for answers like y; ``classes`` are those known of each of its columns."""
        self._shape = ONE if y.ndim == 1 else LABELS if type_of_target(y) == "multilabel-indicator" else MANY
        if self._shape == LABELS:
            classes, declared = [np.array([0, 1], y.dtype)] * y.shape[1], True
        self._declared = declared
        self._known = [np.unique(column) for column in classes]
        self.models_ = new_learners(Classifier, self, len(self._known))

    def _scores(self, X: Any) -> list[NDArray[Any]]:
        """Scores (n, k) of the known classes, for each output; a class that was never learned has none."""
        check_is_fitted(self, "models_")
        table = check_ask(self, X)
        out = []
        for model, known in zip(self.models_, self._known, strict=True):
            learned = model.predict_proba_many(table)
            place = {label: i for i, label in enumerate(model.classes)}
            at = [place.get(label, -1) for label in known.tolist()]
            never = np.full((len(learned), 1), 0.0 if _has_proba(self) else -np.inf)
            out.append(np.hstack([learned, never])[:, at])
        return out


def _log_odds(p: NDArray[Any]) -> NDArray[Any]:
    """Return ln(p/(1 − p)), finite at 0 and 1."""
    p = np.clip(p, FAINT, 1 - np.finfo(np.float64).epsneg)
    return np.asarray(np.log(p) - np.log1p(-p))


def _columns(y: NDArray[Any]) -> NDArray[Any]:
    """Return answers as (n, outputs)."""
    return y[:, None] if y.ndim == 1 else y


def _with_classes(known: NDArray[Any], y: NDArray[Any], *, declared: bool) -> NDArray[Any]:
    """Return the known classes with those of y, sorted.

    Raises
    ------
    ValueError
        If all were declared and y has others, or they can't be sorted together.
    """
    new = np.setdiff1d(y, known) if known.dtype.kind == y.dtype.kind or not len(known) else y
    if declared and len(new):
        raise ValueError(f"y has classes {new.tolist()} not in the classes {known.tolist()} that were declared — at y.")
    if len(known) and known.dtype.kind != y.dtype.kind and {known.dtype.kind, y.dtype.kind} - set("biuf"):
        raise ValueError(f"expected classes like {known[0]!r}, got {y[0]!r} — at y. Use labels of one type.")
    return np.union1d(known, new)
