"""Answer the verbs that kinds declare: ask, choose, teach, tell what came of a choice, look and change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.learner.kind import Kind, kind_of
from headwater.learner.schema import Verb
from headwater.serve.api.asking import as_json, times_ahead
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed, read_rows, rows_response
from headwater.serve.api.predicting import apart
from headwater.serve.api.short.bodies import body_of, query_of
from headwater.serve.endpoint import Request, Response, Size, json_response, size_of
from headwater.serve.http.schemas import Body, decoded
from headwater.store.journal.events import OFFER, JournalEvent, observation
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest
from headwater.store.service.model import Model

__all__ = ["Spoken", "answer"]


class Spoken:
    """A verb in the words of a kind, with the decoders of its body and its query.

    Parameters
    ----------
    kind : Kind
        The kind.
    verb : Verb
        One of its verbs.
    """

    def __init__(self, kind: Kind, verb: Verb) -> None:
        self.kind, self.verb, self.type = kind, verb, body_of(kind, verb)
        self.body = Body(self.type)
        self.query = query_of(kind, verb) if verb.by_query else None
        self.rows = [field.name for field in verb.body(kind) if field.type == "row"]

    async def given(self, request: Request) -> dict[str, Any]:
        """Return the values of a body, of a query where the verb is answered to GET, without those that were left out."""
        if self.query is not None and request.scope["method"] != "POST":
            sent = {name: value for name in self.query.__struct_fields__ if (value := request.query(name))}
            found = decoded(partial(msgspec.convert, type=self.query, strict=False), sent, "query")
        else:
            found = decoded(self.body.decode_one, await request.body(), "body")
        values = {name: getattr(found, name) for name in found.__struct_fields__}
        return {name: value for name, value in values.items() if value is not msgspec.UNSET}


async def answer(request: Request, spoken: Spoken) -> Response:
    """Answer a request to a verb of its model's kind."""
    return await _DOES[spoken.verb.does](request, spoken)


async def _ask(request: Request, spoken: Spoken) -> Response:
    """Answer the question in columns, which changes nothing."""
    kind, verb, model = spoken.kind, spoken.verb, request.model()
    given = await spoken.given(request)
    sent: Any = given.get(verb.row.name)
    question, ahead = verb.question(kind, given), kind.question.ahead
    rows: Any = sent if ahead else [sent if verb.read is None else verb.read(**given)]
    size = size_of(rows or ())
    request.budget.charge_samples(size, model.price, learning=False)
    if ahead:  # all of it is of one moment: the model is kept from others for so long
        times = times_ahead(model, rows or [], question)
        request.budget.charge_lock(model.price.predicting(times, size.cells), at=verb.row.name)
    told, seq = await request.state.waiters.run(partial(_told, model, rows, question))
    if ahead and rows is not None:  # used by the page's forecast from now on
        request.state.histories.of(model).columns_ahead = (seq, rows)
    names = [field.name for field in verb.columns(kind)]
    said = [as_json({name: row.get(name) for name in names}) for row in told]
    repeated = {name: question[name] for name in verb.repeats}
    return json_response({"seq": seq, **repeated, **({verb.name: said} if ahead else said[0])})


