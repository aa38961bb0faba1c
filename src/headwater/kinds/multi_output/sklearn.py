"""The scikit-learn estimators of several outputs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from headwater.interop.sklearn.classes import in_order, with_classes
from headwater.interop.sklearn.learning import learn_epochs, seed_of, weights_of
from headwater.interop.sklearn.tables import check_ask, check_fit, names_of
from headwater.kinds.classifier_regressor.classifier import Classifier
from headwater.kinds.classifier_regressor.regressor import Regressor
from headwater.kinds.multi_output.learner import MultiOutput
from headwater.types import Predictions

if TYPE_CHECKING:
    from headwater.learner.settings.rolling import Rolling

__all__ = ["OnlineMultiOutputClassifier", "OnlineMultiOutputRegressor"]


@dataclass(eq=False, repr=False, kw_only=True)
class _OnlineMultiOutput(BaseEstimator):  # type: ignore[misc]
    """What an estimator of several outputs has in common, whatever its outputs are."""

    chain: bool = True
    effort: str = "default"
    max_rows: int = 200_000
    diagnosis: bool = True
    rolling: Rolling | None = None
    dtype: str = "float32"
    epochs: int = 1
    random_state: Any = 0

    _task: ClassVar[str] = ""
    """Task of each output."""
    _new: ClassVar[Any] = None
    """A learner of one output that has learned nothing."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Forget everything learned, then learn the rows ``epochs`` times.

        Parameters
        ----------
        X : array or data frame (n, columns)
            The rows.
        y : array or data frame (n, outputs)
            Their labels, a column for each output. An array (n,) is one output, and predicted as such.
        sample_weight : array (n,), optional
            Their weights.

        Returns
        -------
        Self
            Itself.
        """
        table, answers = self._checked(X, y, reset=True)
        weights = weights_of(sample_weight, answers)
        self._start(y, answers if weights is None else answers[weights > 0])
        learn_epochs(self._learn, table, answers, weights, self.epochs, seed_of(self))
        return self

    def as_learner(self) -> MultiOutput:
        """Return a new learner with these settings for ``hw.evaluate`` and ``hw.Session``, where labels are dicts."""
        return self._made(None)

    def _made(self, names: list[Any] | None) -> MultiOutput:
        own = {field.name for field in fields(MultiOutput)} - {"outputs", "seed"}
        settings = {name: getattr(self, name) for name in own}
        outputs = None if names is None else dict.fromkeys(names, self._task)
        return MultiOutput(outputs, **settings, seed=seed_of(self))

    def _start(self, y: Any, taught: NDArray[Any]) -> None:
        """Make a new learner for labels like y, named by the columns of a data frame or else by their numbers."""
        self.outputs_ = names_of(y) or list(range(taught.shape[1]))
        self.model_ = self._made(self.outputs_)

    def _learn(self, X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
        """Learn rows once, in the given order."""
        self.model_.step_many(X, [dict(zip(self.outputs_, row, strict=True)) for row in y.tolist()], weights)

    def _said(self, X: Any) -> list[Predictions]:
        """Return each output's predictions of rows, as of a new learner where it has seen no label."""
        check_is_fitted(self, "model_")
        table = check_ask(self, X)
        said = self.model_.by_output(table)
        return [said[name] if name in said else self._new.predict_batch(table) for name in self.outputs_]

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        """Validate rows and labels as scikit-learn does, returning the labels as (n, outputs)."""
        numeric = self._task == "regress"
        table, answers = check_fit(self, X, y, reset=reset, numeric=numeric, several=True)
        single, answers = answers.ndim == 1, answers.reshape(len(answers), -1)
        if reset:
            self._single = single
        elif self._single != single or answers.shape[1] != len(self.outputs_):
            raise ValueError(
                f"expected y with as many columns as at first, got shape {np.shape(y)} — at y. Call fit instead."
            )
        return table, np.asarray(answers, np.float64) if numeric else answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags


@dataclass(eq=False, repr=False, kw_only=True)
class OnlineMultiOutputRegressor(RegressorMixin, _OnlineMultiOutput):  # type: ignore[misc]
    """``headwater.MultiOutput`` as a scikit-learn regressor, of which later outputs read the predictions of earlier ones.

    Row order, weights, missing values and data frames work as in ``OnlineClassifier``. Sparse matrices are not taken.
    ``OnlineRegressor`` takes several columns as well, and learns each alone.

    Parameters
    ----------
    chain, effort, max_rows, diagnosis, rolling, dtype
        As in ``headwater.MultiOutput``.
    epochs : int
        Number of passes of ``fit`` over the rows.
    random_state : int, RandomState or None
        An int is the seed.

    Attributes
    ----------
    model_ : MultiOutput
        The learner. ``model_.save("m.hw")`` saves it.
    outputs_ : list
        Names of the outputs, which are the columns of a data frame or else their numbers.
    n_features_in_, feature_names_in_
        The schema.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(2000, 2))
    >>> y = np.column_stack([X[:, 0], X[:, 0] + 2 * X[:, 1]])
    >>> bool(OnlineMultiOutputRegressor().fit(X, y).score(X, y) > 0.95)
    True

    References
    ----------
    Spyromitros-Xioufis, Tsoumakas, Groves & Vlahavas 2016 (chains of regressors, on predictions).
    """

    _task: ClassVar[str] = "regress"
    _new: ClassVar[Any] = Regressor()

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn each row once, in the given order.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.

        Returns
        -------
        Self
            Itself.
        """
        first = "model_" not in vars(self)
        table, answers = self._checked(X, y, reset=first)
        weights = weights_of(sample_weight, answers)
        if first:
            self._start(y, answers)
        self._learn(table, answers, weights)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the numbers of each row, shape (n, outputs)."""
        said = np.column_stack([np.asarray(said.y_pred, np.float64) for said in self._said(X)])
        return said[:, 0] if self._single else said


