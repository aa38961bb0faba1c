"""An agent's steps are those of PyTorch's autograd: gradients, traces and bounded steps, in float64, for values and for policies.

Here statistics are means over all of the past, gradients come from a graph, and all traces are dense; the core keeps running
means, writes its gradients out, and brings rows of the table up to date only where they are read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headwater.learner.engine import Engine, Setup
from headwater.nn import Activation, Dense, LayerNorm, Momentum
from headwater.nn.core import weights
from headwater.nn.expert import Expert
from headwater.nn.losses import as_loss
from support.packages.imports import when_used

torch = when_used(
    "torch",
    reason="no PyTorch, so the tests against it are SKIPPED. To run them: .venv/bin/python -m pip install torch",
)
F = when_used("torch.nn.functional")
VALUES, SOFTMAX, NORMAL = 1, 2, 3
UNITS, OUTPUTS, GAMMA, LAMBDA, KAPPA, ENTROPY = 12, 4, 0.97, 0.85, (2.0, 3.0), 0.01
STEPS, TOLERANCE = 300, 1e-9
COLUMNS = ("agent time", "a", "b")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def made(policy: int) -> Engine:
    hidden = (Dense(UNITS, initializer="lecun"), LayerNorm(affine=False), Activation("leaky_relu")) * 2
    expert = Expert((*hidden, Dense(OUTPUTS, initializer="lecun")), as_loss("mse"), Momentum(1.0))
    declared = (policy, GAMMA, LAMBDA, *KAPPA, ENTROPY, 0.0, 0.1, 1.0, 1.0, 0.0)
    experts = (expert,) * (1 if policy == VALUES else 2)
    return Engine(Setup(experts, 5, "float64", 4096, True, False, agent=declared, outputs=OUTPUTS))


def parameters(engine: Engine, e: int) -> list[np.ndarray]:
    """All numbers of expert e as they stand once rows are brought up to date: the table, then each layer's weights and bias."""
    core, out = engine.core, []
    about, numbers, own = core.sizes(), core.array("agent_numbers"), core.array("agent_rows")
    place = next(place for place in core.places() if place.table and place.expert == e)
    first = place.at - about["dense"]
    w, z = (
        np.asarray(vector)[about["dense"] :].reshape(-1, about["stride"])[:, first : first + place.m]
        for vector in (core.parameters, core.array("state_0"))
    )
    out.append(w + z * (numbers[1 + e] - own[:, e])[:, None])
    for place in core.places():
        if place.expert == e and not place.table and place.n:
            out += [weights(core, place).copy(), core.parameters[place.bias_at : place.bias_at + place.m].copy()]
    return out


class Net:
    """A net of PyTorch with traces, and the optimizer of Elsayed, Vasan & Mahmood 2024 (ObGD)."""

    def __init__(self, numbers: list[np.ndarray], kappa: float) -> None:
        self.numbers = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in numbers]
        self.kappa = kappa
        self.end()

    def end(self) -> None:
        self.traces = [torch.zeros_like(one) for one in self.numbers]

    def __call__(self, x: Any) -> Any:
        table, *behind = self.numbers
        h = x @ table
        for i in range(0, len(behind), 2):
            h = F.leaky_relu(F.layer_norm(h, (UNITS,)), 0.01) @ behind[i] + behind[i + 1]
        return h

    def step(self, objective: Any, delta: float) -> None:
        with torch.no_grad():
            gradients = torch.autograd.grad(objective, self.numbers)
            self.traces = [GAMMA * LAMBDA * z + g for z, g in zip(self.traces, gradients, strict=True)]
            size = sum(float(z.abs().sum()) for z in self.traces)
            step = 1 / max(1.0, self.kappa * max(abs(delta), 1.0) * size)
            for number, z in zip(self.numbers, self.traces, strict=True):
                number += step * delta * z


