"""What a bandit says of rows, as columns."""

from __future__ import annotations

from typing import Any

from headwater.encode.rows import as_dicts
from headwater.kinds.bandit.decision import drawn, plain_actions
from headwater.learner.schema import Response, Wide
from headwater.learner.validation import as_samples, check_rows

__all__ = ["ask_bandit", "draw_action"]


def ask_bandit(learner: Any, rows: Any, *, actions: Any) -> Response:
    """Return each row's best action with probabilities and expected rewards, without drawing one.

    Raises
    ------
    DataError
        If what is offered can't be actions.
    """
    if actions is None:
        return Response.of(learner.predict_batch(rows))
    samples = as_samples(rows)
    check_rows(samples)
    with learner.lock:
        found = [(learner.probabilities(x, actions), learner.expected_rewards(x, actions)) for x in as_dicts(samples)]
    names = tuple(dict.fromkeys(actions))
    return Response(
        {
            "y_pred": [max(names, key=expected.__getitem__) for _, expected in found],
            "proba": Wide(names, [[p[name] for name in names] for p, _ in found]),
            "expected": Wide(names, [[expected[name] for name in names] for _, expected in found]),
        }
    )


def draw_action(learner: Any, x: Any, *, actions: Any = None) -> tuple[Any, ...]:
    """Draw an action for a row, by the operating system's random numbers, with the probability of each on offer.

    Where actions have features, these follow.

    Raises
    ------
    DataError
        If there are no actions, or one can't be journaled.
    """
    offer = None if actions is None else plain_actions(actions)
    p: dict[Any, float] = learner.probabilities(x, offer)
    return (drawn(p), p, offer) if isinstance(offer, dict) else (drawn(p), p)
