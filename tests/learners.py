"""Streams, and looks inside a learner, that the tests of learners share."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from headwater import Classifier, Regressor, nn
from headwater.kernels import _op as col
from headwater.nn.program import STATE, Program

RULES = tuple(nn.OPTIMIZERS)
SHAPES: tuple[tuple[tuple[int, ...], str | None], ...] = (
    ((), None),
    ((16, 8), None),
    ((16, 8), "layer"),
    ((16, 8), "batch"),
)
"""Hidden layers and normalisation."""
USED = {
    "stats": "slots",
    "knots": "slots",
    "past": "slots",
    "touched": "rows",
}
"""Arrays with room to spare, and what says how much of them is used."""


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


def program_of(model: Any) -> Program:
    """The program of a learner that has learned something."""
    assert model._engine is not None
    return model._engine.program


def logits(model: Any, rows: list[dict[str, Any]]) -> np.ndarray:
    """What every expert says of each row before the link, (rows, experts, outputs)."""
    engine, program = model._engine, program_of(model)
    out = []
    for row in rows:
        program.predict(engine.encode([row], np.zeros(1, bool)))
        a = program._held[col.A]
        out.append([a[ex[col.LOGITS] : ex[col.LOGITS] + ex[col.OUTPUTS]].copy() for ex in program.ex])
    return np.array(out)


def arrays(model: Any) -> dict[str, np.ndarray]:
    """Copies of everything that learning changes, cut to what is used."""
    program = program_of(model)
    out = {name: getattr(program, name) for name in STATE if name not in ("p", "s")}
    for name, used in USED.items():
        out[name] = out[name][: getattr(program, used)]
    width = int(program.ring_n.max(initial=0))
    out |= {name: out[name][:, :width] for name in ("ring_rows", "ring_v")}
    used = program.dense + program.rows * program.stride
    out["p"] = program.p[:used]
    out["s"] = program.s.reshape(max(program.states, 1), -1)[:, :used]
    return {name: array.copy() for name, array in out.items()}


def vocabulary(model: Any) -> str:
    """Everything that the vocabulary and the counters of a learner hold."""
    engine = model._engine
    if engine is None:
        return "empty"
    words = engine.words
    columns = [[repr(c.name), c.kind, c.slot, list(c.parts), c.values] for c in words.columns.values()]
    counts = [words.rows, words.slot_rows, words.slot_hats, words.shared_from, words.shared_names, words.new]
    more = [sorted(words.shared_slots.items()), engine.fan_in, engine.learned, model.rejected]
    return json.dumps([columns, counts, more, [repr(c) for c in getattr(model, "classes", [])]])


def fingerprint(model: Any) -> str:
    """SHA-256 over all state arrays, whole, and the vocabulary."""
    digest = hashlib.sha256(vocabulary(model).encode())
    if model._engine is not None:
        for name in STATE:
            digest.update(bits(getattr(model._engine.program, name)))
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
    """Copies of each layer's numbers (rows, units) in P and in every state: parameters and moments by their place."""
    from headwater.nn.matrices import matrix_of

    program, out = program_of(model), []
    for k in range(-1, program.states):
        size = len(program.p)
        vector = program.p if k < 0 else program.s[k * size : (k + 1) * size]
        out += [
            matrix_of(vector, place, program.dense, program.stride, program.rows).copy() for place in program.places
        ]
    return out


def make(kind: str, rule: str = "sgd", hidden: tuple[int, ...] = (16, 8), norm: str | None = None, **more: Any) -> Any:
    """A single net that learns classes or numbers by that rule."""
    cls = {"classify": Classifier, "regress": Regressor}[kind]
    return cls(hidden=hidden, optimizer=nn.OPTIMIZERS[rule](), norm=norm, **more)


def answers(model: Any, labels: list[str]) -> list[Any]:
    """The answers for that learner."""
    return labels if model.task == "classify" else numbers(labels)
