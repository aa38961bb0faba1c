"""Models over HTTP (create, challenge, promote, pause, snapshot)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypedDict

import msgspec

from headwater.learner.kind import kind_of, kind_with
from headwater.learner.supervised import SupervisedLearner
from headwater.serve.api.maintenance.new_model import checked_settings
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import NewModel, StepSize, decoded
from headwater.serve.state import ServerState
from headwater.store.journal.requests import StepRequest
from headwater.store.service.challengers import ChallengerSummary, Standing, challengers_of, standing_of
from headwater.store.service.limits import OverLimit
from headwater.store.service.model import LearnerState, Model
from headwater.store.service.price import bytes_declared, price_of


class Learned(TypedDict):
    """What a learner of a model has learned, but for its metrics."""

    name: str
    champion: bool
    n_learned: int
    step: float | None
    rejected: dict[str, int]
    states: int | None


class LearnerSummary(Learned, Standing):
    """A learner of a model with its metrics."""


class ModelSummary(TypedDict):
    """A model with its learners, the champion first."""

    name: str
    task: str
    can: list[str]
    paused: bool
    seq: int
    learners: list[LearnerSummary]


_fields, _step = msgspec.json.Decoder(dict[str, Any]), msgspec.json.Decoder(StepSize)


async def models(request: Request) -> Response:
    """List the models with their metrics."""
    state = request.state
    found = [summarized(state, model) for model in state.service.models.by_name.values()]
    return json_response(await asyncio.gather(*found))


async def summarized(state: ServerState, found: Model) -> ModelSummary:
    """Return a model's published summary."""
    about: ModelSummary = await state.published.of(
        "summary", found, partial(state.lookers.run, partial(summary, found))
    )
    return about


async def create(request: Request) -> Response:
    """Create a model."""
    options, settings = _new(await request.body())
    service, learner = request.state.service, build_learner(options.task, settings)
    await request.state.changers.run(lambda: service.create(options.name, _affordable(request, learner)))
    return json_response(summary(service.models.named(options.name)), 201)


async def challenge(request: Request) -> Response:
    """Add a challenger that learns alongside the champion."""
    options, settings = _new(await request.body())
    models, found = request.state.service.models, request.model()
    learner = build_learner(found.task, settings)
    await _changed(request, lambda: models.add(found, options.name, _affordable(request, learner)))
    return json_response(summary(request.state.model(found.name)), 201)


async def challengers(request: Request) -> Response:
    """List the challengers with their metrics, and whether each is better than the champion where that can be told."""
    state, found = request.state, request.model()
    about = await state.published.of("challengers", found, partial(state.lookers.run, partial(challengers_of, found)))
    return json_response(about)


async def promote(request: Request) -> Response:
    """Make a challenger the champion."""
    models, found = request.state.service.models, request.model()
    await _changed(request, lambda: models.promote(found, request.path["learner"]))
    return json_response(summary(request.state.model(found.name)))


async def drop(request: Request) -> Response:
    """Remove a challenger."""
    models, found = request.state.service.models, request.model()
    await _changed(request, lambda: models.remove(found, request.path["learner"]))
    return json_response(summary(request.state.model(found.name)))


async def pause(request: Request) -> Response:
    """Pause learning. Predictions continue."""
    return await _paused(request, True)


async def resume(request: Request) -> Response:
    """Resume learning."""
    return await _paused(request, False)


async def step(request: Request) -> Response:
    """Change a learner's step size by a factor on the declared one, journaled in stream order."""
    options = decoded(_step.decode, await request.body(), "body")
    found = request.model()
    command = StepRequest(found.id, options.learner, options.factor)
    outcome = (await request.state.writer.run([command], 1))[0]
    if outcome is not None:
        raise outcome
    return json_response({"seq": command.answers[0]["seq"], **summary(found)})


async def snapshot(request: Request) -> Response:
    """Write a snapshot and prune by the policy, once for all concurrent requests."""
    state = request.state
    seq = await state.published.once("snapshot", lambda: state.snapshots.run(state.service.snapshot))
    if state.service.snapshot_failure is not None:
        raise state.service.snapshot_failure
    return json_response({"seq": seq})


def _new(body: bytes) -> tuple[NewModel, dict[str, Any]]:
    """Return what all new models have, and the settings of the kind's own."""
    given = decoded(_fields.decode, body, "body")
    own = {name: given.pop(name) for name in list(given) if name not in NewModel.__struct_fields__}
    return decoded(partial(msgspec.convert, type=NewModel), given, "body"), own


def build_learner(task: str, settings: Mapping[str, Any]) -> Any:
    """Create the requested learner.

    Raises
    ------
    ConfigError, DataError
        If its kind has no such setting, or a value can't be.
    """
    kind = kind_with(task)
    return kind.make(checked_settings(kind, settings))


def summary(found: Model) -> ModelSummary:
    """Return a model's summary as JSON values."""
    with found.lock:
        states = [(state, _learned(state), state.scores.looked()) for state in found.learners]
        can = sorted(kind_of(found.champion.learner).can)
        paused, seq, champion = found.paused, found.seq, found.champion.name
    learners: list[LearnerSummary] = [
        {**learned, **standing_of(state, looked, champion)} for state, learned, looked in states
    ]
    return {
        "name": found.name,
        "task": found.task,
        "can": can,
        "paused": paused,
        "seq": seq,
        "learners": learners,
    }


def _learned(state: LearnerState) -> Learned:
    """Return what a locked learner has learned, but for its metrics."""
    return {
        "name": state.name,
        "champion": state.champion,
        "n_learned": state.learner.n_learned,
        "step": _step_of(state.learner),
        "rejected": state.learner.rejected,
        "states": _states_of(state.learner),
    }


def _states_of(learner: Any) -> int | None:
    """Return the number of keys with a recurrent state, or None without one."""
    return learner.memory_states if isinstance(learner, SupervisedLearner) and learner.has_memory else None


def _step_of(learner: Any) -> float | None:
    """Return the factor on a learner's step size, or None if its kind has none."""
    if "step" not in kind_of(learner).can:
        return None
    return 1.0 if learner.engine is None else float(learner.engine.step)


async def _changed(request: Request, change: Callable[[], None]) -> None:
    await request.state.changers.run(partial(request.state.service.change, change))


def _affordable(request: Request, learner: Any) -> Any:
    """Return a new learner, not yet allocated, if it is within the server's limits.

    Raises
    ------
    OverLimit
        Names the limit (number of learners, their total memory, or the lock time of a row).
    """
    service, limits = request.state.service, request.state.limits
    count = sum(len(model.learners) for model in service.models.by_name.values())
    if count >= limits.models:
        raise OverLimit(
            expected=f"at most {limits.models:,} learners in all models (limit models)",
            got="one more",
            at="models",
            help="Drop a challenger, or raise the limit.",
        )
    service.memory.check(bytes_declared(learner))
    request.budget.charge_lock(price_of([learner]).learning(rows=1, cells=0), at="hidden")
    return learner


async def _paused(request: Request, paused: bool) -> Response:
    models, found = request.state.service.models, request.model()
    await _changed(request, lambda: models.pause(found, paused))
    return json_response({"name": found.name, "paused": paused})


__all__ = [
    "ChallengerSummary",
    "ModelSummary",
    "summarized",
    "summary",
    "challenge",
    "challengers",
    "create",
    "drop",
    "build_learner",
    "models",
    "pause",
    "promote",
    "resume",
    "snapshot",
    "step",
]
