"""Run epochs of gradient descent, and restore the weights if the loss diverges."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError

from .engines import FixedNet
from .history import EarlyStopping, History


def run_epoch(
    net: FixedNet,
    x: NDArray[Any],
    y: NDArray[Any],
    w: NDArray[Any],
    order: NDArray[np.intp],
    size: int,
    epoch: int,
) -> float:
    """Take a step every ``size`` samples of x (n, inputs) in ``order``, and return the mean loss with penalty.

    Raises
    ------
    DataError
        If the loss or a weight is no longer finite. The state is then restored to that before the epoch.
    """
    good, total = net.snapshot(steps=True), 0.0
    for start in range(0, len(x), size):
        some = order[start : start + size]
        whole = len(some) == len(x)
        bx, by, bw = (x, y, w) if whole else (x[some], y[some], w[some])
        value, g = net.training_loss_and_gradient(bx, by, bw)
        if np.isfinite(value):
            total += (value + net.penalty()) * len(bx)
            net.apply(g, penalise=True)
            if not np.isfinite(net.parameters).all():
                value = np.inf  # what the next loss would be
        if not np.isfinite(value):
            net.restore(good)
            net.count_undone()
            raise DataError(
                expected="a loss that stays finite",
                got=f"{value:g}",
                at=f"Network.fit, epoch {epoch}",
                help="Use a smaller step or clip_norm, and bring the inputs to about -1 … 1. "
                "The state before this epoch was restored.",
            )
    return total / max(len(x), 1)


def run_epochs(
    net: FixedNet,
    epochs: int,
    run_one: Callable[[int], float],
    validation_loss: Callable[[], float] | None,
    stopping: EarlyStopping | None,
    callbacks: Sequence[Callable[[int, History], object]] = (),
) -> History:
    """Run ``epochs`` epochs and, with ``stopping``, restore the best weights at the end.

    ``run_one(epoch)`` runs an epoch and returns its loss, and ``validation_loss()`` returns the loss on validation data. A
    callback that returns True ends the training.
    """
    history, best = History(), np.inf
    best_state = net.snapshot(steps=False)
    for epoch in range(1, epochs + 1):
        history.loss.append(run_one(epoch))
        if validation_loss is not None:
            history.validation_loss.append(validation_loss())
            if history.validation_loss[-1] < best - (stopping.min_delta if stopping else 0.0):
                best, history.best_epoch = history.validation_loss[-1], epoch
                best_state = net.snapshot(steps=False)
            elif stopping is not None and epoch - history.best_epoch >= stopping.patience:
                history.stopped_early = True
        results = [call(epoch, history) for call in callbacks]
        if history.stopped_early or any(result is True for result in results):
            break
    if stopping is not None:
        net.restore(best_state)
    return history


def split_at(n: int, share: float, validation: object) -> int:
    """Return the number of samples to train on if the last ``share`` of n are held out for validation.

    Raises
    ------
    ConfigError
        If there is validation data already, or one side would be empty.
    """
    kept = round(n * share) if 0 < share < 1 else 0
    if validation is not None or not 0 < kept < n:
        raise ConfigError(
            expected="a share between 0 and 1 that leaves samples on both sides, and no validation=(X, y) beside it",
            got=f"{share!r} of {n} samples",
            at="validation_split",
            help="Give e.g. 0.2.",
        )
    return n - kept


def printed(epochs: int, every: int) -> Callable[[int, History], None]:
    """Return a callback that prints the losses of every ``every``-th epoch and of the last."""

    def on_epoch(epoch: int, history: History) -> None:
        if epoch % every and epoch < epochs:
            return
        more = f"  validation {history.validation_loss[-1]:.4g}" if history.validation_loss else ""
        sys.stdout.write(f"epoch {epoch}/{epochs}  loss {history.loss[-1]:.4g}{more}\n")

    return on_epoch
