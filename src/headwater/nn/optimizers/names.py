"""Optimizers by their names."""

from __future__ import annotations

from typing import Any

from headwater.errors import ConfigError, choose

from .adam import Adam, AdamW, AMSGrad, NAdam
from .adaptive import Adadelta, AdaGrad, RMSProp
from .base import Optimizer
from .momentum import Momentum, Nesterov
from .online import COCOB, FTRL
from .sgd import SGD

OPTIMIZERS: dict[str, type[Optimizer]] = {
    cls.rule.name: cls
    for cls in (SGD, Momentum, Nesterov, AdaGrad, RMSProp, Adadelta, Adam, AdamW, AMSGrad, NAdam, FTRL, COCOB)
}
"""Every optimizer by name."""


def optimizer(name: str, lr: float | None = None) -> Optimizer:
    """Return the optimizer of a name, with its defaults and the given learning rate.

    Parameters
    ----------
    name : str
        A name in ``OPTIMIZERS``, e.g. ``"adam"``.
    lr : float, optional
        Learning rate; the optimizer's default if None.

    Returns
    -------
    Optimizer

    Raises
    ------
    ConfigError
        For an unknown name.

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
    """Return an optimizer, given one or its name.

    Raises
    ------
    ConfigError
        If it is neither an optimizer nor a name.

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
