"""What a router says of prompts, and what it takes note of between their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.encode.rows import as_dicts
from headwater.kinds.bandit.decision import drawn
from headwater.learner.schema import Response, Wide
from headwater.learner.validation import as_samples, check_rows
from headwater.store.journal.events import OFFER

__all__ = ["ask_router", "draw_model", "take_note"]


def ask_router(learner: Any, rows: Any, *, tokens: float | None) -> Response:
    """Return each prompt's most probable model with probabilities, expected qualities and costs, without choosing one."""
    if not learner.models:
        return Response.of(learner.predict_batch(rows))
    samples = as_samples(rows)
    check_rows(samples)
    with learner.lock:
        found = [learner.weigh(x, tokens) for x in as_dicts(samples)]
    names = tuple(learner.models)
    return Response(
        {
            "y_pred": [names[max(range(len(names)), key=one.p.__getitem__)] for one in found],
            "proba": Wide(names, [one.p for one in found]),
            "expected": Wide(names, [one.qualities for one in found]),
            "cost": Wide(names, [one.costs for one in found]),
        }
    )


def draw_model(learner: Any, x: Any, *, tokens: float | None = None) -> tuple[Any, ...]:
    """Draw a model for a prompt's features, by the operating system's random numbers.

    Returns
    -------
    model, p, expected
        The model, the probability of each, and what ``take_note`` and the outcome need: the expected quality and cost, what the price
        says of the tokens, and the tokens.
    """
    found = learner.weigh(x, tokens)
    p = dict(zip(found.models, found.p, strict=True))
    model = drawn(p)
    i = found.models.index(model)
    return model, p, [found.qualities[i], found.costs[i], found.listed[i], tokens]


def take_note(learner: Any, x: dict[Any, Any], said: Mapping[str, Any] | None) -> None:
    """Count a choice as it was stored, or, where nothing was said, change prices and budget."""
    if said is None:
        learner.change(x)
        return
    model, _ = next(iter(said.values()))
    _, cost, _, tokens = said[OFFER][0]
    with learner.lock:
        learner.count(x, model, cost, tokens)
