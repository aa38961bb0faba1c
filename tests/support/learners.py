"""Streams and readings of a learner's state that tests share."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from headwater import Classifier, Regressor, nn
from headwater.nn import inspect
from headwater.nn.core import Core, bias, weights
from headwater.nn.core.views import Operation

RULES = tuple(nn.OPTIMIZERS)
SHAPES: tuple[tuple[tuple[int, ...], str | None], ...] = (
    ((), None),
    ((16, 8), None),
    ((16, 8), "layer"),
    ((16, 8), "batch"),
)
"""Hidden layers and normalisation."""


def mixed(n: int, seed: int = 0) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of numbers, texts and gaps, and one of three classes for each."""
    rng = np.random.default_rng(seed)
    rows, labels = [], []
    for i in range(n):
        a, b = rng.normal(), rng.normal(3.0, 2.0)
        colour = ["red", "green", "blue"][rng.integers(3)]
        row = {"a": float(a), "b": float(b), "colour": colour, "flag": bool(rng.integers(2)), "n": int(rng.integers(9))}
        if rng.random() < 0.2:
            row["b"] = None
        if rng.random() < 0.2:
            del row["colour"]
        rows.append(row)
        labels.append("xyz"[int(a + (colour == "red") > 0.3) + int(i > 10 and b > 4)])
    return rows, labels


def numbers(labels: list[str]) -> list[float]:
    """Answers for a regressor, from those for a classifier."""
    return [10.0 + 5 * "xyz".index(label) for label in labels]


def bits(x: Any) -> bytes:
    """The bytes of an array: equal ones are equal to the bit, NaN included."""
    return np.ascontiguousarray(x).tobytes()


def same(one: Any, other: Any) -> bool:
    """Whether two arrays are equal to the bit, in shape and in type."""
    one, other = np.asarray(one), np.asarray(other)
    return one.dtype == other.dtype and one.shape == other.shape and bits(one) == bits(other)


def core_of(model: Any) -> Core:
    """The core of a learner that has learned something."""
    assert model._engine is not None
    return model._engine.core


def logits(model: Any, rows: list[dict[str, Any]]) -> np.ndarray:
    """What every expert says of each row before the link, (rows, experts, outputs), from the weights as they stand.

    Sums are made term by term: a library's matrix product has other last bits where there are more rows or columns.
    """
    engine, core = model._engine, core_of(model)
    taken = inspect.entries(core, engine.rows(rows), len(rows))
    out = []
    for e in range(len(core.experts)):
        z = inspect.read(core, e, taken)
        for operation in core.operations(e):
            z = _dense(operation, z) if operation.name == "dense" else inspect._forward(operation, z)
        out.append(z)
    return np.stack(out, 1)


def _dense(operation: Operation, x: np.ndarray) -> np.ndarray:
    """Y = X·W + b."""
    assert operation.weights is not None
    y = np.zeros((len(x), operation.m)) + (0 if operation.bias is None else operation.bias.astype(np.float64))
    for column, row in zip(x.T, operation.weights.astype(np.float64), strict=True):
        y += column[:, None] * row
    return y


def arrays(model: Any) -> dict[str, np.ndarray]:
    """Copies of everything that learning changes."""
    return core_of(model).state()


def vocabulary(model: Any) -> str:
    """Everything that the vocabulary and the counters of a learner hold."""
    engine = model._engine
    if engine is None:
        return "empty"
    columns = [[repr(c.name), c.kind, c.slot, c.values] for c in engine.columns.values()]
    return json.dumps([columns, model.rejected, [repr(c) for c in getattr(model, "classes", [])]])


def fingerprint(model: Any) -> str:
    """SHA-256 over all state arrays, whole, and the vocabulary."""
    digest = hashlib.sha256(vocabulary(model).encode())
    if model._engine is not None:
        for array in arrays(model).values():
            digest.update(bits(array))
    return digest.hexdigest()


def differences(one: Any, other: Any) -> list[str]:
    """Which arrays, or the vocabulary, of two learners differ by so much as a bit."""
    if (one._engine is None) != (other._engine is None):
        return ["engine"]
    out = [] if vocabulary(one) == vocabulary(other) else ["vocabulary"]
    if one._engine is not None:
        mine, yours = arrays(one), arrays(other)
        out += [name for name in mine if not same(mine[name], yours[name])]
    return out


def tables(model: Any) -> list[np.ndarray]:
    """Copies of each layer's weights and bias among the parameters and in every state: numbers and moments by their place."""
    core, out = core_of(model), []
    for name in ("weights", *(f"state_{k}" for k in range(core.about["states"]))):
        vector = core.array(name)
        if len(vector) != len(core.array("weights")):  # of a lean pool: a number a row, the table last
            out += [vector.copy()]
            continue
        for place in core.places():
            out += [weights(core, place, vector).copy()]
            own = bias(core, place, vector)
            out += [] if own is None else [own.copy()]
    return out


def make(kind: str, rule: str = "sgd", hidden: tuple[int, ...] = (16, 8), norm: str | None = None, **more: Any) -> Any:
    """A single net that learns classes or numbers by that rule."""
    cls = {"classify": Classifier, "regress": Regressor}[kind]
    return cls(hidden=hidden, optimizer=nn.OPTIMIZERS[rule](), norm=norm, **more)


def answers(model: Any, labels: list[str]) -> list[Any]:
    """The answers for that learner."""
    return labels if model.task == "classify" else numbers(labels)
