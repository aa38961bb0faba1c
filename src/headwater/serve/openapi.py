"""Generate ``/openapi.json`` from the table of addresses and the request schemas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import msgspec

from headwater.errors._version import own_version
from headwater.learner.kind import Kind, default_kind, known_kinds
from headwater.learner.schema import object_schema
from headwater.serve.api.keys import KeyScore, ModelScore
from headwater.serve.api.looks.looking import ModelDescription
from headwater.serve.api.maintenance.new_model import settings_schema
from headwater.serve.http.address import Address
from headwater.serve.http.arrow import ARROW
from headwater.serve.http.codes import CODES
from headwater.serve.http.schemas import (
    Ask,
    Consider,
    DelayedLabel,
    Example,
    ExplainRequest,
    Forget,
    Login,
    NewModel,
    PredictRequest,
    Release,
    RollingColumns,
    SourceName,
    StepSize,
    Teach,
)
from headwater.serve.protocols.label_studio import StudioEvent, StudioSetup, StudioTasks
from headwater.serve.protocols.mlflow import Invocation
from headwater.store.service.challengers import ScoreSummary, WindowSummary

_STRUCTS: dict[str, Any] = {
    "PredictRequest": PredictRequest,
    "Example": Example,
    "DelayedLabel": DelayedLabel,
    "ExplainRequest": ExplainRequest,
    "Consider": Consider,
    "Release": Release,
    "RollingColumns": RollingColumns,
    "Invocation": Invocation,
    "Login": Login,
    "SourceName": SourceName,
    "StepSize": StepSize,
    "Forget": Forget,
    "StudioSetup": StudioSetup,
    "StudioTasks": StudioTasks,
    "StudioEvent": StudioEvent,
}
_SAYS = {"Ask": "Said", "Teach": "Taught"}
"""Bodies and replies that depend on the model's kind."""
OPEN = (ModelDescription, WindowSummary, ScoreSummary, ModelScore, KeyScore)
"""Answers with more than their fields: of each baseline its metrics, or what a learner's kind adds."""
_SEQUENCED = {"type": "object", "properties": {"seq": {"type": "integer"}}}
_REF = "#/components/schemas/{name}"

_ASK, _TEACH, _NEW = (
    msgspec.json.schema_components([kind], ref_template=_REF)[1][kind.__name__] for kind in (Ask, Teach, NewModel)
)
_PROBLEM = {
    "type": "object",
    "required": ["error", "at", "help", "code"],
    "properties": {
        **{name: {"type": "string"} for name in ("error", "at", "help")},
        "code": {"enum": list(CODES), "description": "; ".join(f"{code}: {why}" for code, why in CODES.items())},
    },
}
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
        "data": {"type": "array"},
    },
}
_TENSORS = {
    "type": "object",
    "required": ["inputs"],
    "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "minItems": 1, "items": _TENSOR}},
}
_WHY = {
    400: "The request is invalid, as the message explains. Nothing was learned.",
    401: "No valid token.",
    403: "The token, or the origin, does not allow it.",
    404: "There is no such model, learner or id.",
    405: "The address takes another method.",
    408: "The body did not arrive in time.",
    409: "An id was used before with different content, or a name is in use.",
    410: "The id has expired.",
    413: "The body is too large.",
    429: "Too many requests, or the queue is full. Try again later.",
    503: "Nothing can be acknowledged now. The message says what to do.",
}


class Document(TypedDict):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, str]
    paths: dict[str, Any]
    components: dict[str, Any]


def _schemas_of(kind: Kind) -> dict[str, Any]:
    """Return the schemas of a kind's question, of its response and of what it is taught, made from its declaration."""
    question = object_schema(kind.question.fields)["properties"]
    needed = {"required": ["rows"]} if kind.question.needs_rows else {}
    rows = {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}, **_said(kind)}}}
    taught = {
        "type": "array",
        "items": {**_SEQUENCED, "description": "The prediction made before the row was learned."},
    }
    ask = {"type": "object", "properties": {**_ASK["properties"], **question}, "additionalProperties": False, **needed}
    labels = {"type": "array", "items": kind.answer.schema()}
    teach = {"type": "object", "properties": {**_TEACH["properties"], "labels": labels}, "additionalProperties": False}
    return {
        f"Ask.{kind.task}": ask,
        f"Said.{kind.task}": {"type": "object", "properties": {"seq": {"type": "integer"}, "rows": rows}},
        f"Teach.{kind.task}": teach,
        f"Taught.{kind.task}": {"type": "object", "properties": {"seq": {"type": "integer"}, "rows": taught}},
        f"NewModel.{kind.task}": _new(kind),
    }


def _new(kind: Kind) -> dict[str, Any]:
    """Return the schema of a new model of a kind, from the fields of its settings."""
    words = [word for word in (kind.task, kind.alias) if word]
    task = {"enum": words, **({"default": kind.task} if kind is default_kind() else {})}
    own = {**_NEW["properties"], "task": task, **settings_schema(kind)}
    return {**_NEW, "title": f"NewModel.{kind.task}", "properties": own}


