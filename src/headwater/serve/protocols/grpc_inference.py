"""The Open Inference Protocol v2 over gRPC: the handlers of the HTTP door, asked and answered in protobuf messages."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import DecodeError

from headwater.serve.endpoint import Handler, Request, Response
from headwater.serve.http.address import Address
from headwater.serve.http.costs import AT_HAND, FORM, ROWS
from headwater.serve.http.limits import ServerLimits
from headwater.serve.http.schemas import LARGE
from headwater.serve.protocols import health, inference
from headwater.serve.protocols.grpc_messages import SERVICE, message
from headwater.serve.protocols.tensors import TYPES, Array, as_bytes, pack, read_tensors, wrong
from headwater.store.service.model import Model

_KIND = b"application/grpc"
_NAMED, _INFER, _INFERRED = message("ModelReadyRequest"), message("ModelInferRequest"), message("ModelInferResponse")
_CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents", "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents", "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
"""The field of ``InferTensorContents`` that holds values of a datatype."""


async def infer(request: Request) -> Response:
    """Predict the rows of tensors."""
    body, state = await request.body(), request.state
    read = partial(_read, body, state.limits)
    asked, inputs = read() if len(body) <= LARGE else await state.workers.run(read)
    found = state.model(asked.model_name)
    outputs = await inference.inferred(request, found, inputs)
    return await state.workers.run(partial(_tensors, found, asked, outputs))


def _read(body: bytes, limits: ServerLimits) -> tuple[Any, dict[str, Array]]:
    """Return the message of a request, and its tensors by name."""
    asked = _parsed(_INFER, body)
    tensors, raw = asked.inputs, list(asked.raw_input_contents)
    if raw and len(raw) != len(tensors):
        raise wrong(f"{len(tensors)} raw_input_contents, one an input", str(len(raw)), "raw_input_contents")
    parts = raw or [_bytes_of(tensor, f"inputs[{i}]") for i, tensor in enumerate(tensors)]
    document = [
        {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(tensor.shape),
            "parameters": {"binary_data_size": len(part)},
        }
        for tensor, part in zip(tensors, parts, strict=True)
    ]
    return asked, read_tensors({"inputs": document}, b"".join(parts), limits)


def _bytes_of(tensor: Any, where: str) -> bytes:
    """Return the typed values of an input as the raw bytes that others send."""
    field, set_ = _CONTENTS.get(tensor.datatype), [one.name for one, _ in tensor.contents.ListFields()]
    if field is None or set_ not in ([], [field]):
        wanted = f"values of {tensor.datatype} in {field}" if field else f"a datatype of {', '.join(_CONTENTS)}"
        raise wrong(wanted, ", ".join(set_) if field else repr(tensor.datatype)[:40], where)
    values = getattr(tensor.contents, field)
    if tensor.datatype == "BYTES":
        return as_bytes(values)
    try:
        return np.array(list(values), np.dtype(TYPES[tensor.datatype])).tobytes()
    except OverflowError as error:
        raise wrong(f"values of {tensor.datatype}", str(error)[:80], where) from error


def _tensors(found: Model, asked: Any, outputs: dict[str, Array]) -> Response:
    """Return outputs as raw bytes to a client that sent such, else as typed values."""
    answer = _INFERRED(model_name=found.name, model_version="1", id=asked.id)
    for name in inference.wanted([one.name for one in asked.outputs], outputs):
        about, data = pack(name, outputs[name], binary=True)
        tensor = answer.outputs.add(name=name, datatype=about["datatype"], shape=about["shape"])
        if asked.raw_input_contents:
            answer.raw_output_contents.append(data)
        else:
            values = outputs[name].reshape(-1).tolist()
            texts = [str(value).encode() for value in values] if tensor.datatype == "BYTES" else values
            getattr(tensor.contents, _CONTENTS[tensor.datatype]).extend(texts)
    return Response(answer.SerializeToString(), kind=_KIND)


def _as_message(handler: Handler, name: str) -> Handler:
    """Return a handler that answers what another answers in JSON as the message of this name."""
    reply = message(name)

    async def told(request: Request) -> Response:
        request.path = {"model": _parsed(_NAMED, await request.body()).name}
        document = bytes((await handler(request)).body)
        return Response(
            json_format.Parse(document, reply(), ignore_unknown_fields=True).SerializeToString(), kind=_KIND
        )

    told.__name__ = handler.__name__
    return told


def _parsed(kind: Any, body: bytes) -> Any:
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise wrong(f"a message {kind.DESCRIPTOR.name}", "other bytes", "body") from error


CALLS: tuple[Address, ...] = tuple(
    Address("POST", f"/{SERVICE}/{name}", handler, cost, scope)
    for name, handler, cost, scope in (
        ("ServerLive", _as_message(health.live, "ServerLiveResponse"), AT_HAND, None),
        ("ServerReady", _as_message(health.ready, "ServerReadyResponse"), AT_HAND, None),
        ("ServerMetadata", _as_message(health.server, "ServerMetadataResponse"), AT_HAND, None),
        ("ModelReady", _as_message(inference.model_ready, "ModelReadyResponse"), FORM, "read"),
        ("ModelMetadata", _as_message(inference.model_about, "ModelMetadataResponse"), FORM, "read"),
        ("ModelInfer", infer, ROWS, "read"),
    )
)
"""What can be called, each as the address of HTTP/2 that gRPC gives it."""

__all__ = ["CALLS", "infer"]
