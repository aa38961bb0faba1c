"""Issue actions of a bandit with an id, and learn their rewards by id."""

from __future__ import annotations

from functools import partial

import msgspec

from headwater.kinds.bandit.durable import act_request, as_reward, chosen_in
from headwater.learner.kind import check_can, kind_of
from headwater.serve.api.control import transitions
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.costs import Size, size_of
from headwater.serve.http.schemas import ActRequest, Reward, decoded
from headwater.store.journal.requests import LabelRequest

_act, _reward = msgspec.json.Decoder(ActRequest), msgspec.json.Decoder(Reward)


async def act(request: Request) -> Response:
    """Draw an action for a row and return its id, the action, and its probability.

    The id is on disk before the response is sent. For an agent it returns the action to take in a state, and stores nothing.
    """
    asked = decoded(_act.decode, await request.body(), "body")
    named = request.state.model(request.path.get("model", ""))
    if "control" in kind_of(named.champion.learner).can:
        return await transitions.act(request, asked)
    state, model = request.state, request.state.learning(request.path.get("model", ""))
    check_can(model.champion.learner, "acts", at=model.name)
    check_keys(model, [asked.x])
    offered = len(asked.actions or ()) or len(model.champion.learner.known_classes)
    own = size_of([asked.x])
    request.budget.charge_samples(Size(1, own.cells + offered, own.widest), model.price, learning=False)
    command = await state.waiters.run(partial(act_request, model, asked.x, asked.actions))
    await committed(request, command, 1)
    state.measures.given_out[model.id] += 1
    action, p = chosen_in(command)
    return json_response({"id": command.answers[0]["id"], "action": action, "p": p, "seq": command.predictions[0].seq})


async def reward(request: Request) -> Response:
    """Learn the reward of an earlier action."""
    asked = decoded(_reward.decode, await request.body(), "body")
    model = request.state.learning(request.path.get("model", ""))
    check_can(model.champion.learner, "acts", at=model.name)
    command = LabelRequest(model.id, asked.id, as_reward(asked.reward))
    await committed(request, command, 1)
    answer = dict(command.answers[0])
    answer["action"] = answer.pop("y_pred", None)
    return json_response(answer)


__all__ = ["act", "reward"]
