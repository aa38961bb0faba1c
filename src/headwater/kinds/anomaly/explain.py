"""Explain anomaly scores by the contribution of each column to the raw score of the pool.

The raw score is Σ w_d·(−ln p_d) over the detectors d. Each detector's part is divided among the columns in proportion to their
contributions to its own raw score r_d::

    c_j = Σ_d w_d·(−ln p_d) · r_dj / r_d

with r_dj = z_j²/n for the z-norm, the squared difference to the nearest rows, (ẑ_j − z_j)²/n for the autoencoder, and the
surprise −ln(share of rows) of a category. A detector with r_d = 0 adds nothing, so the contributions sum to the raw score. The
part of names that share a row of a full table belongs to no column and is the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.encode.seen import Column
from headwater.encode.values import as_text, missing
from headwater.encode.vocabulary import CATEGORY
from headwater.errors import DataError
from headwater.explain.explanation import Explanation
from headwater.explain.sensitivity import embedding_sizes, sensitivity
from headwater.kinds.anomaly.learner import Anomaly
from headwater.learner.base import at_one_moment
from headwater.learner.validation import check_sample

__all__ = ["explain_anomaly", "score_importance"]


@at_one_moment
def explain_anomaly(model: Anomaly, x: Mapping[Any, Any]) -> Explanation:
    """Attribute a row's raw score to its columns, without changing anything.

    Parameters
    ----------
    model : Anomaly
        A trained model.
    x : dict
        The row.

    Returns
    -------
    Explanation
        ``prediction`` is the raw score, and ``contributions`` are by column, largest first. They include a column that the row lacks
        if the nearest rows have it.

    Raises
    ------
    DataError
        If nothing has been learned yet.

    Examples
    --------
    >>> model = Anomaly(seed=1)
    >>> for i in range(500):
    ...     model.learn_one({"a": float(i % 10), "b": float(i % 7)})
    >>> why = explain_anomaly(model, {"a": 5.0, "b": 60.0})
    >>> why.top(1)[0][0], abs(why.rest) < 1e-9
    ('b = 60', True)
    """
    engine = model.engine
    if engine is None or not engine.learned:
        raise DataError(
            expected="a detector that has learned",
            got="one that has seen no row",
            at="Anomaly",
            help="Call learn_one first.",
        )
    check_sample(x)
    columns, x = engine.columns, model.as_read(x)
    score, of_new, parts = engine.core.learner.contributions_one(x)
    names = _names_of_rows(columns, engine.core.array("slot_row").tolist(), embedding_sizes(engine))
    found: dict[Any, float] = dict.fromkeys(x, 0.0)
    for row, part in parts:
        if row in names:
            found[names[row]] = found.get(names[row], 0.0) + part
    for name, value in x.items():
        if not missing(value) and _is_new(columns.get(name), value):
            found[name] += of_new
    ranked = dict(sorted(found.items(), key=lambda item: -item[1]))
    return Explanation(score, score - sum(ranked.values()), ranked, dict(x), method="pool", of="score")


def score_importance(model: Anomaly, method: str | None = None) -> dict[Any, float]:
    """Return how much the raw score moves with each column."""

    def says(rows: Sequence[Mapping[Any, Any]]) -> NDArray[np.float64]:
        engine = model.engine or model.new_engine()
        return np.array([[engine.core.learner.contributions_one(x)[0]] for x in rows], np.float64)

    return sensitivity(model, method, outputs=says)


def _names_of_rows(columns: Mapping[Any, Column], row_of_slot: list[int], sizes: Mapping[Any, int]) -> dict[int, Any]:
    """Return the column of each table row. ``sizes`` are those of embeddings."""
    names: dict[int, Any] = {}
    for name, column in columns.items():
        one = range(column.slot, column.slot + sizes.get(name, 1))
        slots = column.parts or (one if column.slot >= 0 else ())
        names |= {row_of_slot[slot]: name for slot in slots}
        names |= dict.fromkeys(column.values.values(), name)
    return names


def _is_new(column: Column | None, value: Any) -> bool:
    """Return whether a column, or a category in it, was never seen."""
    return column is None or (column.kind == CATEGORY and as_text(value) not in column.values)
