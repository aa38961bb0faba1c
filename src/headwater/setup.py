"""From a learner's settings to what its engine is made of."""

from __future__ import annotations

from typing import Any

from .engine import Setup
from .errors import ConfigError
from .nn import AdaGrad, BatchNorm, Dense, Dropout, LayerNorm
from .nn.layers import Activation, Layer
from .nn.lower import Expert
from .nn.losses import as_loss

RING = 1000
"""How many of the last samples are kept for replay."""
DEFAULT_OPTIMIZER = AdaGrad(0.05)
"""A step for each weight that needs no tuning on standardised inputs (benchmarks/NOTES.md has the comparison)."""


def make_setup(learner: Any, losses: tuple[str, ...], *, targets: bool) -> Setup:
    """Check a learner's settings and turn them into a setup.

    Parameters
    ----------
    learner : Classifier or Regressor
        Whose settings to read.
    losses : tuple of str
        Losses that fit the task.
    targets : bool
        Whether answers are standardised as they stream.

    Returns
    -------
    Setup

    Raises
    ------
    ConfigError
        For settings that can't be.
    """
    loss = as_loss(learner.loss)
    name = type(learner).__name__
    if loss.name not in losses:
        raise ConfigError(expected=f"one of {', '.join(losses)}", got=repr(loss.name), at=f"loss of {name}", help="Choose one of these names.")
    if learner.dtype not in ("float32", "float64"):
        raise ConfigError(expected="'float32' or 'float64'", got=repr(learner.dtype), at=f"dtype of {name}", help="Choose one of the two.")
    if isinstance(learner.seed, bool) or not isinstance(learner.seed, int):
        raise ConfigError(expected="a whole number", got=repr(learner.seed), at=f"seed of {name}", help="Give e.g. seed=1.")
    if learner.experts is not None:
        experts = tuple(learner.experts)
        ring = RING if any(e.replays for e in experts) else 0
        return Setup(experts, learner.seed, learner.dtype, learner.max_rows, learner.scale, targets, learner.hats, ring)
    rule = DEFAULT_OPTIMIZER if learner.optimizer is None else learner.optimizer
    layers = (*_hidden(learner), Dense(1, initializer="zeros"))
    expert = Expert(layers, loss, rule, learner.l1, learner.l2, learner.clip_norm, learner.clip_value)
    return Setup((expert,), learner.seed, learner.dtype, learner.max_rows, learner.scale, targets)


def _hidden(learner: Any) -> list[Layer]:
    """The layers in front of the output layer."""
    if learner.layers is not None:
        return list(learner.layers)
    norms = {None: None, "layer": LayerNorm(affine=False), "batch": BatchNorm()}
    if learner.norm not in norms:
        raise ConfigError(expected="None, 'layer' or 'batch'", got=repr(learner.norm), at="norm", help="Choose one of these.")
    norm = norms[learner.norm]
    out: list[Layer] = []
    for units in learner.hidden:
        start = "lecun" if norm else None
        if norm is None:
            out.append(Dense(units, learner.activation))
        else:
            out += [Dense(units, initializer=start), norm, Activation(learner.activation)]
        if learner.dropout:
            out.append(Dropout(learner.dropout))
    return out