class Past:
    """All that was, and what follows from it."""

    def __init__(self) -> None:
        self.states: list[list[float]] = []
        self.sums: list[float] = []
        self.time, self.sum = 0, 0.0

    def standardised(self, x: dict[str, float], later: int = 0, learn: bool = False) -> Any:
        own = [float(self.time + later), x["a"], x["b"]]
        seen = np.array([*self.states, own])
        if learn:
            self.states.append(own)
        deviation = seen.std(0)
        z = (seen[-1] - seen.mean(0)) / np.where(deviation > 0, deviation, 1)
        return torch.tensor([1.0, *z], dtype=torch.float64)

    def scaled(self, reward: float) -> float:
        self.sum = GAMMA * self.sum + reward
        self.sums.append(self.sum)
        return reward / float(np.sqrt((np.var(self.sums, ddof=1) if len(self.sums) > 1 else 1.0) + 1e-8))

    def goes_on(self, ended: bool) -> None:
        self.time, self.sum = (0, 0.0) if ended else (self.time + 1, self.sum)


def of_policy(policy: int, z: Any, action: Any, sign: float) -> Any:
    """What the policy's trace is the gradient of: log pi(action) + sign * entropy."""
    if policy == SOFTMAX:
        said: Any = torch.distributions.Categorical(logits=z)
        return said.log_prob(torch.tensor(action)) + ENTROPY * sign * said.entropy()
    mean, s = torch.tanh(z[: OUTPUTS // 2]), z[OUTPUTS // 2 :]
    said = torch.distributions.Normal(mean, F.softplus(s) + 1e-3)
    return (said.log_prob(torch.tensor(action, dtype=torch.float64)) + ENTROPY * sign * said.entropy()).sum()


def step(
    policy: int, nets: list[Net], past: Past, x: Any, action: Any, reward: float, following: Any, ends: Any
) -> None:
    """One transition, by autograd."""
    terminated, truncated = ends
    later = nets[0](past.standardised(following, later=1)).detach()
    worth = 0.0 if terminated else float(later.max() if policy == VALUES else later[0])
    scaled = past.scaled(reward)
    state = past.standardised(x, learn=True)
    said = nets[0](state)
    which = action if policy == VALUES else 0
    delta = scaled + GAMMA * worth - said[which].item()
    nets[0].step(said[which], delta)
    if policy != VALUES:
        nets[1].step(of_policy(policy, nets[1](state), action, float(np.sign(delta))), delta)
    if terminated or truncated or (policy == VALUES and said[which].item() < said.max().item()):
        for net in nets:
            net.end()
    past.goes_on(terminated or truncated)


def drawn(rng: np.random.Generator, policy: int, learner: Any, x: dict[str, float]) -> Any:
    if policy == NORMAL:
        return rng.normal(size=OUTPUTS // 2).tolist()
    best = policy == VALUES and rng.random() < 0.9  # then traces go on
    return learner.act(x, False) if best else int(rng.integers(OUTPUTS))


@pytest.mark.parametrize("policy", [VALUES, SOFTMAX, NORMAL], ids=["values", "softmax", "normal"])
def test_transitions_move_an_agent_as_autograd_says(policy: int) -> None:
    engine, rng, past = made(policy), np.random.default_rng(3), Past()
    learner = engine.core.learner
    states = [{"a": float(a), "b": float(3 * b + 2)} for a, b in rng.normal(size=(STEPS + 2, 2))]
    learner.learn_transition(states[0], [0.5] * 2 if policy == NORMAL else 0, 1.0, None, True, False)  # its rows appear
    past.standardised(states[0], learn=True)
    past.scaled(1.0)
    past.goes_on(True)
    experts = range(len(engine.core.experts))
    nets = [Net(parameters(engine, e), KAPPA[e]) for e in experts]
    for i in range(STEPS):
        x, following, ends = states[i], states[i + 1], (i % 83 == 82, i % 120 == 119)
        action, reward = drawn(rng, policy, learner, x), float(rng.normal() + i % 3)
        learner.learn_transition(x, action, reward, None if ends[0] else following, *ends)
        step(policy, nets, past, x, action, reward, following, ends)
    for e in experts:
        for own, others in zip(parameters(engine, e), nets[e].numbers, strict=True):
            wanted = others.detach().numpy()
            np.testing.assert_allclose(own, wanted, rtol=0, atol=TOLERANCE * np.abs(wanted).max())
