"""Messages of the Open Inference Protocol over gRPC, declared as in its ``.proto`` file.

``parameters``, which nothing here reads, are left out: protobuf skips fields that it doesn't know.

References
----------
KServe, Open Inference Protocol (gRPC): package ``inference``, service ``GRPCInferenceService``.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

SERVICE = "inference.GRPCInferenceService"
_TENSOR = "string name = 1", "string datatype = 2", "repeated int64 shape = 3"
_CONTENTS = "InferTensorContents contents = 5"
_ABOUT = "ModelMetadataResponse.TensorMetadata"
_INPUT, _ASKED = "ModelInferRequest.InferInputTensor", "ModelInferRequest.InferRequestedOutputTensor"
_OUTPUT = "ModelInferResponse.InferOutputTensor"
_NAMES = "string model_name = 1", "string model_version = 2", "string id = 3"

_DECLARED: dict[str, tuple[str, ...]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ("bool live = 1",),
    "ServerReadyRequest": (),
    "ServerReadyResponse": ("bool ready = 1",),
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": ("string name = 1", "string version = 2", "repeated string extensions = 3"),
    "ModelReadyRequest": ("string name = 1", "string version = 2"),
    "ModelReadyResponse": ("bool ready = 1",),
    "ModelMetadataRequest": ("string name = 1", "string version = 2"),
    "ModelMetadataResponse": (
        "string name = 1",
        "repeated string versions = 2",
        "string platform = 3",
        f"repeated {_ABOUT} inputs = 4",
        f"repeated {_ABOUT} outputs = 5",
    ),
    _ABOUT: _TENSOR,
    "InferTensorContents": (
        "repeated bool bool_contents = 1",
        "repeated int32 int_contents = 2",
        "repeated int64 int64_contents = 3",
        "repeated uint32 uint_contents = 4",
        "repeated uint64 uint64_contents = 5",
        "repeated float fp32_contents = 6",
        "repeated double fp64_contents = 7",
        "repeated bytes bytes_contents = 8",
    ),
    "ModelInferRequest": (
        *_NAMES,
        f"repeated {_INPUT} inputs = 5",
        f"repeated {_ASKED} outputs = 6",
        "repeated bytes raw_input_contents = 7",
    ),
    _INPUT: (*_TENSOR, _CONTENTS),
    _ASKED: ("string name = 1",),
    "ModelInferResponse": (*_NAMES, f"repeated {_OUTPUT} outputs = 5", "repeated bytes raw_output_contents = 6"),
    _OUTPUT: (*_TENSOR, _CONTENTS),
}


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="open_inference.proto", package="inference", syntax="proto3")
    made: dict[str, Any] = {}
    for name, fields in _DECLARED.items():
        outer, _, own = name.rpartition(".")
        made[name] = (made[outer].nested_type if outer else file.message_type).add(name=own)
        for field in fields:
            *repeated, kind, label, _, number = field.split()
            added = made[name].field.add(name=label, number=int(number))
            added.label = getattr(FieldDescriptorProto, "LABEL_REPEATED" if repeated else "LABEL_OPTIONAL")
            if kind in _DECLARED:
                added.type, added.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".inference.{kind}"
            else:
                added.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")
    return file


# A pool of its own: other programs' messages of the same names, such as those of Triton's client, may be in the default one.
_pool = DescriptorPool()
_pool.Add(_file())


def message(name: str) -> Any:
    r"""Return the class of a message.

    Examples
    --------
    >>> message("ModelReadyRequest")(name="default").SerializeToString()
    b'\n\x07default'
    """
    return GetMessageClass(_pool.FindMessageTypeByName(f"inference.{name}"))


__all__ = ["SERVICE", "message"]
