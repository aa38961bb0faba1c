"""Optimizers with a step size per weight, adapted to its past gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer
from .schedules import Schedule


@dataclass(frozen=True, slots=True)
class AdaGrad(Optimizer):
    """AdaGrad, whose step sizes shrink with the sum of squared gradients.

    G ← G + g²; w ← w − lr·g/(√G + ε).

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.
    eps : float
        ε, which avoids division by zero.

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
    """RMSProp, which divides by the root mean square of recent gradients.

    v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε).

    Parameters
    ----------
    lr : float or Schedule
        Learning rate.
    rho : float
        ρ, the decay of the mean square.
    eps : float
        ε, which avoids division by zero.

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
    """Adadelta, which scales steps by the root mean square of recent steps.

    v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ.

    Parameters
    ----------
    lr : float or Schedule
        1 in the paper, which has no learning rate.
    rho : float
        ρ, the decay of the means.
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
    """Adam, which combines momentum with a step size per weight.

    m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·m̂/(√v̂ + ε), where hats mark bias-corrected moments.

    Parameters
    ----------
    lr : float or Schedule
        Learning rate, about the size of a weight's step.
    beta1, beta2 : float
        Decay of the two moments.
    eps : float
        ε, which avoids division by zero.

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
    """Adam with decoupled weight decay, w ← (1 − lr·λ)·w before the step. Biases don't decay.

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
    """AMSGrad, which is Adam with the maximum of the second moment so far.

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
    """Adam with Nesterov's look-ahead, with momentum μₜ = β₁(1 − ½·0.96^(t·ψ)).

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
    """Follow the regularized leader (FTRL-Proximal), with exactly zero weights where L1 wins.

    σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w = −(z − sign(z)·λ₁)/((β + √n)/α + λ₂), or 0 if |z| ≤ λ₁.

    Parameters
    ----------
    lr : float or Schedule
        α.
    beta : float
        β, which bounds the first steps.
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
    """Continuous coin betting, which needs no learning rate. Each weight bets a fraction of its winnings.

    Parameters
    ----------
    alpha : float
        α, which bounds the first bets.
    lr : float
        Unused, present so that every optimizer has one.

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
