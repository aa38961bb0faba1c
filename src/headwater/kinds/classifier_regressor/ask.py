"""What a classifier and a regressor say of rows, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from headwater.errors import TargetError
from headwater.learner.schema import Response
from headwater.learner.schema.labels import values_of
from headwater.types import Lazy

__all__ = ["ask_classifier", "ask_regressor", "names_in", "predicted_classes", "predicted_numbers"]

_CHEAPEST = Lazy("headwater.learner.schema.expected_cost:cheapest_of")


def ask_classifier(learner: Any, rows: Any, *, coverage: float | None, costs: Mapping[Any, Any] | None) -> Response:
    """Return classes with their probabilities, and sets where a coverage is asked for."""
    predictions = learner.predict_batch(rows)
    said = Response.of(predictions)
    if costs is not None:
        said = Response({**said.columns, "y_pred": _CHEAPEST(learner, predictions.proba, predictions.classes, costs)})
    if coverage is None:
        return said
    return Response({**said.columns, "set": _sets(learner, rows, coverage)})


def _sets(learner: Any, rows: Any, coverage: float) -> list[list[Any]]:
    """Return the set of each row, classes in the order in which they appeared."""
    found = learner.predict_set_many(rows, coverage)
    return [[label for label in learner.known_classes if label in one] for one in found]


def ask_regressor(learner: Any, rows: Any, *, coverage: float | None, guarantee: str | None) -> Response:
    """Return numbers, and intervals where a coverage is asked for."""
    said = Response.of(learner.predict_batch(rows))
    if coverage is None:
        return said
    ends = np.asarray(learner.predict_interval_many(rows, coverage, guarantee=guarantee)).reshape(-1, 2)
    return Response({**said.columns, "low": ends[:, 0], "high": ends[:, 1]})


def predicted_classes(learner: Any, rows: Sequence[Any]) -> list[tuple[Any, dict[Any, float] | None]]:
    """Return the class of each row with all probabilities, faster for a single row than a batch of one."""
    if len(rows) == 1:
        shares = [learner.predict_proba_one(rows[0])]
    else:
        said = learner.predict_batch(rows)
        table = [[]] * len(rows) if said.proba is None else said.proba.tolist()
        shares = [dict(zip(said.classes, row, strict=True)) for row in table]
    return [(max(row, key=row.__getitem__) if row else None, row) for row in shares]


def predicted_numbers(learner: Any, rows: Sequence[Any]) -> list[tuple[Any, None]]:
    """Return the number of each row, faster for a single row than a batch of one."""
    if len(rows) == 1:
        return [(float(learner.predict_one(rows[0])), None)]
    return [(value, None) for value in values_of(learner.predict_batch(rows))]


def names_in(learner: Any, labels: Sequence[Any], known: Set[Any]) -> set[Any]:
    """Return the classes in labels.

    Raises
    ------
    TargetError
        If there are more than two for a loss of two classes.
    """
    found = {label for label in labels if label is not None and label == label}
    if learner.loss == "binary_cross_entropy" and found - known and len(known | found) > 2:
        raise TargetError(
            expected="one of two classes",
            got=", ".join(sorted(map(repr, known | found))),
            at="y",
            help="The loss binary_cross_entropy has two classes. Create a model with cross_entropy for more.",
        )
    return found
