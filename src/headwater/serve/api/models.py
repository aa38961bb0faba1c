"""Models over HTTP: made, joined by challengers, promoted, paused, saved, downloaded, restored."""

from __future__ import annotations

import asyncio
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from headwater import nn
from headwater.errors import ConfigError, DataError
from headwater.learner.kind import check_can, kind_of, kind_with
from headwater.learner.supervised import SupervisedLearner
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import NewModel, StepSize, decoded, label_key
from headwater.store.journal.requests import StepRequest
from headwater.store.learner_file import fingerprint, to_bytes
from headwater.store.service.model import Model

_create, _step = msgspec.json.Decoder(NewModel), msgspec.json.Decoder(StepSize)


async def models(request: Request) -> Response:
    """List the models with their scores."""
    return json_response([summary(model) for model in request.state.service.models.by_name.values()])


async def model(request: Request) -> Response:
    """Say what a model is: its learners, layers, features, scores."""
    found = request.state.model(request.path["model"])
    return json_response(await request.state.exporters.run(partial(_described, found)))


def _described(found: Model) -> dict[str, Any]:
    with found.lock:
        described = found.champion.learner.describe()
        described["classes"] = [label_key(label) for label in described.get("classes", [])]
        whole = "keys" not in kind_of(found.champion.learner).can  # the file of a fleet takes seconds
        state = {"state": fingerprint(found.champion.learner)} if whole else {}
    return {**summary(found), "describe": described, **state}


async def create(request: Request) -> Response:
    """Make a model."""
    options = decoded(_create.decode, await request.body(), "body")
    service = request.state.service
    await asyncio.to_thread(service.change, service.models.create, options.name, build_learner(options))
    return json_response(summary(service.models.named(options.name)), 201)


async def challenge(request: Request) -> Response:
    """Let a new challenger learn beside the champion."""
    options = decoded(_create.decode, await request.body(), "body")
    service, found = request.state.service, request.state.model(request.path["model"])
    options.task = found.task
    await asyncio.to_thread(service.change, service.models.add, found, options.name, build_learner(options))
    return json_response(summary(request.state.model(found.name)), 201)


async def promote(request: Request) -> Response:
    """Let a challenger answer from here on."""
    service, found = request.state.service, request.state.model(request.path["model"])
    await asyncio.to_thread(service.change, service.models.promote, found, request.path["learner"])
    return json_response(summary(request.state.model(found.name)))


async def drop(request: Request) -> Response:
    """Remove a challenger."""
    service, found = request.state.service, request.state.model(request.path["model"])
    await asyncio.to_thread(service.change, service.models.remove, found, request.path["learner"])
    return json_response(summary(request.state.model(found.name)))


async def pause(request: Request) -> Response:
    """Take no examples for now; predictions go on."""
    return await _paused(request, True)


async def resume(request: Request) -> Response:
    """Take examples again."""
    return await _paused(request, False)


async def step(request: Request) -> Response:
    """Change how far a learner steps: a factor on the step size that was declared, journaled in its place of the stream."""
    options = decoded(_step.decode, await request.body(), "body")
    found = request.state.model(request.path["model"])
    command = StepRequest(found.id, options.learner, options.factor)
    outcome = (await request.state.writer.run([command], 1))[0]
    if outcome is not None:
        raise outcome
    return json_response({"seq": command.answers[0]["seq"], **summary(found)})


async def snapshot(request: Request) -> Response:
    """Write a snapshot now, and prune by the rules."""
    seq = await asyncio.to_thread(request.state.service.snapshot)
    if request.state.service.snapshot_failure is not None:
        raise request.state.service.snapshot_failure
    return json_response({"seq": seq})


async def download(request: Request) -> Response:
    """Send the champion as a model file, as it is or (``?seq=N``) as it was after event N."""
    found, seq = request.state.model(request.path["model"]), request.query("seq")
    if not seq:
        data = await request.state.exporters.run(partial(_saved, found))
    else:
        if not seq.isdecimal() or not seq.isascii() or len(seq) > 18:
            raise ConfigError(expected="a sequence number", got=repr(seq[:40]), at="seq", help="Give e.g. seq=1000.")
        past = partial(request.state.service.as_of, found.name, int(seq))
        data = await request.state.replayers.run(lambda: to_bytes(past()))
    return _file(data, f"{found.name}.hw")


async def onnx(request: Request) -> Response:
    """Send the champion as an ONNX graph."""
    found = request.state.model(request.path["model"])
    return _file(await request.state.exporters.run(partial(_exported, found)), f"{found.name}.onnx")


def _saved(found: Model) -> bytes:
    with found.lock:
        return to_bytes(found.champion.learner)


def _exported(found: Model) -> bytes:
    check_can(found.champion.learner, "onnx", at=found.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with found.lock:
            if not found.champion.learner.n_learned:
                raise DataError(
                    expected="a model that has learned",
                    got="a new one",
                    at=found.name,
                    help="Teach it first.",
                    code="not_learned",
                )
            found.champion.learner.export_onnx(path)
        return path.read_bytes()


def build_learner(options: NewModel) -> Any:
    """Return the learner that is chosen for.

    Raises
    ------
    ConfigError
        If it can't be.
    """
    kind = kind_with(options.task)
    chosen: dict[str, Any] = {}
    if options.hidden is not None:
        chosen["hidden"] = tuple(options.hidden)
    if options.optimizer is not None or options.lr is not None:
        chosen["optimizer"] = nn.optimizer(options.optimizer or "adam", options.lr)
    for name in ("loss", "seed", "horizon", "season", "actions"):
        if getattr(options, name) is not None:
            chosen[name] = getattr(options, name)
    return kind.make(chosen)


def summary(found: Model) -> dict[str, Any]:
    """Return a model as JSON shows it."""
    with found.lock:
        learners = [
            {
                "name": state.name,
                "champion": state.champion,
                "n_learned": state.learner.n_learned,
                "step": _step_of(state.learner),
                "rejected": state.learner.rejected,
                "states": _states_of(state.learner),
                "scores": state.scores.report(),
            }
            for state in found.learners
        ]
        can = sorted(kind_of(found.champion.learner).can)
        about = {"name": found.name, "task": found.task, "can": can, "paused": found.paused, "seq": found.seq}
        return {**about, "learners": learners}


def _states_of(learner: Any) -> int | None:
    """Return how many keys have a state that is carried from row to row; None without a memory."""
    return learner.memory_states if isinstance(learner, SupervisedLearner) and learner.has_memory else None


def _step_of(learner: Any) -> float | None:
    """Return the factor on a learner's step size; None where its kind has none."""
    if "step" not in kind_of(learner).can:
        return None
    return 1.0 if learner.engine is None else float(learner.engine.step)


async def _paused(request: Request, paused: bool) -> Response:
    service, found = request.state.service, request.state.model(request.path["model"])
    await asyncio.to_thread(service.change, service.models.pause, found, paused)
    return json_response({"name": found.name, "paused": paused})


def _file(data: bytes, name: str) -> Response:
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    return Response(data, kind=b"application/octet-stream", headers=[disposition])


__all__ = [
    "summary",
    "challenge",
    "create",
    "download",
    "drop",
    "build_learner",
    "model",
    "models",
    "onnx",
    "pause",
    "promote",
    "resume",
    "snapshot",
    "step",
]
