"""MLflow's scoring protocol: /invocations, /version."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version
from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.serve.api.predicting import predict_rows
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.limits import ServerLimits, too_many
from headwater.serve.http.schemas import Features, decoded, to_features


class Split(msgspec.Struct):
    """A data frame as its columns' names and its rows."""

    columns: list[str]
    data: list[list[bool | int | float | str | None]]


class Invocation(msgspec.Struct):
    """One of the four shapes of MLflow's scoring protocol."""

    dataframe_split: Split | None = None
    dataframe_records: list[Features] | None = None
    instances: list[Features | list[float]] | None = None
    inputs: dict[str, list[Any]] | list[list[float]] | None = None


_invocation = msgspec.json.Decoder(Invocation)


async def invocations(request: Request) -> Response:
    """Predict as an MLflow scoring server does."""
    document = decoded(_invocation.decode, await request.body(), "body")
    X = await request.state.workers.run(partial(_samples, document, request.state.limits))
    found = request.state.model(request.query("model"))
    predictions = await predict_rows(request.state, found, X, shadows=False)
    return json_response({"predictions": [one.of(found.champion.name)[0] for one in predictions]})


async def mlflow_version(request: Request) -> Response:
    """Say the version as MLflow's server does."""
    return Response(version("headwater").encode(), kind=b"text/plain; charset=utf-8")


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
