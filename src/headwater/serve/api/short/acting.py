"""Short names for a choice and its outcome: issue an action with an id, and learn its reward by id."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.learner.kind import check_can, kind_of
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed
from headwater.serve.api.short import routing, transitions
from headwater.serve.endpoint import Request, Response, Size, json_response, size_of
from headwater.serve.http.schemas import ActRequest, Reward, decoded
from headwater.store.journal.requests import LabelRequest, PendingRequest

_act, _reward = msgspec.json.Decoder(ActRequest), msgspec.json.Decoder(Reward)


async def act(request: Request) -> Response:
    """Draw an action for a row and return its id, the action, and its probability.

    The id is on disk before the response is sent. For an agent it returns the action to take in a state, and stores nothing.
    """
    asked = decoded(_act.decode, await request.body(), "body")
    named = request.model()
    if "environment" in kind_of(named.champion.learner).can:
        return await transitions.act(request, asked)
    state, model = request.state, request.learning_model()
    check_can(model.champion.learner, "acts", at=model.name)
    check_keys(model, [asked.x])
    offered = len(asked.actions or ()) or len(model.champion.learner.known_classes)
    own = size_of([asked.x])
    request.budget.charge_samples(Size(1, own.cells + offered, own.widest), model.price, learning=False)
    question = {"actions": asked.actions}
    command = PendingRequest(model.id, await state.waiters.run(partial(model.issue, [asked.x], question)))
    await committed(request, command, 1)
    state.measures.given_out[model.id] += 1
    action, shares = command.predictions[0].predicted[model.champion.name]
    answer = {"id": command.answers[0]["id"], "action": action, "p": (shares or {}).get(action, 1.0)}
    return json_response({**answer, "seq": command.predictions[0].seq})


async def reward(request: Request) -> Response:
    """Learn the reward of an earlier action, or the quality and the cost of a router's choice."""
    asked = decoded(_reward.decode, await request.body(), "body")
    model = request.learning_model()
    learner, name = model.champion.learner, "action"
    told: Any = asked.reward
    if "routes" in kind_of(learner).can:
        told, name = routing.told_in(asked), "model"
    else:
        check_can(learner, "acts", at=model.name)
        if asked.reward is None or asked.quality is not None or asked.cost is not None:
            raise DataError(
                expected="a reward, and neither quality nor cost",
                got="other fields" if asked.reward is not None else "none",
                at="body $.reward",
                help="Send what came of the action. Qualities and costs are a router's.",
                code="invalid",
            )
    command = LabelRequest(model.id, asked.id, kind_of(learner).answer.read_late(told, learner))
    await committed(request, command, 1)
    answer = dict(command.answers[0])
    answer[name] = answer.pop("y_pred", None)
    return json_response(answer)


__all__ = ["act", "reward"]
