"""Export a learner or a network as an ONNX model of its current state, preprocessing included.

Inputs are the raw columns (``columns``). Outputs are those that the kind's adapter adds, "label" and "probabilities", or
"value". The graph is written expert by expert from ``core.experts`` (``layers``), and the experts' predictions are mixed at the end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.errors._version import own_version
from headwater.learner.base import at_one_moment
from headwater.learner.kind import check_can
from headwater.learner.supervised import SupervisedLearner
from headwater.nn import Embedding, Network
from headwater.nn.core import Core
from headwater.nn.expert import Expert
from headwater.nn.inspect import CLASSES, answer_units, history_logits, mean_in_deviations
from headwater.nn.network import check_no_state
from headwater.plain.mixture import FARTHEST
from headwater.store.model_file import write

from .columns import Columns, columns_of, first_layer
from .graph import Graph, is_utf8
from .inputs import Inputs
from .layers import expert_logits, expert_prediction


def export_onnx(model: SupervisedLearner | Network, path: str | Path, *, opset: int = 17, array: bool = False) -> None:
    """Write the model in its current state to an ONNX file.

    A learner's graph has an input per raw column. Numbers are float64 (N, 1), NaN where missing. Categories are text (N, 1), ""
    where missing. Date-times are seconds since 1970, with an optional second input "NAME.utc_offset". A numeric column in which
    texts occur has a second input "NAME.text". A network's graph has one input "X".

    Parameters
    ----------
    model : Classifier, Regressor, MultiOutput, Bandit, Agent or Network
        The model to export. It is not changed. Of a bandit the graph gives the expected reward of each action, of an agent the value
        of each action and the best one, and of several outputs those of each.
    path : str or Path
        The file. Its contents are replaced.
    opset : int
        Version of the operator set. Every runtime since 2022 supports 17.
    array : bool
        Use one input X (N, d) instead of one per column, for a learner trained on arrays.

    Raises
    ------
    ConfigError
        If the model has learned nothing yet, its table is so full that names share rows, or ONNX can't write a name.
    MissingExtra
        Without the package onnx.
    ModelFileError
        If the file can't be written.

    Notes
    -----
    The label is a text, an integer, a boolean or a float64 if all classes are. Otherwise it is ``str`` of the class. Of several
    outputs the graph has "NAME.label" and "NAME.probabilities", or "NAME.value". The metadata key "headwater" holds task, classes,
    inputs and rows learned as JSON, and of several outputs what belongs to which under "by_output". The graph knows no rows of texts
    alone, which a learner reads as rows of a file: give their numbers as numbers, and "" for ``NA`` and the like.
    """
    write(path, onnx_model(model, opset=opset, array=array).SerializeToString())


@at_one_moment
def onnx_model(model: SupervisedLearner | Network, *, opset: int = 17, array: bool = False) -> Any:
    """Return the model as a fully checked ``onnx.ModelProto``, with parameters as in ``export_onnx``."""
    if isinstance(model, Network):
        return _network(model, opset)
    check_can(model, "onnx", at="export_onnx")
    engine = model.engine
    if engine is None or not (engine.learned or engine.columns):
        raise ConfigError(
            expected=f"a {type(model).__name__} that has learned",
            got="one that has not",
            at="export_onnx",
            help="Let it learn first, because the graph contains its columns and classes.",
        )
    g = Graph(opset, model.dtype)
    inputs = Inputs(g, array=array)
    found = model.kind.adapters["onnx"](inputs, model)
    about: dict[str, Any] = {"task": model.task, "n_learned": model.n_learned, "inputs": inputs.listed, **found}
    return _finish(g, type(model).__name__, about)


def _predictions(g: Graph, columns: Columns, core: Core) -> str:
    """Return the weighted predictions (N, k) of all experts, in the target's units."""
    mixed, stacked = "", bool(core.about["mixture"])
    classes = core.about["mixture"] == CLASSES
    for e, expert in enumerate(core.experts):
        p = expert_logits(g, first_layer(g, columns, core, e), core, e)
        if expert.log_link:
            p = _log_link(g, p, expert, mean_in_deviations(core))
        elif not classes:
            p = expert_prediction(g, p, expert)
        if stacked or len(core.experts) > 1:
            p = g.add("Mul", p, g.number(core.mixture_weights[e]))
        mixed = g.add("Add", mixed, p) if mixed else p
    if stacked and core.about["history"]:
        mixed = g.add("Add", mixed, g.constant(history_logits(core), core.dtype))
    if classes:
        mixed = expert_prediction(g, mixed, core.experts[0])
    if not core.about["targets"]:
        return mixed
    offset, scale = answer_units(core)
    wide = g.add("Mul", g.cast(mixed, np.float64), g.constant([scale], np.float64))
    return g.cast(g.add("Add", wide, g.constant([offset], np.float64)), core.dtype)


def _log_link(g: Graph, z: str, expert: Expert, mean: float) -> str:
    """Return the prediction of an expert with a log link, as in ``plain.mixture.log_link``."""
    times = expert_prediction(g, g.add("Div", z, g.number(max(mean / 2, 1.0))), expert)
    more = g.add("Mul", g.add("Sub", times, g.number(1.0)), g.number(mean))
    return g.add("Clip", more, g.number(-FARTHEST), g.number(FARTHEST))


def number_out(inputs: Inputs, model: Any) -> dict[str, Any]:
    """Add the output of a regressor, and return what the metadata says of it."""
    inputs.declare([model.engine])
    p = number_of(inputs.g, columns_of(inputs, model.engine), model)
    return {"outputs": [inputs.g.output("value", p, model.engine.core.dtype, ["N"], "the prediction")]}


