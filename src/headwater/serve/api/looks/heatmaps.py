"""Heat maps of weights and activations for the page."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np

from headwater.learner.kind import check_can
from headwater.nn import core as nn_core
from headwater.nn import inspect
from headwater.nn.core import Core

CELLS = 64
_ROWS = CELLS * 16  # rows sampled from a table, which bounds the cost


class HeatMap(TypedDict):
    """The weights or the activations of a layer, averaged where there are many."""

    expert: int
    layer: int
    what: str
    shape: list[int]
    cells: list[list[float]]


def weight_maps(learner: Any) -> list[HeatMap]:
    """Return maps of a learner's weights, with inputs as rows and units as columns."""
    check_can(learner, "layers", at="weights")
    if not learner.n_learned:
        return []
    core = learner.learned_engine.core
    found = []
    for place in core.places():
        w = nn_core.weights(core, place)
        if w.ndim == 2 and w.size:
            part = w[:: max(1, len(w) // _ROWS)].astype(float)
            found.append(_map(place.expert, place.layer, "", w.shape, _shrunk(_shrunk(part, 0), 1)))
    return found


def activation_maps(learner: Any, X: list[Any]) -> list[HeatMap]:
    """Return maps of a learner's activations, with samples as rows and units as columns."""
    check_can(learner, "layers", at="activations")
    if not learner.n_learned or not X:
        return []
    engine = learner.learned_engine
    taken = inspect.entries(engine.core, engine.rows(X), len(X))
    experts = range(len(engine.core.experts))
    found = [(e, *layer) for e in experts for layer in _handed_on(engine.core, e, taken)]
    return [_map(e, layer, name, values.shape, _shrunk(values, 1)) for e, layer, name, values in found]


def _handed_on(core: Core, e: int, taken: inspect.Entries) -> list[tuple[int, str, Any]]:
    """Return the outputs of an expert's weighted layers (layer number, activation, values (n, m))."""
    values = inspect.forward(core, e, inspect.read(core, e, taken), taken.carried)
    layers = [place.layer for place in core.places() if place.expert == e and (place.table or place.n)]
    out: list[tuple[int, str, Any]] = []
    name = "linear"
    for i, operation in enumerate(core.operations(e)):
        if operation.name == "dense":
            out.append((layers[len(out)], name, values[i]))
            name = "linear"
        elif operation.name not in ("identity", "dropout"):
            name = operation.name
    return [*out, (layers[len(out)], "output", inspect.link(core, e, values[-1]))]


def _map(e: int, layer: int, what: str, shape: tuple[int, ...], cells: Any) -> HeatMap:
    return {
        "expert": e + 1,
        "layer": layer + 1,
        "what": what,
        "shape": list(shape),
        "cells": [[float(f"{value:.4g}") for value in row] for row in cells.tolist()],
    }


def _shrunk(w: Any, axis: int) -> Any:
    """Average neighbors along an axis to at most ``CELLS`` entries."""
    n = w.shape[axis]
    if n <= CELLS:
        return w
    starts = np.linspace(0, n, CELLS, endpoint=False).astype(int)
    counts = np.diff([*starts, n])
    return np.add.reduceat(w, starts, axis) / (counts[:, None] if axis == 0 else counts)


__all__ = ["HeatMap", "activation_maps", "weight_maps"]
