"""Generate ``/openapi.json`` from the table of addresses and the request schemas."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import msgspec

from headwater.serve.address import Address
from headwater.serve.http.codes import CODES
from headwater.serve.http.schemas import (
    ActRequest,
    DelayedLabel,
    Example,
    ExplainRequest,
    ForecastRequest,
    Login,
    NewModel,
    PredictRequest,
    Reward,
    StepSize,
    Transition,
)
from headwater.serve.protocols.mlflow import Invocation

_STRUCTS: dict[str, Any] = {
    "PredictRequest": PredictRequest,
    "Example": Example,
    "DelayedLabel": DelayedLabel,
    "ExplainRequest": ExplainRequest,
    "ForecastRequest": ForecastRequest,
    "ActRequest": ActRequest,
    "Reward": Reward,
    "Transition": Transition,
    "NewModel": NewModel,
    "Invocation": Invocation,
    "Login": Login,
    "StepSize": StepSize,
}
_REF = "#/components/schemas/{name}"

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


def document(addresses: Sequence[Address]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of a table of addresses."""
    schemas = msgspec.json.schema_components(list(_STRUCTS.values()), ref_template=_REF)[1]
    paths: dict[str, Any] = {}
    for address in addresses:
        paths.setdefault(address.path, {})[address.method.lower()] = _operation(address)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "headwater",
            "version": version("headwater"),
            "description": "Durable online learners over HTTP.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM, "Tensors": _TENSORS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


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
    if address.takes:
        found["requestBody"] = {"required": True, "content": _content(address)}
    return found


def _content(address: Address) -> dict[str, Any]:
    one = {"$ref": _REF.format(name=address.takes)}
    if not address.many:
        return {"application/json": {"schema": one}}
    both = {"anyOf": [one, {"type": "array", "items": one}]}
    return {"application/json": {"schema": both}, "application/x-ndjson": {"schema": {"type": "string"}}}


def _success(address: Address) -> dict[str, Any]:
    kinds = {address.gives: {"schema": {} if address.gives == "application/json" else {"type": "string"}}}
    if address.many:
        kinds["application/x-ndjson"] = {"schema": {"type": "string"}}
    return {"description": "Done.", "content": kinds}


def _problems(address: Address) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    content = {"application/json": {"schema": schema}}
    return {str(status): {"description": why, "content": content} for status, why in _WHY.items()}


__all__ = ["document"]
