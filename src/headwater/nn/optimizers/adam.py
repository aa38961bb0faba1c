"""Adam and its relatives, which adapt a step size per weight and follow a mean of past gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from headwater.plain.optimizers.rules import RULES, RuleRow

from .base import Optimizer, Schedule


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
