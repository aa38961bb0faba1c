"""The Open Inference Protocol v2, for clients of Triton and KServe."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from headwater.errors import DataError, counted
from headwater.learner.kind import check_can, kind_of, kind_with
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed
from headwater.serve.api.looks.looking import looked
from headwater.serve.api.predicting import Prediction, predict_rows
from headwater.serve.endpoint import Request, Response, Size, json_response, size_of
from headwater.serve.http.schemas import LARGE, label_key, prediction_as_json, to_json, to_labels
from headwater.serve.protocols.tensors import Array, pack, read_tensors, split, to_samples
from headwater.store.journal.events import JournalEvent
from headwater.store.journal.requests import LearnRequest
from headwater.store.service.model import Model

_NAMED = {"classes", "acts"}
"""Abilities of learners that predict names with probabilities."""
_LENGTH = b"inference-header-content-length"


async def model_ready(request: Request) -> Response:
    """Report that a model is ready."""
    found = request.model()
    return json_response({"name": found.name, "ready": True})


async def model_about(request: Request) -> Response:
    """Describe a model's input and output tensors."""
    found = request.model()
    inputs = (await looked(request.state, found, "inputs")).data
    outputs: list[dict[str, Any]] = [{"name": "y_pred", "datatype": _kind(found), "shape": [-1]}]
    if kind_with(found.task).can & _NAMED:
        outputs.append({"name": "proba", "datatype": "FP64", "shape": [-1, len(found.champion.learner.known_classes)]})
    about = to_json({"name": found.name, "versions": ["1"], "platform": "headwater", "outputs": outputs})
    return Response(b"".join((about[:-1], b',"inputs":', inputs, b"}")))


async def infer(request: Request) -> Response:
    """Predict the rows of tensors."""
    found = request.model()
    document, inputs = await _read(request)
    outputs = await inferred(request, found, inputs)
    return await request.state.workers.run(partial(_tensors, found, document, outputs))


async def inferred(request: Request, found: Model, inputs: dict[str, Array]) -> dict[str, Array]:
    """Return the outputs of a model for the rows of tensors, by name."""
    state, workers = request.state, request.state.workers
    X = await workers.run(partial(to_samples, inputs))
    predictions = await predict_rows(state, found, X, budget=request.budget, shadows=False)
    return await workers.run(partial(_outputs, found, predictions))


async def teach(request: Request) -> Response:
    """Learn the rows of tensors, where the tensor ``y`` holds the labels."""
    found = request.learning_model()
    check_can(found.champion.learner, "answers", at=found.name)
    _, inputs = await _read(request)
    if "y" not in inputs or len(inputs) < 2:
        raise DataError(expected="inputs and a tensor y", got=str(sorted(inputs))[:200], at="inputs", help="Add it.")
    command, size = await request.state.workers.run(partial(_taught, found, inputs))
    request.budget.charge_samples(size, found.price, learning=True)
    if command.events:
        await committed(request, command, size.rows)
    return json_response({"model_name": found.name, "rows": size.rows, "seq": found.seq})


def _taught(found: Model, inputs: dict[str, Array]) -> tuple[LearnRequest, Size]:
    labels = to_labels(inputs.pop("y").reshape(-1).tolist(), "inputs y")
    X = to_samples(inputs)
    if len(labels) != len(X):
        raise DataError(expected=counted(len(X), "answer"), got=str(len(labels)), at="inputs y", help="Send one a row.")
    check_keys(found, X, learning=True)
    learner = found.champion.learner
    events = [JournalEvent(x, kind_of(learner).answer.read(y, learner)) for x, y in zip(X, labels, strict=True)]
    return LearnRequest(found.id, events), size_of(X)


async def _read(request: Request) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the JSON part of a request, and its tensors by name."""
    body, header = await request.body(), request.headers.get(_LENGTH, b"")

    def read() -> tuple[dict[str, Any], dict[str, Array]]:
        document, binary = split(body, header)
        return document, read_tensors(document, binary, request.state.limits)

    return read() if len(body) <= LARGE else await request.state.workers.run(read)


def _kind(found: Model) -> str:
    return "BYTES" if kind_with(found.task).can & (_NAMED | {"outputs"}) else "FP64"


def _outputs(found: Model, predictions: list[Prediction]) -> dict[str, Array]:
    rows = [one.of(found.champion.name) for one in predictions]
    if "outputs" in kind_with(found.task).can:  # one JSON object per row
        said = np.empty(len(rows), object)
        said[:] = [to_json(prediction_as_json(guess, None)["y_pred"]).decode() for guess, _ in rows]
        return {"y_pred": said}
    if not kind_with(found.task).can & _NAMED:
        return {"y_pred": np.array([guess for guess, _ in rows], np.float64)}
    classes = list(rows[0][1] or {}) if rows else []
    labels = np.empty(len(rows), object)
    labels[:] = ["" if guess is None else label_key(guess) for guess, _ in rows]
    proba = np.array([list((p or {}).values()) for _, p in rows], np.float64).reshape(len(rows), len(classes))
    return {"y_pred": labels, "proba": proba}


def _tensors(found: Model, document: dict[str, Any], outputs: dict[str, Array]) -> Response:
    asked, every = document.get("outputs"), _binary(document.get("parameters"), "binary_data_output")
    tensors: list[Any] = asked if isinstance(asked, list) else []
    names = wanted([tensor.get("name") if isinstance(tensor, dict) else None for tensor in tensors], outputs)
    binary = dict.fromkeys(names, every) | {
        tensor["name"]: _binary(tensor.get("parameters"), "binary_data") or every for tensor in tensors
    }
    packed = [pack(name, outputs[name], is_binary) for name, is_binary in binary.items()]
    head: dict[str, Any] = {"model_name": found.name, "model_version": "1", "outputs": [about for about, _ in packed]}
    if isinstance(document.get("id"), str):
        head["id"] = document["id"]
    text, rest = to_json(head), b"".join(data for _, data in packed)
    if not any(binary.values()):
        return Response(text)
    length = (b"inference-header-content-length", b"%d" % len(text))
    return Response(text + rest, kind=b"application/octet-stream", headers=[length])


def wanted(names: list[Any], outputs: dict[str, Array]) -> list[str]:
    """Return the names of the outputs that a client asked for, all of them where it named none.

    Raises
    ------
    DataError
        If the model has no such output.
    """
    if not all(isinstance(name, str) and name in outputs for name in names):
        raise DataError(expected=f"outputs of {sorted(outputs)}", got=repr(names)[:200], at="outputs", help="")
    return names or list(outputs)


def _binary(parameters: Any, name: str) -> bool:
    return isinstance(parameters, dict) and parameters.get(name) is True


__all__ = ["infer", "inferred", "model_about", "model_ready", "teach", "wanted"]
