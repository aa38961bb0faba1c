"""Looks into a learner for the page's heat maps: the weights of each layer, and what each layer hands on for the last samples."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.explain.one import engine_of
from headwater.kernels import _op as col
from headwater.kernels._op import OPS
from headwater.nn import trace
from headwater.nn.program import Program
from headwater.nn.program import weights as weights_of
from headwater.store.member import Model

from .endpoint import Call, ok

if TYPE_CHECKING:
    from .endpoint import Answer

CELLS = 64
_ROWS = CELLS * 16  # of a table, of which the cells are means: enough to see, and cheap however tall it is
_NAMES = {row.code: row.name for row in OPS.values()}


async def weights(call: Call) -> Answer:
    """Return the weights of each layer as maps of at most 64 by 64 cells, each the mean of its neighbours."""
    model = call.hub.model(call.path["model"])
    return ok(await asyncio.to_thread(weight_maps, model))


async def activations(call: Call) -> Answer:
    """Return what each layer hands on for the last samples, one row a sample, the newest first."""
    model = call.hub.model(call.path["model"])
    return ok(await asyncio.to_thread(activation_maps, model))


def weight_maps(model: Model) -> list[dict[str, Any]]:
    """Return the maps of a champion's weights: rows are inputs, columns units."""
    with model.turns.turn():
        learner = model.champion.learner
        if not learner.n_learned:
            return []
        program = engine_of(learner).program
        found = []
        for place in program.places:
            w = weights_of(program, place)
            if w.ndim == 2 and w.size:
                found.append((place, w.shape, w[:: max(1, len(w) // _ROWS)].astype(float)))
    return [_map(place.expert, place.layer, "", shape, _shrunk(_shrunk(w, 0), 1)) for place, shape, w in found]


def activation_maps(model: Model) -> list[dict[str, Any]]:
    """Return the maps of a champion's activations on the last samples: rows are samples, columns units."""
    with model.turns.turn():
        learner = model.champion.learner
        X = [event.x for _, event, _ in list(model.recent)[::-1]]
        if not learner.n_learned or not X:
            return []
        engine = engine_of(learner)
        taken = trace.entries(engine.program, engine.encode(X, np.zeros(len(X), bool)))
        experts = range(len(engine.program.experts))
        found = [(e, *layer) for e in experts for layer in _handed_on(engine.program, e, taken)]
    return [_map(e, layer, name, values.shape, _shrunk(values, 1)) for e, layer, name, values in found]


def _handed_on(program: Program, e: int, taken: trace.Entries) -> list[tuple[int, str, Any]]:
    """Return what each layer of an expert that has weights hands on: its number among all layers, its activation, values (n, m)."""
    values = trace.forward(program, e, trace.read(program, e, taken))
    kinds = [_NAMES[int(op[col.OP])] for op in program.prog[program.ex[e, col.FIRST] : program.ex[e, col.LAST]]]
    layers = [place.layer for place in program.places if place.expert == e and (place.table or place.n)]
    out: list[tuple[int, str, Any]] = []
    name = "linear"
    for i, kind in enumerate(kinds):
        if kind == "dense":
            out.append((layers[len(out)], name, values[i]))
            name = "linear"
        elif kind not in ("identity", "dropout"):
            name = kind
    return [*out, (layers[len(out)], "output", trace.link(program, e, values[-1]))]


def _map(e: int, layer: int, what: str, shape: tuple[int, ...], cells: Any) -> dict[str, Any]:
    return {
        "expert": e + 1,
        "layer": layer + 1,
        "what": what,
        "shape": list(shape),
        "cells": [[float(f"{value:.4g}") for value in row] for row in cells.tolist()],
    }


def _shrunk(w: Any, axis: int) -> Any:
    """At most so many rows or columns, each the mean of its neighbours."""
    n = w.shape[axis]
    if n <= CELLS:
        return w
    starts = np.linspace(0, n, CELLS, endpoint=False).astype(int)
    counts = np.diff([*starts, n])
    return np.add.reduceat(w, starts, axis) / (counts[:, None] if axis == 0 else counts)


__all__ = ["activation_maps", "activations", "weight_maps", "weights"]
