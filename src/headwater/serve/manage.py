"""Models over HTTP: made, joined by challengers, promoted, paused, saved, downloaded, restored."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from headwater import nn
from headwater.classifier import Classifier
from headwater.errors import ConfigError, DataError
from headwater.regressor import Regressor
from headwater.store.format import to_bytes
from headwater.store.member import Model
from headwater.store.requests import SetStep
from headwater.store.snapshots import fingerprint

from .endpoint import Answer, Call, Missing, ok
from .wire import Create, Step, decoded, label_key

_create, _step = msgspec.json.Decoder(Create), msgspec.json.Decoder(Step)


async def models(call: Call) -> Answer:
    """List the models with their scores."""
    return ok([about(model) for model in call.hub.service.models.by_name.values()])


async def model(call: Call) -> Answer:
    """Say what a model is: its learners, layers, features, scores."""
    found = call.hub.model(call.path["model"])
    with found.turns.turn():
        described = found.champion.learner.describe()
        described["classes"] = [label_key(label) for label in described.get("classes", [])]
        state = fingerprint(found.champion.learner)
    return ok({**about(found), "describe": described, "state": state})


async def create(call: Call) -> Answer:
    """Make a model."""
    wish = decoded(_create.decode, await call.body(), "body")
    service = call.hub.service
    await asyncio.to_thread(service.change, service.models.create, wish.name, made(wish))
    return ok(about(service.models.named(wish.name)), 201)


async def challenge(call: Call) -> Answer:
    """Let a new challenger learn beside the champion."""
    wish = decoded(_create.decode, await call.body(), "body")
    service, found = call.hub.service, call.hub.model(call.path["model"])
    wish.task = found.task
    await asyncio.to_thread(service.change, service.models.add, found, wish.name, made(wish))
    return ok(about(call.hub.model(found.name)), 201)


async def promote(call: Call) -> Answer:
    """Let a challenger answer from here on."""
    service, found = call.hub.service, call.hub.model(call.path["model"])
    await asyncio.to_thread(service.change, service.models.promote, found, call.path["learner"])
    return ok(about(call.hub.model(found.name)))


async def drop(call: Call) -> Answer:
    """Remove a challenger."""
    service, found = call.hub.service, call.hub.model(call.path["model"])
    await asyncio.to_thread(service.change, service.models.remove, found, call.path["learner"])
    return ok(about(call.hub.model(found.name)))


async def pause(call: Call) -> Answer:
    """Take no examples for now; predictions go on."""
    return await _paused(call, True)


async def resume(call: Call) -> Answer:
    """Take examples again."""
    return await _paused(call, False)


async def step(call: Call) -> Answer:
    """Change how far a learner steps: a factor on the step size that was declared, journaled in its place of the stream."""
    wish = decoded(_step.decode, await call.body(), "body")
    found = call.hub.model(call.path["model"])
    request = SetStep(found.id, wish.learner, wish.factor)
    outcome = (await call.hub.writer.run([request], 1))[0]
    if outcome is not None:
        raise outcome
    return ok({"seq": request.answers[0]["seq"], **about(found)})


async def snapshot(call: Call) -> Answer:
    """Write a snapshot now, and prune by the rules."""
    seq = await asyncio.to_thread(call.hub.service.snapshot)
    if call.hub.service.failure is not None:
        raise call.hub.service.failure
    return ok({"seq": seq})


async def download(call: Call) -> Answer:
    """Send the champion as a model file, as it is or (``?seq=N``) as it was after event N."""
    found, seq = call.hub.model(call.path["model"]), call.query("seq")
    if seq:
        if not seq.isdecimal() or not seq.isascii() or len(seq) > 18:
            raise ConfigError(expected="a sequence number", got=repr(seq[:40]), at="seq", help="Give e.g. seq=1000.")
        learner = await asyncio.to_thread(call.hub.service.as_of, found.name, int(seq))
        data = to_bytes(learner)
    else:
        with found.turns.turn():
            data = to_bytes(found.champion.learner)
    return _file(data, f"{found.name}.hw")


async def onnx(call: Call) -> Answer:
    """Send the champion as an ONNX graph."""
    found = call.hub.model(call.path["model"])
    return _file(await asyncio.to_thread(_exported, found), f"{found.name}.onnx")


def _exported(found: Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with found.turns.turn():
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


def made(wish: Create) -> Any:
    """Return the learner that is wished for.

    Raises
    ------
    ConfigError
        If it can't be.
    """
    kinds: dict[str, type[Classifier] | type[Regressor]] = {"classify": Classifier, "regress": Regressor}
    if wish.task not in kinds:
        raise ConfigError(expected="classify or regress", got=repr(wish.task), at="task", help="Choose one.")
    wished: dict[str, Any] = {}
    if wish.hidden is not None:
        wished["hidden"] = tuple(wish.hidden)
    if wish.optimizer is not None or wish.lr is not None:
        wished["optimizer"] = nn.optimizer(wish.optimizer or "adam", wish.lr)
    for name in ("loss", "seed"):
        if getattr(wish, name) is not None:
            wished[name] = getattr(wish, name)
    return kinds[wish.task](**wished)


def about(found: Model) -> dict[str, Any]:
    """Return a model as JSON shows it."""
    with found.turns.turn():
        learners = [
            {
                "name": member.name,
                "champion": member.champion,
                "n_learned": member.learner.n_learned,
                "step": 1.0 if member.learner._engine is None else member.learner._engine.step,
                "rejected": member.learner.rejected,
                "scores": member.scores.report(),
            }
            for member in found.members
        ]
        return {"name": found.name, "task": found.task, "paused": found.paused, "seq": found.seq, "learners": learners}


async def _paused(call: Call, paused: bool) -> Answer:
    service, found = call.hub.service, call.hub.model(call.path["model"])
    await asyncio.to_thread(service.change, service.models.pause, found, paused)
    return ok({"name": found.name, "paused": paused})


def _file(data: bytes, name: str) -> Answer:
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    return Answer(data, kind=b"application/octet-stream", headers=[disposition])


async def nothing(call: Call) -> Answer:
    """Say that there is nothing at this address."""
    raise Missing(
        expected="an address of /openapi.json", got=str(call.scope["path"])[:200], at="path", help="Check it."
    )


__all__ = [
    "about",
    "challenge",
    "create",
    "download",
    "drop",
    "made",
    "model",
    "models",
    "nothing",
    "onnx",
    "pause",
    "promote",
    "resume",
    "snapshot",
    "step",
]
