"""The values of a bandit's actions as an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.kinds.bandit.features import no_features
from headwater.store.onnx.columns import Columns, columns_of, first_layer, sum_of_rows
from headwater.store.onnx.export import classes_in, listed
from headwater.store.onnx.graph import Graph
from headwater.store.onnx.inputs import Inputs
from headwater.store.onnx.layers import expert_logits, expert_prediction

__all__ = ["values_out"]

SHARE, REWARD, ROWS = 5, 6, 7
"""Places in the core's array ``bandit_stack``."""


def values_out(inputs: Inputs, model: Any) -> dict[str, Any]:
    """Add the expected reward of each action, stacked from what the row says and the action's mean.

    Exploration is left to whoever runs the graph.
    """
    no_features(model, "export_onnx")
    inputs.declare([model.engine])
    g, columns = inputs.g, columns_of(inputs, model.engine)
    core, (low, high) = model.engine.core, model.rewards
    shares = core.array("bandit_shares")[:, 0]
    mixed = g.add("Mul", g.cast(_linear(g, columns, core), np.float64), g.constant([shares[-1]], np.float64))
    for e, expert in enumerate(core.experts):
        p = expert_prediction(g, expert_logits(g, first_layer(g, columns, core, e), core, e), expert)
        mixed = g.add("Add", mixed, g.add("Mul", g.cast(p, np.float64), g.constant([shares[e]], np.float64)))
    inside = g.add("Clip", mixed, g.constant(0.0, np.float64), g.constant(1.0, np.float64))
    stacked = _stacked(g, inside, core)
    wide = g.add("Mul", stacked, g.constant([high - low], np.float64))
    value = g.add("Add", wide, g.constant([low], np.float64))
    doc = f"the expected reward of each action: {listed(model.actions)}"
    return classes_in(model) | {"outputs": [g.output("value", value, np.float64, ["N", len(model.actions)], doc)]}


def _linear(g: Graph, columns: Columns, core: Any) -> str:
    """Return what least squares say of each action (N, k): the first rows of the table, each with a weight an action."""
    weights = core.array("bandit_weights").reshape(core.outputs, -1)
    w = np.zeros((core.rows - 1, core.outputs))
    own = weights[:, 1:].T[: len(w)]
    w[: len(own)] = own
    at_zero = weights[:, 0] if weights.shape[1] else np.zeros(core.outputs)
    return sum_of_rows(g, columns, core, w, at_zero + _mean_reward(core))


def _mean_reward(core: Any) -> float:
    """Return the mean of all rewards that least squares start from, 0 for a bandit of an older file."""
    stack = _stack_of(core)
    return 0.0 if stack is None else (stack[REWARD] * stack[ROWS] + 0.5) / (stack[ROWS] + 1)


def _stacked(g: Graph, of_row: str, core: Any) -> str:
    """Return the share of the row's values and of the actions' means (`plain.kinds.bandit`)."""
    stack = _stack_of(core)
    if stack is None:
        return of_row
    sums, counts = core.array("bandit_means").T
    means = (sums + _mean_reward(core)) / (counts + 1)
    believed = g.add("Mul", of_row, g.constant([stack[SHARE]], np.float64))
    return g.add("Add", believed, g.constant((1 - stack[SHARE]) * means, np.float64))


def _stack_of(core: Any) -> Any:
    stack = core.state()["bandit_stack"]
    return stack if len(stack) else None