@dataclass(eq=False, repr=False, kw_only=True)
class OnlineMultiOutputClassifier(ClassifierMixin, _OnlineMultiOutput):  # type: ignore[misc]
    """``headwater.MultiOutput`` as a scikit-learn classifier, of which later outputs read the probabilities of earlier ones.

    Row order, weights, missing values, data frames and new classes work as in ``OnlineClassifier``. Sparse matrices are not taken.
    ``OnlineClassifier`` takes several columns as well, and learns each alone.

    Parameters
    ----------
    chain, effort, max_rows, diagnosis, rolling, dtype
        As in ``headwater.MultiOutput``.
    epochs : int
        Number of passes of ``fit`` over the rows.
    random_state : int, RandomState or None
        An int is the seed.

    Attributes
    ----------
    model_ : MultiOutput
        The learner. ``model_.save("m.hw")`` saves it.
    classes_ : list of arrays
        The sorted classes of each output.
    outputs_ : list
        Names of the outputs, which are the columns of a data frame or else their numbers.
    n_features_in_, feature_names_in_
        The schema.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(2000, 2))
    >>> y = np.column_stack([np.where(X[:, 0] > 0, "up", "down"), np.where(X.sum(1) > 0, "more", "less")])
    >>> model = OnlineMultiOutputClassifier().fit(X, y)
    >>> model.predict([[1.0, 1.0]]).tolist(), [p.shape for p in model.predict_proba([[1.0, 1.0]])]
    ([['up', 'more']], [(1, 2), (1, 2)])

    References
    ----------
    Read, Pfahringer, Holmes & Frank 2011 (classifier chains).
    """

    _task: ClassVar[str] = "classify"
    _new: ClassVar[Any] = Classifier()

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Learn each row once, in the given order.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.
        classes : list of arrays, optional
            All classes of each output, declared at the first call. Without it a class may appear at any time.

        Returns
        -------
        Self
            Itself.
        """
        first = "model_" not in vars(self)
        table, answers = self._checked(X, y, reset=first)
        weights = weights_of(sample_weight, answers)
        if first:
            self._start(y, answers[:0])
            self._declare(classes)
        for j, column in enumerate(answers.T):
            self._known[j] = with_classes(self._known[j], column, declared=self._declared)
        self._learn(table, answers, weights)
        return self

    @property
    def classes_(self) -> Any:
        """The sorted classes of each output, or of the only one where the labels are an array (n,)."""
        if "model_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no classes_ before it is fitted")
        return self._known[0] if self._single else self._known

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the classes of each row, shape (n, outputs)."""
        scores = zip(self._scores(X), self._known, strict=True)
        labels = [known[p.argmax(1)] for p, known in scores]
        return labels[0] if self._single else np.column_stack(labels)

    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities, an array (n, k) for each output with a column per class in the order of ``classes_``."""
        scores = self._scores(X)
        return scores[0] if self._single else scores

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows of which every output is right."""
        right = np.asarray(self.predict(X) == np.asarray(y))
        return float(np.average(right.reshape(len(right), -1).all(axis=1), weights=sample_weight))

    def _scores(self, X: Any) -> list[NDArray[Any]]:
        """Return the probabilities (n, k) of the known classes for each output, 0 for those that were never learned."""
        said = self._said(X)
        return [
            in_order(np.asarray(own.proba), own.classes, known, 0.0)
            for own, known in zip(said, self._known, strict=True)
        ]

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        table, answers = super()._checked(X, y, reset=reset)
        check_classification_targets(answers[:, 0] if self._single else answers)
        return table, answers

    def _start(self, y: Any, taught: NDArray[Any]) -> None:
        super()._start(y, taught)
        self._known, self._declared = [np.unique(column) for column in taught.T], False

    def _declare(self, classes: Any) -> None:
        """Take the classes of each output for all there are."""
        if classes is None:
            return
        each = [classes] if self._single else classes
        if len(each) != len(self.outputs_):
            raise ValueError(
                f"expected the classes of {len(self.outputs_)} outputs, got {len(each)} — at classes. Give a list of arrays."
            )
        self._known, self._declared = [np.unique(own) for own in each], True
