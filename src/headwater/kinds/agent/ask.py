"""What an agent says of states, as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.encode.rows import as_dicts
from headwater.learner.schema import Response
from headwater.learner.validation import as_samples, check_rows

__all__ = ["ask_agent", "take_action"]


def ask_agent(learner: Any, rows: Any, *, explore: bool) -> Response:
    """Return the action to take in each state, and what the state is worth."""
    samples = as_samples(rows)
    check_rows(samples)
    with learner.lock:
        said = [(learner.act(x, explore), learner.value(x)) for x in as_dicts(samples)]
    return Response({"action": [_plain(action) for action, _ in said], "value": [value for _, value in said]})


def take_action(learner: Any, x: Any, *, explore: bool = False) -> tuple[Any, None]:
    """Take an action in a state, whose outcome is learned later."""
    return _plain(learner.act(x, explore)), None


def _plain(action: Any) -> Any:
    return action.tolist() if isinstance(action, np.ndarray) else action
