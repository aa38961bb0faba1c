"""Addresses that read a whole model without blocking its learning.

A small model is copied once after it has learned, and the copy is read without its lock. A large model is read by a separate
process (`background.reader`).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NotRequired

import msgspec

from headwater.errors import ConfigError
from headwater.learner.kind import check_can
from headwater.serve.api.looks import LOOKS
from headwater.serve.api.maintenance.forgetting import handed_out
from headwater.serve.api.models import ModelSummary, summarized
from headwater.serve.background.reader import Asked
from headwater.serve.background.shared import View
from headwater.serve.endpoint import Request, Response, size_of
from headwater.serve.http.schemas import ExplainRequest, decoded, to_json
from headwater.serve.state import ServerState
from headwater.store.learner_file import LEARNER_FORMAT, to_bytes
from headwater.store.service.model import Model
from headwater.store.service.price import bytes_held

_SMALL_BYTES = 8_000_000
"""Maximum size of a model copied under its lock, which takes a few milliseconds."""
_explain = msgspec.json.Decoder(ExplainRequest)


async def looked(state: ServerState, model: Model, look: str, **options: Any) -> View:
    """Return a view of a model's champion, which is not older than the request.

    Raises
    ------
    HeadwaterError
        If the view is not available.
    """
    key = look, msgspec.msgpack.encode(options)
    return await state.published.of(key, model, partial(_looked, state, model, look, options))


async def _looked(state: ServerState, model: Model, look: str, options: dict[str, Any]) -> View:
    if bytes_held(model.champion.learner) > _SMALL_BYTES:
        asked = _question(model, model.seq, look, options)
        said = await state.exporters.run(partial(state.reader.ask, asked))
        if said is not None:
            return View(said, asked.seq)
    learner, seq = await state.published.of("copy", model, partial(state.lookers.run, partial(_copy, model)))
    return View(await state.lookers.run(partial(LOOKS[look], learner, **options)), seq)


def _question(model: Model, seq: int, look: str, options: dict[str, Any]) -> Asked:
    champion = model.champion
    return Asked(model.id, model.name, model.task, champion.id, champion.name, seq, look, options)


def _copy(model: Model) -> tuple[Any, int]:
    """Return a private copy of a champion, and its sequence."""
    with model.lock:
        saved, seq = LEARNER_FORMAT.pack(model.champion.learner), model.seq
    return LEARNER_FORMAT.unpack(saved, model.name), seq


class ModelDescription(ModelSummary):
    """A model with a description of its champion, and a hash of its learned state unless it is a fleet."""

    describe: dict[str, Any]
    state: NotRequired[str]


async def model(request: Request) -> Response:
    """Describe a model (its learners, layers, features, metrics)."""
    found = request.model()
    described = (await looked(request.state, found, "describe")).data
    about = to_json(await summarized(request.state, found))
    return Response(b"".join((about[:-1], b",", described[1:])))


async def download(request: Request) -> Response:
    """Send the champion as a model file, current or (``?seq=N``) as it was after event N."""
    state, found, seq = request.state, request.model(), request.query("seq")
    if not seq:
        view = await looked(state, found, "file")
        await handed_out(state, found, view, "model file", request.client)
        return _file(view.data, f"{found.name}.hw")
    if not seq.isdecimal() or not seq.isascii() or len(seq) > 18:
        raise ConfigError(expected="a sequence number", got=repr(seq[:40]), at="seq", help="Give e.g. seq=1000.")
    if found.late is not None:
        raise ConfigError(
            expected="the published state",
            got=f"event {seq}",
            at="seq",
            help="A model that is published late gives no state between. Use headwater store restore beside the store.",
        )
    past = partial(_past, state, found, int(seq))
    view = await state.published.once((found.id, "past", seq), lambda: state.replayers.run(past))
    await handed_out(state, found, view, "model file", request.client)
    return _file(view.data, f"{found.name}.hw")


def _past(state: ServerState, found: Model, seq: int) -> View:
    """Return the file of a champion after an event, replayed from the journal by a separate process."""
    state.service.check_sequence(seq)
    said = state.past.ask(_question(found, seq, "file", {}))
    return View(to_bytes(state.service.as_of(found.name, seq)) if said is None else said, seq)


async def onnx(request: Request) -> Response:
    """Send the champion as an ONNX graph."""
    found = request.model()
    check_can(found.champion.learner, "onnx", at=found.name)
    view = await looked(request.state, found, "onnx", name=found.name)
    await handed_out(request.state, found, view, "ONNX graph", request.client)
    return _file(view.data, f"{found.name}.onnx")


async def weights(request: Request) -> Response:
    """Return the weights of each layer as maps of at most 64 by 64 cells of averages."""
    found = request.model()
    check_can(found.champion.learner, "layers", at=found.name)
    return Response((await looked(request.state, found, "weights")).data)


async def activations(request: Request) -> Response:
    """Return each layer's outputs for the last samples, newest first."""
    found = request.model()
    check_can(found.champion.learner, "layers", at=found.name)
    X = [event.x for _, event, _ in list(found.recent)[::-1]]
    return Response((await looked(request.state, found, "activations", X=X)).data)


async def explain(request: Request) -> Response:
    """Attribute the prediction or score of a sample to its features, largest first."""
    asked = decoded(_explain.decode, await request.body(), "body")
    found = request.model()
    request.budget.charge_samples(size_of([asked.x]), found.price, learning=False)
    how = {"target": asked.target, "horizon": asked.horizon}
    why = await looked(request.state, found, "explain", x=asked.x, **how)
    return Response(b"".join((why.data[:-1], b',"seq":%d}' % why.seq)))


def _file(data: bytes | memoryview, name: str) -> Response:
    disposition = (b"content-disposition", f'attachment; filename="{name}"'.encode())
    return Response(data, kind=b"application/octet-stream", headers=[disposition])


__all__ = ["ModelDescription", "activations", "download", "explain", "looked", "model", "onnx", "weights"]
