"""Explanation of a sample's prediction or score, by feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import ConfigError
from headwater.explain.explanation import Explanation
from headwater.learner.kind import kind_of
from headwater.serve.background.history import ColumnImportance, most_important
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

    Raises
    ------
    ConfigError
        If the kind's explanation has no such field.
    """
    fields, how = {field.name: field for field in kind_of(learner).explained}, dict[str, Any]()
    for name, given in (("target", target), ("horizon", horizon)):
        own = next((one for one in fields if name == "target" and one in ("action", "model")), name)
        if given is not None and own not in fields:
            raise ConfigError(
                expected=f"an explanation with {' or '.join(fields)}" if fields else "an explanation of a row alone",
                got=f"{name}={given!r:.60}",
                at=name,
                help="Leave it out.",
                code="kind",
            )
        how |= {} if given is None else {own: fields[own].read(given)}
    why = learner.explain_one(x, **how)
    if not isinstance(why, Mapping):
        return _of_output(why)
    if all(isinstance(own, Explanation) for own in why.values()):
        return {"outputs": {label_key(name): _of_output(own) for name, own in why.items()}}
    return {"contributions": parts_as_json(why)}


def _of_output(why: Any) -> dict[str, Any]:
    about = {"prediction": why.prediction, "baseline": why.baseline}
    named = {} if why.target is None else {"target": label_key(why.target)}
    return {**about, **named, "contributions": parts_as_json(why.contributions)}


def importances(learner: Any, most: int) -> list[ColumnImportance]:
    """Return the most important features, by how far the outputs move with them or the loss rises without them."""
    return most_important(learner.importance(), most)


def parts_as_json(parts: Mapping[Any, float]) -> dict[str, float]:
    """Return the contributions by feature name, largest first."""
    largest = sorted(parts.items(), key=lambda item: -abs(item[1]))
    return {name if isinstance(name, str) else label_key(name): float(f"{part:.6g}") for name, part in largest}


__all__ = ["explanation", "importances", "parts_as_json"]
