"""Update rules, declared: a frozen dataclass each, whose defaults are the paper's; the loops run in ``core/kernels/optimizers``.

An optimizer here is only its numbers. Its state lives in the network's flat vectors, so one optimizer object can be given
to any number of networks.
"""

from __future__ import annotations

from typing import Any

from headwater.errors import ConfigError, choose

from .adaptive import COCOB, FTRL, Adadelta, AdaGrad, Adam, AdamW, AMSGrad, NAdam, RMSProp
from .base import Optimizer
from .momentum import SGD, Momentum, Nesterov

__all__ = [
    "AMSGrad",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "COCOB",
    "FTRL",
    "Momentum",
    "NAdam",
    "Nesterov",
    "OPTIMIZERS",
    "Optimizer",
    "RMSProp",
    "SGD",
    "as_optimizer",
    "optimizer",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    cls.rule.name: cls
    for cls in (SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adadelta, Adam, AdamW, AMSGrad, NAdam, FTRL, COCOB)
}
"""Every update rule by its string name."""


def optimizer(name: str, lr: float | None = None) -> Optimizer:
    """Return the optimizer of that name, with its own defaults and the given step size.

    Parameters
    ----------
    name : str
        A name in ``OPTIMIZERS``, e.g. ``"adam"``.
    lr : float, optional
        Step size; the rule's default without it.

    Returns
    -------
    Optimizer

    Raises
    ------
    ConfigError
        If there is no such rule.

    Examples
    --------
    >>> optimizer("sgd", 0.1)
    SGD(lr=0.1)
    """
    if name not in OPTIMIZERS:
        raise ConfigError(
            expected=f"one of {', '.join(OPTIMIZERS)}",
            got=repr(name),
            at="optimizer",
            help=choose(name, OPTIMIZERS),
        )
    cls: Any = OPTIMIZERS[name]
    made: Optimizer = cls() if lr is None else cls(lr=lr)
    return made


def as_optimizer(given: str | Optimizer, at: str = "optimizer") -> Optimizer:
    """Return the optimizer that was given by itself or by name.

    Raises
    ------
    ConfigError
        If it is neither an optimizer nor the name of one.

    Examples
    --------
    >>> as_optimizer("adam") == as_optimizer(Adam())
    True
    """
    if isinstance(given, str):
        return optimizer(given)
    if isinstance(given, Optimizer):
        return given
    raise ConfigError(
        expected="an optimizer or its name", got=repr(given), at=at, help="Give e.g. nn.Adam(0.001) or 'adam'."
    )
