"""Compare one model for all rows with one model a key on the same first rows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.values import as_key, missing
from headwater.errors import ConfigError, DataError
from headwater.kinds.fleet import Fleet
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import HasKind, kind_of
from headwater.route.verdict.numbers import figure

__all__ = ["CATEGORY", "ENOUGH", "FLEET", "LEAST", "POOLED", "Advice", "advise", "keys_in"]

POOLED, CATEGORY, FLEET = "pooled", "category", "fleet"
"""The forms that are compared, the simplest first."""
LEAST = 200
"""Rows that a comparison needs."""
ENOUGH = 30
"""Mean rows of a key below which a member has not learned enough to be compared."""
_BLOCK = 512
_PIECES = 50
"""Pieces of the compared rows whose means give the standard error, since neighbouring rows' errors are alike."""
_NAME_IT = "Name the form: a column for one model a key, or none."
_CLEAR = 2.0
"""Standard errors by which a form must be better than a simpler one."""


@dataclass(frozen=True)
class Advice:
    """Result of comparing one model for all rows with one model a key.

    Parameters
    ----------
    key : str
        The key column.
    form : str
        ``"pooled"`` (one model that doesn't read the key), ``"category"`` (one model that reads the key as a category) or
        ``"fleet"`` (one model a key).
    metric : str
        ``"accuracy"`` or ``"mae"``.
    scores : dict
        The metric of each form that was compared, over the last ``compared`` rows.
    rows, compared : int
        Rows that were predicted and learned, and those of them that are scored, the later half.
    keys : int
        Number of keys among the rows.
    reason : str
        Why this form, as a sentence.
    """

    key: str
    form: str
    metric: str
    scores: dict[str, float]
    rows: int
    compared: int
    keys: int
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return the advice as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.metric} over rows {self.rows - self.compared + 1:,} to {self.rows:,}, each predicted and then learned:"
        ]
        for form, score in self.scores.items():
            lines.append(f"{'→' if form == self.form else ' '} {self.shown(score):>9}  {self._said(form)}")
        return "\n".join([*lines, self.reason])

    def shown(self, score: float) -> str:
        """Return a score as it is printed."""
        return f"{score:.2%}" if self.metric == "accuracy" else figure(score)

    def _said(self, form: str) -> str:
        return {
            POOLED: f"one model, without {self.key}",
            CATEGORY: f"one model, {self.key} as a category",
            FLEET: f"one model for each of {self.keys:,} values of {self.key}",
        }[form]


def advise(make: Any, key: str, X: Any, y: Sequence[Any], *, as_category: Any = None) -> Advice:
    """Compare the three forms on the same rows, each predicted before it is learned.

    Parameters
    ----------
    make : learner or callable
        What each form begins as, as `Fleet` takes it.
    key : str
        The key column.
    X : list of dict, array (n, d) or data frame
        The first rows.
    y : sequence (n,)
        Their labels. Rows without one are left out.
    as_category : like X, optional
        The rows with the key as one model shall read it. Without them keys that are no texts become texts.

    Raises
    ------
    ConfigError
        If the learner is neither a classifier nor a regressor.
    DataError
        If there are too few rows, or none has a key.
    """
    new, labels = _maker(make), list(y)
    task = kind_of(new()).task
    if task not in ("classify", "regress"):
        raise ConfigError(
            expected="a classifier or a regressor", got=f"a learner of {task}", at="advise of Fleet", help=_NAME_IT
        )
    known = [i for i, label in enumerate(labels) if not missing(label)]
    rows, labels = _picked(X, known), [labels[i] for i in known]
    typed = [_typed(row, key) for row in rows] if as_category is None else _picked(as_category, known)
    keys = {as_key(row.get(key)) for row in rows} - {...}
    _check(key, len(rows), len(keys))
    runs: dict[str, tuple[Callable[[], Any], list[dict[Any, Any]]]] = {
        POOLED: (new, [{name: value for name, value in row.items() if name != key} for row in rows]),
        CATEGORY: (new, typed),
        FLEET: (lambda: Fleet(new, key), rows),
    }
    if len(rows) < ENOUGH * len(keys):
        del runs[FLEET]
    errors = {form: _errors(begin(), given, labels, task) for form, (begin, given) in runs.items()}
    metric = "mae" if task == "regress" else "accuracy"
    scores = {form: float(error.mean() if metric == "mae" else 1 - error.mean()) for form, error in errors.items()}
    form = _simplest(errors)
    compared = len(next(iter(errors.values())))
    reason = _reason(form, key, scores, len(rows) / len(keys))
    return Advice(key, form, metric, scores, len(rows), compared, len(keys), reason)


