"""The scikit-learn regressor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
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
from headwater.kinds.classifier_regressor.regressor import Regressor
from headwater.learner.settings import Settings, documented
from headwater.nn import Loss


@documented
@dataclass(eq=False, repr=False, kw_only=True)
class OnlineRegressor(RegressorMixin, BaseEstimator, Settings):  # type: ignore[misc]
    """``headwater.Regressor`` as a scikit-learn estimator for tables of a fixed schema.

    Row order, weights, missing values, sparse matrices and data frames work as in ``OnlineClassifier``. Labels of several
    columns get one learner per column.

    Parameters
    ----------
    loss : str or Loss
        As in ``headwater.Regressor``.
    SETTINGS
    dtype : str
        "float32" or "float64".
    epochs : int
        Number of passes of ``fit`` over the rows.
    random_state : int, RandomState or None
        An int is the seed.

    Attributes
    ----------
    models_ : list of Regressor
        The learners, one per label column. ``models_[0].save("m.hw")`` saves one.
    n_features_in_, feature_names_in_
        The schema.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_diabetes(return_X_y=True)
    >>> bool(cross_val_score(OnlineRegressor(), X, y).mean() > 0.3)
    True
    """

    loss: str | Loss = Regressor.loss
    dtype: str = "float32"
    epochs: int = 1
    random_state: Any = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Forget everything learned, then learn the rows ``epochs`` times.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, columns)
            The rows.
        y : array (n,) or (n, outputs)
            Their targets.
        sample_weight : array (n,), optional
            Their weights.

        Returns
        -------
        OnlineRegressor
            Itself.
        """
        table, answers = self._checked(X, y, reset=True)
        weights = weights_of(sample_weight, answers)
        self.models_ = new_learners(Regressor, self, answers.shape[1])
        learn_epochs(partial(learn_rows, self.models_), table, answers, weights, self.epochs, seed_of(self))
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn each row once, in the given order.

        Parameters
        ----------
        X, y, sample_weight
            As in ``fit``.

        Returns
        -------
        OnlineRegressor
            Itself.
        """
        first = "models_" not in vars(self)
        table, answers = self._checked(X, y, reset=first)
        weights = weights_of(sample_weight, answers)
        if first:
            self.models_ = new_learners(Regressor, self, answers.shape[1])
        learn_rows(self.models_, table, answers, weights)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the target of each row, shape (n,) or (n, outputs)."""
        check_is_fitted(self, "models_")
        table = check_ask(self, X)
        said = np.column_stack([model.predict_many(table) for model in self.models_])
        return said[:, 0] if self._single else said

    def as_learner(self) -> Regressor:
        """Return a new learner with these settings for ``hw.evaluate`` and ``hw.Session``.

        The estimator itself must be unfitted and stays unchanged. The learner learns each row once, in the given order, like
        ``partial_fit``.
        """
        return unfitted_learner(Regressor, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        tags.target_tags.multi_output = True
        return tags

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, NDArray[Any]]:
        """Validate rows and targets as scikit-learn does, returning the targets as (n, outputs)."""
        table, y = check_fit(self, X, y, reset=reset, numeric=True)
        answers = np.asarray(y, np.float64).reshape(len(y), -1)
        if reset:
            self._single = y.ndim == 1
        elif self._single != (y.ndim == 1) or answers.shape[1] != len(self.models_):
            raise ValueError(
                f"expected y with as many columns as at first, got shape {y.shape} — at y. Call fit instead."
            )
        if getattr(self.loss, "name", self.loss) == "poisson" and (answers < 0).any():
            raise ValueError(
                f"expected counts, got {answers.min():g} — at y. The loss 'poisson' takes no negative target."
            )
        return table, answers
