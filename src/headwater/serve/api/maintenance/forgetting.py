"""Forget rows over HTTP, and list what was forgotten and where copies of the models went."""

from __future__ import annotations

import logging
from typing import TypedDict

import msgspec

from headwater.errors import StoreError
from headwater.serve.background.shared import View
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.errors import LearnsElsewhere
from headwater.serve.http.schemas import Forget, decoded, to_json
from headwater.serve.state import ServerState
from headwater.store.forget.ledger import Export
from headwater.store.forget.record import Forgotten
from headwater.store.forget.selection import Selection
from headwater.store.service.model import Model

__all__ = ["forget", "forgotten", "handed_out"]

_log = logging.getLogger("headwater.serve")
_forget = msgspec.json.Decoder(Forget)


class Ledger(TypedDict):
    """What was forgotten, without its content, and where copies of the models' states went."""

    forgotten: list[Forgotten]
    exports: list[Export]


async def forget(request: Request) -> Response:
    """Forget rows of a model, or with ``dry_run`` say what that would do. Predictions continue meanwhile."""
    state, options = request.state, decoded(_forget.decode, await request.body(), "body")
    model = request.model()
    if state.learns_elsewhere(model):
        raise LearnsElsewhere(
            expected="a model that learns here",
            got="one that a cluster run learns",
            at=model.name,
            help=f"Nothing was forgotten. Leave the rows out of the input of the run of {state.rounds}, and run it again.",
        )
    selection = Selection.of(options.rows, options.ids, options.where)
    done = await state.changers.run(
        lambda: state.service.forget([model.name], selection, options.reason, dry_run=options.dry_run)
    )
    return Response(to_json(done))


async def forgotten(request: Request) -> Response:
    """List what was forgotten, without its content, and the exports of the models' states."""
    service = request.state.service
    found = await request.state.changers.run(lambda: (service.forgettings(), service.exports()))
    return json_response(Ledger(forgotten=found[0], exports=found[1]))


async def handed_out(state: ServerState, model: Model, view: View, what: str, client: str) -> None:
    """Write down that a client fetched a model's state, before it is sent. A store that can't be written is still read.

    The digest of a hundred megabytes takes a quarter of a second. Neither the event loop nor a change waits for it, and it is made
    once for all clients that get the same view, and never again for one that gets the same state.
    """
    place, seq = f"client {client}", view.seq
    try:
        if await state.changers.run(lambda: state.service.has_noted(model.name, seq, what, place)):
            return
        sha = await view.digest(state.lookers)
        await state.changers.run(lambda: state.service.note_export(model.name, seq, what, place, sha))
    except StoreError as error:
        fields = {"model": model.name, "seq": seq, "what": what, "client": client}
        _log.warning("an export could not be written down", exc_info=error, extra={"fields": fields})
