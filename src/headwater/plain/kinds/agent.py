"""Streaming agent that learns each transition at once and then discards it, without replay.

States are rows of numbers and categories by name. The first layer is a table with a row per name, as everywhere in
headwater. Here every row and its trace is updated at each step. The core updates a row only when it is read, and must give
the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.plain.kinds.steps import adaptive_direction, bounded_step, fade
from headwater.plain.layers import DenseLayer, Layer

__all__ = ["Moments", "PlainAgent", "RewardScale", "TraceNet", "normal_gradient", "softmax_gradient"]

Array = NDArray[np.float64]
TIME = "agent time"
SETTLED, FAR, CLIP, PACE = 10, 10.0, 10.0, 1e-6
FAR_REWARD, LEAST_SPREAD, LEAST_DEVIATION, FARTHEST_ACTION = 20.0, 1e-8, 1e-3, 10.0


@dataclass
class Moments:
    """Running mean and variance (Welford 1962), which standardize a column."""

    mean: float = 0.0
    variance: float = 0.0
    seen: float = 0.0

    def standardise(self, x: float, learn: bool) -> float:
        """Return x standardized by moments that include x, clipped to ±10."""
        t, d = self.seen + 1, x - self.mean
        if t > SETTLED and self.variance > 0:
            bound = FAR * np.sqrt(self.variance)
            d = float(np.clip(d, -bound, bound))
        a = max(1 / t, PACE)
        mean, variance = self.mean + a * d, (1 - a) * (self.variance + a * d * d)
        if learn:
            self.mean, self.variance, self.seen = mean, variance, t
        if variance <= 1e-20 * mean * mean or variance <= 1e-300:
            return 0.0
        return float(np.clip((x - mean) / np.sqrt(variance), -CLIP, CLIP))


@dataclass
class RewardScale:
    """Scale of rewards, the standard deviation of the discounted return u ← γu + r. The mean is not subtracted."""

    gamma: float
    sum: float = 0.0
    moments: Moments = field(default_factory=Moments)

    def scale(self, reward: float, learn: bool = True) -> float:
        """Return the reward divided by the scale, which includes this reward where it is learned.

        Examples
        --------
        >>> scale = RewardScale(0.5)
        >>> [round(scale.scale(r), 3) for r in (1.0, 1.0, 3.0)]
        [1.0, 2.828, 2.048]
        """
        m = self.moments
        t, total = m.seen + 1, self.gamma * self.sum + reward
        d, bound = total - m.mean, FAR_REWARD * np.sqrt(m.variance)
        if t > SETTLED and bound > 0:
            d = float(np.clip(d, -bound, bound))
            total = m.mean + d
            reward = total - self.gamma * self.sum
        self.sum = total
        if learn:
            m.mean, m.variance, m.seen = m.mean + d / t, (1 - 1 / t) * (m.variance + d * d / t), t
        spread = m.variance * m.seen / (m.seen - 1) if m.seen > 1 else 1.0
        return float(reward / np.sqrt(spread + LEAST_SPREAD))


def softmax_gradient(z: Array, action: int, w: float) -> Array:
    """Return ∂/∂z of log p(action) + w·H(p), where p = softmax(z) and H is the entropy.

    Examples
    --------
    >>> softmax_gradient(np.zeros(2), 0, 0.0).tolist()
    [0.5, -0.5]
    """
    p = np.exp(z - z.max())
    p /= p.sum()
    logs = np.log(p + 1e-300)
    out: Array = (np.arange(len(z)) == action) - p - w * p * (logs - p @ logs)
    return out


def normal_gradient(z: Array, action: Array, w: float, bounded: bool = False) -> Array:
    """Return ∂/∂z of log N(action | μ, σ) + w·H(N), with ``z = [μ, s]`` and σ = softplus(s) + 0.001.

    For bounded actions, μ is the tanh of the first half of z. Otherwise a mean beyond the bounds could grow without limit,
    since all means there give the same action.

    Examples
    --------
    >>> normal_gradient(np.zeros(2), np.array([0.0]), 0.0).round(3).tolist()
    [0.0, -0.72]
    """
    mean, s = np.split(z, 2)
    mean = np.tanh(mean) if bounded else mean
    slope = 1 - mean**2 if bounded else np.ones_like(mean)
    deviation = np.log1p(np.exp(-np.abs(s))) + np.maximum(s, 0) + LEAST_DEVIATION
    e = np.clip((action - mean) / deviation, -FARTHEST_ACTION, FARTHEST_ACTION)
    return np.concatenate([e / deviation * slope, (e * e - 1 + w) / deviation / (1 + np.exp(-s))])


class TraceNet:
    """Network with an eligibility trace z per weight.

    Parameters
    ----------
    bias : ndarray (m,)
        Bias of the first layer, whose rows are added as names appear.
    layers : sequence of Layer
        The other layers.
    kappa : float
        Step-size bound κ.
    adaptive : bool
        Whether steps are scaled per weight by past gradients, as in Adam.
    """

    def __init__(self, bias: Array, layers: Sequence[Layer], kappa: float, adaptive: bool = False) -> None:
        self.rows: dict[Any, Array] = {TIME: bias * 0, None: bias}
        self.layers, self.kappa, self.adaptive = layers, kappa, adaptive
        self.dense = [layer for layer in layers if isinstance(layer, DenseLayer)]
        self.traces: dict[Any, Array] = {}
        self.squares: dict[Any, Array] = {}
        self.steps = 0

    def forward(self, pairs: Mapping[Any, float]) -> Array:
        """Return the output for pairs (row, value)."""
        Y: Any = np.sum([value * self.rows[name] for name, value in pairs.items()], axis=0)[None]
        for layer in self.layers:
            Y = layer.forward(Y)
        return np.asarray(Y[0], np.float64)

    def add_gradient(self, pairs: Mapping[Any, float], dY: Array, gamma: float, lamda: float) -> None:
        """Decay all traces, and add the gradient of dY · output of the last forward pass."""
        d: Any = dY[None]
        for layer in reversed(self.layers):
            d = layer.backward(d)
        new: dict[Any, Array] = {name: value * d[0] for name, value in pairs.items()}
        for i, layer in enumerate(self.dense):
            new |= {(i, "W"): np.asarray(layer.weights_gradient), (i, "b"): np.asarray(layer.bias_gradient)}
        for name in self.traces.keys() | new.keys():
            zero = np.zeros_like(self._numbers(name))
            self.traces[name] = fade(self.traces.get(name, zero), new.get(name, zero), gamma, lamda)

    def step(self, delta: float, alpha: float = 1.0, w: float = 1.0) -> None:
        """Take a bounded step along δ z, with weight w."""
        self.steps += 1
        ways = self.traces
        if self.adaptive:
            ways = {}
            for name in self.traces.keys() | self.squares.keys():
                zero = np.zeros_like(self._numbers(name))
                z, v = self.traces.get(name, zero), self.squares.get(name, zero)
                ways[name], self.squares[name] = adaptive_direction(z, v, delta, self.steps)
        size = sum(float(np.abs(way).sum()) for way in ways.values())
        eta = bounded_step(delta, size, alpha, self.kappa, w)
        for name, way in ways.items():
            self._numbers(name)[...] += eta * delta * way

    def _numbers(self, name: Any) -> Array:
        if isinstance(name, tuple) and name[1] in ("W", "b") and isinstance(name[0], int):
            layer = self.dense[name[0]]
            return np.asarray(layer.weights if name[1] == "W" else layer.bias)
        return self.rows[name]


class PlainAgent:
    """Stream Q(λ) or actor-critic AC(λ), updated by one transition at a time.

    δ = r + γ v(s′) − v(s), where v(s′) = 0 if the episode has terminated. In Q(λ), v(s) is q(s, a) and v(s′) = max q(s′, ·),
    and traces are reset after a non-greedy action (Watkins 1989). In AC(λ), the first net predicts v, and the second one's
    trace accumulates ∇[log π(a|s) + 0.01·sign(δ)·H(π)].

    A transition of weight w takes a longer or shorter step along all traces (`bounded_step`), which are the same whatever w is. With
    w = 0 no weight and no statistic moves, while time, rewards of the episode and traces go on.

    Parameters
    ----------
    nets : sequence of TraceNet
        A value net, optionally followed by a policy net.
    draw : callable
        Returns the initial weights of a name's row in net 0 or 1.
    normal, bounded : bool
        Whether actions are continuous, and whether they are bounded to ±1.
    gamma, lamda, entropy, bootstrap
        As in ``Agent``.
    """

    def __init__(
        self, nets: Sequence[TraceNet], draw: Callable[[int, Any], Array], *, normal: bool = False, bounded: bool = False,
        gamma: float = 0.99,
        lamda: float = 0.8, entropy: float = 0.01, bootstrap: bool = True,
    ) -> None:  # fmt: skip
        self.nets, self.draw, self.normal, self.bootstrap = nets, draw, normal, bootstrap
        self.bounded = bounded
        self.gamma, self.lamda, self.entropy = gamma, lamda, entropy
        self.columns: dict[Any, Moments] = {TIME: Moments()}
        self.scale = RewardScale(gamma)
        self.touched: set[Any] = set()
        self.time = 0

    def pairs(self, x: Mapping[str, Any], later: int = 0, learn: bool = False) -> dict[Any, float]:
        """Return the pairs (row, value) of a state. A name takes part from its second occurrence."""
        out: dict[Any, float] = {None: 1.0}
        for name, value in ({TIME: float(self.time + later)} | dict(sorted(x.items()))).items():
            if isinstance(value, str):
                out[(name, value)] = 1.0
            elif name in self.columns or learn:
                out[name] = self.columns.setdefault(name, Moments()).standardise(value, learn)
        return out

    def known(self, pairs: Mapping[Any, float]) -> dict[Any, float]:
        """Return the pairs whose row was learned before."""
        return {name: value for name, value in pairs.items() if name in self.touched}

    def learn(
        self,
        x: Mapping[str, Any],
        action: Any,
        reward: float,
        following: Mapping[str, Any],
        terminated: bool,
        truncated: bool,
        w: float = 1.0,
    ) -> float:
        """Learn a transition of weight w and return δ."""
        values = self.nets[0]
        q = len(self.nets) == 1
        later = values.forward(self.known(self.pairs(following, 1))) if self.touched else np.zeros(1)
        value = float(later.max() if q else later[0])
        if terminated or (truncated and not self.bootstrap):
            value = 0.0
        r = self.scale.scale(reward, w > 0)
        pairs = self.pairs(x, learn=w > 0)
        for e, net in enumerate(self.nets):
            for name in pairs.keys() - net.rows.keys():
                net.rows[name] = self.draw(e, name)
        predicted = values.forward(self.known(pairs)) if self.touched else values.forward({None: 1.0})
        which = int(action) if q else 0
        delta = r + self.gamma * value - predicted[which]
        values.add_gradient(pairs, np.eye(len(predicted))[which], self.gamma, self.lamda)
        if w > 0:
            values.step(delta, w=w)
        if not q:
            self._learn_policy(pairs, action, delta, w)
        self.touched |= pairs.keys()
        self.time += 1
        if terminated or truncated or (q and predicted[which] < predicted.max()):
            for net in self.nets:
                net.traces = {}
        if terminated or truncated:
            self.time, self.scale.sum = 0, 0.0
        return float(delta)

    def _learn_policy(self, pairs: Mapping[Any, float], action: Any, delta: float, weight: float) -> None:
        """Step along the trace of ∇[log π(a|s) + w·sign(δ)·H(π)]."""
        net = self.nets[1]
        z = net.forward(self.known(pairs) if self.touched else {None: 1.0})
        w = self.entropy * float(np.sign(delta))
        y = np.asarray(action)
        d = normal_gradient(z, y, w, self.bounded) if self.normal else softmax_gradient(z, int(action), w)
        net.add_gradient(pairs, d, self.gamma, self.lamda)
        if weight > 0:
            net.step(delta, w=weight)
