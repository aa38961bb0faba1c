"""What ``Network.fit`` is told about stopping, and what it says afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from headwater.errors import ConfigError


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for a while, and take back the best weights.

    Parameters
    ----------
    patience : int
        Epochs without a new best that are waited for.
    min_delta : float
        By how much a new best must be better.

    References
    ----------
    Prechelt 1998.

    Examples
    --------
    >>> EarlyStopping(patience=5)
    EarlyStopping(patience=5, min_delta=0.0)
    """

    patience: int = 10
    min_delta: float = 0.0


@dataclass(slots=True)
class History:
    """What ``fit`` saw, epoch by epoch.

    Parameters
    ----------
    loss : list of float
        Mean loss of each epoch, penalty included.
    validation_loss : list of float
        Loss on the validation data after each epoch.
    best_epoch : int
        Epoch (from 1) of the lowest validation loss; 0 without validation.
    stopped_early : bool
        Whether early stopping ended it.

    Examples
    --------
    >>> History().loss
    []
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    best_epoch: int = 0
    stopped_early: bool = False


def as_stopping(given: EarlyStopping | int | None, validation: object) -> EarlyStopping | None:
    """Return when to stop; an int is the patience.

    Raises
    ------
    ConfigError
        If there is no data to stop by.
    """
    if given is not None and validation is None:
        raise ConfigError(expected="validation=(X, y)", got="none", at="early_stopping", help="Give data to stop by.")
    return EarlyStopping(given) if isinstance(given, int) else given
