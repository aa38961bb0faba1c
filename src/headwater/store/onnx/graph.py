"""Build ONNX graphs with nodes, constants, inputs and outputs under unique names.

Exporters describe the computation, and this module writes it with ``onnx.helper``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, MissingExtra, ModelFileError

OLDEST = 13
"""Oldest operator set with everything needed (sums with axes as an input, softmax over one axis)."""
ML = "ai.onnx.ml"
ML_VERSION = 2
"""Oldest version of the domain ai.onnx.ml whose LabelEncoder maps texts to numbers."""
LARGEST = 2**31 - 1
"""Maximum bytes of one protobuf message."""


def load_onnx(at: str) -> Any:
    """Import onnx, or raise MissingExtra."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra(package="onnx", extra="onnx", at=at) from error
    return onnx


class Graph:
    """An ONNX graph under construction.

    Parameters
    ----------
    opset : int
        Version of the operator set.
    dtype : dtype
        Number type of the net, used for constants by ``number``.

    Raises
    ------
    ConfigError
        If the operator set is too old or unknown to the installed onnx.
    """

    def __init__(self, opset: int, dtype: Any) -> None:
        self.onnx = load_onnx("export_onnx")
        newest = self.onnx.defs.onnx_opset_version()
        if not OLDEST <= opset <= newest:
            raise ConfigError(
                expected=f"a whole number from {OLDEST} to {newest}",
                got=repr(opset),
                at="opset",
                help="17 is widely read.",
            )
        self.opset, self.dtype = opset, np.dtype(dtype)
        self.type = self.type_of(self.dtype)
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._taken: set[str] = set()
        self._domains: dict[str, int] = {"": opset}

    def type_of(self, dtype: Any) -> int:
        """Return ONNX's code of a NumPy type, or of strings for ``object``."""
        if np.dtype(dtype) == object:
            return int(self.onnx.TensorProto.STRING)
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    # ---- inputs and outputs -----------------------------------------------------------------------------------------

    def input(self, name: str, dtype: Any, shape: Sequence[Any], doc: str, default: NDArray[Any] | None = None) -> str:
        """Declare an input, optional if it has a default."""
        if name in self._taken:
            raise ConfigError(
                expected="inputs with different names",
                got=f"two called {name!r}",
                at="export_onnx",
                help="ONNX names are texts. Rename one of the columns and learn again.",
            )
        # ONNX's checker is written in C++, where a name that begins with the character 0 is empty.
        if name[:1] in ("", "\0") or not is_utf8(name):
            raise ConfigError(
                expected="columns whose names are texts of one letter or more",
                got=repr(name),
                at="export_onnx",
                help="ONNX can't name such an input. Rename the column and learn again.",
            )
        self._taken.add(name)
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, self.type_of(dtype), list(shape), doc))
        if default is not None:
            self._constants.append(self._tensor(name, default))
        return name

    def output(self, name: str, source: str, dtype: Any, shape: Sequence[Any], doc: str) -> str:
        """Declare an output fed by ``source`` and return its name, with "_" appended if an input has that name."""
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        self._nodes.append(self.onnx.helper.make_node("Identity", [source], [name]))
        self.outputs.append(self.onnx.helper.make_tensor_value_info(name, self.type_of(dtype), list(shape), doc))
        return name

    # ---- nodes and constants ----------------------------------------------------------------------------------------

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        name = self._fresh(op.lower())
        if domain:
            self._domains[domain] = ML_VERSION
        self._nodes.append(self.onnx.helper.make_node(op, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def constant(self, value: Any, dtype: Any) -> str:
        """Add a constant of the given type and return its name."""
        name = self._fresh("constant")
        self._constants.append(self._tensor(name, np.asarray(value, dtype)))
        return name

    def number(self, value: Any) -> str:
        """Add a constant of the net's number type."""
        return self.constant(value, self.dtype)

    def cast(self, x: str, dtype: Any) -> str:
        """Convert x to another number type."""
        return self.add("Cast", x, to=self.type_of(dtype))

    def sum(self, x: str, axis: int, *, keep: bool) -> str:
        """Sum x over one axis."""
        return self.add("ReduceSum", x, self.constant([axis], np.int64), keepdims=int(keep))

    def _fresh(self, stem: str) -> str:
        k = len(self._taken)
        while f"_{stem}_{k}" in self._taken:
            k += 1
        self._taken.add(f"_{stem}_{k}")
        return f"_{stem}_{k}"

    def _tensor(self, name: str, value: NDArray[Any]) -> Any:
        make = self.onnx.helper.make_tensor
        if value.dtype == object:
            return make(name, self.type_of(object), value.shape, [str(text).encode() for text in value.ravel()])
        return make(name, self.type_of(value.dtype), value.shape, np.ascontiguousarray(value).tobytes(), raw=True)

    # ---- the model --------------------------------------------------------------------------------------------------

    def model(self, *, name: str, doc: str, version: str, metadata: dict[str, str]) -> Any:
        """Return the finished and fully checked model, with the lowest IR version its operator sets allow."""
        helper = self.onnx.helper
        graph = helper.make_graph(self._nodes, name, self.inputs, self.outputs, self._constants, doc_string=doc)
        sets = [helper.make_opsetid(domain, number) for domain, number in self._domains.items()]
        # the default is the IR version of the installed onnx, which older runtimes reject
        ir = helper.find_min_ir_version_for(sets)
        model = helper.make_model(
            graph, opset_imports=sets, ir_version=ir, producer_name="headwater", producer_version=version
        )
        helper.set_model_props(model, metadata)
        if model.ByteSize() > LARGEST:
            raise ModelFileError(
                expected="a model of at most 2 GiB",
                got=f"{model.ByteSize():,} bytes",
                at="export_onnx",
                help="protobuf can't write larger files. Use fewer rows (max_rows), fewer units or float32.",
            )
        self.onnx.checker.check_model(model, full_check=True)
        return model


def is_utf8(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8, which lone surrogates can't."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