def number_of(g: Graph, columns: Columns, model: Any) -> str:
    """Return the predictions (N,) of a regressor."""
    return g.add("Reshape", _predictions(g, columns, model.engine.core), g.constant([-1], np.int64))


# ---- classes --------------------------------------------------------------------------------------------------------


def classes_out(inputs: Inputs, model: Any) -> dict[str, Any]:
    """Add the outputs of a classifier, and return what the metadata says of them."""
    inputs.declare([model.engine])
    p = probabilities_of(inputs.g, columns_of(inputs, model.engine), model)
    outputs = [label_out(inputs.g, "label", p, model), probabilities_out(inputs.g, "probabilities", p, model)]
    return classes_in(model) | {"outputs": outputs}


def classes_in(model: Any) -> dict[str, list[str]]:
    """Return the classes for the metadata, if there are any."""
    return {"classes": [str(label) for label in model.known_classes]} if model.known_classes else {}


def probabilities_of(g: Graph, columns: Columns, model: Any) -> str:
    """Return the probabilities (N, k) of a classifier."""
    p = _predictions(g, columns, model.engine.core)
    if not model.one_output:
        return p
    rest = g.add("Sub", g.number(1.0), p)  # one output for the two classes
    both = len(model.known_classes) > 1
    return g.add("Concat", rest, p, axis=1) if both else g.add("Add", rest, p)


def label_out(g: Graph, name: str, p: str, model: Any) -> str:
    """Add an output for the most probable class."""
    doc = "the most probable class, ties going to the first seen"
    return best_out(g, name, p, list(model.known_classes), doc)


def best_out(g: Graph, name: str, p: str, choices: list[Any], doc: str) -> str:
    """Add an output for the choice (N,) with the largest of the numbers p (N, k)."""
    labels = _labels(choices)
    chosen = g.add("Gather", g.constant(labels, labels.dtype), g.add("ArgMax", p, axis=1, keepdims=0), axis=0)
    return g.output(name, chosen, labels.dtype, ["N"], doc)


def probabilities_out(g: Graph, name: str, p: str, model: Any) -> str:
    """Add an output for the probabilities of classes."""
    doc = f"one column per class: {listed(model.known_classes)}"
    return g.output(name, p, g.dtype, ["N", len(model.known_classes)], doc)


def listed(choices: Sequence[Any]) -> str:
    """Return the first twenty of some choices as a text."""
    return ", ".join(map(str, choices[:20])) + (" …" if len(choices) > 20 else "")


def _labels(classes: list[Any]) -> NDArray[Any]:
    """Return the classes as an array of one ONNX type."""
    kinds = {type(label) for label in classes}
    for kind, dtype in ((bool, np.bool_), (int, np.int64), (float, np.float64)):
        if kinds == {kind} and (kind is not int or all(-(2**63) <= label < 2**63 for label in classes)):
            return np.array(classes, dtype)
    texts = [str(label) for label in classes]
    if len(set(texts)) < len(texts):
        raise ConfigError(
            expected="classes whose texts differ",
            got=f"{texts!r}",
            at="export_onnx",
            help="Mixed types become texts in ONNX. Learn with labels of one type.",
        )
    if odd := next((text for text in texts if not is_utf8(text)), None):
        raise ConfigError(
            expected="classes that UTF-8 can write",
            got=repr(odd),
            at="export_onnx",
            help="ONNX stores labels as UTF-8. Learn with other labels.",
        )
    return np.array(texts, object)


# ---- networks -------------------------------------------------------------------------------------------------------


def _network(net: Network, opset: int) -> Any:
    """Return the graph of a network with one input X (N, inputs), where NaN counts as 0."""
    check_no_state(net.expert, "export_onnx")
    core, inputs = net.core, net._inputs
    g = Graph(opset, core.dtype)
    w, b = (None, None) if isinstance(inputs, tuple) else core.table(0)
    if isinstance(inputs, tuple):
        x = g.input("X", core.dtype, ["N", *inputs], "channels, rows and columns of pixels; NaN where missing")
        z = g.add("Where", g.add("IsNaN", x), g.number(0.0), x)
    elif isinstance(net.expert.layers[0], Embedding):
        x = g.input("X", np.int64, ["N", inputs], "row numbers")
        z = g.sum(g.add("Gather", g.number(w), x, axis=0), 1, keep=False)
    else:
        x = g.input("X", core.dtype, ["N", inputs], "numbers; NaN where missing")
        z = g.add("MatMul", g.add("Where", g.add("IsNaN", x), g.number(0.0), x), g.number(w))
    z = z if b is None else g.add("Add", z, g.number(b))
    p = expert_prediction(g, expert_logits(g, z, core, 0), net.expert)
    outputs = []
    if net.expert.loss.row.classes and net.outputs > 1:
        label = g.add("ArgMax", p, axis=1, keepdims=0)
        outputs.append(g.output("label", label, np.int64, ["N"], "the class with the highest output"))
        outputs.append(g.output("probabilities", p, g.dtype, ["N", net.outputs], "one column per class"))
    else:
        outputs.append(g.output("value", p, g.dtype, ["N", net.outputs], "the prediction"))
    return _finish(g, "Network", {"task": "network", "outputs": outputs})


def _finish(g: Graph, name: str, about: dict[str, Any]) -> Any:
    doc = f"headwater {name}: predicts like the model at export. It does not learn."
    metadata = {"headwater": json.dumps(about, ensure_ascii=False)}
    return g.model(name=name, doc=doc, version=own_version(), metadata=metadata)


__all__ = [
    "best_out",
    "classes_in",
    "classes_out",
    "export_onnx",
    "label_out",
    "listed",
    "number_of",
    "number_out",
    "onnx_model",
    "probabilities_of",
    "probabilities_out",
]
