"""Explanation of a sample's prediction or score, by feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.learner.kind import check_can, kind_of
from headwater.serve.http.schemas import label_key


def explanation(learner: Any, x: dict[str, Any], target: Any, horizon: int | None) -> dict[str, Any]:
    """Return the explanation of a sample's prediction as JSON values.

    Parameters
    ----------
    learner : learner
        A learner of any kind with explanations.
    x : dict
        The sample.
    target : label, optional
        The class or the action to explain.
    horizon : int, optional
        The horizon, for a forecaster.
    """
    how: dict[str, Any] = {}
    acts = "acts" in kind_of(learner).can
    for name, given, ability in (("target", target, "acts" if acts else "classes"), ("horizon", horizon, "ahead")):
        if given is not None:
            check_can(learner, ability, at=name)
            how["action" if acts else name] = given
    why = learner.explain_one(x, **how)
    if "outputs" in kind_of(learner).can:
        return {"outputs": {label_key(name): _of_output(own) for name, own in why.items()}}
    return {"contributions": parts_as_json(why)} if isinstance(why, Mapping) else _of_output(why)


def _of_output(why: Any) -> dict[str, Any]:
    about = {"prediction": why.prediction, "baseline": why.baseline}
    named = {} if why.target is None else {"target": label_key(why.target)}
    return {**about, **named, "contributions": parts_as_json(why.contributions)}


def parts_as_json(parts: Mapping[Any, float]) -> dict[str, float]:
    """Return the contributions by feature name, largest first."""
    largest = sorted(parts.items(), key=lambda item: -abs(item[1]))
    return {name if isinstance(name, str) else label_key(name): float(f"{part:.6g}") for name, part in largest}


__all__ = ["explanation", "parts_as_json"]
