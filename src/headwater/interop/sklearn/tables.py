"""Validate scikit-learn input by its own rules and convert it to a form that a learner takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array, check_consistent_length, get_tags
from sklearn.utils.validation import column_or_1d, validate_data

from headwater.encode.sparse import SparseRows, sparse_rows
from headwater.streams.readers.frame_rows import is_frame

ARRAY, SPARSE, TABLE = "array", "sparse", "table"
"""Kind of input an estimator was fitted on: dense numbers, sparse numbers (0 is absent), or columns of any type."""
RULES: dict[str, Any] = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}


def check_fit(
    estimator: Any, X: Any, y: Any, *, reset: bool, numeric: bool, several: bool = False
) -> tuple[Any, NDArray[Any]]:
    """Return validated rows and labels to learn from.

    ``reset`` sets the schema; without it the input must match the known one. Labels in one column are flattened, unless ``several``
    columns are expected.

    Raises
    ------
    ValueError
        With scikit-learn's own messages.
    """
    if y is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    if reset:
        estimator.fitted_on_ = ARRAY
    if _is_mixed(X):
        table = _mixed(estimator, X, reset=reset)
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=estimator)
        check_consistent_length(X, y)
    else:
        X, y = validate_data(estimator, X, y, reset=reset, multi_output=True, y_numeric=numeric, **_rules(estimator))
        if reset and not isinstance(X, np.ndarray):
            estimator.fitted_on_ = SPARSE
        table = _as_fitted(estimator, X)
    if y.ndim == 2 and y.shape[1] == 1 and not several:
        y = column_or_1d(y, warn=True)
    return table, y


def check_rows(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Return validated rows to learn from without labels, setting the schema with ``reset``."""
    if reset:
        estimator.fitted_on_ = ARRAY
    if _is_mixed(X):
        return _mixed(estimator, X, reset=reset)
    X = validate_data(estimator, X, reset=reset, **_rules(estimator))
    if reset and not isinstance(X, np.ndarray):
        estimator.fitted_on_ = SPARSE
    return _as_fitted(estimator, X)


def check_ask(estimator: Any, X: Any) -> Any:
    """Return rows to predict, after checking that they have the fitted columns."""
    if _is_mixed(X):
        return _mixed(estimator, X, reset=False)
    return _as_fitted(estimator, validate_data(estimator, X, reset=False, **_rules(estimator)))


def names_of(y: Any) -> list[Any]:
    """Return the names of the columns of a data frame, [] of anything else."""
    return list(nw.from_native(y, eager_only=True).columns) if is_frame(y) else []


def take(X: Any, rows: NDArray[np.int64]) -> Any:
    """Return the given rows of a table, in that order."""
    if isinstance(X, np.ndarray):
        return X[rows]
    if isinstance(X, SparseRows):
        return X.take(rows)
    if isinstance(X, Sequence):
        return [X[i] for i in rows.tolist()]
    return nw.from_native(X, eager_only=True)[rows].to_native()


def _rules(estimator: Any) -> dict[str, Any]:
    """Return what is checked of a table of numbers, which may be sparse if the estimator's tags say so."""
    return {**RULES, "accept_sparse": "csr" if get_tags(estimator).input_tags.sparse else False}


def _is_mixed(X: Any) -> bool:
    """Return whether X has non-numeric columns (a data frame, or an object array that holds texts)."""
    if isinstance(X, np.ndarray):
        return X.ndim == 2 and X.dtype.kind in "OU" and any(isinstance(value, str) for value in X.flat)
    if not is_frame(X):
        return False
    dtypes = nw.from_native(X, eager_only=True).schema.values()
    return any(not (dtype.is_numeric() or dtype == nw.Boolean) for dtype in dtypes)


def _mixed(estimator: Any, X: Any, *, reset: bool) -> Any:
    """Validate names and number of columns only, leaving the values to the learner's own rules."""
    if reset:
        estimator.fitted_on_ = TABLE
    elif estimator.fitted_on_ != TABLE:
        raise ValueError(
            f"expected columns of numbers, as {type(estimator).__name__} was fitted on, got texts or dates — at X. "
            "Fit on such columns, or encode them."
        )
    validate_data(estimator, X, skip_check_array=True, reset=reset)
    if not len(X):
        raise ValueError(f"Found array with 0 sample(s) (shape={X.shape}) while a minimum of 1 is required.")
    return _dicts(X) if isinstance(X, np.ndarray) else X


def _as_fitted(estimator: Any, X: Any) -> Any:
    """Convert numbers to the form fitted on, so that the meaning of 0 doesn't depend on how a matrix is stored."""
    if estimator.fitted_on_ == SPARSE:
        return _sparse(X)
    dense = X if isinstance(X, np.ndarray) else X.toarray()
    if estimator.fitted_on_ == ARRAY:
        return dense
    names = getattr(estimator, "feature_names_in_", None)
    return _dicts(dense, None if names is None else names.tolist())


def _sparse(X: Any) -> SparseRows:
    """Return the nonzero values of a matrix."""
    if isinstance(X, np.ndarray):
        rows, columns = np.nonzero(X)
        ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(X)))])
        return SparseRows(ends, columns, X[rows, columns])
    return sparse_rows(X)


def _dicts(X: NDArray[Any], names: list[Any] | None = None) -> list[dict[Any, Any]]:
    """Return the rows of an array as dicts."""
    names = names or [f"x{j}" for j in range(X.shape[1])]
    return [dict(zip(names, row, strict=True)) for row in X.tolist()]
