"""A router over HTTP: choose a model for a prompt, read and change prices, and what quality costs."""

from __future__ import annotations

from functools import partial
from typing import Any, TypedDict, cast

import msgspec

from headwater.errors import DataError
from headwater.learner.kind import check_can
from headwater.serve.api.learning import committed
from headwater.serve.endpoint import Request, Response, json_response, size_of
from headwater.serve.http.schemas import Prices, Prompt, Reward, decoded
from headwater.store.journal.events import OFFER, observation
from headwater.store.journal.requests import LearnRequest, PendingRequest
from headwater.store.service.model import Model

_prompt, _prices = msgspec.json.Decoder(Prompt), msgspec.json.Decoder(Prices)


class PriceSummary(TypedDict):
    """The price of each model for a million tokens, and the budget."""

    seq: int
    models: dict[str, float]
    budget: float | None


class FrontierPoint(TypedDict):
    """A mean cost of a decision, the quality that can be expected for it, and the share of each model."""

    cost: float
    quality: float
    shares: dict[str, float]


class FrontierSummary(TypedDict):
    """What was decided and spent, and what quality can be expected at each mean cost."""

    seq: int
    decisions: int
    spent: float
    price: float
    chosen: dict[str, int]
    points: list[FrontierPoint]


async def choose(request: Request) -> Response:
    """Choose a model for a prompt and return its id, the model, its probability, and what is expected of it.

    The choice is on disk before the response is sent.
    """
    asked = decoded(_prompt.decode, await request.body(), "body")
    state, model = request.state, request.learning_model()
    check_can(model.champion.learner, "routes", at=model.name)
    row = model.champion.learner.row_of(asked.prompt, asked.tokens)
    request.budget.charge_samples(size_of([row]), model.price, learning=False)
    command = PendingRequest(model.id, await state.waiters.run(partial(model.issue, [row], {"tokens": asked.tokens})))
    await committed(request, command, 1)
    state.measures.given_out[model.id] += 1
    said = command.predictions[0].predicted
    chosen, shares = said[model.champion.name]
    quality, cost, *_ = said[OFFER][0]
    answer = {"id": command.answers[0]["id"], "model": chosen, "p": (shares or {}).get(chosen, 1.0)}
    return json_response({**answer, "quality": quality, "cost": cost, "seq": command.predictions[0].seq})


def told_in(asked: Reward) -> dict[str, float | None]:
    """Return what is told of an earlier choice.

    Raises
    ------
    DataError
        If it is a reward, or nothing.
    """
    if asked.reward is not None or (asked.quality is None and asked.cost is None):
        raise DataError(
            expected="quality, cost or both",
            got="a reward" if asked.reward is not None else "none",
            at="body $.quality",
            help="Send how good the answer was, what it cost, or both.",
            code="invalid",
        )
    return {"quality": asked.quality, "cost": asked.cost}


async def prices(request: Request) -> Response:
    """Return the price of each model, and the budget."""
    return json_response(await request.state.waiters.run(partial(_prices_of, _routing(request))))


async def change_prices(request: Request) -> Response:
    """Change prices, add and drop models, or change the budget. It is on disk before the response is sent."""
    asked = decoded(_prices.decode, await request.body(), "body")
    model = request.learning_model()
    check_can(model.champion.learner, "routes", at=model.name)
    told: dict[str, Any] = {"models": asked.models} if asked.models else {}
    told |= {} if asked.budget is msgspec.UNSET else {"budget": asked.budget}
    model.champion.learner.check_change(told)
    await committed(request, LearnRequest(model.id, [observation(told)]), 1)
    return json_response(await request.state.waiters.run(partial(_prices_of, model)))


async def frontier(request: Request) -> Response:
    """Return what was decided and spent, and what quality can be expected at each mean cost."""
    state, model = request.state, _routing(request)
    found = partial(state.lookers.run, partial(_frontier_of, model))
    return json_response(await state.published.of("frontier", model, found))


def _routing(request: Request) -> Model:
    model = request.model()
    check_can(model.champion.learner, "routes", at=model.name)
    return model


def _prices_of(model: Model) -> PriceSummary:
    with model.lock:
        learner = model.champion.learner
        return {"seq": model.seq, "models": dict(learner.models), "budget": learner.budget}


def _frontier_of(model: Model) -> FrontierSummary:
    with model.lock:
        learner, seq = model.champion.learner, model.seq
        points = (
            [cast(FrontierPoint, point._asdict()) for point in learner.frontier()]
            if learner.decisions and learner.models
            else []
        )
        return {
            "seq": seq,
            "decisions": learner.decisions,
            "spent": learner.spent,
            "price": learner.price,
            "chosen": learner.chosen,
            "points": points,
        }


__all__ = ["change_prices", "choose", "frontier", "prices", "told_in"]
