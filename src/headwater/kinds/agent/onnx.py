"""The values of an agent's actions, and the best action, as an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.kinds.agent.actions import as_actions
from headwater.kinds.agent.learner import NORMAL, TABLE, Agent
from headwater.nn.core import Core, weights
from headwater.nn.core import bias as bias_of
from headwater.plain.inputs.input import HUGE
from headwater.plain.network.random import mix64
from headwater.store.onnx.columns import Columns, columns_of, in_deviations, of_slots, sum_of_rows
from headwater.store.onnx.export import best_out, listed
from headwater.store.onnx.graph import ML, Graph
from headwater.store.onnx.inputs import Inputs
from headwater.store.onnx.layers import expert_logits

__all__ = ["actions_out"]

TIME = "agent time"
TIMES = "steps since the episode began; left out, those of the episode that the agent was in"
BEST = "the action with the largest value, ties going to the first"
CLIP, PACE, LAST_PACE = 10.0, 1e-6, 0.002
"""Bound of a standardized number, smallest pace of its statistics, and the pace that follows, as in the core."""
STEPS, EPISODE_STEPS, REWARDS, SPREAD = 1, 5, 7, 9
"""Places in the core's array ``agent_numbers``."""
LEAST_SPREAD = 1e-8
ROWS, SETTLED, TRIALS, MEANS = 0, 5, slice(8, 10), slice(10, 12)
"""Places in the core's array ``tile_numbers``, of the net before those of the table."""
FIRST_ROWS, NEW_ROWS, LEAST_TRIALS = 1000, 0.125, 3
MOST_ROWS = 1 << 24
"""Rows of a table that float32 can count, by which ONNX looks up whole numbers."""
_BITS, _FIRST, _SECOND = 1 << 64, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def actions_out(inputs: Inputs, model: Agent) -> dict[str, Any]:
    """Add the value of each action and the best action, read where the agent itself reads them, from its net or from its table.

    An agent with a policy has a value of the state and the best action, and of named actions their probabilities. Exploration is
    left to whoever runs the graph.
    """
    engine: Any = model.engine
    inputs.declare([engine], {TIME})
    if _reads_table(engine):
        return _values_out(inputs.g, _table(inputs, engine), model)
    time = inputs.optional(TIME, float(engine.core.array("agent_numbers")[EPISODE_STEPS]), TIMES)
    columns = columns_of(inputs, engine, {TIME: time}, _standardized)
    if not model.has_action_values:
        return _policy_out(inputs.g, columns, model)
    return _values_out(inputs.g, inputs.g.cast(_net(inputs.g, columns, model, 0), np.float64), model)


def _values_out(g: Graph, values: str, model: Agent) -> dict[str, Any]:
    actions = list(as_actions(model.actions).labels)
    doc = f"the value of each action: {listed(actions)}"
    outputs = [
        g.output("value", values, np.float64, ["N", len(actions)], doc),
        best_out(g, "action", values, actions, BEST),
    ]
    return {"actions": [str(action) for action in actions], "outputs": outputs}


def _policy_out(g: Graph, columns: Columns, model: Agent) -> dict[str, Any]:
    """Add what the two nets of an agent with a policy say, of which the first predicts the value of the state."""
    engine: Any = model.engine
    first = g.add("Gather", _net(g, columns, model, 0), g.constant(0, np.int64), axis=1)
    value = g.output("value", g.cast(first, np.float64), np.float64, ["N"], "the value of the state")
    z = g.cast(_net(g, columns, model, 1), np.float64)
    if engine.setup.agent[0] == NORMAL:
        return {"outputs": [value, _numbers_out(g, z, model)]}
    actions = list(as_actions(model.actions).labels)
    p = g.add("Softmax", z, axis=1)
    doc = f"the probability of each action: {listed(actions)}"
    outputs = [
        value,
        g.output("probabilities", p, np.float64, ["N", len(actions)], doc),
        best_out(g, "action", z, actions, "the most probable action, ties going to the first"),
    ]
    return {"actions": [str(action) for action in actions], "outputs": outputs}


