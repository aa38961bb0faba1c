"""What a picture shows of a classifier or a regressor beside its layers."""

from __future__ import annotations

from typing import Any

from headwater.errors import DataError
from headwater.explain.stream import loss_importance
from headwater.learner.schema.pictures import Bars, Picture

__all__ = ["pictures_of"]

FEATURES = 8


def pictures_of(model: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return how much the loss rises without each feature, nothing before rows are kept."""
    try:
        rises = loss_importance(model)
    except DataError:
        return [Bars("what matters", {}, empty="No rows kept yet." if model.n_learned else "Nothing learned yet.")]
    shown = {str(name): rise for name, rise in list(rises.items())[:FEATURES]}
    return [Bars("what matters", shown, "rise of the loss without it")]
