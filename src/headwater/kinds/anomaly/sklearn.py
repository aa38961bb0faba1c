"""The scikit-learn outlier detector."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from headwater.errors import ConfigError
from headwater.interop.sklearn.learning import seed_of
from headwater.interop.sklearn.tables import check_ask, check_rows
from headwater.kinds.anomaly.learner import Anomaly

__all__ = ["OnlineOutlierDetector"]


class OnlineOutlierDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """``headwater.Anomaly`` as a scikit-learn outlier detector for tables of a fixed schema.

    Rows are learned once, in the given order. Missing values, sparse matrices and data frames work as in ``OnlineClassifier``.

    Parameters
    ----------
    contamination : float
        Share of the rows of ``fit`` that are taken for outliers, above 0 and at most 0.5.
    neighbours, hidden, max_rows, dtype
        As in ``headwater.Anomaly``.
    random_state : int, RandomState or None
        An int is the seed.

    Attributes
    ----------
    model_ : Anomaly
        The learner. ``model_.save("m.hw")`` saves it.
    offset_ : float
        ``score_samples`` of a row on the border.
    n_features_in_, feature_names_in_
        The schema.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> OnlineOutlierDetector().fit(X).predict([[0.0, 0.0], [9.0, -9.0]]).tolist()
    [1, -1]
    """

    def __init__(
        self,
        *,
        contamination: float = 0.01,
        neighbours: int = 256,
        hidden: int = 8,
        max_rows: int = 200_000,
        dtype: str = "float32",
        random_state: Any = 0,
    ) -> None:
        self.contamination, self.neighbours, self.hidden = contamination, neighbours, hidden
        self.max_rows, self.dtype, self.random_state = max_rows, dtype, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Forget everything learned, then learn each row once.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, columns)
            The rows.
        y
            Ignored.

        Returns
        -------
        OnlineOutlierDetector
            Itself.
        """
        return self._learn(X, reset=True)

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn each row once more, in the given order."""
        return self._learn(X, reset="model_" not in vars(self))

    def _learn(self, X: Any, *, reset: bool) -> Self:
        if not 0 < self.contamination <= 0.5:
            raise ConfigError(
                expected="a share above 0 and of at most 0.5",
                got=repr(self.contamination),
                at="contamination of OnlineOutlierDetector",
                help="Give the share of rows that are to be outliers, such as 0.01.",
            )
        table = check_rows(self, X, reset=reset)
        if reset:
            self.model_ = self.as_learner()
        self.model_.learn_many(table)
        self.offset_ = float(np.percentile(self._p_values(table), 100 * self.contamination))
        return self

    def _p_values(self, table: Any) -> NDArray[np.float64]:
        return 1.0 - np.asarray(self.model_.predict_batch(table).y_pred, np.float64)

    def as_learner(self) -> Anomaly:
        """Return a new learner with these settings for ``hw.evaluate`` and ``hw.Session``."""
        settings = {name: getattr(self, name) for name in ("neighbours", "hidden", "max_rows", "dtype")}
        return Anomaly(**settings, seed=seed_of(self))

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """Return the p-value of each row, shape (n,), smaller for more unusual rows."""
        check_is_fitted(self, "model_")
        return self._p_values(check_ask(self, X))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return ``score_samples`` less ``offset_``, negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return −1 for outliers and 1 for other rows, shape (n,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return tags
