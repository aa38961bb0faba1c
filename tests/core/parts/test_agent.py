"""An agent in the core does what headwater.plain.kinds says; its traces over table rows, which decay lazily, are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headwater.learner.engine import Engine, Setup
from headwater.nn import Activation, Adam, Dense, LayerNorm, Momentum
from headwater.nn.core import weights
from headwater.nn.expert import Expert
from headwater.nn.losses import as_loss
from headwater.plain.activations import ACTIVATIONS
from headwater.plain.kinds.agent import TIME, PlainAgent, TraceNet
from headwater.plain.layers import ActivationLayer, DenseLayer, LayerNormalisation

VALUES, SOFTMAX, NORMAL = 1, 2, 3
UNITS, OUTPUTS, GAMMA, LAMBDA = 12, 4, 0.97, 0.85
KAPPA = (2.0, 3.0)


def made(policy: int, *, adaptive: bool = False, lr: float = 1.0, bootstrap: bool = True) -> Engine:
    hidden = (Dense(UNITS, initializer="lecun"), LayerNorm(affine=False), Activation("leaky_relu")) * 2
    rule = Adam(lr) if adaptive else Momentum(lr)
    expert = Expert((*hidden, Dense(OUTPUTS, initializer="lecun")), as_loss("mse"), rule)
    declared = (policy, GAMMA, LAMBDA, *KAPPA, 0.01, 0.0, 0.1, float(bootstrap), float(bootstrap), float(adaptive))
    experts = (expert,) * (1 if policy == VALUES else 2)
    return Engine(Setup(experts, 5, "float64", 4096, True, False, agent=declared, outputs=OUTPUTS))


def state(rng: np.random.Generator, i: int) -> dict[str, Any]:
    """Numbers and categories, of which many are rare: their rows stay untouched for long."""
    x: dict[str, Any] = {"a": rng.normal(), "b": 3 * rng.normal() + 2, "colour": "rgb"[rng.integers(3)]}
    x["word"] = f"w{int(rng.integers(40) ** 2 / 40)}"
    if i % 4 == 0:
        x["sometimes"] = rng.normal()
    if i > 120:
        x["late"] = float(i % 11)
    return x


def rows_by_name(engine: Engine) -> dict[Any, int]:
    slots = engine.core.array("slot_row")
    found: dict[Any, int] = {}
    for column in engine.columns.values():
        if column.slot >= 0:
            found[column.name] = int(slots[column.slot])
        found |= {(column.name, text): row for text, row in column.values.items()}
    return found


def table(engine: Engine, e: int, vector: np.ndarray | None = None) -> np.ndarray:
    """Columns of expert e in all rows of the table, that of the bias first."""
    core = engine.core
    place = next(place for place in core.places() if place.table and place.expert == e)
    p, about = core.parameters if vector is None else vector, core.sizes()
    first = place.at - about["dense"]
    return p[about["dense"] :].reshape(-1, about["stride"])[:, first : first + place.m]


def up_to_date(engine: Engine, e: int, adaptive: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weights and traces of the table as they stand once all rows are brought up to date."""
    numbers, own = engine.core.array("agent_numbers"), engine.core.array("agent_rows")
    w, z = table(engine, e).copy(), table(engine, e, np.asarray(engine.core.array("state_0"))).copy()
    if adaptive:
        return w, z
    return w + z * (numbers[1 + e] - own[:, e])[:, None], z * numbers[0]


def plain_net(engine: Engine, e: int, adaptive: bool) -> TraceNet:
    core = engine.core
    row = ACTIVATIONS["leaky_relu"]
    layers: list[Any] = [LayerNormalisation(), ActivationLayer(row)]
    for place in core.places():
        if place.expert == e and not place.table and place.n:
            bias = core.parameters[place.bias_at : place.bias_at + place.m].copy()
            layers += [DenseLayer(weights(core, place).copy(), bias), LayerNormalisation(), ActivationLayer(row)]
    return TraceNet(table(engine, e)[0].copy(), layers[:-2], KAPPA[e], adaptive)


def action(rng: np.random.Generator, policy: int) -> Any:
    return int(rng.integers(OUTPUTS)) if policy != NORMAL else rng.normal(size=OUTPUTS // 2).tolist()


@pytest.mark.parametrize("policy", [VALUES, SOFTMAX, NORMAL], ids=["values", "softmax", "normal"])
@pytest.mark.parametrize("adaptive", [False, True], ids=["obgd", "adaptive"])
@pytest.mark.parametrize("bootstrap", [True, False], ids=["through truncation", "truncation ends"])
@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.2, 0.0, 1.0, 5.0]], ids=["unweighted", "weighted"])
def test_lazy_traces_over_table_rows_equal_dense_ones(
    policy: int, adaptive: bool, bootstrap: bool, weights: list[float]
) -> None:
    engine = made(policy, adaptive=adaptive, bootstrap=bootstrap)
    still = made(policy, adaptive=adaptive, lr=1e-300)  # it takes no steps: its rows stay as they were drawn
    learner, rng = engine.core.learner, np.random.default_rng(3)
    experts = range(len(engine.core.experts))
    nets = [plain_net(engine, e, adaptive) for e in experts]

    def drawn(e: int, name: Any) -> np.ndarray:
        return table(still, e)[rows_by_name(still)[name]].copy()

    plain = PlainAgent(
        nets, drawn, normal=policy == NORMAL, bounded=bootstrap, gamma=GAMMA, lamda=LAMBDA, bootstrap=bootstrap
    )
    x = state(rng, 0)
    for i in range(260):
        a, reward, following = action(rng, policy), float(rng.normal() + i % 3), state(rng, i + 1)
        if policy == VALUES and rng.random() < 0.9:
            a = learner.act(x, False)  # the best one: traces go on
        ends = (bool(i % 83 == 82), bool(i % 120 == 119))
        for one in (still.core.learner, learner):
            one.learn_transition(x, a, reward, None if ends[0] else following, *ends, weights[i % len(weights)])
        if i == 0:
            for e in experts:
                nets[e].rows[TIME] = drawn(e, TIME)
        plain.learn(x, a, reward, following, *ends, weights[i % len(weights)])
        x = state(rng, i) if ends[0] else following
        for e in experts if i % 7 == 0 or i > 240 else ():
            check_rows(engine, e, nets[e], adaptive)
    said = nets[0].forward(plain.known(plain.pairs(x)))
    assert learner.state_value(x)[0] == pytest.approx(said.max() if policy == VALUES else said[0], rel=1e-6)


def check_rows(engine: Engine, e: int, net: TraceNet, adaptive: bool) -> None:
    w, z = up_to_date(engine, e, adaptive)
    for name, row in (rows_by_name(engine) | {None: 0}).items():
        np.testing.assert_allclose(w[row], net.rows[name], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(z[row], net.traces.get(name, np.zeros(UNITS)), rtol=1e-6, atol=1e-10)
    if not adaptive:
        dense = sum(float(np.abs(net.traces[name]).sum()) for name in net.rows if name in net.traces)
        assert engine.core.array("agent_numbers")[3 + e] == pytest.approx(dense, rel=1e-7, abs=1e-9)