def _numbers_out(g: Graph, z: str, model: Agent) -> str:
    """Add the means of the numbers of an action, within their bounds."""
    space = as_actions(model.actions)
    n = len(space.low)
    middle, half = space.spread([0.0] * n, [1.0] * n)
    mean = g.add("Gather", z, g.constant(np.arange(n), np.int64), axis=1)
    mean = g.add("Tanh", mean) if space.bounded else mean
    wide = g.add("Add", g.add("Mul", mean, _real(g, half)), _real(g, middle))
    inside = g.add("Max", g.add("Min", wide, _real(g, space.high)), _real(g, space.low))
    return g.output("action", g.cast(inside, np.float32), np.float32, ["N", n], "the mean of each number of the action")


# ---- the net ----------------------------------------------------------------------------------------------------------


def _net(g: Graph, columns: Columns, model: Agent, e: int) -> str:
    """Return what expert e says of the state (N, outputs)."""
    engine: Any = model.engine
    core = engine.core
    w, b = _up_to_date(core, e, adaptive=model.adaptive)
    return expert_logits(g, sum_of_rows(g, columns, core, w, b), core, e)


def _up_to_date(core: Core, e: int, *, adaptive: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return expert e's table (rows − 1, m) and bias (m,), with the steps that the core takes only when it reads a row."""
    place = next(place for place in core.places() if place.table and place.expert == e)
    w, b = weights(core, place).astype(np.float64), np.asarray(bias_of(core, place), np.float64)
    if adaptive:  # such steps are taken at once
        return w, b
    traces = core.array("state_0")
    owed = core.array("agent_numbers")[STEPS + e] - core.array("agent_rows").reshape(core.rows, -1)[:, e]
    trace: Any = bias_of(core, place, traces)
    return w + owed[1:, None] * weights(core, place, traces), b + owed[0] * trace


def _standardized(g: Graph, out: Columns, x: str, core: Core) -> None:
    """Convert raw values (N, slots) to numbers standardized as those of a state are."""
    known = of_slots(core.statistics, out.slots)
    pace = 1 / (known.seen + 1)
    there, x = _finite(g, x, _real(g, 0.0))
    x = g.add("Clip", x, _real(g, -HUGE), _real(g, HUGE))
    z = in_deviations(g, x, known, np.where(pace > PACE, pace, LAST_PACE), CLIP)
    out.numbers = g.cast(g.add("Where", there, z, _real(g, 0.0)), core.dtype)
    out.plus, out.minus = known.row.astype(np.int64), np.zeros(len(out.slots), np.int64)


def _finite(g: Graph, x: str, otherwise: str) -> tuple[str, str]:
    """Return which numbers are neither NaN nor infinite, and all numbers with ``otherwise`` for the others."""
    there = g.add("LessOrEqual", g.add("Abs", x), _real(g, np.finfo(np.float64).max))
    return there, g.add("Where", there, x, otherwise)


# ---- the table ----------------------------------------------------------------------------------------------------------


def _reads_table(engine: Any) -> bool:
    """Return whether the best action is the table's, as ``hw_better_reader`` does in the core."""
    numbers = engine.core.array("tile_numbers")
    tiled = max(len(engine.core.statistics.seen) - 1, 0)
    if not len(numbers) or tiled > TABLE[2]:
        return False
    if tiled == 0 and numbers[ROWS] <= FIRST_ROWS + NEW_ROWS * engine.learned:
        return True
    net, table = numbers[MEANS]
    return not (numbers[SETTLED] and numbers[TRIALS].min() >= LEAST_TRIALS and net > table)


def _table(inputs: Inputs, engine: Any) -> str:
    """Return the values of actions (N, k) in the table, in units of the rewards' scale.

    A state is one row, or one of each tiling, whose stored key is mix64 of a sum of hashes. Since mix64 is a bijection, the graph
    needs only the sum, and finds it among the sums that belong to the stored keys.
    """
    g, core = inputs.g, engine.core
    count = int(core.array("tile_numbers")[ROWS])
    if count >= MOST_ROWS:
        raise ConfigError(
            expected=f"a table of fewer than {MOST_ROWS:,} rows",
            got=f"{count:,} rows",
            at="export_onnx",
            help="Make the agent with table=False or a smaller max_rows, or serve it over HTTP.",
        )
    columns = columns_of(inputs, engine, {TIME: inputs.every_row(_real(g, [[0.0]]))}, _raw)
    sums = _sum_of_numbers(g, columns, core)
    if columns.categories:
        mixed = _signed(mix64(core.array("row_keys")[columns.category_rows]))
        picked = g.add("Gather", g.constant([*mixed, 0], np.int64), columns.categories, axis=0)
        own = g.add("Unsqueeze", _total(g, picked, 1, columns.texts), g.constant([1], np.int64))
        sums = g.add("Add", sums, own) if sums else own
    values = core.array("tile_values").reshape(count, -1)
    known = _signed(_unmixed(core.array("tile_keys")[:count]))
    row = g.add(
        "LabelEncoder",
        sums,
        domain=ML,
        keys_int64s=known.tolist() or [0],
        values_floats=[float(r) for r in range(max(count, 1))] if count else [0.0],
        default_float=float(count),
    )
    with_nothing = np.concatenate([values, np.zeros((1, core.outputs))])
    found = g.add("Gather", _real(g, with_nothing), g.cast(row, np.int64), axis=0)
    return g.add("Div", g.sum(found, 1, keep=False), _real(g, _unit(core)))


def _sum_of_numbers(g: Graph, columns: Columns, core: Core) -> str:
    """Return the sum of the hashes of the bins of a state (N, tilings), with the tiling's number, or "" without numbers."""
    order = np.argsort(columns.slots)[1:]  # without the time of the episode
    if not len(order):
        return ""
    tilings, bins, n = int(TABLE[0]), int(TABLE[1]), len(order)
    low, high = core.array("tile_ranges").reshape(-1, 3)[:n, :2].T
    width = high - low
    x = g.add("Gather", columns.raw, g.constant(order, np.int64), axis=1)
    _, x = _finite(g, x, _real(g, core.statistics.mean[1 : n + 1]))
    part = g.add("Div", g.add("Sub", x, _real(g, low)), _real(g, np.where(width > 0, width, 1.0)))
    part = g.add("Clip", g.add("Mul", part, _real(g, (width > 0) * 1.0)), _real(g, 0.0), _real(g, 1.0))
    j, k = np.arange(n)[None, :], np.arange(tilings)[:, None]
    shift = (2 * j + 1) * k % tilings / tilings
    wide = g.add("Unsqueeze", g.add("Mul", part, _real(g, bins)), g.constant([1], np.int64))
    which = g.cast(g.add("Floor", g.add("Add", wide, _real(g, shift))), np.int64)
    place = g.add("Add", which, g.constant(np.arange(n) * (bins + 1), np.int64))
    codes = np.arange(n, dtype=np.uint64)[:, None] << np.uint64(32) | np.arange(bins + 1, dtype=np.uint64)[None, :]
    hashes = g.constant(_signed(mix64(codes.ravel() + np.uint64(1))), np.int64)
    return g.add("Add", _total(g, g.add("Gather", hashes, place, axis=0), 2, n), g.constant(k.ravel(), np.int64))


def _total(g: Graph, x: str, axis: int, n: int) -> str:
    """Return the sum of n integers along an axis modulo 2⁶⁴, by Add since onnxruntime's ReduceSum rounds integers to doubles."""
    total = ""
    for i in range(n):
        part = g.add("Gather", x, g.constant(i, np.int64), axis=axis)
        total = g.add("Add", total, part) if total else part
    return total


def _raw(g: Graph, out: Columns, x: str, core: Core) -> None:
    """Keep raw values (N, slots) as they are."""
    out.raw = x


def _unit(core: Core) -> float:
    """Return the scale of rewards, the deviation of their discounted sum."""
    numbers = core.array("agent_numbers")
    t = numbers[REWARDS]
    spread = numbers[SPREAD] * t / (t - 1) if t > 1 else 1.0
    return float(np.sqrt(spread + LEAST_SPREAD))


def _unmixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return what mix64 makes x of."""
    x = _unshifted(x, 31) * np.uint64(pow(_SECOND, -1, _BITS))
    x = _unshifted(x, 27) * np.uint64(pow(_FIRST, -1, _BITS))
    return _unshifted(x, 30)


def _unshifted(x: NDArray[np.uint64], by: int) -> NDArray[np.uint64]:
    """Return what x ^ (x >> by) makes x of."""
    return np.asarray(x ^ (x >> np.uint64(by)) ^ (x >> np.uint64(2 * by)), np.uint64)


def _signed(x: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the same bits as the integers that ONNX adds, modulo 2⁶⁴ as well."""
    return np.ascontiguousarray(x).view(np.int64)


def _real(g: Graph, value: Any) -> str:
    return g.constant(value, np.float64)
