"""The outputs of a multi-output learner as one ONNX graph, which reads the row once."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.errors import ConfigError
from headwater.kinds.multi_output.members.members import PREDICTED, is_predicted
from headwater.store.onnx.columns import columns_of
from headwater.store.onnx.export import classes_in, label_out, number_of, probabilities_of, probabilities_out
from headwater.store.onnx.graph import Graph, is_utf8
from headwater.store.onnx.inputs import Inputs

__all__ = ["outputs_out"]


def outputs_out(inputs: Inputs, model: Any) -> dict[str, Any]:
    """Add the outputs of each learned output, in the order of the chain, and return what the metadata says of them.

    An output of classes has "NAME.label" and "NAME.probabilities", one of numbers has "NAME.value". Earlier outputs' predictions
    are computed in the graph, so no client sends them.
    """
    members = model.members
    _check_names(list(members))
    engines = [member.engine for member in members.values()]
    inputs.declare(engines, {name for engine in engines for name in engine.columns if is_predicted(name)})
    predicted: dict[Any, str] = {}
    by_output: dict[str, dict[str, Any]] = {}
    for name, member in members.items():
        columns = columns_of(inputs, member.engine, predicted)
        is_classes = "classes" in member.kind.can
        add = _add_classes if is_classes else _add_number
        by_output[f"{name}"] = add(inputs.g, name, columns, member, predicted)
    names = [own for said in by_output.values() for own in said.values() if isinstance(own, str)]
    return {"outputs": names, "by_output": by_output}


def _add_classes(g: Graph, name: Any, columns: Any, member: Any, predicted: dict[Any, str]) -> dict[str, Any]:
    """Add the outputs of an output of classes, and note what later outputs read of it."""
    p = probabilities_of(g, columns, member)
    for j, label in enumerate(member.known_classes[1:], 1):
        own = g.add("Gather", p, g.constant([j], np.int64), axis=1)
        predicted[PREDICTED, name, label] = g.cast(own, np.float64)
    return {
        "label": label_out(g, f"{name}.label", p, member),
        "probabilities": probabilities_out(g, f"{name}.probabilities", p, member),
        **classes_in(member),
    }


def _add_number(g: Graph, name: Any, columns: Any, member: Any, predicted: dict[Any, str]) -> dict[str, Any]:
    """Add the output of an output of numbers, and note what later outputs read of it."""
    value = number_of(g, columns, member)
    column = g.add("Reshape", value, g.constant([-1, 1], np.int64))
    predicted[PREDICTED, name] = g.cast(column, np.float64)
    return {"value": g.output(f"{name}.value", value, member.engine.core.dtype, ["N"], f"the prediction of {name}")}


def _check_names(names: list[Any]) -> None:
    """Raise ConfigError if ONNX can't tell outputs apart or write a name."""
    texts = [f"{name}" for name in names]
    if len(set(texts)) < len(texts) or not all(map(is_utf8, texts)):
        raise ConfigError(
            expected="outputs whose names differ as texts of UTF-8",
            got=f"{names!r:.80}",
            at="export_onnx",
            help="ONNX names are such texts. Rename the outputs and learn again.",
        )
