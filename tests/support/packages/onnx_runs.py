"""Run exported graphs in onnxruntime and in ONNX's own reference evaluator, and feed them what a client would send."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np

import headwater as hw
from headwater.encode.values import as_number, as_text, as_time, missing
from headwater.store.onnx.export import onnx_model
from support.packages.imports import when_used

CLOSE = 1e-5
EPOCH = dt.datetime(1970, 1, 1)
onnxruntime, reference = when_used("onnxruntime"), when_used("onnx.reference")


def run(graph, feed: dict) -> tuple[list, list]:
    """Outputs of onnxruntime and of the reference evaluator."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of inputs that may be left out
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feed), reference.ReferenceEvaluator(graph).run(None, feed)


def about(graph) -> dict:
    """What the exporter noted in the metadata."""
    return json.loads({prop.key: prop.value for prop in graph.metadata_props}["headwater"])


def number(value) -> float:
    if isinstance(value, str):
        read = as_number(value)
        return np.nan if read is None else read
    return np.nan if missing(value) or as_time(value) is not None else float(value)


def text(value) -> str | None:
    return None if missing(value) else as_text(value)


def seconds(value) -> float:
    when = None if missing(value) else as_time(value)
    return np.nan if when is None else (when.replace(tzinfo=None) - EPOCH).total_seconds()


def offset(value) -> float:
    when = None if missing(value) else as_time(value)
    return when.utcoffset().total_seconds() if when is not None and when.tzinfo is not None else 0.0


def left_over(value, column) -> str | None:
    """The text of a column that holds numbers or date-times, where its value is neither."""
    if missing(value):
        return None
    if column.kind == "time":
        return text(value) if as_time(value) is None else None
    read = as_number(value) is not None if isinstance(value, str) else as_time(value) is None
    return None if read else text(value)


def feed(model, graph, rows: list[dict]) -> dict:
    """What a client sends for these rows."""
    out = {}
    for entry in about(graph)["inputs"]:
        if entry["kind"] == "optional":
            continue
        column = next(c for c in model._engine.columns.values() if f"{c.name}" == entry["column"])
        kind = "left over" if entry["name"].endswith(".text") else entry["kind"]
        read = {
            "number": number,
            "text": text,
            "time": seconds,
            "offset": offset,
            "left over": lambda value, column=column: left_over(value, column),
        }[kind]
        values = [[read(row.get(column.name))] for row in rows]
        if entry["kind"] == "text":
            values = [[entry["missing"] if value is None else value] for (value,) in values]
        out[entry["name"]] = np.array(values, object if entry["kind"] == "text" else np.float64)
    return out


def check_learner(model, rows: list[dict], *, close: float = CLOSE, opset: int = 17):
    """Export a learner and compare both runtimes with it on these rows; returns the graph."""
    graph = onnx_model(model, opset=opset)
    sent = feed(model, graph, rows)
    for outputs in run(graph, sent):
        if isinstance(model, hw.Classifier):
            check_classes(model, rows, *outputs, close)
        else:
            wanted = model.predict_many(rows)
            (value,) = outputs
            assert value.shape == (len(rows),)
            assert np.abs(value - wanted).max() <= close * max(1.0, np.abs(wanted).max())
    return graph


def check_classes(model, rows, label, probabilities, close) -> None:
    proba = model.predict_proba_many(rows)
    assert probabilities.shape == proba.shape
    assert np.abs(probabilities - proba).max() <= close
    # where two classes are equal but for rounding, either may be named
    best = np.sort(proba, axis=1)
    clear = np.ones(len(rows), bool) if proba.shape[1] == 1 else best[:, -1] - best[:, -2] > 2 * close
    wanted = [model.classes[i] for i in proba.argmax(1)]
    assert [got == want for got, want, sure in zip(label.tolist(), wanted, clear, strict=True) if sure].count(
        False
    ) == 0
    assert clear.mean() > 0.5