def _told(model: Model, rows: Any, question: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
    with model.lock:
        learner = model.champion.learner
        return kind_of(learner).ask(learner, rows, **question).rows(), model.seq


async def _choose(request: Request, spoken: Spoken) -> Response:
    """Make a choice for a row, whose id is on disk before the response is sent."""
    state, kind, verb, model = request.state, spoken.kind, spoken.verb, request.learning_model()
    given = await spoken.given(request)
    row: Any = given.get(verb.row.name) if verb.read is None else verb.read(**given)
    question = verb.question(kind, given)
    check_keys(model, [row])
    on_offer = sum(len(value) for value in question.values() if isinstance(value, list | dict))
    own = size_of([row])
    size = Size(1, own.cells + (on_offer or len(model.champion.learner.known_classes)), own.widest)
    request.budget.charge_samples(size, model.price, learning=False)
    command = PendingRequest(
        model.id, await state.waiters.run(partial(model.issue, [row], question)), question=question
    )
    await committed(request, command, 1)
    state.measures.given_out[model.id] += 1
    issued = command.predictions[0].predicted
    choice, shares = issued[model.champion.name]
    found = {"id": command.answers[0]["id"], kind.answer.fields[0].name: choice, "p": (shares or {}).get(choice, 1.0)}
    found |= {field.name: value for field, value in zip(verb.more, issued[OFFER][0], strict=False)} if verb.more else {}
    return json_response({**found, "seq": command.predictions[0].seq})


async def _tell(request: Request, spoken: Spoken) -> Response:
    """Learn the outcome of an earlier choice."""
    kind, verb, model = spoken.kind, spoken.verb, request.learning_model()
    given = await spoken.given(request)
    name, told = given.pop("id"), {field.name: given[field.name] for field in verb.fields}
    if all(value is None for value in told.values()):
        names = list(told)
        raise DataError(
            expected=f"{', '.join(names[:-1])} or {names[-1]}" if names[1:] else names[0],
            got="none",
            at=f"body $.{names[0]}",
            help=" ".join(field.doc for field in verb.fields),
            code="invalid",
        )
    command = LabelRequest(model.id, name, kind.answer.read_late(told, model.champion.learner))
    await committed(request, command, 1)
    found = dict(command.answers[0])
    found[kind.answer.fields[0].name] = found.pop("y_pred", None)
    return json_response(found)


async def _teach(request: Request, spoken: Spoken) -> Response:
    """Learn rows with their answers, all of a request or none, replying once they are durable and learned."""
    rows, shape, _ = await read_rows(request, spoken.body)
    state, model, n = request.state, request.learning_model(), len(rows)
    size = await apart(
        state, request.budget, n, lambda: size_of(getattr(row, name) or {} for row in rows for name in spoken.rows)
    )
    request.budget.charge_samples(size, model.price, learning=True)
    command = await apart(state, request.budget, n, lambda: LearnRequest(model.id, _events(spoken, model, rows)))
    if rows:
        await committed(request, command, n)
    column = spoken.kind.response[0].name
    shown = partial(_renamed, column)
    return await apart(state, request.budget, n, lambda: rows_response(command.answers, shape, shown))


def _events(spoken: Spoken, model: Model, rows: list[Any]) -> list[JournalEvent]:
    answer, row, learner = spoken.kind.answer, spoken.verb.row.name, model.champion.learner
    events = []
    for one in rows:
        label: Any = {field.name: getattr(one, field.name) for field in answer.fields}
        if answer.decode is None:  # else the learner counts what it can't learn
            label = answer.read(label if answer.compound else label[answer.fields[0].name], learner)
        events.append(JournalEvent(getattr(one, row), label, None if one.w == 1.0 else one.w, one.id))
    return events


def _renamed(column: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a row, with what was said before it was learned under the name of the kind's response."""
    return {column if name == "y_pred" else name: value for name, value in row.items()}


async def _look(request: Request, spoken: Spoken) -> Response:
    """Show something of the learner, computed once for all requests."""
    state, model = request.state, request.model()
    found = partial(state.lookers.run, partial(_shown, spoken.verb, model))
    return json_response(await state.published.of(spoken.verb.name, model, found))


def _shown(verb: Verb, model: Model) -> dict[str, Any]:
    with model.lock:
        return {"seq": model.seq, **({} if verb.shown is None else verb.shown(model.champion.learner))}


async def _change(request: Request, spoken: Spoken) -> Response:
    """Change settings, which is on disk before the response is sent."""
    model = request.learning_model()
    told = await spoken.given(request)
    model.champion.learner.check_change(told)
    await committed(request, LearnRequest(model.id, [observation(told)]), 1)
    return json_response(await request.state.waiters.run(partial(_shown, spoken.verb, model)))


_DOES: dict[str, Callable[[Request, Spoken], Awaitable[Response]]] = {
    "ask": _ask,
    "choose": _choose,
    "teach": _teach,
    "tell": _tell,
    "look": _look,
    "change": _change,
}
"""What answers a verb, by what it does."""
