"""Description, model file and ONNX graph of a learner."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from headwater.errors import DataError
from headwater.learner.kind import check_can, kind_of
from headwater.serve.http.schemas import label_key, to_json
from headwater.store.learner_file import fingerprint

_AT_ONCE = 500  # features per batch of JSON, between which other threads can run


def described(learner: Any) -> bytes:
    """Return a learner's description as JSON, with ``state``, a hash of its learned state."""
    about = learner.describe()
    about["classes"] = [label_key(label) for label in about.get("classes", [])]
    features = about.pop("features", None)
    text = to_json(about)
    if features is not None:
        text = b'%b,"features":%b}' % (text[:-1], _written(features))
    if "keys" in kind_of(learner).can:  # hashing a fleet takes seconds
        return b'{"describe":%b}' % text
    return b'{"describe":%b,"state":%b}' % (text, to_json(fingerprint(learner)))


def inputs(learner: Any) -> bytes:
    """Return a learner's input tensors in the Open Inference Protocol, one per column that rows have."""
    kinds, own = {"number": "FP64"}, kind_of(learner).own_inputs
    found = [(str(f["name"]), kinds.get(str(f["kind"]), "BYTES")) for f in learner.describe().get("features", [])]
    sent = [one for one in found if not own or not one[0].startswith(own)]
    return _written([{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in sent])


def _written(rows: list[Any]) -> bytes:
    """Encode a list as JSON in batches, so that other threads can run in between."""
    parts = [to_json(rows[start : start + _AT_ONCE])[1:-1] for start in range(0, len(rows), _AT_ONCE)]
    return b"[%b]" % b",".join(parts)


def graph(learner: Any, name: str) -> bytes:
    """Return a learner as an ONNX graph.

    Raises
    ------
    DataError
        If the learner has learned nothing yet.
    """
    check_can(learner, "onnx", at=name)
    if not learner.n_learned:
        raise DataError(
            expected="a model that has learned",
            got="a new one",
            at=name,
            help="Let it learn first.",
            code="not_learned",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        learner.export_onnx(path)
        return path.read_bytes()


__all__ = ["described", "graph", "inputs"]
