"""Update rules of the optimizers.

A rule is one function: new weights = step(w, g, s, now). ``w`` are some weights and ``g`` their gradient, both of any one
shape; ``s`` (states, …) is the rule's state per weight, zeros at first, which it overwrites; and ``now`` holds the step's
other information. All rules share this signature, so learning is one loop over the arrays of a net.

A stream touches some rows of the first layer and not others, such as words and categories absent from the sample. The rule is
not applied to untouched rows. For some rules that is exact, since a zero gradient changes nothing; each row of ``RULES`` says
so.

Moments below 10⁻³⁰ are set to 0, because denormal numbers near 10⁻³⁸ take a hundred times as long on many machines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]

SMALLEST = 1e-30
"""Smaller moments are set to 0."""


@dataclass(frozen=True, slots=True)
class StepInfo:
    """Inputs of a rule besides weights, gradient and state.

    Parameters
    ----------
    lr : float
        Learning rate of this step, from the schedule.
    numbers : tuple of float
        The rule's hyperparameters, in the order of its row.
    t : int
        Steps of these weights, this one included, for Adam's bias corrections.
    net_t : int
        Steps of the whole net, this one included.
    product : float
        Product of NAdam's momenta μ₁ … μₜ over the net's steps; 1 for the other rules.
    is_weight : bool
        False for biases, gains and shifts, which don't decay.
    """

    lr: float
    numbers: tuple[float, ...] = ()
    t: int = 1
    net_t: int = 1
    product: float = 1.0
    is_weight: bool = True


@dataclass(frozen=True, slots=True)
class RuleRow:
    """Declaration of one update rule.

    Parameters
    ----------
    name : str
        Name in files and commands.
    states : int
        Number of state values per weight.
    formula, source : str
        Definition and publication.
    untouched : str
        Treatment of the rows that a sample doesn't touch.
    step : callable
        step(w, g, s, now), the new weights; s (states, …) is overwritten.
    exact_lazy : bool
        Whether a zero gradient changes nothing, so that skipping a row is exact.
    lr : float
        Default learning rate.
    numbers : mapping
        The rule's hyperparameters with their defaults, in the order of ``StepInfo.numbers``.
    momentum : callable or None
        momentum(t, numbers): the factor on ``product`` at step t of the net, for NAdam alone.

    Examples
    --------
    >>> RULES["momentum"].formula, RULES["momentum"].states
    ('u ← μ·u + g; w ← w − lr·u', 1)
    """

    name: str
    states: int
    formula: str
    source: str
    untouched: str
    step: Callable[[Array, Array, Array, StepInfo], Array]
    exact_lazy: bool = False
    lr: float = 0.01
    numbers: Mapping[str, float] = field(default_factory=dict)
    momentum: Callable[[int, tuple[float, ...]], float] | None = None


def decayed(moment: Array) -> Array:
    """Return the moment with 0 in place of values smaller than 10⁻³⁰.

    Examples
    --------
    >>> decayed(np.array([1e-31, -1e-31, 1e-29])).tolist()
    [0.0, 0.0, 1e-29]
    """
    return np.where(np.abs(moment) < SMALLEST, 0, moment)


# ---- one step size for all weights ----------------------------------------------------------------------------------


def sgd(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Stochastic gradient descent, w ← w − lr·g.

    Examples
    --------
    >>> w, g = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    >>> sgd(w, g, np.zeros((0, 2)), StepInfo(lr=0.1)).tolist()
    [0.95, 2.1]
    """
    return w - now.lr * g


