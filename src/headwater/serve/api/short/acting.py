"""Short names for a choice and its outcome: issue an action with an id, and learn its reward by id."""

from __future__ import annotations

from functools import partial

import msgspec

from headwater.learner.kind import check_can, kind_of
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed
from headwater.serve.api.short import transitions
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.costs import Size, size_of
from headwater.serve.http.schemas import ActRequest, Reward, decoded
from headwater.store.journal.requests import LabelRequest, PendingRequest

_act, _reward = msgspec.json.Decoder(ActRequest), msgspec.json.Decoder(Reward)


async def act(request: Request) -> Response:
    """Draw an action for a row and return its id, the action, and its probability.

    The id is on disk before the response is sent. For an agent it returns the action to take in a state, and stores nothing.
    """
    asked = decoded(_act.decode, await request.body(), "body")
    named = request.state.model(request.path.get("model", ""))
    if "environment" in kind_of(named.champion.learner).can:
        return await transitions.act(request, asked)
    state, model = request.state, request.state.learning(request.path.get("model", ""))
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
    """Learn the reward of an earlier action."""
    asked = decoded(_reward.decode, await request.body(), "body")
    model = request.state.learning(request.path.get("model", ""))
    check_can(model.champion.learner, "acts", at=model.name)
    learner = model.champion.learner
    command = LabelRequest(model.id, asked.id, kind_of(learner).answer.read_late(asked.reward, learner))
    await committed(request, command, 1)
    answer = dict(command.answers[0])
    answer["action"] = answer.pop("y_pred", None)
    return json_response(answer)


__all__ = ["act", "reward"]
