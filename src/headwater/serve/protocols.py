"""Two protocols that other tools speak: the Open Inference Protocol v2, and MLflow's scoring server."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np

from headwater.errors import DataError
from headwater.store.event import Event, Given
from headwater.store.member import Model
from headwater.store.requests import Learn

from . import tensors
from .endpoint import Answer, Call, ok
from .wire import Features, answer, decoded, label_key, to_json

_LENGTH = b"inference-header-content-length"


async def server(call: Call) -> Answer:
    """Say what the server is."""
    return ok({"name": "headwater", "version": version("headwater"), "extensions": ["binary_tensor_data"]})


async def live(call: Call) -> Answer:
    """Say that the process answers."""
    return ok({"live": True})


async def ready(call: Call) -> Answer:
    """Say whether examples can be acknowledged."""
    failure = call.hub.service.failure
    if failure is not None:
        return Answer(to_json({"ready": False, **failure.as_dict()}), 503)
    if call.hub.ends():
        stopping = {"error": "stopping", "at": "", "help": "Ask another one.", "code": "stopping"}
        return Answer(to_json({"ready": False, **stopping}), 503)
    return ok({"ready": True})


async def model_ready(call: Call) -> Answer:
    """Say that a model answers."""
    found = call.hub.model(call.path["model"])
    return ok({"name": found.name, "ready": True})


async def model_about(call: Call) -> Answer:
    """Say what tensors a model takes and gives."""
    found = call.hub.model(call.path["model"])
    with found.turns.turn():
        features = found.champion.learner.describe()["features"]
    kinds = {"number": "FP64"}
    inputs = [{"name": str(f["name"]), "datatype": kinds.get(str(f["kind"]), "BYTES"), "shape": [-1]} for f in features]
    outputs: list[dict[str, Any]] = [{"name": "y_pred", "datatype": _kind(found), "shape": [-1]}]
    if found.task == "classify":
        outputs.append({"name": "proba", "datatype": "FP64", "shape": [-1, len(found.champion.learner.classes)]})
    return ok({"name": found.name, "versions": ["1"], "platform": "headwater", "inputs": inputs, "outputs": outputs})


async def infer(call: Call) -> Answer:
    """Predict the rows of tensors."""
    found = call.hub.model(call.path["model"])
    document, binary = tensors.split(await call.body(), call.headers.get(_LENGTH, b""))
    X = tensors.samples(tensors.arrays(document, binary, call.hub.most_rows))
    given, _ = await asyncio.to_thread(found.predict, X, shadows=False)
    outputs = _outputs(found, given)
    return _tensors(found, document, outputs)


async def teach(call: Call) -> Answer:
    """Learn the rows of tensors; one of them, called ``y``, holds the answers."""
    found = call.hub.learning(call.path["model"])
    document, binary = tensors.split(await call.body(), call.headers.get(_LENGTH, b""))
    inputs = tensors.arrays(document, binary, call.hub.most_rows)
    if "y" not in inputs or len(inputs) < 2:
        raise DataError(expected="inputs and a tensor y", got=str(sorted(inputs))[:200], at="inputs", help="Add it.")
    labels = inputs.pop("y").reshape(-1).tolist()
    X = tensors.samples(inputs)
    if len(labels) != len(X):
        raise DataError(expected=f"{len(X)} answers", got=str(len(labels)), at="inputs y", help="Send one a row.")
    events = [Event(x, answer(found.task, y)) for x, y in zip(X, labels, strict=True)]
    request = Learn(found.id, events)
    outcome = (await call.hub.writer.run([request], len(events)))[0] if events else None
    if outcome is not None:
        raise outcome
    return ok({"model_name": found.name, "rows": len(events), "seq": found.seq})


def _kind(found: Model) -> str:
    return "FP64" if found.task == "regress" else "BYTES"


def _outputs(found: Model, given: list[Given]) -> dict[str, np.ndarray[Any, Any]]:
    rows = [next(iter(said.values())) for said in given]
    if found.task == "regress":
        return {"y_pred": np.array([guess for guess, _ in rows], np.float64)}
    classes = list(rows[0][1] or {}) if rows else []
    labels = np.empty(len(rows), object)
    labels[:] = ["" if guess is None else label_key(guess) for guess, _ in rows]
    proba = np.array([list((p or {}).values()) for _, p in rows], np.float64).reshape(len(rows), len(classes))
    return {"y_pred": labels, "proba": proba}


def _tensors(found: Model, document: dict[str, Any], outputs: dict[str, np.ndarray[Any, Any]]) -> Answer:
    asked = document.get("outputs")
    wanted: dict[str, bool] = dict.fromkeys(outputs, _binary(document.get("parameters"), "binary_data_output"))
    if isinstance(asked, list):
        names = [tensor.get("name") if isinstance(tensor, dict) else None for tensor in asked]
        if any(name not in outputs for name in names):
            raise DataError(expected=f"outputs of {sorted(outputs)}", got=repr(names)[:200], at="outputs", help="")
        wanted = {t["name"]: _binary(t.get("parameters"), "binary_data") or wanted[t["name"]] for t in asked}
    packed = [tensors.pack(name, outputs[name], binary) for name, binary in wanted.items()]
    head: dict[str, Any] = {"model_name": found.name, "model_version": "1", "outputs": [about for about, _ in packed]}
    if isinstance(document.get("id"), str):
        head["id"] = document["id"]
    text, rest = to_json(head), b"".join(data for _, data in packed)
    if not any(wanted.values()):
        return Answer(text)
    length = (b"inference-header-content-length", b"%d" % len(text))
    return Answer(text + rest, kind=b"application/octet-stream", headers=[length])


def _binary(parameters: Any, name: str) -> bool:
    return isinstance(parameters, dict) and parameters.get(name) is True


# ---- MLflow ----------------------------------------------------------------------------------------------------------


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


_rows = msgspec.json.Decoder(list[Features])
_invocation = msgspec.json.Decoder(Invocation)


async def invocations(call: Call) -> Answer:
    """Predict as an MLflow scoring server does."""
    document = decoded(_invocation.decode, await call.body(), "body")
    X = _samples(document)
    if len(X) > call.hub.most_rows:
        raise DataError(expected=f"at most {call.hub.most_rows} rows", got=str(len(X)), at="body", help="Send parts.")
    found = call.hub.model(call.query("model"))
    given, _ = await asyncio.to_thread(found.predict, X, shadows=False) if X else ([], 0)
    return ok({"predictions": [next(iter(said.values()))[0] for said in given]})


async def ping(call: Call) -> Answer:
    """Answer MLflow's question whether anyone is here."""
    return Answer(b"\n")


async def mlflow_version(call: Call) -> Answer:
    """Say the version as MLflow's server does."""
    return Answer(version("headwater").encode(), kind=b"text/plain; charset=utf-8")


def _samples(document: Invocation) -> list[dict[str, Any]]:
    given = [value for value in msgspec.structs.astuple(document) if value is not None]
    if len(given) != 1:
        raise DataError(
            expected="one of dataframe_split, dataframe_records, instances, inputs",
            got=str(len(given)),
            at="body",
            help="Send exactly one.",
        )
    value: Any = given[0]
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
    return decoded(_rows.decode, to_json(rows), "body")  # the same checks as for every sample


__all__ = [
    "infer",
    "invocations",
    "live",
    "mlflow_version",
    "model_about",
    "model_ready",
    "ping",
    "ready",
    "server",
    "teach",
]
