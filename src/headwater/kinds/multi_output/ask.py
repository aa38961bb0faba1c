"""What a multi-output learner says of rows, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.encode.rows import as_dicts
from headwater.learner.schema import Response, Wide
from headwater.learner.validation import as_samples, check_rows

__all__ = ["ask_outputs", "predicted_outputs"]


def ask_outputs(learner: Any, rows: Any, *, coverage: float | None) -> Response:
    """Return the prediction of each output, and its set or interval where a coverage is asked for."""
    said = Response.of(learner.predict_batch(rows))
    if coverage is None:
        return said
    samples = as_samples(rows)
    check_rows(samples)
    with learner.lock:
        found = [_inside(learner, x, coverage) for x in as_dicts(samples)]
    columns = {}
    for name in ("set", "low", "high"):
        outputs = tuple(dict.fromkeys(output for row in found for output, own in row.items() if name in own))
        if outputs:
            columns[name] = Wide(outputs, [[row[output].get(name) for output in outputs] for row in found])
    return Response({**said.columns, **columns})


def _inside(learner: Any, x: Any, coverage: float) -> dict[Any, dict[str, Any]]:
    """Return the set or the interval of each output."""
    return {name: member.ask([row], coverage=coverage).rows()[0] for name, member, row in learner.chained(x)}


def predicted_outputs(learner: Any, rows: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return each row's prediction by output, with the probabilities of its classes."""
    return [(learner.predict_one(x), learner.predict_proba_one(x)) for x in rows]
