"""Update rules that give each weight a step of its own, from the gradients it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer
from .schedules import Schedule


@dataclass(frozen=True, slots=True)
class AdaGrad(Optimizer):
    """G ← G + g²; w ← w − lr·g/(√G + ε): a step size for each weight that shrinks with what it has learned.

    Parameters
    ----------
    lr : float or Schedule
        Step size.
    eps : float
        ε, against division by zero.

    References
    ----------
    Duchi, Hazan & Singer 2011.

    Examples
    --------
    >>> AdaGrad().lr
    0.01
    """

    rule: ClassVar[RuleRow] = RULES["adagrad"]
    lr: float | Schedule = 0.01
    eps: float = 1e-10

    def numbers(self) -> tuple[float, ...]:
        """Return (ε,)."""
        return (self.eps,)


@dataclass(frozen=True, slots=True)
class RMSProp(Optimizer):
    """v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε).

    Parameters
    ----------
    lr : float or Schedule
        Step size.
    rho : float
        ρ, what is kept of the mean square.
    eps : float
        ε, against division by zero.

    References
    ----------
    Tieleman & Hinton 2012 (lecture 6.5).

    Examples
    --------
    >>> RMSProp().rho
    0.9
    """

    rule: ClassVar[RuleRow] = RULES["rmsprop"]
    lr: float | Schedule = 0.001
    rho: float = 0.9
    eps: float = 1e-8

    def numbers(self) -> tuple[float, ...]:
        """Return (ρ, ε)."""
        return self.rho, self.eps


@dataclass(frozen=True, slots=True)
class Adadelta(Optimizer):
    """v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ.

    Parameters
    ----------
    lr : float or Schedule
        1 in the paper, which has no step size.
    rho : float
        ρ, what is kept of the means.
    eps : float
        ε, which sets the size of the first steps.

    References
    ----------
    Zeiler 2012.

    Examples
    --------
    >>> Adadelta()
    Adadelta(lr=1.0, rho=0.95, eps=1e-06)
    """

    rule: ClassVar[RuleRow] = RULES["adadelta"]
    lr: float | Schedule = 1.0
    rho: float = 0.95
    eps: float = 1e-6

    def numbers(self) -> tuple[float, ...]:
        """Return (ρ, ε)."""
        return self.rho, self.eps


@dataclass(frozen=True, slots=True)
class Adam(Optimizer):
    """m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·m̂/(√v̂ + ε), hats for the bias correction.

    Parameters
    ----------
    lr : float or Schedule
        Step size: about how far a weight moves in a step.
    beta1, beta2 : float
        What is kept of the two moments.
    eps : float
        ε, against division by zero.

    References
    ----------
    Kingma & Ba 2015.

    Examples
    --------
    >>> Adam(1e-3).beta2
    0.999
    """

    rule: ClassVar[RuleRow] = RULES["adam"]
    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def numbers(self) -> tuple[float, ...]:
        """Return (β₁, β₂, ε)."""
        return self.beta1, self.beta2, self.eps


@dataclass(frozen=True, slots=True)
class AdamW(Optimizer):
    """Adam after w ← (1 − lr·λ)·w: weight decay that the second moment doesn't rescale. Biases don't decay.

    Parameters
    ----------
    lr : float or Schedule
        Step size.
    beta1, beta2, eps : float
        As in Adam.
    weight_decay : float
        λ.

    References
    ----------
    Loshchilov & Hutter 2019.

    Examples
    --------
    >>> AdamW().weight_decay
    0.01
    """

    rule: ClassVar[RuleRow] = RULES["adamw"]
    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01

    def numbers(self) -> tuple[float, ...]:
        """Return (β₁, β₂, ε, λ)."""
        return self.beta1, self.beta2, self.eps, self.weight_decay


@dataclass(frozen=True, slots=True)
class AMSGrad(Optimizer):
    """Adam with the largest second moment so far under the root, so that steps never grow again.

    Parameters
    ----------
    lr : float or Schedule
        Step size.
    beta1, beta2, eps : float
        As in Adam.

    References
    ----------
    Reddi, Kale & Kumar 2018. Departs from the paper: the first moment is bias-corrected, as in Adam.

    Examples
    --------
    >>> AMSGrad().rule.states
    3
    """

    rule: ClassVar[RuleRow] = RULES["amsgrad"]
    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def numbers(self) -> tuple[float, ...]:
        """Return (β₁, β₂, ε)."""
        return self.beta1, self.beta2, self.eps


@dataclass(frozen=True, slots=True)
class NAdam(Optimizer):
    """Adam with Nesterov's look-ahead, μₜ = β₁(1 − ½·0.96^(t·ψ)).

    Parameters
    ----------
    lr : float or Schedule
        Step size.
    beta1, beta2, eps : float
        As in Adam.
    momentum_decay : float
        ψ.

    References
    ----------
    Dozat 2016.

    Examples
    --------
    >>> NAdam().momentum_decay
    0.004
    """

    rule: ClassVar[RuleRow] = RULES["nadam"]
    lr: float | Schedule = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 0.004

    def numbers(self) -> tuple[float, ...]:
        """Return (β₁, β₂, ε, ψ)."""
        return self.beta1, self.beta2, self.eps, self.momentum_decay


@dataclass(frozen=True, slots=True)
class FTRL(Optimizer):
    """Follow the (proximally) regularised leader: AdaGrad's steps, with weights of exactly zero where L1 wins.

    σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w = −(z − sign(z)·λ₁)/((β + √n)/α + λ₂), or 0 if |z| ≤ λ₁.

    Parameters
    ----------
    lr : float or Schedule
        α.
    beta : float
        β, which tames the first steps.
    l1, l2 : float
        λ₁, λ₂.

    References
    ----------
    McMahan et al. 2013. Departs from the paper: z starts where w is the initial weight, so a hidden layer is not zeroed.

    Examples
    --------
    >>> FTRL(0.1, l1=1.0).beta
    1.0
    """

    rule: ClassVar[RuleRow] = RULES["ftrl"]
    lr: float | Schedule = 0.1
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 0.0

    def numbers(self) -> tuple[float, ...]:
        """Return (β, λ₁, λ₂)."""
        return self.beta, self.l1, self.l2


@dataclass(frozen=True, slots=True)
class COCOB(Optimizer):
    """Continuous coin betting: no step size at all; each weight bets a fraction of what it has won.

    Parameters
    ----------
    alpha : float
        α, which tames the first bets.
    lr : float
        Not used by the rule; kept at 1 so that every optimizer has one.

    References
    ----------
    Orabona & Tommasi 2017 (COCOB-Backprop).

    Examples
    --------
    >>> COCOB().alpha
    100.0
    """

    rule: ClassVar[RuleRow] = RULES["cocob"]
    lr: float | Schedule = 1.0
    alpha: float = 100.0

    def numbers(self) -> tuple[float, ...]:
        """Return (α,)."""
        return (self.alpha,)