def _new_model() -> dict[str, Any]:
    """Return the schema of a new model of any kind, which names its task unless it is the one without a name."""
    said = [
        {"$ref": _REF.format(name=f"NewModel.{kind.task}")}
        if kind is default_kind()
        else {"allOf": [{"$ref": _REF.format(name=f"NewModel.{kind.task}")}], "required": ["task"]}
        for kind in known_kinds()
    ]
    return {"title": "NewModel", "description": _NEW["description"], "anyOf": said}


def _said(kind: Kind) -> dict[str, Any]:
    """Return the schemas of a response's columns, null where nothing is known yet."""
    found = {field.name: field.schema() for field in kind.response}
    for schema in found.values():
        if "type" in schema:
            own = schema["type"]
            schema["type"] = [*(own if isinstance(own, list) else [own]), "null"]
    return found


def _kinds() -> dict[str, Any]:
    return {name: schema for kind in known_kinds() for name, schema in _schemas_of(kind).items()}


def _any_kind(what: str) -> dict[str, Any]:
    """Return the schema of a body or a reply that depends on the model's kind."""
    return {"anyOf": [{"$ref": _REF.format(name=f"{what}.{kind.task}")} for kind in known_kinds()]}


def _made() -> dict[str, Any]:
    """Return the schemas of a new model and of a challenger, whose task is the model's."""
    return {"NewModel": _new_model(), "NewChallenger": {"title": "NewChallenger", **_any_kind("NewModel")}}


def document(addresses: Sequence[Address]) -> Document:
    """Return the OpenAPI 3.1 document of a table of addresses."""
    bodies = [*_STRUCTS.values(), *(body for address in addresses for body in address.bodies)]
    schemas = msgspec.json.schema_components(bodies, ref_template=_REF)[1] | _answers(addresses)
    paths: dict[str, Any] = {}
    for address in addresses:
        paths.setdefault(address.path, {})[address.method.lower()] = _operation(address)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "headwater",
            "version": own_version(),
            "description": "Durable online learners over HTTP.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, **_kinds(), **_made(), "Problem": _PROBLEM, "Tensors": _TENSORS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _answers(addresses: Sequence[Address]) -> dict[str, Any]:
    """Return the schemas of all answers that are made from types, without more fields unless they may have some."""
    found = msgspec.json.schema_components([one for a in addresses for one in a.says], ref_template=_REF)[1]
    more = {kind.__name__ for kind in OPEN}
    return {
        name: schema if name in more else {**schema, "additionalProperties": False} for name, schema in found.items()
    }


def _any_of(types: Sequence[Any]) -> dict[str, Any]:
    """Return the schema of what has any of some types."""
    found = list(msgspec.json.schema_components(types, ref_template=_REF)[0])
    return {"anyOf": found} if len(found) > 1 else found[0]


def _operation(address: Address) -> dict[str, Any]:
    names = [part[1:-1] for part in address.path.split("/") if part.startswith("{")]
    found: dict[str, Any] = {
        "operationId": address.name,
        "summary": (address.handler.__doc__ or address.name).strip().partition("\n")[0],  # python -OO has no docstrings
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]+$"}}
            for name in names
        ]
        + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in address.query],
        "responses": {str(address.status): _success(address), **_problems(address)},
    }
    if address.scope:
        found["security"] = [{"token": []}]
    if address.takes or address.bodies:
        found["requestBody"] = {"required": True, "content": _content(address)}
    return found


def _content(address: Address) -> dict[str, Any]:
    one = _any_kind(address.takes) if address.takes in _SAYS else {"$ref": _REF.format(name=address.takes)}
    one = _any_of(address.bodies) if address.bodies else one
    if not address.many:
        return {"application/json": {"schema": one}}
    both = {"anyOf": [one, {"type": "array", "items": one}]}
    return {"application/json": {"schema": both}, **_rows(address)}


def _success(address: Address) -> dict[str, Any]:
    json = _any_kind(_SAYS[address.takes]) if address.takes in _SAYS else {}
    json = _any_of(address.says) if address.says else json
    kinds = {address.gives: {"schema": json if address.gives == "application/json" else {"type": "string"}}}
    if address.many:
        kinds |= _rows(address)
    return {"description": "Done.", "content": kinds}


def _rows(address: Address) -> dict[str, Any]:
    """Return the formats of many rows beside JSON."""
    arrow = {ARROW.decode(): {"schema": {"type": "string", "format": "binary"}}} if address.query else {}
    return {"application/x-ndjson": {"schema": {"type": "string"}}, **arrow}


def _problems(address: Address) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    content = {"application/json": {"schema": schema}}
    return {str(status): {"description": why, "content": content} for status, why in _WHY.items()}


__all__ = ["document"]
