"""What a picture shows of a learner of several outputs."""

from __future__ import annotations

from typing import Any

from headwater.errors import DataError
from headwater.explain.stream import loss_importance
from headwater.learner.kind import kind_of
from headwater.learner.schema.pictures import Bars, Picture
from headwater.learner.validation import check_sample

__all__ = ["pictures_of"]

OUTPUTS, FEATURES, CLASSES = 6, 6, 8
"""How many are drawn."""


def pictures_of(model: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return a picture of each output: how much its features matter, or what it predicts of a row.

    Parameters
    ----------
    model : MultiOutput
        The learner, kept from others by the caller.
    score : OutputsScore, optional
        Its score, of which nothing more is drawn.
    x : dict, optional
        A row to predict.
    """
    if x is not None:
        check_sample(x)
        return _predicted(model, x)
    members = list(model.members.items())[:OUTPUTS]
    found: list[Picture] = []
    for name, member in members:
        try:
            rises = loss_importance(member)
        except DataError:  # none of its rows is kept yet
            rises = {}
        shown = {_named(feature): rise for feature, rise in list(rises.items())[:FEATURES]}
        found.append(Bars(f"{name}: what matters", shown, "rise of the loss without it", empty="No rows kept yet."))
    return found or [Bars("outputs", {})]


def _predicted(model: Any, x: Any) -> list[Picture]:
    """Return the probabilities of each output of classes, and the number of each other."""
    said, proba = model.predict_one(x), model.predict_proba_one(x)
    found: list[Picture] = []
    for name, member in list(model.members.items())[:OUTPUTS]:
        if "classes" in kind_of(member).can:
            ranked = sorted(proba[name].items(), key=lambda one: -one[1])[:CLASSES]
            found.append(Bars(f"{name}: probability of each class", {str(y): p for y, p in ranked}, percent=True))
        else:
            found.append(Bars(f"{name}: prediction", {str(name): said[name]}))
    return found or [Bars("outputs", {})]


def _named(feature: Any) -> str:
    """Return a feature's name, that of an earlier output's prediction without what marks it."""
    return " ".join(map(str, feature)) if isinstance(feature, tuple) else str(feature)
