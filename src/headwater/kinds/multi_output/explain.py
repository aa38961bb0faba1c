"""Explain the prediction of each output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import DataError
from headwater.explain import Explanation, explain_one
from headwater.explain.stream import loss_importance
from headwater.learner.base import at_one_moment
from headwater.learner.validation import check_sample

from .learner import MultiOutput

__all__ = ["explain_outputs", "outputs_importance"]


@at_one_moment
def explain_outputs(
    model: MultiOutput, x: Mapping[Any, Any], *, method: str = "integrated_gradients"
) -> dict[Any, Explanation]:
    """Attribute each output's prediction to the features, which include earlier outputs."""
    check_sample(x)
    return {name: explain_one(member, row, method=method) for name, member, row in model.chained(x)}


@at_one_moment
def outputs_importance(model: MultiOutput, method: str | None = None) -> dict[Any, float]:
    """Return by how much the loss of each output rises without each feature, by (output, feature), the largest first.

    Features include the predictions of earlier outputs.

    Raises
    ------
    DataError
        If nothing has been learned.
    """
    if not model.members:
        raise DataError(
            expected="a multi-output learner that has learned",
            got="one that has seen no label",
            at="importance of MultiOutput",
            help="Let it learn some rows first.",
            code="not_learned",
        )
    found = {
        (name, feature): rise
        for name, member in model.members.items()
        for feature, rise in loss_importance(member, method).items()
    }
    return dict(sorted(found.items(), key=lambda item: -item[1]))