def keys_in(rows: Sequence[Mapping[Any, Any]]) -> list[str]:
    """Return the columns that may be keys: texts and whole numbers with two values or more and `ENOUGH` rows a value.

    Texts come first, then columns with more values.

    Examples
    --------
    >>> keys_in([{"machine": f"m{i % 3}", "load": i / 7, "state": "on"} for i in range(90)])
    ['machine']
    """
    found = []
    for name in dict.fromkeys(name for row in rows for name in row):
        values = {as_key(value) for row in rows if not missing(value := row.get(name))}
        texts = all(type(value) is str for value in values)
        if 2 <= len(values) <= len(rows) // ENOUGH and (texts or all(map(_is_whole, values))):
            found.append((not texts, -len(values), name))
    return [name for *_, name in sorted(found)]


def _is_whole(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


def _maker(make: Any) -> Callable[[], Any]:
    if callable(make) and not isinstance(make, HasKind):
        return make  # type: ignore[no-any-return]
    return lambda: copy.deepcopy(make)


def _picked(X: Any, known: Sequence[int]) -> list[dict[Any, Any]]:
    rows = as_list(X)
    return [dict(rows[i]) for i in known]


def _typed(row: Mapping[Any, Any], key: str) -> dict[Any, Any]:
    value = as_key(row.get(key))
    if value is ... or type(value) is str:
        return dict(row)
    return {**row, key: str(int(value) if _is_whole(value) else value)}


def _check(key: str, rows: int, keys: int) -> None:
    if rows < LEAST:
        got = f"{rows:,}"
        raise DataError(
            expected=f"at least {LEAST} rows with labels", got=got, at="advise of Fleet", help="Give more rows."
        )
    if not keys:
        raise DataError(
            expected=f"rows with a key in {key}", got="none", at="advise of Fleet", help="Name a column with keys."
        )


def _errors(learner: Any, rows: list[dict[Any, Any]], labels: list[Any], task: str) -> NDArray[np.float64]:
    """Return the error of each prediction of the later half of the rows, made before the row was learned."""
    predicted: list[Any] = []
    for at in range(0, len(rows), _BLOCK):
        predicted += list(learner.step_many(rows[at : at + _BLOCK], labels[at : at + _BLOCK]).y_pred)
    later = range(len(rows) // 2, len(rows))
    if task == "regress":
        return np.array([abs(float(predicted[i]) - float(labels[i])) for i in later])
    return np.array([float(predicted[i] != labels[i]) for i in later])


def _simplest(errors: Mapping[str, NDArray[np.float64]]) -> str:
    """Return the simplest form that no other is clearly better than."""
    form = POOLED
    for other in errors:
        if other != form and _is_clearly_less(errors[other], errors[form]):
            form = other
    return form


def _is_clearly_less(errors: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    """Say whether errors are less than others of the same rows by more than `_CLEAR` standard errors."""
    pieces = np.array([piece.mean() for piece in np.array_split(others - errors, _PIECES)])
    return bool(pieces.mean() > _CLEAR * pieces.std(ddof=1) / math.sqrt(_PIECES) > 0)


def _reason(form: str, key: str, scores: Mapping[str, float], rows_a_key: float) -> str:
    if FLEET not in scores:
        what = f"{rows_a_key:.1f} rows a key are too few to compare models of their own ({ENOUGH} are needed)"
        return f"{what}; of the others the simplest that none is clearly better than."
    if form == FLEET:
        return f"The keys differ: one model a key is clearly better after {rows_a_key:,.0f} rows a key."
    return f"The simplest that no other is clearly better than, after {rows_a_key:,.0f} rows a key."
