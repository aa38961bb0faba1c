"""Bodies and answers of short addresses, as types that are made from declared fields."""

from __future__ import annotations

from types import GenericAlias
from typing import Annotated, Any

import msgspec

from headwater.learner.kind import Kind
from headwater.learner.schema import Field
from headwater.learner.schema.verb import Verb
from headwater.serve.http.schemas import MAX_NUMBER, Features, Id, Int, LabelValue, Name, Weight

__all__ = ["answer_of", "body_of", "query_of"]

_LONGEST, _MOST_OFFERED, _MOST_TIMES, _MOST_NAMED = 1 << 16, 10_000, 1024, 1000
"""Maximum numbers of an embedding, actions on offer, times of a question, and names of a map of numbers."""
_OFFERED = msgspec.Meta(min_length=1, max_length=_MOST_OFFERED)
_NUMBERS: dict[str, Any] = {"number": float, "whole": int}
_TYPES: dict[str, Any] = {
    "label": LabelValue,
    "boolean": bool,
    "text": str,
    "row": Features,
    "rows": Annotated[list[Features], msgspec.Meta(min_length=1, max_length=_MOST_TIMES)],
    "list": list[LabelValue],
    "names": Int | list[LabelValue],
    "offer": Annotated[list[LabelValue], _OFFERED] | Annotated[dict[Name, Features], _OFFERED],
    "prompt": str | Annotated[list[float], msgspec.Meta(max_length=_LONGEST)] | Features,
    "map": dict[Name, LabelValue | None],
    "any": LabelValue | list[float],
}
_ANSWERED: dict[str, Any] = {"number": float, "whole": int, "label": LabelValue, "boolean": bool, "text": str}
"""Types of what is answered, where any may be null. What has no type here may be any JSON."""


def _span(field: Field) -> msgspec.Meta:
    """Return the range of a number, of which JSON may have none that is too large to learn."""
    least, most = -MAX_NUMBER if field.least is None else field.least, MAX_NUMBER if field.most is None else field.most
    return msgspec.Meta(gt=least, lt=most) if field.exclusive else msgspec.Meta(ge=least, le=most)


def _type_of(field: Field) -> Any:
    if field.type in _NUMBERS:
        return Annotated[_NUMBERS[field.type], _span(field)]
    if field.type == "map" and (field.least is not None or field.most is not None):
        return Annotated[dict[Name, Annotated[float, _span(field)] | None], msgspec.Meta(max_length=_MOST_NAMED)]
    return _TYPES[field.type]


def _part(field: Field, *, left_out: bool) -> tuple[Any, ...]:
    """Return name, type and default of a part of a body; with ``left_out`` one that is not sent is told from null."""
    own, about = _type_of(field), msgspec.Meta(description=field.doc)
    if field.required:
        return field.name, Annotated[own, about]
    if left_out:
        return field.name, Annotated[own | None, about] | msgspec.UnsetType, msgspec.UNSET
    return field.name, Annotated[own if field.default is not None else own | None, about], field.default


def _struct(kind: Kind, name: str, doc: str, parts: list[Any]) -> type[msgspec.Struct]:
    title = "".join(word.capitalize() for word in name.split("_"))
    return msgspec.defstruct(
        f"{title}.{kind.task}", parts, namespace={"__doc__": doc}, forbid_unknown_fields=True, gc=False
    )


def body_of(kind: Kind, verb: Verb) -> type[msgspec.Struct]:
    """Return the type of a verb's body.

    Examples
    --------
    >>> from headwater.learner.kind import kind_with
    >>> body_of(kind_with("decide"), kind_with("decide").verbs[1]).__struct_fields__
    ('id', 'reward')
    """
    parts = [_part(field, left_out=verb.does == "change") for field in verb.body(kind)]
    if verb.does == "tell":
        parts = [("id", Id), *parts]
    if verb.does == "teach":
        parts += [("w", Weight | None, None), ("id", Id | None, None)]
    return _struct(kind, f"{verb.name}_{'change' if verb.does == 'change' else 'request'}", verb.doc, parts)


def query_of(kind: Kind, verb: Verb) -> type[msgspec.Struct]:
    """Return the type of a verb's query, which has the fields of its body but for the rows."""
    parts = [_part(field, left_out=False) for field in verb.body(kind) if field != verb.row]
    return _struct(kind, f"{verb.name}_query", verb.doc, parts)


def answer_of(kind: Kind, verb: Verb) -> Any:
    """Return the type of what a verb answers, or None where it depends on the request."""
    if verb.says is not None:
        return verb.says.value
    if verb.does == "choose":
        choice = kind.answer.fields[0]
        parts = [("id", str), _answered(choice), ("p", float), *map(_answered, verb.more), ("seq", int)]
        return _struct(kind, f"{verb.name}_answer", verb.doc, parts)
    if verb.does != "ask":
        return None
    columns: list[Any] = list(map(_answered, verb.columns(kind)))
    if kind.question.ahead:
        rows = GenericAlias(list, (_struct(kind, f"{verb.name}_row", "What is said of one time.", columns),))
        repeated = [_answered(field) for field in kind.question.fields if field.name in verb.repeats]
        columns = [*repeated, (verb.name, rows)]
    return _struct(kind, f"{verb.name}_answer", verb.doc, [("seq", int), *columns])


def _answered(field: Field) -> tuple[str, Any]:
    own = _ANSWERED.get(field.type, Any)
    return field.name, Annotated[own if own is Any else own | None, msgspec.Meta(description=field.doc)]
