"""What a private classifier says of rows, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.learner.schema import Response
from headwater.learner.schema.expected_cost import cheapest_of

__all__ = ["ask_private_classifier"]


def ask_private_classifier(learner: Any, rows: Any, *, costs: Mapping[Any, Any] | None) -> Response:
    """Return classes with their probabilities, with ``costs`` those whose mistakes are expected to cost least.

    Costs are chosen after the noise, so the promise stays as it is.
    """
    said = learner.predict_batch(rows)
    found = Response.of(said)
    if costs is None:
        return found
    return Response({**found.columns, "y_pred": cheapest_of(learner, said.proba, said.classes, costs)})
