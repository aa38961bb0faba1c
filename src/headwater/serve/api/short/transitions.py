"""Actions of an agent, and the transitions they led to."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.learner.kind import check_can
from headwater.serve.api.learning import committed, read_rows, rows_response
from headwater.serve.api.predicting import apart
from headwater.serve.endpoint import Request, Response, json_response, size_of
from headwater.serve.http.schemas import ActRequest, Body, Transition
from headwater.store.journal.events import JournalEvent
from headwater.store.journal.requests import LearnRequest

_TRANSITION = Body(Transition)


async def act(request: Request, asked: ActRequest) -> Response:
    """Return an agent's action in a state, without changing anything."""
    model = request.model()
    request.budget.charge_samples(size_of([asked.x]), model.price, learning=False)

    def taken() -> tuple[Any, int]:
        with model.lock:
            return model.champion.learner.act(asked.x, asked.explore), model.seq

    action, seq = await request.state.waiters.run(taken)
    return json_response({"action": action.tolist() if isinstance(action, np.ndarray) else action, "seq": seq})


async def learn_transitions(request: Request) -> Response:
    """Learn transitions, all of a request or none, replying once they are durable and learned."""
    rows, shape, _ = await read_rows(request, _TRANSITION)
    state, model = request.state, request.learning_model()
    check_can(model.champion.learner, "environment", at=model.name)
    n = len(rows)
    size = await apart(state, request.budget, n, lambda: size_of(x for row in rows for x in (row.x, row.next or {})))
    request.budget.charge_samples(size, model.price, learning=True)
    command = await apart(state, request.budget, n, lambda: LearnRequest(model.id, [_event(row) for row in rows]))
    if rows:
        await committed(request, command, n)
    return await apart(state, request.budget, n, lambda: rows_response(command.answers, shape, _shown))


def _event(row: Transition) -> JournalEvent:
    what = {"action": row.action, "reward": row.reward, "next": row.next}
    ends = {"terminated": row.terminated, "truncated": row.truncated}
    return JournalEvent(row.x, what | ends, None if row.w == 1.0 else row.w, row.id)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a transition, with the state's value before it was learned."""
    return {"value" if name == "y_pred" else name: value for name, value in row.items()}


__all__ = ["act", "learn_transitions"]
