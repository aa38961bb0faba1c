"""Explain the prediction of each output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.explain import Explanation, explain_one
from headwater.learner.base import at_one_moment
from headwater.learner.validation import check_sample

from .learner import MultiOutput

__all__ = ["explain_outputs"]


@at_one_moment
def explain_outputs(
    model: MultiOutput, x: Mapping[Any, Any], *, method: str = "integrated_gradients"
) -> dict[Any, Explanation]:
    """Attribute each output's prediction to the features, which include earlier outputs."""
    check_sample(x)
    return {name: explain_one(member, row, method=method) for name, member, row in model.chained(x)}