def momentum(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Momentum (heavy ball), with s = (u,), the velocity.

    u ← μ·u + g; w ← w − lr·u.

    Examples
    --------
    >>> w, s, now = np.array([1.0]), np.zeros((1, 1)), StepInfo(lr=0.1, numbers=(0.9,))
    >>> w = momentum(w, np.array([1.0]), s, now)
    >>> momentum(w, np.array([1.0]), s, now).round(4).tolist(), s.tolist()
    ([0.71], [[1.9]])
    """
    (mu,) = now.numbers
    u = s[0] = decayed(mu * s[0] + g)
    return w - now.lr * u


def nesterov(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Nesterov's accelerated gradient, with s = (u,), the velocity.

    u ← μ·u + g; w ← w − lr·(g + μ·u).
    """
    (mu,) = now.numbers
    u = s[0] = decayed(mu * s[0] + g)
    return w - now.lr * (g + mu * u)


# ---- a step size for each weight ------------------------------------------------------------------------------------


def adagrad(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """AdaGrad, with s = (G,).

    G ← G + g²; w ← w − lr·g/(√G + ε).

    Examples
    --------
    The first step is as long for a large gradient as for a small one:

    >>> w, s, now = np.zeros(2), np.zeros((1, 2)), StepInfo(lr=0.1, numbers=(1e-10,))
    >>> adagrad(w, np.array([100.0, -0.01]), s, now).round(6).tolist()
    [-0.1, 0.1]
    """
    (eps,) = now.numbers
    s[0] += g * g
    step: Array = now.lr * g / (np.sqrt(s[0]) + eps)
    return w - step


def rmsprop(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """RMSProp, with s = (v,).

    v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε).
    """
    rho, eps = now.numbers
    v = s[0] = decayed(rho * s[0] + (1 - rho) * g * g)
    step: Array = now.lr * g / (np.sqrt(v) + eps)
    return w - step


def adadelta(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Adadelta, with s = (v, u).

    v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ.
    """
    rho, eps = now.numbers
    v = s[0] = decayed(rho * s[0] + (1 - rho) * g * g)
    delta: Array = g * np.sqrt(s[1] + eps) / np.sqrt(v + eps)
    s[1] = decayed(rho * s[1] + (1 - rho) * delta * delta)
    return w - now.lr * delta


# ---- Adam and its family --------------------------------------------------------------------------------------------


def update_moments(g: Array, s: Array, now: StepInfo) -> tuple[Array, Array]:
    """Update the first and second moments of the gradient, s = (m, v, …).

    m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g².
    """
    beta1, beta2 = now.numbers[:2]
    m = s[0] = decayed(beta1 * s[0] + (1 - beta1) * g)
    v = s[1] = decayed(beta2 * s[1] + (1 - beta2) * g * g)
    return m, v


def adam(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Adam, with s = (m, v).

    m, v as in ``update_moments``; m̂ = m/(1 − β₁ᵗ); v̂ = v/(1 − β₂ᵗ); w ← w − lr·m̂/(√v̂ + ε). The hats correct the bias of
    moments that start at 0.

    Examples
    --------
    The first step moves each weight by lr, whatever the size of its gradient:

    >>> w, s, now = np.zeros(2), np.zeros((2, 2)), StepInfo(lr=0.1, numbers=(0.9, 0.999, 1e-8))
    >>> adam(w, np.array([100.0, -0.01]), s, now).round(6).tolist()
    [-0.1, 0.1]
    """
    beta1, beta2, eps = now.numbers[:3]
    m, v = update_moments(g, s, now)
    m_hat = m / (1 - beta1**now.t)
    v_hat = v / (1 - beta2**now.t)
    step: Array = now.lr * m_hat / (np.sqrt(v_hat) + eps)
    return w - step


def adamw(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """AdamW, which is Adam with decoupled weight decay w ← (1 − lr·λ)·w, with s = (m, v).

    Biases don't decay.
    """
    decay = now.numbers[3]
    kept = w * (1 - now.lr * decay) if now.is_weight else w
    return adam(kept, g, s, now)


def amsgrad(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """AMSGrad, which is Adam with the maximum of v so far, with s = (m, v, maximum)."""
    beta1, beta2, eps = now.numbers
    m, v = update_moments(g, s, now)
    largest = s[2] = np.maximum(s[2], v)
    m_hat = m / (1 - beta1**now.t)
    v_hat = largest / (1 - beta2**now.t)
    step: Array = now.lr * m_hat / (np.sqrt(v_hat) + eps)
    return w - step


def nadam_momentum(t: int, numbers: tuple[float, ...]) -> float:
    """Return NAdam's momentum μₜ = β₁·(1 − ½·0.96^(t·ψ)) at step t of the net.

    Examples
    --------
    >>> round(nadam_momentum(1, (0.9, 0.999, 1e-8, 0.004)), 4)
    0.4501
    """
    beta1, psi = numbers[0], numbers[3]
    return float(beta1 * (1 - 0.5 * 0.96 ** (t * psi)))


def nadam(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """NAdam, which is Adam with Nesterov's look-ahead, with s = (m, v).

    m̂ = μₜ₊₁·m/(1 − Π·μₜ₊₁) + (1 − μₜ)·g/(1 − Π), Π = μ₁·…·μₜ over the net's steps; w ← w − lr·m̂/(√v̂ + ε).
    """
    beta2, eps = now.numbers[1:3]
    mu = nadam_momentum(now.net_t, now.numbers)
    mu_next = nadam_momentum(now.net_t + 1, now.numbers)
    m, v = update_moments(g, s, now)
    m_hat = mu_next * m / (1 - now.product * mu_next) + (1 - mu) * g / (1 - now.product)
    v_hat = v / (1 - beta2**now.t)
    step: Array = now.lr * m_hat / (np.sqrt(v_hat) + eps)
    return w - step


# ---- rules without a plain step size --------------------------------------------------------------------------------


def ftrl(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Follow the regularized leader (FTRL-Proximal), with s = (z, n) and exact zeros where the L1 penalty wins.

    σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w ← −(z − sign(z)·λ₁)/((β + √n)/α + λ₂), or 0 where |z| ≤ λ₁.
    α is the step size. Departs from the paper: z starts where this gives the initial weight, instead of 0.

    Examples
    --------
    >>> w, s, now = np.zeros(2), np.zeros((2, 2)), StepInfo(lr=0.1, numbers=(1.0, 0.5, 0.0))
    >>> ftrl(w, np.array([2.0, 0.1]), s, now).tolist()
    [-0.05, 0.0]
    """
    alpha, (beta, l1, l2) = now.lr, now.numbers
    if alpha == 0:  # the schedule has reached 0
        return w
    first = (s[1] == 0) & (g != 0)
    s[0] = np.where(first, -w * (beta / alpha + l2) - l1 * np.sign(w), s[0])
    root = np.sqrt(s[1])
    s[1] += g * g
    sigma = (np.sqrt(s[1]) - root) / alpha
    s[0] += g - sigma * w
    leader = -(s[0] - l1 * np.sign(s[0])) / ((beta + np.sqrt(s[1])) / alpha + l2)
    leader = np.where(np.abs(s[0]) <= l1, 0, leader)
    return np.where(g == 0, w, leader)  # for g = 0 the formula returns w only up to rounding


def cocob(w: Array, g: Array, s: Array, now: StepInfo) -> Array:
    """Continuous coin betting (COCOB), which needs no step size, with s = (L, A, R, θ, w₀).

    L ← max(L, |g|); A ← A + |g|; R ← max(R − (w − w₀)·g, 0); θ ← θ − g; w ← w₀ + θ·(L + R)/(L·max(A + L, α·L)).
    L is the largest gradient, A their sum, R the reward, θ minus the sum of gradients, w₀ where the bets started.

    Examples
    --------
    >>> w, s, now = np.zeros(1), np.zeros((5, 1)), StepInfo(lr=1.0, numbers=(100.0,))
    >>> cocob(w, np.array([-3.0]), s, now).tolist()
    [0.01]
    """
    (alpha,) = now.numbers
    moves = g != 0
    first = (s[0] == 0) & moves
    s[4] = np.where(first, w, s[4])
    s[0] = np.where(first, 1e-8, s[0])
    s[0] = np.maximum(s[0], np.abs(g))
    s[1] += np.abs(g)
    s[2] = np.where(moves, np.maximum(s[2] - (w - s[4]) * g, 0), s[2])
    s[3] -= g
    bound = np.where(moves, s[0] * np.maximum(s[1] + s[0], alpha * s[0]), 1)
    return np.where(moves, s[4] + s[3] / bound * (s[0] + s[2]), w)


# ---- the table ------------------------------------------------------------------------------------------------------

EXACT = "exact: a zero gradient changes nothing"
FROZEN = "weights and moments of an untouched row are unchanged"
FROZEN_CLOCK = "weights and moments of an untouched row are unchanged; so is its step count (bias correction)"
_ADAM = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}

_ROWS = (
    RuleRow("sgd", 0, "w ← w − lr·g", "Robbins & Monro 1951", EXACT, sgd, exact_lazy=True),
    RuleRow("momentum", 1, "u ← μ·u + g; w ← w − lr·u", "Polyak 1964", FROZEN, momentum, numbers={"momentum": 0.9}),
    RuleRow("nesterov", 1, "u ← μ·u + g; w ← w − lr·(g + μ·u)", "Nesterov 1983; Sutskever et al. 2013",
            FROZEN, nesterov, numbers={"momentum": 0.9}),
    RuleRow("adagrad", 1, "G ← G + g²; w ← w − lr·g/(√G + ε)", "Duchi, Hazan & Singer 2011",
            EXACT, adagrad, exact_lazy=True, numbers={"eps": 1e-10}),
    RuleRow("rmsprop", 1, "v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε)", "Tieleman & Hinton 2012",
            FROZEN, rmsprop, lr=0.001, numbers={"rho": 0.9, "eps": 1e-8}),
    RuleRow("adadelta", 2, "v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ",
            "Zeiler 2012", FROZEN, adadelta, lr=1.0, numbers={"rho": 0.95, "eps": 1e-6}),
    RuleRow("adam", 2, "m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·m̂/(√v̂ + ε)", "Kingma & Ba 2015",
            FROZEN_CLOCK, adam, lr=0.001, numbers=_ADAM),
    RuleRow("adamw", 2, "w ← (1 − lr·λ)·w, then Adam", "Loshchilov & Hutter 2019",
            FROZEN_CLOCK, adamw, lr=0.001, numbers=_ADAM | {"weight_decay": 0.01}),
    RuleRow("amsgrad", 3, "Adam with v̂ = the largest v so far", "Reddi, Kale & Kumar 2018",
            FROZEN_CLOCK, amsgrad, lr=0.001, numbers=_ADAM),
    RuleRow("nadam", 2, "Adam with Nesterov's look-ahead: m̂ = μₜ₊₁m/(1 − Πμ·μₜ₊₁) + (1 − μₜ)g/(1 − Πμ)", "Dozat 2016",
            FROZEN_CLOCK, nadam, lr=0.002, numbers=_ADAM | {"momentum_decay": 0.004}, momentum=nadam_momentum),
    RuleRow("ftrl", 2, "σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w = −(z − sign(z)λ₁)/((β + √n)/α + λ₂), 0 if |z| ≤ λ₁",
            "McMahan et al. 2013", EXACT, ftrl, exact_lazy=True, lr=0.1, numbers={"beta": 1.0, "l1": 0.0, "l2": 0.0}),
    RuleRow("cocob", 5, "L ← max(L, |g|); A ← A + |g|; R ← max(R − (w − w₀)g, 0); θ ← θ − g; w = w₀ + θ·(L + R)/(L·max(A + L, αL))",
            "Orabona & Tommasi 2017", EXACT, cocob, exact_lazy=True, lr=1.0, numbers={"alpha": 100.0}),
)  # fmt: skip

RULES: dict[str, RuleRow] = {row.name: row for row in _ROWS}
"""Every rule by name, in the order of the core's list."""
