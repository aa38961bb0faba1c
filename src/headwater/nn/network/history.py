"""Early stopping and training history of ``Network.fit``."""

from __future__ import annotations

from dataclasses import dataclass, field

from headwater.errors import ConfigError


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """Stop when the validation loss no longer improves, and restore the best weights.

    Parameters
    ----------
    patience : int
        Number of epochs to wait for an improvement.
    min_delta : float
        Minimum improvement.

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
    """Losses of ``fit`` by epoch.

    Parameters
    ----------
    loss : list of float
        Mean loss of each epoch, penalty included.
    validation_loss : list of float
        Loss on the validation data after each epoch.
    best_epoch : int
        Epoch of the lowest validation loss, from 1; 0 without validation.
    stopped_early : bool
        Whether early stopping ended the training.

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
    """Return the early stopping, of which an int is the patience.

    Raises
    ------
    ConfigError
        If there is no validation data.
    """
    if given is not None and validation is None:
        raise ConfigError(expected="validation=(X, y)", got="none", at="early_stopping", help="Give data to stop by.")
    return EarlyStopping(given) if isinstance(given, int) else given
