"""Ask for labels within a budget, and hand the rows out to people, each to one at a time."""

from __future__ import annotations

from functools import partial

import msgspec

from headwater.learner.kind import check_can
from headwater.serve.api.asking import as_json
from headwater.serve.api.learning import committed
from headwater.serve.endpoint import Request, Response, json_response, size_of
from headwater.serve.http.schemas import Consider, Release, decoded

_consider, _release = msgspec.json.Decoder(Consider), msgspec.json.Decoder(Release)


async def should_label(request: Request) -> Response:
    """Decide whether a row is worth a label, and if so let it wait for one, durable before the response."""
    asked = decoded(_consider.decode, await request.body(), "body")
    state, model = request.state, request.learning_model()
    check_can(model.champion.learner, "labels", at=model.name)
    request.budget.charge_samples(size_of([asked.x]), model.price, learning=False)
    labeling = state.service.labeling(model)
    command = await state.waiters.run(partial(labeling.consider, asked.x, asked.budget))
    if command is None:
        return json_response({"label": False})
    await committed(request, command, 1)
    state.measures.given_out[model.id] += 1
    return json_response({"label": True, "id": labeling.kept(command), "p": labeling.budget.probability})


async def next_label(request: Request) -> Response:
    """Hand out the oldest row that waits for a label and that nobody has, for five minutes."""
    model = request.learning_model()
    check_can(model.champion.learner, "labels", at=model.name)
    labeling = request.state.service.labeling(model)
    task = await request.state.waiters.run(labeling.next)
    classes = list(model.champion.learner.known_classes)
    if task is None:
        return json_response({"id": None, "waiting": labeling.waiting, "classes": classes})
    row = as_json({"y_pred": task.y_pred, "proba": task.proba})
    return json_response({"id": task.id, "x": task.x, **row, "p": task.p, "waiting": task.waiting, "classes": classes})


async def release_label(request: Request) -> Response:
    """Give a row back that was handed out, to come again after all others."""
    asked = decoded(_release.decode, await request.body(), "body")
    model = request.model()
    check_can(model.champion.learner, "labels", at=model.name)
    labeling = request.state.service.labeling(model)
    labeling.release(asked.id)
    return json_response({"id": asked.id, "waiting": labeling.waiting})


__all__ = ["next_label", "release_label", "should_label"]
