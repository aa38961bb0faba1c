"""MLflow's scoring protocol (/invocations, /version)."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.errors._version import own_version
from headwater.serve.api.predicting import apart, predict_rows
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.limits import ServerLimits, too_many
from headwater.serve.http.pieces import items_of, scalars_of
from headwater.serve.http.schemas import LARGE, Features, decoded, to_features


class Split(msgspec.Struct):
    """A data frame as column names and rows."""

    columns: list[str]
    data: list[list[bool | int | float | str | None]]


class Invocation(msgspec.Struct):
    """One of the four request shapes of MLflow's scoring protocol."""

    dataframe_split: Split | None = None
    dataframe_records: list[Features] | None = None
    instances: list[Features | list[float]] | None = None
    inputs: dict[str, list[Any]] | list[list[float]] | None = None


class _LargeSplit(msgspec.Struct):
    columns: list[str]
    data: msgspec.Raw


class _Large(msgspec.Struct):
    dataframe_split: _LargeSplit | None = None
    dataframe_records: msgspec.Raw = msgspec.Raw()
    instances: msgspec.Raw = msgspec.Raw()
    inputs: msgspec.Raw = msgspec.Raw()


_NOTHING = (b"", b"null")
_invocation, _large = msgspec.json.Decoder(Invocation), msgspec.json.Decoder(_Large)
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def invocations(request: Request) -> Response:
    """Predict like an MLflow scoring server."""
    body, state = await request.body(), request.state
    X = await state.workers.run(lambda: _samples(_read(body), state.limits))
    found = state.model(request.query("model"))
    predictions = await predict_rows(state, found, X, budget=request.budget, shadows=False)
    name = found.champion.name
    return await apart(
        state, request.budget, len(X), lambda: json_response({"predictions": [one.of(name)[0] for one in predictions]})
    )


def _read(body: bytes) -> Invocation:
    return decoded(_invocation.decode if len(body) <= LARGE else _in_pieces, body, "body")


def _in_pieces(body: bytes) -> Invocation:
    """Decode a large body by rows or columns, between which other threads can run."""
    parts = _large.decode(body)
    split, records, instances, inputs = (
        parts.dataframe_split,
        *map(bytes, (parts.dataframe_records, parts.instances, parts.inputs)),
    )
    return Invocation(
        None if split is None else Split(split.columns, _rows(bytes(split.data))),
        _rows(records) if records not in _NOTHING else None,
        _rows(instances) if instances not in _NOTHING else None,
        None if inputs in _NOTHING else _columns(inputs) if inputs.lstrip()[:1] == b"{" else _rows(inputs),
    )


def _rows(part: bytes) -> list[Any]:
    return [msgspec.json.decode(item) for item in items_of(part)]


def _columns(part: bytes) -> dict[str, list[Any]]:
    found = {name: bytes(one) for name, one in _parts.decode(part).items()}
    nested = {name for name, one in found.items() if one.lstrip()[1:].lstrip()[:1] in (b"[", b"{")}
    return {name: _rows(one) if name in nested else scalars_of(one, 1) for name, one in found.items()}


async def mlflow_version(request: Request) -> Response:
    """Return the version like MLflow's server."""
    return Response(own_version().encode(), kind=b"text/plain; charset=utf-8")


def _samples(document: Invocation, limits: ServerLimits) -> list[dict[str, Any]]:
    given = [value for value in msgspec.structs.astuple(document) if value is not None]
    if len(given) != 1:
        raise DataError(
            expected="one of dataframe_split, dataframe_records, instances, inputs",
            got=str(len(given)),
            at="body",
            help="Send exactly one.",
        )
    value: Any = given[0]
    columns = value.data if isinstance(value, Split) else list(value.values()) if isinstance(value, dict) else value
    if not all(isinstance(column, list | dict) for column in columns):
        raise DataError(
            expected="rows or columns", got="single values", at="body", help="See MLflow's scoring protocol."
        )
    if sum(map(len, columns)) > limits.cells:
        raise too_many("cells", limits, "body")
    if isinstance(value, Split):
        if any(len(row) != len(value.columns) for row in value.data):
            raise DataError(expected="rows as long as columns", got="others", at="dataframe_split", help="Mend it.")
        rows: list[Any] = [dict(zip(value.columns, row, strict=True)) for row in value.data]
    elif isinstance(value, dict):
        if len({len(column) for column in value.values()}) > 1:
            raise DataError(expected="columns of one length", got="others", at="inputs", help="Mend it.")
        rows = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    else:
        rows = [{f"x{j}": v for j, v in enumerate(row)} if isinstance(row, list) else row for row in value]
    return to_features(rows, "body")


__all__ = ["Invocation", "invocations", "mlflow_version"]
