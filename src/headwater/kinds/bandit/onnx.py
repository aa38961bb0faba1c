"""The values of a bandit's actions as an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.store.onnx.columns import Columns, first_layer, sum_of_rows
from headwater.store.onnx.graph import Graph
from headwater.store.onnx.layers import expert_logits, expert_prediction

__all__ = ["values_out"]


def values_out(g: Graph, columns: Columns, model: Any) -> list[str]:
    """Add the expected reward of each action, the weighted mean of the nets and of least squares.

    Exploration is left to whoever runs the graph.
    """
    core, (low, high) = model.engine.core, model.rewards
    shares = core.array("bandit_shares")[:, 0]
    mixed = g.add("Mul", g.cast(_linear(g, columns, core), np.float64), g.constant([shares[-1]], np.float64))
    for e, expert in enumerate(core.experts):
        p = expert_prediction(g, expert_logits(g, first_layer(g, columns, core, e), core, e), expert)
        mixed = g.add("Add", mixed, g.add("Mul", g.cast(p, np.float64), g.constant([shares[e]], np.float64)))
    inside = g.add("Clip", mixed, g.constant(0.0, np.float64), g.constant(1.0, np.float64))
    wide = g.add("Mul", inside, g.constant([high - low], np.float64))
    value = g.add("Add", wide, g.constant([low], np.float64))
    named = ", ".join(map(str, model.actions[:20])) + (" …" if len(model.actions) > 20 else "")
    return [
        g.output("value", value, np.float64, ["N", len(model.actions)], f"the expected reward of each action: {named}")
    ]


def _linear(g: Graph, columns: Columns, core: Any) -> str:
    """Return what least squares say of each action (N, k): the first rows of the table, each with a weight an action."""
    weights = core.array("bandit_weights").reshape(core.outputs, -1)
    w = np.zeros((core.rows - 1, core.outputs))
    own = weights[:, 1:].T[: len(w)]
    w[: len(own)] = own
    return sum_of_rows(g, columns, core, w, weights[:, 0] if weights.shape[1] else np.zeros(core.outputs))
