"""What a picture shows of a private learner, which is what its weights say."""

from __future__ import annotations

from typing import Any

from headwater.kinds.private.explain import WITHOUT_BOUNDS, curve_importance
from headwater.learner.schema.pictures import Bars, Picture
from headwater.route.verdict.numbers import figure

__all__ = ["pictures_of"]

COLUMNS = 10


def pictures_of(model: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return how far the prediction moves with each column, from the weights alone, which are public.

    Scores are exact functions of labels, so none is drawn.
    """
    found = curve_importance(model) if model.n_learned else {}
    shown = {
        str(name).strip("()"): span for name, span in list(found.items())[:COLUMNS] if span or name != WITHOUT_BOUNDS
    }
    promise = f"ε = {figure(model.privacy.epsilon)}, δ = {figure(model.privacy.delta)}"
    return [Bars(f"how far each column moves the prediction ({promise})", shown, "span of its weights")]
