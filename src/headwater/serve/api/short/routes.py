"""Addresses of the verbs that kinds declare, of which each model answers those of its own kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headwater.errors import ConfigError, HeadwaterError
from headwater.learner.kind import Kind, check_can, kind_of
from headwater.learner.schema import Verb
from headwater.serve.api.short.answering import Spoken, answer
from headwater.serve.api.short.bodies import answer_of
from headwater.serve.endpoint import Handler, Request, Response
from headwater.serve.http.address import Address
from headwater.serve.http.costs import AHEAD, FORM, PUBLISHED, ROWS, Cost

__all__ = ["short_addresses"]

_COSTS: dict[str, Cost] = {"ask": ROWS, "choose": ROWS, "teach": ROWS, "tell": FORM, "look": PUBLISHED, "change": FORM}
_SCOPES = {"ask": "read", "choose": "learn", "teach": "learn", "tell": "learn", "look": "read", "change": "admin"}
_STRICTEST = ("admin", "learn", "read")


def short_addresses(kinds: Iterable[Kind]) -> tuple[Address, ...]:
    """Return an address for each verb of some kinds, one for verbs of the same name.

    Examples
    --------
    >>> from headwater.learner.kind import kind_with
    >>> [f"{one.method} {one.path}" for one in short_addresses([kind_with("decide")])]
    ['POST /act', 'POST /reward']
    """
    found: dict[tuple[str, str], list[Spoken]] = {}
    for kind in kinds:
        for verb in kind.verbs:
            found.setdefault((verb.name, verb.method), []).append(Spoken(kind, verb))
    return tuple(address for spoken in found.values() for address in _addresses(spoken))


def _addresses(spoken: list[Spoken]) -> list[Address]:
    """Return the address of verbs of one name, and where it is answered to GET as well, that one before it."""
    first = spoken[0].verb
    does = {one.verb.does for one in spoken}
    scope = min((_SCOPES[one] for one in does), key=_STRICTEST.index)
    cost = ROWS if ROWS in (costs := [_COSTS[one] for one in does]) else costs[0]
    body = () if first.does == "look" else tuple(one.type for one in spoken)
    says = tuple(type_ for one in spoken if (type_ := answer_of(one.kind, one.verb)) is not None)
    says = says if len(says) == len(spoken) else ()
    own = Address(
        first.method,
        f"/{first.name}",
        _handler(spoken, first.name if first.does != "change" else f"change_{first.name}"),
        cost,
        scope,
        bodies=body,
        many=does == {"teach"},
        says=says,
    )
    asked = [one for one in spoken if one.query is not None]
    names = dict.fromkeys(name for one in asked if one.query is not None for name in one.query.__struct_fields__)
    by_query = _handler(asked, f"{first.name}_by_query") if asked else None
    if by_query is None:
        return [own]
    return [Address("GET", own.path, by_query, AHEAD, "read", query=tuple(names), says=says), own]


def _handler(spoken: list[Spoken], name: str) -> Handler:
    """Return the function that answers verbs of one name, each model with that of its own kind."""
    known = {one.kind.name: one for one in spoken}

    async def handle(request: Request) -> Response:
        model = request.model()
        learner = model.champion.learner
        try:
            one = _own(learner, spoken[0].verb, known, model.name)
        except HeadwaterError:
            await request.body()  # so that the connection can be used again
            raise
        return await answer(request, one)

    handle.__name__, handle.__doc__ = name, spoken[0].verb.doc
    return handle


def _own(learner: Any, like: Verb, known: dict[str, Spoken], name: str) -> Spoken:
    """Return what a learner understands of verbs of one name.

    Raises
    ------
    ConfigError
        If its kind has no such verb, or the learner can't do what the verb needs.
    """
    kind = kind_of(learner)
    own = next((verb for verb in kind.verbs if (verb.name, verb.method) == (like.name, like.method)), None)
    if needs := (like if own is None else own).needs:
        check_can(learner, needs, at=name)
    if own is None:
        raise ConfigError(
            expected=f"a model that has the address {like.method} /{like.name}",
            got=kind.one,
            at=name,
            help="Ask it at POST /ask, and teach it at POST /teach.",
            code="kind",
        )
    found = known.get(kind.name)
    if found is None:  # of a class that was made since the server started, or of a fleet
        found = known[kind.name] = Spoken(kind, own)
    return found
