"""Loss declarations, computed in ``core/kernels/output/losses.h``."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.errors import ConfigError, choose
from headwater.plain.losses import LOSSES, LossRow


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss function, by name and optional constant.

    Parameters
    ----------
    name : str
        mse, mae, huber, binary_cross_entropy, cross_entropy, hinge, poisson or quantile.
    a : float, optional
        The loss's constant: the factor of mse (½ for ½·MSE), the width of huber, the level of quantile.

    Raises
    ------
    ConfigError
        For an unknown loss or a constant out of range.

    Examples
    --------
    >>> Loss("quantile", 0.9).row.formula
    'mean of a·(y − p) if y > p, else (1 − a)·(p − y)'
    """

    name: str
    a: float | None = None

    def __post_init__(self) -> None:
        if self.name not in LOSSES:
            raise ConfigError(
                expected=f"one of {', '.join(LOSSES)}",
                got=repr(self.name),
                at="loss",
                help=choose(self.name, LOSSES),
            )
        high = LOSSES[self.name].below
        if self.a is not None and not 0 < self.a < high:
            raise ConfigError(
                expected=f"a number between 0 and {high}",
                got=repr(self.a),
                at=f"loss {self.name}",
                help="Give such a number.",
            )

    @property
    def row(self) -> LossRow:
        """The loss's row of ``plain.losses``."""
        return LOSSES[self.name]

    @property
    def number(self) -> float:
        """The loss's constant, given or default."""
        return LOSSES[self.name].default if self.a is None else self.a


def as_loss(loss: str | Loss) -> Loss:
    """Return a ``Loss``, given one or its name."""
    return loss if isinstance(loss, Loss) else Loss(loss)
